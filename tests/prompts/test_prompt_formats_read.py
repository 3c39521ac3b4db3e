"""Every prompt format is read into one value: what is taken, what is refused, and where."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from evalgate.core.errors import BadInput
from evalgate.pipeline.prompt_reading import read_prompt
from evalgate.prompts.locate import ENDINGS, prompt_path, versions_of
from evalgate.prompts.template import missing_inputs, render
from evalgate.prompts.values import Prompt

PROMPTY = """---
name: greeter
displayName: Greeter
description: says hello
metadata: {authors: [ann, bob], version: "3", tags: [x]}
model:
  id: gpt-4o-2024-08-06
  provider: openai
  apiType: chat
  connection: {kind: key, apiKey: "${env:KEY}"}
  options: {temperature: 0.5, maxOutputTokens: 9, topP: 0.9, topK: 3, seed: 1, stopSequences: [END]}
inputs:
  - {name: question, kind: string, description: what is asked, example: why?}
  - {name: tone, kind: string, default: kind}
  - {name: hint, kind: string, required: false}
  - {name: count, kind: integer, enumValues: [1, 2]}
outputs:
  - {name: answer, kind: string, required: true}
  - {name: scores, kind: array, items: {kind: float}}
template: {format: {kind: jinja2}, parser: {kind: prompty}}
---
system:
Be {{ tone }}.{{ hint }}

user:
{{ question }} {{ count }}
"""
PROMPTY_1 = """---
name: old
description: of version 1
authors: [carol]
model:
  api: chat
  configuration: {type: azure_openai, azure_deployment: gpt-4o, azure_endpoint: "${env:ENDPOINT}"}
  parameters: {max_tokens: 7, temperature: 0, top_p: 1}
inputs:
  question: {type: string, sample: why?}
  tone: {type: string, default: kind}
sample: {question: why not?, tone: rude}
template: jinja2
---
system:
Be {{tone}}.
user:
{{question}}
"""
DOTPROMPT = """---
name: greeter
version: "2"
model: googleai/gemini-2.0-flash
config: {temperature: 0.2, maxOutputTokens: 20, topK: 4, stopSequences: [END]}
input:
  schema:
    question: string, what is asked
    tone?: string
    tags(array): string
    kind(enum): [a, b]
  default: {tone: kind}
output:
  schema: {answer: string, scores(array): number}
