"""Compare an answer with its references as texts: equal, overlapping, contained, or of a given form."""

from __future__ import annotations

from collections.abc import Hashable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from evalgate.core.errors import BadInput
from evalgate.core.parameters import Parameters
from evalgate.core.patterns import Pattern, compile_pattern
from evalgate.core.values import Expectation, Output
from evalgate.metrics.answer_text import AnswerText, quoted, take_answer_text
from evalgate.metrics.interface import Metric
from evalgate.metrics.mean_rows import MeanMetric, place_of, share_spec
from evalgate.metrics.normalise import word_reader
from evalgate.metrics.pair_overlap import Flat, chosen, flat_overlaps


def make_exact_match(parameters: Mapping[str, Any]) -> Metric:
    """Share of answers equal to one of their references.

    Parameters: `extract` PATTERN; `normalize` none (default), squad or casefold; `field` a.b: read the (extracted)
    output as JSON and compare that field, with the same field of a structured reference or with a text reference.
    Raises: BadInput for an unknown parameter or wrong value.
    """
    given = Parameters("exact_match", parameters)
    text = take_answer_text(given, normalize="none", field=True)
    given.finish()
    return MeanMetric(share_spec("exact_match", text.signature), _ExactMatch(text))


def make_token_f1(parameters: Mapping[str, Any]) -> Metric:
    """Mean F1 of the words that answer and reference share; the best of several references counts.

    Parameters: as `exact_match`, but `normalize` is squad by default.
    Raises: BadInput for an unknown parameter or wrong value.
    """
    given = Parameters("token_f1", parameters)
    text = take_answer_text(given, normalize="squad", field=True)
    given.finish()
    return MeanMetric(share_spec("token_f1", text.signature, proportion=False), _TokenF1(text))


def make_contains(parameters: Mapping[str, Any]) -> Metric:
    """Share of answers that contain one of their references, or with `all: true` every one.

    Parameters: `extract` PATTERN; `normalize` none (default), squad or casefold; `all` false (default) or true.
    Raises: BadInput for an unknown parameter or wrong value.
    """
    given = Parameters("contains", parameters)
    text = take_answer_text(given, normalize="none")
    every = given.take("all", bool, False)
    given.finish()
    signature = f"{text.signature}|references:{'all' if every else 'any'}"
    return MeanMetric(share_spec("contains", signature), _Contains(text, every))


def make_regex(parameters: Mapping[str, Any]) -> Metric:
    """Share of answers in which a pattern matches anywhere; needs no reference.

    Parameters: `pattern` PATTERN (required); `extract` PATTERN.
    Raises: BadInput for an unknown parameter or wrong value.
    """
    given = Parameters("regex", parameters)
    text = take_answer_text(given)
    wanted = given.need("pattern", str, low=1)
    given.finish()
    pattern = compile_pattern(wanted, where="metric regex")
    signature = f"pattern:{quoted(pattern)}|extract:{quoted(text.pattern)}"
    return MeanMetric(share_spec("regex", signature, needs_reference=False), _Matches(text, pattern))


Places = NDArray[np.int64]


@dataclass(frozen=True, slots=True)
class _ExactMatch:
    """1 where the answer equals a reference."""

    text: AnswerText

    def values(self, outputs: Sequence[Output], expectations: Sequence[Expectation]) -> Sequence[float]:
        pairs = zip(outputs, self.text.expected_once(expectations), strict=True)
        return [float(self.text.answer(output.text) in expected) for output, expected in pairs]


@dataclass(frozen=True, slots=True)
class _TokenF1:
    """The best F1 with any reference, over words as bags.

    Where one of two texts has no words at all, 1 if neither has any, else 0.
    Source: the SQuAD evaluation script (v2.0 for texts without words, which v1.1 scores 0 even when equal).
    """

    text: AnswerText

    def values(self, outputs: Sequence[Output], expectations: Sequence[Expectation]) -> Sequence[float]:
        if not outputs:
            return []
        rows: dict[str | None, int] = {}
        answers = [rows.setdefault(self.text.taken(output.text), len(rows)) for output in outputs]
        references: list[int] = []
        counts: list[int] = []
        for expectation in expectations:
            texts = self.text.references(expectation)
            counts.append(len(texts))
            references += [rows.setdefault(text, len(rows)) for text in texts]
        words = _words(tuple(rows), self.text.normalize)
        return _best(words, np.repeat(answers, counts), np.array(references), np.array(counts))


@dataclass(frozen=True, slots=True)
class _Contains:
    """1 where the answer contains a reference, or all of them."""

    text: AnswerText
    every: bool

    def values(self, outputs: Sequence[Output], expectations: Sequence[Expectation]) -> Sequence[float]:
        expected = self.text.expected_once(expectations)
        return [self._value(*pair) for pair in zip(outputs, expected, expectations, strict=True)]

    def _value(self, output: Output, expected: Sequence[str], expectation: Expectation) -> float:
        if "" in expected:
            raise BadInput(
                f"a reference is empty after normalize {self.text.normalize}, and every output contains that",
                where=place_of(expectation),
                hint="correct the reference, or normalise less",
            )
        answer = self.text.answer(output.text) or ""
        return float((all if self.every else any)(reference in answer for reference in expected))


@dataclass(frozen=True, slots=True)
class _Matches:
    """1 where the pattern matches anywhere in the answer."""

    text: AnswerText
    pattern: Pattern

    def __call__(self, output: Output, expectation: Expectation) -> float:
        return float(self.pattern.found_in(self.text.extracted(output.text)))


class _Numbers(dict[Hashable, int]):
    """Word → number, counted up from 0."""

    def __missing__(self, word: Hashable) -> int:
        number = self[word] = len(self)
        return number


_NO_ANSWER = (None,)
"""Stands for an answer without the field that was asked for: it shares no word with any reference."""


def _words(texts: Sequence[str | None], normalize: str) -> Flat:
    """The words of n texts as numbers; equal words have equal numbers."""
    read, words, lengths = word_reader(normalize), list[Hashable](), list[int]()
    for text in texts:
        found = _NO_ANSWER if text is None else read(text)
        words += found
        lengths.append(len(found))
    numbers = np.fromiter(map(_Numbers().__getitem__, words), np.int64, len(words))
    return numbers, np.array(lengths, dtype=np.int64)


def _best(words: Flat, answers: Places, references: Places, counts: Places) -> list[float]:
    """The best F1 of each answer with any of its references, over bags of words.

    Shapes: places in `words` per pair, (m,) and (m,); references per answer, (n,), all at least 1 → n.
    """
    total = words[1][answers] + words[1][references]
    shared = flat_overlaps(chosen(words, answers), chosen(words, references), 1)
    measures = np.where(total > 0, 2 * shared / np.maximum(total, 1), 1.0)
    best: list[float] = np.maximum.reduceat(measures, np.cumsum(counts) - counts).tolist()
    return best
