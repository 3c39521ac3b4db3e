"""Read a YAML 1.2 file strictly: plain values with the line of every key, or an error that names the place.

Only the subset that people write by hand is accepted. Whatever could mean something else than it seems to (duplicate
keys, anchors, tags, `.nan`, numbers as keys) is refused, so that a gate never means something its reader cannot see.
Source: YAML 1.2.2, chapter 10.3 (core schema).
"""

from __future__ import annotations

import math
import re
from bisect import bisect_right
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

from evalgate.config.decoding import check_text, read_text
from evalgate.core.document import Document, KeyPath
from evalgate.core.errors import BadInput, Problem

if TYPE_CHECKING:
    import yaml

MAX_DEPTH = 40
MAX_VALUES = 100_000
MAX_PROBLEMS = 50
MAX_INTEGER = 2**53 - 1
SHOWN = 60

_NULL = re.compile(r"(?:null|Null|NULL|~|)\Z")
_TRUE = re.compile(r"(?:true|True|TRUE)\Z")
_FALSE = re.compile(r"(?:false|False|FALSE)\Z")
_INTEGER = re.compile(r"[-+]?[0-9]+\Z|0o[0-7]+\Z|0x[0-9a-fA-F]+\Z")
_FLOAT = re.compile(r"[-+]?(?:\.[0-9]+|[0-9]+(?:\.[0-9]*)?)(?:[eE][-+]?[0-9]+)?\Z")
_NOT_FINITE = re.compile(r"(?:[-+]?(?:\.inf|\.Inf|\.INF)|\.nan|\.NaN|\.NAN)\Z")
_TAB_INDENT = re.compile(r" *\t[ \t]*[^\s#]")
_BLOCK = frozenset("|>")
_QUOTED = frozenset("|>'\"")
_QUOTE_HINT = "put the text in quotes"
_HINTS = (
    ("mapping values are not allowed", "a text that contains ': ' needs quotes; or the indentation is wrong"),
    ("did not find expected key", "check the indentation of this line and that every quote is closed"),
    ("expected ',' or ']'", "a list in [ ] needs a comma between its items and a closing ]"),
    ("expected ',' or '}'", "a mapping in { } needs a comma between its entries and a closing }"),
    ("expected ':'", "every key needs ': ' after it; a text over several lines needs | or quotes"),
    ("escape", "inside double quotes a backslash begins an escape: write \\\\, or use single quotes"),
    ("unexpected end of stream", "a quote is opened and never closed"),
    ("cannot start any token", "texts that begin with @, `, % or another special character need quotes"),
    ("block sequence entries", "a list item (- ) cannot stand here: put the list on its own lines, indented"),
    ("alphabetic or numeric", "a text that begins with & or * needs quotes"),
    ("URI", "a text that begins with ! needs quotes"),
)


def read_document(path: Path, *, name: str | None = None) -> Document:
    """Read a YAML file; `name` is what messages call it.

    Raises:
        BadInput: the file cannot be read, is not UTF-8, or is not the strict YAML that evalgate accepts.
    """
    name = str(path) if name is None else name
    return parse_document(read_text(path, name), name)


def parse_document(text: str, name: str) -> Document:
    """Parse YAML text; `name` is what messages call it.

    Raises:
        BadInput: one problem per fault, each with `file:line` and what to try.
    """
    text = check_text(text, name)
    composer = _Composer(name)
    tabs = _tab_lines(text)
    try:
        value = composer.compose(_events(text))
    except _Stop:
        raise BadInput(composer.problems) from None
    except _yaml_error() as error:
        raise BadInput([*composer.problems, _syntax_problem(error, name, tabs)]) from error
    composer.problems += [_tab_problem(name, line) for line in _outside(tabs, composer.blocks)[:MAX_PROBLEMS]]
    if composer.problems:
        raise BadInput(composer.problems[:MAX_PROBLEMS])
    return Document(value, composer.lines, name, composer.below)


