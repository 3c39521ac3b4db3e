"""What reading all cases came to, kept in a run folder: a run that was killed need not read the same files once more."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol, runtime_checkable

from evalgate.core.canonical import pretty_json
from evalgate.core.files import write_whole
from evalgate.core.strict_json import parse_json
from evalgate.core.typed_json import plain_value, read_typed
from evalgate.runner.case_lines import CaseWriter, cases_path, digest_of_cases
from evalgate.runner.job import ShardTask, shard_rows

READING_FILE = Path("work", "reading.json")
SCHEMA = "evalgate.reading/1"
WORTH_KEEPING = 16
"""Shards from which on reading takes longer than looking whether it can be left out."""


@runtime_checkable
class Rereadable(Protocol):
    """Cases whose files can be recognised by their bytes, so that reading them again would give the same."""

    def fingerprint(self) -> str | None:
        """Digest of the files' bytes and of how they are read; None where a file cannot be read, or changed meanwhile."""
        ...

    def came_to(self) -> Mapping[str, Any]:
        """What is known once every case was read, as JSON."""
        ...

    def restore(self, came_to: Mapping[str, Any]) -> None:
        """Know the same without reading.

        Raises: ValueError when it is not what `came_to` gave.
        """
        ...


@dataclass(frozen=True, slots=True)
class Reading:
    """Everything a run learns while it reads its cases."""

    fingerprint: str
    program: str
    """Digest of the program that read them."""
    tasks: tuple[ShardTask, ...]
    slice_values: Mapping[str, tuple[str, ...]]
    came_to: Mapping[str, Any]


def read_tasks(
    writer: CaseWriter, source: Rereadable, tasks: Iterator[ShardTask], program: Callable[[], str]
) -> Iterator[ShardTask]:
    """The tasks of all cases: as they were read before, where their files and those of the cases are still the same; else
    as they are read now, which is then kept if there are many. `program` gives the digest of the program.

    Raises: what reading raises.
    """
    kept = _kept(writer.folder, source, program)
    if kept is not None:
        writer.rows = sum(task.rows for task in kept.tasks)
        writer.slice_values = {column: set(values) for column, values in kept.slice_values.items()}
        yield from kept.tasks
        return
    done = []
    for task in tasks:
        done.append(task)
        yield task
    fingerprint = source.fingerprint() if len(done) >= WORTH_KEEPING else None
    if fingerprint is not None:
        values = {column: tuple(sorted(found)) for column, found in writer.slice_values.items()}
        reading = Reading(fingerprint, program(), tuple(done), values, source.came_to())
        write_whole(writer.folder / READING_FILE, pretty_json({"schema": SCHEMA, **plain_value(reading)}))


def has_reading(folder: Path) -> bool:
    """Whether a run folder holds what a reading came to."""
    return (folder / READING_FILE).is_file()


def _kept(folder: Path, source: Rereadable, program: Callable[[], str]) -> Reading | None:
    """What was read before, restored, if it is of the same files, by the same program, and every case is still where it was."""
    try:
        value = parse_json((folder / READING_FILE).read_text(encoding="utf-8"))
        if not isinstance(value, dict) or value.pop("schema", None) != SCHEMA:
            return None
        reading: Reading = read_typed(Reading, value, "reading")
        if not reading.tasks or (reading.fingerprint, reading.program) != (source.fingerprint(), program()):
            return None
        found = (digest_of_cases(cases_path(folder, one.shard).read_bytes()) for one in reading.tasks)
        whole = _complete(reading) and all(one.cases == cases for one, cases in zip(reading.tasks, found, strict=True))
        if whole:
            source.restore(reading.came_to)
    except (OSError, ValueError):
        return None  # damaged or missing means: not read
    return reading if whole else None


def _complete(reading: Reading) -> bool:
    """Whether the tasks are all shards in their order, of the sizes that shards have, and hold as many cases as were read."""
    first = 0
    for shard, task in enumerate(reading.tasks):
        last = shard == len(reading.tasks) - 1
        fits = 0 < task.rows <= shard_rows(shard) if last else task.rows == shard_rows(shard)
        if (task.shard, task.first) != (shard, first) or not fits:
            return False
        first += task.rows
    return reading.came_to.get("rows") == first
