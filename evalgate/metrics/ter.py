"""TER, the translation edit rate, exactly as sacrebleu computes it for a corpus, counted without it.

Source: Snover et al., 2006, "A Study of Translation Edit Rate with Targeted Human Annotation"; reference
implementation sacrebleu 2.6 (`sacrebleu.metrics.TER`, after Tercom).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from evalgate.core.errors import Incomplete
from evalgate.core.parameters import Parameters
from evalgate.core.values import Direction, Expectation, MetricSpec, Output, Scale
from evalgate.metrics.interface import Rows
from evalgate.metrics.reference_texts import OPEN_COUNT, reference_texts
from evalgate.metrics.segment_statistics import sacrebleu_version
from evalgate.metrics.ter_shifts import fewest_edits
from evalgate.metrics.ter_words import ReferenceWords, Tokeniser, reference_words, tokeniser

_COLUMNS = 2


@dataclass(frozen=True, slots=True)
class Ter:
    """TER over a set of cases: edits (word changes and shifts of phrases) per 100 words of the reference.

    Lower is better, 0 is identical, and nothing bounds it above. It costs about four times as much time as chrF.
    Rows: fewest edits to any reference, mean length of the references.
    """

    normalized: bool = False
    no_punct: bool = False
    asian_support: bool = False
    case_sensitive: bool = False

    @property
    def spec(self) -> MetricSpec:
        """The facts of TER with these parameters."""
        return MetricSpec(
            name="ter",
            direction=Direction.LOWER,
            unit="0-100",
            low=0.0,
            high=None,
            version=sacrebleu_version(),
            columns=_COLUMNS,
            scale=Scale.CORPUS,
            signature=_signature(self),
        )

    def rows(self, outputs: Sequence[Output], expectations: Sequence[Expectation]) -> Rows:
        """Sufficient statistics of n outputs.

        Shapes: n, n → (n, 2); the mean length is a fraction where a case has several references.
        Raises: BadInput naming the case when a reference is missing or not a text.
        """
        if len(outputs) != len(expectations):
            raise Incomplete(f"{len(outputs)} outputs cannot be paired with {len(expectations)} expectations")
        words = tokeniser(
            normalized=self.normalized,
            no_punct=self.no_punct,
            asian_support=self.asian_support,
            case_sensitive=self.case_sensitive,
        )
        ready = _References(words)
        rows = np.zeros((len(outputs), _COLUMNS), dtype=np.float64)
        for row, output, expectation in zip(rows, outputs, expectations, strict=True):
            references = [ready[text] for text in reference_texts(expectation)]
            given = words(output.text)
            row[0] = min(fewest_edits(reference.spelt(given), reference) for reference in references)
            row[1] = sum(len(reference.text) for reference in references) / len(references)
        return rows

    def score(self, totals: Rows) -> NDArray[np.float64]:
        """TER of k sums of rows.

        Shapes: (k, 2) → (k,). Units: edits per 100 words of reference. Without any reference word, 100 if there is
        something to delete, else 0, as in sacrebleu.
        """
        edits, length = totals[:, 0], totals[:, 1]
        without_words = np.where(edits > 0, 1.0, 0.0)
        return 100 * np.where(length > 0, edits / np.where(length > 0, length, 1.0), without_words)


def make_ter(parameters: Mapping[str, Any]) -> Ter:
    """Build TER from `normalized no_punct asian_support case_sensitive`.

    Raises: BadInput for an unknown parameter or a wrong value.
    """
    given = Parameters("ter", parameters)
    metric = Ter(
        normalized=given.take("normalized", bool, False),
        no_punct=given.take("no_punct", bool, False),
        asian_support=given.take("asian_support", bool, False),
        case_sensitive=given.take("case_sensitive", bool, False),
    )
    given.finish()
    return metric


class _References(dict[str, ReferenceWords]):
    """The references of one call, each made ready once."""

    def __init__(self, words: Tokeniser) -> None:
        super().__init__()
        self._words = words

    def __missing__(self, text: str) -> ReferenceWords:
        # sacrebleu prepares references twice, which its normalisation does not leave as they are.
        ready = self[text] = reference_words(self._words(" ".join(self._words(text))))
        return ready


def _signature(metric: Ter) -> str:
    parts = [OPEN_COUNT, f"case:{'mixed' if metric.case_sensitive else 'lc'}", "tok:tercom"]
    parts += [f"norm:{_yes(metric.normalized)}", f"punct:{_yes(not metric.no_punct)}"]
    return "|".join([*parts, f"asian:{_yes(metric.asian_support)}", f"version:{sacrebleu_version()}", "path:batch"])


def _yes(value: bool) -> str:
    return "yes" if value else "no"
