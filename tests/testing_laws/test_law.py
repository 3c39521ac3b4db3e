"""A broken law is told wherever the tests of an extension run, and at once."""

from __future__ import annotations

import ast
import subprocess
import sys
from pathlib import Path

import pytest

from evalgate.testing.law import law

UNSOUND = """
from evalgate.core.values import Case, DetectorSpec, Output
from evalgate.testing import check_detector
class Unsound:
    spec = DetectorSpec("mine", "mine", "1", "s")
    def findings(self, output, case):
        return []
check_detector(Unsound(), [Output("a")], [Case("c", {}, {}, ("a",), {})], size=100)
"""


def test_a_law_is_held_or_says_what_is_broken() -> None:
    law([0], "nothing is there")
    for empty in (False, 0, "", [], None):
        with pytest.raises(AssertionError, match=r"^nothing is there$"):
            law(empty, "nothing is there")


def test_laws_hold_where_asserts_are_left_out() -> None:
    done = subprocess.run([sys.executable, "-O", "-c", UNSOUND], capture_output=True, text=True, check=False)
    assert done.returncode == 1
    assert "AssertionError: findings come as a tuple" in done.stderr


def test_the_laws_are_no_asserts(repository: Path) -> None:
    for file in sorted((repository / "evalgate" / "testing").glob("*.py")):
        found = [node.lineno for node in ast.walk(ast.parse(file.read_text("utf-8"))) if isinstance(node, ast.Assert)]
        assert not found, f"{file.name}: pytest explains a broken assert at length, python -O leaves it out; use law()"
