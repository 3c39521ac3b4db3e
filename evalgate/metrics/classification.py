"""Accuracy of classification: which of the declared labels an answer gives."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from evalgate.core.errors import BadInput
from evalgate.core.parameters import Parameters
from evalgate.core.plugins import suggestion
from evalgate.core.values import Expectation, Output
from evalgate.metrics.answer_text import AnswerText, quoted, take_answer_text
from evalgate.metrics.interface import Metric
from evalgate.metrics.mean_rows import MeanMetric, place_of, share_spec
from evalgate.metrics.normalise import casefold
from evalgate.metrics.reference_texts import reference_texts

_TRAILING = " \t\r\n.,;:!?…。"


def make_accuracy(parameters: Mapping[str, Any]) -> Metric:
    """Share of answers that give the right one of the declared labels.

    The whole answer must be a label; case and trailing punctuation do not matter. With `search: true` the answer may
    be a sentence that mentions exactly one of the labels as a word (an answer that names two gives none).
    Parameters: `labels` (required, at least two); `search` false (default) or true; `extract` PATTERN.
    Raises: BadInput for an unknown parameter, a wrong value, or labels that differ only in case or punctuation.
    """
    given = Parameters("accuracy", parameters)
    labels = given.need("labels", list[Any], low=2)
    search = given.take("search", bool, False)
    text = take_answer_text(given)
    folded = _folded(given, labels)
    given.finish()
    shown = ",".join(folded)
    signature = f"labels:{shown}|search:{'yes' if search else 'no'}|extract:{quoted(text.pattern)}"
    return MeanMetric(share_spec("accuracy", signature), _Accuracy(text, folded, _mentions(folded) if search else None))


def _folded(given: Parameters, labels: list[Any]) -> tuple[str, ...]:
    folded: list[str] = []
    for label in labels:
        fold = _fold(label) if isinstance(label, str) else ""
        if not fold:
            given.refuse("labels", f"holds {label!r}, which is no label", "labels are texts; put quotes around yes, no, 1")
        elif fold in folded:
            given.refuse("labels", f"holds {label!r} twice, up to case and punctuation", "keep one of them")
        folded.append(fold)
    return tuple(folded)


def _fold(text: str) -> str:
    return casefold(text).rstrip(_TRAILING)


def _mentions(labels: tuple[str, ...]) -> re.Pattern[str]:
    # Longest first: `not spam` is one label, not a mention of `spam`. Literals only, so matching is linear.
    longest = sorted(labels, key=lambda label: (-len(label), label))
    return re.compile(rf"(?<!\w)(?:{'|'.join(re.escape(label) for label in longest)})(?!\w)")


@dataclass(frozen=True, slots=True)
class _Accuracy:
    """1 where the label of the answer is the label of a reference."""

    text: AnswerText
    labels: tuple[str, ...]
    mentions: re.Pattern[str] | None

    def __call__(self, output: Output, expectation: Expectation) -> float:
        expected = {self._expected(text, expectation) for text in reference_texts(expectation)}
        return float(self._label(self.text.extracted(output.text)) in expected)

    def _label(self, answer: str) -> str | None:
        whole = _fold(answer)
        if whole in self.labels:
            return whole
        if self.mentions is None:
            return None
        named = set(self.mentions.findall(casefold(answer)))
        return named.pop() if len(named) == 1 else None

    def _expected(self, text: str, expectation: Expectation) -> str:
        label = _fold(text)
        if label not in self.labels:
            message = f"the reference {text[:60]!r} is not one of the declared labels"
            raise BadInput(message, where=place_of(expectation), hint=suggestion(label, self.labels))
        return label