metadata: {owner: ann}
tool.key: 3
---
{{role "system"}}Be {{tone}}.
{{role "user"}}{{question}}
"""
CHAT = '[{"role": "system", "content": [{"type": "text", "text": "Be"}, {"type": "text", "text": "kind"}]}, {"role": "user", "content": "{{q}}"}]'


def read(folder: Path, name: str, text: str) -> Prompt:
    path = folder / name
    path.write_text(text, encoding="utf-8")
    return read_prompt(path, "p@1")


def test_prompty_2(tmp_path: Path) -> None:
    found = read(tmp_path, "p.prompty", PROMPTY)
    assert (found.format, found.engine, found.name, found.owner, found.version) == ("prompty", "plain", "greeter", "ann", "3")
    assert (found.model, found.description) == ("gpt-4o-2024-08-06", "says hello")
    expected = {"temperature": 0.5, "max_tokens": 9, "top_p": 0.9, "top_k": 3, "seed": 1, "stop": ["END"]}
    assert {key: value for key, value in found.parameters.items() if key != "response_format"} == expected
    answer = {
        "type": "object",
        "properties": {"answer": {"type": "string"}, "scores": {"type": "array", "items": {"type": "number"}}},
    }
    assert found.output_schema == {**answer, "required": ["answer"]}
    assert found.parameters["response_format"]["json_schema"]["schema"] == found.output_schema
    told = {item.name: (item.schema, item.required, item.default) for item in found.declared or ()}
    assert told == {
        "question": ({"type": "string"}, True, None),
        "tone": ({"type": "string"}, False, "kind"),
        "hint": ({"type": "string"}, False, None),
        "count": ({"type": "integer", "enum": [1, 2]}, True, None),
    }
    assert [PROMPTY.splitlines()[line - 1] for line in found.lines] == ["Be {{ tone }}.{{ hint }}", "{{ question }} {{ count }}"]
    assert (found.declared or ())[0].line == 13
    assert missing_inputs(found, ["count"]) == ("question",)
    assert found.test_data == ({"question": "why?"},)
    assert [m.content for m in render(found, {"question": "q", "count": 1})] == ["Be kind.", "q 1"]
    assert render(found, {"question": "q", "count": 1, "tone": None, "hint": "!"})[0].content == "Be kind.!"


def test_prompty_1_is_mapped(tmp_path: Path) -> None:
    found = read(tmp_path, "p.prompty", PROMPTY_1)
    assert (found.format, found.model, found.owner) == ("prompty-v1", "gpt-4o", "carol")
    assert found.parameters == {"max_tokens": 7, "temperature": 0, "top_p": 1}
    assert [(item.name, item.required) for item in found.declared or ()] == [("question", True), ("tone", False)]
    assert found.test_data == ({"question": "why not?", "tone": "rude"},)
    assert [m.content for m in render(found, {"question": "q"})] == ["Be kind.", "q"]


def test_dotprompt(tmp_path: Path) -> None:
    found = read(tmp_path, "p.prompt", DOTPROMPT)
    assert (found.format, found.engine, found.name, found.version, found.owner) == ("dotprompt", "plain", "greeter", "2", "ann")
    assert found.metadata["tool.key"] == 3
    assert found.parameters["max_tokens"] == 20
    assert [(item.name, item.required, item.default, item.line) for item in found.declared or ()] == [
        ("question", True, None, 8),
        ("tone", False, "kind", 9),
        ("tags", True, None, 10),
        ("kind", True, None, 11),
    ]
    assert found.output_schema is not None
    assert found.output_schema["required"] == ["answer", "scores"]
    assert [(m.role, m.content) for m in render(found, {"question": "why?"})] == [("system", "Be kind.\n"), ("user", "why?")]


def test_chat_and_text(tmp_path: Path) -> None:
    found = read(tmp_path, "p.json", CHAT)
    assert [(m.role, m.content) for m in found.messages] == [("system", "Be\nkind"), ("user", "{{q}}")]
    assert read(tmp_path, "p.md", "\n# Title\n\n{{q}}\n").lines == (2,)


def test_the_digest_is_of_the_meaning(tmp_path: Path) -> None:
    plain = read(tmp_path, "a.prompty", PROMPTY).digest
    assert read(tmp_path, "b.prompty", PROMPTY.replace("says hello", "greets")).digest == plain
    for old, new in (("default: kind", "default: rude"), ("required: false", "required: true"), ("seed: 1", "seed: 2")):
        assert read(tmp_path, "b.prompty", PROMPTY.replace(old, new)).digest != plain
    logic = "{% if q %}{{ q }}{% endif %}"
    assert read(tmp_path, "c.prompty", f"---\nname: a\n---\nuser:\n{logic}\n").engine == "jinja2"
    assert read(tmp_path, "c.json", '[{"role": "user", "content": "{{q}}"}]').digest == read(tmp_path, "c.txt", "{{q}}").digest


def test_windows_line_ends_change_nothing(tmp_path: Path) -> None:
    for name, text in (("p.prompty", PROMPTY), ("p.prompt", DOTPROMPT)):
        (tmp_path / name).write_bytes(b"\xef\xbb\xbf" + text.replace("\n", "\r\n").encode())
        assert read_prompt(tmp_path / name, "p@1").digest == read(tmp_path, f"q{name}", text).digest


REFUSED = [
    ("p.prompty", PROMPTY.replace("kind: integer", "kind: image"), "image", 16),
    ("p.prompty", PROMPTY.replace("topK: 3", "topK: 0"), "topK", 11),
    ("p.prompty", PROMPTY.replace("maxOutputTokens", "maxTokens"), "did you mean maxOutputTokens", 11),
    ("p.prompty", PROMPTY.replace("displayName", "displayname"), "did you mean displayName", 3),
    ("p.prompty", PROMPTY.replace("kind: jinja2", "kind: liquid"), "liquid", 20),
    ("p.prompty", PROMPTY.replace("apiType: chat", "apiType: embedding"), "embedding", 9),
    ("p.prompty", PROMPTY.replace("name: tone", "name: question"), "twice", 14),
    ("p.prompty", PROMPTY.replace("required: false", "required: maybe"), "true or false", 15),
    ("p.prompty", PROMPTY.replace("template:", "tools: [{name: x, kind: function}]\ntemplate:"), "tools", 20),
    ("p.prompty", PROMPTY.replace("system:\nBe", "developer:\nBe"), "developer", 22),
    ("p.prompty", PROMPTY.replace("user:", "user[name=x]:"), "attributes", 25),
    ("p.prompty", PROMPTY.replace("{{ question }}", "{{ question }"), "template", 26),
    ("p.prompty", PROMPTY_1.replace("api: chat", "api: completion"), "completion", 6),
    ("p.prompty", PROMPTY_1.replace("sample: {question: why not?, tone: rude}", "sample: sample.json"), "other files", 12),
    ("p.prompty", PROMPTY_1.replace("authors: [carol]", "authors: [carol]\nbase: other.prompty"), "other files", 5),
    ("p.prompty", "---\nname: a\n---\n", "empty", 1),
    ("p.prompty", "---\nname: a\ntemplate: mustache\n---\nuser:\n{{#xs}}{{x}}{{/xs}}\n", "Mustache", 6),
    ("p.prompty", "---\nname: a\ntemplate: mustache\n---\nuser:\n{{{x}}}\n", "Mustache", 6),
    ("p.prompt", DOTPROMPT.replace("tone?: string", "tone?: text"), "no type 'text'", 7),
    ("p.prompt", DOTPROMPT.replace("tags(array)", "tags(list)"), "(list)", 7),
    ("p.prompt", DOTPROMPT.replace("kind(enum): [a, b]", "kind(enum): a"), "enum", 7),
    ("p.prompt", DOTPROMPT.replace("config:", "configs:"), "did you mean config", 5),
    ("p.prompt", DOTPROMPT.replace("temperature: 0.2", "temperature: 3"), "from 0 to 2", 5),
    ("p.prompt", DOTPROMPT.replace("metadata:", "tools: [search]\nmetadata:"), "tools", 15),
    ("p.prompt", DOTPROMPT.replace('role "system"', 'role "assistant"'), "model", 18),
    ("p.prompt", DOTPROMPT.replace("{{tone}}", "{{tone"), "no helper", 18),
    ("p.json", CHAT.replace('"system"', '"sytem"'), "did you mean system", None),
    ("p.json", CHAT.replace('"type": "text", "text": "Be"', '"type": "image_url", "image_url": "x"'), "must be a text", None),
    ("p.json", CHAT.replace('"content": "{{q}}"', '"content": "{{q}"'), "placeholder", None),
    ("p.json", CHAT.replace('"content": "{{q}}"', '"content": "{{q}}", "name": "x"'), "unknown key", None),
    ("p.json", CHAT.replace('"content": "{{q}}"', '"content": ""'), "empty", None),
    ("p.json", CHAT.replace('"role": "user"', '"role": "user", "role": "system"'), "JSON", None),
    ("p.json", "[]", "list of messages", None),
    ("p.yml.bak", "messages: []", "not read", None),
]


@pytest.mark.parametrize(("name", "text", "said", "line"), REFUSED, ids=[f"{name} {said}" for name, _, said, _ in REFUSED])
def test_what_cannot_be_read_is_refused_at_its_line(name: str, text: str, said: str, line: int | None, tmp_path: Path) -> None:
    assert text not in (PROMPTY, PROMPTY_1, DOTPROMPT, CHAT)
    with pytest.raises(BadInput) as caught:
        read(tmp_path, name, text)
    assert said in str(caught.value)
    if line is not None:
        assert f"{name}:{line}" in " ".join(str(problem.where) for problem in caught.value.problems)


@pytest.mark.parametrize("absent", [{}, {"q": None}])
@pytest.mark.parametrize("name", ["p.prompty", "p.prompt"])
def test_a_value_that_is_absent_or_null_is_an_error(name: str, absent: dict[str, Any], tmp_path: Path) -> None:
    logic = "{% if q is defined %}{{ q }}{% endif %}" if name == "p.prompty" else "{{#if x}}{{/if}}{{q}}"
    found = read(tmp_path, name, f"---\nname: a\n---\n{logic}\n")
    with pytest.raises(BadInput):
        render(found, absent)


@pytest.mark.parametrize(
    ("template", "said"),
    [
        ("{{#each q}}{{/each}}", "needs a list"),
        ("{{#ifEquals q.a q.a}}{{/ifEquals}}", "compares"),
        ("{{q.b}}", "'q.b' is not there"),
        ("{{q.c}}", "null"),
        ("{{#with q}}{{d}}{{/with}}", "'d' is not there"),
    ],
)
def test_handlebars_values_of_the_wrong_kind(template: str, said: str, tmp_path: Path) -> None:
    found = read(tmp_path, "p.prompt", template)
    value: Any = "text" if "each" in template else {"a": [1], "c": None}
    with pytest.raises(BadInput, match=said):
        render(found, {"q": value})


def test_values_that_are_no_texts_look_alike_in_every_engine(tmp_path: Path) -> None:
    values: dict[str, Any] = {"q": {"a": [1, True, None, "ü"]}, "n": 1.5, "b": False}
    body = "{{ q }} {{ n }} {{ b }}"
    texts = {
        "a.txt": body,
        "b.prompty": "---\nname: a\n---\nuser:\n" + body + "{% if q %}{% endif %}\n",
        "c.prompt": body + "{{#if q}}{{/if}}",
    }
    assert {render(read(tmp_path, name, text), values)[0].content for name, text in texts.items()} == {
        '{"a": [1, true, null, "ü"]} 1.5 false'
    }


def test_versions_are_found_whatever_their_format(tmp_path: Path) -> None:
    folder = tmp_path / "configs" / "prompts" / "p"
    folder.mkdir(parents=True)
    for number, ending in enumerate(ENDINGS, start=1):
        (folder / f"{number}{ending}").write_text("x", encoding="utf-8")
    for other in ("versions.yaml", "README.md", "1.test.yml", ".prompt"):
        (folder / other).write_text("x", encoding="utf-8")
    assert versions_of("p", tmp_path) == tuple(str(number) for number in range(1, len(ENDINGS) + 1))
    for number, ending in enumerate(ENDINGS, start=1):
        assert prompt_path(f"p@{number}", root=tmp_path, base=tmp_path).name == f"{number}{ending}"
    (folder / "1.json").write_text("[]", encoding="utf-8")
    with pytest.raises(BadInput, match=r"1.prompt.yml and 1.json"):
        prompt_path("p@1", root=tmp_path, base=tmp_path)


FOO = """prompts:
  - file://prompts/one.txt
  - {id: file://prompts/two.json, label: two}
  - "Say {{x}}"
  - {raw: "Tell {{x}}", label: inline}
providers: [openai:gpt-4o]
tests:
  - vars: {x: 1}
  - vars: {x: file://secret.txt}
"""


@pytest.mark.parametrize(
    ("which", "content"),
    [("#1", "One {{x}}"), ("#two", "Two {{x}}"), ("#2", "Two {{x}}"), ("#3", "Say {{x}}"), ("#inline", "Tell {{x}}")],
)
def test_promptfoo_prompts_by_label_and_number(which: str, content: str, tmp_path: Path) -> None:
    (tmp_path / "prompts").mkdir()
    (tmp_path / "prompts" / "one.txt").write_text("One {{x}}\n", encoding="utf-8")
    (tmp_path / "prompts" / "two.json").write_text('[{"role": "user", "content": "Two {{x}}"}]', encoding="utf-8")
    path = tmp_path / "promptfooconfig.yaml"
    path.write_text(FOO, encoding="utf-8")
    reference = f"promptfoo://promptfooconfig.yaml{which}"
    assert prompt_path(reference, root=tmp_path, base=tmp_path) == path
    found = read_prompt(path, reference, root=tmp_path)
    assert [m.content for m in found.messages] == [content]
    assert (found.reference, found.test_data) == (reference, ({"x": 1},))


@pytest.mark.parametrize("which", ["", "#0", "#5", "#nothing", "#99999999999999999999"])
def test_a_promptfoo_prompt_that_is_not_there(which: str, tmp_path: Path) -> None:
    path = tmp_path / "promptfooconfig.yaml"
    path.write_text(FOO, encoding="utf-8")
    with pytest.raises(BadInput, match=r"#1, #two, #3, #inline"):
        read_prompt(path, f"promptfoo://promptfooconfig.yaml{which}", root=tmp_path)
