"""`evalgate report FOLDER`: the history of every gate whose runs lie in a folder, as one page."""

from __future__ import annotations

import math
import os
import re
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any
from urllib.parse import quote

from evalgate.core.canonical import digest_bytes
from evalgate.core.errors import BadInput
from evalgate.core.files import open_for_reading, write_whole
from evalgate.core.settings import Bound, Level, TargetKind, Threshold
from evalgate.core.strict_json import parse_json
from evalgate.core.values import Severity
from evalgate.core.verdict import Decision, Interval, ThresholdResult
from evalgate.evidence.manifest import root_digest, verdict_digest
from evalgate.report import figures
from evalgate.report.history import PastRun, RunState
from evalgate.report.history_page import render_history

INDEX = "index.html"
DEPTH = 4
"""Folders below the given one in which runs are looked for: `<gate>/<run-id>` needs two."""
LIMIT = 64 << 20
"""Bytes of one document of a run."""
_MARKS = ("verdict.json", "plan.json", "record.json", "run.json", ".lock")
_TIME = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\+00:00", re.ASCII)
_COUNTED = frozenset({Bound.MAX_NEWLY_FAILING, Bound.MAX_NEW, Bound.MAX_INCREASE})
_FAULTS = (ValueError, TypeError, KeyError, AttributeError, ArithmeticError)
_NO_VERDICT = "no verdict.json: the run is under way, was interrupted, or could not be completed"


def is_run(folder: Path) -> bool:
    """Whether a folder is one of a run, finished or not."""
    return folder.is_dir() and any(os.path.lexists(folder / name) for name in _MARKS)


def is_finished(folder: Path) -> bool:
    """Whether a folder holds a finished run, to which nothing may be added. A manifest.json alone is many other things."""
    return (folder / "verdict.json").is_file() and (folder / "manifest.json").is_file()


def history_page(folder: Path, seen_from: Path) -> str:
    """The page over every run below a folder; links are relative to the folder `seen_from`, where the page will lie.

    Raises: BadInput when there is no run, or the folder cannot be read.
    """
    runs = read_history(folder, seen_from)
    if not runs:
        hint = "name the folder of a finished run, or one with runs in it, such as reports/"
        raise BadInput("no finished run, and none in the folders below", where=str(folder), hint=hint)
    return render_history(runs, folder.resolve().name or "runs")


def write_history(folder: Path, out: Path) -> Path:
    """Write the page as a file.

    Raises: BadInput when there is no run, or the place is inside the folder of a run, which is evidence.
    """
    root = folder.resolve()
    if any(is_finished(parent) or (root in parent.parents and is_run(parent)) for parent in out.resolve().parents):
        said = "the folder of a run is evidence, to which nothing is added"
        raise BadInput(said, where=str(out), hint="choose another place")
    write_whole(out, history_page(folder, out.parent))
    return out


def read_history(folder: Path, seen_from: Path) -> tuple[PastRun, ...]:
    """Every run below a folder, in the order of their places; one that cannot be read is among them and says why.

    Raises: BadInput when the folder itself cannot be read.
    """
    if not folder.is_dir():
        raise BadInput("is not a folder", where=str(folder), hint="name the folder of a run, or one with runs in it")
    return tuple(_past_run(path, folder, seen_from, fault) for path, fault in _run_folders(folder, DEPTH))


def _run_folders(folder: Path, depth: int) -> Iterator[tuple[Path, str]]:
    """Run folders, each with what keeps it from being looked at, if something does."""
    try:
        paths = sorted(folder.iterdir())
        folders = [path for path in paths if path.is_dir() and not path.name.startswith(".")]
    except OSError as error:
        yield folder, f"the folder cannot be read: {error.strerror}"
        return
    for path in folders:
        if is_run(path):
            yield path, "it is a link, which is not followed" if path.is_symlink() else ""
        elif depth > 1 and not path.is_symlink():
            yield from _run_folders(path, depth - 1)


def _past_run(path: Path, folder: Path, seen_from: Path, fault: str) -> PastRun:
    place = path.relative_to(folder).as_posix()
    unread = PastRun(_text(place), _text(path.parent.name), RunState.DAMAGED, fault)
    if fault:
        return unread
    try:
        ended = _document(path, "run.json").get("ended")
        at = ended if isinstance(ended, str) and _TIME.fullmatch(ended) else None
        if not os.path.lexists(path / "verdict.json"):
            gate = str(_document(path, "plan.json").get("gate", unread.gate))
            return PastRun(unread.place, gate, RunState.UNFINISHED, _NO_VERDICT, at=at)
        return _finished(path, unread.place, at, _link(path, seen_from))
    except BadInput as error:
        problem = error.problems[0]
        name = Path(problem.where or "").name
        return _damaged(unread, f"{name}: {problem.message}")
    except _FAULTS as error:
        return _damaged(unread, f"verdict.json is not one of this version: {type(error).__name__}: {error}")


def _damaged(unread: PastRun, note: str) -> PastRun:
    return PastRun(unread.place, unread.gate, RunState.DAMAGED, _text(note))


