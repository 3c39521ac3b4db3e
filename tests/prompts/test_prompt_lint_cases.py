"""What the rules find where, and what they must leave alone; suppressions and repairs."""

from __future__ import annotations

import json
import time
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from evalgate.pipeline.prompt_sources import source_of
from evalgate.prompts.lint.catalog import RULES
from evalgate.prompts.lint.engine import lint, repaired
from evalgate.prompts.lint.skeleton import GITHUB, PROMPTY, PROMPTY_PATH
from evalgate.prompts.lint.values import GateUse, Source, Surroundings

PATH = "configs/prompts/sample/1.prompt.yml"
SYSTEM = "content: Name one product."


def changed(*pairs: tuple[str, str], text: str = GITHUB) -> str:
    for old, new in pairs:
        assert old in text
        text = text.replace(old, new)
    return text


def found(text: str, path: str = PATH, sidecar: str | None = None) -> list[tuple[str, int, int]]:
    linted = lint(source_of(path, text), RULES, sidecar)
    return [(one.code, one.line, one.column) for one in linted.findings]


PLACES = [
    (changed(("Name one product.", "Name one {{prodct.")), ("EP108", 7, 1)),
    (changed(("name: sample", "name: sample\t ")), ("EP004", 1, 13)),
    (changed(("      {{question}}", "      {{question}} {{question.__class__}}")), ("EP304", 11, 20)),
    (changed(("      {{question}}", "      {{question}}\n      {{{question}}}")), ("EP304", 12, 7)),
    (changed(("Name one product.", "Name one product. -----BEGIN RSA PRIVATE KEY-----")), ("EP305", 7, 32)),
    (changed(("Name one product.", "Name one. api_key = 9f8a7b6c5d4e3f2a1b0c9d8e")), ("EP305", 7, 34)),
    (changed(("Name one product.", "Write to jane.doe@shop.de")), ("EP306", 7, 23)),
    (changed(("Name one product.", "Call +49 30 901820 at once")), ("EP306", 7, 19)),
    (changed(("Name one product.", "See 192.168.17.4 now")), ("EP307", 7, 18)),
    (changed(("Name one product.", "See http://localhost:8080/x")), ("EP307", 7, 18)),
    (changed(("{temperature: 0", "{temprature: 0")), ("EP407", 13, 1)),
    (changed(("{question: Which", "{answer: on, question: Which")), ("EP009", 15, 14)),
    (changed(("{question: Which", "{tone: kind, question: Which")), ("EP102", 15, 1)),
    (changed(("name: sample", "name: [sample")), ("EP001", 2, 1)),
    (changed(("name: sample", "name: &a sample")), ("EP001", 1, 1)),
    (changed(("Name one product.", '"Name\\u202eone"'), ("\\u202e", "\u200b")), ("EP010", 7, 19)),
    (changed(("      <question>", "      system:\n      {{question}}\n      <question>")), ("EP302", 11, 7)),
    (changed(("      {{question}}", "      {{question}} assistant: yes")), ("EP302", 11, 7)),
]


@pytest.mark.parametrize(("text", "place"), PLACES, ids=[f"{place[0]}-{index}" for index, (_, place) in enumerate(PLACES)])
def test_a_finding_names_its_line_and_column(text: str, place: tuple[str, int, int]) -> None:
    got = found(text)
    code, line, column = place
    assert (code, line) in {(one[0], one[1]) for one in got}, got
    assert column == 1 or place in got, got


INNOCENT = [
    "Answer yes, no or on request.", "Version 10.2.0.1 of the shop; part 1234-5678.", "Write to a@example.com or b@mail.example.org.",
    "The secret of good tea is time.", "Use the token count 1234567890123456 wisely.", "password: please never ask for it",
    "Say: the system is down.", "Prices: 1 299,00 (from 10.000 on).", "sk-learn-compatible-estimators-are-fine", "Call 112 or 911.",
    "tokenization_model_v2_fast", "secretary-of-state-2024", "secret: my-company-secret-santa-2024", "The bearer responsibilities-and-duties.",
    "A call costs 12 cents (once).", "In 2024-08-06 the shop opened.", "Order 4929 1234 5678 0007 is no card.",
]  # fmt: skip


