"""Prompty and Dotprompt render to what their own libraries make of the same files; the differences are listed here."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from evalgate.core.errors import BadInput
from evalgate.pipeline.prompt_reading import read_prompt
from evalgate.prompts.picoschema import json_schema_of
from evalgate.prompts.template import render

KNOWN = Path(__file__).with_name("known_renderings")
ENDINGS = {"prompty": ".prompty", "dotpromptz": ".prompt"}
DIFFERENCES = {
    # A message that only white space stands in, before the first role marker, is not sent.
    ("prompty", "role by condition"): [["system", "Be strict."], ["user", "go"]],
}


def known(name: str) -> dict[str, Any]:
    document: dict[str, Any] = json.loads((KNOWN / f"{name}.json").read_text("utf-8"))
    return document


def samples() -> list[Any]:
    found = [(known(name)["tool"], sample) for name in ("prompty", "dotprompt") for sample in known(name)["samples"]]
    return [pytest.param(tool, sample, id=f"{tool}: {sample['name']}") for tool, sample in found]


def messages(path: Path, inputs: dict[str, Any]) -> list[list[str]]:
    return [[message.role, message.content] for message in render(read_prompt(path, "sample"), inputs)]


@pytest.mark.parametrize(("tool", "sample"), samples())
def test_a_sample_renders_as_its_own_library_renders_it(tool: str, sample: dict[str, Any], tmp_path: Path) -> None:
    path = tmp_path / f"sample{ENDINGS[tool]}"
    path.write_text(sample["file"], encoding="utf-8")
    theirs = [["assistant" if role == "model" else role, text] for role, text in sample["messages"]]
    expected = DIFFERENCES.get((tool, sample["name"]), theirs)
    assert messages(path, sample["inputs"]) == expected
    assert ((tool, sample["name"]) in DIFFERENCES) == (expected != theirs)


def test_the_libraries_are_named_with_their_versions() -> None:
    assert [(known(name)["tool"], known(name)["version"]) for name in ("prompty", "dotprompt")] == [
        ("prompty", "2.1.0"),
        ("dotpromptz", "0.2.0"),
    ]
    assert len(known("prompty")["samples"]) >= 20
    assert len(known("dotprompt")["samples"]) >= 20


SPECIFICATION = known("dotprompt_specification")


@pytest.mark.parametrize("case", SPECIFICATION["renderings"], ids=lambda case: case["name"])
def test_cases_of_the_dotprompt_specification(case: dict[str, Any], tmp_path: Path) -> None:
    path = tmp_path / "case.prompt"
    path.write_text(case["template"], encoding="utf-8")
    if case["refused"]:
        with pytest.raises(BadInput) as caught:
            messages(path, case["inputs"])
        assert case["refused"] in str(caught.value)
    else:
        assert messages(path, case["inputs"]) == case["messages"]


@pytest.mark.parametrize("case", SPECIFICATION["schemas"], ids=lambda case: case["name"])
def test_schemas_of_the_dotprompt_specification(case: dict[str, Any]) -> None:
    if case["refused"]:
        with pytest.raises(ValueError, match=case["refused"]):
            json_schema_of(case["picoschema"])
    else:
        assert json_schema_of(case["picoschema"]) == case["json_schema"]
