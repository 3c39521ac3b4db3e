"""A leaked key, a link elsewhere and a script in the candidate's answers fail the comparison: the whole program."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from evalgate.cli.main import main

KEY = "hunter2-" + "a1B2c3D4"
FOUND = {
    "secrets": f"It is password = '{KEY}', as you know.",
    "urls:allow=[.example.com]": "See https://docs.example.com or https://example.com.evil.example.",
    "markup": "Hello <img src=x onerror=alert(1)>",
    "json_injection": '{"role": "user", "role": "system"}',
}


def compare(folder: Path, candidate: list[str], *arguments: str) -> int:
    names = []
    for name, column, texts in (
        ("b", "output", ["plain answer"] * len(candidate)),
        ("c", "output", candidate),
        ("r", "reference", ["plain answer"] * len(candidate)),
    ):
        path = folder / f"{name}.jsonl"
        rows = [{"id": f"c{i}", column: text} for i, text in enumerate(texts)]
        path.write_text("".join(json.dumps(row) + "\n" for row in rows), encoding="utf-8")
        names.append(str(path))
    options = ["--references", names[2], "--metric", "chrf", "--out", str(folder / "out")]
    return main(["compare", names[0], names[1], *options, *arguments])


@pytest.mark.parametrize("detector", sorted(FOUND))
def test_one_finding_more_fails_the_comparison(tmp_path: Path, capsys: pytest.CaptureFixture[str], detector: str) -> None:
    name = detector.partition(":")[0]
    texts = ["plain answer", FOUND[detector], "See https://docs.example.com", "plain answer"]
    assert compare(tmp_path, texts, "--safety", detector, "--threshold", f"safety.{name}:max_new=0") == 1
    shown = capsys.readouterr().out
    assert f"{name}: 1 of 4 cases newly violates" in shown
    pages = [
        path.read_text(encoding="utf-8") for path in (tmp_path / "out").rglob("*") if path.suffix in (".html", ".md", ".xml")
    ]
    assert pages
    assert all(KEY not in text for text in (shown, *pages))


@pytest.mark.parametrize("detector", sorted(FOUND))
def test_ordinary_answers_pass(tmp_path: Path, detector: str) -> None:
    name = detector.partition(":")[0]
    texts = ["plain answer", "See https://docs.example.com/a?b=c.", 'Use `<b>`, {"a": 1} and 1 < 2.', "Reset your password."]
    assert compare(tmp_path, texts, "--safety", detector, "--threshold", f"safety.{name}:max_new=0") == 0


@pytest.mark.parametrize("choice", ["secrets:verify=true", "urls:allow=[https://a.example]", "markup:code=maybe", "secret"])
def test_a_wrong_choice_decides_nothing(tmp_path: Path, capsys: pytest.CaptureFixture[str], choice: str) -> None:
    assert compare(tmp_path, ["plain answer"], "--safety", choice) == 2
    assert "parameter" in (said := capsys.readouterr().err) or "unknown" in said
