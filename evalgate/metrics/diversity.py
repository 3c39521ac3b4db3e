"""Diversity: does an output repeat itself?

Both measures look inside one output. Comparing outputs of different cases with each other (self-BLEU over a corpus, or
distinct n-grams of all outputs together) is no sum of rows: it could be neither sliced nor resampled nor sharded.

Source: `distinct`: Li et al., 2016, "A Diversity-Promoting Objective Function for Neural Conversation Models".
`self_bleu`: Zhu et al., 2018, "Texygen: A Benchmarking Platform for Text Generation Models", applied to the parts of
one output, with sacrebleu's sentence BLEU (`BLEU(effective_order=True).sentence_score`) as the comparison.
"""

from __future__ import annotations

import json
import re
from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import count
from typing import Any

import numpy as np
from numpy.typing import NDArray

from evalgate.core.parameters import Parameters
from evalgate.core.values import Direction, Expectation, MetricSpec, Output, Scale
from evalgate.metrics.bleu import TOKENIZERS, Bleu, bleu_measure, require_tokenizer
from evalgate.metrics.bleu_tokens import TOKENIZERS as BATCH_TOKENIZERS
from evalgate.metrics.bleu_tokens import symboliser
from evalgate.metrics.interface import Rows
from evalgate.metrics.part_overlap import rows_against_others
from evalgate.metrics.segment_statistics import sacrebleu_version

_OUTPUTS = 1024
"""Outputs whose parts are counted at once."""
_SENTENCE_END = re.compile(r"(?<=[.!?…])\s+|(?<=[。！？])\s*|\n")


@dataclass(frozen=True, slots=True)
class Distinct:
    """The share of n-grams that an output does not repeat: 1 where all are different.

    Rows: different n-grams, all n-grams; both add up over outputs, and the score is their ratio. An output shorter than
    n adds nothing.
    """

    n: int = 2
    unit: str = "words"
    """`words` (split at white space) or `characters` (for scripts without spaces; white space left out)."""
    lowercase: bool = True

    @property
    def spec(self) -> MetricSpec:
        """The facts of distinct with these parameters."""
        return MetricSpec(
            name=f"distinct@{self.n}",
            direction=Direction.HIGHER,
            unit="0-1",
            low=0.0,
            high=1.0,
            version="1",
            columns=2,
            scale=Scale.CORPUS,
            signature=f"n:{self.n}|unit:{self.unit}|case:{'lc' if self.lowercase else 'mixed'}|within:output|version:1",
            needs_reference=False,
        )

    def rows(self, outputs: Sequence[Output], expectations: Sequence[Expectation]) -> Rows:
        """Counts of n outputs; the expectations are not looked at. Shapes: n, n → (n, 2), whole numbers."""
        return np.array([self._counts(output.text) for output in outputs], dtype=np.float64).reshape(-1, 2)

    def score(self, totals: Rows) -> NDArray[np.float64]:
        """Share of different n-grams. Shapes: (k, 2) → (k,). Units: 0-1; NaN where there is no n-gram at all."""
        return _ratio(totals)

    def _counts(self, text: str) -> tuple[int, int]:
        words = (text.lower() if self.lowercase else text).split()
        tokens: Sequence[str] = "".join(words) if self.unit == "characters" else words
        total = max(0, len(tokens) - self.n + 1)
        grams = tokens if self.n == 1 else zip(*(tokens[i:] for i in range(self.n)), strict=False)
        return len(set(grams)), total


