"""What a threshold may ask: one mapping of the configuration, or one `--threshold`, becomes `Threshold` values."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from typing import Any

from evalgate.config.amounts import Amount, AmountError, amount
from evalgate.config.faults import Faults, key_text, shown, unknown_key
from evalgate.config.threshold_rules import check_amount
from evalgate.core.document import KeyPath
from evalgate.core.plugins import suggestion
from evalgate.core.settings import Bound, Decide, Level, SliceChoice, TargetKind, Threshold
from evalgate.core.values import Severity

BOUNDS: Mapping[TargetKind, tuple[Bound, ...]] = {
    TargetKind.METRIC: (
        Bound.MIN,
        Bound.MAX,
        Bound.MIN_IMPROVEMENT,
        Bound.MAX_REGRESSION,
        Bound.MAX_NEWLY_FAILING,
    ),
    TargetKind.SAFETY: (Bound.MAX, Bound.MAX_INCREASE, Bound.MAX_NEW),
    TargetKind.RUN: (Bound.MIN, Bound.MAX),
}
RELATIVE_BOUNDS = frozenset({Bound.MIN_IMPROVEMENT, Bound.MAX_REGRESSION, Bound.MAX_INCREASE})
RUN_FIGURES = ("error_rate", "cases")
KINDS = tuple(kind.value for kind in TargetKind)
OPTIONS = ("slice", "level", "decide")
SAFETY_OPTIONS = (*OPTIONS, "severity")
NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9_.@+-]{0,99}\Z")


def read_thresholds(raw: Any, path: KeyPath, faults: Faults) -> tuple[Threshold, ...]:
    """All thresholds of a configuration; what is wrong goes to `faults`."""
    if not isinstance(raw, list):
        hint = "write a list: - {metric: exact_match, max_regression: 0.02}"
        faults.add(path, f"{key_text(path)} must be a list, not {shown(raw)}", hint)
        return ()
    if faults.too_many(path, raw):
        return ()
    if not raw:
        hint = "a gate without a threshold can never refuse: add {metric: exact_match, max_regression: 0.02} or another"
        faults.add(path, f"{key_text(path)} is empty", hint)
    return tuple(one for index, entry in enumerate(raw) for one in read_threshold(entry, (*path, index), faults))


def read_threshold(entry: Any, path: KeyPath, faults: Faults) -> tuple[Threshold, ...]:
    """The thresholds of one mapping, one for each bound it names; empty when anything in it is wrong."""
    if not isinstance(entry, dict):
        hint = "write {metric: NAME, max_regression: 0.02}"
        faults.add(path, f"{key_text(path)} must be a mapping, not {shown(entry)}", hint)
        return ()
    before = len(faults.found)
    target = _target(entry, path, faults)
    if target is None:
        return ()
    kind, name = target
    _known_keys(entry, kind, path, faults)
    amounts = _amounts(entry, target, path, faults)
    where = _slice(entry, path, faults)
    level = _choice(entry, "level", tuple(Level), path, faults)
    decide = _choice(entry, "decide", tuple(Decide), path, faults)
    severity = _choice(entry, "severity", tuple(Severity), path, faults) if kind is TargetKind.SAFETY else None
    if len(faults.found) > before:
        return ()
    place = faults.document.place(*path)
    return tuple(
        Threshold(
            kind,
            name,
            bound,
            found.value,
            relative=found.percent and bound in RELATIVE_BOUNDS,
            text=found.text,
            slice=where,
            level=Level(level or Level.BLOCK),
            decide=Decide(decide or Decide.INTERVAL),
            severity=Severity(severity) if severity else None,
            place=place,
        )
        for bound, found in amounts
    )


def _target(entry: Mapping[str, Any], path: KeyPath, faults: Faults) -> tuple[TargetKind, str] | None:
    """What the threshold is about: exactly one of metric, safety, run."""
    named = [kind for kind in KINDS if kind in entry]
    if not named:
        near = next((f"{k} is unknown, {suggestion(k, KINDS)}" for k in entry if _resembles(k)), None)
        hint = near or "write metric: NAME, safety: CATEGORY or run: error_rate"
        faults.add(path, f"{_named(path)} does not say what it is about", hint)
        return None
    if len(named) > 1:
        hint = "make one threshold of each"
        faults.add(path, f"{key_text(path)} names {' and '.join(named)} together", hint)
        return None
    kind, name = TargetKind(named[0]), entry[named[0]]
    where = (*path, named[0])
    if not isinstance(name, str) or not NAME.match(name):
        hint = "write a metric such as exact_match" if kind is TargetKind.METRIC else "write any, or a category"
        hint = f"known: {', '.join(RUN_FIGURES)}" if kind is TargetKind.RUN else hint
        faults.add(where, f"{key_text(where)} must be a name, not {shown(name)}", hint)
        return None
    if kind is TargetKind.RUN and name not in RUN_FIGURES:
        faults.add(where, f"{key_text(where)}: there is no run figure {name!r}", suggestion(name, RUN_FIGURES))
        return None
    return kind, name


def _named(path: KeyPath) -> str:
    return key_text(path) if path else "the threshold"


def _resembles(key: str) -> bool:
    return suggestion(key, KINDS).startswith("did you mean")


def _known_keys(entry: Mapping[str, Any], kind: TargetKind, path: KeyPath, faults: Faults) -> None:
    allowed = tuple(bound.value for bound in BOUNDS[kind])
    every = tuple(bound.value for bound in Bound)
    options = SAFETY_OPTIONS if kind is TargetKind.SAFETY else OPTIONS
    for key in entry:
        where = (*path, key)
        if key in every and key not in allowed:
            hint = f"{kind}: takes {', '.join(allowed)}"
            faults.add(where, f"{key_text(where)} cannot be asked of {_word(kind)}", hint)
        elif key not in (*allowed, kind.value, *options):
            hint = suggestion(key, [*allowed, *options])
            faults.add(where, unknown_key(where), hint)
    # a misspelt bound was just reported; to say as well that there is none would only confuse
    if not any(key in every for key in entry) and all(key in (*KINDS, *options) for key in entry):
        hint = f"add one of {', '.join(allowed)}"
        faults.add(path, f"{_named(path)} has no bound, so it could never fail", hint)


def _word(kind: TargetKind) -> str:
    return {TargetKind.METRIC: "a metric", TargetKind.SAFETY: "a safety category", TargetKind.RUN: "a run figure"}[kind]


def _amounts(
    entry: Mapping[str, Any], target: tuple[TargetKind, str], path: KeyPath, faults: Faults
) -> list[tuple[Bound, Amount]]:
    kind, name = target
    found = []
    for bound in BOUNDS[kind]:
        if bound.value not in entry:
            continue
        where = (*path, bound.value)
        try:
            value = amount(entry[bound.value])
            check_amount(value, kind, name, bound)
            found.append((bound, value))
        except AmountError as error:
            faults.add(where, f"{key_text(where)} {error}", error.hint)
    return found


def _slice(entry: Mapping[str, Any], path: KeyPath, faults: Faults) -> SliceChoice | None:
    if "slice" not in entry:
        return None
    raw, where = entry["slice"], (*path, "slice")
    if raw == "each":
        return SliceChoice()
    if not isinstance(raw, dict) or len(raw) != 1:
        hint = "write {language: de}, {language: each}, or each"
        faults.add(where, f"{key_text(where)} must be one column with one value, not {_slice_shown(raw)}", hint)
        return None
    ((column, value),) = raw.items()
    if isinstance(value, int) and not isinstance(value, bool):
        value = str(value)
    if not isinstance(value, str) or not value:
        where = (*where, column)
        faults.add(where, f"{key_text(where)} must be a text, not {shown(value)}", "put the value in quotes")
        return None
    return SliceChoice(column) if value == "each" else SliceChoice(column, value)


def _slice_shown(raw: Any) -> str:
    return f"{len(raw)} columns" if isinstance(raw, dict) else shown(raw)


def _choice(entry: Mapping[str, Any], key: str, known: Iterable[str], path: KeyPath, faults: Faults) -> str | None:
    if key not in entry:
        return None
    raw, words = entry[key], [str(word) for word in known]
    if isinstance(raw, str) and raw in words:
        return raw
    where = (*path, key)
    hint = suggestion(raw, words) if isinstance(raw, str) else f"known: {', '.join(words)}"
    faults.add(where, f"{key_text(where)} must be {' or '.join(words)}, not {shown(raw)}", hint)
    return None
