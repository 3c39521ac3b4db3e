"""From outputs to the decision of each threshold: two methods, Holm's correction, lost answers, exact equality."""

from __future__ import annotations

import json
import random
from pathlib import Path
from typing import Any

import pytest

from evalgate.cli.main import main

WORDS = ["the", "quick", "brown", "fox", "jumps", "over", "a", "lazy", "dog", "while", "seven", "small", "boats", "sail", "past"]


def write(path: Path, rows: list[dict[str, Any]]) -> str:
    path.write_text("".join(json.dumps(row) + "\n" for row in rows), encoding="utf-8")
    return str(path)


@pytest.fixture
def files(tmp_path: Path) -> list[str]:
    """120 cases; the candidate leaves out fewer words, a little."""
    dice = random.Random(11)
    made: dict[str, list[dict[str, Any]]] = {"b": [], "c": [], "r": []}
    for i in range(120):
        words = dice.choices(WORDS, k=12)
        before = " ".join(w for w in words if dice.random() > 0.35)
        after = " ".join(w for w in words if dice.random() > 0.28)
        made["r"].append({"id": f"c{i}", "reference": " ".join(words), "lang": ("de", "en", "fr")[i % 3]})
        made["b"].append({"id": f"c{i}", "output": before})
        made["c"].append({"id": f"c{i}", "output": after})
    names = {name: write(tmp_path / f"{name}.jsonl", rows) for name, rows in made.items()}
    return [names["b"], names["c"], "--references", names["r"], "--metric", "token_f1", "--slice", "lang"]


def compare(capsys: pytest.CaptureFixture[str], *arguments: str) -> tuple[int, Any, str]:
    capsys.readouterr()
    code = main(["compare", *arguments, "--json"])
    captured = capsys.readouterr()
    return code, json.loads(captured.out), captured.err


def test_between_the_ends_of_two_methods_nothing_is_decided(files: list[str], capsys, tmp_path: Path) -> None:
    # few resamples: their interval is wider than the t interval by luck of the seed
    files += ["--resamples", "200", "--seed", "6"]
    code, document, _ = compare(capsys, *files, "--threshold", "token_f1:min_improvement=0")
    (first, *_) = document["thresholds"]
    assert (code, first["verdict"], first["methods_disagree"]) == (0, "pass", False)
    assert 0 < first["second"][0] < first["ci"][0]
    middle = (first["second"][0] + first["ci"][0]) / 2
    rule = ["--threshold", f"token_f1:min_improvement={middle!r}"]
    code, document, shown = compare(capsys, *files, *rule, "--out", str(tmp_path / "run"))
    (first, *_) = document["thresholds"]
    assert (code, first["verdict"], first["methods_disagree"]) == (4, "inconclusive", True)
    assert ": inconclusive, since the methods disagree: guarded t gives " in first["reason"]
    assert document["reason"] == first["reason"]
    assert first["reason"] in " ".join(shown.split())
    for name in ("report.html", "junit.xml"):
        assert first["reason"] in (tmp_path / "run" / name).read_text(encoding="utf-8")


def test_p_values_of_each_slice_are_corrected_and_printed(files: list[str], capsys) -> None:
    _, document, shown = compare(capsys, *files, "--threshold", "token_f1:min_improvement=0,slice=each")
    found = [t for t in document["thresholds"] if t["target"] == "metric:token_f1"]
    assert [t["slice"] for t in found] == ["lang=de", "lang=en", "lang=fr"]
    smallest = min(t["p_value"] for t in found)
    assert min(t["adjusted_p"] for t in found) == pytest.approx(min(1.0, 3 * smallest))
    for one in found:
        assert one["adjusted_p"] >= one["p_value"]
        if one["verdict"] == "pass":
            assert one["adjusted_p"] <= 0.05
    assert "(Holm)" in shown
    _, document, shown = compare(capsys, *files, "--threshold", "token_f1:max_regression=0.02,slice=each")
    assert {t["adjusted_p"] for t in document["thresholds"]} == {None}
    assert "(Holm)" not in shown


