"""chrF and chrF++, exactly as sacrebleu computes them for a corpus.

Source: Popović, 2015, "chrF: character n-gram F-score for automatic MT evaluation", and 2017, "chrF++: words helping
character n-grams"; reference implementation sacrebleu 2.6 (`sacrebleu.metrics.CHRF`).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from string import punctuation
from typing import Any

import numpy as np
from numpy.typing import NDArray

from evalgate.core.parameters import Parameters
from evalgate.core.values import Direction, Expectation, MetricSpec, Output, Scale
from evalgate.metrics.interface import Rows
from evalgate.metrics.ngram_counts import Counts, ngrams_per_order
from evalgate.metrics.reference_texts import OPEN_COUNT
from evalgate.metrics.segment_statistics import paired_texts, path_part, sacrebleu_version
from evalgate.metrics.text_pairs import Pairs, pair
from evalgate.metrics.text_symbols import Characters, Symboliser, Words

_USUAL_BETA = 2
_EPSILON = 1e-16


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
        texts, references = paired_texts(outputs, expectations)
        return _rows_in_batches(self, texts, references)

    def score(self, totals: Rows) -> NDArray[np.float64]:
        """chrF of k sums of rows.

        Shapes: (k, 3 x orders) → (k,). Units: 0-100. Nothing shared, or nothing counted, is 0 as in sacrebleu.
        """
        # Rounding can lift a perfect score above 100 by some 1e-14.
        return np.minimum(self._f_score(totals), 100.0)

    def _f_score(self, totals: Rows) -> NDArray[np.float64]:
        in_output, in_reference, shared = totals[:, 0::3], totals[:, 1::3], totals[:, 2::3]
        precision = np.where(in_output > 0, shared / np.where(in_output > 0, in_output, 1.0), _EPSILON)
        recall = np.where(in_reference > 0, shared / np.where(in_reference > 0, in_reference, 1.0), _EPSILON)
        if self.eps_smoothing:
            return self._mean_of_f(precision, recall)
        return self._f_of_means(precision, recall, (in_output > 0) & (in_reference > 0))

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


def _rows_in_batches(metric: Chrf, texts: Sequence[str], references: Sequence[Sequence[str]]) -> Rows:
    if not texts:
        return np.zeros((0, 3 * metric._orders), dtype=np.float64)
    several = np.fromiter(map(len, references), dtype=np.int64, count=len(references))
    outputs = [text for text, some in zip(texts, references, strict=True) for _ in some]
    pairs, belongs = pair(outputs, [(reference,) for some in references for reference in some])
    found = np.concatenate([_statistics(pairs, reader, order) for reader, order in _readers(metric)], axis=1)
    rows = found.reshape(len(found), -1).astype(np.float64)
    if len(outputs) == len(texts):
        return rows[belongs]
    opening = np.cumsum(several) - several
    # As in sacrebleu the score is not cut at 100 for this choice, and of equally good references the first one counts.
    scores = metric._f_score(rows)[belongs]
    best = np.flatnonzero(scores == np.repeat(np.maximum.reduceat(scores, opening), several))
    return rows[belongs[best[np.searchsorted(best, opening)]]]


def _statistics(pairs: Pairs, reader: Symboliser, order: int) -> Counts:
    """Per pair and order: n-grams of the output, n-grams of the reference, shared n-grams. Shapes: → (p, order, 3)."""
    shared, lengths = pairs.shared(reader, order)
    in_output = ngrams_per_order(lengths[pairs.outputs], order)
    in_reference = ngrams_per_order(lengths[pairs.first_reference()], order)
    # Where the reference has no n-gram, sacrebleu does not count those of the output.
    return np.stack((np.where(in_reference > 0, in_output, 0), in_reference, shared), axis=2)


def _readers(metric: Chrf) -> list[tuple[Symboliser, int]]:
    lower = metric.lowercase
    if metric.whitespace:
        characters = Characters(str.lower if lower else str)
    else:
        characters = Characters(lambda text: "".join((text.lower() if lower else text).split()))
    words = Words(lambda text: (text.lower() if lower else text).split(), _without_mark)
    both: list[tuple[Symboliser, int]] = [(characters, metric.char_order), (words, metric.word_order)]
    return [(reader, order) for reader, order in both if order > 0]


def _without_mark(word: str) -> Sequence[str]:
    """A word and the punctuation mark at its end, or else at its start, which are tokens of their own."""
    if len(word) > 1 and word[-1] in punctuation:
        return word[:-1], word[-1]
    if len(word) > 1 and word[0] in punctuation:
        return word[0], word[1:]
    return (word,)


def _signature(metric: Chrf) -> str:
    parts = [OPEN_COUNT, f"case:{'lc' if metric.lowercase else 'mixed'}"]
    parts += [f"eff:{'no' if metric.eps_smoothing else 'yes'}", f"nc:{metric.char_order}", f"nw:{metric.word_order}"]
    parts.append(f"space:{'yes' if metric.whitespace else 'no'}")
    if metric.beta != _USUAL_BETA:
        # sacrebleu says beta in the metric's name (chrF3) and not in the signature.
        parts.append(f"beta:{metric.beta}")
    return "|".join([*parts, f"version:{sacrebleu_version()}", path_part(batched=True)])


def _sum_in_order(values: Rows) -> NDArray[np.float64]:
    """Row sums added from left to right, as sacrebleu adds; numpy's pairwise sum may differ in the last bit."""
    total = np.zeros(len(values))
    for column in values.T:
        total += column
    return total
