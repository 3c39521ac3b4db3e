"""Compare an answer with its references as texts: equal, overlapping, contained, or of a given form."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from evalgate.core.errors import BadInput
from evalgate.core.parameters import Parameters
from evalgate.core.patterns import Pattern, compile_pattern
from evalgate.core.values import Expectation, Output
from evalgate.metrics.answer_text import AnswerText, quoted, take_answer_text
from evalgate.metrics.interface import Metric
from evalgate.metrics.mean_rows import MeanMetric, place_of, share_spec


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


def token_f1(answer: str, reference: str) -> float:
    """F1 over the words of two normalised texts, as bags.

    Where one of them has no words at all, 1 if neither has any, else 0.
    Source: the SQuAD evaluation script (v2.0 for texts without words, which v1.1 scores 0 even when equal).
    """
    mine, theirs = answer.split(), reference.split()
    if not mine or not theirs:
        return float(mine == theirs)
    shared = sum((Counter(mine) & Counter(theirs)).values())
    return 2 * shared / (len(mine) + len(theirs))


@dataclass(frozen=True, slots=True)
class _ExactMatch:
    """1 where the answer equals a reference."""

    text: AnswerText

    def __call__(self, output: Output, expectation: Expectation) -> float:
        expected = self.text.expected(expectation)
        return float(self.text.answer(output.text) in expected)


@dataclass(frozen=True, slots=True)
class _TokenF1:
    """The best F1 with any reference."""

    text: AnswerText

    def __call__(self, output: Output, expectation: Expectation) -> float:
        expected = self.text.expected(expectation)
        answer = self.text.answer(output.text)
        return 0.0 if answer is None else max(token_f1(answer, reference) for reference in expected)


@dataclass(frozen=True, slots=True)
class _Contains:
    """1 where the answer contains a reference, or all of them."""

    text: AnswerText
    every: bool

    def __call__(self, output: Output, expectation: Expectation) -> float:
        expected = self.text.expected(expectation)
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