@pytest.mark.parametrize("text", INNOCENT)
def test_ordinary_sentences_are_left_alone(text: str) -> None:
    assert found(changed((SYSTEM, f"content: '{text}'"))) == []


@pytest.mark.parametrize(
    "key",
    [
        "sk-ant-api03-abcdefghijklmnopqrst", "ghp_abcdefghijklmnopqrstuvwxyz0123456789", "AKIAABCDEFGHIJKLMNOP", "https://user:hunter2@host.example/x",
        "xoxb-1234567890-abcdefghij", "token: Zx81kQp03mVb77LwTa92", "hf_abcdefghijklmnopqrstuvwxyzABCDEF", "eyJhbGciOiJI.eyJzdWIiOiIx.SflKxwRJSMeK",
    ],
)  # fmt: skip
def test_keys_are_found_and_never_repeated(key: str) -> None:
    linted = lint(source_of(PATH, changed((SYSTEM, f"content: 'Use {key} here'"))), RULES)
    assert [one.code for one in linted.findings] == ["EP305"]
    assert all(key not in one.message + one.hint for one in linted.findings)


UNSAFE = [
    "{{ ''.__class__.__mro__ }}", "{% include '/etc/passwd' %}", "{% import 'x' as y %}", "{% extends 'a' %}", "{{ x | safe }}", "{{> partial}}",
    "{{&question}}", "{{ cycler.__init__ }}", "{{ range(10) }}", "{{ x|attr('_y') }}", "{{ x['_y'] }}", "{% from 'a' import b %}", "{{{question}}}",
]  # fmt: skip


@pytest.mark.parametrize("construct", UNSAFE)
def test_unsafe_constructs_are_found_in_every_template_language(construct: str) -> None:
    text = changed(("{{question}}", f"{{{{question}}}}\n{construct}"), text=PROMPTY)
    assert "EP304" in {one[0] for one in found(text, PROMPTY_PATH)}
    assert "EP304" in {one[0] for one in found(f"<q>{{{{question}}}}</q> {construct}\n", "configs/prompts/sample/1.txt")}


HARMLESS = [
    "{% set x = question | upper %}{{ x }}", "{% if question == 'call(me)' %}a{% endif %}", "{% if question and(question) %}a{% endif %}",
    "{# include 'x', call(me), {{ x.__class__ }}, {{{x}}} #}", "{% for word in question.split_up %}{{ loop.index }}{% endfor %}", "{{ question[0] }}",
    "{{ '{{{x}}} __init__ call(me)' }}", "{% if question %}{# {{> partial}} #}b{% else %}c (d) {% endif %}", "{{ question | replace('(', '[') }}",
    "{{ question | default('none (yet)') }}", "{% if question in ('a', 'b') %}x{% endif %}",
]  # fmt: skip


@pytest.mark.parametrize("construct", HARMLESS)
def test_documented_jinja_is_no_danger(construct: str) -> None:
    text = changed(
        ("template:\n  format: {kind: mustache}", "template:\n  format: {kind: jinja2}"),
        ("{{question}}", f"{{{{question}}}}\n{construct}"),
        text=PROMPTY,
    )
    assert source_of(PROMPTY_PATH, text).problems == ()
    assert "EP304" not in {one[0] for one in found(text, PROMPTY_PATH)}


@pytest.mark.parametrize("construct", UNSAFE)
def test_an_unsafe_construct_of_jinja_has_one_rule(construct: str) -> None:
    text = changed(
        ("template:\n  format: {kind: mustache}", "template:\n  format: {kind: jinja2}"),
        ("{{question}}", f"{{{{question}}}}\n{construct}"),
        text=PROMPTY,
    )
    got = [one[:2] for one in found(text, PROMPTY_PATH)]
    assert ("EP304", 20) in got, got
    assert "EP001" not in {code for code, _ in got} or construct.startswith(("{{>", "{{&", "{{{")), got


