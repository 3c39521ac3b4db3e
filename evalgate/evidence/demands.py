"""What a tier asks of the gate itself: protected thresholds, detectors, confidence, data, engine, mode and waivers."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from evalgate.core.policy import Check, Tier, check
from evalgate.core.settings import Bound, Decide, Level, SliceChoice, TargetKind, Threshold
from evalgate.core.values import Severity
from evalgate.evidence.attempt_changes import is_looser
from evalgate.evidence.demanded_comparison import demanded_comparison
from evalgate.evidence.demanded_instruments import demanded_instruments, disguise
from evalgate.evidence.statements import RunFacts


def demands_of(tier: Tier, facts: RunFacts) -> Iterator[Check]:
    """Each demand on the plan and the results of a run, held or not.

    Raises: KeyError, TypeError or ValueError for documents that evalgate did not write.
    """
    yield check(
        "verdict",
        facts.verdict in tier.verdicts,
        facts.verdict,
        f"the run's verdict is {facts.verdict}; accepted: {', '.join(tier.verdicts)}",
    )
    told = f"the answers are {facts.mode}; accepted: {', '.join(tier.evidence)}"
    yield check("evidence", facts.mode in tier.evidence, facts.mode, told)
    yield _confidence(tier, float(facts.plan["confidence"]))
    yield _waivers(tier, facts.document)
    if tier.engines:
        told = f"made by evalgate {facts.engine}; accepted: {', '.join(tier.engines)}"
        yield check("engine", facts.engine in tier.engines, facts.engine, told)
    if tier.datasets:
        yield _dataset(tier, facts)
    planned = [planned_threshold(one) for one in facts.plan["thresholds"]]
    for threshold in tier.thresholds:
        hidden = disguise(threshold, tier, facts.plan)
        denied = check(f"threshold {_told(threshold)}", False, "", hidden or "")
        yield denied if hidden else _protected(threshold, planned, facts)
    yield from demanded_instruments(tier, facts.plan)
    yield from demanded_comparison(tier, facts)


def planned_threshold(value: Mapping[str, Any]) -> Threshold:
    """A threshold as plan.json holds it."""
    kind, _, name = str(value["target"]).partition(":")
    where = value["slice"]
    return Threshold(
        TargetKind(kind),
        name,
        Bound(value["bound"]),
        float(value["value"]),
        relative=bool(value["relative"]),
        text=str(value["text"]),
        slice=None if where is None else SliceChoice(where["column"], where["value"]),
        level=Level(value["level"]),
        decide=Decide(value["decide"]),
        implicit=bool(value["implicit"]),
        severity=Severity(value["severity"]) if value.get("severity") else None,
    )


def is_at_least_as_strict(asked: Threshold, planned: Threshold) -> bool:
    """Whether a gate with the planned threshold asks whatever the policy asks, of the same figure.

    What cannot be compared is not as strict: a share against an amount, another slice, another severity.
    """
    if (asked.kind, asked.name, asked.bound) != (planned.kind, planned.name, planned.bound):
        return False
    if planned.level is not Level.BLOCK or is_looser(asked, planned):
        return False
    return _slice_covers(asked.slice, planned.slice) and _severity_covers(asked, planned)


def _slice_covers(asked: SliceChoice | None, planned: SliceChoice | None) -> bool:
    """Whether the planned slices are at least the asked ones; the whole is no slice, and a slice is not the whole."""
    if asked is None or planned is None:
        return asked is planned
    if planned.column is None:
        return True
    return asked.column == planned.column and planned.value in (None, asked.value)


def _severity_covers(asked: Threshold, planned: Threshold) -> bool:
    """Whether the planned threshold counts what the asked one counts.

    Only of a maximum more findings than asked are stricter: of an increase they may hide one severe finding more behind a mild
    one less.
    """
    wanted, found = asked.severity or Severity.LOW, planned.severity or Severity.LOW
    order = list(Severity)
    return found is wanted or (asked.bound is Bound.MAX and order.index(found) <= order.index(wanted))


def _protected(asked: Threshold, planned: list[Threshold], facts: RunFacts) -> Check:
    name = f"threshold {_told(asked)}"
    fitting = [one for one in planned if is_at_least_as_strict(asked, one)]
    if not fitting:
        same = [one for one in planned if (one.kind, one.name, one.bound) == (asked.kind, asked.name, asked.bound)]
        found = f"the gate has {'; '.join(_told(one) for one in same)}" if same else "the gate has no such threshold"
        return check(name, False, "", f"{found}: not at least as strict")
    columns = _columns(asked, facts.plan)
    verdicts = [_verdicts(one, asked, columns, facts.document["thresholds"]) for one in fitting]
    passed = any(found and set(found) == {"pass"} for found in verdicts)
    told = "; ".join(_told(one) for one in fitting)
    return check(
        name,
        passed,
        f"the gate asks {told}: pass",
        f"{told}: {', '.join(sorted({v for f in verdicts for v in f})) or 'no result'}",
    )


def _columns(asked: Threshold, plan: Mapping[str, Any]) -> list[str]:
    """The slice columns in each of which there must be a result."""
    if asked.slice is None:
        return []
    return [str(one) for one in plan["slices"]] if asked.slice.column is None else [asked.slice.column]


def _verdicts(planned: Threshold, asked: Threshold, columns: list[str], results: list[Mapping[str, Any]]) -> list[str]:
    """What came of a planned threshold, in each slice that the policy asks about; a slice without a result is `no result`."""
    severity = None if planned.severity is None else str(planned.severity)
    own = [
        one
        for one in results
        if (one["target"], one["bound"], one["value"], one.get("severity"), one["decide"])
        == (planned.target, str(planned.bound), planned.text, severity, str(planned.decide))
    ]
    if asked.slice is None:
        return [str(one["verdict"]) for one in own if one["slice"] is None]
    exact = None if asked.slice.value is None else str(asked.slice)
    verdicts: list[str] = []
    for column in columns:
        found = [one for one in own if _is_in(one["slice"], column) and exact in (None, one["slice"])]
        verdicts += [str(one["verdict"]) for one in found] or ["no result"]
    return verdicts


def _is_in(found: str | None, column: str) -> bool:
    return found is not None and found.startswith(f"{column}=")


def _told(one: Threshold) -> str:
    where = f" [{one.slice}]" if one.slice is not None else ""
    marks = (", by the estimate alone" if one.decide is Decide.ESTIMATE else "") + (
        ", only warns" if one.level is Level.WARN else ""
    )
    return f"{one.subject}{where} {one.bound} {one.text}{marks}"


def _confidence(tier: Tier, found: float) -> Check:
    told = f"the gate decides at {found:g}, the policy asks at least {tier.confidence:g}"
    return check("confidence", found >= tier.confidence, f"{found:g}", told)


def _waivers(tier: Tier, document: Mapping[str, Any]) -> Check:
    waivers = document.get("waivers")
    used = sum(int(one["findings"]) for one in waivers["list"]) if waivers is not None else 0
    said = "none was used" if not used else f"{used} findings are waived, which the policy accepts"
    return check("waivers", tier.waivers or not used, said, f"{used} findings are waived; the policy says waivers: false")


def _dataset(tier: Tier, facts: RunFacts) -> Check:
    """What the columns mean is said by the card: the same rows with another reference are another test."""
    found = facts.plan["dataset"]
    name = f"{found['name']}@{found['version']}"
    if name not in tier.datasets:
        return check("dataset", False, "", f"judged on {name}; accepted: {', '.join(tier.datasets)}")
    pin, card = tier.datasets[name], facts.materials.get(f"dataset card:{name}", "not known")
    told = f"{name} is {found['digest']}, the policy names {pin.content}"
    if found["digest"] == pin.content:
        told = f"the card of {name} is {card}, the policy names {pin.card}"
    return check("dataset", (found["digest"], card) == (pin.content, pin.card), name, told)
