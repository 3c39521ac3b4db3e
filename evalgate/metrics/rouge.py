"""ROUGE-1, ROUGE-2, ROUGE-L and ROUGE-Lsum: F measures equal to rouge-score's, averaged over cases.

Source: Lin, 2004, "ROUGE: A Package for Automatic Evaluation of Summaries"; reference implementation rouge-score 0.1.2
(google-research), which is not imported: its table of subsequences and its imports are the slow part.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Hashable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from importlib import import_module
from itertools import pairwise
from typing import Any

import numpy as np
from numpy.typing import NDArray

from evalgate.core.errors import BadInput, Incomplete
from evalgate.core.parameters import Parameters
from evalgate.core.values import Direction, Expectation, MetricSpec, Output, Scale
from evalgate.metrics.interface import Rows
from evalgate.metrics.reference_texts import reference_texts
from evalgate.metrics.rouge_lcs import lcs_length, union_hits

_VERSION = "0.1.2"
"""The release of rouge-score whose numbers these are."""
_TOKEN = re.compile("[a-z0-9]+")
_STEMMED_FROM = 4
"""rouge-score stems words of more than three characters."""


@dataclass(frozen=True, slots=True)
class Rouge:
    """One ROUGE measure: overlap of output and reference in words, pairs of words or longest common subsequences.

    Of several references the one with the best F measure counts, as in rouge-score's `score_multi`.
    Rows: F measure, 1.
    """

    variant: str
    """`rouge1`, `rouge2`, `rougeL` or `rougeLsum`."""
    use_stemmer: bool = False
    split_summaries: bool = False
    """ROUGE-Lsum only: find sentences with NLTK instead of taking each line for one."""

    @property
    def spec(self) -> MetricSpec:
        """The facts of this measure with its parameters."""
        return MetricSpec(
            name=self.variant,
            direction=Direction.HIGHER,
            unit="0-1",
            low=0.0,
            high=1.0,
            version=_VERSION,
            columns=2,
            scale=Scale.MEAN,
            signature=_signature(self),
        )

    def rows(self, outputs: Sequence[Output], expectations: Sequence[Expectation]) -> Rows:
        """F measures of n outputs.

        Shapes: n, n → (n, 2). Units: 0-1.
        Raises: BadInput naming the case when a reference is missing or not a text.
        """
        if len(outputs) != len(expectations):
            raise Incomplete(f"{len(outputs)} outputs cannot be paired with {len(expectations)} expectations")
        texts = _Texts(self)
        rows = np.ones((len(outputs), 2), dtype=np.float64)
        for i, (output, expectation) in enumerate(zip(outputs, expectations, strict=True)):
            rows[i, 0] = max(texts.f_measure(reference, output.text) for reference in reference_texts(expectation))
        return rows

    def score(self, totals: Rows) -> NDArray[np.float64]:
        """Mean F measure of k sums of rows.

        Shapes: (k, 2) → (k,). Units: 0-1; NaN where no case was counted.
        """
        count = totals[:, 1]
        return np.where(count > 0, totals[:, 0] / np.where(count > 0, count, 1.0), np.nan)


def make_rouge1(parameters: Mapping[str, Any]) -> Rouge:
    """Build ROUGE-1 from `use_stemmer`. Raises: BadInput for an unknown parameter or a wrong value."""
    return _make("rouge1", parameters)


def make_rouge2(parameters: Mapping[str, Any]) -> Rouge:
    """Build ROUGE-2 from `use_stemmer`. Raises: BadInput for an unknown parameter or a wrong value."""
    return _make("rouge2", parameters)


def make_rouge_l(parameters: Mapping[str, Any]) -> Rouge:
    """Build ROUGE-L from `use_stemmer`. Raises: BadInput for an unknown parameter or a wrong value."""
    return _make("rougeL", parameters)


def make_rouge_lsum(parameters: Mapping[str, Any]) -> Rouge:
    """Build ROUGE-Lsum from `use_stemmer split_summaries`.

    Raises:
        BadInput: an unknown parameter, a wrong value, or `split_summaries` without NLTK's sentence data.
    """
    return _make("rougeLsum", parameters)


def _make(variant: str, parameters: Mapping[str, Any]) -> Rouge:
    given = Parameters(variant, parameters)
    stem = given.take("use_stemmer", bool, False)
    split = given.take("split_summaries", bool, False) if variant == "rougeLsum" else False
    given.finish()
    if split:
        _require_sentence_data()
    return Rouge(variant, stem, split)


class _Grams:
    """The n-grams of one text, counted so that comparing two texts is one set operation and little more."""

    __slots__ = ("_repeated", "distinct", "total")

    def __init__(self, grams: Iterable[Hashable]) -> None:
        counts = Counter(grams)
        self.distinct = counts.keys()
        self._repeated = {gram: count for gram, count in counts.items() if count > 1}
        self.total = len(counts) + sum(self._repeated.values()) - len(self._repeated)

    def shared(self, other: _Grams) -> int:
        """How many n-grams two texts share, each as often as it occurs in both."""
        theirs = other._repeated
        again = sum(min(count, theirs[gram]) - 1 for gram, count in self._repeated.items() if gram in theirs)
        return len(self.distinct & other.distinct) + again


class _Texts:
    """The texts of one `rows` call, each tokenised once; tokens are numbers, so that equal words compare fast."""

    def __init__(self, metric: Rouge) -> None:
        self._metric = metric
        self._numbers: dict[str, int] = {}
        self._tokens: dict[str, list[int]] = {}
        self._grams: dict[str, _Grams] = {}
        self._sentences: dict[str, list[list[int]]] = {}

    def f_measure(self, reference: str, output: str) -> float:
        """The measure of one pair."""
        if self._metric.variant == "rougeL":
            first, second = self.tokens(reference), self.tokens(output)
            return _f_measure(lcs_length(first, second), len(first), len(second))
        if self._metric.variant == "rougeLsum":
            return self._summary_level(reference, output)
        wanted, given = self._counted(reference), self._counted(output)
        return _f_measure(wanted.shared(given), wanted.total, given.total)

    def tokens(self, text: str) -> list[int]:
        """The words of a text as numbers."""
        found = self._tokens.get(text)
        if found is None:
            numbers = self._numbers
            words = _TOKEN.findall(text.lower())
            if self._metric.use_stemmer:
                words = [_stem(word) if len(word) >= _STEMMED_FROM else word for word in words]
            found = self._tokens[text] = [numbers.setdefault(word, len(numbers)) for word in words]
        return found

    def _counted(self, text: str) -> _Grams:
        found = self._grams.get(text)
        if found is None:
            tokens = self.tokens(text)
            found = self._grams[text] = _Grams(pairwise(tokens) if self._metric.variant == "rouge2" else tokens)
        return found

    def _summary_level(self, reference: str, output: str) -> float:
        wanted, given = self._split(reference), self._split(output)
        long, short = sum(map(len, wanted)), sum(map(len, given))
        return _f_measure(union_hits(wanted, given), long, short) if long and short else 0.0

    def _split(self, text: str) -> list[list[int]]:
        found = self._sentences.get(text)
        if found is None:
            parts = _nltk_sentences(text) if self._metric.split_summaries else text.split("\n")
            found = self._sentences[text] = [self.tokens(part) for part in parts if part]
        return found


def _f_measure(hits: int, in_reference: int, in_output: int) -> float:
    """F1 in rouge-score's order of operations, so that the floats are the same."""
    precision = hits / max(in_output, 1)
    recall = hits / max(in_reference, 1)
    return 2 * precision * recall / (precision + recall) if precision + recall > 0 else 0.0


