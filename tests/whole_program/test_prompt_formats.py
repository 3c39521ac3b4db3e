"""A gate judges prompts of every format alike, and `prompt render` shows what the model gets."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import pytest

FORMATS = {
    "2.prompty": "---\nname: add\n---\nuser:\nAdd: {{ question }}\n",
    "2.prompty with logic": "---\nname: add\n---\nuser:\n{% if question %}Add: {{ question }}{% endif %}\n",
    "2.prompt": "---\nmodel: m\n---\nAdd: {{question}}\n",
    "2.prompt with logic": "{{#if question}}Add: {{question}}{{/if}}",
    "2.json": '[{"role": "user", "content": "Add: {{question}}"}]',
    "2.txt": "Add: {{question}}\n",
    "2.md": "Add: {{question}}\n",
    "2.prompt.yaml": "messages: [{role: user, content: 'Add: {{question}}'}]\n",
}


def with_candidate(made: Any, name: str, text: str) -> Any:
    prompts = made.root / "configs" / "prompts" / "sum"
    (prompts / "2.prompt.yml").unlink()
    (prompts / name.split(" ")[0]).write_text(text, encoding="utf-8")
    return made


@pytest.mark.parametrize(("name", "text"), FORMATS.items(), ids=FORMATS.keys())
def test_the_same_prompt_in_any_format_asks_the_same(name: str, text: str, project: Callable[..., Any]) -> None:
    made = with_candidate(project(), name, text)
    ran = made.run("--json", "--jobs", "1")
    assert ran.code == 0, ran.err
    assert ran.document["verdict"] == "pass"
    assert made.call("check", str(made.config)).code == 0


def test_workers_render_templates_with_logic_too(project: Callable[..., Any]) -> None:
    made = with_candidate(project(cases=200, base=100, right=180), "2.prompty", FORMATS["2.prompty with logic"])
    ran = made.run("--json", "--jobs", "2")
    assert ran.code == 0, ran.err
    assert ran.document["verdict"] == "pass"


def test_a_prompt_of_a_promptfoo_configuration(project: Callable[..., Any]) -> None:
    made = project()
    (made.root / "foo.yaml").write_text(
        "prompts: ['Sum: {{question}}', {label: add, raw: 'Add: {{question}}'}]\n", encoding="utf-8"
    )
    text = made.config.read_text("utf-8").replace("{prompt: sum@2,", '{prompt: "promptfoo://../foo.yaml#add",')
    made.config.write_text(text, encoding="utf-8")
    ran = made.run("--json")
    assert ran.code == 0, ran.err
    assert ran.document["variants"]["candidate"]["prompt"] == "promptfoo://../foo.yaml#add"


@pytest.mark.parametrize(
    ("name", "text", "said"),
    [
        ("2.prompty", "---\nname: a\n---\nuser:\nAdd: {{ question.__class__ }}\n", "2.prompty:5"),
        ("2.prompty", "---\nname: ${file:/etc/passwd}\n---\nuser:\nAdd: {{ question }}\n", "2.prompty:2"),
        ("2.prompty", "---\nname: a\n---\nuser:\nAdd: {{ missing | upper }}\n", "missing"),
        ("2.prompty", "---\nname: a\n---\nuser:\nAdd: {{ question.part }}\n", "case c0"),
        ("2.prompt", "Add: {{#if question}}{{question}}", "2.prompt:1"),
        ("2.prompt", "Add: {{> other}}", "partials"),
        ("2.json", '{"role": "user"}', "list of messages"),
        ("2.json", "[{]", "not valid JSON"),
        ("2.prompt.yaml", "messages: []\n", "message"),
        ("2.csv", "x", "no version '2'"),
    ],
)
def test_a_faulty_prompt_of_any_format_is_bad_input(name: str, text: str, said: str, project: Callable[..., Any]) -> None:
    made = with_candidate(project(), name, text)
    ran = made.run()
    assert ran.code == 2
    assert said in ran.err
    assert not [name for name in made.written() if name.endswith((".html", "verdict.json"))]


def test_two_files_of_one_version_are_an_error(project: Callable[..., Any]) -> None:
    made = project()
    (made.root / "configs" / "prompts" / "sum" / "2.txt").write_text("Add: {{question}}", encoding="utf-8")
    ran = made.run()
    assert ran.code == 2
    assert "2.prompt.yml and 2.txt" in ran.err


def render(made: Any, monkeypatch: pytest.MonkeyPatch, *arguments: str) -> Any:
    monkeypatch.chdir(made.root)
    return made.call("prompt", "render", *arguments)


def test_render_shows_messages(project: Callable[..., Any], monkeypatch: pytest.MonkeyPatch) -> None:
    made = project()
    inputs = made.root / "inputs.json"
    inputs.write_text(json.dumps({"question": "7 + 1"}), encoding="utf-8")
    ran = render(made, monkeypatch, "sum@2", "--inputs", "inputs.json")
    assert (ran.code, ran.out) == (0, "[user]\nAdd: 7 + 1\n\n")
    assert "sum@2: github, 1 messages" in ran.err
    ran = render(made, monkeypatch, "sum@2", "--inputs", "inputs.json", "--input", "question=1\x1b[31m\n::error::x")
    assert "\x1b" not in ran.out
    assert "\n::error" not in ran.out
    ran = render(made, monkeypatch, "sum@1", "--case", "sums@1.0.0:c4", "--json")
    assert ran.document["messages"] == [{"role": "user", "content": "Sum: 4 + 1"}]
    assert ran.document["schema"] == "evalgate.rendered_prompt/1"


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (
            ["sum@2"],
            "prompt sum@2: needs the variable 'question', which is missing\n    try: --input question=TEXT, --inputs FILE with a "
            "JSON object, or --case DATASET:ID; it takes question\n",
        ),
        (["sum@2", "--input", "qestion=2"], "it takes question (qestion: not used by it)\n"),
        (["sum@3", "--input", "question=x"], "versions: 1, 2"),
        (["sum@2", "--input", "question"], "write --input name=text"),
        (["sum@2", "--inputs", "gone.json"], "does not exist"),
        (["sum@2", "--inputs", "configs/sums.yaml"], "not valid JSON"),
        (["sum@2", "--case", "sums@1.0.0"], "names no case"),
        (["sum@2", "--case", "sums@1.0.0:c400"], "there is no case 'c400'"),
        (["sum@2", "--case", "sum@1.0.0:c4"], "sum"),
    ],
)
def test_render_refuses(arguments: list[str], said: str, project: Callable[..., Any], monkeypatch: pytest.MonkeyPatch) -> None:
    ran = render(project(), monkeypatch, *arguments)
    assert ran.code == 2
    assert said in ran.err
    assert ran.out == ""
