"""What the model receives beside what stands in the file: escapes resolved, lines folded, and found again by line.

A rule that looks for a text looks at both: a key behind `\\n` in a quoted text begins no word in the file, and `\\u202e` is a
character that the file does not hold.
"""

from __future__ import annotations

import json
import re
from bisect import bisect_right
from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator

from evalgate.core.document import Document
from evalgate.prompts.lint.patterns import walk
from evalgate.prompts.lint.values import Reading, Source

Find = Callable[[str], Iterable[tuple[str, int, int]]]
"""What is found in a text: what it is, where it begins and ends."""
_JSON_TEXT = re.compile(r'"(?:[^"\\\n]|\\.)*"')


def yaml_readings(document: Document | None, lines: tuple[str, ...], text: str) -> tuple[Reading, ...]:
    """The texts of a file's YAML that do not stand in it as they are read; keys too."""
    if document is None:
        return ()
    begins = sorted(set(document.lines.values()))
    found = []
    for path, value in walk(document.value):
        for one in (value,) if isinstance(value, str) else tuple(value) if isinstance(value, dict) else ():
            if not _is_shown(one, text):
                first = document.lines.get(path, 1)
                place = bisect_right(begins, first)
                last = begins[place] - 1 if place < len(begins) and isinstance(value, str) else len(lines)
                found.append(Reading(one, first, max(first, last)))
    return tuple(found)


def json_readings(text: str, first: int = 1, last: int | None = None) -> tuple[Reading, ...]:
    """The texts of a JSON file that do not stand in it as they are read, even where the file is broken.

    `first` and `last`: the lines of the file when the JSON is a text inside it, which can only be told together.
    """
    found = []
    begins = _line_begins(text)
    for match in _JSON_TEXT.finditer(text):
        if "\\" not in match.group():
            continue
        try:
            value = json.loads(match.group())
        except ValueError:
            continue
        line = bisect_right(begins, match.start())
        found.append(Reading(value, *((line, line) if last is None else (first, last))))
    return tuple(found)


def spotted(source: Source, find: Find) -> Iterator[tuple[str, int, int]]:
    """What a rule finds in a file, with line and column: as it is written, then what only its readers see.

    Where something is found both ways it is told once.
    """
    shown: defaultdict[str, list[tuple[int, str]]] = defaultdict(list)
    begins: list[int] = []
    for what, start, end in find(source.text):
        begins = begins or _line_begins(source.text)
        line = bisect_right(begins, start)
        shown[what].append((line, _plain(source.text[start:end])))
        yield what, line, start - begins[line - 1] + 1
    for reading in source.readings:
        for what, start, end in find(reading.value):
            snippet = reading.value[start:end]
            told = next((one for one in shown[what] if _is_same(one, reading, _plain(snippet))), None)
            if told is not None:
                shown[what].remove(told)
                continue
            yield what, *_place(source, reading, snippet)


def _is_same(told: tuple[int, str], reading: Reading, snippet: str) -> bool:
    """Whether something was found in the file already; there the letter of an escape may belong to it."""
    line, text = told
    return reading.first <= line <= reading.last and (text.endswith(snippet) or snippet.endswith(text))


def _is_shown(value: str, text: str) -> bool:
    return "\\" not in text and all(line in text for line in value.split("\n"))


def _line_begins(text: str) -> list[int]:
    begins, position = [0], text.find("\n")
    while position >= 0:
        begins.append(position + 1)
        position = text.find("\n", position + 1)
    return begins


def _plain(snippet: str) -> str:
    """The same however its lines are broken and indented."""
    return " ".join(snippet.split()) or snippet


def _place(source: Source, reading: Reading, snippet: str) -> tuple[int, int]:
    """Line and column of a text that was read, or of the escape that stands for a character; else where its value begins."""
    wanted = re.compile(_escapes(snippet) if len(snippet) == 1 else re.escape(snippet.split("\n", 1)[0]))
    for number in range(reading.first, min(reading.last, len(source.lines)) + 1):
        found = wanted.search(source.lines[number - 1])
        if found is not None:
            return number, found.start() + 1
    return reading.first, 1


def _escapes(character: str) -> str:
    code = ord(character)
    forms = [f"U{code:08x}"]
    if code < 0x10000:
        forms.append(f"u{code:04x}")
    else:
        high, low = 0xD800 + (code - 0x10000 >> 10), 0xDC00 + (code - 0x10000 & 0x3FF)
        forms.append(rf"u{high:04x}\\u{low:04x}")
    if code < 0x100:
        forms.append(f"x{code:02x}")
    return rf"{re.escape(character)}|(?i:\\(?:{'|'.join(forms)}))"
