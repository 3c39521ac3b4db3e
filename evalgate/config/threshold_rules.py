"""Which amounts make sense for which bound, and which thresholds make sense together."""

from __future__ import annotations

from collections.abc import Sequence

from evalgate.config.amounts import Amount, AmountError
from evalgate.core.errors import Problem
from evalgate.core.plugins import suggestion
from evalgate.core.settings import Bound, TargetKind, Threshold

# Metrics whose own unit is not a share: there 30% could mean 0.3 or 30, so it is refused.
NOT_A_SHARE = frozenset({"bleu", "chrf", "chrfpp", "ter", "latency_ms", "tokens", "cost", "length"})


def check_amount(found: Amount, kind: TargetKind, name: str, bound: Bound) -> None:
    """Refuse an amount that its bound cannot mean.

    Raises:
        AmountError: what is wrong with it, to follow the name of the key.
    """
    if found.value < 0 and bound is Bound.MIN_IMPROVEMENT:
        hint = f"to allow the candidate to be a little worse, write max_regression: {found.text.removeprefix('-')}"
        raise AmountError(f"must not be negative, not {found.text}", hint)
    if found.value < 0 and not (kind is TargetKind.METRIC and bound in {Bound.MIN, Bound.MAX}):
        raise AmountError(f"must not be negative, not {found.text}", "a limit says how much is allowed: 0 or more")
    if kind is TargetKind.RUN:
        _check_run(found, name, bound)
    elif bound is Bound.MAX_NEWLY_FAILING:
        _check_allowance(found, "newly fail", "stable cases")
    elif kind is TargetKind.SAFETY:
        if not (bound is Bound.MAX_INCREASE and found.percent):
            _check_allowance(found, "violate", "cases")
    elif found.percent and bound in {Bound.MIN, Bound.MAX} and name.split("@")[0].split(".")[0] in NOT_A_SHARE:
        raise AmountError(f"must be a number in the unit of {name}, not {found.text}", "write the number without %")


def check_together(thresholds: Sequence[Threshold], slices: Sequence[str]) -> tuple[Problem, ...]:
    """Problems of thresholds that are given twice, contradict each other, or ask for a slice that is not declared.

    Thresholds that are always in force may be among them: something that contradicts those is refused as well.
    """
    return (*_twice(thresholds), *_contradicting(thresholds), *_unsliced(thresholds, slices))


def _check_count(found: Amount) -> None:
    if found.percent:
        raise AmountError(f"must be a count, not {found.text}", "write how many cases are allowed, such as 0")
    if not found.whole:
        raise AmountError(f"must be a whole number, not {found.text}", "cases are counted: write 0, 1, 2 …")


def _check_allowance(found: Amount, what: str, of: str) -> None:
    if not found.percent:
        _check_count(found)
    elif found.value >= 1:
        said = f"must be less than 100%, not {found.text}: every case could {what}"
        raise AmountError(said, f"write a count such as 0, or a share of the {of} such as 2%")


def _check_run(found: Amount, name: str, bound: Bound) -> None:
    if name == "cases":
        _check_count(found)
        if found.value < 1:
            raise AmountError(f"must be at least 1, not {found.text}", "a gate without cases shows nothing")
        return
    if not found.percent and found.value >= 1:
        number = found.text
        raise AmountError(f"must be a share from 0 to 1, not {number}", f"did you mean {number}%?")
    if found.value > 1:
        raise AmountError(f"must be a share from 0% to 100%, not {found.text}", "write a share such as 0.5%")
    if bound is Bound.MIN and found.value > 0:
        raise AmountError("would demand that answers are lost", "write max: to limit the share of lost answers")


def _twice(thresholds: Sequence[Threshold]) -> list[Problem]:
    seen: dict[tuple[str, Bound, str], Threshold] = {}
    problems = []
    for one in thresholds:
        key = (one.subject, one.bound, str(one.slice or ""))
        if key in seen:
            message = f"{_name(one)} {one.bound} is given twice: {seen[key].text} and {one.text}"
            hint = f"keep one of them; the first is at {seen[key].place}"
            problems.append(Problem(message, one.place or None, hint))
        seen.setdefault(key, one)
    return problems


def _contradicting(thresholds: Sequence[Threshold]) -> list[Problem]:
    lowest = {(t.subject, str(t.slice or "")): t for t in thresholds if t.bound is Bound.MIN}
    problems = []
    for one in thresholds:
        low = lowest.get((one.subject, str(one.slice or "")))
        if one.bound is Bound.MAX and low is not None and low.value > one.value:
            later = low if one.implicit else one
            message = f"{_name(one)} can never hold: min {low.text} is above max {one.text}"
            other = low if later is one else one
            told = "always in force" if other.implicit else f"at {other.place}"
            problems.append(Problem(message, later.place or None, f"change one of them; the other is {told}"))
    return problems


def _unsliced(thresholds: Sequence[Threshold], slices: Sequence[str]) -> list[Problem]:
    problems = []
    for one in thresholds:
        if one.slice is None:
            continue
        if one.slice.column is None and not slices:
            message = f"{_name(one)} asks for each slice, but no slice column is declared"
            problems.append(Problem(message, one.place or None, "declare slice columns, such as slices: [language]"))
        elif one.slice.column is not None and one.slice.column not in slices:
            message = f"{_name(one)} asks for a slice of {one.slice.column!r}, which is not a declared slice column"
            hint = suggestion(one.slice.column, list(slices)) if slices else f"add slices: [{one.slice.column}]"
            problems.append(Problem(message, one.place or None, hint))
    return problems


def _name(one: Threshold) -> str:
    return f"threshold {one.subject}" + (f" for {one.slice}" if one.slice else "")
