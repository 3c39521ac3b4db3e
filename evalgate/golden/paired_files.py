"""The files of a comparison read side by side: every case with its references and both outputs, in bounded memory."""

from __future__ import annotations

from array import array
from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from evalgate.core.canonical import digest, digest_file
from evalgate.core.errors import BadInput, Problem
from evalgate.core.values import ARMS, Case, Output
from evalgate.golden.card import Card
from evalgate.golden.case_digests import row_bytes
from evalgate.golden.cases import ContentDigest, checked_case
from evalgate.golden.joined_file import JoinedFile, OutputRows, ReferenceRows
from evalgate.golden.outputs import Columns
from evalgate.golden.reference_files import references_card
from evalgate.golden.spooled_rows import TemporaryLines, id_key
from evalgate.golden.tables import Row

Paired = tuple[Case, Mapping[str, tuple[Output, ...]]]
"""A case, and arm → its outputs."""


@dataclass(frozen=True, slots=True)
class ComparedFile:
    """One file of outputs, after it was read."""

    name: str
    digest: str


class PairedFiles:
    """Cases with both outputs, joined by id, in the order of the first reference file; one pass.

    Files in the same order are read in step and nothing of them is kept but 8 bytes an id. The rest of a file in another
    order goes to a temporary file, with some 40 bytes of memory a row; it is removed whatever happens.

    `card` is there at once; `rows`, `digest` (of all references) and `sides` are there after the last case.
    """

    card: Card
    rows: int
    digest: str
    sides: Mapping[str, ComparedFile]

    def __init__(
        self,
        references: Sequence[Path],
        baseline: Path,
        candidate: Path,
        columns: Columns,
        *,
        slices: tuple[str, ...],
        group: str | None,
    ) -> None:
        self.card = references_card(references, columns, slices, group)
        self._paths = (*references, baseline, candidate)
        self._how = [columns.id, columns.output, columns.reference, list(columns.labels), list(slices), group, len(references)]
        self._stamps = _stamps(self._paths)
        self._keys: array[int] = array("q")
        self._content = ContentDigest()
        self._first = ReferenceRows(references[0], columns, self._content)
        self._later = [_LaterContent() for _ in references[1:]]
        self._references = [
            JoinedFile(ReferenceRows(path, columns, content), self._keys)
            for path, content in zip(references[1:], self._later, strict=True)
        ]
        self._digests = {str(arm): ContentDigest() for arm in ARMS}
        self._outputs = {
            str(arm): JoinedFile(OutputRows(path, columns, self._digests[arm]), self._keys)
            for arm, path in zip(ARMS, (baseline, candidate), strict=True)
        }
        self._case_problems: tuple[Problem, ...] = ()

    def __iter__(self) -> Iterator[Paired]:
        """Read everything.

        Raises: BadInput at the end, with all that is wrong with any file: unreadable, no rows, a missing column, ids that
            repeat, rows without a case, cases without a row. Incomplete when the disk for temporary files refuses.
        """
        if hasattr(self, "rows"):
            raise RuntimeError("the files were read already")
        with ExitStack() as stack:
            for content in self._later:
                stack.callback(content.close)
            for file in (*self._references, *self._outputs.values()):
                stack.callback(file.close)
            yield from self._cases()
            self._finish()

    def fingerprint(self) -> str | None:
        """Digest of all files' bytes and of how they are read; None where one cannot be read, or changed since it was opened."""
        try:
            found = [[path.name, digest_file(path)] for path in self._paths]
        except OSError:
            return None
        same = self._stamps is not None and self._stamps == _stamps(self._paths)
        return digest([found, self._how]) if same else None

    def came_to(self) -> dict[str, Any]:
        """What is known after the last case."""
        sides = {arm: [side.name, side.digest] for arm, side in self.sides.items()}
        return {"rows": self.rows, "digest": self.digest, "sides": sides}

    def restore(self, came_to: Mapping[str, Any]) -> None:
        """Know what is known after the last case without reading, where the fingerprint is the same.

        Raises: ValueError when it is not what `came_to` gave.
        """
        try:
            sides = {str(arm): ComparedFile(*came_to["sides"][arm]) for arm in ARMS}
            rows, digest_ = int(came_to["rows"]), str(came_to["digest"])
        except (KeyError, TypeError) as error:
            raise ValueError("no summary of compared files") from error
        self.rows, self.digest, self.sides = rows, digest_, sides

    def _cases(self) -> Iterator[Paired]:
        whole = True
        for case_id, row, _ in self._first:
            self._keys.append(id_key(case_id))
            more = [file.take(case_id) for file in self._references]
            outputs = {arm: file.take(case_id) for arm, file in self._outputs.items()}
            case = None if None in more or self._case_problems else self._case(row, more)
            # After a fault there will be no verdict; the files are read on to find everything that is wrong.
            whole = whole and case is not None and None not in outputs.values()
            if whole:
                yield case, outputs  # type: ignore[misc]  # none is None

    def _case(self, row: Row, more: Sequence[Any]) -> Case | None:
        if more:
            named = {f"reference {number}": value for number, (value,) in enumerate(more, start=2)}
            row = Row({**row.fields, **named}, row.place)
        try:
            return checked_case(self.card, row)
        except BadInput as error:
            self._case_problems = error.problems
            return None

    def _finish(self) -> None:
        problems = self._first.faults(self._keys)
        cases = None if problems else self._first.rows
        name = self.card.data.name
        for reference in self._references:
            problems.extend(reference.faults(cases, name))
        problems.extend(self._case_problems)
        for output in self._outputs.values():
            problems.extend(output.faults(cases, name))
        if problems:
            raise BadInput(list(dict.fromkeys(problems)))
        for content in self._later:
            self._content.add_lines(content.blocks())
        self.rows, self.digest = self._first.rows, self._content.hexdigest()
        self.sides = {
            arm: ComparedFile(file.rows.path.name, self._digests[arm].hexdigest()) for arm, file in self._outputs.items()
        }


def _stamps(paths: Sequence[Path]) -> list[tuple[int, int, int]] | None:
    """What changes with a file; None where one is missing."""
    try:
        found = [path.stat() for path in paths]
    except OSError:
        return None
    return [(one.st_ino, one.st_size, one.st_mtime_ns) for one in found]


class _LaterContent(TemporaryLines):
    """The rows of a further reference file, whose part of the digest comes after that of the file before it."""

    def add(self, fields: Mapping[str, Any], canonical: bytes = b"") -> None:  # type: ignore[override]
        super().add(canonical or row_bytes(fields))
