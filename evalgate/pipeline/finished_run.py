"""The record of a finished run, read back from its folder: what every later report is made from."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

from evalgate.core.canonical import digest_bytes
from evalgate.core.errors import BadInput
from evalgate.core.files import open_for_reading
from evalgate.core.record import RunRecord
from evalgate.core.record_file import RECORD, record_from
from evalgate.core.strict_json import parse_json
from evalgate.evidence.manifest import MANIFEST, VERDICT, root_digest, without_products
from evalgate.evidence.manifest import SCHEMA as MANIFEST_SCHEMA
from evalgate.evidence.verdict_document import verdict_document

LIMIT = 1 << 30
HINT = "restore the folder as the run left it, or run the gate again"
_MEMBERS = {"document": VERDICT, "manifest": MANIFEST, "environment": "run.json"}
_SCHEMAS = {VERDICT: "evalgate.verdict/1", MANIFEST: MANIFEST_SCHEMA, "run.json": "evalgate.environment/1"}


def read_record(folder: Path) -> RunRecord:
    """Read what a finished run knows; nothing is measured or judged again.

    Its documents must belong together: the record holds the figures and decisions that verdict.json holds, under the root
    digest of manifest.json, and no file differs from what the manifest says of it. That does not prove that they are true:
    `evalgate verify` does.

    Raises: BadInput for a folder without a finished run, or with a damaged or foreign document.
    """
    if not (folder / VERDICT).is_file():
        hint = "name the folder of a finished run: reports/<gate>/<run-id>, or what --out named"
        raise BadInput("no finished run: verdict.json is not there", where=str(folder), hint=hint)
    if not (folder / RECORD).is_file():
        hint = "run the gate again: this version keeps one"
        raise BadInput(f"the run keeps no record: {RECORD} is not there", where=str(folder), hint=hint)
    texts = {name: _bytes(folder / name) for name in (*_MEMBERS.values(), RECORD)}
    values = {name: _value(text, folder / name) for name, text in texts.items()}
    where = str(folder / RECORD)
    record = record_from(values[RECORD], {member: values[name] for member, name in _MEMBERS.items()}, where)
    try:
        _require_agreement(record, texts, folder)
    except (ValueError, TypeError, KeyError, AttributeError, ArithmeticError) as error:
        raise BadInput(f"the record of the run cannot be used: {error}", where=where, hint=HINT) from error
    return replace(record, manifest=without_products(record.manifest))


def _bytes(path: Path) -> bytes:
    with open_for_reading(path, str(path)) as handle:
        data: bytes = handle.read(LIMIT + 1)
    if len(data) > LIMIT:
        raise BadInput(f"larger than {LIMIT >> 30} GiB", where=str(path))
    return data


def _value(text: bytes, path: Path) -> Any:
    try:
        value = parse_json(text.decode("utf-8"))
    except ValueError as error:
        raise BadInput(f"not valid JSON: {error}", where=str(path), hint=HINT) from error
    schema = _SCHEMAS.get(path.name)
    if schema is not None and not (isinstance(value, dict) and value.get("schema") == schema):
        hint = f"another version of evalgate wrote it, or it was edited: {HINT}"
        raise BadInput(f"not a document {schema}", where=str(path), hint=hint)
    return value


def _require_agreement(record: RunRecord, texts: Mapping[str, bytes], folder: Path) -> None:
    if where := _difference(verdict_document(record.verdict, record.identity), record.document, ""):
        said = f"does not say what verdict.json says ({where}): one of them was edited, or is of another run"
        raise BadInput(said, where=str(folder / RECORD), hint=HINT)
    sealed = record.manifest
    if not sealed["root"] == root_digest(sealed["materials"], sealed["results"]) == record.identity.manifest_digest:
        said = "is not the manifest that verdict.json is about: one of them was edited, or is of another run"
        raise BadInput(said, where=str(folder / MANIFEST), hint=HINT)
    for name, text in texts.items():
        if name != MANIFEST and sealed["products"].get(name) != digest_bytes(text):
            raise BadInput("is not the file that the run wrote: it was edited", where=str(folder / name), hint=HINT)


def _difference(expected: Any, found: Any, where: str) -> str:
    """Where a document lacks what it must hold, as `thresholds.0.verdict`; members beside it are none of this."""
    if isinstance(expected, Mapping) and isinstance(found, Mapping):
        for key, value in expected.items():
            place = f"{where}.{key}" if where else str(key)
            if key not in found:
                return place
            if inner := _difference(value, found[key], place):
                return inner
        return ""
    if isinstance(expected, (list, tuple)) and isinstance(found, list) and len(expected) == len(found):
        pairs = enumerate(zip(expected, found, strict=True))
        return next((inner for i, (a, b) in pairs if (inner := _difference(a, b, f"{where}.{i}"))), "")
    same = expected is found or (type(expected) is not bool and expected == found)
    return "" if same else where
