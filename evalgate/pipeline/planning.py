"""`evalgate plan`: what a gate can find out, and what it costs, before money is spent. Not to be confused with plan.json, which
lists what a run consists of: this is a forecast, and no evidence."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np

from evalgate.config.amounts import AmountError, amount
from evalgate.core.canonical import pretty_json
from evalgate.core.errors import BadInput, Problem
from evalgate.core.plan_report import CallForecast, JointForecast, PlanReport, SpreadSource, ThresholdForecast, Trials
from evalgate.core.plugins import suggestion
from evalgate.core.values import Arm
from evalgate.pipeline.evaluate import check_slices
from evalgate.pipeline.planning_answers import RecordedAnswers, recorded_answers
from evalgate.pipeline.planning_calls import forecast_calls
from evalgate.pipeline.planning_parts import Expected, Planned
from evalgate.pipeline.planning_spread import CORRELATION, DISCORDANCE
from evalgate.pipeline.planning_thresholds import Forecast, Influence, forecasts
from evalgate.pipeline.planning_units import only_paired, usable_pairs
from evalgate.pipeline.scorers import scoring
from evalgate.pipeline.subject import Dataset, Resolved, gate_cases, prove_dataset, resolve
from evalgate.pipeline.verdict import doubts_of, metric_columns
from evalgate.proxy.recording import Recording, open_recording, place_of_recording
from evalgate.stats.power import joint_power

SCHEMA = "evalgate.plan_report/1"


@dataclass(frozen=True, slots=True)
class PlanOptions:
    """What to plan for."""

    expect: tuple[str, ...] = ()
    """`METRIC=AMOUNT`: a true improvement that is expected; negative: a loss. `5%` is a share of the baseline."""
    trials: bool = False
    """Whether to run the gate on the baseline against itself."""
    arms: str | None = None
    """`repeats`, `split` or `swap`; None: repeats where there are any, else split."""
    replicates: int = 200


@scoring()
def plan_gate(config: Path, options: PlanOptions) -> PlanReport:
    """Forecast a gate from whatever of it is recorded. No model is called, nothing is written.

    Raises: BadInput for anything that is wrong with the configuration, its files or an expectation; Incomplete where recorded
        answers cannot be measured.
    """
    resolved = resolve(config, "record")
    dataset = prove_dataset(resolved.card)
    check_slices(resolved.settings, dataset.slices)
    columns = {column.spec.name: column for column in metric_columns(resolved.built)}
    expected = expectations(options.expect, tuple(columns))
    answers = recorded_answers(resolved, gate_cases(resolved, dataset), _recording(resolved))
    read = answers if len(answers.place) else _first_answers(resolved, dataset)
    pairs = usable_pairs(read)
    used = only_paired(read) if pairs else read
    planned = Planned(resolved.settings, columns, resolved.built.categories, used, pairs, expected, resolved.built.distrust)
    planned = replace(planned, doubts=doubts_of(resolved.built))
    found = forecasts(planned)
    thresholds = tuple(forecast for forecast, _ in found)
    return PlanReport(
        gate=resolved.settings.gate,
        dataset=_dataset(resolved, dataset),
        samples=resolved.settings.samples,
        confidence=resolved.settings.confidence,
        answered={str(Arm.BASELINE): len(answers.place), str(Arm.CANDIDATE): answers.candidates},
        assumptions=_assumptions(answers, read, pairs, thresholds),
        thresholds=thresholds,
        joint=_joint(found, planned),
        calls=_calls(resolved, answers),
        trials=_trials(planned, answers, options) if options.trials else None,
    )


def _calls(resolved: Resolved, answers: RecordedAnswers) -> CallForecast:
    judges = {f"judge {name}": stage.task for name, stage in resolved.judges.items()}
    used = {str(arm): usage for arm, usage in answers.usage.items()}
    used |= {f"judge {name}": usage for name, usage in answers.judges.items()}
    return forecast_calls(resolved.settings, {**resolved.arms(), **judges}, used)


def _trials(planned: Planned, answers: RecordedAnswers, options: PlanOptions) -> Trials:
    from evalgate.pipeline.planning_trials import run_trials

    return run_trials(planned, answers, options.arms, options.replicates)


def plan_document(report: PlanReport) -> dict[str, Any]:
    """The report as the JSON document `evalgate.plan_report/1`."""
    document = asdict(report)
    document["schema"] = SCHEMA
    document["cannot_be_met"] = [
        {"threshold": forecast.name, "reason": forecast.cannot, "needed": forecast.needed} for forecast in report.cannot_be_met
    ]
    return document


def plan_text(report: PlanReport) -> str:
    """The document as it is printed: sorted keys, null instead of what is not known."""
    return pretty_json(_plain(plan_document(report)))


def expectations(texts: Sequence[str], metrics: tuple[str, ...]) -> dict[str, Expected]:
    """What is expected of which metric.

    Raises: BadInput with everything that is wrong.
    """
    found: dict[str, Expected] = {}
    problems: list[Problem] = []
    for text in texts:
        name, equals, said = text.rpartition("=")
        where = f"--expect {text}"
        if not equals:
            problems.append(Problem("has no amount", where, "METRIC=AMOUNT: rougeL=5%, bleu=0.8, latency_ms=-10%"))
        elif name not in metrics:
            problems.append(Problem(f"{name!r} is not measured by this gate", where, suggestion(name, metrics)))
        elif name in found:
            problems.append(Problem(f"{name} is expected twice", where, "say it once"))
        else:
            try:
                found[name] = _amount(said)
            except AmountError as error:
                problems.append(Problem(f"the amount {error}", where, error.hint))
    if problems:
        raise BadInput(problems)
    return found


def _amount(text: str) -> Expected:
    try:
        number = float(text)
    except ValueError:
        read = amount(text)
        return Expected(read.value, read.percent)
    if not math.isfinite(number):
        raise AmountError(f"must be a finite number, not {text}", "write a number (0.5) or a share (5%)")
    return Expected(number, percent=False)


def _recording(resolved: Resolved) -> Recording | None:
    proxy = resolved.settings.proxy
    if not proxy.recording:
        return None
    folder = place_of_recording(proxy.recording, resolved.settings.root, proxy.place)
    return open_recording(folder, proxy.recording, may_be_empty=True) if folder.is_dir() else None


def _first_answers(resolved: Resolved, dataset: Dataset) -> RecordedAnswers:
    """What the first answer to each case says, where no case has all its repeats yet."""
    once = replace(resolved, settings=replace(resolved.settings, samples=1))
    return recorded_answers(once, gate_cases(once, dataset), _recording(once))


def _dataset(resolved: Resolved, dataset: Dataset) -> dict[str, object]:
    card = resolved.card
    return {"name": card.name, "version": card.version, "digest": dataset.digest, "cases": dataset.rows}


def _assumptions(
    answers: RecordedAnswers, read: RecordedAnswers, pairs: bool, thresholds: Sequence[ThresholdForecast]
) -> tuple[str, ...]:
    sources = {t.spread.source for t in thresholds if t.spread is not None}
    total, known = len(read.keys), len(read.place)
    said = []
    if known and not len(answers.place):
        said.append("no case has all its repeats recorded: planned as if each case were asked once, which is too careful")
    answers = read
    if known == 0:
        said.append("no answer of the baseline is recorded: everything rests on assumptions")
    elif pairs:
        said.append(f"measured on {int(answers.paired.sum())} of {total} cases that both variants answered")
    else:
        said.append(f"measured on the baseline's answers to {known} of {total} cases")
        if answers.candidates:
            why = "are the same as the baseline's" if answers.paired.sum() >= answers.candidates else "are too few to be used"
            said.append(f"the candidate's recorded answers ({answers.candidates} cases) {why}")
    if sources & {SpreadSource.BASELINE, SpreadSource.REPEATS}:
        said.append(f"assumed: a correlation of {CORRELATION:g} between the variants' scores of the same case")
    if any(t.spread is not None and t.spread.source is SpreadSource.ASSUMED for t in thresholds):
        said.append(f"assumed: {DISCORDANCE:.0%} of the cases of a pass/fail metric pass in one variant only")
    said.append("cases are taken as drawn like those of this dataset; second opinions can only lower the power")
    return tuple(said)


def _joint(found: Sequence[Forecast], planned: Planned) -> JointForecast:
    """Chance that everything that blocks passes, from correlated normals."""
    blocking = [(forecast, influence) for forecast, influence in found if forecast.level == "block"]
    known = [(forecast.power, influence) for forecast, influence in blocking if forecast.power is not None]
    left_out = tuple(forecast.name for forecast, _ in blocking if forecast.power is None)
    powers = [power for power, _ in known]
    if not powers:
        return JointForecast(None, "no blocking threshold has a known power", 0, left_out)
    measured = sum(influence is not None for _, influence in known)
    correlation = _correlation([influence for _, influence in known], planned.pairs)
    power = joint_power(powers, correlation, planned.settings.seed)
    method = "correlated normals" if measured > 1 else "product, as if the thresholds were independent"
    if measured > 1:
        whose = "differences between the variants" if planned.pairs else "the baseline's scores"
        method += f": correlations from {whose} for {measured} thresholds; exact counts as if independent"
    return JointForecast(power, method, len(powers), left_out)


def _correlation(influences: Sequence[Influence | None], pairs: bool) -> Any:
    found = np.eye(len(influences))
    for i, one in enumerate(influences):
        for j, other in enumerate(influences[:i]):
            if one is None or other is None:
                continue
            alike = float(one.values @ other.values)
            if not pairs and one.own != other.own:
                # with equal spreads a change and an own value share sqrt((1 - correlation) / 2) of their movement
                alike *= math.sqrt((1 - CORRELATION) / 2)
            found[i, j] = found[j, i] = alike
    return found


def _plain(value: Any) -> Any:
    """JSON values: nothing that is no finite number."""
    if isinstance(value, Mapping):
        return {str(key): _plain(item) for key, item in value.items()}
    if isinstance(value, (list, tuple)):
        return [_plain(item) for item in value]
    if isinstance(value, float):
        return float(f"{value:.12g}") if math.isfinite(value) else None
    return value
