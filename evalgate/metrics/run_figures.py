"""What an answer costs its user: length, waiting time, tokens and money, as means over cases."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from evalgate.core.errors import Incomplete
from evalgate.core.parameters import Parameters
from evalgate.core.values import Direction, Expectation, MetricSpec, Output, Scale
from evalgate.metrics.interface import Metric
from evalgate.metrics.mean_rows import COLUMNS, MeanMetric, place_of


def make_length(parameters: Mapping[str, Any]) -> Metric:
    """Mean length of the answers.

    Parameters: `unit` characters (default; Unicode code points) or words (separated by white space);
    `direction` lower (default) or higher: which one is better.
    Raises: BadInput for an unknown parameter or value.
    """
    given = Parameters("length", parameters)
    unit = given.take("unit", str, "characters", choices=("characters", "words"))
    direction = given.take("direction", str, "lower", choices=("lower", "higher"))
    given.finish()
    spec = _spec("length", unit, f"unit:{unit}|direction:{direction}", Direction(direction))
    return MeanMetric(spec, _Length(words=unit == "words"))


def make_latency_ms(parameters: Mapping[str, Any]) -> Metric:
    """Mean recorded latency of the answers, in milliseconds; takes no parameters.

    Raises: BadInput for any parameter.
    """
    Parameters("latency_ms", parameters).finish()
    return MeanMetric(_spec("latency_ms", "ms", "recorded"), _Recorded("latency", ("latency_ms",)))


def make_tokens(parameters: Mapping[str, Any]) -> Metric:
    """Mean number of tokens the provider counted.

    Parameters: `kind` total (default; prompt and completion), prompt or completion.
    Raises: BadInput for an unknown parameter or value.
    """
    given = Parameters("tokens", parameters)
    kind = given.take("kind", str, "total", choices=("total", "prompt", "completion"))
    given.finish()
    counted = ("prompt", "completion") if kind == "total" else (kind,)
    measure = _Recorded("token count", tuple(f"{part}_tokens" for part in counted))
    return MeanMetric(_spec("tokens", "tokens", f"kind:{kind}"), measure)


def make_cost(parameters: Mapping[str, Any]) -> Metric:
    """Mean cost of an answer in US dollars, from the model's declared price; takes no parameters.

    Raises: BadInput for any parameter.
    """
    Parameters("cost", parameters).finish()
    return MeanMetric(_spec("cost", "USD", "declared-price"), _Recorded("cost", ("cost_usd",)))


def _spec(name: str, unit: str, signature: str, direction: Direction = Direction.LOWER) -> MetricSpec:
    return MetricSpec(
        name=name,
        direction=direction,
        unit=unit,
        low=0.0,
        high=None,
        version="1",
        columns=COLUMNS,
        scale=Scale.MEAN,
        signature=signature,
        needs_reference=False,
    )


@dataclass(frozen=True, slots=True)
class _Length:
    """The length of one answer."""

    words: bool

    def __call__(self, output: Output, expectation: Expectation) -> float:
        return float(len(output.text.split()) if self.words else len(output.text))


@dataclass(frozen=True, slots=True)
class _Recorded:
    """The sum of recorded figures of one answer; a figure that is missing is never taken for zero."""

    title: str
    fields: tuple[str, ...]

    def __call__(self, output: Output, expectation: Expectation) -> float:
        return sum(self._figure(name, output, expectation) for name in self.fields)

    def _figure(self, name: str, output: Output, expectation: Expectation) -> float:
        figure = getattr(output, name)
        if figure is None:
            hint = f"every answer needs {name}; record again, or drop this metric"
            raise Incomplete(f"no recorded {self.title} ({name})", where=place_of(expectation), hint=hint)
        number = float(figure)
        if not math.isfinite(number) or number < 0:
            message = f"recorded {self.title} ({name}) is {figure!r}, not a number from 0 up"
            raise Incomplete(message, where=place_of(expectation), hint="the recording is damaged: record again")
        return number
