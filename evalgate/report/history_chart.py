"""One threshold over many runs as a picture: what was observed, its interval, and the bound as it was each time."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence

from evalgate.core.verdict import Decision, ThresholdResult
from evalgate.report import figures, phrases
from evalgate.report.history import PastRun, Series
from evalgate.report.markup import Markup, attribute, element, text

SHOWN = 40
"""Runs in one picture and in the table of its figures: the newest."""
WIDTH, HEIGHT = 420, 190
LEFT, RIGHT, TOP, BOTTOM = 74, 12, 12, 28
_STEPS = (1, 2, 2.5, 5, 10)
_LARGEST, _SMALLEST = 1e100, 1e-100
Point = tuple[PastRun, ThresholdResult, str]


def chart(series: Series) -> Markup:
    """An inline SVG with a text that says the same; nothing but a sentence where there is no figure to draw."""
    points = series.points[-SHOWN:]
    values = [value for point in points for value in _heights(point[1])]
    if not any(result.observed is not None for _, result, _ in points):
        return element("p", "No run has a figure for it.", class_="note")
    if any(abs(value) > _LARGEST for value in values):
        return element("p", "The figures are too large for a picture.", class_="note")
    low, high = _ends(values)
    across, up = _across(len(points)), _up(low, high)
    upward = series.last.threshold.bound in phrases.UPWARD
    shapes = [
        *_scale(series, _ticks(low, high, whole=series.unit == figures.COUNT, below=min(values) < 0), up),
        *_bounds(points, across, up, upward),
        *(_mark(at, point, up) for at, point in zip(across, points, strict=True)),
        *_dates(points, across),
    ]
    box = f'viewBox="0 0 {WIDTH} {HEIGHT}"'
    return Markup(f'<svg class="chart" {box} role="img" aria-label="{attribute(said(series))}">{"".join(shapes)}</svg>')


def said(series: Series) -> str:
    """What the picture shows, in words."""
    points = series.points[-SHOWN:]
    failed = sum(result.decision is Decision.FAIL for _, result, _ in points)
    undecided = sum(result.decision is Decision.INCONCLUSIVE for _, result, _ in points)
    last = series.last
    name = f"{phrases.target(last)}, {phrases.asks(last.threshold)}"
    runs = f"{figures.counted(len(points), 'run')}, {failed:,} failed, {undecided:,} inconclusive"
    return f"{name}: {runs}. Newest: {observed(series.points[-1])}, interval {ends(series.points[-1])}, {last.decision.value}."


def observed(point: Point) -> str:
    """The figure of one run."""
    _, result, unit = point
    signed = result.threshold.bound in phrases.SIGNED
    return figures.figure_beside(result.observed, phrases.bound_value(result.threshold), unit, signed=signed)


def ends(point: Point) -> str:
    """Its interval, or `none` for exact counts."""
    _, result, unit = point
    if result.interval is None:
        return "none"
    signed = result.threshold.bound in phrases.SIGNED
    return figures.interval_beside(result.interval, phrases.bound_value(result.threshold), unit, signed=signed)


def _heights(result: ThresholdResult) -> list[float]:
    interval = [] if result.interval is None else [result.interval.low, result.interval.high]
    middle = [] if result.observed is None else [result.observed]
    return [phrases.bound_value(result.threshold), *middle, *interval]


def _across(count: int) -> list[float]:
    step = (WIDTH - LEFT - RIGHT) / count
    return [round(LEFT + step * (place + 0.5), 1) for place in range(count)]


def _up(low: float, high: float) -> Callable[[float], float]:
    return lambda value: round(TOP + (high - value) / (high - low) * (HEIGHT - TOP - BOTTOM), 1)


def _ends(values: Sequence[float]) -> tuple[float, float]:
    """The scale: all values, and some room beyond them."""
    low, high = min(values), max(values)
    # Values that differ in their last bits only, or by less than can be divided, are one value to whoever looks at them.
    close = math.isclose(low, high, rel_tol=1e-6, abs_tol=_SMALLEST)
    pad = (abs(high) if abs(high) > _SMALLEST else 1.0) * 0.12 if close else (high - low) * 0.12
    return low - pad, high + pad


def _scale(series: Series, ticks: Sequence[float], up: Callable[[float], float]) -> list[str]:
    signed = series.last.threshold.bound in phrases.SIGNED
    shapes = []
    for value in ticks:
        label = text(figures.figure(value, series.unit, signed=signed))
        shapes.append(f'<line class="grid" x1="{LEFT}" x2="{WIDTH - RIGHT}" y1="{up(value)}" y2="{up(value)}"/>')
        shapes.append(f'<text x="{LEFT - 8}" y="{up(value) + 4:g}" text-anchor="end">{label}</text>')
    return shapes


def _ticks(low: float, high: float, *, whole: bool, below: bool) -> list[float]:
    """A few round numbers inside the scale; those below zero only where a figure is."""
    rough = (high - low) / 4
    size = 10.0 ** math.floor(math.log10(rough))
    step = next(size * step for step in _STEPS if size * step >= rough * 0.999)
    step = max(1.0, math.ceil(step)) if whole else step
    first, last = math.ceil(low / step), math.floor(high / step)
    first = max(first, 0) if not below else first
    return [place * step for place in range(first, min(last, first + 8) + 1)]


def _bounds(points: Sequence[Point], across: Sequence[float], up: Callable[[float], float], upward: bool) -> list[str]:
    """For each run the side that passes, shaded, and the bound; joined, so that a bound that moved is a step."""
    half = (WIDTH - LEFT - RIGHT) / len(points) / 2
    line, edge = "", TOP if upward else HEIGHT - BOTTOM
    for at, (_, result, _) in zip(across, points, strict=True):
        height = up(phrases.bound_value(result.threshold))
        line += f"{'L' if line else 'M'}{round(at - half, 1)} {height}H{round(at + half, 1)}"
    shaded = f"{line}V{edge}H{round(across[0] - half, 1)}Z"
    return [f'<path class="good" d="{shaded}"/>', f'<path class="bound" d="{line}"/>']


def _mark(at: float, point: Point, up: Callable[[float], float]) -> str:
    """A circle passed, a square failed, a triangle was inconclusive: not by colour alone."""
    run, result, _ = point
    if result.observed is None:
        return f'<text class="gap" x="{at}" y="{HEIGHT - BOTTOM - 6}" text-anchor="middle">×</text>'
    y, shapes = up(result.observed), []
    if result.interval is not None:
        top, bottom = up(result.interval.high), up(result.interval.low)
        shapes.append(f'<path class="span" d="M{at} {top}V{bottom}M{at - 3:g} {top}h6M{at - 3:g} {bottom}h6"/>')
    if result.decision is Decision.PASS:
        shapes.append(f'<circle cx="{at}" cy="{y}" r="4"/>')
    elif result.decision is Decision.FAIL:
        shapes.append(f'<rect x="{at - 4:g}" y="{y - 4:g}" width="8" height="8"/>')
    else:
        shapes.append(f'<path d="M{at} {y - 5:g}l5 9h-10z"/>')
    told = f"{run.run_id or run.place} {run.at or ''}: {observed(point)}, {result.decision.value}"
    return f'<g class="mark {result.decision.value}"><title>{text(told)}</title>{"".join(shapes)}</g>'


def _dates(points: Sequence[Point], across: Sequence[float]) -> list[str]:
    first, last = points[0][0], points[-1][0]
    y = HEIGHT - 9
    if len(points) == 1:
        return [f'<text x="{across[0]}" y="{y}" text-anchor="middle">{text(_day(last))}</text>']
    return [
        f'<text x="{LEFT}" y="{y}">{text(_day(first))}</text>',
        f'<text x="{WIDTH - RIGHT}" y="{y}" text-anchor="end">{text(_day(last))}</text>',
    ]


def _day(run: PastRun) -> str:
    return run.at[:10] if run.at else "no date"
