"""`evalgate prompt diff`: templates, parameters and rendered cases side by side."""

from __future__ import annotations

import json
import re
from dataclasses import replace
from pathlib import Path

import html5lib
import pytest
from hypothesis import given
from hypothesis import strategies as st

from evalgate.cli.main import main
from evalgate.config.strict_yaml import parse_document
from evalgate.core.prompt_changes import MessageChange
from evalgate.core.values import Case
from evalgate.prompts.prompt_diff import case_rendering, message_changes, prompt_changes
from evalgate.prompts.prompt_file import parse_prompt
from evalgate.prompts.values import Message, Prompt
from evalgate.report.prompt_diff_markdown import LIMIT, render_prompt_diff
from evalgate.report.prompt_diff_text import diff_document, diff_lines

OLD = "description: old\nmessages:\n  - {role: system, content: Be kind to them.}\n  - {role: user, content: 'Please answer: {{q}}'}\nmodelParameters: {temperature: 0, seed: 7}\n"
NEW = "description: new\nmessages:\n  - {role: system, content: Be very kind to them.}\n  - {role: user, content: 'Please answer: {{q}}'}\nmodelParameters: {temperature: 0.5, topP: 1}\n"
HOSTILE = "</pre><script>x</script> @octocat #12 ![a](http://e.x) ::error::y ##vso[task]z \u202e\x1b[2J `` <ins>"


def prompt(text: str, reference: str = "p@1") -> Prompt:
    return parse_prompt(parse_document(text, f"{reference}.prompt.yml"), reference=reference)


