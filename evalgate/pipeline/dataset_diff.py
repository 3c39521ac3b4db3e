"""`evalgate dataset diff`: two versions of a golden dataset, and the version number that the changes deserve."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any, TextIO

from evalgate.config.strict_yaml import read_document
from evalgate.core.canonical import canonical_json, json_line
from evalgate.core.errors import BadInput, Problem
from evalgate.golden.card import parse_card
from evalgate.golden.dataset_diff import CaseChange, DatasetDiff, DatasetVersion, FieldChange, SideFacts, diff_datasets
from evalgate.golden.dataset_diff_version import advise
from evalgate.golden.locate import card_path
from evalgate.golden.sources import card_rows
from evalgate.report.dataset_diff_words import word_pieces

SCHEMA = "evalgate.dataset_diff/1"
SHOWN = 50
"""Cases of each kind that are shown with their texts, unless asked otherwise."""


def dataset_diff(before: str, after: str, root: Path, limit: int = SHOWN) -> dict[str, Any]:
    """Compare two versions of a golden dataset, each `name@version` or the path of a card.

    Returns: the document `evalgate.dataset_diff/1`: ids of all cases that differ, with the texts of the first `limit` of
        each kind.
    Raises: BadInput when a version cannot be read; both are tried, so that everything wrong is said at once.
    """
    versions: list[DatasetVersion] = []
    problems: list[Problem] = []
    for reference in (before, after):
        try:
            versions.append(dataset_version(reference, root))
        except BadInput as error:
            problems += error.problems
    if problems:
        raise BadInput(problems)
    return diff_document(diff_datasets(versions[0], versions[1], limit), limit)


def dataset_version(reference: str, root: Path) -> DatasetVersion:
    """Open one version by `name@version` or by the path of its card.

    Raises: BadInput when there is none, or its card is faulty.
    """
    path = card_path(reference, root=root, base=root)
    card = parse_card(read_document(path), path.parent)
    return DatasetVersion(card, lambda: card_rows(card))


def diff_document(diff: DatasetDiff, limit: int) -> dict[str, Any]:
    """A comparison as the document that every form of it is made from."""
    labels = [change for change in diff.changed if change.touches("reference")]
    counts = {
        "before": diff.before.cases,
        "after": diff.after.cases,
        "added": len(diff.added),
        "removed": len(diff.removed),
        "changed": len(diff.changed),
        "moved": len(diff.moved),
        "renamed": len(diff.renamed),
        "unchanged": diff.after.cases - len(diff.added) - len(diff.changed),
        "label_changes": len(labels),
        "label_changes_alone": sum(not change.touches("input") for change in labels),
        "input_changes": sum(change.touches("input") for change in diff.changed),
    }
    kinds = ("added", "removed", "changed")
    return {
        "schema": SCHEMA,
        "before": _side(diff.before),
        "after": _side(diff.after),
        "empty": diff.is_empty,
        "counts": counts,
        "added": [_lone(one, diff.rows_after) for one in diff.added],
        "removed": [_lone(one, diff.rows_before) for one in diff.removed],
        "changed": [_changed(change, diff) for change in diff.changed],
        "moved": list(diff.moved),
        "renamed": [{"before": old, "after": new} for old, new in diff.renamed],
        "slices": _slices(diff.before, diff.after),
        "card": [
            {"key": c.key, "structure": c.structure, "before": _plain(c.before), "after": _plain(c.after)} for c in diff.card
        ],
        "version": _version(diff),
        "texts": {"limit": limit, "left_out": {kind: max(0, counts[kind] - limit) for kind in kinds}},
    }


def check_version(document: Mapping[str, Any]) -> None:
    """Hold the second version's number, and both locks, against what was found.

    Raises: BadInput when the number is too small a step for the changes, or the data is not what its card is locked to.
    """
    version = document["version"]
    problems: list[Problem] = []
    if not version["satisfied"]:
        asked = f"the changes ask for a {version['suggested']} version"
        why = "; ".join(reason["text"] for reason in version["reasons"][:3])
        said = f"{asked}, {version['before']} to {version['after']} is {_step_words(version['actual'])}"
        advice = f"call it {version['next']}" if version["next"] else "number versions as MAJOR.MINOR.PATCH"
        problems.append(Problem(said + (f" ({why})" if why else ""), document["after"]["card"], advice))
    for side in (document["before"], document["after"]):
        if side["lock"] == "differs":
            hint = "a locked version never changes: undo it, or give the change a version of its own"
            problems.append(Problem("the data is not what its card was locked to", side["card"], hint))
        elif side["lock"] == "not locked":
            problems.append(Problem("the card is not locked", side["card"], "evalgate dataset lock"))
    if problems:
        raise BadInput(problems)


def print_diff(document: Mapping[str, Any], stream: TextIO) -> None:
    """Print a comparison as tables; colour only on a terminal."""
    from evalgate.report.dataset_diff_table import print_dataset_diff

    print_dataset_diff(document, stream)


def markdown_diff(document: Mapping[str, Any]) -> str:
    """A comparison as Markdown for a pull request."""
    from evalgate.report.dataset_diff_markdown import render_dataset_diff

    return render_dataset_diff(document)


def _step_words(actual: str) -> str:
    return {"none": "no step at all", "backwards": "a step back", "not comparable": "no step that can be judged"}.get(
        actual, f"a {actual} step"
    )


def _side(side: SideFacts) -> dict[str, Any]:
    return {
        "name": side.card.name,
        "version": side.card.version,
        "card": _shown_path(side.card.path),
        "digest": side.digest,
        "cases": side.cases,
        "lock": side.lock,
    }


def _shown_path(path: Path | None) -> str:
    if path is None:
        return ""
    root = Path.cwd().resolve()
    resolved = path.resolve()
    return resolved.relative_to(root).as_posix() if resolved.is_relative_to(root) else str(path)


def _lone(case_id: str, rows: Mapping[str, Mapping[str, Any]]) -> dict[str, Any]:
    return {"id": case_id, "fields": dict(rows[case_id])} if case_id in rows else {"id": case_id}


def _changed(change: CaseChange, diff: DatasetDiff) -> dict[str, Any]:
    old, new = diff.rows_before.get(change.id), diff.rows_after.get(change.id)
    return {"id": change.id, "fields": [_field(one, old, new) for one in change.fields]}


def _field(change: FieldChange, old: Mapping[str, Any] | None, new: Mapping[str, Any] | None) -> dict[str, Any]:
    entry: dict[str, Any] = {"name": change.name, "role": change.role, "kind": change.kind}
    if old is None or new is None:
        return entry
    before, after = old.get(change.name), new.get(change.name)
    if change.kind != "added":
        entry["before"] = before
    if change.kind != "removed":
        entry["after"] = after
    if change.kind == "changed":
        pieces = word_pieces(_words(before), _words(after))
        entry["words"] = None if pieces is None else [list(piece) for piece in pieces]
    return entry


def _words(value: Any) -> str:
    return value if isinstance(value, str) else json_line(value).strip()


def _slices(before: SideFacts, after: SideFacts) -> list[dict[str, Any]]:
    found = []
    for column in sorted({*before.slices, *after.slices}):
        old, new = before.slices.get(column), after.slices.get(column)
        values = [
            {"value": value, "before": _share(old, value, before.cases), "after": _share(new, value, after.cases)}
            for value in sorted({*(old or ()), *(new or ())})
        ]
        found.append({"column": column, "values": values})
    return found


def _share(counts: Mapping[str, int] | None, value: str, cases: int) -> dict[str, Any] | None:
    if counts is None:
        return None
    count = counts.get(value, 0)
    return {"cases": count, "share": float(f"{count / cases:.6g}")}


def _version(diff: DatasetDiff) -> dict[str, Any]:
    advice = advise(diff)
    return {
        "before": diff.before.card.version,
        "after": diff.after.card.version,
        "suggested": advice.suggested,
        "next": advice.next,
        "actual": advice.actual,
        "satisfied": advice.satisfied,
        "reasons": [{"level": reason.level, "text": reason.text} for reason in advice.reasons],
    }


def _plain(value: Any) -> Any:
    try:
        canonical_json(value)
    except ValueError:  # a date in a free note of the card
        return str(value)
    return value
