"""The metrics and detectors of a gate, built and checked against its thresholds before any case is read."""

from __future__ import annotations

import difflib
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from evalgate.core.detector_card import DetectorCard
from evalgate.core.errors import BadInput
from evalgate.core.files import read_text
from evalgate.core.settings import Bound, PluginChoice, TargetKind, Threshold
from evalgate.core.strict_json import parse_json
from evalgate.core.values import DetectorSpec, MetricSpec, Scale
from evalgate.metrics.catalog import choose_metrics
from evalgate.metrics.interface import Metric
from evalgate.metrics.reference_texts import with_references
from evalgate.pipeline.faults import Faults
from evalgate.runner.job import MetricTask
from evalgate.safety.catalog import make_detector
from evalgate.safety.interface import Detector

RUN_FIGURES = ("cases", "error_rate", "errors_baseline", "errors_candidate", "expired_waivers")
ANY = "any"


@dataclass(frozen=True, slots=True)
class Instrument:
    """One metric: the task for workers, the metric itself for scoring sums, and what it is called."""

    task: MetricTask
    metric: Metric
    spec: MetricSpec


@dataclass(frozen=True, slots=True)
class Quantile:
    """A percentile of a metric's per-case values, asked for by a threshold or in `metrics`."""

    name: str
    metric: str
    share: float


@dataclass(frozen=True, slots=True)
class Instruments:
    """Everything that measures."""

    metrics: tuple[Instrument, ...]
    quantiles: tuple[Quantile, ...]
    detectors: tuple[tuple[PluginChoice, DetectorSpec], ...]
    distrust: Mapping[str, str] = field(default_factory=dict)
    """Safety category → why no threshold may decide on it."""
    judged: Mapping[str, DetectorCard] = field(default_factory=dict)
    """Safety category that a model judges → the card that says how often it errs; only those that may decide."""
    doubts: Mapping[str, str] = field(default_factory=dict)
    """Metric that a model scores → why no blocking threshold may decide on it."""
    unread: Mapping[str, Mapping[str, int]] = field(default_factory=dict)
    """Metric that a model scores → variant → judgements that could not be read, from what the shards saw."""

    @property
    def metric_names(self) -> tuple[str, ...]:
        """Names of all results, percentiles included."""
        return tuple(i.spec.name for i in self.metrics) + tuple(q.name for q in self.quantiles)

    @property
    def categories(self) -> tuple[str, ...]:
        """Safety categories, in configuration order."""
        return tuple(spec.category for _, spec in self.detectors)

    @property
    def labels(self) -> tuple[str, ...]:
        """Columns of a file of outputs that detectors read."""
        return tuple(dict.fromkeys(column for _, spec in self.detectors for column in spec.reads))


def build_instruments(
    metrics: Sequence[PluginChoice], safety: Sequence[PluginChoice], thresholds: Sequence[Threshold], base: Path
) -> Instruments:
    """Build all metrics and detectors and check that every threshold has something to hold on to.

    Raises: BadInput with every fault at once.
    """
    faults = Faults()
    wanted, shares = _split_quantiles(metrics)
    chosen = faults.attempt(lambda: choose_metrics(_inlined(choice, base) for choice in wanted)) or ()
    instruments = [Instrument(MetricTask(c.choice, c.name, c.reference), c.metric, c.metric.spec) for c in chosen]
    detectors = [(c, d.spec) for c in safety if (d := faults.attempt(lambda c=c: _detector(c))) is not None]  # type: ignore[misc]
    _refuse_twice([spec.category for _, spec in detectors], "safety category", faults, "give one another `category: NAME`")
    shares += [t.name for t in thresholds if t.kind is TargetKind.METRIC]
    quantiles = _quantiles(shares, [i.spec.name for i in instruments])
    built = Instruments(tuple(instruments), quantiles, tuple(detectors))
    if not faults.problems:  # an instrument that failed to build would only be reported twice
        for threshold in thresholds:
            _check_threshold(threshold, built, faults)
    faults.raise_if_any()
    return built


def with_reference_counts(built: Instruments, ranges: Sequence[Mapping[str, tuple[int, int]]]) -> Instruments:
    """Complete the signatures that leave the number of references open, from what the shards saw."""
    completed = []
    for instrument in built.metrics:
        name = instrument.spec.name
        seen = [found[name] for found in ranges if name in found]
        if seen:
            smallest, largest = min(low for low, _ in seen), max(high for _, high in seen)
            signature = with_references(instrument.spec.signature, smallest, largest)
            instrument = replace(instrument, spec=replace(instrument.spec, signature=signature))
        completed.append(instrument)
    return replace(built, metrics=tuple(completed))


