"""Cases as data inside the page: its script shows them in the same form as those that stand there as HTML.

The script makes elements and sets their text; nothing in the data is ever read as HTML.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from evalgate.core.canonical import compact_json
from evalgate.core.record import ArmRecord, CaseRecord, RunRecord, TextMark
from evalgate.core.values import JsonValue, Status
from evalgate.core.visible import HIDDEN, belongs
from evalgate.report import figures
from evalgate.report.markup import Markup
from evalgate.report.page_case_words import (
    change_label,
    directions,
    kinds_of,
    lost_words,
    moved,
    score_words,
    value_words,
    where_words,
)
from evalgate.report.page_findings import SHOWN, finding_cells
from evalgate.report.ranking import case_reasons

DATA_BYTES = 11_500_000
"""Of the data of cases: with the style, the script, the other sections and the first cases the page stays below 15 MB."""
SHORT = 12
"""A line of a prompt that is shorter is not worth a place in the list of lines."""
_UNSAFE = {"<": "\\u003c", ">": "\\u003e", "&": "\\u0026", "\u2028": "\\u2028", "\u2029": "\\u2029"}


@dataclass(slots=True)
class CaseData:
    """The data of a page's cases, within a number of bytes."""

    record: RunRecord
    metrics: tuple[str, ...]
    flaky: frozenset[str]
    limit: int = DATA_BYTES
    heads: list[str] = field(default_factory=list)
    """For each case of the page, those in HTML first: anchor, id, kinds, change, its label, slices, categories, and for each
    metric 1 for better, -1 for worse."""
    bodies: list[str] = field(default_factory=list)
    """For each case that is not there in HTML: everything else."""
    size: int = 0
    _better: Mapping[str, float] = field(init=False)
    _lines: dict[str, int] = field(default_factory=dict)
    _slices: dict[str, int] = field(default_factory=dict)
    _categories: dict[str, int] = field(default_factory=dict)

    def __post_init__(self) -> None:
        """Note which way each metric is better."""
        self._better = directions(self.record)

    def add_head(self, case: CaseRecord, anchor: str) -> None:
        """A case that stands in the page as HTML."""
        self._take(self.heads, self._head(case, anchor, self._moves(case)))

    def add(self, case: CaseRecord, anchor: str) -> bool:
        """A case as data alone; False where there is no room left for it."""
        known = len(self._lines)
        moves = self._moves(case)
        head, body = _safe(self._head(case, anchor, moves)), _safe(self._body(case, moves))
        new = list(self._lines)[known:] if len(self._lines) > known else []
        room = len(head.encode()) + len(body.encode()) + sum(len(_safe(line).encode()) + 1 for line in new) + 2
        if self.size + room > self.limit:
            for line in new:
                del self._lines[line]
            return False
        self.size += room
        self.heads.append(head)
        self.bodies.append(body)
        return True

    def script(self) -> Markup:
        """The block of data; a browser runs nothing in it."""
        shared = {
            "metrics": [visible(name) for name in self.metrics],
            "slices": [visible(text) for text in self._slices],
            "categories": [visible(text) for text in self._categories],
        }
        parts = [f'"{name}":{_safe(value)}' for name, value in shared.items()]
        parts.append(f'"lines":{_safe(list(self._lines))}')
        parts += [f'"heads":[{",".join(self.heads)}]', f'"bodies":[{",".join(self.bodies)}]']
        return Markup(f'<script type="application/json" id="case-data">{{{",".join(parts)}}}</script>')

    def _take(self, where: list[str], value: Any) -> None:
        where.append(_safe(value))
        self.size += len(where[-1].encode()) + 1

    def _moves(self, case: CaseRecord) -> list[int]:
        return [moved(case, name, self._better) for name in self.metrics]

    def _head(self, case: CaseRecord, anchor: str, moves: list[int]) -> list[Any]:
        found = dict.fromkeys(one.category for arm in (case.baseline, case.candidate) for one in arm.findings)
        slices = [self._slices.setdefault(f"{name}={value}", len(self._slices)) for name, value in case.slices.items()]
        categories = [self._categories.setdefault(name, len(self._categories)) for name in found]
        kinds = " ".join(kinds_of(case, self.flaky))
        change = None if case.change is None else float(f"{case.change:.6g}")
        return [anchor, visible(case.id), kinds, change, change_label(self.record, case), slices, categories, moves]

    def _body(self, case: CaseRecord, moves: list[int]) -> list[Any]:
        rows = [finding_cells(self.record, name, arm, one) for name, arm in _arms(case) for one in arm.found]
        same = case.baseline.text == case.candidate.text and not case.candidate.marks and not case.baseline.marks
        return [
            "; ".join(map(visible, case_reasons(case))),
            visible(where_words(case)),
            self._named(case.inputs, case),
            [self._text(value_words(value), case) for value in case.references],
            self._side(case.baseline, case, same=False),
            self._side(case.candidate, case, same=same),
            [[None if cell is None else visible(cell) for cell in row] for row in rows[:SHOWN]],
            max(0, len(rows) - SHOWN),
            int(Status.ERROR in (case.baseline.status, case.candidate.status)),
            [
                score_words(case, name, move)
                for name, move in zip(self.metrics, moves, strict=True)
                if name in case.candidate.scores
            ],
            list(map(visible, case.masks)),
        ]

    def _named(self, values: Mapping[str, JsonValue], case: CaseRecord) -> list[list[Any]]:
        return [[visible(name), self._text(value_words(value), case)] for name, value in values.items()]

    def _side(self, arm: ArmRecord, case: CaseRecord, *, same: bool) -> list[Any]:
        lost = visible(lost_words(arm)) if arm.status is Status.ERROR else 0
        messages = [[visible(role), self._text(content, case)] for role, content in arm.messages]
        text = 0 if same else visible(arm.text)
        return [lost, text, places(arm.text, arm.marks) if arm.marks else 0, arm.request_key or 0, messages]

    def _text(self, content: str, case: CaseRecord) -> Any:
        """A text, or its lines by number where prompts are shown: these repeat from case to case."""
        shown = visible(content)
        if not case.baseline.messages and not case.candidate.messages:
            return shown
        lines = shown.split("\n")
        numbers = [line if len(line) < SHORT else self._lines.setdefault(line, len(self._lines)) for line in lines]
        return numbers if len(numbers) > 1 or isinstance(numbers[0], int) else shown


