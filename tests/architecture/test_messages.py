"""Messages of errors: the place stands before them, so it does not stand in them."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from pathlib import Path

ERRORS = {"BadInput", "Incomplete", "EvidenceMismatch", "Problem", "add"}
ALONE = {"evalgate/proxy/request.py"}
"""Their messages go to HTTP clients, which get the place as `param`."""


def test_no_message_repeats_its_place(repository: Path) -> None:
    found = [
        f"{path.relative_to(repository)}:{call.lineno}: {ast.unparse(call)[:120]}"
        for path in sorted((repository / "evalgate").rglob("*.py"))
        if str(path.relative_to(repository)) not in ALONE
        for call in repeating(ast.parse(path.read_text(encoding="utf-8")))
    ]
    assert not found, "\n".join(found)


def repeating(tree: ast.AST) -> Iterator[ast.Call]:
    """Calls that make an error whose message holds what its place holds."""
    for call in ast.walk(tree):
        if isinstance(call, ast.Call) and call.args and ast.unparse(call.func).split(".")[-1] in ERRORS:
            named = [keyword.value for keyword in call.keywords if keyword.arg == "where"]
            places = named or call.args[1:2]
            shown = {filled for place in places for filled in [plain(place), *fillings(place)]}
            if any(filled in shown for filled in fillings(call.args[0])):
                yield call


def fillings(text: ast.expr) -> list[str]:
    """What stands in the braces of a text."""
    return [plain(part.value) for part in ast.walk(text) if isinstance(part, ast.FormattedValue)]


def plain(value: ast.expr) -> str:
    """A value as it is written, without the str() around it."""
    while isinstance(value, ast.Call) and ast.unparse(value.func) == "str" and len(value.args) == 1:
        value = value.args[0]
    return ast.unparse(value)


def test_a_repetition_is_found() -> None:
    said = 'BadInput(f"{shown} is missing", where=shown)\nProblem(f"no {x}", str(x))\nBadInput(f"no {x}", where=f"{y}:1")'
    assert [call.lineno for call in repeating(ast.parse(said))] == [1, 2]
