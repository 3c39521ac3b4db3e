"""The health of a golden dataset, alone and beside the gate that uses it."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from evalgate.core.errors import BadInput, Problem
from evalgate.core.health import HealthFinding, HealthReport
from evalgate.core.settings import Decide, TargetKind, Threshold
from evalgate.golden.card import Card
from evalgate.golden.health.acceptance import KEY
from evalgate.golden.health.leakage import PromptText
from evalgate.golden.health.slices import SliceNeed
from evalgate.golden.health.survey import GateLook, HealthSurvey
from evalgate.pipeline.instruments import Instruments
from evalgate.pipeline.subject import Resolved
from evalgate.prompts.values import Prompt

RUN_CASES = 20_000
"""Cases up to which a run looks at its dataset's health; a larger one is looked at by `check` alone."""


def gate_look(resolved: Resolved) -> GateLook:
    """What a gate adds to a survey of its dataset: its prompts and what its thresholds need."""
    needs = slice_needs(resolved.settings.thresholds, resolved.built, resolved.settings.confidence)
    return GateLook([_searched(prompt) for prompt in resolved.prompts.values()], needs)


def survey_of(card: Card, looks: Sequence[GateLook]) -> HealthSurvey:
    """The checks of a dataset, in one pass with what some gates add."""
    return HealthSurvey(grouped=card.group is not None, beside=looks)


def run_survey(resolved: Resolved, rows: int) -> tuple[HealthSurvey | None, Callable[[], HealthReport]]:
    """What a run shows its cases to (None for a large dataset), and what to ask for the report afterwards."""
    if rows > RUN_CASES:
        said = f"a run does not look at the health of more than {RUN_CASES:,} cases; `evalgate check` does"
        return None, lambda: HealthReport(rows, (HealthFinding("not-checked", said, 1),))
    look = gate_look(resolved)
    survey = survey_of(resolved.card, [look])
    return survey, lambda: health_of(survey, resolved.card, look)


def health_of(survey: HealthSurvey, card: Card, look: GateLook | None, *, whole: bool = True) -> HealthReport:
    """What a survey found, with what the card accepts; without `whole`, only what the gate adds."""
    if look is not None and not whole:
        return survey.report_beside(look, card.fields.get(KEY))
    return survey.report(card.fields.get(KEY), look)


def require_healthy(report: HealthReport, card: Card) -> None:
    """Refuse a dataset with errors that its card does not accept.

    Raises: BadInput with every one of them.
    """
    where = str(card.path or card.data)
    problems = [Problem(said(finding), where, _hint(finding)) for finding in report.findings if finding.refuses]
    if problems:
        raise BadInput(problems)


def said(finding: HealthFinding) -> str:
    """A finding in one line, with the first cases."""
    place = f"column {finding.column!r}: " if finding.column and repr(finding.column) not in finding.message else ""
    return f"{finding.code}: {place}{finding.message}{_named(finding.cases)}"


def lines_of(report: HealthReport) -> tuple[str, ...]:
    """Every finding as a line for a terminal."""
    found = []
    for finding in report.findings:
        if finding.accepted is not None:
            found.append(f"accepted {said(finding)} [{finding.accepted}]")
        else:
            found.append(f"{finding.severity.value} {said(finding)}" + (f" [{finding.where}]" if finding.where else ""))
    return tuple(found)


def slice_needs(thresholds: Sequence[Threshold], built: Instruments, confidence: float) -> tuple[SliceNeed, ...]:
    """How many cases the thresholds on slices need at least: a percentile has no interval with fewer."""
    from evalgate.stats.power import fewest_for_percentile

    shares = {quantile.name: quantile.share for quantile in built.quantiles}
    needs = []
    for threshold in thresholds:
        if threshold.slice is None or threshold.kind is not TargetKind.METRIC or threshold.decide is not Decide.INTERVAL:
            continue
        share = shares.get(threshold.name)
        if share is not None:
            what = f"the threshold on {threshold.name}"
            fewest = fewest_for_percentile(share, confidence)
            needs.append(SliceNeed(threshold.slice.column, threshold.slice.value, fewest, what, threshold.place or None))
    return tuple(needs)


def _searched(prompt: Prompt) -> PromptText:
    known = len(prompt.lines) == len(prompt.messages)
    lines = prompt.lines if known else (None,) * len(prompt.messages)
    messages = tuple((m.role, m.content, line) for m, line in zip(prompt.messages, lines, strict=True))
    return PromptText(prompt.reference, messages)


def _named(cases: Sequence[Sequence[str]], most: int = 5) -> str:
    if not cases:
        return ""
    shown = ", ".join(" ~ ".join(ids) for ids in cases[:most])
    return f" ({shown}{', …' if len(cases) > most else ''})"


def _hint(finding: HealthFinding) -> str:
    return f"correct the cases, or accept it in the card: health: {{accept: [{finding.code}], reason: …}}"
