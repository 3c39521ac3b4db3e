"""What is not as it was in the attempt before, and which of it makes passing easier."""

from __future__ import annotations

from collections.abc import Mapping

from evalgate.core.attempts import Change
from evalgate.core.settings import Bound, Decide, Level, TargetKind, Threshold
from evalgate.core.values import ARMS
from evalgate.evidence.attempt_entry import Entry

ABSENT = "none"
_LOWER_IS_LOOSER = frozenset({Bound.MIN, Bound.MIN_IMPROVEMENT})
_JUDGED = frozenset(f"{arm} {what}" for arm in ARMS for what in ("prompt", "model", "outputs"))


def changes_between(before: Entry, after: Entry) -> tuple[Change, ...]:
    """Everything that differs between two attempts and can change their outcome, what is judged first."""
    return (
        *_judged(before, after),
        *_threshold_changes(before.thresholds, after.thresholds),
        *_definitions("metric", before.metrics, after.metrics),
        *_detectors(before, after),
        *_waivers(before, after),
        *_settings(before, after),
    )


def loosened_along(changes: tuple[Change, ...]) -> tuple[Change, ...]:
    """Those changes that ask less, if a prompt, a model or the outputs changed along with them; else none."""
    if not any(change.what in _JUDGED for change in changes):
        return ()
    return tuple(change for change in changes if change.looser)


def is_looser(before: Threshold, after: Threshold) -> bool:
    """Whether a threshold asks less than before in any respect.

    One that only warns asks nothing, so nothing is less than it. A share and an absolute amount cannot be compared: exchanging
    them may ask less, so it counts as looser and somebody looks.
    """
    if before.level is Level.WARN:
        return False
    if after.level is Level.WARN or (before.decide is Decide.INTERVAL and after.decide is Decide.ESTIMATE):
        return True
    if not _comparable(before, after):
        return True
    return after.value < before.value if before.bound in _LOWER_IS_LOOSER else after.value > before.value


def _comparable(before: Threshold, after: Threshold) -> bool:
    """Whether two amounts measure the same: shares of the baseline or none, counts of cases or shares of them; 0 is 0."""
    if before.relative is not after.relative:
        return False
    counted = before.kind is TargetKind.SAFETY or before.bound is Bound.MAX_NEWLY_FAILING
    shares = [one.text.rstrip().endswith("%") for one in (before, after)]
    return not counted or shares[0] is shares[1] or before.value == 0 or after.value == 0


def _judged(before: Entry, after: Entry) -> list[Change]:
    found = []
    for arm in ARMS:
        old, new = before.variants[arm], after.variants[arm]
        if old.prompt_digest != new.prompt_digest:
            what = "outputs" if after.mode in ("files", "runs") else "prompt"
            found.append(_change(f"{arm} {what}", _named(old.prompt, old.prompt_digest), _named(new.prompt, new.prompt_digest)))
        if old.model_digest != new.model_digest:
            found.append(_change(f"{arm} model", old.model, new.model))
    old_data = (before.dataset_version, before.dataset_digest)
    new_data = (after.dataset_version, after.dataset_digest)
    if old_data != new_data:
        found.append(_change("dataset", _named(*old_data), _named(*new_data)))
    if before.recording != after.recording:
        found.append(_change("recording", _short(before.recording), _short(after.recording)))
    if before.mode != after.mode:
        found.append(_change("mode", before.mode, after.mode))
    return found


def _threshold_changes(before: tuple[Threshold, ...], after: tuple[Threshold, ...]) -> list[Change]:
    old = {_place(one): one for one in before}
    new = {_place(one): one for one in after}
    found = []
    for place, one in old.items():
        other = new.get(place)
        if other is None:
            found.append(_change("threshold", _asked(one), ABSENT, looser=one.level is Level.BLOCK))
        elif _terms(one) != _terms(other):
            found.append(_change("threshold", _asked(one), _asked(other), looser=is_looser(one, other)))
    return found + [_change("threshold", ABSENT, _asked(one)) for place, one in new.items() if place not in old]


def _place(one: Threshold) -> tuple[str, str, str]:
    return one.subject, str(one.bound), str(one.slice or "")


def _terms(one: Threshold) -> tuple[float, bool, Level, Decide]:
    return one.value, one.relative, one.level, one.decide


def _asked(one: Threshold) -> str:
    amount = one.text or f"{one.value:g}"
    where = f" [{one.slice}]" if one.slice is not None else ""
    how = ", by the estimate alone" if one.decide is Decide.ESTIMATE else ""
    warns = ", only warns" if one.level is Level.WARN else ""
    return f"{one.subject}{where} {one.bound} {amount}{how}{warns}"


def _detectors(before: Entry, after: Entry) -> list[Change]:
    """A detector less means violations less, wherever a threshold counts its findings or any at all."""
    counted = {one.name for one in before.thresholds if one.kind is TargetKind.SAFETY and one.level is Level.BLOCK}
    gone = [name for name in before.safety if name not in after.safety]
    kept = {name: one for name, one in before.safety.items() if name not in gone}
    removed = [_change("safety", name, ABSENT, looser=bool(counted & {name, "any"})) for name in gone]
    return removed + _definitions("safety", kept, after.safety)


def _waivers(before: Entry, after: Entry) -> list[Change]:
    """A waiver more means violations less."""
    old, new = before.waivers or {}, after.waivers or {}
    gone = [_change("waiver", name, ABSENT) for name in old if name not in new]
    return gone + [_change("waiver", ABSENT, name, looser=True) for name, one in new.items() if old.get(name) != one]


def _definitions(what: str, before: Mapping[str, str], after: Mapping[str, str]) -> list[Change]:
    found = []
    for name in before:
        if name not in after:
            found.append(_change(what, name, ABSENT))
        elif before[name] != after[name]:
            found.append(_change(what, _named(name, before[name]), _named(name, after[name])))
    return found + [_change(what, ABSENT, name) for name in after if name not in before]


def _settings(before: Entry, after: Entry) -> list[Change]:
    found = []
    if before.confidence != after.confidence:
        looser = after.confidence < before.confidence
        found.append(_change("confidence", f"{before.confidence:g}", f"{after.confidence:g}", looser=looser))
    if before.group != after.group:
        looser = after.group is None
        found.append(_change("group", before.group or ABSENT, after.group or ABSENT, looser=looser))
    if before.slices != after.slices:
        found.append(_change("slices", ", ".join(before.slices) or ABSENT, ", ".join(after.slices) or ABSENT))
    counts = (
        ("seed", before.seed, after.seed),
        ("samples", before.samples, after.samples),
        ("resamples", before.resamples, after.resamples),
    )
    for what, old, new in counts:
        if old != new:
            found.append(_change(what, _count(old), _count(new)))
    if before.engine != after.engine:
        found.append(_change("evalgate", before.engine, after.engine))
    return found


def _change(what: str, before: str, after: str, *, looser: bool = False) -> Change:
    return Change(what, before, after, looser)


def _count(number: int | None) -> str:
    return "decided from the number of cases" if number is None else str(number)


def _named(name: str, digest: str) -> str:
    return f"{name} ({_short(digest)})"


def _short(digest: str | None) -> str:
    return ABSENT if digest is None else digest.removeprefix("sha256:")[:12]
