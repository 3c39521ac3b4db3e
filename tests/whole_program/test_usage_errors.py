"""Usage errors: no name of a function in them, and what was meant by a word that is not known."""

from __future__ import annotations

import argparse
from collections.abc import Callable, Iterator
from typing import Any

import pytest

from evalgate.cli.main import main
from evalgate.cli.parser import build_parser


def refused(capsys: pytest.CaptureFixture[str], command: str) -> str:
    """What is said on stderr of a usage error."""
    with pytest.raises(SystemExit) as stop:
        main(command.split())
    ran = capsys.readouterr()
    assert (stop.value.code, ran.out) == (2, "")
    return ran.err


@pytest.mark.parametrize(
    ("command", "meant"),
    [
        ("rnu", "run"),
        ("rnu --out x", "run"),
        ("prompt rendr x", "render"),
        ("run x --mode repla", "replay"),
        ("--quite run x", "--quiet"),
        ("--verison", "--version"),
        ("compare a b --references c --treshold x", "--threshold"),
        ("compare a b --references c --treshold=x --resmples=5", "--threshold and --resamples"),
        ("recording show x --jsn", "--json"),
        ("approve x --kye k", "--key"),
    ],
)
def test_a_misspelt_word_is_told_with_the_nearest(capsys: pytest.CaptureFixture[str], command: str, meant: str) -> None:
    assert refused(capsys, command).endswith(f"\n    try: did you mean {meant}?\n")


@pytest.mark.parametrize("command", ["nonsense", "run x --zzz", "run", "run x -- --treshold"])
def test_what_is_near_to_nothing_has_no_such_hint(capsys: pytest.CaptureFixture[str], command: str) -> None:
    said = refused(capsys, command)
    assert "error: " in said and "did you mean" not in said


def test_an_unknown_option_comes_with_the_usage_of_its_command(capsys: pytest.CaptureFixture[str]) -> None:
    said = refused(capsys, "dataset show x --jsn")
    assert said.startswith("usage: evalgate dataset show ")
    assert "evalgate dataset show: error: unrecognized arguments: --jsn\n" in said


def test_a_usage_error_is_safe_for_a_terminal(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit):
        main(["run", "x", "--\x1b[31mred\n::error::x"])
    said = capsys.readouterr().err
    assert "\x1b" not in said and "\n::error" not in said


@pytest.mark.parametrize(
    ("command", "said"),
    [
        ("run x --jobs x", "argument --jobs: 'x' is not a number of workers: write a whole number from 1 to 1,024"),
        ("run x --jobs 0", "argument --jobs: '0' is not a number of workers: write a whole number from 1 to 1,024"),
        ("compare a b --jobs 1_0", "argument --jobs: '1_0' is not a number of workers: write a whole number from 1 to 1,024"),
        ("compare a b --seed 1.5", "argument --seed: '1.5' is not a seed: write a whole number"),
        ("compare a b --confidence high", "argument --confidence: 'high' is not a level of confidence: write a number such as 0.95"),
        ("proxy --port 99999", "argument --port: '99999' is not a port: write a whole number from 0 to 65,535"),
        ("dataset diff a b --limit -1", "argument --limit: '-1' is not a number of cases: write a whole number from 0 to 999,999,999"),
    ],
)  # fmt: skip
def test_a_number_that_is_none_is_told_with_what_is_wanted(capsys: pytest.CaptureFixture[str], command: str, said: str) -> None:
    assert refused(capsys, command).endswith(f": error: {said}\n")


def test_no_converter_tells_its_own_name() -> None:
    for parser in parsers(build_parser()):
        for action in parser._actions:
            if action.type is None:
                continue
            assert callable(action.type)
            try:
                action.type("\x00 no such thing,,")
            except argparse.ArgumentTypeError:
                continue
            except (TypeError, ValueError):
                pytest.fail(f"{parser.prog} {action.option_strings}: argparse would name the function in its message")


def parsers(parser: argparse.ArgumentParser) -> Iterator[argparse.ArgumentParser]:
    """A parser and those of all its commands."""
    yield parser
    for action in parser._actions:
        if isinstance(action, argparse._SubParsersAction):
            for below in action.choices.values():
                yield from parsers(below)


@pytest.mark.parametrize(
    ("command", "meant"),
    [
        ("dataset show sums", "sums@1.0.0"),
        ("dataset show smus", "sums@1.0.0"),
        ("dataset show smus@1.0.0", "sums"),
        ("prompt render sum", "sum@1 or sum@2"),
        ("prompt render sumn", "sum@1 or sum@2"),
        ("prompt render sumn@1", "sum"),
        ("recording show summs", "sums"),
    ],
)
def test_a_name_without_its_version_or_misspelt_is_told_with_what_there_is(
    project: Callable[..., Any], monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], command: str, meant: str
) -> None:
    monkeypatch.chdir(project().root)
    assert main(command.split()) == 2
    assert f"\n    try: did you mean {meant}?\n" in capsys.readouterr().err
