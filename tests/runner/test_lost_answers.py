"""Lost answers: a missing candidate never helps it, a missing baseline never flatters it; rows survive the disk."""

from __future__ import annotations

import json
from dataclasses import replace
from itertools import product
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from evalgate.core.errors import Incomplete
from evalgate.core.settings import PluginChoice
from evalgate.core.values import ARMS, Arm, Case, Direction, MetricSpec, Output, Scale, Status
from evalgate.metrics.catalog import BUILTINS
from evalgate.runner.execute import Workers, worker_count
from evalgate.runner.findings import case_findings
from evalgate.runner.job import MetricTask, ShardTask, shard_count, shard_rows
from evalgate.runner.measure import MetricTool, case_scores, metric_rows, metric_tool
from evalgate.runner.receipt import Receipt, valid_receipt, write_receipt
from evalgate.runner.shard_file import ShardNumbers, ShardRows, read_details, read_numbers, shard_path, write_shard

TASK = ShardTask(0, 0, 3, "cases")

LOST = Output("", status=Status.ERROR, error="HTTP 500")
GOOD = "one two three four five"
BAD = "six seven"
PARAMETERS: dict[str, dict[str, Any]] = {
    "regex": {"pattern": ".*"}, "accuracy": {"labels": [GOOD, BAD]}, "json_schema": {"schema": {"type": "object"}}, "self_bleu": {"split": "lines"},
    "judge": {"prompt": "p@1", "model": "j", "scores": {"good": 1, "fair": 0.5, "bad": 0}},
}  # fmt: skip
RANKING = {"ndcg", "mrr", "recall", "precision", "average_precision"}


def answer(text: str) -> Output:
    return Output(text, latency_ms=10.0 * len(text), prompt_tokens=5, completion_tokens=len(text), cost_usd=0.1 * len(text))


def material(name: str) -> tuple[Case, Output, Output]:
    """A case with a good and a bad answer to it."""
    reference: Any = GOOD
    good, bad = answer(GOOD), answer(BAD)
    if name in RANKING:
        reference, good, bad = ["a"], answer("a\nb"), answer("b\nc")
    if name == "numeric_match":
        reference, good, bad = "5", answer("5"), answer("6")
    if name in ("json_valid", "json_schema"):
        good, bad = answer('{"a": 1}'), answer("{")
    if name == "self_bleu":
        good, bad = answer("one two three\nfour five six"), answer("one two three\none two three")
    if name == "judge":
        good, bad = (replace(text, judgements={"p@1 by j": Output(label)}) for text, label in ((good, "good"), (bad, "bad")))
    return Case("c", {"id": "c"}, {}, (reference,), {}), good, bad


def totals(name: str, baseline: list[Output], candidate: list[Output]) -> tuple[float, float]:
    tool = metric_tool(MetricTask(PluginChoice(name, PARAMETERS.get(name, {})), name, None))
    case, _, _ = material(name)
    answers = {Arm.BASELINE: tuple((o,) for o in baseline), Arm.CANDIDATE: tuple((o,) for o in candidate)}
    rows = metric_rows(tool, answers, [case] * len(baseline))
    before, after = (float(tool.metric.score(rows[arm].sum(axis=0, keepdims=True))[0]) for arm in ARMS)
    sign = 1.0 if tool.spec.higher_is_better else -1.0
    return sign * before, sign * after


@pytest.mark.parametrize("name", sorted(BUILTINS))
@pytest.mark.parametrize("would_be", ["good", "bad"])
def test_losing_an_answer_never_helps_the_candidate(name: str, would_be: str) -> None:
    _, good, bad = material(name)
    third = good if would_be == "good" else bad
    whole = totals(name, [good, bad, good], [good, bad, third])
    lost = totals(name, [good, bad, good], [good, bad, LOST])
    gain, kept = lost[1] - lost[0], whole[1] - whole[0]
    assert not gain > max(kept, 0.0) + 1e-12


@pytest.mark.parametrize("name", sorted(BUILTINS))
def test_losing_a_baseline_answer_never_flatters_the_candidate(name: str) -> None:
    _, good, bad = material(name)
    for own in (good, bad):
        before, after = totals(name, [good, good, LOST], [good, good, own])
        assert not after - before > 1e-12


UNBOUNDED = {"bleu", "chrf", "chrfpp", "ter", "distinct", "length", "latency_ms", "tokens", "cost"}
"""Metrics that have no best or no worst value: thresholds on them do not pass while an answer is missing."""


@pytest.mark.parametrize("name", sorted(set(BUILTINS) - UNBOUNDED))
def test_a_case_that_lost_an_answer_on_either_side_never_gains_by_it(name: str) -> None:
    _, good, bad = material(name)
    for base, own in product((good, bad), repeat=2):
        before, after = totals(name, [good, base], [bad, own])
        for lost in ((LOST, own), (base, LOST), (LOST, LOST)):
            less, left = totals(name, [good, lost[0]], [bad, lost[1]])
            assert left - less <= after - before + 1e-12


