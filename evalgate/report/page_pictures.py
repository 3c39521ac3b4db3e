"""Pictures of the report: how cases moved by each metric, and each metric over the slices; every one also says it in words."""

from __future__ import annotations

from collections.abc import Sequence

from evalgate.core.record import DeltaHistogram, RunRecord
from evalgate.core.verdict import MetricResult
from evalgate.report import figures
from evalgate.report.markup import Markup, attribute, element, join
from evalgate.report.ranking import SliceRow, slice_rows

PANELS = 8
"""Pictures of a kind that are shown; the tables have the rest."""
PANEL_ROWS = 8
WIDTH, HEIGHT = 320, 96
ROW_WIDTH, ROW_HEIGHT = 200, 18
_EDGE = 6
_WORDS = frozenset({"characters", "tokens", "words"})
"""Units that are too long to stand beside each number of a picture."""


def histograms(record: RunRecord) -> Markup:
    """How single cases moved, one picture for each metric; nothing where no score of single cases is known."""
    found = record.verdict.results.metrics
    drawn = [_histogram(found[one.metric], one) for one in record.deltas[:PANELS] if one.metric in found and one.counts]
    if not drawn:
        return Markup("")
    heading = element("h3", "How single cases moved")
    note = element("p", "Candidate minus baseline, case by case; cases that did not move are not drawn.", class_="note")
    return join([heading, note, element("div", *drawn, class_="panels")])


def _histogram(metric: MetricResult, found: DeltaHistogram) -> Markup:
    half = len(found.counts) // 2
    lower, higher = sum(found.counts[:half]), sum(found.counts[half:])
    better, worse = (higher, lower) if metric.higher_is_better else (lower, higher)
    said = f"{better:,} better, {worse:,} worse, {found.unchanged:,} unchanged"
    said += f", {found.undefined:,} without a score" if found.undefined else ""
    ends = [figures.figure(end, metric.unit, signed=True) for end in (-found.widest, found.widest)]
    most = max((*found.counts, 1))
    step = (WIDTH - 2 * _EDGE) / len(found.counts)
    bars = []
    for place, count in enumerate(found.counts):
        height = round(count / most * (HEIGHT - 30), 1)
        # a case must be visible beside ten thousand others
        height = max(height, 1.5) if count else 0.0
        good = (place >= half) is metric.higher_is_better
        box = f'x="{_EDGE + place * step + 0.5:.1f}" y="{HEIGHT - 20 - height:.1f}" width="{step - 1:.1f}" height="{height:.1f}"'
        bars.append(f'<rect class="{"up" if good else "down"}" {box}/>' if count else "")
    middle, base = WIDTH / 2, HEIGHT - 20
    axis = f'<line class="axis" x1="{_EDGE}" x2="{WIDTH - _EDGE}" y1="{base}" y2="{base}"/>'
    zero = f'<line class="bound" x1="{middle:g}" x2="{middle:g}" y1="2" y2="{base}"/>'
    if found.widest:
        texts = [(_EDGE, "start", ends[0]), (middle, "middle", "0"), (WIDTH - _EDGE, "end", ends[1])]
    else:
        texts = [(middle, "middle", "no case moved")]
    labels = [f'<text x="{x:g}" y="{HEIGHT - 5}" text-anchor="{how}">{attribute(label)}</text>' for x, how, label in texts]
    tallest = f"; the tallest bar is {figures.counted(most, 'case')}" if lower + higher else ""
    told = f"Histogram of the differences of {metric.name} from {ends[0]} to {ends[1]}: {said}{tallest}"
    picture = _svg("histogram", (WIDTH, HEIGHT), told, "".join([axis, *bars, zero, *labels]))
    direction = "higher is better" if metric.higher_is_better else "lower is better"
    caption = element("figcaption", element("strong", metric.name), f" {direction}: {said}")
    return element("figure", caption, picture, class_="panel")


def slice_panels(record: RunRecord) -> Markup:
    """Each metric over the slices, worst slice first, all slices of a metric on one scale."""
    panels: dict[str, list[SliceRow]] = {}
    for row in slice_rows(record):
        panels.setdefault(row.metric.name, []).append(row)
    drawn = [_panel(rows) for rows in list(panels.values())[:PANELS]]
    return element("div", *drawn, class_="panels slices") if drawn else Markup("")


def _panel(rows: Sequence[SliceRow]) -> Markup:
    first = rows[0].metric
    listed = rows[:PANEL_ROWS]
    reach = max((abs(end) for row in listed for end in _ends(row.metric)), default=0.0) or 1.0
    items = [_panel_row(row, reach) for row in listed]
    worse, better = sum(row.regressed for row in rows), sum(row.improved for row in rows)
    said = f"{worse:,} of {figures.counted(len(rows), 'slice')} clearly worse, {better:,} clearly better"
    said += f"; the worst {len(listed)}" if len(rows) > len(listed) else ""
    direction = "higher is better" if first.higher_is_better else "lower is better"
    unit = f"in {first.unit}, " if first.unit in _WORDS else ""
    caption = element("figcaption", element("strong", first.name), f" {unit}{direction}: {said}")
    return element("figure", caption, element("ol", *items), class_="panel")


def _panel_row(row: SliceRow, reach: float) -> Markup:
    metric = row.metric
    kind = "fail" if row.regressed else "pass" if row.improved else "quiet"
    value = figures.figure(metric.delta.value, metric.unit, signed=True)
    value = value.partition("\u00a0")[0] if metric.unit in _WORDS else value
    name = element("span", row.slice, class_="name")
    return element("li", name, _mini(metric, kind, reach, row.slice), element("span", value, class_="value"))


def _mini(metric: MetricResult, kind: str, reach: float, name: str) -> Markup:
    def at(number: float) -> str:
        return f"{ROW_WIDTH / 2 + number / reach * (ROW_WIDTH / 2 - _EDGE):.1f}"

    middle = ROW_HEIGHT / 2
    shapes = [f'<line class="bound" x1="{ROW_WIDTH / 2:g}" x2="{ROW_WIDTH / 2:g}" y1="0" y2="{ROW_HEIGHT}"/>']
    said = f"{name}: {figures.figure(metric.delta.value, metric.unit, signed=True)}"
    ends = metric.delta.reading
    if ends is not None:
        shapes.append(f'<line class="span" x1="{at(ends.low)}" x2="{at(ends.high)}" y1="{middle:g}" y2="{middle:g}"/>')
        said += f", interval {figures.interval(ends, metric.unit, signed=True)}"
    if metric.delta.value is not None:
        shapes.append(f'<circle class="dot" cx="{at(metric.delta.value)}" cy="{middle:g}" r="4"/>')
    return _svg(f"mini {kind}", (ROW_WIDTH, ROW_HEIGHT), said, "".join(shapes))


def _ends(metric: MetricResult) -> tuple[float, ...]:
    ends = metric.delta.reading
    known = (ends.low, ends.high) if ends is not None else ()
    return (*known, metric.delta.value) if metric.delta.value is not None else known


def _svg(kind: str, size: tuple[int, int], said: str, shapes: str) -> Markup:
    box = f'viewBox="0 0 {size[0]} {size[1]}"'
    return Markup(f'<svg class="{kind}" {box} role="img" aria-label="{attribute(said)}">{shapes}</svg>')
