"""Whatever stands in a prompt file, it is read or refused: no other error, and what is read renders or is refused."""

from __future__ import annotations

import json
import os
import signal
import sys
from pathlib import Path
from typing import Any

import pytest
import yaml
from hypothesis import given, settings
from hypothesis import strategies as st

from evalgate.core.errors import BadInput, EvalgateError
from evalgate.pipeline.prompt_reading import read_prompt
from evalgate.prompts import jinja_rendering
from evalgate.prompts.template import render
from evalgate.prompts.values import Message, Prompt

BODIES = {
    ".prompty": "system:\nBe {{ tone }}.\nuser:\n{% for x in xs %}{{ x }}{% endfor %}{{ q }}\n",
    ".prompt": '{{role "system"}}Be {{tone}}.{{role "user"}}{{#each xs}}{{this}}{{/each}}{{q}}',
}
MATTERS: dict[str, list[Any]] = {
    ".prompty": [
        {
            "name": "a",
            "metadata": {"authors": ["x"]},
            "model": {"id": "m", "connection": {"kind": "key"}, "options": {"temperature": 0, "stopSequences": ["x"]}},
            "inputs": [{"name": "q", "kind": "string", "enumValues": ["a"], "default": "x"}, {"name": "xs", "kind": "array", "items": {"kind": "string"}}],
            "outputs": {"answer": {"kind": "object", "properties": {"a": {"kind": "string", "required": True}}}},
            "template": {"format": {"kind": "jinja2"}, "parser": {"kind": "prompty"}},
            "tools": [],
        },
        {
            "name": "a",
            "authors": ["x"],
            "model": {"api": "chat", "configuration": {"name": "m"}, "parameters": {"max_tokens": 3}},
            "inputs": {"q": {"type": "string", "sample": "x"}},
            "sample": {"q": "x"},
            "template": "jinja2",
        },
    ],
    ".prompt": [
        {
            "name": "a",
            "version": "1",
            "model": "m",
            "config": {"temperature": 0, "stopSequences": ["x"]},
            "input": {"schema": {"q": "string", "xs(array)": "string", "k(enum)": ["a"], "o(object)": {"a": "integer"}}, "default": {"q": "x"}},
            "output": {"format": "json", "schema": {"type": "object", "properties": {"a": {"type": "string"}}}},
            "metadata": {"owner": "x"},
            "ns.key": 1,
        },
        {"input": {"schema": {"type": "object", "properties": {"q": {"type": "string"}}, "required": ["q"]}, "default": {"q": "x"}}},
    ],
}  # fmt: skip
ODD = st.one_of(
    st.none(), st.booleans(), st.integers(-3, 3), st.just(1.5), st.text(max_size=5), st.just([]), st.just({}), st.just([[1]]), st.just({"a": {"b": [None]}})
)  # fmt: skip


def places(value: Any, path: tuple[Any, ...] = ()) -> list[tuple[Any, ...]]:
    found = [path] if path else []
    items = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    for key, item in items:
        found += places(item, (*path, key))
    return found


def changed(value: Any, path: tuple[Any, ...], new: Any) -> Any:
    if not path:
        return new
    copy = dict(value) if isinstance(value, dict) else list(value)
    copy[path[0]] = changed(value[path[0]], path[1:], new)
    return copy


def taken_or_refused(path: Path, text: str) -> None:
    path.write_text(text, encoding="utf-8", errors="replace")
    try:
        found = read_prompt(path, "p@1")
        render(found, {"q": "x", "tone": None, "xs": [1, {"a": 2}]})
    except BadInput as error:
        assert all(problem.message for problem in error.problems)


@settings(max_examples=150, deadline=None)
@given(st.data())
def test_any_value_anywhere_in_the_front_matter(tmp_path_factory: pytest.TempPathFactory, data: st.DataObject) -> None:
    ending = data.draw(st.sampled_from(sorted(MATTERS)))
    matter = data.draw(st.sampled_from(MATTERS[ending]))
    path = data.draw(st.sampled_from(places(matter)))
    text = yaml.safe_dump(changed(matter, path, data.draw(ODD)), allow_unicode=True, sort_keys=False)
    file = tmp_path_factory.getbasetemp() / f"law{os.getpid()}{ending}"
    taken_or_refused(file, f"---\n{text}---\n{BODIES[ending]}")


FRAGMENTS = st.sampled_from(
    ["{{", "}}", "{%", "%}", "{#", "#}", "#if ", "/if", "else", "#each ", "/each", " q ", " xs ", ".", "|", "upper", "for x in", "endfor", "if", "endif",
     "\n", "user:", "system:\n", "~", "{{role \"user\"}}", "@index", "../", "\"", "\\", "(", ")", "[0]", "_", "json ", "!", "!--", "--", " ", "---\n"]
)  # fmt: skip


@settings(max_examples=250, deadline=None)
@given(st.lists(FRAGMENTS, max_size=25).map("".join), st.sampled_from([".prompty", ".prompt", ".txt", ".json", ".prompt.yml"]))
def test_any_body(tmp_path_factory: pytest.TempPathFactory, body: str, ending: str) -> None:
    taken_or_refused(tmp_path_factory.getbasetemp() / f"body{os.getpid()}{ending}", body)


@settings(max_examples=100, deadline=None)
@given(
    st.recursive(
        ODD,
        lambda inner: (
            st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from(["role", "content", "type", "text"]), inner, max_size=3)
        ),
    )
)
def test_any_chat(tmp_path_factory: pytest.TempPathFactory, value: Any) -> None:
    taken_or_refused(tmp_path_factory.getbasetemp() / f"chat{os.getpid()}.json", json.dumps(value))
    config = tmp_path_factory.getbasetemp() / f"foo{os.getpid()}.yaml"
    config.write_text(json.dumps({"prompts": value, "tests": value}), encoding="utf-8")
    try:
        read_prompt(config, "promptfoo://foo.yaml", root=config.parent)
    except BadInput as error:
        assert error.problems


def jinja(text: str) -> Prompt:
    return Prompt("p@1", Path("p"), (Message("user", text),), {}, ("q",), "", engine="jinja2")


def test_without_jinja2_the_message_names_the_extra(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("jinja2", "jinja2.sandbox"):
        monkeypatch.setitem(sys.modules, name, None)
    path = tmp_path / "p.prompty"
    path.write_text("---\nname: a\n---\n{% if q %}{% endif %}", encoding="utf-8")
    with pytest.raises(BadInput, match=r"evalgate-engine\[prompts\]"):
        read_prompt(path, "p")
    path.write_text("---\nname: a\n---\n{{ q }}", encoding="utf-8")
    assert read_prompt(path, "p").engine == "plain"


def test_a_process_that_somebody_ended_is_started_again() -> None:
    assert render(jinja("{{ q | upper }}"), {"q": "a"})[0].content == "A"
    process = jinja_rendering._worker(os.getpid()).process
    assert process is not None
    os.kill(process.pid, signal.SIGKILL)
    process.wait()
    assert render(jinja("{{ q | upper }}"), {"q": "b"})[0].content == "B"


def test_a_process_that_does_not_start_is_no_fault_of_the_prompt(monkeypatch: pytest.MonkeyPatch) -> None:
    jinja_rendering._worker(os.getpid()).stop()
    monkeypatch.setattr(jinja_rendering, "_START", "raise SystemExit(3)")
    with pytest.raises(EvalgateError, match="ended") as caught:
        render(jinja("{{ q }}"), {"q": "a"})
    assert caught.value.exit_code == 3
    monkeypatch.undo()
    assert render(jinja("{{ q }}!"), {"q": "a"})[0].content == "a!"