def test_a_file_that_cannot_be_read_is_still_looked_over() -> None:
    text = changed(("name: sample", "name: sample\nname: again"), (SYSTEM, "content: AKIAIOSFODNN7EXAMPLE "))
    assert {"EP008", "EP305", "EP004"} == {one[0] for one in found(text)}


@pytest.mark.parametrize(
    "text",
    [
        "",
        "\n",
        "\ufeff",
        "---",
        "---\n",
        "---\n---",
        "a: b",
        "- x",
        "{}",
        "[]",
        "null",
        "\r",
        "messages:\n",
        "{{",
        "\0",
        "messages: [1, {}]",
    ],
)
@pytest.mark.parametrize("ending", ["prompt.yml", "prompty", "prompt", "txt", "md", "json"])
def test_no_text_makes_the_linter_fall(text: str, ending: str) -> None:
    linted = lint(source_of(f"prompts/p/1.{ending}", text), RULES)
    assert all(one.line >= 1 and one.column >= 1 for one in linted.findings)


@given(st.text(alphabet=st.sampled_from("ab {}%|-#:>\n\r\t\"'[]_.&*!<…\u202e0"), max_size=80))
def test_no_random_text_makes_the_linter_fall(text: str) -> None:
    for ending in ("prompt.yml", "prompty", "prompt", "txt", "json"):
        lint(source_of(f"prompts/p/1.{ending}", GITHUB + text if ending == "prompt.yml" else text), RULES)


HOSTILE = [
    "{{ a ",
    "{{a}}",
    "{{a",
    "a.",
    "10.",
    "- ",
    " ",
    "{{a|safe ",
    "{% a",
    "sk-",
    "system:\n",
    "a@",
    "{{ a.__b__ ",
    "1 ",
    "eyJ",
    "<|",
    "{#",
    "{# #}",
    "{{!--",
    '"\\n',
    "password: ",
]


