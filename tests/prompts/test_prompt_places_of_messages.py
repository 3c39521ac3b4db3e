"""On which line of the file the content of each message begins."""

from __future__ import annotations

from pathlib import Path

import pytest

from evalgate.config.strict_yaml import parse_document
from evalgate.prompts.prompt_file import parse_plain, parse_prompt

WAYS = ["content: One {{x}}", 'content: "One {{x}}"', "content: 'One {{x}}'", "content: |\n      One {{x}}", "content: >-\n      One\n      {{x}}",
        "content: |2-  # why\n      One {{x}}", "content: |\r\n      One {{x}}", '"content":   |\n      One {{x}}', "content:\n      One {{x}}", "content:\n      |\n      One {{x}}"]  # fmt: skip


@pytest.mark.parametrize("first", WAYS)
@pytest.mark.parametrize("second", WAYS)
def test_a_block_text_begins_below_its_key(first: str, second: str) -> None:
    text = f"messages:\n  - role: system\n    {first}\n  - role: user\n    {second}\n"
    prompt = parse_prompt(parse_document(text, "p.prompt.yml"), reference="p")
    lines = text.split("\n")
    for line, way in zip(prompt.lines, (first, second), strict=True):
        assert "One" in lines[line - 1], way


def test_text_that_looks_like_yaml_is_no_block() -> None:
    prompt = parse_plain("content: |\n{{x}}\n", Path("p.txt"), reference="p")
    assert prompt.lines == (1,)