def test_a_case_without_any_answer_counts_against_the_candidate() -> None:
    assert totals("exact_match", [answer(GOOD), LOST], [answer(GOOD), LOST]) == (1.0, 0.5)
    assert totals("self_bleu", [LOST], [LOST]) == (0.0, -100.0)  # lower is better: the best is 0


def test_everything_lost_scores_worst() -> None:
    assert totals("exact_match", [LOST, LOST], [LOST, LOST]) == (1.0, 0.0)
    assert totals("bleu", [answer(GOOD)] * 2, [LOST, LOST])[1] == 0.0


def test_a_detector_that_points_outside_its_text_is_a_fault() -> None:
    from evalgate.core.values import DetectorSpec, Finding, Severity

    class Wild:
        spec = DetectorSpec("wild", "wild", "1", "s")

        def findings(self, output: Output, case: Case) -> tuple[Finding, ...]:
            return (Finding("wild", "r", Severity.LOW, 0, len(output.text) + 1),)

    with pytest.raises(Incomplete, match="outside"):
        case_findings(Wild(), (answer("x"),), Case("c", {}, {}, (), {}))

    class Broken:
        spec = DetectorSpec("broken", "broken", "1", "s")

        def findings(self, output: Output, case: Case) -> tuple[Finding, ...]:
            raise ZeroDivisionError("oops")

    with pytest.raises(Incomplete, match="ZeroDivisionError: oops"):
        case_findings(Broken(), (answer("x"),), Case("c7", {}, {}, (), {}))


def shard(n: int, groups: bool) -> ShardRows:
    rng = np.random.default_rng(n)
    numbers = ShardNumbers(
        rows={arm: rng.normal(size=(n, 3)) for arm in ARMS},
        scores={arm: np.where(rng.random((n, 2)) < 0.3, np.nan, 0.5) for arm in ARMS},
        violations={arm: rng.integers(0, 5, size=(n, 1)) for arm in ARMS},
        undecided={arm: rng.integers(0, 5, size=(n, 1)) for arm in ARMS},
        lost={arm: rng.random(n) < 0.5 for arm in ARMS},
        identical=rng.random(n) < 0.5,
        keys=rng.integers(0, 2**63, n).astype(np.uint64),
        groups=np.arange(n, dtype=np.int64) if groups else None,
        slices={"s": np.array([f"v{i}\u2028" for i in range(n)], dtype=np.str_)},
    )
    details = [{"baseline": {"text": "a\u2028b\x00"}, "candidate": {"text": "é"}, "inputs": {"i": i}} for i in range(n)]
    return ShardRows(numbers, [f"id{i}" for i in range(n)], details)


@pytest.mark.parametrize("n", [1, 5])
@pytest.mark.parametrize("groups", [True, False])
def test_a_shard_survives_the_disk(tmp_path: Path, n: int, groups: bool) -> None:
    made = shard(n, groups)
    path = shard_path(tmp_path, 0)
    write_shard(path, made)
    found = read_numbers(path)
    for arm in ARMS:
        assert np.array_equal(found.rows[arm], made.numbers.rows[arm])
        assert np.array_equal(found.scores[arm], made.numbers.scores[arm], equal_nan=True)
        assert np.array_equal(found.violations[arm], made.numbers.violations[arm])
        assert np.array_equal(found.undecided[arm], made.numbers.undecided[arm])
        assert np.array_equal(found.lost[arm], made.numbers.lost[arm])
    assert np.array_equal(found.keys, made.numbers.keys)
    assert (found.groups is None) == (not groups)
    assert found.slices["s"].tolist() == made.numbers.slices["s"].tolist()
    assert read_details(path) == (list(made.ids), list(made.details))


def test_the_content_digest_sees_every_part() -> None:
    from dataclasses import replace

    made = shard(3, False)
    changed = [
        replace(made, ids=["x", *made.ids[1:]]),
        replace(made, details=[{**made.details[0], "inputs": {"i": 9}}, *made.details[1:]]),
        replace(made, numbers=replace(made.numbers, rows={arm: made.numbers.rows[arm] + 1e-9 for arm in ARMS})),
    ]
    assert len({made.digest(), *(c.digest() for c in changed)}) == 4


