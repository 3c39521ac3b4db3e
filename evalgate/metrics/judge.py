"""judge: a model was asked how good the output is; its answer is a score. The asking is the proxy's, recorded like any other."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from evalgate.core.judgement import judgement_name, read_judgement, read_score
from evalgate.core.parameters import Parameters
from evalgate.core.values import Direction, Expectation, MetricSpec, Output, Scale
from evalgate.metrics.interface import Rows
from evalgate.metrics.mean_rows import COLUMNS, MeanMetric, mean_score

NAME = "judge"
VERSION = "1"
MOST_NUMBERS = 1001
"""Whole numbers that a range may have: 0 to 1000."""


@dataclass(frozen=True, slots=True)
class JudgeMetric:
    """The mean of the scores that a model gave the outputs."""

    spec: MetricSpec
    asked: str
    """Name of its judgements beside an output."""
    answer: str
    """`label` or `json`."""
    scores: Mapping[str, float]
    """Label → score; empty where the judge says the number itself."""

    def rows(self, outputs: Sequence[Output], expectations: Sequence[Expectation]) -> Rows:
        """Shapes: n outputs → (n, 2): the score and 1. Where there is no score to read it is the worst."""
        return MeanMetric(self.spec, self._measure).rows(outputs, expectations)

    def score(self, totals: Rows) -> NDArray[np.float64]:
        """Shapes: (k, 2) sums of rows → (k,) means; NaN where nothing was counted."""
        return mean_score(totals)

    def unread(self, output: Output) -> bool:
        """Whether the judge's answer about an output says no score: whoever knows the variants counts it like a lost answer."""
        return self._said(output) is None

    def _measure(self, output: Output, expectation: Expectation) -> float | None:
        said = self._said(output)
        return self.spec.worst if said is None else said

    def _said(self, output: Output) -> float | None:
        answer = output.judgements.get(self.asked)
        if self.scores:
            label = read_judgement(answer, tuple(self.scores), self.answer).label
            return None if label is None else self.scores[label]
        assert self.spec.low is not None and self.spec.high is not None
        said = read_score(answer, int(self.spec.low), int(self.spec.high), self.answer)
        return None if said is None else float(said)


def make_judge(parameters: Mapping[str, Any]) -> JudgeMetric:
    """Mean score that a model as judge gives the outputs; higher is better.

    `prompt` and `model` say who is asked what, and `card` how often that agreed with people; that is for whoever asks.
    Parameters: `scores` (label → number, all that the judge may say) or `range` (smallest and largest whole number);
    `answer` `label` (default: the label or the number and nothing else) or `json` (`{"label": …}`, `{"score": …}`).
    With scores of 0 and 1 alone it is a share, pass or fail.
    Raises: BadInput for an unknown parameter, a wrong value, both or none of `scores` and `range`, scores that are all the
        same, or a card where there are not exactly two labels: it tells two apart.
    """
    given = Parameters(NAME, parameters)
    prompt = given.need("prompt", str, low=1)
    model = given.need("model", str, low=1)
    answer = given.take("answer", str, "label", choices=["label", "json"])
    scores = given.take("scores", dict[str, Any], None)
    numbers = given.take("range", list[Any], None)
    card = given.take("card", str, None, low=1)
    if ("scores" in parameters) == ("range" in parameters):
        given.refuse("scores", "or `range` is needed, and not both", "scores: {good: 1, bad: 0}, or range: [1, 5]")
    if scores is not None:
        _check_scores(given, scores)
    if numbers is not None:
        _check_range(given, numbers)
    if card is not None and (scores is None or len(scores) != 2):
        given.refuse("card", "tells two labels apart, and this judge has others", "leave it away, or use two labels")
    given.finish()
    if scores is None:
        low, high = (float(number) for number in numbers or ())
        said = f"range:{low:g}..{high:g}"
    else:
        scores = {label: float(score) for label, score in scores.items()}
        low, high = min(scores.values()), max(scores.values())
        said = f"scores:{','.join(f'{label}={score:g}' for label, score in sorted(scores.items()))}"
    signature = f"prompt:{prompt}|model:{model}|{said}|answer:{answer}"
    return JudgeMetric(_spec(signature, (low, high), scores), judgement_name(prompt, model), answer, scores or {})


def _spec(signature: str, ends: tuple[float, float], scores: Mapping[str, float] | None) -> MetricSpec:
    whole = scores is not None and set(scores.values()) == {0.0, 1.0}
    return MetricSpec(
        name=NAME,
        direction=Direction.HIGHER,
        unit=f"{ends[0]:g}-{ends[1]:g}" if min(ends) >= 0 else f"{ends[0]:g} to {ends[1]:g}",
        low=ends[0],
        high=ends[1],
        version=VERSION,
        columns=COLUMNS,
        scale=Scale.PROPORTION if whole else Scale.MEAN,
        signature=signature,
        needs_reference=False,
    )


def _check_scores(given: Parameters, scores: Mapping[Any, Any]) -> None:
    labels = list(scores)
    if not all(isinstance(label, str) and label and label == label.strip() for label in labels):
        given.refuse("scores", "has a label that is no text without white space around it", "put true, false, 1 in quotes")
        return
    if len({label.casefold() for label in labels}) < len(labels):
        given.refuse("scores", "has two labels that differ in case alone")
    if not all(_is_number(score) for score in scores.values()):
        given.refuse("scores", "gives a label something that is no number", "scores: {good: 1, fair: 0.5, bad: 0}")
    elif len(set(scores.values())) < 2:
        given.refuse("scores", "gives every label the same score: no answer would be better than another")


def _check_range(given: Parameters, numbers: Sequence[Any]) -> None:
    if len(numbers) != 2 or not all(type(number) is int for number in numbers) or numbers[0] >= numbers[1]:
        given.refuse("range", "must be two whole numbers, the smaller one first", "range: [1, 5]")
    elif numbers[1] - numbers[0] >= MOST_NUMBERS or max(map(abs, numbers)) > 10**6:
        given.refuse("range", f"may have {MOST_NUMBERS:,} numbers at most, none beyond a million")


def _is_number(value: Any) -> bool:
    return isinstance(value, (int, float)) and not isinstance(value, bool) and math.isfinite(value) and abs(value) <= 1e6
