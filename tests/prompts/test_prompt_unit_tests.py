"""`evalgate prompt test`: what passes, and above all what does not."""

from __future__ import annotations

import json
import os
import re
import xml.etree.ElementTree as ET
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from evalgate.cli.main import main
from evalgate.config.strict_yaml import parse_document
from evalgate.core.errors import BadInput
from evalgate.core.text_changes import LineChange, changed_lines
from evalgate.prompts.expectations import CHECKS, Expectation, estimated_tokens, failures_of
from evalgate.prompts.snapshots import parse_snapshot, section_text, snapshot_text
from evalgate.prompts.template_tests import parse_template_tests
from evalgate.prompts.values import Message
from evalgate.report.text_changes_lines import change_line

SCHEMA = '{"name": "a", "schema": {"type": "object", "required": ["x"], "properties": {"x": {"type": "integer"}}}}'
PROMPT = f"""messages:
  - {{role: system, content: "Be {{{{tone}}}}."}}
  - {{role: user, content: "{{{{q}}}}"}}
responseFormat: json_schema
jsonSchema: '{SCHEMA}'
"""
CASE = "cases:\n  - name: one\n    inputs: {tone: kind, q: 'why?'}\n"


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """`configs/prompts/p` of a project that is the working folder, with a prompt 1."""
    place = tmp_path / "configs" / "prompts" / "p"
    place.mkdir(parents=True)
    (place / "1.prompt.yml").write_text(PROMPT, encoding="utf-8")
    monkeypatch.chdir(tmp_path)
    return place


def written(folder: Path, text: str) -> Path:
    path = folder / "1.test.yml"
    path.write_text(text, encoding="utf-8")
    return path


HOLDS = [
    "messages: [{role: system, content: Be kind.}, {role: user, content: 'why?'}]",
    "expect: [{contains: kind}]", "expect: [{contains: [kind, why]}]", "expect: [{role: user, equals: 'why?'}]", "expect: [{message: 1, equals: Be kind.}]",
    "expect: [{message: -1, equals: 'why?'}]", "expect: [{role: system, message: 1, matches: '^Be [a-z]+'}]", "expect: [{not_contains: rude}]", "expect: [{not_matches: '[0-9]'}]",
    "expect: [{count: 2}, {role: user, count: 1}, {role: assistant, count: 0}]", "expect: [{max_characters: 12}]", "expect: [{max_tokens: 5}]",
]  # fmt: skip
BREAKS = [
    ("messages: [{role: system, content: Be kind.}]", "not the expected ones"), ("messages: [{role: user, content: Be kind.}, {role: user, content: 'why?'}]", "not the expected ones"),
    ("messages: [{role: system, content: Be kind}, {role: user, content: 'why?'}]", "~ Be kind{+.+}"), ("expect: [{contains: rude}]", "none contains 'rude'"), ("expect: [{contains: [kind, rude]}]", "none contains 'rude'"),
    ("expect: [{role: user, contains: kind}]", "user messages: none contains 'kind'"), ("expect: [{role: user, equals: why}]", "none is 'why', but 'why?'"), ("expect: [{message: 2, equals: Be kind.}]", "number 2"),
    ("expect: [{message: 3, contains: kind}]", "there is no such message"), ("expect: [{role: assistant, not_contains: x}]", "there is no such message"), ("expect: [{role: assistant, max_tokens: 9}]", "there is no such message"),
    ("expect: [{not_contains: [rude, kind]}]", "one contains 'kind'"), ("expect: [{matches: '^kind'}]", "none matches"), ("expect: [{not_matches: why}]", "one matches"), ("expect: [{count: 3}]", "2 messages, expected 3"),
    ("expect: [{max_characters: 11}]", "12 characters"), ("expect: [{max_tokens: 4}]", "about 5 tokens (estimate)"), ("raises: true", "was to refuse these inputs"), ("snapshot: true", "there is no snapshot"),
    ("expect: [{contains: kind}, {contains: rude}]", "none contains 'rude'"),
]  # fmt: skip


@pytest.mark.parametrize("wanted", HOLDS)
def test_what_holds(folder: Path, wanted: str) -> None:
    written(folder, f"{CASE}    {wanted}\n")
    assert main(["prompt", "test"]) == 0
    assert main(["check"]) == 0


