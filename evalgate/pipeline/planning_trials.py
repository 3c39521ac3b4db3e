"""`evalgate plan --a-a`: run the gate where there is nothing to find, and count how often it finds something.

The real comparison, the real thresholds and the real conclusion, on rows of recorded answers. What is compared with what:

- `repeats`: each case's repeats of the baseline are dealt at random into two arms. The same cases, the same prompt: whatever
  differs is the model's own noise. Each arm has half of the repeats.
- `split`: two samples of as many cases as there are, drawn with replacement from the baseline's cases (within the slices that
  thresholds look at), paired at random. Both arms have the same true score, but pairs are of different cases: differences vary
  more than in a run: chances to pass are too low, error rates are those of the methods on scores like these. Counts of newly
  failing or violating cases mean nothing between different cases and are left out.
- `swap`: both variants' answers, the labels swapped at random case by case. Whatever differs between the variants stays, its
  direction does not.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from evalgate.core.errors import BadInput, Incomplete
from evalgate.core.plan_report import Rate, Trials, TrialsOfThreshold
from evalgate.core.settings import Bound, GateSettings, Level, TargetKind, Threshold
from evalgate.core.values import ARMS, Arm
from evalgate.core.verdict import Decision, Results, RunFigures, ThresholdResult
from evalgate.gate.conclude import conclude, unmeasured
from evalgate.gate.decide import decide
from evalgate.pipeline.planning_answers import RecordedAnswers
from evalgate.pipeline.planning_parts import Planned
from evalgate.pipeline.planning_spread import score_of
from evalgate.pipeline.planning_units import Flags, mask_of, only_paired, units_of
from evalgate.stats.compare import compare_metrics
from evalgate.stats.draws import fewest_resamples
from evalgate.stats.exact_counts import clopper_pearson
from evalgate.stats.interface import Floats, MetricColumns, PairedBlock, StatOptions
from evalgate.stats.power import uniform_draws
from evalgate.stats.safety_counts import FoundRanks, count_table, safety_results

REPEATS, SPLIT, SWAP = "repeats", "split", "swap"
RESAMPLES = 2000
"""Of each second opinion, where the configuration names no number."""
_LEVEL = 0.95
_WORDS = {
    REPEATS: "each case's repeats of the baseline, dealt at random into two arms of {half} of {samples}",
    SPLIT: "two samples of {cases} cases drawn from the baseline's and paired at random: differences vary more "
    "than between two answers to one case",
    SWAP: "the answers of both variants, labels swapped at random case by case",
}


_Pick = tuple[NDArray[np.int64], NDArray[np.int64]]
"""Case and repeat of every answer that is taken: two arrays that broadcast to (n, answers a case)."""


@dataclass(frozen=True, slots=True)
class _Dealt:
    """The two arms of one replicate. Shapes: n cases, D columns, C detectors."""

    rows: Mapping[Arm, Floats]
    violations: Mapping[Arm, NDArray[np.int64]]
    identical: Flags


@dataclass(frozen=True, slots=True)
class _Bench:
    """What stays the same from replicate to replicate."""

    settings: GateSettings
    columns: tuple[MetricColumns, ...]
    categories: tuple[str, ...]
    answers: RecordedAnswers
    sliced: tuple[str, ...]
    """Slice columns that a threshold looks at."""
    selections: tuple[tuple[str, Flags], ...]
    """Their slices, with their cases among those answered."""
    options: StatOptions


def run_trials(planned: Planned, answers: RecordedAnswers, arms: str | None, replicates: int) -> Trials:
    """Run the gate on the baseline against itself.

    `answers`: all that is recorded, also of the cases that only the baseline answered.

    Raises: BadInput for a design that this gate cannot have; Incomplete where the answers it needs are not recorded.
    """
    chosen = arms or (REPEATS if planned.settings.samples > 1 else SPLIT)
    _check(planned.settings, answers, chosen)
    used = only_paired(answers) if chosen == SWAP else answers
    kept, left_out = _thresholds(planned.settings.thresholds, chosen)
    bench = _bench(replace(planned.settings, thresholds=kept), planned, used)
    seen: Counter[Decision] = Counter()
    each: dict[int, list[ThresholdResult]] = {}
    for number in range(replicates):
        decided, decision = _judged(bench, _dealt(bench, chosen, number))
        seen[decision] += 1
        for at, one in enumerate(decided):
            each.setdefault(at, []).append(one)
    samples = planned.settings.samples
    return Trials(
        arms=chosen,
        words=_WORDS[chosen].format(half=samples // 2, samples=samples, cases=len(used.place)),
        replicates=replicates,
        seed=planned.settings.seed,
        cases=len(used.place),
        passed=_rate(seen[Decision.PASS], replicates),
        failed=_rate(seen[Decision.FAIL], replicates),
        inconclusive=_rate(seen[Decision.INCONCLUSIVE], replicates),
        false_alarms=_rate(_alarms(bench, each, replicates), replicates),
        false_passes=_rate(seen[Decision.PASS], replicates) if _claims(bench, each) else None,
        thresholds=tuple(_counted(bench, results) for results in each.values()),
        left_out=left_out,
    )


def _check(settings: GateSettings, answers: RecordedAnswers, arms: str) -> None:
    if arms == REPEATS and settings.samples < 2:
        said = "the baseline has no repeats: each case is asked once"
        raise BadInput(said, where="--arms repeats", hint="samples: 2 or more, or --arms split")
    if arms == SPLIT and answers.groups is not None:
        said = "cases in groups cannot be paired at random"
        raise BadInput(said, where="--arms split", hint="samples: 2 or more and --arms repeats, or --arms swap")
    there = int(answers.paired.sum()) if arms == SWAP else len(answers.place)
    if there < 2:
        whose = "both variants' answers to" if arms == SWAP else "the baseline's answers to"
        hint = f"evalgate run {settings.path or 'CONFIG'} --mode record (calls the model)"
        raise Incomplete(f"{whose} {there} cases are recorded; 2 are needed at least", where="--a-a", hint=hint)


def _thresholds(thresholds: Sequence[Threshold], arms: str) -> tuple[tuple[Threshold, ...], tuple[str, ...]]:
    """The thresholds that say something in this design, and the names of the others."""
    if arms != SPLIT:
        return tuple(thresholds), ()
    lost = [t for t in thresholds if t.kind is TargetKind.SAFETY or t.bound is Bound.MAX_NEWLY_FAILING]
    kept = tuple(t for t in thresholds if t not in lost)
    if not any(t.level is Level.BLOCK and not t.implicit for t in kept):
        said = "every blocking threshold is on a count of cases, which random pairs of cases say nothing about"
        raise BadInput(said, where="--arms split", hint="samples: 2 or more and --arms repeats, or --arms swap")
    return kept, tuple(f"{t.subject} {t.bound} {t.text}" for t in lost)


def _bench(settings: GateSettings, planned: Planned, answers: RecordedAnswers) -> _Bench:
    asked = [t.slice for t in settings.thresholds if t.slice is not None]
    names = {name for choice in asked for name in (settings.slices if choice.column is None else (choice.column,))}
    sliced = tuple(column for column in settings.slices if column in names)
    selections = [
        (f"{column}={value}", mask_of(answers, column, value)[answers.place])
        for column in sliced
        for value in sorted({str(v) for v in np.unique(answers.slices[column][answers.place])})
    ]
    second = frozenset(t.name for t in settings.thresholds if t.kind is TargetKind.METRIC)
    resamples = settings.resamples or max(RESAMPLES, fewest_resamples(settings.confidence))
    options = StatOptions(settings.confidence, settings.seed, resamples, second)
    columns = tuple(planned.columns.values())
    return _Bench(settings, columns, planned.categories, answers, sliced, tuple(selections), options)


def _dealt(bench: _Bench, arms: str, number: int) -> _Dealt:
    answers, seed = bench.answers, bench.settings.seed * 1_000_003 + number
    n, samples = len(answers.place), answers.rows[Arm.BASELINE].shape[1]
    if arms == REPEATS:
        order = np.argsort(uniform_draws(seed, n * samples).reshape(n, samples), axis=1)
        half = samples // 2
        hands = {Arm.BASELINE: order[:, :half], Arm.CANDIDATE: order[:, half : 2 * half]}
        cases, whose = np.arange(n)[:, None], dict.fromkeys(ARMS, Arm.BASELINE)
        return _hands(answers, whose, {arm: (cases, hands[arm]) for arm in ARMS})
    every = np.arange(samples)[None, :]
    if arms == SPLIT:
        drawn = {Arm.BASELINE: _drawn(bench, 2 * seed), Arm.CANDIDATE: _drawn(bench, 2 * seed + 1)}
        return _hands(answers, dict.fromkeys(ARMS, Arm.BASELINE), {arm: (drawn[arm][:, None], every) for arm in ARMS})
    units = np.arange(n) if answers.groups is None else answers.groups[answers.place]
    swapped = uniform_draws(seed, int(units.max()) + 1)[units] < 0.5
    whole = (np.arange(n)[:, None], every)
    straight = _hands(answers, {arm: arm for arm in ARMS}, dict.fromkeys(ARMS, whole))
    crossed = dict(zip(ARMS, ARMS[::-1], strict=True))
    return _Dealt(
        {arm: np.where(swapped[:, None], straight.rows[crossed[arm]], straight.rows[arm]) for arm in ARMS},
        {arm: np.where(swapped[:, None], straight.violations[crossed[arm]], straight.violations[arm]) for arm in ARMS},
        straight.identical,
    )


def _hands(answers: RecordedAnswers, whose: Mapping[Arm, Arm], picks: Mapping[Arm, _Pick]) -> _Dealt:
    """The picked answers of each arm, summed case by case."""
    texts = [answers.texts[whose[arm]][picks[arm]] for arm in ARMS]
    return _Dealt(
        {arm: answers.rows[whose[arm]][picks[arm]].sum(axis=1) for arm in ARMS},
        {arm: answers.violations[whose[arm]][picks[arm]].max(axis=1, initial=0) for arm in ARMS},
        np.asarray((texts[0] == texts[1]).all(axis=1)),
    )


def _drawn(bench: _Bench, seed: int) -> NDArray[np.int64]:
    """A sample with replacement of as many cases as there are, stratum by stratum, in the places of the stratum's cases."""
    answers = bench.answers
    n = len(answers.place)
    labels = [answers.slices[column][answers.place] for column in bench.sliced]
    strata = np.unique(np.stack(labels), axis=1, return_inverse=True)[1].reshape(-1) if labels else np.zeros(n, dtype=np.int64)
    uniforms = uniform_draws(seed, n)
    found = np.zeros(n, dtype=np.int64)
    for stratum in range(int(strata.max()) + 1):
        members = np.flatnonzero(strata == stratum)
        found[members] = members[(uniforms[members] * len(members)).astype(np.int64)]
    return found