def _signature(metric: Rouge) -> str:
    stemmer = f"porter-nltk-{_nltk_version()}" if metric.use_stemmer else "no"
    parts = ["measure:f1", f"stem:{stemmer}", "refs:best"]
    if metric.variant == "rougeLsum":
        parts.append(f"sentences:{f'nltk-{_nltk_version()}' if metric.split_summaries else 'lines'}")
    return "|".join([*parts, f"version:rouge-score-{_VERSION}"])


@lru_cache(maxsize=1)
def _nltk_version() -> str:
    from importlib.metadata import version

    return version("nltk")


@lru_cache(maxsize=1 << 16)
def _stem(word: str) -> str:
    return str(_porter().stem(word))


@lru_cache(maxsize=1)
def _porter() -> Any:
    return import_module("nltk.stem.porter").PorterStemmer()


def _nltk_sentences(text: str) -> list[str]:
    return list(import_module("nltk").sent_tokenize(text))


def _require_sentence_data() -> None:
    try:
        _nltk_sentences("One. Two.")
    except LookupError as error:
        raise BadInput(
            "split_summaries needs NLTK's sentence data, which is not installed",
            where="metric rougeLsum",
            hint="python -m nltk.downloader punkt_tab, or put one sentence on each line and leave split_summaries out",
        ) from error
