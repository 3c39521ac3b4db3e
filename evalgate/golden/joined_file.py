"""One file beside the first one of a comparison: read in step while the order is the same, put on disk when it is not."""

from __future__ import annotations

from abc import ABC, abstractmethod
from array import array
from collections.abc import Iterator, Mapping
from itertools import islice
from pathlib import Path
from typing import Any, Generic, Protocol, TypeVar

from evalgate.core.errors import BadInput, Problem
from evalgate.core.values import Output
from evalgate.golden.cases import IdRegister, id_text
from evalgate.golden.outputs import Columns, cell, id_column, output_column, output_of
from evalgate.golden.reference_files import SHOWN_IDS, mismatch, reference_column
from evalgate.golden.spooled_rows import SpooledRows, id_key, repeated_keys
from evalgate.golden.tables import Row, read_rows

T = TypeVar("T")


class Content(Protocol):
    """What takes in every row of a file for its digest."""

    def add(self, fields: Mapping[str, Any], canonical: bytes = b"") -> None:
        """Take in the next row."""


class FileRows(ABC, Generic[T]):
    """The rows of one file with their ids, up to its first fault, which is kept instead of raised."""

    def __init__(self, path: Path, columns: Columns, content: Content) -> None:
        self.path = path
        self.id_column = id_column(path, columns)
        self.content = content
        self.rows = 0
        """Rows that were good."""
        self.problems: list[Problem] = []

    @abstractmethod
    def made(self, row: Row) -> T:
        """What a row is read for.

        Raises: BadInput for a row that cannot be used.
        """

    @abstractmethod
    def nothing(self) -> Problem | None:
        """What is wrong when the file was read to its end and holds nothing to compare."""

    def __iter__(self) -> Iterator[tuple[str, Row, T]]:
        try:
            for row in read_rows(self.path):
                self.content.add(row.fields, row.canonical)
                made = self.made(row)
                case_id = id_text(cell(row, self.id_column), row.place)
                self.rows += 1
                yield case_id, row, made
        except BadInput as error:
            self.problems.extend(error.problems)

    def faults(self, keys: array[int]) -> list[Problem]:
        """Everything wrong with the file by itself, after its last row; `keys` are those of its ids."""
        problems = [*self._repeated(repeated_keys(keys)), *self.problems]
        if not problems:
            problems.extend(filter(None, [self.nothing()]))
        return problems

    def _repeated(self, suspects: dict[int, int]) -> tuple[Problem, ...]:
        """Ids that occur twice: two keys can be equal by chance, so the file is read again to be sure and to name the places."""
        register, met = IdRegister(), 0
        try:
            for row in islice(read_rows(self.path), self.rows if suspects else 0):
                case_id = id_text(cell(row, self.id_column), row.place)
                if id_key(case_id) in suspects:
                    met += 1
                    register.take(case_id, row.place)
        except BadInput as error:
            return error.problems
        if met != sum(suspects.values()):
            return (Problem("the file changed while it was read", str(self.path), "run again"),)
        return ()


class ReferenceRows(FileRows[Any]):
    """References: one value a row."""

    def __init__(self, path: Path, columns: Columns, content: Content) -> None:
        super().__init__(path, columns, content)
        self.column = reference_column(path, columns)
        self._blank = path.suffix.lower() == ".txt"

    def made(self, row: Row) -> Any:
        """The reference.

        Raises: BadInput when the row has no such column.
        """
        value = cell(row, self.column)
        self._blank = self._blank and not value.strip()
        return value

    def nothing(self) -> Problem | None:
        """No rows, or a text of blank lines."""
        hint = "a comparison needs at least one case"
        return Problem("the file has 0 references", str(self.path), hint) if self._blank or not self.rows else None


class OutputRows(FileRows[Output]):
    """Outputs of one variant."""

    def __init__(self, path: Path, columns: Columns, content: Content) -> None:
        super().__init__(path, columns, content)
        self.column = output_column(path, columns)
        self._labels = columns.labels

    def made(self, row: Row) -> Output:
        """The output.

        Raises: BadInput for a missing column, or a figure that is no number.
        """
        return output_of(row, self.column, self._labels)

    def nothing(self) -> Problem | None:
        """No rows."""
        return None if self.rows else Problem("the file has 0 outputs", str(self.path))


class JoinedFile(Generic[T]):
    """Finds the row of each case; in memory are 8 bytes a row, or some 40 once the order was another."""

    def __init__(self, rows: FileRows[T], first_keys: array[int]) -> None:
        self.rows = rows
        self._first_keys = first_keys
        self._coming = iter(rows)
        self._in_step = 0
        """So many rows of both files have the same ids in the same order."""
        self._keys: array[int] = array("q")
        """Keys of the ids after those."""
        self._spool: SpooledRows | None = None
        self._missing: list[str] = []
        self._missed = 0

    def take(self, case_id: str) -> tuple[T] | None:
        """What the row of the next case says; None when there is none, which `faults` then tells.

        Raises: Incomplete when the disk refuses.
        """
        if self._spool is None:
            item = next(self._coming, None)
            if item is not None and item[0] == case_id:
                self._in_step += 1
                return (item[2],)
            self._spool = self._spooled(item)
        row = self._spool.take(case_id)
        if row is not None:
            return (self.rows.made(row),)
        self._missed += 1
        if len(self._missing) < SHOWN_IDS:
            self._missing.append(case_id)
        return None

    def faults(self, cases: int | None, first: str) -> list[Problem]:
        """Everything wrong, after the last case; `cases` in the file named `first`, None when that is not known."""
        extra, extras = self._spool.left(SHOWN_IDS) if self._spool is not None else (0, [])
        for case_id, _, _ in self._coming:
            self._keys.append(id_key(case_id))
            extra += 1
            extras = [*extras, case_id] if extra <= SHOWN_IDS else extras
        problems = self.rows.faults(self._first_keys[: self._in_step] + self._keys)
        if problems or cases is None:
            return problems
        return mismatch((self._missed, self._missing), (extra, extras), cases, first, self.rows.path.name)

    def close(self) -> None:
        """Give the disk space back."""
        if self._spool is not None:
            self._spool.close()

    def _spooled(self, item: tuple[str, Row, T] | None) -> SpooledRows:
        self._spool = spool = SpooledRows()
        while item is not None:
            spool.add(item[0], item[1])
            self._keys.append(id_key(item[0]))
            item = next(self._coming, None)
        spool.seal(self._keys)
        return spool
