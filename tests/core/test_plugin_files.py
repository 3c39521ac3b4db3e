"""An extension that somebody works on changes its digest with every edit, wherever it is installed."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

from evalgate.core.plugin_files import code_digest


@pytest.fixture
def place(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.syspath_prepend(str(tmp_path))
    package = tmp_path / "odd_metrics"
    package.mkdir()
    (package / "__init__.py").write_text("raise RuntimeError('nothing is imported')\n")
    (package / "one.py").write_text("A = 1\n")
    (tmp_path / "odd_single.py").write_text("B = 1\n")
    return tmp_path


def test_every_edit_changes_it(place: Path) -> None:
    before = code_digest(["odd_metrics.one"])
    assert before is not None
    assert code_digest(["odd_metrics.one"]) == before
    (place / "odd_metrics" / "one.py").write_text("A = 2\n")
    edited = code_digest(["odd_metrics.one"])
    (place / "odd_metrics" / "two.py").write_text("")
    assert len({before, edited, code_digest(["odd_metrics.one"])}) == 3
    assert "odd_metrics" not in sys.modules


def test_a_single_file_is_one_too(place: Path) -> None:
    before = code_digest(["odd_single"])
    (place / "odd_single.py").write_text("B = 2\n")
    assert before not in (None, code_digest(["odd_single"]))


@pytest.mark.parametrize("module", ["odd_nowhere", "odd_metrics_too.x", "sys", ""])
def test_what_has_no_files_has_no_digest(place: Path, module: str) -> None:
    assert code_digest([module]) is None


def test_other_files_do_not_count(place: Path) -> None:
    before = code_digest(["odd_metrics"])
    (place / "odd_metrics" / "notes.txt").write_text("x")
    assert code_digest(["odd_metrics"]) == before