@pytest.mark.parametrize(("wanted", "said"), BREAKS)
def test_what_does_not_hold(folder: Path, capsys: pytest.CaptureFixture[str], wanted: str, said: str) -> None:
    written(folder, f"{CASE}    {wanted}\n")
    assert main(["prompt", "test"]) == 2
    told = capsys.readouterr().out
    assert said in told
    assert "configs/prompts/p/1.test.yml:2: one" in told
    assert "FAIL  1 of 1 test failed" in told
    assert main(["check"]) == 2
    assert "configs/prompts/p/1.test.yml:2: one: " in capsys.readouterr().err


@pytest.mark.parametrize(
    ("inputs", "raises", "code"),
    [
        ("{q: x}", "true", 0), ("{q: x}", "tone", 0), ("{tone: null, q: x}", "'tone'", 0), ("{}", "'q'", 0),
        ("{q: x}", "some other reason", 2), ("{tone: a, q: x}", "tone", 2),
    ],
)  # fmt: skip
def test_refused_inputs(folder: Path, inputs: str, raises: str, code: int) -> None:
    written(
        folder, f"cases:\n  - name: one\n    inputs: {inputs}\n    raises: {raises if raises == 'true' else json.dumps(raises)}\n"
    )
    assert main(["prompt", "test"]) == code


