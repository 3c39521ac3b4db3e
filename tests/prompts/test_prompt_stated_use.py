"""What a prompt file says of its own use: read from every format with front matter, texts only, no part of its meaning."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from evalgate.core.errors import BadInput
from evalgate.pipeline.prompt_reading import read_prompt
from evalgate.prompts.stated_use import USES, stated_use
from evalgate.prompts.values import Prompt

USE = """metadata:
  owner: shop team
  intended_use: Name one product.
  out_of_scope_uses: Advice on health.
  materiality_tier: high
  known_limitations: |
    German only.
"""
FILES = {
    "p.prompt.yml": "name: p\n{}messages:\n  - {{role: user, content: hello}}\n",
    "p.prompty": "---\nname: p\n{}---\nuser:\nhello\n",
    "p.prompt": "---\nname: p\n{}---\nhello\n",
}


def read(folder: Path, name: str, metadata: str) -> Prompt:
    path = folder / name
    path.write_text(FILES[name].format(metadata), encoding="utf-8")
    return read_prompt(path, reference="p@1")


@pytest.mark.parametrize("name", FILES)
def test_every_format_with_front_matter_has_a_place_for_it(tmp_path: Path, name: str) -> None:
    told = stated_use(read(tmp_path, name, USE))
    assert told == {
        "intended_use": "Name one product.",
        "out_of_scope_uses": "Advice on health.",
        "owner": "shop team",
        "materiality_tier": "high",
        "known_limitations": "German only.",
    }
    assert tuple(told) == USES


@pytest.mark.parametrize("name", FILES)
def test_it_is_no_part_of_what_is_asked(tmp_path: Path, name: str) -> None:
    assert read(tmp_path, name, USE).digest == read(tmp_path, name, "").digest


@pytest.mark.parametrize("name", FILES)
@pytest.mark.parametrize("key", USES)
@pytest.mark.parametrize("value", ["3", "[a, b]", "{a: b}", "true", "null"])
def test_what_is_no_text_is_refused_at_its_line(tmp_path: Path, name: str, key: str, value: str) -> None:
    with pytest.raises(BadInput) as caught:
        read(tmp_path, name, f"metadata:\n  note: [1, 2]\n  {key}: {value}\n")
    (problem,) = caught.value.problems
    assert problem.message == f"metadata.{key} must be a text"
    line = 4 if name == "p.prompt.yml" else 5
    assert str(problem.where).endswith(f"{name}:{line}")


@pytest.mark.parametrize("name", FILES)
@pytest.mark.parametrize("value", ["words", "[owner]", "null"])
def test_metadata_that_is_no_mapping_is_refused(tmp_path: Path, name: str, value: str) -> None:
    with pytest.raises(BadInput, match="metadata must be a mapping"):
        read(tmp_path, name, f"metadata: {value}\n")


def test_other_keys_are_whatever_somebody_finds_worth_knowing(tmp_path: Path) -> None:
    made = read(tmp_path, "p.prompty", "metadata: {authors: [ann, bob], tags: [x], reviewed: 2}\n")
    assert stated_use(made) == {"owner": "ann"}, "the first author is the owner"


def test_blank_is_not_said(tmp_path: Path) -> None:
    made = read(tmp_path, "p.prompt.yml", "metadata: {owner: '  ', intended_use: ''}\n")
    assert stated_use(made) == stated_use(replace(made, metadata={"known_limitations": None})) == {}
