"""Findings that a file suppresses itself: in a comment of its YAML, or in a file beside it, and always with a reason."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass

from evalgate.prompts.lint.patterns import walk
from evalgate.prompts.lint.values import Source

SIDECAR_ENDING = ".lint"
"""`prompt.txt.lint` beside `prompt.txt`, for formats without comments: `ignore EP303 -- reason`, one a line."""
_DIRECTIVE = re.compile(r"#\s*evalgate\s*:\s*(?P<rest>.*)\Z")
_ORDER = re.compile(r"(?P<word>ignore|ignore-file)\s+(?P<codes>EP\d{3}(?:\s*,\s*EP\d{3})*)\s*(?:--\s*(?P<reason>.*?)\s*)?\Z")


@dataclass(frozen=True, slots=True)
class Suppression:
    """One code suppressed on some lines of a file."""

    code: str
    first: int
    last: int
    """None of the file's lines lies behind it when it is for the whole file."""
    line: int
    """Where it is written."""
    column: int


@dataclass(frozen=True, slots=True)
class Faulty:
    """Something that was meant as a suppression and is none."""

    line: int
    column: int
    message: str


def suppressions(source: Source, sidecar: str | None = None) -> tuple[tuple[Suppression, ...], tuple[Faulty, ...]]:
    """What the file suppresses, and what only looks as if it did."""
    found: list[Suppression] = []
    faulty: list[Faulty] = []
    if "evalgate" in source.text:
        texts = _texts(source)
        for number, raw in enumerate(source.lines, start=1):
            line = raw.rstrip("\r")
            directive = _DIRECTIVE.search(line) if "evalgate" in line else None
            if directive is None:
                continue
            column = directive.start() + 1
            if number in source.quiet or directive.group().split("--")[0].rstrip() in texts:
                if _ORDER.match(directive.group("rest")):
                    faulty.append(Faulty(number, column, "a suppression stands inside a text: the model would read it"))
                continue
            _add(directive.group("rest"), _range(source, number, line), (number, column), found, faulty)
    for order in (sidecar or "").splitlines():
        bare = order.strip()
        if bare and not bare.startswith("#"):
            _add(bare, (1, len(source.lines) + 1), (1, 1), found, faulty)
    return tuple(found), tuple(faulty)


def _add(rest: str, lines: tuple[int, int], place: tuple[int, int], found: list[Suppression], faulty: list[Faulty]) -> None:
    order = _ORDER.match(rest.strip())
    if order is None:
        faulty.append(Faulty(*place, "this is no suppression: write `evalgate: ignore CODE -- reason`"))
    elif not order.group("reason"):
        faulty.append(Faulty(*place, "a suppression needs a reason: `evalgate: ignore CODE -- reason`"))
    else:
        first, last = (1, 1 << 30) if order.group("word") == "ignore-file" else lines
        found += [Suppression(code, first, last, *place) for code in re.split(r"\s*,\s*", order.group("codes"))]


def _range(source: Source, number: int, line: str) -> tuple[int, int]:
    """The lines a comment speaks of: its own, or the next entry when it stands alone; a message counts as one."""
    if line.split("#", 1)[0].strip():
        return number, _end_of_entry(source, number)
    following = number + 1
    while following <= len(source.lines) and source.lines[following - 1].lstrip().startswith("#"):
        following += 1
    return following, _end_of_entry(source, following)


def _end_of_entry(source: Source, line: int) -> int:
    for part in source.outline.parts:
        if part.first <= line <= part.line:
            return part.last
    end = line
    while end + 1 <= len(source.lines) and end + 1 in source.quiet:
        end += 1
    return end


def _texts(source: Source) -> str:
    """All texts of the file's YAML in one: what stands in them is no comment."""
    if source.document is None:
        return ""
    return "\0".join(_strings(source))


def _strings(source: Source) -> Iterator[str]:
    assert source.document is not None
    for _, value in walk(source.document.value):
        if isinstance(value, str) and "evalgate" in value:
            yield value