def _judged(bench: _Bench, dealt: _Dealt) -> tuple[tuple[ThresholdResult, ...], Decision]:
    """What the gate makes of one replicate."""
    results = _results(bench, dealt, np.ones(len(dealt.identical), dtype=bool), bench.columns)
    sliced = tuple(c for c in bench.columns if any(t.slice and t.name == c.spec.name for t in bench.settings.thresholds))
    slices = {name: _results(bench, dealt, mask, sliced) for name, mask in bench.selections}
    decided = decide(bench.settings.thresholds, results, slices, confidence=bench.settings.confidence)
    decision, _ = conclude(decided, results.run, require_threshold=True, missing=unmeasured(results))
    return decided, decision


def _results(bench: _Bench, dealt: _Dealt, mask: Flags, columns: tuple[MetricColumns, ...]) -> Results:
    answers = bench.answers
    place = answers.place[mask]
    block = PairedBlock(
        dealt.rows[Arm.BASELINE][mask],
        dealt.rows[Arm.CANDIDATE][mask],
        None if answers.groups is None else answers.groups[place],
        dealt.identical[mask],
        answers.keys[place],
        np.zeros(len(place), dtype=bool),
    )
    metrics = compare_metrics(columns, lambda: [block], bench.options) if columns else {}
    found = {arm: dealt.violations[arm][mask] for arm in ARMS}
    table = count_table(FoundRanks(found, {arm: np.zeros_like(found[arm]) for arm in ARMS}))
    safety = safety_results(bench.categories, table, bench.settings.confidence)
    return Results(metrics, safety, RunFigures(len(place), 0, 0))


