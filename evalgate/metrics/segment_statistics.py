"""The bridge to sacrebleu: its sufficient statistics, one row per output, checked before they are first used.

Source: sacrebleu (Post, 2018, "A Call for Clarity in Reporting BLEU Scores"), https://github.com/mjpost/sacrebleu.
`Metric._extract_corpus_statistics` is not public, so every metric built from it proves itself first.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import lru_cache
from typing import Any

import numpy as np
from numpy.typing import NDArray

from evalgate.core.errors import Incomplete
from evalgate.core.values import Expectation, Output
from evalgate.metrics.interface import Rows
from evalgate.metrics.reference_texts import reference_texts

PROBE_OUTPUTS = ("The cat sat on the mat, didn't it?", "It costs 1,000.50 €", "")
PROBE_REFERENCES = (
    ("The cat is on the mat, isn't it?", "On the mat sat the cat."),
    ("It cost 1,000.50 euros.",),
    ("Nothing was said.",),
)
"""A small corpus with punctuation, numbers, a symbol, an empty output and a varying number of references."""

_TOLERANCE = 1e-9
_BLOCK = 64
"""Cases counted at once: sacrebleu keeps every n-gram of their references meanwhile, some 80 KB a case for chrF."""


@lru_cache(maxsize=1)
def sacrebleu_version() -> str:
    """The version of sacrebleu that is installed; loads nothing of it."""
    from importlib.metadata import version

    return version("sacrebleu")


def segment_rows(measure: Any, columns: int, outputs: Sequence[Output], expectations: Sequence[Expectation]) -> Rows:
    """The sufficient statistics of n outputs, as a sacrebleu metric object counts them.

    Shapes: n outputs, n expectations → (n, columns) float64.
    Raises:
        BadInput: a case without usable references.
        Incomplete: the statistics do not have the expected number of columns, or a row was lost.
    """
    return _statistics(measure, columns, *paired_texts(outputs, expectations))


def paired_texts(
    outputs: Sequence[Output], expectations: Sequence[Expectation]
) -> tuple[Sequence[str], Sequence[tuple[str, ...]]]:
    """The texts of n outputs and the references of each.

    Raises:
        BadInput: a case without usable references.
        Incomplete: there are more of one than of the other.
    """
    texts = [output.text for output in outputs]
    references = [reference_texts(expectation) for expectation in expectations]
    if len(texts) != len(references):
        raise Incomplete(f"{len(texts)} outputs cannot be paired with {len(references)} expectations")
    return texts, references


def path_part(batched: bool) -> str:
    """The part of a signature that says who counted: this package in batches, or the reference library."""
    return f"path:{'batch' if batched else 'library'}"


def prove(
    measure: Any, columns: int, score: Callable[[Rows], NDArray[np.float64]], known: Sequence[Sequence[float]] | None
) -> None:
    """Hold statistics and score of a metric against sacrebleu's public answer on a small corpus.

    `known` are the statistics this code was written against, where the parameters are the usual ones.
    Raises:
        Incomplete: sacrebleu has changed in a way this code does not know.
    """
    rows = _statistics(measure, columns, PROBE_OUTPUTS, PROBE_REFERENCES)
    public = measure.corpus_score(list(PROBE_OUTPUTS), _streams(PROBE_REFERENCES)).score
    ours = float(score(rows.sum(axis=0, keepdims=True))[0])
    agrees = abs(ours - public) <= _TOLERANCE and (known is None or np.array_equal(rows, np.asarray(known)))
    if not agrees:
        raise Incomplete(
            f"sacrebleu {sacrebleu_version()} does not count as expected: {public!r} instead of {ours!r} on the probe",
            where=f"metric {type(measure).__name__}",
            hint="install a version that this release of evalgate supports: pip install 'sacrebleu>=2.6,<2.7'",
        )


def _statistics(measure: Any, columns: int, texts: Sequence[str], references: Sequence[Sequence[str]]) -> Rows:
    if not texts:
        return np.zeros((0, columns), dtype=np.float64)
    found: list[Sequence[float]] = []
    for start in range(0, len(texts), _BLOCK):
        block = slice(start, start + _BLOCK)
        found += measure._extract_corpus_statistics(texts[block], _streams(references[block]))
    rows = np.array(found, dtype=np.float64)
    if rows.shape != (len(texts), columns):
        raise Incomplete(
            f"sacrebleu {sacrebleu_version()} gave statistics of shape {rows.shape}, not {(len(texts), columns)}",
            where=f"metric {type(measure).__name__}",
        )
    return rows


def _streams(references: Sequence[Sequence[str]]) -> list[list[str | None]]:
    """References per case → one stream per position, as sacrebleu takes them; None where a case has fewer."""
    most = max(len(texts) for texts in references)
    return [[texts[i] if i < len(texts) else None for texts in references] for i in range(most)]
