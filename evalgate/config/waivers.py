"""The allow file: findings that a person has judged acceptable, each with owner, reason and a last day."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Mapping
from datetime import date, timedelta
from pathlib import Path
from typing import Any

from evalgate.config.faults import Faults, key_text, shown, unknown_key
from evalgate.config.strict_yaml import read_document
from evalgate.core.canonical import digest
from evalgate.core.document import Document, KeyPath
from evalgate.core.errors import BadInput
from evalgate.core.plugins import suggestion
from evalgate.core.waivers import Waiver, WaiverList

LONGEST = timedelta(days=366)
"""A waiver that nobody has to look at again is a hole in the gate."""
TEXT_LIMIT = 2_000
KEYS = ("category", "rule", "case", "hash", "owner", "reason", "expires")
_NEEDED = ("category", "owner", "reason", "expires")
_LIST = "waivers"
_DATE = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}\Z")
_HASH = re.compile(r"[0-9a-f]{16}\Z")
_CONTROL = re.compile(r"[\x00-\x1f\x7f]")
_EXAMPLE = "waivers: [{category: pii, case: c-17, owner: ana, reason: a made-up number, expires: 2026-12-31}]"


def read_waivers(path: Path, today: date, *, name: str | None = None) -> WaiverList:
    """Read an allow file and judge each waiver on a day.

    `name` is what messages call the file.

    Raises:
        BadInput: everything that is wrong with it at once, each with `file:line` and what to try.
    """
    document = read_document(path, name=name)
    faults = Faults(document)
    entries = _entries(document, faults)
    found = [_waiver(entry, (_LIST, at), today, faults) for at, entry in enumerate(entries)]
    _refuse_twice(found, faults)
    faults.raise_if_any()
    waivers = tuple(waiver for waiver in found if waiver is not None)
    gone = tuple(waiver.expires < today for waiver in waivers)
    return WaiverList(document.name, digest(document.value), waivers, gone, today)


def _entries(document: Document, faults: Faults) -> list[Any]:
    raw = document.value
    if not isinstance(raw, dict):
        raise BadInput(f"an allow file must be a mapping, not {shown(raw)}", where=document.place(), hint=f"write {_EXAMPLE}")
    for key in raw:
        if key != _LIST:
            faults.add((key,), unknown_key((key,)), suggestion(key, [_LIST]))
    if _LIST not in raw:
        faults.add((), f"{_LIST} is missing", f"write {_EXAMPLE}, or {_LIST}: [] for none")
        return []
    listed = raw[_LIST]
    if not isinstance(listed, list):
        faults.add((_LIST,), f"{_LIST} must be a list, not {shown(listed)}", f"write {_EXAMPLE}, or {_LIST}: [] for none")
        return []
    return [] if faults.too_many((_LIST,), listed) else listed


def _waiver(entry: Any, path: KeyPath, today: date, faults: Faults) -> Waiver | None:
    if not isinstance(entry, dict):
        faults.add(path, f"{key_text(path)} must be a mapping, not {shown(entry)}", f"such as {_EXAMPLE}")
        return None
    before = len(faults.found)
    for key in entry:
        if key not in KEYS:
            faults.add((*path, key), unknown_key((*path, key)), suggestion(key, KEYS))
    for key in _NEEDED:
        if key not in entry:
            faults.add(path, f"{key_text(path)}.{key} is missing", _WHY[key])
    texts = {key: _text(entry, key, path, faults) for key in KEYS if key in entry}
    _check_scope(entry, texts, path, faults)
    expires = _last_day(texts["expires"], (*path, "expires"), today, faults) if texts.get("expires") else None
    if len(faults.found) > before or expires is None:
        return None
    kept: dict[str, Any] = {key: text for key, text in texts.items() if key != "expires"}
    if "case" in kept:
        kept["case"] = unicodedata.normalize("NFC", kept["case"])
    return Waiver(**kept, expires=expires, place=faults.document.place(*path))


_WHY = {
    "category": "say which safety category it is about: category: pii",
    "owner": "say who answers for it: owner: ana",
    "reason": "say why the finding is acceptable: reason: the number is made up",
    "expires": "say until when it holds, at most a year ahead: expires: 2026-12-31",
}


def _text(entry: Mapping[str, Any], key: str, path: KeyPath, faults: Faults) -> str | None:
    raw, where = entry[key], (*path, key)
    if not isinstance(raw, str):
        hint = _WHY.get(key, "write a text; what looks like a number needs quotes")
        hint = "write a text; what looks like a number needs quotes" if isinstance(raw, int | float) else hint
        faults.add(where, f"{key_text(where)} must be a text, not {shown(raw)}", hint)
    elif not raw.strip():
        faults.add(where, f"{key_text(where)} is empty", _WHY.get(key, f"leave {key} out, or fill it in"))
    elif len(raw) > TEXT_LIMIT:
        faults.add(where, f"{key_text(where)} is too long ({len(raw):,} characters)", "shorten it")
    elif key != "reason" and _CONTROL.search(raw):
        faults.add(where, f"{key_text(where)} holds a line break or another control character", "write it on one line")
    else:
        return raw
    return None


def _check_scope(entry: Mapping[str, Any], texts: Mapping[str, str | None], path: KeyPath, faults: Faults) -> None:
    """A waiver is about one case or one text: a whole category cannot be waived."""
    if "case" not in entry and "hash" not in entry:
        hint = "add case: ID or hash: HASH, as the report lists them for each finding"
        faults.add(path, f"{key_text(path)} would waive every such finding in every case", hint)
    if texts.get("category") == "any":
        where = (*path, "category")
        faults.add(where, f"{key_text(where)}: any is no category", "write a waiver for each category")
    found = texts.get("hash")
    if found is not None and not _HASH.match(found):
        where = (*path, "hash")
        hint = "copy the 16 hexadecimal digits that the report lists for the finding"
        faults.add(where, f"{key_text(where)} is no hash of a finding: {shown(found)}", hint)


def _last_day(text: str | None, path: KeyPath, today: date, faults: Faults) -> date | None:
    try:
        day = date.fromisoformat(text) if text is not None and _DATE.match(text) else None
    except ValueError:
        day = None
    if day is None:
        faults.add(path, f"{key_text(path)} is no date: {shown(text)}", "write a real day as YYYY-MM-DD, such as 2026-12-31")
        return None
    if day > today + LONGEST:
        hint = f"write {today + timedelta(days=365)} or an earlier day; it can be prolonged when somebody has looked again"
        faults.add(path, f"{key_text(path)} is more than a year ahead: {day}", hint)
        return None
    return day


def _refuse_twice(found: list[Waiver | None], faults: Faults) -> None:
    seen: dict[tuple[str | None, ...], str] = {}
    for at, waiver in enumerate(found):
        if waiver is None:
            continue
        scope = (waiver.category, waiver.rule, waiver.case, waiver.hash)
        if scope in seen:
            path = (_LIST, at)
            faults.add(path, f"{key_text(path)} waives the same as {seen[scope]}", "remove one of them")
        seen.setdefault(scope, waiver.place)
