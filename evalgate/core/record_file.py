"""record.json: what a finished run knows, so that every report can be made again from its folder without measuring anything."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from dataclasses import fields, replace
from pathlib import Path
from typing import Any, get_type_hints

from evalgate.core.errors import BadInput
from evalgate.core.record import ArmRecord, CaseRecord, RunRecord
from evalgate.core.typed_json import plain_value, read_typed

RECORD = "record.json"
SCHEMA = "evalgate.record/1"
_PLACES = ("place", "dataset_place")
_OTHER_FILES = ("document", "manifest", "environment")
"""Members that stand in files of their own: verdict.json, manifest.json, run.json."""


def record_text(record: RunRecord) -> str:
    """The text of record.json; members stay in their order, which reports follow.

    It is masked as the reports are, without places of this machine, addresses or credentials.
    """
    settings = record.settings
    if settings.path is not None:
        whole, root = settings.path.resolve(), settings.root.resolve()
        path = whole.relative_to(root) if whole.is_relative_to(root) else Path(settings.path.name)
        record = replace(record, settings=replace(settings, path=path))
    own = [f.name for f in fields(record) if f.name not in _OTHER_FILES]
    members = {name: plain_value(getattr(record, name)) if name != "cases" else _cases(record.cases) for name in own}
    members["settings"] = _placed(members["settings"], f"{settings.root.as_posix()}/")
    return json.dumps({"schema": SCHEMA, **members}, ensure_ascii=False, allow_nan=False) + "\n"


def _cases(cases: Iterable[CaseRecord]) -> list[dict[str, Any]]:
    """The same as `plain_value` of them: thousands of cases have too many members to look at the type of each."""
    return [
        {
            **{name: getattr(case, name) for name in _CASE},
            "inputs": plain_value(case.inputs),
            "references": plain_value(case.references),
            "baseline": _arm(case.baseline),
            "candidate": _arm(case.candidate),
            "masks": case.masks,
        }
        for case in cases
    ]


def _arm(arm: ArmRecord) -> dict[str, Any]:
    return {
        "messages": arm.messages,
        "text": arm.text,
        "status": arm.status.value,
        "error": arm.error,
        "request_key": arm.request_key,
        "latency_ms": arm.latency_ms,
        "scores": dict(arm.scores),
        "findings": plain_value(arm.findings) if arm.findings else (),
        "found": plain_value(arm.found) if arm.found else (),
        "found_texts": arm.found_texts,
        "marks": plain_value(arm.marks) if arm.marks else (),
    }


_CASE = ("id", "movement", "newly_violating", "change", "slices", "group")


def _placed(value: Any, root: str) -> Any:
    """Places as paths of the project: a record must not depend on where a checkout stands."""
    if isinstance(value, dict):
        return {
            key: item.removeprefix(root) if key in _PLACES and isinstance(item, str) else _placed(item, root)
            for key, item in value.items()
        }
    return [_placed(item, root) for item in value] if isinstance(value, list) else value


def record_from(value: Any, others: Mapping[str, Mapping[str, Any]], where: str) -> RunRecord:
    """Read a record; `others` are the contents of its other files: `document`, `manifest` and `environment`.

    Raises: BadInput when it is not what this version of evalgate wrote.
    """
    try:
        if not isinstance(value, dict) or value.get("schema") != SCHEMA:
            found = value.get("schema") if isinstance(value, dict) else type(value).__name__
            raise ValueError(f"its schema is {found!r}, not {SCHEMA}")
        hints = get_type_hints(RunRecord)
        own = {name: item for name, item in value.items() if name != "schema"}
        unknown = sorted(set(own) - (set(hints) - set(_OTHER_FILES)))
        if unknown:
            raise ValueError(f"it has the unknown member {unknown[0]!r}")
        members: dict[str, Any] = {name: read_typed(hints[name], item, name) for name, item in own.items()}
        return RunRecord(**members, **others)  # type: ignore[arg-type]
    except (ValueError, TypeError) as error:
        hint = "it was written by another version, or edited: run the gate again"
        raise BadInput(f"the record of the run cannot be read: {error}", where=where, hint=hint) from error