@pytest.fixture
def root(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A project with prompts p@1 and p@2, q@1, a dataset d and a gate that uses p@1 and p@2 on it."""
    for name, version, text in (("p", "1", OLD), ("p", "2", NEW), ("q", "1", OLD.replace("{{q}}", "{{other}}"))):
        place = tmp_path / "configs" / "prompts" / name
        place.mkdir(parents=True, exist_ok=True)
        (place / f"{version}.prompt.yml").write_text(text, encoding="utf-8")
    data = tmp_path / "datasets" / "d" / "1.0.0"
    data.mkdir(parents=True)
    (data / "dataset.yaml").write_text(
        "name: d\nversion: 1.0.0\ndata: cases.jsonl\ninputs: [q]\nreference: a\n", encoding="utf-8"
    )
    rows = [{"id": f"c{n}", "q": f"question {n}", "a": "x"} for n in range(5)]
    (data / "cases.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows), encoding="utf-8")
    gate(tmp_path, "g", "p@1", "p@2", "d@1.0.0")
    monkeypatch.chdir(tmp_path)
    return tmp_path


def gate(root: Path, name: str, baseline: str, candidate: str, dataset: str) -> None:
    text = (
        f"gate: {name}\ndataset: {dataset}\nvariants:\n  baseline: {{prompt: {baseline}, model: m}}\n  candidate: {{prompt: {candidate}, model: m}}\n"
        "models:\n  m: {provider: openai, name: m}\nproxy: {mode: replay, recording: r}\nmetrics: [exact_match]\nthresholds:\n  - {metric: exact_match, min: 0.5}\n"
    )
    (root / "configs" / f"{name}.yaml").write_text(text, encoding="utf-8")


def document(capsys: pytest.CaptureFixture[str], *arguments: str) -> dict[str, object]:
    capsys.readouterr()
    assert main(["prompt", "diff", *arguments, "--json"]) == 0
    found: dict[str, object] = json.loads(capsys.readouterr().out)
    return found


def test_everything_that_differs(root: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["prompt", "diff", "p@1", "p@2", "--cases", "2"]) == 0
    told = capsys.readouterr().out
    for line in (
        "suggested version bump: minor (the messages changed; parameters changed: seed, temperature, top_p)",
        "~ Be{+ very+} kind to them.", "- seed: 7", "- temperature: 0", "+ temperature: 0.5", "+ top_p: 1", '- description: "old"',
        "rendered with the first 2 cases of d@1.0.0: 2 of 2 differ", "case c0 (datasets/d/1.0.0/cases.jsonl:1): differs",
    ):  # fmt: skip
        assert line in told
    found = document(capsys, "p@1", "p@2")
    assert found["schema"] == "evalgate.prompt-diff/1"
    assert [case["id"] for case in found["cases"]] == ["c0", "c1", "c2"]  # type: ignore[attr-defined]
    assert found["bump"]["level"] == "minor"  # type: ignore[index]


def test_equal_prompts_differ_nowhere(root: Path, capsys: pytest.CaptureFixture[str]) -> None:
    found = document(capsys, "p@1", "./configs/prompts/p/1.prompt.yml")
    assert found["same"] is True
    assert found["bump"] == {"level": None, "reasons": []}
    assert found["messages"] == found["parameters"] == found["about"] == []
    assert [case["differs"] for case in found["cases"]] == [False] * 3  # type: ignore[attr-defined]


def test_a_side_that_cannot_be_rendered_says_why(root: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["prompt", "diff", "p@1", "q@1", "--dataset", "d@1.0.0", "--cases", "1"]) == 0
    told = capsys.readouterr().out
    assert "major (variables are no longer used: q; variables are needed that were not: other)" in told
    assert "the new prompt cannot be rendered" in told
    assert "'other'" in told
    assert "case c0 (datasets/d/1.0.0/cases.jsonl:1): differs" in told
    assert main(["prompt", "diff", "q@1", "q@1", "--dataset", "d@1.0.0", "--cases", "1"]) == 0
    assert "0 of 1 differ, 1 cannot be rendered by either" in capsys.readouterr().out


def test_the_dataset_is_found_only_when_it_is_one(root: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert "no gate under configs/ uses these prompts" in str(document(capsys, "q@1", "q@1")["note"])
    assert document(capsys, "p@1", "p@2", "--cases", "0")["note"] == "no case was asked for"
    other = root / "datasets" / "e" / "1.0.0"
    other.mkdir(parents=True)
    for name in ("dataset.yaml", "cases.jsonl"):
        text = (root / "datasets" / "d" / "1.0.0" / name).read_text(encoding="utf-8")
        (other / name).write_text(text.replace("name: d", "name: e"), encoding="utf-8")
    gate(root, "h", "p@1", "q@1", "e@1.0.0")
    assert document(capsys, "p@1", "p@2")["dataset"]["name"] == "d@1.0.0"  # type: ignore[index]
    gate(root, "i", "p@1", "p@2", "e@1.0.0")
    assert "several datasets are used with these prompts: choose one with --dataset (d@1.0.0, e@1.0.0)" in str(
        document(capsys, "p@1", "p@2")["note"]
    )
    (root / "configs" / "broken.yaml").write_text("gate: [", encoding="utf-8")
    assert document(capsys, "p@1", "p@2", "--dataset", "e@1.0.0")["dataset"]["name"] == "e@1.0.0"  # type: ignore[index]


@pytest.mark.parametrize(
    "arguments",
    [
        ["p@1", "p@9"], ["p@1", "nowhere.txt"], ["nope@1", "nope@2"], ["p@1", "p@2", "--dataset", "x@1.0.0"], ["p@1", "p@2", "--dataset", "d@2.0.0"],
        ["p@1", "p@2", "--cases", "-1"], ["p@1", "p@2", "--cases", "1001"], ["p@1", "p@2", "--cases", "many"], ["p@1"], ["p@1", "p@2", "--json", "--markdown"],
        ["../../etc/passwd", "p@1"], ["p@1", "configs"],
    ],
)  # fmt: skip
def test_what_cannot_be_compared(root: Path, arguments: list[str]) -> None:
    try:
        code = main(["prompt", "diff", *arguments])
    except SystemExit as stop:
        code = int(stop.code or 0)
    assert code == 2


def test_a_dataset_that_is_not_what_it_was_locked_to_is_refused(root: Path) -> None:
    card = root / "datasets" / "d" / "1.0.0" / "dataset.yaml"
    card.write_text(card.read_text(encoding="utf-8") + f"rows: 5\ndigest: sha256:{'0' * 64}\n", encoding="utf-8")
    assert main(["prompt", "diff", "p@1", "p@2"]) == 2
    (card.parent / "cases.jsonl").write_text("", encoding="utf-8")
    assert main(["prompt", "diff", "p@1", "p@2"]) == 2


def test_hostile_texts_are_escaped_at_every_exit() -> None:
    old, new = prompt(OLD), prompt(NEW)
    new = replace(new, messages=(Message("system", HOSTILE), new.messages[1]), description=HOSTILE, digest="x")
    case = Case(id=f"c {HOSTILE}", fields={}, inputs={"q": HOSTILE}, references=(), slices={}, place=f"f {HOSTILE}")
    changes = replace(
        prompt_changes(old, new),
        dataset=HOSTILE,
        cases=(case_rendering(old, new, case), case_rendering(old, replace(new, placeholders=("zz",)), case)),
    )
    text = "\n".join(diff_lines(changes))
    assert not re.search(r"[\x1b\u202e]", text)
    assert "##vso[" not in text
    assert not re.search(r"^\s*::", text, re.MULTILINE)
    page = render_prompt_diff(changes)
    assert not re.search(r"[\x1b\u202e]", page)
    assert "##vso[" not in page
    assert "<script" not in page
    assert page.count("<pre>") == page.count("</pre>")
    outside = re.sub(r"<pre>.*?</pre>|<summary>.*?</summary>", "", page, flags=re.DOTALL)
    assert "@octocat" not in outside
    assert "](" not in outside
    tree = html5lib.parse(f"<body>{page}</body>", namespaceHTMLElements=False)
    assert {element.tag for element in tree.iter()} <= {"html", "head", "body", "pre", "ins", "del", "details", "summary"}
    assert json.loads(json.dumps(diff_document(changes)))["messages"][0]["lines"]


def test_markdown_fits_into_a_comment() -> None:
    many = tuple(Message("user", f"{n} " + "word " * 500) for n in range(300))
    changes = prompt_changes(prompt(OLD), replace(prompt(NEW), messages=many))
    page = render_prompt_diff(changes)
    assert len(page) <= LIMIT
    assert "more parts are left out for length" in page


def test_messages_are_paired_by_what_they_say() -> None:
    old = [Message("user", "Which product fits {{q}} best?")]
    new = [
        Message("user", "a worked example"),
        Message("assistant", "yes"),
        Message("user", "Which product fits {{q}} best, and why?"),
    ]
    kinds = [(change.kind, change.number) for change in message_changes(old, new)]
    assert kinds == [("added", 1), ("added", 2), ("changed", 3)]
    assert [change.kind for change in message_changes(new, old)] == ["removed", "removed", "changed"]


def test_many_messages_are_compared_in_time() -> None:
    old, new = ([Message("user", f"{side} {n} " + "ab " * 30) for n in range(200)] for side in ("old", "new"))
    assert len(message_changes(old, new)) == 200


MESSAGES = st.lists(
    st.builds(Message, st.sampled_from(["system", "user", "assistant"]), st.text(alphabet="ab \n", max_size=12)), max_size=5
)


@given(MESSAGES, MESSAGES)
def test_every_message_is_accounted_for(old: list[Message], new: list[Message]) -> None:
    changes = message_changes(old, new)
    assert (changes == ()) == (old == new)

    def count(*kinds: str) -> int:
        return sum(change.kind in kinds for change in changes)

    same = len(old) - count("removed", "changed")
    assert same == len(new) - count("added", "changed")
    assert same >= 0
    for change in changes:
        side = old if change.kind == "removed" else new
        assert side[change.number - 1].role == change.role
        assert change.lines


@given(MESSAGES)
def test_added_messages_are_shown_whole(new: list[Message]) -> None:
    def text(change: MessageChange) -> str:
        return "\n".join("".join(piece.text for piece in line.pieces) for line in change.lines)

    assert [text(change) for change in message_changes([], new)] == [message.content for message in new]