def with_unread(built: Instruments, counts: Sequence[Mapping[str, Mapping[str, int]]]) -> Instruments:
    """The instruments with the number of judgements that could not be read, summed over the shards."""
    summed: dict[str, Counter[str]] = {}
    for found in counts:
        for name, arms in found.items():
            total = summed.setdefault(name, Counter())
            for arm, number in arms.items():
                total[arm] += number
    return replace(built, unread={name: dict(total) for name, total in sorted(summed.items())})


def _detector(choice: PluginChoice) -> Detector:
    return make_detector(choice)


def _inlined(choice: PluginChoice, base: Path) -> PluginChoice:
    """A JSON Schema named by path is read here, so that metrics never touch files."""
    schema = choice.parameters.get("schema")
    if choice.name != "json_schema" or not isinstance(schema, str):
        return choice
    path = base / schema
    try:
        value: Any = parse_json(read_text(path, schema))
    except ValueError as error:
        raise BadInput(f"not valid JSON: {error}", where=schema) from error
    return replace(choice, parameters={**choice.parameters, "schema": value})


def _refuse_twice(names: Sequence[str], kind: str, faults: Faults, hint: str) -> None:
    for name in sorted({n for n in names if names.count(n) > 1}):
        faults.add(f"{kind} {name!r} is measured twice", hint=hint)


def quantile_of(name: str) -> tuple[str, float] | None:
    """Split `latency_ms.p95` into metric and share; None when the name has no percentile."""
    metric, dot, tail = name.rpartition(".p")
    if not dot or not tail.replace(".", "", 1).isdigit():
        return None
    share = float(tail) / 100
    return (metric, share) if metric and 0 < share < 1 else None


def _split_quantiles(metrics: Sequence[PluginChoice]) -> tuple[list[PluginChoice], list[str]]:
    names = [choice.name for choice in metrics if quantile_of(choice.name) is not None]
    plain = [choice for choice in metrics if choice.name not in names]
    present = {choice.name for choice in plain}
    for name in names:
        metric, _ = quantile_of(name) or ("", 0.0)
        if metric not in present:
            plain.append(PluginChoice(metric, {}, next(c.place for c in metrics if c.name == name)))
            present.add(metric)
    return plain, names


def _quantiles(names: Sequence[str], metrics: Sequence[str]) -> tuple[Quantile, ...]:
    found: dict[str, Quantile] = {}
    for name in names:
        split = quantile_of(name)
        if split is not None and name not in metrics and split[0] in metrics:
            found.setdefault(name, Quantile(name, *split))
    return tuple(found.values())


def _check_threshold(threshold: Threshold, built: Instruments, faults: Faults) -> None:
    known: tuple[str, ...]
    match threshold.kind:
        case TargetKind.METRIC:
            known = built.metric_names
        case TargetKind.SAFETY:
            known = (*built.categories, ANY) if built.categories else ()
        case TargetKind.RUN:
            known = RUN_FIGURES
    if threshold.name not in known:
        close = difflib.get_close_matches(threshold.name, known, n=3)
        hint = f"did you mean {' or '.join(close)}?" if close else f"measured here: {', '.join(known) or 'nothing'}"
        faults.add(f"the threshold on {threshold.target} holds nothing: it is not measured", threshold.place, hint)
    elif threshold.bound is Bound.MAX_NEWLY_FAILING and not _is_pass_fail(threshold.name, built):
        faults.add(
            f"max_newly_failing needs a pass/fail metric, {threshold.name} is none",
            threshold.place,
            "use max_regression",
        )
    elif threshold.kind is TargetKind.METRIC:
        _check_size(threshold, built, faults)


def _check_size(threshold: Threshold, built: Instruments, faults: Faults) -> None:
    """Refuse amounts in the wrong unit: they would read like a rule and never hold anything."""
    base = quantile_of(threshold.name)
    names = (threshold.name, base[0] if base else None)
    spec = next((i.spec for i in built.metrics if i.spec.name in names), None)
    if spec is None:
        return
    if threshold.bound in (Bound.MIN, Bound.MAX) and threshold.text.endswith("%") and spec.unit != "0-1":
        said = f"{threshold.name} is no share, so {threshold.text} says nothing"
        faults.add(said, threshold.place, f"its unit is {spec.unit}")
    if threshold.bound is not Bound.MAX_REGRESSION or threshold.relative or spec.low is None or spec.high is None:
        return
    if threshold.value >= spec.high - spec.low:
        hint = f"{threshold.name} goes from {spec.low:g} to {spec.high:g}; write 5% for a share of the baseline"
        faults.add(f"a loss of {threshold.text} cannot happen, so this holds nothing", threshold.place, hint)


def _is_pass_fail(name: str, built: Instruments) -> bool:
    return any(i.spec.name == name and i.spec.scale is Scale.PROPORTION for i in built.metrics)
