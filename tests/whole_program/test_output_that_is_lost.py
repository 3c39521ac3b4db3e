"""A document that could not be written is never a pass; a reader who went away changes nothing."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

FULL = Path("/dev/full")
pytestmark = pytest.mark.skipif(not FULL.exists(), reason="no /dev/full here")


def ended(made: Any, place: Any, *arguments: str) -> tuple[int, str]:
    command = [sys.executable, "-m", "evalgate", *arguments]
    done = subprocess.run(command, stdout=place, stderr=subprocess.PIPE, cwd=made.root, text=True, check=False, timeout=60)
    return done.returncode, done.stderr


@pytest.mark.parametrize("right", [36, 20])
def test_a_verdict_that_is_lost_is_no_pass(project: Callable[..., Any], right: int) -> None:
    made = project(right=right)
    arguments = ("run", str(made.config), "--json", "--out", str(made.root / "out"))
    kept = made.run("--out", str(made.root / "kept"))
    with FULL.open("w") as full:
        code, said = ended(made, full, *arguments)
    assert code == (kept.code or 3)
    assert "standard output cannot be written: No space left on device" in said
    assert json.loads((made.root / "out" / "verdict.json").read_text("utf-8"))["exit_code"] == kept.code


def test_a_forecast_that_is_lost_is_no_forecast(project: Callable[..., Any]) -> None:
    made = project()
    with FULL.open("w") as full:
        code, said = ended(made, full, "plan", str(made.config), "--json")
    assert (code, "standard output cannot be written" in said) == (3, True)


def test_a_reader_who_went_away_changes_nothing(project: Callable[..., Any]) -> None:
    made = project()
    kept = made.run("--out", str(made.root / "kept"))
    read, write = os.pipe()
    os.close(read)
    code, said = ended(made, write, "run", str(made.config), "--json", "--out", str(made.root / "out"))
    assert (code, "cannot be written" in said) == (kept.code, False)
