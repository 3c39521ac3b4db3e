"""The run folder: locked while in use, cleared of an earlier run's results, never mistaken for one that is complete."""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from evalgate.core.canonical import pretty_json
from evalgate.core.errors import BadInput, EvalgateError
from evalgate.core.files import write_whole
from evalgate.core.lock import locked
from evalgate.core.refusal import NO_SPACE, refusal_hint, refused, shown_place
from evalgate.pipeline.time_spent import PROFILE
from evalgate.report.catalog import FILES
from evalgate.runner.reading import has_reading

PLAN = "plan.json"
LOCK = ".lock"
RESULTS = (
    "verdict.json",
    *FILES,
    "manifest.json",
    "run.json",
    "attempts.json",
    "health.json",
    "record.json",
    PROFILE,
)
SIGNATURES = ("attestation.dsse.json", "approvals")
"""Made after a run, about its root; they stay when the run is made again, and speak of it as long as its root is the same."""
OWN = frozenset((*RESULTS, *SIGNATURES, PLAN, LOCK, "attempts.jsonl", "shards", "work"))


@contextmanager
def opened(folder: Path, *, fresh: bool = False) -> Iterator[Path]:
    """Lock a run folder for one run.

    Results of an earlier run are removed first, so that no stale verdict can be read as this run's; shards are kept, and
    their receipts say whether they are of any use.

    Raises: BadInput when the folder is something else, or another run holds it.
    Side effects: creates the folder and `.lock`, which is removed at the end; work files are removed at a good end.
    """
    check_writable(folder, own=True)
    with locked(folder / LOCK, "wait for it, or choose another --out"):
        _clear(folder, fresh)
        yield folder
        shutil.rmtree(folder / "work", ignore_errors=True)


def write_plan(folder: Path, plan: Mapping[str, Any]) -> None:
    """Write down what is judged, by which rules: as soon as it is known, which may be when the last case was read."""
    write_whole(folder / PLAN, pretty_json(plan))


def check_writable(folder: Path, *, own: bool) -> None:
    """Refuse a place in which no run folder can be made, before anything is paid for.

    `own`: whether it is the run folder itself, and not the folder of a gate's runs.

    Raises: BadInput.
    Side effects: creates the folder.
    """
    if own:
        _check_owned(folder)
    try:
        folder.mkdir(parents=True, exist_ok=True)
        probe = folder / f".probe.{os.getpid()}"
        probe.write_bytes(b"")
        probe.unlink()
    except OSError as error:
        raise _refused(error, folder) from error


def _refused(error: OSError, folder: Path) -> EvalgateError:
    """The place is bad input, as nothing was done yet; a disk without space is not."""
    said = "cannot be made a run folder"
    if error.errno in NO_SPACE:
        return refused(error, folder, said)
    return BadInput(f"{said}: {error.strerror}", where=shown_place(folder), hint=refusal_hint(error, folder))


def _check_owned(folder: Path) -> None:
    try:
        folder.exists()
    except OSError as error:  # a name that no folder can have
        raise _refused(error, folder) from error
    if folder.exists() and not folder.is_dir():
        raise BadInput("is a file, not a folder", where=str(folder), hint="choose another --out")
    if folder.is_dir():
        foreign = sorted(p.name for p in folder.iterdir() if p.name not in OWN and not p.name.startswith("."))
        if foreign and not (folder / PLAN).is_file():
            raise BadInput(f"holds other files ({', '.join(foreign[:3])})", where=str(folder), hint="choose an empty --out")


def _clear(folder: Path, fresh: bool) -> None:
    # A run that was killed while it wrote a file leaves a part of it behind.
    for name in (*RESULTS, PLAN, *(path.name for path in folder.glob(".*.part"))):
        (folder / name).unlink(missing_ok=True)
    if fresh:
        shutil.rmtree(folder / "shards", ignore_errors=True)
    if fresh or not has_reading(folder):
        shutil.rmtree(folder / "work", ignore_errors=True)