def test_a_prompt_that_cannot_be_rendered_fails(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    written(folder, "cases:\n  - name: one\n    inputs: {q: x}\n    expect: [{not_contains: rude}]\n")
    assert main(["prompt", "test"]) == 2
    assert "cannot be rendered" in capsys.readouterr().out


ANSWERS = [
    ("accepts: ['{\"x\": 1}', {x: 2}]", 0), ("refuses: ['{\"x\": \"1\"}', '{}', 'x: 1', '', {x: one}, [], '{\"x\": NaN}', '{\"x\": 1, \"x\": 2}', '```json {\"x\": 1}```']", 0),
    ("accepts: ['{}']", 2), ("accepts: ['the answer is {\"x\": 1}']", 2), ("refuses: [{x: 1}]", 2), ("accepts: [{x: 1}]\n  refuses: ['{\"x\": 3}']", 2),
]  # fmt: skip


@pytest.mark.parametrize(("answers", "code"), ANSWERS)
def test_sample_answers(folder: Path, answers: str, code: int) -> None:
    written(folder, f"answers:\n  {answers}\n")
    assert main(["prompt", "test"]) == code


def test_answers_need_a_schema(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (folder / "1.prompt.yml").write_text(PROMPT.split("responseFormat", maxsplit=1)[0], encoding="utf-8")
    written(folder, "answers:\n  refuses: [no]\n")
    assert main(["prompt", "test"]) == 2
    assert "no output schema" in capsys.readouterr().out


FAULTY = [
    ("", "empty"), ("- a\n", "mapping with the key cases"), ("cases: []\n", "at least one case"), ("cases: x\n", "at least one case"), ("prompt: 1.prompt.yml\n", "tests nothing"), ("casess: []\n", "did you mean cases"),
    ("cases: [x]\n", "a case is a mapping"), ("cases: [{name: a}]\n", "expects nothing"), ("cases: [{inputs: {q: 1}, raises: true}]\n", "needs a name"), ("cases: [{name: '', raises: true}]\n", "needs a name"),
    ("cases: [{name: ' a', raises: true}]\n", "needs a name"), ('cases: [{name: "a\\u202eb", raises: true}]\n', "needs a name"), ("cases: [{name: a, raises: true}, {name: a, raises: true}]\n", "is used at"),
    ("cases: [{name: a, raises: false}]\n", "raises is true, or words"), ("cases: [{name: a, raises: ''}]\n", "raises is true, or words"), ("cases: [{name: a, raises: true, snapshot: true}]\n", "renders nothing"),
    ("cases: [{name: a, snapshot: false}]\n", "snapshot is either true"), ("cases: [{name: a, inputs: [1], raises: true}]\n", "inputs must be a mapping"), ("cases: [{name: a, expects: []}]\n", "did you mean expect"),
    ("cases: [{name: a, expect: []}]\n", "must be a list of expectations"), ("cases: [{name: a, expect: [{}]}]\n", "checks nothing"), ("cases: [{name: a, expect: [{role: user}]}]\n", "checks nothing"),
    ("cases: [{name: a, expect: [x]}]\n", "such as {contains"), ("cases: [{name: a, expect: [{contain: x}]}]\n", "did you mean contains"), ("cases: [{name: a, expect: [{contains: ''}]}]\n", "none of them empty"),
    ("cases: [{name: a, expect: [{contains: []}]}]\n", "none of them empty"), ("cases: [{name: a, expect: [{not_contains: 3}]}]\n", "none of them empty"), ("cases: [{name: a, expect: [{equals: [x]}]}]\n", "equals must be a text"),
    ("cases: [{name: a, expect: [{matches: '(?=x)'}]}]\n", "no look-around"), ("cases: [{name: a, expect: [{matches: '['}]}]\n", "not valid"), ("cases: [{name: a, expect: [{max_tokens: 0}]}]\n", "whole number"),
    ("cases: [{name: a, expect: [{max_tokens: 1.5}]}]\n", "whole number"), ("cases: [{name: a, expect: [{count: true}]}]\n", "whole number"), ("cases: [{name: a, expect: [{role: bot, count: 1}]}]\n", "unknown role 'bot'"),
    ("cases: [{name: a, expect: [{message: 0, count: 1}]}]\n", "1 is the first"), ("cases: [{name: a, messages: []}]\n", "list of {role, content}"), ("cases: [{name: a, messages: [{role: user}]}]\n", "mapping with role and content"),
    ("cases: [{name: a, messages: [{role: tool, content: x}]}]\n", "unknown role 'tool'"), ("cases: [{name: a, messages: [{role: user, content: 3}]}]\n", "must be a text"), ("answers: {}\n", "accepts, refuses or both"),
    ("answers: {accepts: []}\n", "must be a list of answers"), ("answers: {accept: [x]}\n", "did you mean accepts"), ("prompt: ../1.prompt.yml\nanswers: {refuses: [x]}\n", "name of a file beside"), ("prompt: 3\nanswers: {refuses: [x]}\n", "name of a file beside"),
    ("prompt: 9.prompt.yml\nanswers: {refuses: [x]}\n", "no prompt '9.prompt.yml'"), ("cases: [{name: a, raises: true}]\ncases: []\n", "given twice"), ("cases: &a [{name: a, raises: true}]\n", "second name"), ("cases: !!python/object:os.system x\n", "tag"),
]  # fmt: skip


@pytest.mark.parametrize(("text", "said"), FAULTY)
def test_faulty_test_files_fail(folder: Path, capsys: pytest.CaptureFixture[str], text: str, said: str) -> None:
    written(folder, text)
    assert main(["prompt", "test"]) == 2
    assert said in capsys.readouterr().out
    assert main(["check"]) == 2
    assert said in capsys.readouterr().err


@pytest.mark.parametrize("arguments", [[], ["configs"], ["configs/prompts/p/1.prompt.yml"], ["nowhere"], ["--json"]])
def test_no_tests_are_no_pass(folder: Path, capsys: pytest.CaptureFixture[str], arguments: list[str]) -> None:
    assert main(["prompt", "test", *arguments]) == 2
    assert "test" in capsys.readouterr().err


def test_a_pipe_is_not_waited_for(folder: Path) -> None:
    os.mkfifo(folder / "1.test.yml")
    assert main(["prompt", "test", str(folder / "1.test.yml")]) == 2
    assert main(["prompt", "test"]) == 2


def test_which_prompt_a_test_file_means(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = written(folder, f"{CASE}    expect: [{{count: 1}}]\n")
    (folder / "1.txt").write_text("Say {{tone}}", encoding="utf-8")
    assert main(["prompt", "test", str(path)]) == 2
    assert "several prompts have this name: 1.prompt.yml, 1.txt" in capsys.readouterr().out
    written(folder, f"prompt: 1.txt\n{CASE}    expect: [{{count: 1}}]\n")
    assert main(["prompt", "test", str(path)]) == 0
    (folder / "1.txt").unlink()
    (folder / "1.prompt.yml").unlink()
    written(folder, f"{CASE}    expect: [{{count: 1}}]\n")
    assert main(["prompt", "test", str(path)]) == 2
    assert "there is no prompt '1'" in capsys.readouterr().out


def test_a_link_out_of_the_project_is_not_read(
    folder: Path, tmp_path_factory: pytest.TempPathFactory, capsys: pytest.CaptureFixture[str]
) -> None:
    outside = tmp_path_factory.mktemp("outside") / "secret.txt"
    outside.write_text("the secret {{tone}}", encoding="utf-8")
    (folder / "3.txt").symlink_to(outside)
    (folder / "3.test.yml").write_text(f"{CASE}    messages: [{{role: user, content: x}}]\n", encoding="utf-8")
    assert main(["prompt", "test"]) == 2
    told = capsys.readouterr().out
    assert "leads out of the project" in told
    assert "the secret" not in told


PROMPTY = """---
inputs:
  age:
    kind: integer
---
system:
Be kind.
user:
I am {{age}}.{% if age > 17 %} An adult.{% endif %}
"""


def test_other_formats_have_tests_too(folder: Path) -> None:
    pytest.importorskip("jinja2")
    (folder / "3.prompty").write_text(PROMPTY, encoding="utf-8")
    path = folder / "3.test.yml"
    path.write_text(
        "cases:\n"
        "  - {name: adult, inputs: {age: 20}, expect: [{role: user, contains: An adult.}], snapshot: true}\n"
        "  - {name: child, inputs: {age: 7}, expect: [{not_contains: adult}]}\n"
        "  - {name: a text for a number, inputs: {age: old}, raises: variable 'age' is not what the prompt declares}\n",
        encoding="utf-8",
    )
    assert main(["prompt", "test", str(path), "--update"]) == 0
    assert main(["prompt", "test", str(path)]) == 0
    (folder / "3.prompty").write_text(PROMPTY.replace("integer", "string"), encoding="utf-8")
    assert main(["prompt", "test", str(path)]) == 2


def test_samples_in_a_prompt_file_must_render(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    samples = "testData:\n  - {tone: kind, q: why, expected: because}\n  - {tone: kind}\n"
    (folder / "1.prompt.yml").write_text(PROMPT + samples, encoding="utf-8")
    assert main(["prompt", "test"]) == 2
    told = capsys.readouterr().out
    assert "test data 2" in told
    assert "'q'" in told
    (folder / "1.prompt.yml").write_text(PROMPT + samples.replace("- {tone: kind}", "- {tone: kind, q: a}"), encoding="utf-8")
    assert main(["prompt", "test"]) == 0


def test_two_test_files_of_one_name_are_refused(folder: Path) -> None:
    written(folder, f"{CASE}    expect: [{{count: 2}}]\n")
    (folder / "1.test.yaml").write_text(f"{CASE}    expect: [{{count: 2}}]\n", encoding="utf-8")
    assert main(["prompt", "test"]) == 2


def test_a_faulty_prompt_fails_its_tests(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    written(folder, f"{CASE}    expect: [{{count: 2}}]\n")
    (folder / "1.prompt.yml").write_text(PROMPT.replace("{{tone}}", "{{tone"), encoding="utf-8")
    assert main(["prompt", "test"]) == 2
    assert "is not a placeholder" in capsys.readouterr().out


def test_snapshots_are_taken_and_held(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    written(folder, f"{CASE}    snapshot: true\n")
    assert main(["prompt", "test", "--update"]) == 0
    path = folder / "__snapshots__" / "1.snap.md"
    taken = path.read_bytes()
    assert main(["prompt", "test", "--update"]) == 0
    assert path.read_bytes() == taken
    path.write_bytes(taken.replace(b"\n", b"\r\n"))
    assert main(["prompt", "test"]) == 0
    path.write_bytes(taken)
    (folder / "1.prompt.yml").write_text(PROMPT.replace("Be {{tone}}.", "Be very {{tone}}, please."), encoding="utf-8")
    capsys.readouterr()
    assert main(["prompt", "test"]) == 2
    assert "~ Be{+ very+} kind{+, please+}." in capsys.readouterr().out
    assert path.read_bytes() == taken


def test_a_hidden_character_breaks_a_snapshot_that_looks_the_same(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    written(folder, f"{CASE}    snapshot: true\n")
    (folder / "1.prompt.yml").write_text(PROMPT.replace("Be {{", "Be\\u200b {{"), encoding="utf-8")
    main(["prompt", "test", "--update"])
    text = (folder / "__snapshots__" / "1.snap.md").read_text(encoding="utf-8")
    assert "Be\\u200b kind." in text
    (folder / "1.prompt.yml").write_text(PROMPT.replace("Be {{", "Be\\\\u200b {{"), encoding="utf-8")
    assert main(["prompt", "test"]) == 2
    assert "not rendered as in the snapshot" in capsys.readouterr().out


def test_orphans_are_named_and_go_on_request(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    written(folder, f"{CASE}    snapshot: true\n  - {{name: two, inputs: {{tone: a, q: b}}, snapshot: true}}\n")
    main(["prompt", "test", "--update"])
    snapshots = folder / "__snapshots__"
    (snapshots / "9.snap.md").write_bytes((snapshots / "1.snap.md").read_bytes())
    written(folder, f"{CASE}    snapshot: true\n")
    capsys.readouterr()
    assert main(["prompt", "test"]) == 0
    told = capsys.readouterr().out
    assert "orphaned snapshot: configs/prompts/p/__snapshots__/9.snap.md" in told
    assert "orphaned snapshot: configs/prompts/p/__snapshots__/1.snap.md: two" in told
    assert main(["prompt", "test", "--update"]) == 0
    assert [path.name for path in snapshots.iterdir()] == ["1.snap.md"]
    assert "## two" not in (snapshots / "1.snap.md").read_text(encoding="utf-8")


def test_a_case_that_fails_to_render_keeps_its_snapshot(folder: Path) -> None:
    written(folder, f"{CASE}    snapshot: true\n")
    main(["prompt", "test", "--update"])
    before = (folder / "__snapshots__" / "1.snap.md").read_bytes()
    written(folder, CASE.replace("tone: kind, ", "") + "    snapshot: true\n")
    assert main(["prompt", "test", "--update"]) == 2
    assert (folder / "__snapshots__" / "1.snap.md").read_bytes() == before


@pytest.mark.parametrize("content", ["mine", "", "# notes\n\n## one\n"])
def test_what_is_no_snapshot_is_neither_read_nor_removed(folder: Path, content: str) -> None:
    written(folder, f"{CASE}    expect: [{{count: 2}}]\n")
    (folder / "__snapshots__").mkdir()
    path = folder / "__snapshots__" / "8.snap.md"
    path.write_text(content, encoding="utf-8")
    assert main(["prompt", "test", "--update"]) == 2
    assert path.read_text(encoding="utf-8") == content
    path.rename(path.with_name("1.snap.md"))
    assert main(["prompt", "test"]) == 2


def test_snapshots_stay_beside_the_prompt(folder: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    outside = tmp_path / "outside"
    outside.mkdir()
    (folder / "__snapshots__").symlink_to(outside)
    written(folder, f"{CASE}    snapshot: true\n")
    assert main(["prompt", "test", "--update"]) == 2
    assert "symbolic link" in capsys.readouterr().out
    assert not list(outside.iterdir())


def test_json_and_junit(folder: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    hostile = "x ]]> <b> ::error::y ##[group]"
    written(
        folder,
        f"{CASE}    expect: [{{contains: {json.dumps(hostile)}}}]\n  - {{name: two, inputs: {{q: a, tone: b}}, expect: [{{count: 2}}]}}\n",
    )
    assert main(["prompt", "test", "--json", "--junit", "out.xml"]) == 2
    captured = capsys.readouterr()
    document = json.loads(captured.out)
    assert (document["tests"], document["failed"], document["schema"]) == (2, 1, "evalgate.prompt-tests/1")
    assert "##[" not in captured.err
    suite = ET.parse(tmp_path / "out.xml").getroot()[0]
    assert (suite.get("tests"), suite.get("failures")) == ("2", "1")
    assert [case.get("name") for case in suite] == ["one", "two"]
    assert suite[0].get("file") == "configs/prompts/p/1.test.yml"
    assert suite[0].get("line") == "2"
    assert main(["prompt", "test", "--json", "--junit", "-"]) == 2


def test_a_command_of_a_ci_runner_stays_text(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    hostile = r"x\n::error::y\e[2J ##vso[task.setvariable]z"
    written(
        folder, f'cases:\n  - name: one\n    inputs: {{tone: "{hostile}", q: a}}\n    messages: [{{role: user, content: a}}]\n'
    )
    assert main(["prompt", "test"]) == 2
    told = capsys.readouterr().out
    assert not re.search(r"^\s*::", told, re.MULTILINE)
    assert "\x1b" not in told
    assert "##vso[" not in told


MESSAGES = st.lists(
    st.builds(Message, st.sampled_from(["system", "user", "assistant"]), st.text(max_size=60)), min_size=1, max_size=4
)


@given(st.dictionaries(st.sampled_from(["a", "b b", "## c"]), MESSAGES, min_size=1))
def test_snapshots_are_read_as_they_were_written(cases: dict[str, list[Message]]) -> None:
    sections = {name: section_text(messages) for name, messages in cases.items()}
    text = snapshot_text(sections)
    assert parse_snapshot(text, "x") == sections
    assert parse_snapshot(text.replace("\n", "\r\n"), "x") == sections


@given(MESSAGES, MESSAGES)
def test_equal_sections_are_equal_messages(one: list[Message], two: list[Message]) -> None:
    assert (section_text(one) == section_text(two)) == (one == two)


def test_a_merged_snapshot_with_two_sections_of_one_name_is_refused() -> None:
    section = section_text([Message("user", "x")])
    text = snapshot_text({"a": section})
    with pytest.raises(BadInput):
        parse_snapshot(text + f"\n## a\n\n{section}\n", "x")


LINES = st.text(alphabet="ab \n", max_size=60)


@given(LINES, LINES)
def test_changes_hold_both_texts(before: str, after: str) -> None:
    changes = changed_lines(before, after)
    assert (changes == ()) == (before == after)

    def side(change: LineChange, kind: str) -> str:
        return "".join(piece.text for piece in change.pieces if piece.kind in ("same", kind))

    shown_old = [side(c, "gone") for c in changes if c.kind in ("same", "gone", "mixed")]
    shown_new = [side(c, "come") for c in changes if c.kind in ("same", "come", "mixed")]
    if not any(c.kind == "skipped" for c in changes) and changes:
        assert "\n".join(shown_old) == before
        assert "\n".join(shown_new) == after


def test_changes_are_readable_and_bounded() -> None:
    assert [change_line(c) for c in changed_lines("a\nb\nc\nd\nsay hello to all", "a\nb\nc\nd\nsay hullo to all")] == [
        "…", "  c", "  d", "~ say[- hello-]{+ hullo+} to all",
    ]  # fmt: skip
    assert len(changed_lines("\n".join("ab" * 900), "\n".join("ba" * 900))) > 0
    assert len(changed_lines("a\n" * 5000, "b\n" * 5000)) == 10_002
    assert change_line(changed_lines(" ".join("ab" * 4000), " ".join("ba" * 4000))[0]).startswith("- a b")


@given(MESSAGES, st.text(min_size=1, max_size=5))
def test_contains_and_not_contains_are_opposites(messages: list[Message], text: str) -> None:
    yes, no = (failures_of(Expectation({key: text}), messages) for key in ("contains", "not_contains"))
    assert bool(yes) != bool(no)


@given(st.text(max_size=80), st.text(max_size=80))
def test_estimated_tokens_never_shrink(one: str, two: str) -> None:
    assert estimated_tokens(one + two) >= max(estimated_tokens(one), estimated_tokens(two))
    assert estimated_tokens(one) >= len(one) / 3


def test_every_check_is_judged() -> None:
    value: dict[str, Any] = {key: 1 if key.startswith(("max", "count")) else "zz" for key in CHECKS}
    for key in CHECKS:
        found = failures_of(Expectation({key: value[key]}), [Message("user", "zz a"), Message("user", "b")])
        assert bool(found) == (key not in ("contains", "matches")), key


def test_places_of_cases() -> None:
    tests = parse_template_tests(parse_document(f"{CASE}    expect: [{{count: 2}}]\nanswers: {{accepts: [{{x: 1}}]}}\n", "t"))
    assert [case.place for case in tests.cases] == ["t:2"]
    assert [(a.name, a.place) for a in tests.answers] == [("answers: accepts 1", "t:5")]


def test_the_shipped_prompts_pass_their_tests(
    repository: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(repository)
    assert main(["prompt", "test", "--json", "configs/prompts", "evalgate/starter"]) == 0
    document = json.loads(capsys.readouterr().out)
    assert document["untested"] == document["orphans"] == []