def visible(text: str) -> str:
    """A text in which a hidden character stands as its code point between U+0001 and U+0002, which are hidden themselves."""
    if _plain(text):
        return text
    return HIDDEN.sub(lambda m: m.group() if belongs(text, m.start()) else f"\x01U+{ord(m.group()):04X}\x02", text)


def _plain(text: str) -> bool:
    if text.isascii():
        return text.isprintable() or text.replace("\n", "").replace("\t", "").isprintable()
    return HIDDEN.search(text) is None


def places(text: str, marks: Sequence[TextMark]) -> list[list[Any]]:
    """[start, end, label, masked] of marks, counted in UTF-16 units of the text as `visible` writes it."""
    at = range(len(text) + 1) if text.isascii() and _plain(text) else _positions(text)
    return [[at[mark.start], at[mark.end], visible(mark.label), int(mark.masked)] for mark in marks]


def _positions(text: str) -> list[int]:
    positions = [0]
    for place, character in enumerate(text):
        hidden = HIDDEN.match(character) is not None and not belongs(text, place)
        width = len(f"U+{ord(character):04X}") + 2 if hidden else 2 if character > "\uffff" else 1
        positions.append(positions[-1] + width)
    return positions


def _arms(case: CaseRecord) -> tuple[tuple[str, ArmRecord], ...]:
    return (("baseline", case.baseline), ("candidate", case.candidate))


def _safe(value: Any) -> str:
    """JSON that ends no script, starts no comment, and means nothing in HTML."""
    written = compact_json(value)
    for character, name in _UNSAFE.items():
        if character in written:
            written = written.replace(character, name)
    return written


def rest_note(total: int, as_html: int, as_data: int, left: int) -> str:
    """Which of the cases are where, for the note above them."""
    there = as_html + as_data
    every = "All" if there == total else f"{there:,} of"
    said = (
        f"{every} {figures.counted(total, 'case')}: newly violating, without answer, regressed, improved, unchanged; worst first."
    )
    if as_data:
        said += (
            f" The first {as_html:,} can be read without scripts; {as_data:,} more are in this file, and its script shows them."
        )
    if left:
        said += f" The other {left:,} are not in this file."
    return said + " Every case, with its texts and scores, is in the Parquet files shards/*.parquet beside this file."