@pytest.mark.parametrize("piece", HOSTILE)
@pytest.mark.parametrize("ending", ["prompt.yml", "prompty", "txt"])
def test_no_text_makes_the_linter_slow(piece: str, ending: str) -> None:
    text = piece * (20_000 // len(piece))
    if ending == "prompt.yml":
        text = "messages:\n  - role: user\n    content: |-\n      " + text.replace("\n", "\n      ")
    if ending == "prompty":
        text = f"---\nname: x\ninputs: {{question: {{kind: string}}}}\n---\nuser:\n{text}\n"
    begin = time.process_time()
    lint(source_of(f"prompts/p/1.{ending}", text), RULES)
    assert time.process_time() - begin < 8


def test_the_model_of_a_gate_counts_too() -> None:
    gates = (GateUse("g", ("question",), 1, "o3-2025-04-16", {}),)
    source = source_of(PATH, GITHUB)
    around = Surroundings(gates=gates)
    with_gate = Source(
        source.path, source.text, source.lines, source.quiet, source.outline, source.document, source.prompt, (), around
    )
    assert [one.code for one in lint(with_gate, RULES).findings] == ["EP401"]


REASON = "answers are meant to vary"
LOOSE = ("temperature: 0", "temperature: 0.7")


@pytest.mark.parametrize(
    ("comment", "expected"),
    [
        (f"# evalgate: ignore EP404 -- {REASON}\nmodelParameters:", set()),
        (f"#evalgate:ignore EP404,EP405 -- {REASON}\nmodelParameters:", {"EP003"}),
        ("# evalgate: ignore EP404\nmodelParameters:", {"EP404", "EP002"}),
        ("# evalgate: ignore EP404 --\nmodelParameters:", {"EP404", "EP002"}),
        ("# evalgate: ignore EP404 --   \nmodelParameters:", {"EP404", "EP002", "EP004"}),
        ("# evalgate: ignore -- everything\nmodelParameters:", {"EP404", "EP002"}),
        ("# evalgate: ignroe EP404 -- typing error\nmodelParameters:", {"EP404", "EP002"}),
        (f"# evalgate: ignore EP999 -- {REASON}\nmodelParameters:", {"EP404", "EP002"}),
        (f"# evalgate: ignore EP402 -- {REASON}\nmodelParameters:", {"EP404", "EP003"}),
        (f"# evalgate: ignore-file EP404 -- {REASON}\nmodelParameters:", set()),
        (f"# evalgate: ignore EP002 -- {REASON}\nmodelParameters:", {"EP404", "EP003"}),
    ],
)
def test_a_suppression_needs_a_code_a_reason_and_a_finding(comment: str, expected: set[str]) -> None:
    assert {one[0] for one in found(changed(LOOSE, ("modelParameters:", comment)))} == expected


def test_a_suppression_beside_its_line_and_over_a_message() -> None:
    beside = changed(LOOSE, ("maxCompletionTokens: 64}", f"maxCompletionTokens: 64}} # evalgate: ignore EP404 -- {REASON}"))
    assert found(beside) == []
    body = changed(
        ("{{question}}", "{{question}} Ask jane@shop.de"),
        ("  - role: user", "  # evalgate: ignore EP306, EP303 -- invented\n  - role: user"),
    )
    assert {one[0] for one in found(body)} == set()
    elsewhere = changed(
        ("{{question}}", "{{question}} Ask jane@shop.de"),
        ("  - role: system", "  # evalgate: ignore EP306 -- invented\n  - role: system"),
    )
    assert {"EP306", "EP003"} <= {one[0] for one in found(elsewhere)}


@pytest.mark.parametrize("old", ["      <question>", "Name one product."])
def test_a_suppression_inside_a_text_would_reach_the_model(old: str) -> None:
    new = f"      # evalgate: ignore EP404 -- no\n{old}" if old.startswith(" ") else f'"{old} # evalgate: ignore EP404 -- no"'
    assert {one[0] for one in found(changed((old, new)))} == {"EP002"}


def test_formats_without_comments_have_a_file_beside_them() -> None:
    text = "Question: {{question}}\n"
    path = "configs/prompts/sample/1.txt"
    assert {one[0] for one in found(text, path)} == {"EP303"}
    assert found(text, path, "# why\nignore EP303 -- one line only\n") == []
    assert {one[0] for one in found(text, path, "ignore EP303\n")} == {"EP303", "EP002"}
    assert {one[0] for one in found(text, path, "ignore EP303 -- fine\nignore EP305 -- none\n")} == {"EP003"}


DIRT = st.lists(st.sampled_from(["bom", "crlf", "space", "cut", "tokens", "norway"]), unique=True, max_size=6)


def dirty(kinds: list[str]) -> str:
    text = GITHUB
    if "tokens" in kinds:
        text = text.replace("maxCompletionTokens", "maxTokens")
    if "norway" in kinds:
        text = text.replace("name: sample", "name: no")
    if "space" in kinds:
        text = text.replace("messages:\n", "messages:  \n").replace("      {{question}}\n", "      {{question}}  \n")
    if "cut" in kinds:
        text = text.removesuffix("\n")
    if "crlf" in kinds:
        text = text.replace("\n", "\r\n")
    return "\ufeff" + text if "bom" in kinds else text


@given(DIRT)
def test_repairs_keep_the_meaning_and_are_done_once(kinds: list[str]) -> None:
    source = source_of(PATH, dirty(kinds))
    text = repaired(source, RULES, lambda candidate: source_of(PATH, candidate))
    after = source_of(PATH, text)
    assert source.prompt is not None and after.prompt is not None
    assert after.prompt.messages == source.prompt.messages
    assert (after.prompt.digest, after.prompt.parameters) == (source.prompt.digest, source.prompt.parameters)
    assert repaired(after, RULES, lambda candidate: source_of(PATH, candidate)) == text
    # White space that belongs to a message stays, and is still a finding.
    assert [one[0] for one in found(text)] == (["EP004"] if "space" in kinds else [])


@pytest.mark.parametrize(
    "text", [dirty(["space", "crlf"]).replace("role: user", "role: usr"), "a: b \na: c \n", "\ufeffmessages: [\n"]
)
def test_a_file_that_cannot_be_read_is_never_repaired(text: str) -> None:
    assert repaired(source_of(PATH, text), RULES, lambda candidate: source_of(PATH, candidate)) == text


OTHERS = [
    "evaluators:\n  - name: ends\n    string:\n      endsWith: |\n        a  \n        b \n", "metadata:\n  owner: shop team\n  note: |\n    maxTokens: 5  \n    b\n",
    "evaluators:\n  - name: judge\n    llm:\n      modelId: m\n      prompt: |\n        Is {{completion}} right?  \n", "evaluators:\n  - {string: {maxTokens: 5, a: no}}\n",
    'evaluators:\n  - string: "a  \n      b"\n',
]  # fmt: skip


@pytest.mark.parametrize("block", OTHERS)
def test_a_repair_changes_no_text_of_other_tools(block: str) -> None:
    text = dirty(["space", "tokens", "norway"]).replace("metadata: {owner: shop team}\n", "") + block
    if "metadata" not in block:
        text += "metadata: {owner: shop team}\n"
    source = source_of(PATH, text)
    after = source_of(PATH, repaired(source, RULES, lambda candidate: source_of(PATH, candidate)))
    assert source.prompt is not None and source.document is not None and after.document is not None
    assert after.text != text
    for key in ("evaluators", "metadata", "testData"):
        assert after.document.value.get(key) == source.document.value.get(key)
    assert "maxTokens:" not in after.text.split("evaluators")[0].split("metadata")[0]


def test_what_is_suppressed_is_not_repaired() -> None:
    text = changed(
        ("maxCompletionTokens", "maxTokens"),
        ("modelParameters:", "# evalgate: ignore EP011 -- an old tool reads it\nmodelParameters:"),
    )
    assert repaired(source_of(PATH, text), RULES, lambda candidate: source_of(PATH, candidate)) == text


OLD = """---
name: sample
description: Names one product.
authors: [shop team]
model:
  api: chat
  configuration: {type: azure_openai, azure_deployment: gpt-4o-2024-08-06}
  parameters: {temperature: 0, max_tokens: 64}
inputs:
  question: {type: string, sample: Which pump is small?}
template: jinja2
---
system:
Name one product.

user:
<question>
{{question}}
</question>
"""


def test_the_first_version_of_prompty_is_named_and_not_repaired() -> None:
    source = source_of(PROMPTY_PATH, OLD)
    findings = lint(source, RULES).findings
    assert ("EP011", 5, False) in {(one.code, one.line, one.fixable) for one in findings}
    assert not {one.code for one in findings} & {"EP101", "EP103", "EP105", "EP201", "EP405", "EP501"}
    assert repaired(source, RULES, lambda candidate: source_of(PROMPTY_PATH, candidate)) == OLD


CHAT = "configs/prompts/sample/1.json"


@pytest.mark.parametrize(
    ("first", "second", "codes"),
    [
        ("Name one product.", "<q>{{question}}</q>", set()),
        ("{{question.__class__}}", "<q>{{question}}</q>", {"EP304"}),
        ("{{{question}}}", "<q>{{question}}</q>", {"EP304"}),
        ("system:", "{{question}}", {"EP302", "EP303"}),
        ("<|im_end|>", "<q>{{question}}</q>", {"EP302"}),
        ("Name one product.", "Which pump is small?", {"EP107"}),
        ("Answer in JSON.", "<q>{{question}}</q>", {"EP202"}),
    ],
)
def test_the_text_parts_of_a_message_are_one_text(first: str, second: str, codes: set[str]) -> None:
    parts = [{"type": "text", "text": first}, {"type": "text", "text": second}]
    whole = json.dumps([{"role": "user", "content": f"{first}\n{second}"}]) + "\n"
    split = json.dumps([{"role": "user", "content": parts}]) + "\n"
    assert {one[0] for one in found(split, CHAT)} == {one[0] for one in found(whole, CHAT)} >= codes
    assert bool(found(split, CHAT)) == bool(codes)


@pytest.mark.parametrize(
    ("declared", "used", "columns", "expected"),
    [
        ("review", "review reviews", None, {"EP101"}), ("review", "reviews", None, {"EP103"}), ("review reviews", "review reviews", None, set()),
        ("review", "review weather", None, {"EP101"}), ("review", "review reviews", "review", {"EP101", "EP104"}), ("", "review reviews", "review", {"EP104"}),
        ("", "review weather", "review", {"EP104"}), ("review", "review reviews", "review reviews", {"EP101"}), ("reviews", "review reviews", "review", {"EP101", "EP104"}),
        ("", "review reviews", None, {"EP105"}), ("review", "review revieww reviwe", None, {"EP101"}), ("", "review reviews", "reviews", {"EP104"}),
        ("review reviews", "review reviews", "review", {"EP104"}), ("review", "review.text reviews.text", None, {"EP101"}),
    ],
)  # fmt: skip
def test_a_variable_that_nothing_offers_is_never_passed_over(
    declared: str, used: str, columns: str | None, expected: set[str]
) -> None:
    body = "\n".join(f"<q>{{{{{name}}}}}</q>" for name in used.split())
    if declared:
        inputs = "".join(f"\n  {name}: {{kind: string, example: x, description: y}}" for name in declared.split())
        text = changed(("<question>\n{{question}}\n</question>", body), text=PROMPTY)
        text = text[: text.index("inputs:")] + f"inputs:{inputs}\n" + text[text.index("template:") :]
        path = PROMPTY_PATH
    else:
        text = changed(
            ("<question>\n      {{question}}\n      </question>", body.replace("\n", "\n      ")),
            ("{question: Which", "{review: Which"),
        )
        path = PATH
    gates = () if columns is None else (GateUse("g", tuple(columns.split()), 1, "gpt-4o-2024-08-06", {}),)
    source = replace(source_of(path, text), around=Surroundings(gates=gates))
    told = {one.code for one in lint(source, RULES).findings} & {"EP101", "EP103", "EP104", "EP105"}
    assert told - ({"EP105"} if declared or columns else set()) == expected, told


def test_parts_that_are_no_text_are_refused_and_the_others_still_looked_at() -> None:
    parts = [{"type": "image_url", "image_url": {"url": "x"}}, {"type": "text", "text": "{{{question}}}"}]
    assert {one[0] for one in found(json.dumps([{"role": "user", "content": parts}]) + "\n", CHAT)} >= {"EP001", "EP304"}


AWS = "AKIAIOSFODNN7EXAMPLE"
CARD = "4929 1234 5678 0006"
PRIVATE = ("EP010", "EP305", "EP306", "EP307")


def chat(content: str) -> str:
    return (
        '[\n  {"role": "system", "content": "Be kind."},\n  {"role": "user", "content": "'
        + content
        + '<q>{{question}}</q>"}\n]\n'
    )


ESCAPED = [
    (f"Name:\\n{AWS}\\n", "EP305", AWS), (f"Name:\\t{AWS}", "EP305", AWS), ("Name AK\\u0049AIOSFODNN7EXAMPLE ", "EP305", ""), (f"Name:\\n{CARD} ", "EP306", CARD),
    ("Name\\u202eone", "EP010", "\\u202e"), ("Name\\u200Bone", "EP010", "\\u200B"), ("Name\\nhelp.me\\u0040shop.de ", "EP306", ""),
    ("See http\\u003a//localhost:80/x ", "EP307", ""), ("It is 10\\u002e1.2.3 ", "EP307", ""), ("password:\\thunter2 ", "EP305", "thunter2"),
]  # fmt: skip


@pytest.mark.parametrize(
    ("content", "code", "snippet"),
    [
        *ESCAPED,
        ("Name \\udb40\\udc41one", "EP010", "\\udb40"),
        ("Name \\u0000", "EP010", "\\u0000"),
        ("Name \\ud800", "EP010", "\\ud800"),
    ],
)
def test_what_a_chat_file_escapes_is_seen_as_the_model_sees_it(content: str, code: str, snippet: str) -> None:
    text = chat(content)
    column = text.split("\n")[2].index(snippet) + 1 if snippet else 1
    assert [one for one in found(text, CHAT) if one[0] in PRIVATE] == [(code, 3, column)]


@pytest.mark.parametrize(
    ("content", "code", "snippet"), [*ESCAPED, ("Name \\U000E0041one", "EP010", "\\U000E0041"), ("Name \\x1b", "EP010", "\\x1b")]
)
def test_what_yaml_escapes_is_seen_as_the_model_sees_it(content: str, code: str, snippet: str) -> None:
    for text, line in (
        (changed((SYSTEM, f'content: "{content}"')), 7),
        (changed(("small?}", f'small?, tone: "{content}"}}')), 15),
        (changed(("{owner: shop team}", f'{{owner: shop team, "{content}": 1}}')), 3),
        (changed(("{owner: shop team}", f'\n  owner: shop team\n  note:\n    - "a"\n    - "{content}"')), 7),
    ):
        got = [one for one in found(text) if one[0] in PRIVATE]
        assert [one[:2] for one in got] == [(code, line)]
        assert not snippet or got[0][2] == text.split("\n")[line - 1].index(snippet) + 1


def test_front_matter_is_read_too() -> None:
    text = changed(("description: Names one product for a customer.", f'description: "Names\\n{AWS} \\u202e"'), text=PROMPTY)
    assert [one[:2] for one in found(text, PROMPTY_PATH)] == [("EP305", 3), ("EP010", 3)]


@pytest.mark.parametrize(
    ("construct", "code"), [('{{ "a\\u202eb" }}', "EP010"), (f'{{{{ "a\\n{AWS}" }}}}', "EP305"), ('{{ "a\\nb" }}', "")]
)
def test_what_a_template_writes_out_is_seen(construct: str, code: str) -> None:
    text = changed(
        ("template:\n  format: {kind: mustache}", "template:\n  format: {kind: jinja2}"),
        ("{{question}}", f"{{{{question}}}}\n{construct}"),
        text=PROMPTY,
    )
    assert [one[:2] for one in found(text, PROMPTY_PATH) if one[0] in PRIVATE] == ([(code, 20)] if code else [])


@pytest.mark.parametrize(
    "text",
    [
        f"content: 'Use {AWS} now'", f'content: "Use {AWS}\\nnow"', f'content: "Use {AWS}\\n{AWS} now"', f"content: >-\n      Use\n      {AWS}",
        'content: "Use Bearer\n      a1b2c3d4e5f6g7h8i9 now"', f'content: "a\\n{AWS}" # {AWS}', 'content: "AKIAIOSF\\\n      ODNN7EXAMPLE"',
    ],
)  # fmt: skip
def test_a_key_is_told_once(text: str) -> None:
    assert [one[0] for one in found(changed((SYSTEM, text)))] == ["EP305"]


def test_a_key_that_is_suppressed_in_one_place_is_found_in_another() -> None:
    text = changed(
        (SYSTEM, f'content: "a\\n{AWS}"'), ("name: sample", f"name: {AWS} # evalgate: ignore EP305 -- published by AWS")
    )
    assert [one[:2] for one in found(text)] == [("EP305", 7)]


@pytest.mark.parametrize("text", ['"\\ud800"', '"\\u"', '["a\\n" 1]', '{"\\n": }', '"\\x"'])
def test_escapes_in_a_broken_file_are_no_trap(text: str) -> None:
    assert "EP001" in {one[0] for one in found(text.removesuffix('"'), CHAT)}
    assert {"EP001", "EP305"} == {one[0] for one in found(f'{text}, "a\\n{AWS}"', CHAT)} - {"EP007", "EP010"}
