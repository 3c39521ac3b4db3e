"""Ranking quality, equal to trec_eval: nDCG, reciprocal rank, recall, precision, average precision."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from itertools import accumulate
from typing import Any

from evalgate.core.errors import BadInput
from evalgate.core.parameters import Parameters
from evalgate.core.values import Expectation, Output
from evalgate.metrics.answer_text import quoted, take_pattern
from evalgate.metrics.interface import Metric
from evalgate.metrics.mean_rows import MeanMetric, place_of, share_spec
from evalgate.metrics.ranked_items import ItemReader

Gains = Sequence[int]
RankMeasure = Callable[[Gains, Gains, int | None], float]
"""(grades of the ranked items in order, positive grades of the case in descending order, k) → value.

The second never is empty; k None is the whole list.
"""


def make_ndcg(parameters: Mapping[str, Any]) -> Metric:
    """Normalised discounted cumulative gain, the grades being the gains. Source: trec_eval `ndcg`, `ndcg_cut`."""
    return _ranking("ndcg", parameters, ndcg)


def make_mrr(parameters: Mapping[str, Any]) -> Metric:
    """1 / rank of the first relevant item, 0 when there is none within k. Source: trec_eval `recip_rank`."""
    return _ranking("mrr", parameters, reciprocal_rank)


def make_recall(parameters: Mapping[str, Any]) -> Metric:
    """Share of the relevant items among the first k. Source: trec_eval `recall`, `set_recall`."""
    return _ranking("recall", parameters, recall)


def make_precision(parameters: Mapping[str, Any]) -> Metric:
    """Relevant items among the first k, divided by k even when fewer came. Source: trec_eval `P`, `set_P`."""
    return _ranking("precision", parameters, precision)


def make_average_precision(parameters: Mapping[str, Any]) -> Metric:
    """Mean over all relevant items of the precision at their rank. Source: trec_eval `map`, `map_cut`."""
    return _ranking("average_precision", parameters, average_precision)


def ndcg(gains: Gains, ideal: Gains, k: int | None) -> float:
    """DCG of the list over DCG of the ideal list, both cut at k; discount log2(rank + 1)."""
    return _dcg(gains[:k]) / _dcg(ideal[:k])


def reciprocal_rank(gains: Gains, ideal: Gains, k: int | None) -> float:
    """1 / rank of the first relevant item."""
    return next((1.0 / rank for rank, gain in enumerate(gains[:k], 1) if gain > 0), 0.0)


def recall(gains: Gains, ideal: Gains, k: int | None) -> float:
    """Relevant items found / relevant items."""
    return _hits(gains[:k]) / len(ideal)


def precision(gains: Gains, ideal: Gains, k: int | None) -> float:
    """Relevant items found / k, or / the length of the list without k (0 for an empty list)."""
    length = len(gains) if k is None else k
    return _hits(gains[:k]) / length if length else 0.0


def average_precision(gains: Gains, ideal: Gains, k: int | None) -> float:
    """Sum of the precisions at the relevant items found / relevant items (all of them, also when more than k)."""
    found = accumulate(int(gain > 0) for gain in gains[:k])
    return sum(hits / rank for rank, hits in enumerate(found, 1) if gains[rank - 1] > 0) / len(ideal)


def _dcg(gains: Gains) -> float:
    return math.fsum(gain / math.log2(rank + 1) for rank, gain in enumerate(gains, 1) if gain > 0)


def _hits(gains: Gains) -> int:
    return sum(gain > 0 for gain in gains)


def _ranking(name: str, parameters: Mapping[str, Any], measure: RankMeasure) -> Metric:
    """Build one ranking metric.

    Parameters: `k` (whole number from 1; without it the whole list); `items` PATTERN that finds the items of a free
    text; `casefold` false (default) or true: compare ids without case; `no_relevant` skip or zero: what a case
    without relevant items means (without this parameter it is an error).
    Raises: BadInput for an unknown parameter or wrong value.
    """
    given = Parameters(name, parameters)
    k = given.take("k", int, None, low=1)
    items = take_pattern(given, "items")
    fold = given.take("casefold", bool, False)
    no_relevant = given.take("no_relevant", str, None, choices=("skip", "zero"))
    given.finish()
    title = name if k is None else f"{name}@{k}"
    signature = (
        f"k:{'all' if k is None else k}|relevant:grade>=1|ties:score,id|items:{quoted(items)}"
        f"|casefold:{'yes' if fold else 'no'}|no_relevant:{no_relevant or 'refuse'}"
    )
    spec = share_spec(title, signature, proportion=False)
    return MeanMetric(spec, _Ranking(measure, ItemReader(items, fold), k, no_relevant))


@dataclass(frozen=True, slots=True)
class _Ranking:
    """The value of one ranked list."""

    measure: RankMeasure
    reader: ItemReader
    k: int | None
    no_relevant: str | None

    def __call__(self, output: Output, expectation: Expectation) -> float | None:
        grades = self.reader.grades(expectation)
        ranking = self.reader.ranking(output, expectation)
        ideal = sorted((grade for grade in grades.values() if grade > 0), reverse=True)
        if ideal:
            return self.measure([grades.get(item, 0) for item in ranking], ideal, self.k)
        if self.no_relevant is None:
            raise BadInput(
                "the case has no relevant item, so its ranking cannot be judged",
                where=place_of(expectation),
                hint="correct the case, or say no_relevant: skip (leave it out) or zero (count it as 0)",
            )
        return None if self.no_relevant == "skip" else 0.0
