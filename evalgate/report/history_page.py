"""index.html over a folder of runs: each gate with its thresholds over time and all of its runs."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence

from evalgate.core.settings import Level
from evalgate.core.verdict import Decision
from evalgate.report import figures, phrases
from evalgate.report.escape import shortened
from evalgate.report.history import PastRun, RunState, Series, by_gate, series_of
from evalgate.report.history_chart import SHOWN, Point, chart, ends, observed
from evalgate.report.markup import Markup, Part, details, element, join, table
from evalgate.report.page_style import source_hash, style

SHOWN_RUNS = 20
"""Runs of a gate that stand open; the others are in the same page, folded."""
SHOWN_SERIES = 60
TEXT_LIMIT = 300
WHY_LIMIT = 180
_TRUST = (
    "A verdict is shown when it is the file that the run's manifest names. Whether it is true is not checked here: "
    "evalgate verify does that."
)


def render_history(runs: Sequence[PastRun], name: str) -> str:
    """The whole page; `name` is that of the folder.

    Like report.html it is one file that loads nothing. It runs nothing either: its policy allows no script.
    """
    look = style("history.css")
    policy = f"default-src 'none'; style-src '{source_hash(look)}'; base-uri 'none'; form-action 'none'"
    gates = by_gate(runs)
    main = join(_gate(number, gate, found) for number, (gate, found) in enumerate(gates.items(), start=1))
    title = f"{figures.counted(len(runs), 'run')} in {_cut(name)} (evalgate)"
    return "".join(
        [
            '<!doctype html>\n<html lang="en">\n<head>\n<meta charset="utf-8">\n',
            f'<meta http-equiv="Content-Security-Policy" content="{policy}">\n',
            '<meta name="viewport" content="width=device-width, initial-scale=1">\n',
            '<meta name="referrer" content="no-referrer">\n',
            f"{element('title', title)}\n",
            f"<style>{look}</style>\n</head>\n<body>\n",
            element("a", "To the gates", class_="skip", href="#gates"),
            _head(runs, gates, name),
            element("main", main, id="gates"),
            element("footer", element("p", _TRUST)),
            "</body>\n</html>\n",
        ]
    )


def _head(runs: Sequence[PastRun], gates: Mapping[str, Sequence[PastRun]], name: str) -> Markup:
    about = f"{figures.counted(len(gates), 'gate')}, {figures.counted(len(runs), 'run')}{_troubles(runs)}"
    rows = [
        (
            element("a", _cut(gate), href=f"#gate-{number}"),
            _badge(_newest(found)),
            _time(_newest(found)),
            _cut(_newest(found).candidate) or "–",
            figures.count(len(found)),
            _ratio(found),
        )
        for number, (gate, found) in enumerate(gates.items(), start=1)
    ]
    header = ("gate", "newest verdict", "ended", "candidate", "runs", "of all runs")
    return element(
        "header",
        element("p", "evalgate history", class_="kicker"),
        element("h1", _cut(name)),
        element("p", about, class_="about"),
        table("Gates in this folder", header, rows),
        class_="banner",
    )


def _troubles(runs: Sequence[PastRun]) -> str:
    count = Counter(run.state for run in runs)
    told = [f"{count[state]:,} {state}" for state in (RunState.UNFINISHED, RunState.DAMAGED) if count[state]]
    return f", {' and '.join(told)}" if told else ""


def _newest(runs: Sequence[PastRun]) -> PastRun:
    """The newest run that has a verdict; where none has, the first of those that have none."""
    return next((run for run in runs if run.state is RunState.FINISHED), runs[0])


def _ratio(runs: Sequence[PastRun]) -> str:
    count = Counter(run.verdict if run.state is RunState.FINISHED else run.state.value for run in runs)
    return ", ".join(f"{number:,} {word}" for word, number in sorted(count.items(), key=lambda one: (-one[1], one[0])))


def _gate(number: int, gate: str, runs: list[PastRun]) -> Markup:
    found = series_of(runs)
    cards = [_card(f"{gate}, {place}", series) for place, series in enumerate(found[:SHOWN_SERIES], start=1)]
    more = len(found) - len(cards)
    parts: list[Part] = [
        element("h2", _cut(gate), " ", _badge(_newest(runs)), id=f"gate-{number}-title"),
        element("p", f"{_ratio(runs)}.", class_="about"),
    ]
    if cards:
        legend = (
            "Oldest run on the left. Shaded: what passes. Dashed: the bound, as it was in each run. "
            "Circle: passed. Square: failed. Triangle: inconclusive. Upright line: the interval that decides."
        )
        parts += [element("p", legend, class_="note"), element("div", *cards, class_="cards")]
    if more > 0:
        parts.append(element("p", f"{more:,} more thresholds have no picture here; each run's report has them.", class_="note"))
    parts.append(_runs(gate, runs))
    return element("section", *parts, id=f"gate-{number}", aria_labelledby=f"gate-{number}-title")


def _card(name: str, series: Series) -> Markup:
    """`name` tells its table from every other on the page."""
    last = series.last
    warns = element("small", " only warns") if last.threshold.level is Level.WARN else ""
    state = element("span", phrases.outcome(last), class_=f"badge {last.decision.value}")
    shown = series.points[-SHOWN:]
    left = len(series.points) - len(shown)
    runs = f"the newest {len(shown):,} of {len(series.points):,} runs" if left else "newest first"
    caption = f"{_cut(name)}: {_cut(phrases.target(last))}, {runs}"
    rows = [_figures(point) for point in reversed(shown)]
    header = ("run", "ended", "observed", "interval", "asked", "result")
    return element(
        "figure",
        element(
            "figcaption",
            element("h3", _cut(phrases.target(last))),
            element("p", phrases.asks(last.threshold), warns, " ", state),
        ),
        chart(series),
        details("Figures", table(caption, header, rows)),
    )


def _figures(point: Point) -> tuple[Part, ...]:
    run, result, _ = point
    badge = element("span", phrases.outcome(result), class_=f"badge {result.decision.value}")
    return (_link(run), _time(run), observed(point), ends(point), phrases.asks(result.threshold), badge)


def _runs(gate: str, runs: Sequence[PastRun]) -> Markup:
    rows = [_row(run) for run in runs]
    header = ("run", "ended", "verdict", "candidate and model", "dataset", "mode", "attempt", "why")
    first, rest = rows[:SHOWN_RUNS], rows[SHOWN_RUNS:]
    about = f"Runs of {_cut(gate)}, newest first"
    parts = [element("h3", "Runs"), table(about, header, first, told=True, class_="runs")]
    if rest:
        folded = table(f"Earlier runs of {_cut(gate)}", header, rest, told=True, class_="runs")
        parts.append(details(figures.counted(len(rest), "earlier run"), folded))
    return join(parts)


def _row(run: PastRun) -> tuple[Part, ...]:
    attempt = "–" if run.attempt is None else figures.count(run.attempt)
    why = element("span", shortened(run.note or run.reason, WHY_LIMIT), class_="why")
    candidate = join([_cut(run.candidate) or "–", element("small", _cut(run.model))])
    return (_link(run), _time(run), _badge(run), candidate, _cut(run.dataset) or "–", run.mode or "–", attempt, why)


def _link(run: PastRun) -> Part:
    name = _cut(run.run_id or run.place)
    return name if run.link is None else element("a", name, href=run.link)


def _time(run: PastRun) -> Part:
    if run.at is None:
        return element("span", "not kept", class_="quiet")
    return element("time", f"{run.at[:10]} {run.at[11:16]}", datetime=run.at)


def _badge(run: PastRun) -> Markup:
    if run.state is not RunState.FINISHED:
        return element("span", run.state.value, class_=f"badge {run.state.value}")
    kind = run.verdict if run.verdict in set(Decision) else "quiet"
    return element("span", run.verdict.upper(), class_=f"badge {kind}")


def _cut(value: str) -> str:
    return shortened(value, TEXT_LIMIT)
