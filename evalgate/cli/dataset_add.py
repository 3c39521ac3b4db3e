"""`evalgate dataset add`."""

from __future__ import annotations

import argparse
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from evalgate.cli.output import tell, tell_lines
from evalgate.core.canonical import pretty_json
from evalgate.core.errors import BadInput
from evalgate.core.visible import terminal_line

if TYPE_CHECKING:
    from evalgate.pipeline.dataset_add import Staging

SHOWN = 20


def handle(options: argparse.Namespace) -> int:
    """Stage new cases for a person to label; 0 also when there is nothing new."""
    from evalgate.pipeline.dataset_add import Addition, stage_cases

    addition = Addition(
        dataset=options.dataset,
        source=Path(options.source),
        root=Path.cwd(),
        cases=options.cases,
        inputs=_mapping(options.input),
        output=options.output,
        limit=options.limit,
        dry_run=options.dry_run,
    )
    staging = stage_cases(addition)
    if options.json:
        return tell(0, pretty_json(staging.document(addition.root)), None, product=options.dry_run)
    lines = [] if options.quiet else _lines(staging, addition.root)
    return tell_lines(0, map(terminal_line, lines), product=options.dry_run)


def _mapping(pairs: Sequence[str]) -> dict[str, str]:
    mapping: dict[str, str] = {}
    for pair in pairs:
        column, equals, path = pair.partition("=")
        if not equals or not column or not path:
            raise BadInput(f"{pair!r} is not COLUMN=FIELD", where="--input", hint="--input question=request.body.question")
        if column in mapping:
            raise BadInput(f"column {column!r} is given twice", where="--input")
        mapping[column] = path
    return mapping


def _lines(staging: Staging, root: Path) -> list[str]:
    document = staging.document(root)
    number, folder = len(document["staged"]), document["folder"]
    words = {
        "unusable": "unusable",
        "repeated": "repeated in the source",
        "nearly_repeated": "nearly repeated in the source",
        "in_dataset": "in the dataset already",
        "nearly_in_dataset": "nearly the same as a case that is there",
        "beyond_the_limit": "beyond the limit",
    }
    left = [f"{count} {words[kind]}" for kind, count in document["left_out"].items() if count]
    done = "staged" if document["written"] else "would be staged" if number else "nothing is new"
    lines = [f"{document['seen']} cases seen, {number} new: {done}" + (f" in {folder}" if number else "")]
    if left:
        lines.append(f"left out: {', '.join(left)}")
    lines += [f"  {entry['where']}: {entry['why']}" for entry in document["unusable"][:3]]
    masked = [f"{kind} in {count}" for kind, count in document["masked"].items()]
    if masked:
        lines.append(f"masked: {', '.join(masked)}; names and addresses of places are not found, read every text")
    if document["written"]:
        lines.append(f"next: fill every null in {folder}/cases.jsonl, and put its lines behind those of the last version,")
        lines.append("in the folder of a new one that you lock; docs/dataset-add.md shows the commands")
    elif number:
        shown = staging.harvest.staged[:SHOWN]
        lines += [f"  {case.provenance['id']}  {case.folded[:200]}" for case in shown]
        lines += [f"  and {number - len(shown)} more"] if number > len(shown) else []
    return lines
