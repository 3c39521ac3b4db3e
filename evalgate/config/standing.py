"""The thresholds that are always in force: no answer may be lost, and there must be cases."""

from __future__ import annotations

from collections.abc import Iterable

from evalgate.core.settings import Bound, TargetKind, Threshold

_PLACE = "always in force"
_STANDING = (
    Threshold(TargetKind.RUN, "error_rate", Bound.MAX, 0.0, relative=False, text="0", implicit=True, place=_PLACE),
    Threshold(TargetKind.RUN, "cases", Bound.MIN, 1.0, relative=False, text="1", implicit=True, place=_PLACE),
)


def with_standing_thresholds(thresholds: Iterable[Threshold]) -> tuple[Threshold, ...]:
    """The declared thresholds, and those always in force that were not explicitly set to something else.

    Only a threshold over the whole dataset replaces a standing one; a slice speaks for its own cases.
    """
    declared = tuple(thresholds)
    taken = {(one.target, one.bound) for one in declared if one.slice is None}
    return declared + tuple(one for one in _STANDING if (one.target, one.bound) not in taken)
