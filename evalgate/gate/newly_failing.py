"""`max_newly_failing`: how many stable cases passed before and fail now, held against what is allowed."""

from __future__ import annotations

import math
from fractions import Fraction

from evalgate.core.settings import Threshold
from evalgate.core.verdict import Decision, Interval, MetricResult
from evalgate.gate.rate_bound import at_most, rate_upper_bound
from evalgate.gate.sentences import cases, figure

_AGREE = 1e-12


def rule_newly_failing(threshold: Threshold, metric: MetricResult) -> tuple[float | None, Interval | None, Decision, str]:
    """Decide on the exact count among the stable cases; flaky ones fail by themselves and would be a standing false alarm.

    Returns: observed count, no interval, decision, reason. Inconclusive where no case is stable, and where the numbers do
        not belong together.
    """
    found = metric.newly_failing, metric.newly_passing, metric.stable, metric.flaky
    if metric.newly_failing is None:
        return None, None, Decision.INCONCLUSIVE, "newly failing cases are counted for pass/fail metrics only"
    if not all(isinstance(count, int) and not isinstance(count, bool) and count >= 0 for count in found):
        return None, None, Decision.INCONCLUSIVE, "newly failing, newly passing, stable and flaky cases were not all counted"
    failing, passing, stable, flaky = (int(count or 0) for count in found)
    if failing + passing > stable or stable + flaky > metric.rows:
        said = f"{failing} newly failing and {passing} newly passing of {cases(stable)} are no counts"
        return None, None, Decision.INCONCLUSIVE, said
    if stable == 0:
        out = _left_out(flaky, metric.rows) or "none has a score in the baseline"
        said = f"none of {cases(metric.rows)} is stable in the baseline ({out}), so no case can newly fail: inconclusive"
        return None, None, Decision.INCONCLUSIVE, said
    decision = Decision.PASS if failing <= _allowed(threshold, stable) else Decision.FAIL
    return float(failing), None, decision, _sentence(threshold, metric, (failing, passing, stable, flaky), decision)


def mcnemar_worse(worse: int, better: int) -> float:
    """Exact one-sided McNemar test: P(at least `worse` of the cases that changed got worse), if both ways were equally likely.

    Source: McNemar, 1947; the exact conditional form, a sign test on the discordant pairs.
    """
    if worse > better:
        return at_most(better, worse + better, 0.5)
    return 1.0 - at_most(worse - 1, worse + better, 0.5) if worse else 1.0


def _allowed(threshold: Threshold, stable: int) -> Fraction:
    """How many cases may newly fail: `2%` of 150 stable cases is exactly 3, which no rounding of 0.02 may turn into 2."""
    text = threshold.text.strip()
    percent = text.endswith("%")
    try:
        amount = Fraction(text.removesuffix("%").strip()) / (100 if percent else 1)
    except (ValueError, ZeroDivisionError):
        amount = Fraction(threshold.value)
    if not math.isclose(amount, threshold.value, rel_tol=_AGREE, abs_tol=_AGREE):
        amount = Fraction(threshold.value)
    return amount * stable if percent or threshold.relative else amount


def _sentence(threshold: Threshold, metric: MetricResult, counts: tuple[int, int, int, int], decision: Decision) -> str:
    failing, passing, stable, flaky = counts
    kind = "cases" if metric.repeats == 1 else "stable cases"
    aside = [f"{passing} newly {'passes' if passing == 1 else 'pass'}", _left_out(flaky, metric.rows - stable)]
    said = f"{failing} of {stable} {kind} newly {'fails' if failing == 1 else 'fail'} ({'; '.join(filter(None, aside))})"
    allowed = f"at most {_asked(threshold, stable)} allowed: {decision}"
    p = mcnemar_worse(failing, passing)
    test = f"more got worse than better: p {'< 0.001' if p < 0.001 else f'= {p:.2g}'} (exact one-sided McNemar)"
    bound = figure(rate_upper_bound(failing, stable, metric.confidence), relative=True)
    sure = f"the true rate is at most {bound} with {metric.confidence * 100:.4g} % confidence"
    hint = ["each case was asked once, so flaky cases cannot be told from stable ones"] if metric.repeats == 1 else []
    return "; ".join([f"{said}, {allowed}", test, sure, *hint])


def _asked(threshold: Threshold, stable: int) -> str:
    limit = _allowed(threshold, stable)
    verb = "was" if limit == 1 else "were"
    if threshold.relative or threshold.text.rstrip().endswith("%"):
        return f"{threshold.text} of them ({cases(math.floor(limit))}) {verb}"
    return f"{threshold.text} {verb}"


def _left_out(flaky: int, others: int) -> str:
    """The cases that are not stable, by why: flaky, or without a score in the baseline."""
    scoreless = others - flaky
    parts = [f"{flaky} flaky {'case' if flaky == 1 else 'cases'}"] if flaky else []
    parts += [f"{cases(scoreless)} without a score in the baseline"] if scoreless else []
    return f"{' and '.join(parts)} left out" if parts else ""
