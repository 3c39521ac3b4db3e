"""What the reference files of a comparison are: a dataset without a card of its own, joined to outputs by id."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from evalgate.core.errors import Problem
from evalgate.golden.card import Card
from evalgate.golden.outputs import Columns, id_column
from evalgate.golden.tables import TEXT_COLUMN

SHOWN_IDS = 5


def references_card(paths: Sequence[Path], columns: Columns, slices: tuple[str, ...], group: str | None) -> Card:
    """The card of a dataset that is made of reference files: what each of their columns is for."""
    extra = tuple(f"reference {number}" for number in range(2, len(paths) + 1))
    return Card(
        name=paths[0].stem,
        version="-",
        data=paths[0],
        id_column=id_column(paths[0], columns),
        inputs=(),
        reference=(reference_column(paths[0], columns), *extra),
        slices=slices,
        group=group,
        schema={},
        rows=None,
        digest=None,
        fields={"name": paths[0].stem, "version": "-", "files": [path.name for path in paths]},
    )


def reference_column(path: Path, columns: Columns) -> str:
    """The column with the reference: the whole line in `.txt`."""
    return TEXT_COLUMN if path.suffix.lower() == ".txt" else columns.reference


def mismatch(
    missing: tuple[int, Sequence[str]], extra: tuple[int, Sequence[str]], cases: int, expected_name: str, found_name: str
) -> list[Problem]:
    """What to say about cases without a row and rows without a case, each as their number and the ids of the first ones."""
    problems = []
    if missing[0]:
        problems.append(Problem(f"{missing[0]} of {cases} cases have no row: {_some(*missing)}", found_name))
    if extra[0]:
        problems.append(Problem(f"{extra[0]} rows have no case in {expected_name}: {_some(*extra)}", found_name))
    if problems:
        problems.append(Problem("every case needs its reference and both outputs, joined by id", hint="see --id-field"))
    return problems


def _some(count: int, ids: Sequence[str]) -> str:
    return ", ".join(ids[:SHOWN_IDS]) + (" …" if count > SHOWN_IDS else "")
