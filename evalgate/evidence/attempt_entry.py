"""What the history of a gate keeps of one attempt, and how it is written and read back as strict JSON."""

from __future__ import annotations

import math
import re
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from enum import StrEnum
from typing import Any, TypeVar

from evalgate.core.settings import Bound, Decide, Level, SliceChoice, TargetKind, Threshold
from evalgate.core.values import ARMS, Severity
from evalgate.core.verdict import Decision

FORMAT = "evalgate.attempt/1"
MAX_TEXT = 1_000
"""Characters of any text in an entry; longer ones are cut when they are written, and refused when they are read."""
MAX_ITEMS = 5_000
"""Thresholds, metrics or detectors in an entry."""
MAX_NUMBER = 1_000_000_000
"""The highest number of an attempt."""
MAX_WHOLE = 2**53 - 1
_Word = TypeVar("_Word", bound=StrEnum)
_RUN_ID = re.compile(r"[0-9a-f]{12}")
_DIGEST = re.compile(r"sha256:[0-9a-f]{64}")
_TIME = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\+00:00", re.ASCII)


@dataclass(frozen=True, slots=True)
class Side:
    """One variant of an attempt."""

    prompt: str
    """As configured; for `compare` the name of the file with the outputs."""
    prompt_digest: str
    model: str
    """Provider, name and parameters, to be read."""
    model_digest: str
    """Over everything of the model that is part of a request."""


@dataclass(frozen=True, slots=True)
class Entry:
    """One attempt: what was judged, by which rules, and what came of it."""

    number: int
    run_id: str
    at: str
    """When it was judged, ISO 8601, UTC, whole seconds."""
    engine: str
    """Version of evalgate."""
    gate: str
    dataset_name: str
    dataset_version: str
    dataset_digest: str
    mode: str
    """`replay`, `mock`, `live`, or `files` for `compare`."""
    variants: Mapping[str, Side]
    """`baseline` and `candidate`."""
    recording: str | None
    """Digest of the answers; None for `compare`."""
    metrics: Mapping[str, str]
    """Metric → digest of its definition."""
    safety: Mapping[str, str]
    """Safety category → digest of its detector's definition."""
    group: str | None
    """Column whose values make one unit of several cases; None: each case is one."""
    slices: tuple[str, ...]
    samples: int
    confidence: float
    seed: int
    resamples: int | None
    thresholds: tuple[Threshold, ...]
    """As they were in force, with those that always are."""
    verdict: Decision
    waivers: Mapping[str, str] | None = None
    """What a waiver in force is about → digest of it; None: the gate has no allow file."""

    @property
    def of(self) -> tuple[str, str]:
        """What attempts are counted by: gate and name of the dataset."""
        return self.gate, self.dataset_name


def document_of(entry: Entry) -> dict[str, Any]:
    """An entry as JSON; `entry_of` gives it back."""
    return {
        "format": FORMAT,
        "number": entry.number,
        "run_id": entry.run_id,
        "at": entry.at,
        "engine": _clipped(entry.engine),
        "gate": _clipped(entry.gate),
        "dataset": {
            "name": _clipped(entry.dataset_name),
            "version": _clipped(entry.dataset_version),
            "digest": entry.dataset_digest,
        },
        "mode": _clipped(entry.mode),
        "variants": {arm: {k: _clipped(v) for k, v in asdict(side).items()} for arm, side in entry.variants.items()},
        "recording": entry.recording,
        "metrics": {_clipped(name): digest for name, digest in entry.metrics.items()},
        "safety": {_clipped(name): digest for name, digest in entry.safety.items()},
        "group": _clip_or_none(entry.group),
        "slices": [_clipped(one) for one in entry.slices],
        "samples": entry.samples,
        "confidence": entry.confidence,
        "seed": entry.seed,
        "resamples": entry.resamples,
        "thresholds": [_written_threshold(one) for one in entry.thresholds],
        "verdict": str(entry.verdict),
        "exit_code": int(entry.verdict.exit_code),
        **({} if entry.waivers is None else {"waivers": {_clipped(name): one for name, one in entry.waivers.items()}}),
    }


