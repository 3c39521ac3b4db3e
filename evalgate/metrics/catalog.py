"""Every metric by name: the built-in table, aliases, and how a choice of the configuration becomes a metric."""

from __future__ import annotations

import dataclasses
import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from evalgate.core.errors import BadInput, EvalgateError, Problem
from evalgate.core.plugins import load_plugin
from evalgate.core.settings import PluginChoice
from evalgate.core.values import Direction, Expectation, MetricSpec, Output, Scale
from evalgate.metrics.interface import Metric, Rows

GROUP = "evalgate.metrics"

BUILTINS: Mapping[str, str] = {
    "accuracy": "evalgate.metrics.classification:make_accuracy",
    "average_precision": "evalgate.metrics.ranking:make_average_precision",
    "bleu": "evalgate.metrics.bleu:make_bleu",
    "chrf": "evalgate.metrics.chrf:make_chrf",
    "chrfpp": "evalgate.metrics.chrf:make_chrfpp",
    "contains": "evalgate.metrics.text_match:make_contains",
    "cost": "evalgate.metrics.run_figures:make_cost",
    "distinct": "evalgate.metrics.diversity:make_distinct",
    "exact_match": "evalgate.metrics.text_match:make_exact_match",
    "json_schema": "evalgate.metrics.structured:make_json_schema",
    "json_valid": "evalgate.metrics.structured:make_json_valid",
    "judge": "evalgate.metrics.judge:make_judge",
    "latency_ms": "evalgate.metrics.run_figures:make_latency_ms",
    "length": "evalgate.metrics.run_figures:make_length",
    "mrr": "evalgate.metrics.ranking:make_mrr",
    "ndcg": "evalgate.metrics.ranking:make_ndcg",
    "numeric_match": "evalgate.metrics.numeric:make_numeric_match",
    "precision": "evalgate.metrics.ranking:make_precision",
    "recall": "evalgate.metrics.ranking:make_recall",
    "regex": "evalgate.metrics.text_match:make_regex",
    "rouge1": "evalgate.metrics.rouge:make_rouge1",
    "rouge2": "evalgate.metrics.rouge:make_rouge2",
    "rougeL": "evalgate.metrics.rouge:make_rouge_l",
    "rougeLsum": "evalgate.metrics.rouge:make_rouge_lsum",
    "self_bleu": "evalgate.metrics.diversity:make_self_bleu",
    "ter": "evalgate.metrics.ter:make_ter",
    "token_f1": "evalgate.metrics.text_match:make_token_f1",
    "tokens": "evalgate.metrics.run_figures:make_tokens",
}

ALIASES: Mapping[str, tuple[str, ...]] = {"rouge": ("rouge1", "rouge2", "rougeL")}
"""One name that stands for several metrics with the same parameters."""

MAX_COLUMNS = 4096


@dataclass(frozen=True, slots=True)
class ChosenMetric:
    """One metric of a gate, ready to measure."""

    metric: Metric
    choice: PluginChoice
    """The choice it was made from, without the parameters that every metric has."""
    reference: str | None
    """Column to compare with in place of the dataset's reference; None: the dataset's own."""

    @property
    def name(self) -> str:
        """As printed."""
        return self.metric.spec.name


@dataclass(frozen=True, slots=True)
class RenamedMetric:
    """A metric printed under the name the user gave it with `as`."""

    inner: Metric
    spec: MetricSpec

    def rows(self, outputs: Sequence[Output], expectations: Sequence[Expectation]) -> Rows:
        """The rows of the metric behind the name."""
        return self.inner.rows(outputs, expectations)

    def score(self, totals: Rows) -> NDArray[np.float64]:
        """The score of the metric behind the name."""
        return self.inner.score(totals)


def choose_metrics(choices: Iterable[PluginChoice]) -> tuple[ChosenMetric, ...]:
    """All metrics of a gate, in the order they are named.

    Raises: BadInput with every fault of every choice; two metrics of the same printed name are one.
    """
    chosen: list[ChosenMetric] = []
    problems: list[Problem] = []
    for choice in expand(choices):
        try:
            chosen.append(_chosen(choice))
        except BadInput as error:
            problems.extend(error.problems)
    seen: dict[str, str] = {}
    for one in chosen:
        if one.name in seen:
            hint = "remove one, or rename it with `as`"
            problems.append(Problem(f"metric {one.name!r} is named twice", one.choice.place or None, hint))
        seen[one.name] = one.choice.place
    if problems:
        raise BadInput(problems)
    return tuple(chosen)


