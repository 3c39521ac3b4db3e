"""Cohen's kappa of two raters: how far they agree beyond what chance alone would give, with its standard error."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

from evalgate.core.verdict import Interval
from evalgate.stats.distributions import normal_quantile
from evalgate.stats.wilson import wilson_ends


@dataclass(frozen=True, slots=True)
class Kappa:
    """Agreement of two raters over the same things."""

    value: float
    """1: they always agree; 0: as often as by chance; below: less often."""
    error: float
    """Large-sample standard error, for intervals (not that of the test of "no agreement")."""
    count: int
    """Things that both have rated."""
    expected: float = 0.0
    """Agreement that chance alone would give."""

    def interval(self, level: float) -> Interval:
        """Two-sided normal interval, cut to [-1, 1].

        Raters who always agree, or never, have no standard error, which is no certainty: there the ends are those of
        Wilson's interval of the observed agreement, with the expected one as it is (Wilson, 1927).
        """
        agreed = round((self.value * (1 - self.expected) + self.expected) * self.count)
        if agreed in (0, self.count):
            low, high = wilson_ends(agreed, self.count, normal_quantile((1 + level) / 2))
            ends = [(end - self.expected) / (1 - self.expected) for end in (low, high)]
            return Interval(max(-1.0, ends[0]), min(1.0, ends[1]))
        half = normal_quantile((1 + level) / 2) * self.error
        return Interval(max(-1.0, self.value - half), min(1.0, self.value + half))


def cohens_kappa(table: Sequence[Sequence[int]]) -> Kappa | None:
    """Kappa of a square table of counts: rows one rater's labels, columns the other's, in the same order.

    None where it is not defined: nothing was rated, or both raters gave everything one and the same label, so that chance
    alone explains all agreement.
    Raises: ValueError when the table is not square or a count is negative.
    Sources: Cohen, 1960, "A coefficient of agreement for nominal scales"; the standard error of Fleiss, Cohen and Everitt,
    1969, "Large sample standard errors of kappa and weighted kappa".
    """
    size, total = len(table), sum(map(sum, table))
    if size == 0 or any(len(row) != size for row in table) or min(map(min, table)) < 0:
        raise ValueError("a table of two raters is square and holds counts")
    rows = [sum(row) for row in table]
    columns = [sum(row[j] for row in table) for j in range(size)]
    chance = sum(a * b for a, b in zip(rows, columns, strict=True))
    if total == 0 or chance == total * total:
        return None
    expected = chance / total**2
    agreed = sum(table[i][i] for i in range(size)) / total
    value = (agreed - expected) / (1 - expected)
    error = math.sqrt(max(0.0, _variance(table, (rows, columns), value, expected)) / total) / (1 - expected)
    return Kappa(value, error, total, expected)


def _variance(table: Sequence[Sequence[int]], margins: tuple[list[int], list[int]], value: float, expected: float) -> float:
    rows, columns = margins
    total, away = sum(rows), 1 - value
    same = math.fsum(table[i][i] / total * (1 - (rows[i] + columns[i]) / total * away) ** 2 for i in range(len(rows)))
    other = math.fsum(
        table[i][j] / total * ((columns[i] + rows[j]) / total) ** 2 for i in range(len(rows)) for j in range(len(rows)) if i != j
    )
    return same + away**2 * other - (value - expected * away) ** 2