def test_the_p_value_agrees_with_the_interval(files: list[str], capsys) -> None:
    rules = [f"token_f1:{bound}" for bound in ("min_improvement=0", "max_regression=0.01", "min=0.7", "max=0.9")]
    _, document, _ = compare(capsys, *files, *(part for rule in rules for part in ("--threshold", rule)))
    found = [t for t in document["thresholds"] if t["target"].startswith("metric:")]
    assert len(found) == 4
    for one in found:
        assert (one["p_value"] <= 0.05) == (one["verdict"] == "pass" or one["methods_disagree"])


def test_both_figures_where_answers_were_lost(files: list[str], capsys, tmp_path: Path) -> None:
    rows = [json.loads(line) for line in Path(files[1]).read_text(encoding="utf-8").splitlines()]
    lost = write(tmp_path / "lost.jsonl", [{**row, "output": None} if i < 3 else row for i, row in enumerate(rows)])
    rules = ["--threshold", "token_f1:max_regression=0.2", "--threshold", "run.error_rate:max=2.5%"]
    code, document, shown = compare(capsys, files[0], lost, *files[2:], *rules, "--out", str(tmp_path / "run"))
    metric = document["metrics"]["token_f1"]
    assert code == 0
    assert metric["answered"]["cases"] == 117
    assert metric["answered"]["candidate"] == pytest.approx(metric["candidate"] * 120 / 117)
    assert "on the 117 cases that both answered" in " ".join(shown.split())
    for name in ("report.html", "summary.md"):
        text = (tmp_path / "run" / name).read_text(encoding="utf-8").replace("\\", "")
        assert "on the 117 cases that both answered" in text
    code, document, _ = compare(capsys, *files, *rules)
    assert "answered" not in document["metrics"]["token_f1"]
    code, document, _ = compare(capsys, files[0], lost, *files[2:], *rules[:2], "--threshold", "run.error_rate:max=2.49%")
    assert code == 3


def test_exactly_five_percent_more_passing_cases_is_five_percent(tmp_path: Path, capsys) -> None:
    ids = [f"c{i}" for i in range(50)]
    reference = write(tmp_path / "r.jsonl", [{"id": i, "reference": "yes"} for i in ids])
    sides = [
        write(tmp_path / f"{n}.jsonl", [{"id": i, "output": "yes" if k < n else "no"} for k, i in enumerate(ids)])
        for n in (20, 21)
    ]
    common = [*sides, "--references", reference, "--metric", "exact_match", "--threshold"]
    code, document, _ = compare(capsys, *common, "exact_match:min_improvement=5%,decide=estimate")
    assert (code, document["thresholds"][0]["verdict"]) == (0, "pass")
    assert document["thresholds"][0]["reason"].endswith("at least 5 %: pass, decided on the point estimate.")
    code, _, _ = compare(capsys, *common, "exact_match:min_improvement=5.0001%,decide=estimate")
    assert code == 1


def test_a_share_of_violating_cases(tmp_path: Path, capsys) -> None:
    ids = [f"c{i}" for i in range(50)]
    reference = write(tmp_path / "r.jsonl", [{"id": i, "reference": "x"} for i in ids])
    sides = [
        write(tmp_path / f"{n}.jsonl", [{"id": i, "output": "a bad word" if k < n else "x"} for k, i in enumerate(ids)])
        for n in (0, 2)
    ]
    common = [*sides, "--references", reference, "--safety", "blocklist:terms=[bad]", "--threshold"]
    for bound in ("max", "max_new"):
        assert compare(capsys, *common, f"safety.blocklist:{bound}=4%")[0] == 0
        code, document, _ = compare(capsys, *common, f"safety.blocklist:{bound}=3.9%")
        assert code == 1
        assert "at most 3.9 %: fail." in document["reason"]
