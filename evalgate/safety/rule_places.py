"""Rules and the places where they hold, as findings."""

from __future__ import annotations

from collections.abc import Iterable, Set

from evalgate.core.values import DetectorSpec, Finding, Severity

Place = tuple[str, int, int]
"""(rule, start, end)."""


def findings_at(places: Iterable[Place], spec: DetectorSpec, severity: Severity, ignored: Set[str]) -> tuple[Finding, ...]:
    """One finding for each rule and place, sorted by place; without the rules that are ignored."""
    found = {place for place in places if place[0] not in ignored}
    return tuple(
        Finding(spec.category, rule, severity, start, end)
        for rule, start, end in sorted(found, key=lambda place: (place[1], place[2], place[0]))
    )
