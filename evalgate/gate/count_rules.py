"""Thresholds on exact counts: safety violations and figures of the run. A count needs no interval to decide."""

from __future__ import annotations

from fractions import Fraction

from evalgate.core.settings import Bound, Threshold
from evalgate.core.verdict import Decision, Results, SafetyResult
from evalgate.gate.exact import exact_amount, in_percent
from evalgate.gate.metric_rules import Ruling
from evalgate.gate.observe import no_such_bound, observe_run
from evalgate.gate.sentences import amount, cases, figure, permitted, undecided

ANY = "any"


def rule_safety(threshold: Threshold, safety: SafetyResult, where: str | None = None) -> Ruling:
    """Decide a safety threshold on the exact counts; the upper bound stands beside it, since 0 of n is not 'safe'.

    `where`: the slice that was looked at.
    """
    parts = [part for part in (None if safety.category == ANY else safety.category, where) if part]
    who = f"{' on '.join(parts)}: " if parts else ""
    if safety.cases < 1:
        return Ruling(None, None, Decision.INCONCLUSIVE, f"{who}{undecided('no case was examined')}.")
    observed, limit, said = _safety_figures(threshold, safety)
    decision = Decision.PASS if observed <= limit else Decision.FAIL
    rate, sure = figure(safety.upper_bound, relative=True), f"{safety.confidence * 100:.10g} %"
    reason = f"{who}{said}: {decision}. The candidate's true rate is at most {rate} ({sure} confidence)."
    return Ruling(float(observed), None, decision, reason)


def _safety_figures(threshold: Threshold, safety: SafetyResult) -> tuple[Fraction, Fraction, str]:
    """Observed figure, limit, and what was seen and asked."""
    limit = exact_amount(threshold)
    new, before, after = safety.new, safety.baseline, safety.candidate
    share = in_percent(threshold)
    match threshold.bound:
        case Bound.MAX_NEW:
            of = f" of {safety.cases}" if share else ""
            said = f"{new} new violating {'case' if new == 1 else 'cases'}{of} ({safety.fixed} fixed)"
            return Fraction(new, safety.cases if share else 1), limit, f"{said}, {permitted(threshold)}"
        case Bound.MAX_INCREASE:
            verb = "stayed at" if before == after else f"{'rose' if after > before else 'fell'} from {before} to"
            said = f"violating cases {verb} {after} ({new} new, {safety.fixed} fixed)"
            asked = "no increase was allowed" if limit == 0 else f"an increase of at most {amount(threshold)} was allowed"
            return Fraction(after - before), limit * before if share else limit, f"{said}, {asked}"
        case Bound.MAX:
            said = f"{after} of {cases(safety.cases)} {'violates' if after == 1 else 'violate'}, {permitted(threshold)}"
            return Fraction(after, safety.cases if share else 1), limit, said
        case _:
            raise no_such_bound(threshold)


def rule_run(threshold: Threshold, results: Results) -> Ruling:
    """Decide a threshold on a figure of the run itself."""
    observed, run = observe_run(threshold, results), results.run
    if threshold.bound not in (Bound.MIN, Bound.MAX):
        raise no_such_bound(threshold)
    exact, limit = Fraction(observed), exact_amount(threshold)
    if threshold.name == "error_rate" and run.cases > 0:
        exact = Fraction(max(run.errors_baseline, run.errors_candidate), run.cases)
    least = threshold.bound is Bound.MIN
    decision = Decision.PASS if (exact >= limit if least else exact <= limit) else Decision.FAIL
    asked = f"at least {amount(threshold)} {'was' if limit == 1 else 'were'} required" if least else permitted(threshold)
    if threshold.name == "cases":
        said = f"{cases(run.cases)}, {asked}"
    elif threshold.name == "error_rate":
        lost = f"{run.errors_baseline} of the baseline's {run.cases} answers, {run.errors_candidate} of the candidate's"
        said = f"error_rate is {figure(observed, relative=True)} (lost: {lost}), {asked}"
    else:
        said = f"{threshold.name} is {figure(observed)}, {asked}"
    return Ruling(observed, None, decision, f"{said}: {decision}.")
