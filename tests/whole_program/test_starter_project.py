"""`evalgate init` gives a project that works at once."""

from __future__ import annotations

from pathlib import Path

import pytest

from evalgate.cli.main import main
from evalgate.config.strict_yaml import read_document


def test_init_check_run(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["init", str(tmp_path / "mine")]) == 0
    monkeypatch.chdir(tmp_path / "mine")
    assert main(["check"]) == 0
    assert main(["check", "datasets", "configs/prompts"]) == 0
    assert main(["run", "configs/first-gate.yaml"]) == 0
    assert "PASS" in capsys.readouterr().out
    workflow = read_document(Path(".github/workflows/evalgate.yml")).value
    assert workflow["permissions"] == {"contents": "read"}


def test_init_never_replaces_a_file(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "GATE.md").write_text("mine", encoding="utf-8")
    assert main(["init", str(tmp_path)]) == 2
    assert (tmp_path / "GATE.md").read_text(encoding="utf-8") == "mine"
    assert not (tmp_path / "configs").exists()
    assert "exists already" in capsys.readouterr().err


def test_lock_and_verify(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    main(["init", str(tmp_path)])
    monkeypatch.chdir(tmp_path)
    assert main(["dataset", "verify", "reviews@1.0.0"]) == 2
    assert main(["dataset", "lock", "reviews@1.0.0"]) == 0
    assert main(["dataset", "verify", "reviews@1.0.0"]) == 0
    assert main(["dataset", "lock", "reviews@1.0.0"]) == 0
    card = tmp_path / "datasets" / "reviews" / "1.0.0" / "dataset.yaml"
    assert card.read_text(encoding="utf-8").count("digest:") == 1
    cases = card.with_name("cases.jsonl")
    cases.write_text(cases.read_text(encoding="utf-8").replace("kind", "nice", 1), encoding="utf-8")
    assert main(["dataset", "verify", "reviews@1.0.0"]) == 2
    assert main(["run", "configs/first-gate.yaml"]) == 2
    assert main(["dataset", "verify", "nothing@1"]) == 2
    capsys.readouterr()
