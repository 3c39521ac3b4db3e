"""The picture of a threshold: where the bound is, and where the interval is."""

from __future__ import annotations

from evalgate.core.record import RunRecord
from evalgate.core.verdict import ThresholdResult
from evalgate.report import phrases
from evalgate.report.markup import Markup, attribute

WIDTH, HEIGHT, MARGIN = 220, 34, 14


def forest(record: RunRecord, result: ThresholdResult) -> Markup:
    """An inline SVG: the allowed side shaded, the bound as a line, the deciding interval as a bar, the estimate as a dot."""
    if result.observed is None:
        return Markup('<span class="none">no value</span>')
    bound = phrases.bound_value(result.threshold)
    ends = (result.interval.low, result.interval.high) if result.interval else (result.observed, result.observed)
    low, high = min(*ends, bound, result.observed), max(*ends, bound, result.observed)
    pad = (high - low or max(abs(high), 1.0)) * 0.12
    low, high = low - pad, high + pad

    def at(value: float) -> float:
        return round(MARGIN + (value - low) / (high - low) * (WIDTH - 2 * MARGIN), 1)

    upward = result.threshold.bound in phrases.UPWARD
    start, end = (at(bound), WIDTH - 2) if upward else (2.0, at(bound))
    said = f"{phrases.target(result)} {phrases.asks(result.threshold)}: observed {phrases.observed(record, result)}"
    if result.interval:
        said += f", interval {phrases.observed_interval(record, result)}"
    middle = HEIGHT / 2
    shapes = [
        f'<rect class="good" x="{start}" y="4" width="{max(0.0, round(end - start, 1))}" height="{HEIGHT - 8}" rx="3"/>',
        f'<line class="bound" x1="{at(bound)}" x2="{at(bound)}" y1="2" y2="{HEIGHT - 2}"/>',
        f'<line class="span" x1="{at(ends[0])}" x2="{at(ends[1])}" y1="{middle}" y2="{middle}"/>',
        *(f'<line class="span" x1="{at(e)}" x2="{at(e)}" y1="{middle - 5}" y2="{middle + 5}"/>' for e in ends if result.interval),
        f'<circle class="dot" cx="{at(result.observed)}" cy="{middle}" r="4.5"/>',
    ]
    box = f'viewBox="0 0 {WIDTH} {HEIGHT}" width="{WIDTH}" height="{HEIGHT}"'
    name = attribute(said)
    return Markup(f'<svg class="forest {result.decision.value}" {box} role="img" aria-label="{name}">{"".join(shapes)}</svg>')