def expand(choices: Iterable[PluginChoice]) -> tuple[PluginChoice, ...]:
    """Replace aliases by the metrics they stand for (`rouge` → rouge1, rouge2, rougeL).

    Raises: BadInput where `as` would give several metrics one name.
    """
    expanded: list[PluginChoice] = []
    for choice in choices:
        names = ALIASES.get(choice.name, (choice.name,))
        if len(names) > 1 and "as" in choice.parameters:
            hint = f"name the one you mean: {', '.join(names)}"
            raise BadInput(f"{choice.name!r} is several metrics and `as` is one name", where=choice.place, hint=hint)
        expanded.extend(dataclasses.replace(choice, name=name) for name in names)
    return tuple(expanded)


def split_generic(choice: PluginChoice) -> tuple[PluginChoice, str | None, str | None]:
    """Take off the parameters that every metric has: `as` (its printed name) and `reference` (another column).

    Returns: the choice with the metric's own parameters, the printed name, the column.
    Raises: BadInput when one of them is no text.
    """
    own = dict(choice.parameters)
    generic: list[str | None] = []
    for name in ("as", "reference"):
        value = own.pop(name, None)
        if name in choice.parameters and not (isinstance(value, str) and value.strip() == value != ""):
            raise BadInput(f"metric {choice.name}: {name!r} must be a name, not {value!r}", where=choice.place or None)
        generic.append(value)
    return dataclasses.replace(choice, parameters=own), generic[0], generic[1]


def make_metric(choice: PluginChoice) -> Metric:
    """Build one metric (no alias, no `as`, no `reference`) and check that it keeps the interface.

    Raises: BadInput: the name is unknown, a parameter is wrong, or an extension breaks or offers no metric.
    """
    where = choice.place or None
    factory = load_plugin(GROUP, BUILTINS, choice.name, where=where)
    try:
        metric = factory(dict(choice.parameters))
    except BadInput as error:
        raise BadInput(_placed(error.problems, where)) from error
    except EvalgateError:
        raise
    except (Exception, SystemExit) as error:
        said = f"{type(error).__name__}: {error}"
        raise BadInput(f"metric {choice.name!r} could not be made: {said}", where=where) from error
    faults = list(interface_faults(metric))
    if faults:
        hint = "this is a fault of the extension: run evalgate.testing.check_metric on it"
        raise BadInput(Problem(f"metric {choice.name!r} {fault}", where, hint) for fault in faults)
    checked: Metric = metric
    return checked


def rename_metric(metric: Metric, name: str) -> Metric:
    """The same metric under another printed name."""
    return RenamedMetric(metric, dataclasses.replace(metric.spec, name=name))


def interface_faults(metric: object) -> Iterable[str]:
    """What keeps an object from being a metric, as ends of the sentence `metric X …`; nothing when it is one."""
    if isinstance(metric, type) or not isinstance(metric, Metric):
        return ("does not have spec, rows and score",)
    spec: object = metric.spec
    if not isinstance(spec, MetricSpec):
        return ("has a spec that is no MetricSpec",)
    return [fault for broken, fault in _spec_faults(spec) if broken]


def _spec_faults(spec: MetricSpec) -> Iterable[tuple[bool, str]]:
    for name in ("name", "unit", "version", "signature"):
        value: object = getattr(spec, name)
        yield not (isinstance(value, str) and value), f"has an empty {name}"
    columns: object = spec.columns
    sound = isinstance(columns, int) and not isinstance(columns, bool) and 1 <= columns <= MAX_COLUMNS
    yield not sound, f"has {columns!r} columns; 1 to {MAX_COLUMNS} are possible"
    yield not isinstance(spec.direction, Direction), f"has no direction: {spec.direction!r}"
    yield not isinstance(spec.scale, Scale), f"has no scale: {spec.scale!r}"
    yield spec.scale in (Scale.MEAN, Scale.PROPORTION) and columns != 2, "is a mean and must have 2 columns"
    bounds: list[Any] = [bound for bound in (spec.low, spec.high) if bound is not None]
    numbers = all(isinstance(bound, (int, float)) and math.isfinite(bound) for bound in bounds)
    yield not numbers or bounds != sorted(bounds), f"has the range {spec.low!r} to {spec.high!r}"


def _chosen(choice: PluginChoice) -> ChosenMetric:
    own, alias, reference = split_generic(choice)
    metric = make_metric(own)
    return ChosenMetric(rename_metric(metric, alias) if alias else metric, own, reference)


def _placed(problems: Iterable[Problem], where: str | None) -> list[Problem]:
    """Put the place of the configuration before the parameter that is wrong there."""
    if where is None:
        return list(problems)
    return [
        Problem(f"{problem.where}: {problem.message}" if problem.where else problem.message, where, problem.hint)
        for problem in problems
    ]
