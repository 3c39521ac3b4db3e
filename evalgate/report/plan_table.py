"""The forecast of `evalgate plan` for a terminal or a log."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

from evalgate.core.plan_report import PlanReport, Rate, ThresholdForecast, Trials
from evalgate.core.visible import terminal_line
from evalgate.report import figures

if TYPE_CHECKING:
    from rich.console import Console
    from rich.table import Table
    from rich.text import Text

_NONE = "–"


def print_plan(report: PlanReport, console: Console) -> None:
    """Print the whole forecast; every text of unknown origin is made visible first."""
    data = report.dataset
    console.print(_text(f"plan for gate {report.gate} · {data['name']}@{data['version']} · {_cases(report)}", "bold"))
    for line in report.assumptions:
        console.print(_text(f"  {line}", "dim"))
    metrics = [t for t in report.thresholds if t.target.startswith("metric:") and t.method != "exact count"]
    counts = [t for t in report.thresholds if t not in metrics]
    if metrics:
        console.print(_metrics(metrics))
    if counts:
        console.print(_counts(counts))
    _print_sources(report.thresholds, console)
    _print_cannot(report, console)
    _print_joint(report, console)
    _print_calls(report, console)
    if report.trials is not None:
        _print_trials(report.trials, console)


def _cases(report: PlanReport) -> str:
    cases = report.dataset["cases"]
    number = figures.counted(cases, "case") if isinstance(cases, int) else str(cases)
    return number if report.samples == 1 else f"{number}, {report.samples} answers each"


def _text(text: str, style: str = "") -> Text:
    from rich.text import Text

    return Text(terminal_line(text), style=style)


def _table(title: str, *columns: str) -> Table:
    from rich import box
    from rich.table import Table

    table = Table(title=title, title_justify="left", title_style="bold", box=box.SIMPLE_HEAD, pad_edge=False)
    for number, column in enumerate(columns):
        table.add_column(column, justify="left" if number == 0 else "right", overflow="fold")
    return table


def _metrics(forecasts: Sequence[ThresholdForecast]) -> Table:
    columns = ("threshold", "n", "spread", "detectable at 0.8 / 0.9", "if true", "power", "n needed for 0.8 / 0.9")
    table = _table("What this many cases can show", *columns)
    for forecast in forecasts:
        spread = forecast.spread
        table.add_row(
            _text(_name(forecast)),
            figures.count(forecast.n),
            _NONE if spread is None else _text(f"{_figure(spread.value, forecast.unit)} {spread.source}"),
            _pair(forecast.detectable, forecast.unit),
            _NONE if forecast.expected is None else _figure(forecast.expected, forecast.unit),
            _NONE if forecast.power is None else figures.percent(forecast.power),
            _needed(forecast.needed) if forecast.expected is not None else _NONE,
        )
    return table


def _counts(forecasts: Sequence[ThresholdForecast]) -> Table:
    columns = ("threshold", "n", "power", "0 of n shows at most", "passes at 1 % new", "n to notice 1 %, 0.8 / 0.9")
    table = _table("Exact counts", *columns)
    for forecast in forecasts:
        blind = forecast.blind_spot
        table.add_row(
            _text(_name(forecast)),
            figures.count(forecast.n),
            _NONE if forecast.power is None else figures.percent(forecast.power),
            _NONE if blind is None else figures.percent(blind.shown_by_none),
            _NONE if blind is None else figures.percent(blind.passes),
            _NONE if blind is None else _needed(blind.needed),
        )
    return table


def _name(forecast: ThresholdForecast) -> str:
    warns = "" if forecast.level == "block" else " (warns)"
    return forecast.name.removeprefix("metric:") + warns


def _figure(value: float | None, unit: str) -> str:
    if value is None:
        return _NONE
    return figures.percent(value) if unit == figures.SHARE else f"{value + 0.0:.4g}"


def _pair(found: Mapping[str, float | None] | None, unit: str) -> str:
    return _NONE if found is None else " / ".join(_figure(value, unit) for value in found.values())


def _needed(found: Mapping[str, int | None] | None) -> str:
    return _NONE if found is None else " / ".join("no number" if n is None else figures.count(n) for n in found.values())


def _print_sources(forecasts: Sequence[ThresholdForecast], console: Console) -> None:
    """What each spread rests on, and what else is worth knowing."""
    for forecast in forecasts:
        said = [] if forecast.spread is None else [forecast.spread.words]
        if forecast.expected is None and forecast.passes_from is not None:
            said.append(f"passes with power 0.8 / 0.9 from a true value of {_pair(forecast.passes_from, forecast.unit)} on")
        if forecast.needed_by_test is not None and forecast.needed_by_test != forecast.needed:
            said.append(f"by the gate's own test {_needed(forecast.needed_by_test)} cases are needed")
        said += forecast.notes
        if said and not forecast.implicit:
            console.print(_text(f"  {_name(forecast)}: {'; '.join(said)}", "dim"))


def _print_cannot(report: PlanReport, console: Console) -> None:
    found = report.cannot_be_met
    if not found:
        return
    console.print(_text("Cannot be met as planned", "bold red"))
    for forecast in found:
        console.print(_text(f"  {_name(forecast)}: {forecast.cannot}"))


def _print_joint(report: PlanReport, console: Console) -> None:
    joint = report.joint
    if joint.power is None:
        console.print(_text(f"All blocking thresholds together: {joint.method}", "bold"))
    else:
        number = figures.counted(joint.over + len(joint.left_out), "blocking threshold")
        which = f"{joint.over} of {number}" if joint.left_out else f"All {number}"
        said = f"{which} together: passed with a chance of {figures.percent(joint.power)}"
        console.print(_text(f"{said} ({joint.method})", "bold"))
    if joint.left_out:
        console.print(_text(f"  left out, as nothing is known or expected of them: {', '.join(joint.left_out)}"))
        console.print(_text("  say what improvement you expect: --expect METRIC=AMOUNT", "dim"))


def _print_calls(report: PlanReport, console: Console) -> None:
    calls = report.calls
    console.print(_text("Calls", "bold"))
    asked = f"{figures.counted(calls.asked, 'answer')}, {figures.count(calls.recorded)} of them recorded"
    again = f", {figures.counted(calls.errors, 'recorded error')} among them" if calls.errors else ""
    console.print(_text(f"  {asked}; {figures.counted(calls.to_call, 'call')} to make{again} ({calls.words})"))
    if calls.to_call:
        tokens = [
            f"{'not known' if n is None else figures.count(n)} {kind}"
            for n, kind in ((calls.prompt_tokens, "prompt tokens"), (calls.completion_tokens, "completion tokens"))
        ]
        cost = "no price declared" if calls.usd is None else figures.figure(calls.usd, "USD")
        console.print(_text(f"  {', '.join(tokens)}, cost: {cost}"))
    for limit in calls.over_budget:
        console.print(_text(f"  more than proxy.budget allows: {limit}", "bold red"))


def _print_trials(trials: Trials, console: Console) -> None:
    about = f"{trials.arms}, {figures.counted(trials.cases, 'case')}, {figures.count(trials.replicates)} times"
    title = f"The gate on the baseline against itself ({about})"
    console.print(_text(title, "bold"))
    console.print(_text(f"  {trials.words}", "dim"))
    rates = (("passes", trials.passed), ("fails", trials.failed), ("inconclusive", trials.inconclusive))
    console.print(_text("  the gate: " + ", ".join(f"{word} {_rate(rate)}" for word, rate in rates)))
    console.print(_text(f"  false alarms, a threshold failed that nothing had broken: {_rate(trials.false_alarms)}"))
    if trials.false_passes is not None:
        console.print(_text(f"  false passes, an improvement was claimed that is not there: {_rate(trials.false_passes)}"))
    table = _table("", "threshold", "passed", "failed", "inconclusive", "false alarm is", "false alarms (95 % interval)")
    for one in trials.thresholds:
        counts = (one.passed, one.failed, one.inconclusive)
        name = one.name.removeprefix("metric:") + ("" if one.level == "block" else " (warns)")
        table.add_row(_text(name), *(figures.count(c) for c in counts), one.false_decision, _rate(one.false_alarms))
    console.print(table)
    if trials.left_out:
        console.print(_text(f"  left out, as they say nothing in this design: {', '.join(trials.left_out)}"))


def _rate(rate: Rate) -> str:
    return f"{figures.percent(rate.share)} ({figures.percent(rate.low)} to {figures.percent(rate.high)})"
