"""Every option of every command stands in README.md or docs/, and the commands shown there have the options they use."""

from __future__ import annotations

import argparse
import re
from collections.abc import Iterator
from pathlib import Path

from evalgate.cli.parser import build_parser

_FLAG = re.compile(r"(?<![\w-])--[a-z][a-z-]*")
_END = re.compile(r"\s#\s|[|;&`>)]")


def pages(repository: Path) -> list[Path]:
    return [repository / "README.md", *sorted((repository / "docs").glob("**/*.md"))]


def parsers(parser: argparse.ArgumentParser, names: tuple[str, ...] = ()) -> Iterator[tuple[tuple[str, ...], set[str]]]:
    """The words of every command, and its long options."""
    yield names, {option for action in parser._actions for option in action.option_strings if option.startswith("--")}
    for action in parser._actions:
        if isinstance(action, argparse._SubParsersAction):
            for name, below in action.choices.items():
                yield from parsers(below, (*names, name))


def test_every_option_stands_in_a_document(repository: Path) -> None:
    written = {flag for page in pages(repository) for flag in _FLAG.findall(page.read_text(encoding="utf-8"))}
    missing = {f"evalgate {' '.join(names)} {flag}" for names, flags in parsers(build_parser()) for flag in flags - written}
    assert not missing, "\n".join(sorted(missing))


def test_commands_in_documents_have_the_options_they_use(repository: Path) -> None:
    known = dict(parsers(build_parser()))
    wrong = []
    for page in pages(repository):
        text = page.read_text(encoding="utf-8").replace("\\\n", " ")
        for match in re.finditer(r"(?<![\w/@.-])evalgate ([a-z]+)((?: +[^\n]*)?)", text):
            words = _END.split(match.group(2))[0].split()
            names = next((names for names in ((match.group(1), *words[:1]), (match.group(1),)) if names in known), None)
            if names is not None:
                wrong += [
                    f"{page.name}: evalgate {' '.join(names)} {flag}"
                    for flag in _FLAG.findall(" ".join(words))
                    if flag not in known[names]
                ]
    assert not wrong, "\n".join(wrong)
