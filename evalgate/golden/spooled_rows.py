"""Rows of a file whose order is not that of the cases: on disk, found by id, some 35 bytes of memory a row."""

from __future__ import annotations

import json
import tempfile
from array import array
from bisect import bisect_left
from collections.abc import Iterator
from contextlib import suppress
from itertools import islice
from typing import IO

from evalgate.core.errors import Incomplete, Problem
from evalgate.golden.cases import folded_id
from evalgate.golden.tables import Row

_BLOCK = 1 << 20
_ENCODER = json.JSONEncoder(ensure_ascii=False)


def id_key(text: str) -> int:
    """64 bits that are equal for ids that could be taken for equal, and seldom for others; differs between processes."""
    return hash(folded_id(text))


class TemporaryLines:
    """A temporary file of lines; no other program sees it, and it is gone when it is closed or the process ends."""

    def __init__(self) -> None:
        self._file: IO[bytes] | None = None
        self.size = 0
        """Bytes so far."""

    def add(self, line: bytes) -> None:
        """Write one line; its end is added.

        Raises: Incomplete when the disk refuses.
        """
        try:
            if self._file is None:
                self._file = tempfile.TemporaryFile()  # noqa: SIM115 - closed by `close`
            self._file.write(line + b"\n")
        except OSError as error:
            raise _refused(error) from error
        self.size += len(line) + 1

    def read(self, start: int, end: int) -> bytes:
        """The bytes between two offsets.

        Raises: Incomplete when the disk refuses.
        """
        assert self._file is not None, "nothing was written"
        try:
            self._file.seek(start)
            return self._file.read(end - start)
        except OSError as error:
            raise _refused(error) from error

    def blocks(self) -> Iterator[bytes]:
        """All of it, a piece at a time."""
        for start in range(0, self.size, _BLOCK):
            yield self.read(start, min(start + _BLOCK, self.size))

    def close(self) -> None:
        """Give the disk space back."""
        if self._file is not None:
            with suppress(OSError):  # what could not be written is not needed any more
                self._file.close()


class SpooledRows:
    """Rows that were read before their turn."""

    def __init__(self) -> None:
        self._lines = TemporaryLines()
        self._starts = array("q", [0])
        self._order: array[int] = array("q")
        """Row numbers, ordered by key."""
        self._sorted: array[int] = array("q")
        self._taken = bytearray()

    def add(self, case_id: str, row: Row) -> None:
        """Put one row away.

        Raises: Incomplete when the disk refuses.
        """
        # Not the canonical form, which writes 1.0 as 1.
        self._lines.add(_ENCODER.encode([case_id, row.place, row.fields]).encode("utf-8"))
        self._starts.append(self._lines.size)

    def seal(self, keys: array[int]) -> None:
        """Make the index, after the last row, from the key of every row."""
        import numpy as np

        found = np.array(keys, dtype=np.int64)
        order = np.argsort(found, kind="stable").astype(np.int64)
        self._order.frombytes(order.tobytes())
        self._sorted.frombytes(found[order].tobytes())
        self._taken = bytearray(len(keys))

    def take(self, case_id: str) -> Row | None:
        """The row of a case, which is then no longer left over; None when there is none.

        Raises: Incomplete when the disk refuses.
        """
        key = id_key(case_id)
        at = bisect_left(self._sorted, key)
        while at < len(self._sorted) and self._sorted[at] == key:
            number = self._order[at]
            found, row = self._row(number)
            if found == case_id:
                self._taken[number] = 1
                return row
            at += 1
        return None

    def left(self, most: int) -> tuple[int, list[str]]:
        """How many rows nobody took, and the ids of the first ones."""
        numbers = (number for number, taken in enumerate(self._taken) if not taken)
        return self._taken.count(0), [self._row(number)[0] for number in islice(numbers, most)]

    def close(self) -> None:
        """Give the disk space back."""
        self._lines.close()

    def _row(self, number: int) -> tuple[str, Row]:
        case_id, place, fields = json.loads(self._lines.read(self._starts[number], self._starts[number + 1]))
        return case_id, Row(fields, place)


def repeated_keys(keys: array[int]) -> dict[int, int]:
    """Keys that occur more than once, and how often."""
    import numpy as np

    found = np.sort(np.array(keys, dtype=np.int64))
    again, counts = np.unique(found[1:][found[1:] == found[:-1]], return_counts=True)
    return {key: count + 1 for key, count in zip(again.tolist(), counts.tolist(), strict=True)}


def _refused(error: OSError) -> Incomplete:
    hint = "free space, or set TMPDIR to another folder"
    return Incomplete(Problem(f"the rest of a file cannot be written: {error.strerror}", tempfile.tempdir or "TMPDIR", hint))
