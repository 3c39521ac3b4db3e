"""chrF and chrF++, exactly as sacrebleu computes them for a corpus.

Source: Popović, 2015, "chrF: character n-gram F-score for automatic MT evaluation", and 2017, "chrF++: words helping
character n-grams"; reference implementation sacrebleu 2.6 (`sacrebleu.metrics.CHRF`).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

import numpy as np
from numpy.typing import NDArray

from evalgate.core.parameters import Parameters
from evalgate.core.values import Direction, Expectation, MetricSpec, Output, Scale
from evalgate.metrics.interface import Rows
from evalgate.metrics.reference_texts import OPEN_COUNT
from evalgate.metrics.segment_statistics import prove, sacrebleu_version, segment_rows

_USUAL_BETA = 2
_EPSILON = 1e-16
_KNOWN_CHARACTERS = (
    (27, 25, 23, 26, 24, 18, 25, 23, 15, 24, 22, 12, 23, 21, 9, 22, 20, 6),
    (16, 20, 15, 15, 19, 12, 14, 18, 10, 13, 17, 8, 12, 16, 6, 11, 15, 4),
    (0, 15, 0, 0, 14, 0, 0, 13, 0, 0, 12, 0, 0, 11, 0, 0, 10, 0),
)
_KNOWN_WORDS = ((10, 10, 8, 9, 9, 5), (4, 5, 2, 3, 4, 0), (0, 4, 0, 0, 3, 0))


@dataclass(frozen=True, slots=True)
class Chrf:
    """chrF over a set of cases: how many character (and word) n-grams output and reference share, as an F score.

    Of several references the one with the best F score counts, case by case, as in sacrebleu.
    Rows: per order, character orders first: n-grams of the output, n-grams of the reference, shared n-grams.
    """

    name: str = "chrf"
    char_order: int = 6
    word_order: int = 0
    beta: int = _USUAL_BETA
    lowercase: bool = False
    whitespace: bool = False
    """Whether white space counts as a character."""
    eps_smoothing: bool = False
    """Average the F scores of all orders, as chrF++.py, NLTK and Moses do, instead of precision and recall first."""

    @property
    def spec(self) -> MetricSpec:
        """The facts of chrF with these parameters."""
        return MetricSpec(
            name=self.name,
            direction=Direction.HIGHER,
            unit="0-100",
            low=0.0,
            high=100.0,
            version=sacrebleu_version(),
            columns=3 * self._orders,
            scale=Scale.CORPUS,
            signature=_signature(self),
        )

    def rows(self, outputs: Sequence[Output], expectations: Sequence[Expectation]) -> Rows:
        """Sufficient statistics of n outputs.

        Shapes: n, n → (n, 3 x orders), whole numbers.
        Raises: BadInput naming the case when a reference is missing or not a text.
        """
        return segment_rows(_proven(self), 3 * self._orders, outputs, expectations)

    def score(self, totals: Rows) -> NDArray[np.float64]:
        """chrF of k sums of rows.

        Shapes: (k, 3 x orders) → (k,). Units: 0-100. Nothing shared, or nothing counted, is 0 as in sacrebleu.
        """
        in_output, in_reference, shared = totals[:, 0::3], totals[:, 1::3], totals[:, 2::3]
        precision = np.where(in_output > 0, shared / np.where(in_output > 0, in_output, 1.0), _EPSILON)
        recall = np.where(in_reference > 0, shared / np.where(in_reference > 0, in_reference, 1.0), _EPSILON)
        if self.eps_smoothing:
            return np.minimum(self._mean_of_f(precision, recall), 100.0)
        return np.minimum(self._f_of_means(precision, recall, (in_output > 0) & (in_reference > 0)), 100.0)

    def _mean_of_f(self, precision: Rows, recall: Rows) -> NDArray[np.float64]:
        factor = float(self.beta**2)
        weight = factor * precision + recall
        above = weight > 0
        each = np.where(above, (1 + factor) * precision * recall / np.where(above, weight, 1.0), _EPSILON)
        return 100 * _sum_in_order(each) / self._orders

    def _f_of_means(self, precision: Rows, recall: Rows, counted: NDArray[np.bool_]) -> NDArray[np.float64]:
        factor = float(self.beta**2)
        orders = np.maximum(counted.sum(axis=1), 1)
        mean_precision = _sum_in_order(np.where(counted, precision, 0.0)) / orders
        mean_recall = _sum_in_order(np.where(counted, recall, 0.0)) / orders
        above = mean_precision + mean_recall > 0
        weight = np.where(above, factor * mean_precision + mean_recall, 1.0)
        return np.where(above, 100 * ((1 + factor) * mean_precision * mean_recall / weight), 0.0)

    @property
    def _orders(self) -> int:
        return self.char_order + self.word_order


def make_chrf(parameters: Mapping[str, Any]) -> Chrf:
    """Build chrF from `char_order word_order beta lowercase whitespace eps_smoothing`.

    Raises: BadInput for an unknown parameter or a wrong value.
    """
    return _make("chrf", 0, parameters)


def make_chrfpp(parameters: Mapping[str, Any]) -> Chrf:
    """Build chrF++: chrF with word n-grams up to order 2, from the same parameters.

    Raises: BadInput for an unknown parameter or a wrong value.
    """
    return _make("chrfpp", 2, parameters)


def _make(name: str, word_order: int, parameters: Mapping[str, Any]) -> Chrf:
    given = Parameters(name, parameters)
    metric = Chrf(
        name=name,
        char_order=given.take("char_order", int, 6, low=0, high=32),
        word_order=given.take("word_order", int, word_order, low=0, high=16),
        beta=given.take("beta", int, _USUAL_BETA, low=0, high=100),
        lowercase=given.take("lowercase", bool, False),
        whitespace=given.take("whitespace", bool, False),
        eps_smoothing=given.take("eps_smoothing", bool, False),
    )
    if metric.char_order + metric.word_order == 0:
        given.refuse("char_order", "and 'word_order' cannot both be 0: nothing would be counted")
    given.finish()
    return metric


@lru_cache(maxsize=16)
def _proven(metric: Chrf) -> Any:
    from sacrebleu.metrics.chrf import CHRF

    measure = CHRF(
        char_order=metric.char_order,
        word_order=metric.word_order,
        beta=metric.beta,
        lowercase=metric.lowercase,
        whitespace=metric.whitespace,
        eps_smoothing=metric.eps_smoothing,
    )
    prove(measure, 3 * (metric.char_order + metric.word_order), metric.score, _known(metric))
    return measure


def _known(metric: Chrf) -> Sequence[Sequence[float]] | None:
    usual = Chrf(name=metric.name, word_order=metric.word_order)
    if metric != usual or metric.word_order not in (0, 2):
        return None
    if metric.word_order == 0:
        return _KNOWN_CHARACTERS
    return [(*characters, *words) for characters, words in zip(_KNOWN_CHARACTERS, _KNOWN_WORDS, strict=True)]


def _signature(metric: Chrf) -> str:
    parts = [OPEN_COUNT, f"case:{'lc' if metric.lowercase else 'mixed'}"]
    parts += [f"eff:{'no' if metric.eps_smoothing else 'yes'}", f"nc:{metric.char_order}", f"nw:{metric.word_order}"]
    parts.append(f"space:{'yes' if metric.whitespace else 'no'}")
    if metric.beta != _USUAL_BETA:
        # sacrebleu says beta in the metric's name (chrF3) and not in the signature.
        parts.append(f"beta:{metric.beta}")
    return "|".join([*parts, f"version:{sacrebleu_version()}"])


def _sum_in_order(values: Rows) -> NDArray[np.float64]:
    """Row sums added from left to right, as sacrebleu adds; numpy's pairwise sum may differ in the last bit."""
    total = np.zeros(len(values))
    for column in values.T:
        total += column
    return total
