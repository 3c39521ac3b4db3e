"""What must not change a verdict: the order and the names of things, workers, the hash seed; and what swapping must do."""

from __future__ import annotations

import dataclasses
import json
import os
import random
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

import evalgate
from evalgate.core.verdict import Interval, MetricResult, Verdict

WORDS = ["a", "the", "quick", "brown", "fox", "jumps", "over", "lazy", "dog", "while", "seven", "small", "boats", "sail", "past"]
METRICS = ("exact_match", "token_f1", "rougeL", "bleu", "chrf", "length")
THRESHOLDS = (
    "exact_match:max_regression=0.05",
    "token_f1:max_regression=0.02,slice=each",
    "rougeL:min_improvement=1%",
    "bleu:max_regression=2",
    "chrf:min_improvement=0",
    "exact_match:max_newly_failing=3",
)


def made_up(cases: int = 140) -> list[dict[str, str]]:
    """Cases with a reference and two answers of about the same quality, some of them the same."""
    dice = random.Random(5)

    def answer(reference: list[str], wrong: float) -> str:
        return " ".join(w if dice.random() > wrong else dice.choice(WORDS) for w in reference)

    rows = []
    for i in range(cases):
        reference = dice.choices(WORDS, k=dice.randint(3, 12))
        before = answer(reference, 0.2)
        after = before if dice.random() < 0.4 else answer(reference, 0.17)
        language = dice.choice(["de", "en"])
        rows.append({"id": f"case-{i}", "reference": " ".join(reference), "lang": language, "before": before, "after": after})
    return rows


def judge(folder: Path, rows: list[dict[str, str]], sides: tuple[str, str] = ("before", "after"), **how: Any) -> Verdict:
    folder.mkdir()
    names = []
    for name, keys in (("b", ("id", sides[0])), ("c", ("id", sides[1])), ("r", ("id", "reference", "lang"))):
        lines = [json.dumps({k if k in ("id", "reference", "lang") else "output": row[k] for k in keys}) for row in rows]
        (folder / f"{name}.jsonl").write_text("\n".join(lines) + "\n", encoding="utf-8")
        names.append(folder / f"{name}.jsonl")
    options = {"metrics": METRICS, "thresholds": THRESHOLDS, "slices": ["lang"], "out": folder / "run", **how}
    return evalgate.compare(names[0], names[1], references=names[2], **options).verdict


def close(left: Any, right: Any) -> None:
    """The same numbers up to the last bits of a sum, and everything else the same."""
    assert type(left) is type(right)
    if isinstance(left, float):
        assert left == pytest.approx(right, rel=1e-9, abs=1e-11)
    elif dataclasses.is_dataclass(left):
        for part in dataclasses.fields(left):
            if part.compare:
                close(getattr(left, part.name), getattr(right, part.name))
    else:
        assert left == right


@pytest.fixture(scope="module")
def first(tmp_path_factory: pytest.TempPathFactory) -> Verdict:
    return judge(tmp_path_factory.mktemp("laws") / "first", made_up())


def same_verdict(left: Verdict, right: Verdict) -> None:
    assert left.decision is right.decision
    assert [r.decision for r in left.thresholds] == [r.decision for r in right.thresholds]
    assert left.results.metrics.keys() == right.results.metrics.keys()
    for name, metric in left.results.metrics.items():
        close(metric, right.results.metrics[name])
    for part, results in left.slices.items():
        for name, metric in results.metrics.items():
            close(metric, right.slices[part].metrics[name])


def test_the_made_up_gate_says_something(first: Verdict) -> None:
    assert len({r.decision for r in first.thresholds}) > 1
    assert all(m.second is not None for m in first.results.metrics.values())


def test_the_order_of_cases_changes_nothing(first: Verdict, tmp_path: Path) -> None:
    rows = made_up()
    random.Random(1).shuffle(rows)
    second = judge(tmp_path / "second", rows)
    same_verdict(first, second)
    for name, metric in first.results.metrics.items():
        again = second.results.metrics[name].second
        assert metric.second is not None and again is not None
        assert (metric.second.p_higher, metric.second.p_lower) == (again.p_higher, again.p_lower)


def test_names_change_nothing(first: Verdict, tmp_path: Path) -> None:
    named = ("exact_match:as=correct", "token_f1:as=overlap", "rougeL:as=z", "bleu:as=a", "chrf:as=m", "length:as=size")
    new = dict(zip(METRICS, ("correct", "overlap", "z", "a", "m", "size"), strict=True))
    rules = [new[rule.split(":")[0]] + ":" + rule.split(":")[1] for rule in THRESHOLDS]
    renamed = judge(tmp_path / "another name", made_up(), metrics=named, thresholds=rules)
    assert [r.decision for r in renamed.thresholds] == [r.decision for r in first.thresholds]
    for name, metric in first.results.metrics.items():
        close(dataclasses.replace(metric, name=new[name]), renamed.results.metrics[new[name]])


def test_workers_and_the_hash_seed_change_no_byte(tmp_path: Path) -> None:
    judge(tmp_path / "first", made_up(), jobs=1)
    wanted = (tmp_path / "first" / "run" / "verdict.json").read_bytes()
    rules = [part for rule in THRESHOLDS for part in ("--threshold", rule)]
    names = [part for metric in METRICS for part in ("--metric", metric)]
    for seed, jobs in (("1", "3"), ("77", "2")):
        out = tmp_path / f"out{seed}"
        files = [str(tmp_path / "first" / f"{name}.jsonl") for name in ("b", "c")]
        command = [sys.executable, "-m", "evalgate", "compare", *files, "--references", str(tmp_path / "first" / "r.jsonl")]
        command += [*rules, *names, "--slice", "lang", "--out", str(out), "--jobs", jobs]
        subprocess.run(command, env={**os.environ, "PYTHONHASHSEED": seed}, capture_output=True, check=False)
        assert (out / "verdict.json").read_bytes() == wanted


def mirrored(interval: Interval | None) -> Interval | None:
    return None if interval is None else Interval(0.0 - interval.high, 0.0 - interval.low)


def test_swapping_the_variants_turns_every_sign_exactly(first: Verdict, tmp_path: Path) -> None:
    swapped = judge(tmp_path / "swapped", made_up(), ("after", "before"))
    for part, results in {"": first.results, **first.slices}.items():
        others = swapped.results if part == "" else swapped.slices[part]
        for name, metric in results.metrics.items():
            turned(metric, others.metrics[name])


def turned(metric: MetricResult, other: MetricResult) -> None:
    assert (metric.baseline, metric.candidate) == (other.candidate, other.baseline)
    assert metric.delta.value == 0.0 - (other.delta.value or 0.0)
    assert metric.delta.reading == mirrored(other.delta.reading)
    assert metric.delta.deciding == mirrored(other.delta.deciding)
    assert metric.p_value == other.p_value
    assert (metric.newly_failing, metric.newly_passing) == (other.newly_passing, other.newly_failing)
    if metric.second is not None and other.second is not None:
        assert metric.second.delta == mirrored(other.second.delta)
        assert (metric.second.p_higher, metric.second.p_lower) == (other.second.p_lower, other.second.p_higher)
    assert (metric.second is None) == (other.second is None)
