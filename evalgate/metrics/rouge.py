"""ROUGE-1, ROUGE-2, ROUGE-L and ROUGE-Lsum: F measures equal to rouge-score's, averaged over cases.

Source: Lin, 2004, "ROUGE: A Package for Automatic Evaluation of Summaries"; reference implementation rouge-score 0.1.2
(google-research), which is not imported: its table of subsequences and its imports are the slow part.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from importlib import import_module
from itertools import chain
from typing import Any

import numpy as np
from numpy.typing import NDArray

from evalgate.core.errors import BadInput, Incomplete
from evalgate.core.parameters import Parameters
from evalgate.core.values import Direction, Expectation, MetricSpec, Output, Scale
from evalgate.metrics.interface import Rows
from evalgate.metrics.pair_overlap import overlaps
from evalgate.metrics.reference_texts import reference_texts
from evalgate.metrics.rouge_lcs import lcs_lengths, union_hits
from evalgate.metrics.rouge_words import numbered_texts

_VERSION = "0.1.2"
"""The release of rouge-score whose numbers these are."""


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
        rows = np.ones((len(outputs), 2), dtype=np.float64)
        if outputs:
            references, texts, starts = _pairs(outputs, expectations)
            measure = _by_sentences if self.variant == "rougeLsum" else _by_words
            rows[:, 0] = np.maximum.reduceat(measure(self, references, texts), starts)
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


def _pairs(outputs: Sequence[Output], expectations: Sequence[Expectation]) -> tuple[list[str], list[str], NDArray[np.intp]]:
    """Every output with each of its references: reference texts, output texts, and where the pairs of each output begin."""
    references = [reference_texts(expectation) for expectation in expectations]
    counts = [len(texts) for texts in references]
    given = [output.text for output, count in zip(outputs, counts, strict=True) for _ in range(count)]
    return list(chain.from_iterable(references)), given, np.cumsum([0, *counts[:-1]])


def _by_words(metric: Rouge, references: Sequence[str], outputs: Sequence[str]) -> NDArray[np.float64]:
    """F measures of n pairs of texts, for all variants but ROUGE-Lsum. Shapes: n, n → (n,)."""
    numbered = numbered_texts(chain(references, outputs), stemmed=metric.use_stemmer)
    wanted, given = [numbered[text] for text in references], [numbered[text] for text in outputs]
    order = 2 if metric.variant == "rouge2" else 1
    hits = lcs_lengths(wanted, given) if metric.variant == "rougeL" else overlaps(wanted, given, order)
    return _f_measures(hits, _lengths(wanted) - (order - 1), _lengths(given) - (order - 1))


def _by_sentences(metric: Rouge, references: Sequence[str], outputs: Sequence[str]) -> NDArray[np.float64]:
    """ROUGE-Lsum of n pairs of texts. Shapes: n, n → (n,)."""
    split = _nltk_sentences if metric.split_summaries else _lines
    sentences = {text: [part for part in split(text) if part] for text in chain(references, outputs)}
    numbered = numbered_texts(chain.from_iterable(sentences.values()), stemmed=metric.use_stemmer)
    read = {text: [numbered[part] for part in parts] for text, parts in sentences.items()}
    wanted, given = [read[text] for text in references], [read[text] for text in outputs]
    hits = np.array([union_hits(*pair) for pair in zip(wanted, given, strict=True)], dtype=np.int64)
    return _f_measures(hits, *(np.array([sum(map(len, parts)) for parts in side], dtype=np.int64) for side in (wanted, given)))


def _f_measures(hits: NDArray[np.int64], in_reference: NDArray[np.int64], in_output: NDArray[np.int64]) -> NDArray[np.float64]:
    """F1 in rouge-score's order of operations, so that the floats are the same. Shapes: (n,) three times → (n,)."""
    precision = hits / np.maximum(in_output, 1)
    recall = hits / np.maximum(in_reference, 1)
    below = precision + recall
    return np.where(below > 0, 2 * precision * recall / np.where(below > 0, below, 1.0), 0.0)


def _lengths(sequences: Sequence[Sequence[int]]) -> NDArray[np.int64]:
    return np.fromiter(map(len, sequences), np.int64, len(sequences))


def _lines(text: str) -> list[str]:
    return text.split("\n")


def _signature(metric: Rouge) -> str:
    stemmer = "porter-nltk" if metric.use_stemmer else "no"
    parts = ["measure:f1", f"stem:{stemmer}", "refs:best"]
    if metric.variant == "rougeLsum":
        parts.append(f"sentences:{f'nltk-{_nltk_version()}' if metric.split_summaries else 'lines'}")
    return "|".join([*parts, f"version:rouge-score-{_VERSION}", "path:batch"])


@lru_cache(maxsize=1)
def _nltk_version() -> str:
    from importlib.metadata import version

    return version("nltk")


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
