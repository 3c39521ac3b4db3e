"""`evalgate dataset add`: stage new cases from a run or a production log, for a person to label."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from itertools import chain
from pathlib import Path
from typing import Any

from evalgate.core.errors import BadInput, Problem
from evalgate.core.files import write_whole
from evalgate.core.refusal import refused
from evalgate.golden.card import Card
from evalgate.golden.cases import read_cases
from evalgate.golden.dataset_diff import DatasetVersion
from evalgate.golden.dataset_diff_version import next_version, release_order
from evalgate.golden.locate import CARD, require_no_way_out
from evalgate.golden.staging import Harvest, gather_cases, leave_out_alike, staged_card, staged_lines
from evalgate.golden.staging_likeness import folded_inputs, text_key
from evalgate.golden.staging_logs import Found, LogFields, LogReader
from evalgate.golden.staging_masks import Masks
from evalgate.golden.tables import read_rows
from evalgate.pipeline.dataset_diff import dataset_version
from evalgate.pipeline.staging_runs import KINDS, found_in_run, open_run
from evalgate.proxy.redaction import Redactor

SCHEMA = "evalgate.dataset_staged/1"
STAGED_CASES = 500
"""Cases that are staged in one go, unless asked otherwise."""
SHOWN = 20


@dataclass(frozen=True, slots=True)
class Addition:
    """What to stage, and from where."""

    dataset: str
    """`name@version`, or the path of a card."""
    source: Path
    """Folder of a finished run, or a log file."""
    root: Path
    cases: str | None = None
    """Of a run: `regressed`, `newly_failing`, `violating` or `all`."""
    inputs: Mapping[str, str] = field(default_factory=dict)
    """Input column of the dataset → where it stands in the source: a dotted path, or the name of the run's input."""
    output: str | None = None
    """Where a log has the answer that was given, for whoever labels; None: the usual places."""
    limit: int = STAGED_CASES
    dry_run: bool = False


@dataclass(frozen=True, slots=True)
class Staging:
    """What was staged, or would be."""

    folder: Path
    version: str
    harvest: Harvest
    unusable: tuple[tuple[str, str], ...]
    written: bool

    def document(self, root: Path) -> dict[str, Any]:
        """The document `evalgate.dataset_staged/1`."""
        found = self.harvest
        return {
            "schema": SCHEMA,
            "folder": _relative(self.folder, root),
            "version": self.version,
            "written": self.written,
            "seen": found.seen + len(self.unusable),
            "staged": [case.row for case in found.staged],
            "provenance": [case.provenance for case in found.staged],
            "left_out": {
                "unusable": len(self.unusable),
                "repeated": found.repeated,
                "nearly_repeated": found.nearly_repeated,
                "in_dataset": found.in_dataset,
                "nearly_in_dataset": found.nearly_in_dataset,
                "beyond_the_limit": found.left,
            },
            "unusable": [{"where": where, "why": why} for where, why in self.unusable[:SHOWN]],
            "masked": dict(sorted(found.masked.items())),
        }


def stage_cases(addition: Addition) -> Staging:
    """Choose, mask and compare the cases of a source, and write what is new into a folder of its own.

    The folder is `<next version>-staged` beside the dataset's version; nothing that exists is changed. Its card is refused
    by every command until a person has filled in the labels and removed the card's `staged` line.

    Raises: BadInput for a source or a dataset that cannot be read, or a source without a single usable case.
    Side effects: writes `dataset.yaml`, `cases.jsonl` and `provenance.jsonl`, unless nothing is new or it is a dry run.
    """
    version = dataset_version(addition.dataset, addition.root)
    card, columns = version.card, _input_columns(version)
    folder, name = _place(card)
    known = {text_key(text) for text in _existing(version, folder.parent, columns)}
    unusable: list[tuple[str, str]] = []
    harvest = gather_cases(_found(addition, card, columns, unusable), card, columns, Masks(Redactor().text), known)
    if not harvest.seen:
        raise BadInput(_nothing(addition, unusable))
    leave_out_alike(harvest, _existing(version, folder.parent, columns), addition.limit)
    written = bool(harvest.staged) and not addition.dry_run
    if written:
        _write(folder, staged_card(card, name, _source(addition)), harvest)
    return Staging(folder, name, harvest, tuple(unusable), written)