def test_receipts_are_checked(tmp_path: Path) -> None:
    file = write_shard(shard_path(tmp_path, 0), shard(3, False))
    receipt = Receipt(0, 3, "job", "cases", "content", file, {"bleu": (1, 2)})
    write_receipt(tmp_path, receipt)
    assert valid_receipt(tmp_path, TASK, "job") == receipt
    assert valid_receipt(tmp_path, TASK, "other job") is None
    assert valid_receipt(tmp_path, replace(TASK, cases="other cases"), "job") is None
    assert valid_receipt(tmp_path, replace(TASK, rows=4), "job") is None
    assert valid_receipt(tmp_path, replace(TASK, shard=1), "job") is None
    place = shard_path(tmp_path, 0).with_suffix(".json")
    good = place.read_text(encoding="utf-8")
    for bad in ("", "{}", "[]", good[:-5], good.replace("receipt/2", "receipt/9"), good.replace('"rows"', '"rowz"')):
        place.write_text(bad, encoding="utf-8")
        assert valid_receipt(tmp_path, TASK, "job") is None
    place.write_text(good, encoding="utf-8")
    parquet = shard_path(tmp_path, 0)
    parquet.write_bytes(parquet.read_bytes()[:-1] + b"x")
    assert valid_receipt(tmp_path, TASK, "job") is None


def test_a_damaged_shard_is_incomplete(tmp_path: Path) -> None:
    path = shard_path(tmp_path, 0)
    path.parent.mkdir()
    path.write_bytes(b"PAR1")
    for read in (read_numbers, read_details):
        with pytest.raises(Incomplete, match="--fresh"):
            read(path)


@given(st.integers(1, 5_000_000))
def test_shards_hold_every_case_and_their_size_depends_on_their_place_alone(cases: int) -> None:
    sizes = [shard_rows(shard) for shard in range(shard_count(cases))]
    assert sizes == sorted(sizes)
    assert sum(sizes[:-1]) < cases <= sum(sizes)
    assert sizes[0] == 64
    assert sizes[-1] <= 2048


def test_workers_are_those_that_were_asked_for() -> None:
    assert worker_count(Workers(4)) == 4
    assert worker_count(Workers(1)) == 1
    assert worker_count(Workers(8, backend="sequential")) == 1
    assert worker_count(Workers()) >= 1


def test_scores_of_single_cases_are_numbers_or_nothing() -> None:
    tool = metric_tool(MetricTask(PluginChoice("exact_match"), "exact_match", None))
    assert case_scores(tool, np.array([[1.0, 1.0], [0.0, 0.0]])) == [1.0, None]
    assert json.dumps(case_scores(tool, np.array([[0.0, 1.0]])), allow_nan=False) == "[0.0]"


@pytest.mark.parametrize(
    ("ends", "score", "fault"),
    [((0.0, 1.0), 90.0, True), ((0.0, 1.0), -0.1, True), ((0.0, 1.0), 1.0, False), ((0.0, None), 90.0, False)],
)
def test_a_score_outside_the_declared_range_is_a_fault(ends: tuple[float, float | None], score: float, fault: bool) -> None:
    class Wide:
        spec = MetricSpec("wide", Direction.HIGHER, "0-1", *ends, "1", 2, Scale.MEAN, "s", needs_reference=False)

        def rows(self, outputs, expectations):
            return np.tile([score, 1.0], (len(outputs), 1))

        def score(self, sums):
            return sums[:, 0] / sums[:, 1]

    tool = MetricTool(Wide(), Wide.spec, None)
    answers = {arm: [(answer("x"),)] for arm in ARMS}
    case = Case("c7", {}, {}, (), {})
    if fault:
        with pytest.raises(Incomplete, match=r"metric wide gave .*, outside its range") as caught:
            metric_rows(tool, answers, [case])
        assert "c7" in str(caught.value)
    else:
        assert metric_rows(tool, answers, [case])[Arm.CANDIDATE].tolist() == [[score, 1.0]]


@given(st.lists(st.sampled_from([0.0, -1.5, float("nan"), 1e300]), min_size=1, max_size=20), st.data())
def test_numbers_flags_and_texts_survive_the_disk(tmp_path_factory, values: list[float], data) -> None:
    from dataclasses import replace

    n = len(values)
    made = shard(n, True)
    texts = data.draw(st.lists(st.text(st.characters(codec="utf-8"), max_size=6), min_size=n, max_size=n))
    flags = np.array(data.draw(st.lists(st.booleans(), min_size=n, max_size=n)))
    scores = {arm: np.array([values, values[::-1]]).T for arm in ARMS}
    slices = {"s": np.array(texts, dtype=np.str_)}
    made = ShardRows(replace(made.numbers, scores=scores, identical=flags, slices=slices), made.ids, made.details)
    path = shard_path(tmp_path_factory.mktemp("shard"), 0)
    path.parent.mkdir(exist_ok=True)
    write_shard(path, made)
    found = read_numbers(path)
    assert all(np.array_equal(found.scores[arm], scores[arm], equal_nan=True) for arm in ARMS)
    assert found.identical.tolist() == flags.tolist()
    assert found.slices["s"].tolist() == slices["s"].tolist()