def entry_of(value: Any) -> Entry:
    """Read an entry that anybody may have written.

    Raises: ValueError saying what is wrong with it.
    """
    if not isinstance(value, dict):
        raise ValueError("is not an object")
    if value.get("format") != FORMAT:
        raise ValueError("has an unknown format")
    waived = "waivers" in value
    fields = _fields(value, (*_KEYS, "waivers") if waived else _KEYS, "the line")
    dataset = _fields(fields["dataset"], ("name", "version", "digest"), "dataset")
    sides = _fields(fields["variants"], tuple(map(str, ARMS)), "variants")
    verdict = _word(fields["verdict"], Decision, "verdict")
    if fields["exit_code"] != int(verdict.exit_code) or isinstance(fields["exit_code"], bool):
        raise ValueError("exit_code does not belong to the verdict")
    confidence = _number(fields["confidence"], "confidence")
    if not 0.5 < confidence < 1:
        raise ValueError("confidence is out of range")
    return Entry(
        number=_whole(fields["number"], "number", least=1, most=MAX_NUMBER),
        run_id=_matching(fields["run_id"], _RUN_ID, "run_id"),
        at=_matching(fields["at"], _TIME, "at"),
        engine=_text(fields["engine"], "engine"),
        gate=_text(fields["gate"], "gate"),
        dataset_name=_text(dataset["name"], "dataset name"),
        dataset_version=_text(dataset["version"], "dataset version"),
        dataset_digest=_matching(dataset["digest"], _DIGEST, "dataset digest"),
        mode=_text(fields["mode"], "mode"),
        variants={arm: _side(side, arm) for arm, side in sides.items()},
        recording=None if fields["recording"] is None else _matching(fields["recording"], _DIGEST, "recording"),
        metrics=_digests(fields["metrics"], "metrics"),
        safety=_digests(fields["safety"], "safety"),
        group=None if fields["group"] is None else _text(fields["group"], "group"),
        slices=_texts(fields["slices"], "slices"),
        samples=_whole(fields["samples"], "samples", least=1),
        confidence=confidence,
        seed=_whole(fields["seed"], "seed"),
        resamples=None if fields["resamples"] is None else _whole(fields["resamples"], "resamples"),
        thresholds=_thresholds(fields["thresholds"]),
        verdict=verdict,
        waivers=_digests(fields["waivers"], "waivers") if waived else None,
    )


_KEYS = (
    "format", "number", "run_id", "at", "engine", "gate", "dataset", "mode", "variants", "recording", "metrics", "safety",
    "group", "slices", "samples", "confidence", "seed", "resamples", "thresholds", "verdict", "exit_code",
)  # fmt: skip
_THRESHOLD_KEYS = ("target", "bound", "slice", "text", "value", "relative", "level", "decide", "implicit")


def _written_threshold(one: Threshold) -> dict[str, Any]:
    choice = one.slice
    return {
        "target": _clipped(one.target),
        "bound": str(one.bound),
        "slice": None if choice is None else {"column": _clip_or_none(choice.column), "value": _clip_or_none(choice.value)},
        "text": _clipped(one.text),
        "value": one.value,
        "relative": one.relative,
        "level": str(one.level),
        "decide": str(one.decide),
        "implicit": one.implicit,
        **({} if one.severity is None else {"severity": str(one.severity)}),
    }


def _thresholds(value: Any) -> tuple[Threshold, ...]:
    if not isinstance(value, list) or len(value) > MAX_ITEMS:
        raise ValueError("thresholds is not a list that can be read")
    found = tuple(_threshold(one) for one in value)
    if len({(one.subject, one.bound, one.slice) for one in found}) != len(found):
        raise ValueError("a threshold is given twice")
    return found


