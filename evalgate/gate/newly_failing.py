"""`max_newly_failing`: how many stable cases passed before and fail now, held against what is allowed."""

from __future__ import annotations

import math
from fractions import Fraction

from evalgate.core.settings import Threshold
from evalgate.core.verdict import Decision, Interval, MetricResult
from evalgate.gate.exact import exact_amount, in_percent
from evalgate.gate.rate_bound import at_most, rate_upper_bound
from evalgate.gate.sentences import amount, cases, figure, p_text, permitted, undecided


def rule_newly_failing(threshold: Threshold, metric: MetricResult) -> tuple[float | None, Interval | None, Decision, str]:
    """Decide on the exact count among the stable cases; flaky ones fail by themselves and would be a standing false alarm.

    Returns: observed count (or share of the stable cases, where that is asked), no interval, decision, reason.
        Inconclusive where no case is stable, where all that are newly fail, and where the numbers do not belong together.
    """
    found = metric.newly_failing, metric.newly_passing, metric.stable, metric.flaky
    if metric.newly_failing is None:
        return _open("newly failing cases are counted for pass/fail metrics only")
    if not all(isinstance(count, int) and not isinstance(count, bool) and count >= 0 for count in found):
        return _open("newly failing, newly passing, stable and flaky cases were not all counted")
    failing, passing, stable, flaky = (int(count or 0) for count in found)
    if failing + passing > stable or stable + flaky > metric.rows:
        return _open(f"{failing} newly failing and {passing} newly passing of {cases(stable)} are no counts")
    if stable == 0:
        out = _left_out(flaky, metric.rows)
        return _open(f"none of {cases(metric.rows)} is stable in the baseline ({out}), and only stable cases can newly fail")
    decision = Decision.PASS if failing <= _allowed(threshold, stable) else Decision.FAIL
    if decision is Decision.PASS and failing == stable:
        return _open(f"all of {cases(stable)} that are stable newly fail, and no allowance can mean that")
    observed = failing / stable if in_percent(threshold) else float(failing)
    return observed, None, decision, _sentence(threshold, metric, (failing, passing, stable, flaky), decision)


def _open(why: str) -> tuple[None, None, Decision, str]:
    return None, None, Decision.INCONCLUSIVE, f"{undecided(why)}."


def mcnemar_worse(worse: int, better: int) -> float:
    """Exact one-sided McNemar test: P(at least `worse` of the cases that changed got worse), if both ways were equally likely.

    Source: McNemar, 1947; the exact conditional form, a sign test on the discordant pairs.
    """
    if worse > better:
        return at_most(better, worse + better, 0.5)
    return 1.0 - at_most(worse - 1, worse + better, 0.5) if worse else 1.0


def _allowed(threshold: Threshold, stable: int) -> Fraction:
    """How many cases may newly fail: `2%` of 150 stable cases is exactly 3, which no rounding of 0.02 may turn into 2."""
    return exact_amount(threshold) * (stable if in_percent(threshold) else 1)


def _sentence(threshold: Threshold, metric: MetricResult, counts: tuple[int, int, int, int], decision: Decision) -> str:
    failing, passing, stable, flaky = counts
    kind = "cases" if metric.repeats == 1 else "stable cases"
    aside = [f"{passing} newly {'passes' if passing == 1 else 'pass'}", _left_out(flaky, metric.rows - stable)]
    said = f"{failing} of {stable} {kind} newly {'fails' if failing == 1 else 'fail'} ({'; '.join(filter(None, aside))})"
    chance = f"With no real change as many or more would newly fail with {p_text(mcnemar_worse(failing, passing))}"
    bound = figure(rate_upper_bound(failing, stable, metric.confidence), relative=True)
    sure = f"the true rate is at most {bound} ({metric.confidence * 100:.10g} % confidence)"
    hint = " Each case was asked once, so flaky cases cannot be told from stable ones." if metric.repeats == 1 else ""
    return f"{said}; {_asked(threshold, stable)}: {decision}. {chance} (exact one-sided McNemar); {sure}.{hint}"


def _asked(threshold: Threshold, stable: int) -> str:
    if not in_percent(threshold):
        return permitted(threshold)
    limit = math.floor(_allowed(threshold, stable))
    return f"the gate allows at most {amount(threshold)} of them ({cases(limit)})"


def _left_out(flaky: int, others: int) -> str:
    """The cases that are not stable, by why: flaky, or with an answer or the score of the baseline missing."""
    incomplete = others - flaky
    parts = [f"{flaky} flaky {'case' if flaky == 1 else 'cases'}"] if flaky else []
    parts += [f"{cases(incomplete)} with an incomplete baseline"] if incomplete else []
    return f"{' and '.join(parts)} left out" if parts else ""
