"""The cases of a finished run, read once: their ids and contents as digests in memory, some 100 bytes each, all else on disk."""

from __future__ import annotations

import hashlib
import json
from array import array
from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from evalgate.core.canonical import canonical_parsed
from evalgate.core.errors import BadInput, Problem
from evalgate.core.values import Arm
from evalgate.golden.spooled_rows import TemporaryLines
from evalgate.pipeline.staging_runs import RunCases, open_run

_BYTES = 16
_ENCODER = json.JSONEncoder(ensure_ascii=False)
Places = NDArray[np.int64]


@dataclass(frozen=True, slots=True)
class RunRow:
    """One case of a run."""

    id: str
    content: Mapping[str, Any]
    """What must be the same for two cases to be the same: inputs, references, group, and the slices that were asked for."""
    answer: Mapping[str, Any]
    """Of the run's candidate, as its shard has it."""


class RunRows:
    """The cases of one run, found by their place; `close` gives the disk space back."""

    def __init__(self, folder: Path, slices: tuple[str, ...]) -> None:
        """Read a run.

        Raises: BadInput when the folder holds no finished run, or one that answered each case several times, lacks a slice or has
            a case twice; Incomplete when the disk refuses.
        """
        self.run: RunCases = open_run(folder)
        if self.run.samples != 1:
            hint = "compare runs with samples: 1"
            raise BadInput(f"the run has {self.run.samples} answers to each case", where=str(folder), hint=hint)
        self._lines = TemporaryLines()
        self._starts = array("q", [0])
        with ExitStack() as failed:
            failed.callback(self.close)
            self._read(folder, slices)
            failed.pop_all()

    def _read(self, folder: Path, slices: tuple[str, ...]) -> None:
        keys, contents = bytearray(), bytearray()
        self._answers = hashlib.sha256(
            b"[" + canonical_parsed(self.run.verdict["variants"]["candidate"]["prompt_digest"]) + b",["
        )
        for case_id, details, _ in self.run.chosen("all"):
            content = _content(details, slices, folder)
            keys += _digest(case_id.encode("utf-8", "surrogatepass"))
            contents += _digest(canonical_parsed(content))
            text = canonical_parsed([case_id, details[Arm.CANDIDATE]["text"]])
            self._answers.update(text if len(self._starts) == 1 else b"," + text)
            self._put([case_id, content, details[Arm.CANDIDATE]])
        self._answers.update(b"]]")
        self.keys, self.contents = (np.frombuffer(bytes(found), dtype=f"S{_BYTES}") for found in (keys, contents))
        if len(np.unique(self.keys)) != len(self):
            raise BadInput("a case occurs twice in the run", where=str(folder), hint="was the folder edited?")

    def __len__(self) -> int:
        """How many cases."""
        return len(self._starts) - 1

    @property
    def answers_digest(self) -> str:
        """Over the prompt and the text of every answer: of the canonical JSON `[prompt digest, [[id, text], …]]`."""
        return "sha256:" + self._answers.hexdigest()

    def row(self, place: int) -> RunRow:
        """The case at a place.

        Raises: Incomplete when the disk refuses.
        """
        return RunRow(*json.loads(self._lines.read(self._starts[place], self._starts[place + 1])))

    def rows(self, places: Sequence[int]) -> Iterator[RunRow]:
        """The cases at some places."""
        return (self.row(place) for place in places)

    def close(self) -> None:
        """Give the disk space back."""
        self._lines.close()

    def _put(self, value: Any) -> None:
        self._lines.add(_ENCODER.encode(value).encode("utf-8", "surrogatepass"))
        self._starts.append(self._lines.size)


@dataclass(frozen=True, slots=True)
class Shared:
    """Places of the cases that are the same in two runs, in the order of the second; and of those that are not."""

    first: Places
    second: Places
    changed: tuple[Places, Places]
    """In either run: the id is in the other one too, with other content."""
    missing: tuple[Places, Places]
    """In either run: the id is not in the other one."""


def shared_places(first: RunRows, second: RunRows) -> Shared:
    """Find the cases that two runs have in common, by the digests of their ids and contents."""
    order = np.argsort(first.keys, kind="stable")
    at = np.minimum(np.searchsorted(first.keys[order], second.keys), len(order) - 1)
    place = order[at]
    known = first.keys[place] == second.keys
    same = known & (first.contents[place] == second.contents)
    kept = np.zeros(len(first), dtype=bool)
    kept[place[same]] = True
    met = np.zeros(len(first), dtype=bool)
    met[place[known]] = True
    return Shared(
        first=place[same],
        second=np.flatnonzero(same),
        changed=(np.flatnonzero(met & ~kept), np.flatnonzero(known & ~same)),
        missing=(np.flatnonzero(~met), np.flatnonzero(~known)),
    )


def _digest(data: bytes) -> bytes:
    return hashlib.blake2b(data, digest_size=_BYTES).digest()


def _content(details: Mapping[str, Any], slices: tuple[str, ...], folder: Path) -> dict[str, Any]:
    missing = [column for column in slices if column not in details["slices"]]
    if missing:
        hint = f"slices of that run: {', '.join(details['slices']) or 'none'}"
        raise BadInput([Problem(f"the run has no slice {column!r}", str(folder), hint) for column in missing])
    return {
        "inputs": details["inputs"],
        "references": details["references"],
        "group": details["group"],
        "slices": {column: details["slices"][column] for column in slices},
    }