def plain_value(text: str) -> Any:
    """The value of an unquoted YAML 1.2 scalar: None, bool, int, float, or the text itself.

    Raises:
        ValueError: a number that is not finite or that not every JSON reader can hold.
    """
    if _NULL.match(text):
        return None
    if _TRUE.match(text) or _FALSE.match(text):
        return text[0] in "tT"
    if _NOT_FINITE.match(text):
        raise ValueError(f"{text} is not a number that can be compared")
    if _INTEGER.match(text):
        return _integer(text)
    if _FLOAT.match(text):
        number = float(text)
        if not math.isfinite(number):
            raise ValueError(f"{text[:SHOWN]} is too large for a number")
        return number
    return text


def _integer(text: str) -> int:
    if len(text) <= SHOWN:
        base = {"0o": 8, "0x": 16}.get(text[:2], 10)
        number = int(text[2:] if base != 10 else text, base)
        if abs(number) <= MAX_INTEGER:
            return number
    raise ValueError(f"{text[:SHOWN]} is larger than 2^53 - 1, which not every reader of JSON keeps exactly")


class _Stop(Exception):
    """The document is beyond a limit; `problems` says which."""


class _Composer:
    """Builds plain values from parser events, remembering lines and collecting problems."""

    def __init__(self, name: str) -> None:
        self.name = name
        self.lines: dict[KeyPath, int] = {}
        self.below: dict[KeyPath, int] = {}
        self.problems: list[Problem] = []
        self.blocks: list[tuple[int, int]] = []
        self.count = 0

    def compose(self, events: Iterator[yaml.Event]) -> Any:
        """The value of the only document in a stream."""
        next(events)
        start = next(events)
        if _kind(start) == "StreamEndEvent":
            self.stop("the file is empty", 1, "write at least one key")
        self.directives(start)
        first = next(events)
        value = self.node(events, first, (), 0)
        next(events)
        following = next(events)
        if _kind(following) != "StreamEndEvent":
            self.stop("a second document begins here", _line(following), "keep one document in a file: remove the ---")
        if value is None and not self.problems:
            self.stop("the file is empty", _line(first), "write at least one key")
        return value

    def directives(self, start: Any) -> None:
        if (start.version is not None and tuple(start.version) != (1, 2)) or start.tags:
            self.note("the file asks for another kind of YAML", _line(start), "remove the line that begins with %")

    def node(self, events: Iterator[yaml.Event], event: Any, path: KeyPath, depth: int) -> Any:
        """The value that begins with this event."""
        self.limit(event, depth)
        self.lines.setdefault(path, _line(event))
        kind = _kind(event)
        if kind == "AliasEvent":
            return self.note(f"*{event.anchor[:SHOWN]} refers to another place", _line(event), "write the value out")
        self.properties(event)
        if kind == "ScalarEvent":
            begin = _line(event) + (event.style in _BLOCK)
            if begin != self.lines[path]:
                self.below[path] = begin
            return self.scalar(event)
        if kind == "SequenceStartEvent":
            return self.sequence(events, path, depth)
        return self.mapping(events, path, depth)

    def sequence(self, events: Iterator[yaml.Event], path: KeyPath, depth: int) -> list[Any]:
        items: list[Any] = []
        while _kind(event := next(events)) != "SequenceEndEvent":
            items.append(self.node(events, event, (*path, len(items)), depth + 1))
        return items

    def mapping(self, events: Iterator[yaml.Event], path: KeyPath, depth: int) -> dict[str, Any]:
        entries: dict[str, Any] = {}
        while _kind(event := next(events)) != "MappingEndEvent":
            key = self.key(events, event, path, depth)
            where = (*path, key)
            if key in entries:
                hint = f"it was given on line {self.lines[where]} already; keep one of them"
                self.note(f"key {key[:SHOWN]!r} is given twice", _line(event), hint)
            self.lines.setdefault(where, _line(event))
            entries[key] = self.node(events, next(events), where, depth + 1)
        return entries

    def key(self, events: Iterator[yaml.Event], event: Any, path: KeyPath, depth: int) -> str:
        """The text of a key; problems are noted and a stand-in is returned, so that reading goes on."""
        line = _line(event)
        if _kind(event) != "ScalarEvent":
            self.node(events, event, (*path, f"?{self.count}"), depth + 1)
            self.note("a key has to be a text", line, "text with [ ], { }, & or * in it needs quotes")
            return f"?{self.count}"
        self.limit(event, depth)
        self.properties(event)
        plain = event.style not in _QUOTED and event.tag is None
        if plain and event.value == "<<":
            self.note("merge key << takes keys from another place", line, "write the keys out")
        elif plain and self.number_like(event.value):
            hint = f'put it in quotes: "{event.value}"' if event.value else "write the name of the key before the colon"
            self.note(f"key {event.value[:SHOWN] or '(nothing)'} is not a text", line, hint)
        return str(event.value)

    def number_like(self, text: str) -> bool:
        try:
            return not isinstance(plain_value(text), str)
        except ValueError:
            return True

    def scalar(self, event: Any) -> Any:
        if event.style in _BLOCK:
            self.blocks.append((_line(event), event.end_mark.line + 1))
        if event.style in _QUOTED or event.tag is not None:
            if "\0" in event.value:
                self.note("the text holds a NUL character", _line(event), "remove the \\0")
            return event.value
        try:
            return plain_value(event.value)
        except ValueError as error:
            hint = f"write a finite number, or {_QUOTE_HINT} if it is a name"
            return self.note(str(error), _line(event), hint)

    def properties(self, event: Any) -> None:
        if event.anchor is not None:
            message = f"&{event.anchor[:SHOWN]} gives a value a second name"
            self.note(message, _line(event), "remove it and write the values out")
        if event.tag is not None:
            shown = event.tag.replace("tag:yaml.org,2002:", "!!")[:SHOWN]
            self.note(f"tag {shown} is not allowed", _line(event), f"remove it; to have a text, {_QUOTE_HINT}")

    def limit(self, event: Any, depth: int) -> None:
        self.count += 1
        if depth >= MAX_DEPTH and _kind(event) != "ScalarEvent":
            self.stop(f"values are nested more than {MAX_DEPTH} deep", _line(event), "flatten the file")
        if self.count > MAX_VALUES:
            self.stop(f"the file holds more than {MAX_VALUES:,} values", _line(event), "keep data in a dataset file")
        if len(self.problems) >= MAX_PROBLEMS:
            raise _Stop

    def note(self, message: str, line: int, hint: str) -> None:
        self.problems.append(Problem(message, f"{self.name}:{line}", hint))

    def stop(self, message: str, line: int, hint: str) -> None:
        self.note(message, line, hint)
        raise _Stop