def _threshold(value: Any) -> Threshold:
    narrowed = isinstance(value, dict) and "severity" in value
    fields = _fields(value, (*_THRESHOLD_KEYS, "severity") if narrowed else _THRESHOLD_KEYS, "a threshold")
    kind, _, name = _text(fields["target"], "target").partition(":")
    choice = fields["slice"]
    if choice is not None:
        found = _fields(choice, ("column", "value"), "slice")
        column, part = (None if one is None else _text(one, "slice") for one in (found["column"], found["value"]))
        if column is None and part is not None:
            raise ValueError("a slice has a value and no column")
        choice = SliceChoice(column, part)
    for key in ("relative", "implicit"):
        if not isinstance(fields[key], bool):
            raise ValueError(f"{key} is not true or false")
    return Threshold(
        kind=_word(kind, TargetKind, "target"),
        name=name,
        bound=_word(fields["bound"], Bound, "bound"),
        value=_number(fields["value"], "value"),
        relative=fields["relative"],
        text=_text(fields["text"], "text"),
        slice=choice,
        level=_word(fields["level"], Level, "level"),
        decide=_word(fields["decide"], Decide, "decide"),
        implicit=fields["implicit"],
        severity=_word(fields["severity"], Severity, "severity") if narrowed else None,
    )


def _side(value: Any, arm: str) -> Side:
    fields = _fields(value, ("prompt", "prompt_digest", "model", "model_digest"), arm)
    return Side(
        prompt=_text(fields["prompt"], "prompt"),
        prompt_digest=_matching(fields["prompt_digest"], _DIGEST, "prompt_digest"),
        model=_text(fields["model"], "model"),
        model_digest=_matching(fields["model_digest"], _DIGEST, "model_digest"),
    )


def _fields(value: Any, keys: tuple[str, ...], what: str) -> dict[str, Any]:
    if not isinstance(value, dict) or set(value) != set(keys):
        raise ValueError(f"{what} does not have the fields it should have")
    return value


def _digests(value: Any, what: str) -> dict[str, str]:
    if not isinstance(value, dict) or len(value) > MAX_ITEMS:
        raise ValueError(f"{what} is not an object that can be read")
    return {_text(name, what): _matching(one, _DIGEST, what) for name, one in value.items()}


def _texts(value: Any, what: str) -> tuple[str, ...]:
    if not isinstance(value, list) or len(value) > MAX_ITEMS:
        raise ValueError(f"{what} is not a list that can be read")
    return tuple(_text(one, what) for one in value)


def _text(value: Any, what: str) -> str:
    if not isinstance(value, str) or len(value) > MAX_TEXT:
        raise ValueError(f"{what} is not a text of at most {MAX_TEXT} characters")
    return value


def _word(value: Any, words: type[_Word], what: str) -> _Word:
    if value not in tuple(map(str, words)):
        raise ValueError(f"{what} is an unknown word")
    return words(value)


def _matching(value: Any, pattern: re.Pattern[str], what: str) -> str:
    if pattern.fullmatch(_text(value, what)) is None:
        raise ValueError(f"{what} does not have its form")
    return str(value)


def _whole(value: Any, what: str, *, least: int = 0, most: int = MAX_WHOLE) -> int:
    if not isinstance(value, int) or isinstance(value, bool) or not least <= value <= most:
        raise ValueError(f"{what} is not a whole number from {least} to {most}")
    return value


def _number(value: Any, what: str) -> float:
    if isinstance(value, bool) or not isinstance(value, (int, float)) or abs(value) > MAX_WHOLE or not math.isfinite(value):
        raise ValueError(f"{what} is not a number")
    return float(value)


def _clipped(text: str) -> str:
    return text if len(text) <= MAX_TEXT else text[: MAX_TEXT - 1] + "…"


def _clip_or_none(text: str | None) -> str | None:
    return None if text is None else _clipped(text)
