"""From finished shards to the verdict: results for the whole dataset and each slice, thresholds, decision."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np

from evalgate.core.settings import GateSettings, Level, SliceChoice, TargetKind
from evalgate.core.values import Arm, Scale
from evalgate.core.verdict import CaseCounts, Decision, Results, RunFigures, SafetyResult, ThresholdResult, Verdict
from evalgate.gate.conclude import conclude, unmeasured, untold
from evalgate.gate.decide import decide
from evalgate.gate.sentences import overruled
from evalgate.pipeline.flaky import flaky_cases
from evalgate.pipeline.instruments import Instruments
from evalgate.pipeline.judge_rates import with_corrected
from evalgate.pipeline.scorers import scorer, scoring
from evalgate.pipeline.shards import EVERYTHING, Selection, ShardStore
from evalgate.stats.compare import compare_metrics
from evalgate.stats.interface import Floats, MetricColumns, StatOptions
from evalgate.stats.safety_counts import safety_results

UNCHANGED = 1e-12
"""A case whose score moves by less than this did not move: sums of floats differ in their last bits."""


@dataclass(frozen=True, slots=True)
class Movement:
    """The metric that says which case is better, and where its scores stand."""

    name: str
    column: int
    sign: float
    """+1 where higher is better, -1 where lower is."""


@scoring()
def reach_verdict(
    settings: GateSettings,
    built: Instruments,
    store: ShardStore,
    slice_values: Mapping[str, Sequence[str]],
    *,
    require_threshold: bool,
    expired_waivers: int = 0,
) -> Verdict:
    """Derive the verdict of a run.

    Raises: Incomplete when a threshold's figure was not measured.
    """
    columns = metric_columns(built)
    results = _results(settings, built, columns, store, EVERYTHING)
    results = replace(results, run=replace(results.run, expired_waivers=expired_waivers))
    slices: dict[str, Results] = {}
    for column in settings.slices:
        for value in sorted(slice_values.get(column, ())):
            selection = Selection(column, value)
            slices[str(selection)] = _results(settings, built, columns, store, selection)
    decided = decide(settings.thresholds, results, slices, confidence=settings.confidence)
    decided = tuple(_without_loss(one, columns, results if one.slice is None else slices[one.slice]) for one in decided)
    decided = tuple(_without_proof(one, doubts_of(built)) for one in decided)
    gaps = {"missing": unmeasured(results), "untold": untold(results)}
    decision, reason = conclude(decided, results.run, require_threshold=require_threshold, **gaps)
    counts = case_counts(store, movement(settings, built))
    return Verdict(decision, reason, results, slices, decided, counts, flaky_cases(store, built, settings.samples))


def _without_loss(result: ThresholdResult, columns: Sequence[MetricColumns], part: Results) -> ThresholdResult:
    """Keep a lost answer from passing a metric that has no value to give it that is worst for the candidate.

    A missing junk answer may raise BLEU; a missing answer of the baseline counts as its best, where there is one.
    """
    lost = part.run.errors_baseline + part.run.errors_candidate
    spec = next((c.spec for c in columns if c.spec.name == result.threshold.name), None)
    if not lost or spec is None or result.threshold.kind is not TargetKind.METRIC or result.decision is not Decision.PASS:
        return result
    mean = spec.scale in (Scale.MEAN, Scale.PROPORTION) and spec.worst is not None
    if mean and (spec.best is not None or not part.run.errors_baseline):
        return result
    which = "worst" if spec.worst is None or not mean else "best"
    why = f"{lost} answers are missing, and {spec.name} has no {which} value that could stand for them"
    return replace(result, decision=Decision.INCONCLUSIVE, reason=overruled(result.reason, why))


def _without_proof(result: ThresholdResult, doubts: Mapping[str, str]) -> ThresholdResult:
    """Keep scores of a judge that no card speaks for from blocking anything, and from letting anything pass."""
    threshold = result.threshold
    why = doubts.get(threshold.name) if threshold.kind is TargetKind.METRIC and threshold.level is Level.BLOCK else None
    if why is None or result.decision is Decision.INCONCLUSIVE:
        return result
    return replace(result, decision=Decision.INCONCLUSIVE, reason=overruled(result.reason, why))


def doubts_of(built: Instruments) -> dict[str, str]:
    """Metric, or percentile of one → why no blocking threshold may decide on it."""
    percentiles = {
        quantile.name: built.doubts[quantile.metric] for quantile in built.quantiles if quantile.metric in built.doubts
    }
    return {**built.doubts, **percentiles}


def metric_columns(built: Instruments) -> tuple[MetricColumns, ...]:
    """Where every metric's columns stand in a shard's rows, percentiles included."""
    columns: dict[str, MetricColumns] = {}
    start = 0
    for instrument in built.metrics:
        stop = start + instrument.spec.columns
        columns[instrument.spec.name] = MetricColumns(instrument.spec, scorer(instrument), start, stop)
        start = stop
    for quantile in built.quantiles:
        base = columns[quantile.metric]
        spec = replace(
            base.spec,
            name=quantile.name,
            scale=Scale.QUANTILE,
            signature=f"{base.spec.signature}|quantile:{quantile.share:g}",
        )
        columns[quantile.name] = replace(base, spec=spec, quantile=quantile.share)
    return tuple(columns.values())


def movement(settings: GateSettings, built: Instruments) -> Movement | None:
    """The metric that says how single cases moved: that of the first metric threshold, else the first metric."""
    names = [i.spec.name for i in built.metrics]
    wanted = [t.name for t in settings.thresholds if t.kind is TargetKind.METRIC and t.name in names]
    for name in (*wanted, *names):
        column = names.index(name)
        return Movement(name, column, 1.0 if built.metrics[column].spec.higher_is_better else -1.0)
    return None


def case_counts(store: ShardStore, by: Movement | None) -> CaseCounts:
    """How many cases got better, worse, or stayed."""
    total = improved = regressed = 0
    for numbers in store.all_numbers():
        total += len(numbers.identical)
        if by is not None:
            change = changes(numbers.scores[Arm.BASELINE], numbers.scores[Arm.CANDIDATE], by)
            improved += int((change > UNCHANGED).sum())
            regressed += int((change < -UNCHANGED).sum())
    return CaseCounts(by.name if by else None, total, improved, regressed, total - improved - regressed)


def changes(baseline: Floats, candidate: Floats, by: Movement) -> Floats:
    """(n,) how much better the candidate is, case by case; 0 where either side is undefined."""
    with np.errstate(invalid="ignore"):
        moved = by.sign * (candidate[:, by.column] - baseline[:, by.column])
        return np.where(np.isfinite(moved), moved, 0.0)


def _results(
    settings: GateSettings,
    built: Instruments,
    columns: tuple[MetricColumns, ...],
    store: ShardStore,
    selection: Selection,
) -> Results:
    second = _second_opinions(settings, selection)
    options = StatOptions(settings.confidence, settings.seed, settings.resamples, second, store.threads)
    metrics = compare_metrics(columns, lambda: store.blocks(selection), options) if columns else {}
    for name, why in doubts_of(built).items():
        metrics[name] = replace(metrics[name], distrust=why)
    if selection == EVERYTHING:
        metrics = {name: replace(one, unread=built.unread.get(name)) for name, one in metrics.items()}
    highest = {spec.category: spec.highest for _, spec in built.detectors}
    distrusted = np.array([highest[name].rank if name in built.distrust else 0 for name in built.categories], dtype=np.int64)
    counts = store.counts(selection, distrusted)
    run = RunFigures(counts.cases, counts.lost[Arm.BASELINE], counts.lost[Arm.CANDIDATE])
    safety: dict[str, SafetyResult] = {}
    if counts.violations is not None:
        safety = safety_results(built.categories, counts.violations, settings.confidence, built.distrust, highest)
        if settings.samples == 1:  # a card knows how often one answer is misjudged, not the worst of several
            safety |= {name: with_corrected(safety[name], card, counts.lost) for name, card in built.judged.items()}
    return Results(metrics, safety, run)


def _second_opinions(settings: GateSettings, selection: Selection) -> frozenset[str] | None:
    """Metrics that are asked twice: all of them on the whole dataset, on a slice those that a threshold looks at there."""
    if selection == EVERYTHING:
        return None
    chosen = (t for t in settings.thresholds if t.kind is TargetKind.METRIC and t.slice is not None)
    return frozenset(t.name for t in chosen if t.slice is not None and _looks_at(t.slice, selection))


def _looks_at(choice: SliceChoice, selection: Selection) -> bool:
    return choice.column in (None, selection.column) and choice.value in (None, selection.value)