def _alarms(bench: _Bench, each: Mapping[int, Sequence[ThresholdResult]], replicates: int) -> int:
    """In how many replicates some blocking threshold failed although nothing had broken it."""
    held = [r for r in _blocking(each) if _false_decision(bench, r[0]) is Decision.FAIL]
    return sum(any(results[number].decision is Decision.FAIL for results in held) for number in range(replicates))


def _claims(bench: _Bench, each: Mapping[int, Sequence[ThresholdResult]]) -> bool:
    """Whether the gate asks for something that is not there."""
    return any(_false_decision(bench, results[0]) is Decision.PASS for results in _blocking(each))


def _blocking(each: Mapping[int, Sequence[ThresholdResult]]) -> list[Sequence[ThresholdResult]]:
    return [results for results in each.values() if results[0].threshold.level is Level.BLOCK]


def _counted(bench: _Bench, results: Sequence[ThresholdResult]) -> TrialsOfThreshold:
    first = results[0]
    seen = Counter(one.decision for one in results)
    wrong = _false_decision(bench, first)
    where = f" [{first.slice}]" if first.slice else ""
    return TrialsOfThreshold(
        name=f"{first.threshold.subject} {first.threshold.bound} {first.threshold.text}{where}",
        level=str(first.threshold.level),
        passed=seen[Decision.PASS],
        failed=seen[Decision.FAIL],
        inconclusive=seen[Decision.INCONCLUSIVE],
        false_decision=str(wrong),
        false_alarms=_rate(seen[wrong], len(results)),
    )


def _false_decision(bench: _Bench, result: ThresholdResult) -> Decision:
    """Which decision is wrong where nothing differs: a claim of improvement must not pass, all else must not fail."""
    threshold = result.threshold
    if threshold.bound is Bound.MIN_IMPROVEMENT and threshold.value >= 0:
        return Decision.PASS
    if threshold.kind is not TargetKind.METRIC or threshold.bound not in (Bound.MIN, Bound.MAX):
        return Decision.FAIL
    name, _, value = (result.slice or "").partition("=")
    mask = mask_of(bench.answers, name or None, value)
    column = next(c for c in bench.columns if c.spec.name == threshold.name)
    own = score_of(column, units_of(bench.answers, mask, bench.columns, pairs=False).baseline)
    holds = own is not None and (own >= threshold.value if threshold.bound is Bound.MIN else own <= threshold.value)
    return Decision.FAIL if holds else Decision.PASS


def _rate(count: int, total: int) -> Rate:
    ends = clopper_pearson(count, total, _LEVEL)
    return Rate(count, total, ends.low, ends.high)