def _events(text: str) -> Iterator[yaml.Event]:
    """Parser events from libyaml where PyYAML has it: twenty times faster, same grammar."""
    import yaml

    loader: Any = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
    events: Iterator[yaml.Event] = yaml.parse(text, Loader=loader)
    return events


def _yaml_error() -> type[Exception]:
    import yaml

    return yaml.YAMLError


def _kind(event: Any) -> str:
    return type(event).__name__


def _line(event: Any) -> int:
    return int(event.start_mark.line) + 1


def _syntax_problem(error: Any, name: str, tabs: list[int]) -> Problem:
    """The parser's complaint as a problem with place and advice."""
    mark = getattr(error, "problem_mark", None) or getattr(error, "context_mark", None)
    line = mark.line + 1 if mark is not None else 1
    if line in tabs:
        return _tab_problem(name, line)
    said = str(getattr(error, "problem", None) or "it cannot be read")
    context = str(getattr(error, "context", None) or "")
    fitting = (hint for part, hint in _HINTS if part in said or part in context)
    hint = next(fitting, "check indentation, quotes and colons")
    return Problem(f"this is not valid YAML: {said}", f"{name}:{line}", hint)


def _tab_lines(text: str) -> list[int]:
    """Lines that have a tab in their indentation."""
    if "\t" not in text:
        return []
    return [number for number, line in enumerate(text.split("\n"), 1) if _TAB_INDENT.match(line)]


def _outside(tabs: list[int], blocks: list[tuple[int, int]]) -> list[int]:
    """The lines that are in no block text, where a tab is content. Both lists are in the order of the file."""
    starts = [first for first, _ in blocks]
    found = []
    for line in tabs:
        index = bisect_right(starts, line) - 1
        if index < 0 or line > blocks[index][1]:
            found.append(line)
    return found


def _tab_problem(name: str, line: int) -> Problem:
    return Problem("the line is indented with a tab", f"{name}:{line}", "indent with spaces")
