"""Slices too small to judge, and slices that hardly anything stands beside."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

from evalgate.core.health import HealthFinding, amount
from evalgate.core.values import Case

FEWEST = 30
"""Cases (groups, where the card names one) from which the mean of a slice is judged by its spread alone."""
IMBALANCE = 20
"""How many times larger than the smallest a column's largest slice may be."""


@dataclass(frozen=True, slots=True)
class SliceNeed:
    """How many cases a threshold needs in a slice before it can be decided."""

    column: str | None
    """None: every column."""
    value: str | None
    """None: each value."""
    fewest: int
    what: str
    """What cannot be judged with fewer: `the upper bound of latency_ms.p95 at 95 %`."""
    where: str | None = None
    """Place of the threshold."""


@dataclass(slots=True)
class SliceCheck:
    """Counts the cases of every slice; with a `group`, its groups, because those are what is independent."""

    grouped: bool
    counts: dict[tuple[str, str], int] = field(default_factory=dict)
    groups: dict[tuple[str, str], set[int]] = field(default_factory=dict)

    def add(self, case: Case) -> None:
        """Take in the next case."""
        for column, value in case.slices.items():
            part = (column, value)
            if self.grouped:
                self.groups.setdefault(part, set()).add(hash(case.group))
            else:
                self.counts[part] = self.counts.get(part, 0) + 1

    def findings(self) -> list[HealthFinding]:
        """`small-slice` and `unbalanced-slice`, for each column."""
        unit, found = self._unit, []
        for column, parts in self._columns().items():
            small = {value: size for value, size in parts.items() if size < FEWEST}
            if small:
                slices = amount(len(small), "slice has", "slices have")
                said = f"{slices} fewer than {FEWEST} {unit}, too few to trust the spread of a mean: {_named(small)}"
                found.append(HealthFinding("small-slice", said, len(small), column=column))
            least, most = min(parts, key=lambda v: (parts[v], v)), max(parts, key=lambda v: (parts[v], v))
            if parts[most] > IMBALANCE * parts[least]:
                said = f"{most!r} has {parts[most]:,} {unit}, {least!r} has {parts[least]:,}: no total says much about it"
                found.append(HealthFinding("unbalanced-slice", said, len(parts), column=column))
        return found

    def unmet(self, needs: Sequence[SliceNeed]) -> list[HealthFinding]:
        """`small-slice` for each column and need."""
        return [
            f for column, parts in self._columns().items() for need in needs for f in _short_of(need, column, parts, self._unit)
        ]

    @property
    def _unit(self) -> str:
        return "groups" if self.grouped else "cases"

    def _columns(self) -> dict[str, dict[str, int]]:
        sizes = {part: len(members) for part, members in self.groups.items()} if self.grouped else self.counts
        found: dict[str, dict[str, int]] = {}
        for (column, value), size in sorted(sizes.items()):
            found.setdefault(column, {})[value] = size
        return found


def _short_of(need: SliceNeed, column: str, parts: dict[str, int], unit: str) -> list[HealthFinding]:
    if need.column not in (None, column):
        return []
    small = {value: size for value, size in parts.items() if need.value in (None, value) and size < need.fewest}
    if not small:
        return []
    slices = amount(len(small), "slice has", "slices have")
    said = f"{slices} fewer than the {need.fewest} {unit} that {need.what} needs: {_named(small)}"
    return [HealthFinding("small-slice", said, len(small), column=column, where=need.where)]


def _named(parts: dict[str, int], most: int = 8) -> str:
    ordered = sorted(parts.items(), key=lambda part: (part[1], part[0]))
    named = ", ".join(f"{value[:60]!r} ({size:,})" for value, size in ordered[:most])
    more = len(ordered) - most
    return f"{named} and {more:,} more" if more > 0 else named
