"""Read YAML that another program wrote: data only, bounded in size and depth; no code, no aliases, no types but JSON's.

A configuration is read by `strict_yaml`; this is for files such as cassettes, which are long and hold `!!binary` bodies.
Source: YAML 1.2.2, chapter 10 (schemas); the tag `!!binary` of YAML 1.1.
"""

from __future__ import annotations

import base64
import binascii
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any, NoReturn

from evalgate.config.strict_yaml import plain_value
from evalgate.core.errors import BadInput

if TYPE_CHECKING:
    import yaml

MAX_BYTES = 64 << 20
MAX_DEPTH = 60
MAX_VALUES = 2_000_000
SHOWN = 60
_QUOTED = frozenset("|>'\"")
_STANDARD = "tag:yaml.org,2002:"
_PLAIN_TAGS = frozenset(_STANDARD + name for name in ("int", "float", "bool", "null"))
_HINT = "only plain data is read: write the file again without it"


def read_foreign_yaml(path: Path) -> Any:
    """The value of a YAML file: None, bool, int, float, str, bytes, list, dict.

    Raises: BadInput when the file cannot be read, is too large or too deep, is not YAML, or asks for anything but data.
    """
    shown = str(path)
    try:
        with path.open("rb") as handle:
            data = handle.read(MAX_BYTES + 1)
    except (OSError, ValueError) as error:
        raise BadInput(f"cannot be read: {getattr(error, 'strerror', None) or error}", where=shown) from error
    if len(data) > MAX_BYTES:
        raise BadInput(f"larger than {MAX_BYTES >> 20} MiB", where=shown, hint="split the file")
    try:
        text = data.decode("utf-8").removeprefix("\ufeff")
    except UnicodeDecodeError as error:
        line = data.count(b"\n", 0, error.start) + 1
        raise BadInput("not UTF-8", where=f"{shown}:{line}", hint="save the file as UTF-8") from error
    return _parsed(text, shown)


def _parsed(text: str, shown: str) -> Any:
    import yaml

    try:
        return _Reader(shown).document(_events(text))
    except yaml.YAMLError as error:
        mark = getattr(error, "problem_mark", None)
        line = mark.line + 1 if mark is not None else 1
        said = getattr(error, "problem", None) or getattr(error, "reason", None) or "it cannot be read"
        hint = "was the file cut, or is a merge unresolved?"
        raise BadInput(f"this is not valid YAML: {said}", where=f"{shown}:{line}", hint=hint) from error


def _events(text: str) -> Iterator[yaml.Event]:
    import yaml

    loader: Any = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
    events: Iterator[yaml.Event] = yaml.parse(text, Loader=loader)
    return events


class _Reader:
    """Builds values from parser events one by one, so that a hostile file is left before it is read."""

    def __init__(self, shown: str) -> None:
        self._shown = shown
        self._count = 0

    def document(self, events: Iterator[yaml.Event]) -> Any:
        """The value of the only document."""
        next(events)
        start = next(events)
        if _kind(start) == "StreamEndEvent":
            raise BadInput("the file is empty", where=self._shown)
        value = self._value(events, next(events), 0)
        next(events)
        following = next(events)
        if _kind(following) != "StreamEndEvent":
            self._refuse("a second document begins here", following)
        return value

    def _value(self, events: Iterator[yaml.Event], event: Any, depth: int) -> Any:
        self._count += 1
        if self._count > MAX_VALUES:
            self._refuse(f"the file holds more than {MAX_VALUES:,} values", event)
        if depth > MAX_DEPTH:
            self._refuse(f"values are nested more than {MAX_DEPTH} deep", event)
        kind = _kind(event)
        if kind == "AliasEvent" or event.anchor is not None:
            self._refuse(f"{'*' if kind == 'AliasEvent' else '&'}{event.anchor[:SHOWN]} stands for another value", event)
        if kind == "ScalarEvent":
            return self._scalar(event)
        if event.tag not in (None, "!", _STANDARD + ("seq" if kind == "SequenceStartEvent" else "map")):
            self._refuse_tag(event)
        if kind == "SequenceStartEvent":
            return self._sequence(events, depth)
        return self._mapping(events, depth)

    def _sequence(self, events: Iterator[yaml.Event], depth: int) -> list[Any]:
        items: list[Any] = []
        while _kind(event := next(events)) != "SequenceEndEvent":
            items.append(self._value(events, event, depth + 1))
        return items

    def _mapping(self, events: Iterator[yaml.Event], depth: int) -> dict[str, Any]:
        entries: dict[str, Any] = {}
        event: Any
        while _kind(event := next(events)) != "MappingEndEvent":
            key = self._value(events, event, depth + 1)
            if isinstance(key, (list, dict, bytes)) or event.value == "<<":
                self._refuse("a key has to be a text", event)
            name = event.value
            if name in entries:
                self._refuse(f"key {name[:SHOWN]!r} is given twice", event)
            entries[name] = self._value(events, next(events), depth + 1)
        return entries

    def _scalar(self, event: Any) -> Any:
        if not event.value.isascii() and any("\ud800" <= character <= "\udfff" for character in event.value):
            self._refuse("a text holds half a character", event)
        if event.tag == _STANDARD + "binary":
            try:
                return base64.b64decode("".join(event.value.split()), validate=True)
            except (binascii.Error, ValueError) as error:
                raise BadInput("!!binary is not Base64", where=self._place(event)) from error
        if event.tag in (_STANDARD + "str", "!") or (event.tag is None and event.style in _QUOTED):
            return event.value
        if event.tag is not None and event.tag not in _PLAIN_TAGS:
            self._refuse_tag(event)
        try:
            return plain_value(event.value)
        except ValueError:
            return event.value

    def _refuse_tag(self, event: Any) -> NoReturn:
        self._refuse(f"tag {event.tag.replace(_STANDARD, '!!')[:SHOWN]} is not allowed", event)

    def _refuse(self, message: str, event: Any) -> NoReturn:
        raise BadInput(message, where=self._place(event), hint=_HINT)

    def _place(self, event: Any) -> str:
        return f"{self._shown}:{event.start_mark.line + 1}"


def _kind(event: Any) -> str:
    return type(event).__name__