@dataclass(frozen=True, slots=True)
class SelfBleu:
    """How alike the parts of one output are (the items of a list, say): mean sentence BLEU of each against the others.

    Lower is better, 100 says that all parts are the same. An output with fewer than two parts counts nothing, so pair
    it with `json_valid` or `length` where the number of parts matters.
    Rows: mean BLEU over the parts of the output, 1; or 0, 0.
    """

    split: str = "lines"
    """`lines`, `sentences`, or `json` (the items of a JSON list)."""
    tokenize: str = "13a"
    lowercase: bool = False
    max_ngram_order: int = 4

    @property
    def spec(self) -> MetricSpec:
        """The facts of self-BLEU with these parameters."""
        case = "lc" if self.lowercase else "mixed"
        recipe = f"split:{self.split}|case:{case}|eff:yes|tok:{self.tokenize}|smooth:exp|order:{self.max_ngram_order}"
        return MetricSpec(
            name="self_bleu",
            direction=Direction.LOWER,
            unit="0-100",
            low=0.0,
            high=100.0,
            version=sacrebleu_version(),
            columns=2,
            scale=Scale.MEAN,
            signature=f"{recipe}|within:output|version:{sacrebleu_version()}",
            needs_reference=False,
        )

    def rows(self, outputs: Sequence[Output], expectations: Sequence[Expectation]) -> Rows:
        """Self-BLEU of n outputs; the expectations are not looked at. Shapes: n, n → (n, 2). Units: 0-100."""
        parts = [_parts(output, self.split) for output in outputs]
        counted = [i for i, found in enumerate(parts) if len(found) >= 2]
        rows = np.zeros((len(outputs), 2), dtype=np.float64)
        for start in range(0, len(counted), _OUTPUTS):
            block = counted[start : start + _OUTPUTS]
            rows[block, 0] = self._means([parts[i] for i in block])
        rows[counted, 1] = 1.0
        return rows

    def _means(self, outputs: Sequence[Sequence[str]]) -> list[float]:
        """Mean BLEU over the parts of each output. Shapes: n lists of two parts or more → n."""
        bleu = Bleu(self.tokenize, self.lowercase, max_ngram_order=self.max_ngram_order, effective_order=True)
        sizes = list(map(len, outputs))
        symbols, lengths = _symbols(bleu, [part for parts in outputs for part in parts])
        owners = np.repeat(np.arange(len(sizes), dtype=np.int64), sizes)
        scores = bleu.score(rows_against_others(symbols, lengths, owners, bleu.max_ngram_order))
        return [float(np.mean(own)) for own in np.split(scores, np.cumsum(sizes)[:-1])]

    def score(self, totals: Rows) -> NDArray[np.float64]:
        """Mean over outputs with two parts or more. Shapes: (k, 2) → (k,). Units: 0-100; NaN where there is none."""
        return _ratio(totals)


def make_distinct(parameters: Mapping[str, Any]) -> Distinct:
    """Build distinct from `n unit lowercase`. Raises: BadInput for an unknown parameter or a wrong value."""
    given = Parameters("distinct", parameters)
    metric = Distinct(
        n=given.take("n", int, 2, low=1, high=10),
        unit=given.take("unit", str, "words", choices=("words", "characters")),
        lowercase=given.take("lowercase", bool, True),
    )
    given.finish()
    return metric


def make_self_bleu(parameters: Mapping[str, Any]) -> SelfBleu:
    """Build self-BLEU from `split tokenize lowercase max_ngram_order`.

    Raises: BadInput for an unknown parameter, a wrong value, or a tokenizer that cannot work here.
    """
    given = Parameters("self_bleu", parameters)
    metric = SelfBleu(
        split=given.take("split", str, "lines", choices=("lines", "sentences", "json")),
        tokenize=given.take("tokenize", str, "13a", choices=TOKENIZERS),
        lowercase=given.take("lowercase", bool, False),
        max_ngram_order=given.take("max_ngram_order", int, 4, low=1, high=16),
    )
    given.finish()
    require_tokenizer(metric.tokenize)
    return metric


def _parts(output: Output, split: str) -> list[str]:
    if split == "json":
        return _json_parts(output)
    found = output.text.split("\n") if split == "lines" else _SENTENCE_END.split(output.text)
    return [part.strip() for part in found if part.strip()]


def _json_parts(output: Output) -> list[str]:
    items = output.value
    if items is None:
        try:
            items = json.loads(output.text)
        except (ValueError, RecursionError):
            return []
    if not isinstance(items, list):
        return []
    return [item if isinstance(item, str) else json.dumps(item, ensure_ascii=False, sort_keys=True) for item in items]


def _symbols(bleu: Bleu, texts: Sequence[str]) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """The tokens of all texts in one line, as numbers, and the number of tokens of each text."""
    if bleu.tokenize in BATCH_TOKENIZERS:
        read, lengths = symboliser(bleu.tokenize, bleu.lowercase).read(texts, 0)
        return read.astype(np.int64), lengths
    measure = bleu_measure(bleu)
    tokens = [measure._preprocess_segment(text).split() for text in texts]
    numbers: defaultdict[str, int] = defaultdict(count().__next__)
    line = np.fromiter((numbers[token] for words in tokens for token in words), dtype=np.int64)
    return line, np.fromiter(map(len, tokens), dtype=np.int64, count=len(tokens))


def _ratio(totals: Rows) -> NDArray[np.float64]:
    below = totals[:, 1]
    return np.where(below > 0, totals[:, 0] / np.where(below > 0, below, 1.0), np.nan)