def _finished(path: Path, place: str, at: str | None, link: str | None) -> PastRun:
    verdict, bytes_digest = _document(path, "verdict.json", needed=True), digest_bytes(_bytes(path / "verdict.json"))
    sealed = _document(path, "manifest.json", needed=True)
    if sealed["products"]["verdict.json"] != bytes_digest or verdict["evidence"]["manifest_digest"] != sealed["root"]:
        raise BadInput("is not the file that manifest.json names: it was edited, or is of another run", where="verdict.json")
    root = root_digest(sealed["materials"], sealed["results"])
    if sealed["root"] != root or sealed["results"]["verdict"] != verdict_digest(verdict):
        raise BadInput("does not say what the root of manifest.json is over: it was edited", where="verdict.json")
    decision = Decision(verdict["verdict"])
    if verdict["exit_code"] is not int(decision.exit_code):
        raise BadInput("its exit code is not that of its verdict", where="verdict.json")
    dataset, candidate = verdict["dataset"], verdict["variants"]["candidate"]
    return PastRun(
        place=place,
        gate=str(verdict["gate"]),
        state=RunState.FINISHED,
        link=link,
        run_id=str(verdict["run_id"]),
        at=at,
        verdict=decision.value,
        reason=str(verdict["reason"]),
        candidate=str(candidate["prompt"]),
        model=str(candidate["model"]),
        dataset=f"{dataset['name']}@{dataset['version']}",
        mode=str(verdict.get("mode", "")),
        attempt=_attempt(path),
        thresholds=tuple(_threshold(one, verdict["metrics"]) for one in verdict["thresholds"]),
    )


def _threshold(entry: Mapping[str, Any], metrics: Mapping[str, Any]) -> tuple[ThresholdResult, str]:
    kind, _, name = entry["target"].partition(":")
    written = entry["value"]
    bound, severity, share = Bound(entry["bound"]), entry.get("severity"), written.strip().endswith("%")
    value = float(written.strip().removesuffix("%")) / (100 if share else 1)
    if not math.isfinite(value):
        raise ValueError(f"the bound {written!r} is no number")
    threshold = Threshold(
        kind=TargetKind(kind),
        name=name,
        bound=bound,
        value=value,
        relative=share and kind == TargetKind.METRIC,
        text=written,
        level=Level(entry["level"]),
        implicit=bool(entry.get("implicit")),
        severity=None if severity is None else Severity(severity),
    )
    part = None if entry["slice"] is None else str(entry["slice"])
    interval = _interval(entry["ci"])
    found = ThresholdResult(
        threshold, part, _number(entry["observed"]), interval, Decision(entry["verdict"]), str(entry["reason"])
    )
    return found, _unit(threshold, share, metrics)


def _unit(threshold: Threshold, share: bool, metrics: Mapping[str, Any]) -> str:
    if share or threshold.target == "run:error_rate":
        return figures.SHARE
    if threshold.kind is not TargetKind.METRIC or threshold.bound in _COUNTED:
        return figures.COUNT
    return str(metrics.get(threshold.name, {}).get("unit", ""))


def _interval(ends: Any) -> Interval | None:
    if ends is None:
        return None
    low, high = (_number(end) for end in ends)
    if low is None or high is None:
        return None
    if low > high:
        raise ValueError("an interval ends before it begins")
    return Interval(low, high)


def _number(value: Any) -> float | None:
    if value is None:
        return None
    if type(value) not in (int, float):
        raise ValueError(f"{str(value)[:40]!r} is no number")
    return float(value)


def _attempt(path: Path) -> int | None:
    """Which attempt it was; nothing rests on it, so what cannot be read is left out."""
    try:
        number = _document(path, "attempts.json").get("number")
    except BadInput:
        return None
    return number if type(number) is int and 0 < number < 1 << 53 else None


def _link(path: Path, seen_from: Path) -> str | None:
    report = path / "report.html"
    if not report.is_file():
        return None
    relative = os.path.relpath(report.resolve().parent, seen_from.resolve())
    return "./" + quote(os.fsencode(Path(relative, report.name).as_posix()), safe="/")


def _document(path: Path, name: str, *, needed: bool = False) -> Mapping[str, Any]:
    """A document of a run as a mapping; an empty one where it is not there and need not be."""
    place = path / name
    if not needed and not os.path.lexists(place):
        return {}
    try:
        value = parse_json(_bytes(place).decode("utf-8"))
    except ValueError as error:
        raise BadInput(f"not valid JSON: {error}", where=name) from error
    if not isinstance(value, dict):
        raise BadInput("not a JSON object", where=name)
    return value


def _bytes(place: Path) -> bytes:
    try:
        with open_for_reading(place, place.name) as handle:
            data: bytes = handle.read(LIMIT + 1)
    except OSError as error:
        raise BadInput(f"cannot be read: {error.strerror}", where=place.name) from error
    if len(data) > LIMIT:
        raise BadInput(f"larger than {LIMIT >> 20} MiB", where=place.name)
    return data


def _text(value: str) -> str:
    """A name from the file system as text; bytes that are no UTF-8 are shown as such."""
    return os.fsencode(value).decode("utf-8", "backslashreplace")
