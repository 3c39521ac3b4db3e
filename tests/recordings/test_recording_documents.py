"""docs/recordings.md says what the program does."""

from __future__ import annotations

import argparse
import json
import re
import subprocess
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from evalgate.cli.parser import build_parser
from evalgate.cli.parser_recording import FORMATS
from evalgate.proxy.transfer import guess


def page(repository: Path) -> str:
    return (repository / "docs" / "recordings.md").read_text(encoding="utf-8")


def parsers(parser: argparse.ArgumentParser) -> Iterator[argparse.ArgumentParser]:
    yield parser
    for action in parser._actions:
        if isinstance(action, argparse._SubParsersAction):
            for child in action.choices.values():
                yield from parsers(child)


def test_every_flag_and_action_of_the_page_exists(repository: Path) -> None:
    (commands,) = (a for a in build_parser()._actions if isinstance(a, argparse._SubParsersAction))
    recording = commands.choices["recording"]
    (actions,) = (a for a in recording._actions if isinstance(a, argparse._SubParsersAction))
    flags = {flag for parser in parsers(recording) for action in parser._actions for flag in action.option_strings}
    text = re.sub(r"`?git [^`\n]*", "", page(repository))
    assert set(re.findall(r"(?<![\w-])(--[a-z][a-z-]+)", text)) <= flags
    assert flags - set(re.findall(r"(?<![\w-])(--[a-z][a-z-]+)", text)) <= {
        "--help",
        "-h",
        "--quiet",
        "--verbose",
        "--version",
        "--sample",
        "--model",
    }
    assert set(re.findall(r"evalgate recording ([a-z]+)", text)) == set(actions.choices)


def test_formats_are_those_of_the_reader(repository: Path) -> None:
    assert FORMATS == guess.FORMATS
    for name in FORMATS:
        assert f"(`{name}`)" in page(repository)


def test_the_line_of_the_page_has_the_fields_of_a_line(project: Callable[..., Any], repository: Path) -> None:
    made = project()
    shown = json.loads(re.search(r"```json\n(.*?)```", page(repository), re.DOTALL).group(1))  # type: ignore[union-attr]
    line = made.line("baseline", 0)
    assert shown.keys() == line.keys()
    assert shown["request"].keys() == line["request"].keys()
    assert shown["response"].keys() >= line["response"].keys()


def git(folder: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    given = ("-c", "user.name=a", "-c", "user.email=a@example.com", "-c", "init.defaultBranch=main", "-c", "commit.gpgsign=false")
    return subprocess.run(["git", *given, *arguments], cwd=folder, capture_output=True, text=True, check=False)


@pytest.mark.parametrize("union", [True, False])
def test_two_branches_are_merged_as_the_page_says(project: Callable[..., Any], union: bool) -> None:
    made = project()
    root, lines = made.root, made.lines()
    if git(root, "init").returncode:
        pytest.skip("git is not there")
    if union:
        (root / ".gitattributes").write_text("datasets/recordings/**/*.jsonl merge=union\n")
    made.record(*lines[:2])
    git(root, "add", ".")
    git(root, "commit", "-m", "base")
    git(root, "checkout", "-b", "theirs")
    made.record(*lines[:2], *lines[4:])
    git(root, "commit", "-am", "theirs")
    git(root, "checkout", "main")
    made.record(*lines[:2], *lines[2:5])
    git(root, "commit", "-am", "ours")
    assert (git(root, "merge", "theirs").returncode == 0) is union
    if not union:
        assert "conflict marker" in made.recording("verify", "sums").err
        theirs = git(root, "show", "theirs:datasets/recordings/sums/0001.jsonl").stdout
        git(root, "checkout", "--ours", "datasets/recordings/sums/0001.jsonl")
        assert made.bring(made.file("theirs.jsonl", theirs), "--format", "lines", into="sums").code == 0
    assert made.recording("verify", "sums").code == 0
    assert len(made.open()) == 8
    assert made.call("run", made.config, "--jobs", "1").code == 0