def _input_columns(version: DatasetVersion) -> tuple[str, ...]:
    """The declared inputs; without any, those of the first case."""
    if version.card.inputs:
        return version.card.inputs
    for case in read_cases(version.card, version.rows()):
        return tuple(case.inputs)
    raise BadInput("the dataset has 0 cases", where=str(version.card.path))


def _found(addition: Addition, card: Card, columns: tuple[str, ...], unusable: list[tuple[str, str]]) -> Iterator[Found]:
    _refuse_unknown(addition.inputs, columns)
    if addition.source.is_dir():
        if addition.cases is None:
            raise BadInput("which cases of the run?", where=str(addition.source), hint=f"--cases {'|'.join(KINDS)}")
        if addition.output is not None:
            raise BadInput("the answers of a run are known", where="--output", hint="leave --output away")
        for found in found_in_run(open_run(addition.source), addition.cases, columns, addition.inputs):
            if isinstance(found, Found):
                yield found
            else:
                unusable.append((f"case {found}", f"lacks an input of the dataset ({', '.join(columns)})"))
        return
    if addition.cases not in (None, "all"):
        hint = "name the folder of a run, or leave --cases away"
        raise BadInput(f"a log does not say which cases are {addition.cases}", where=str(addition.source), hint=hint)
    others = tuple(dict.fromkeys((*card.slices, *((card.group,) if card.group else ()))))
    fields = LogFields(addition.inputs, addition.output)
    reader = LogReader(columns, tuple(o for o in others if o not in columns), fields, addition.source.name)
    yield from reader.read(read_rows(addition.source))
    unusable += reader.unusable


def _refuse_unknown(inputs: Mapping[str, str], columns: tuple[str, ...]) -> None:
    unknown = [column for column in inputs if column not in columns]
    if unknown:
        hint = f"input columns: {', '.join(columns)}"
        raise BadInput(f"the dataset has no input column {unknown[0]!r}", where="--input", hint=hint)


def _nothing(addition: Addition, unusable: list[tuple[str, str]]) -> Problem:
    if unusable:
        where, why = unusable[0]
        hint = "say where the inputs stand: --input COLUMN=FIELD, FIELD being a dotted path"
        return Problem(f"none of {len(unusable)} cases can be used: {why}", where, hint)
    kind = "case" if addition.cases in (None, "all") else f"{addition.cases} case"
    return Problem(f"no {kind} there", str(addition.source), None)


def _place(card: Card) -> tuple[Path, str]:
    """The folder of the staged cases and the version on their card: nothing stands there yet."""
    own = (card.path or card.data).parent
    versions = own.parent if own.name == card.version else own
    known = {card.version} | {path.parent.name for path in versions.glob(f"*/{CARD}")}
    highest = max((v for v in known if release_order(v) and "-" not in v), key=lambda v: release_order(v) or (), default=None)
    base = f"{(next_version(highest, 'minor') if highest else None) or card.version}-staged"
    number, version = 1, base
    while (versions / version).exists():
        number += 1
        version = f"{base}.{number}"
    return versions / version, version


def _existing(version: DatasetVersion, versions: Path, columns: tuple[str, ...]) -> Iterator[str]:
    """The folded inputs of the dataset's cases, and of those that were staged before."""
    for fields in chain((row.fields for row in version.rows()), _staged_before(versions)):
        if all(column in fields for column in columns):
            yield folded_inputs(fields, columns)


def _staged_before(versions: Path) -> Iterator[Mapping[str, Any]]:
    for path in sorted(versions.glob("*-staged*/cases.jsonl")):
        require_no_way_out(path, versions)
        for row in read_rows(path):
            yield row.fields


def _write(folder: Path, card: str, harvest: Harvest) -> None:
    rows, provenance = staged_lines(harvest.staged)
    try:
        folder.mkdir(parents=True)
    except OSError as error:
        raise refused(error, folder, "cannot be made, so nothing was staged") from error
    # The card first: from then on every command refuses the folder.
    write_whole(folder / CARD, card)
    write_whole(folder / "provenance.jsonl", provenance)
    write_whole(folder / "cases.jsonl", rows)


def _source(addition: Addition) -> str:
    kind = f"{addition.cases} cases of run" if addition.source.is_dir() else "log"
    return f"staged from {kind} {addition.source.name}"


def _relative(path: Path, root: Path) -> str:
    whole, base = path.resolve(), root.resolve()
    return whole.relative_to(base).as_posix() if whole.is_relative_to(base) else str(path)
