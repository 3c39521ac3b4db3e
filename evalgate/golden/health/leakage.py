"""Cases that stand in the prompt: the model is then asked what it was just told."""

from __future__ import annotations

from bisect import bisect_right
from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass, field

from evalgate.core.health import HealthFinding, amount
from evalgate.golden.health.duplicates import listed
from evalgate.golden.health.folding import folded

WORDS = 5
"""Words of the shortest text that is looked for."""
CHARACTERS = 20
"""Characters of the shortest one in a language without spaces."""
GRAM = 8
"""Words that must stand side by side."""
SHARE = 0.7
"""Share of a text's 8-grams that must stand in one message. Source: Chowdhery et al. 2022 (PaLM), section 8."""
_HEAD = 9
"""Characters that a text must share with a message before it is looked for: fewer than any text looked for has."""
LABEL_CASES, LABEL_SHARE = 3, 0.1
"""A text of more cases than this, and of this share of all, is a label or a fixed part, and no leak."""


@dataclass(frozen=True, slots=True)
class PromptText:
    """A prompt as it is searched."""

    reference: str
    messages: tuple[tuple[str, str, int | None], ...]
    """Role, content, and the line of the file on which the content begins."""


@dataclass(slots=True)
class _Message:
    where: str
    first_line: int | None
    text: str
    starts: list[int]
    """Where each line of the content begins in the folded text."""
    heads: frozenset[str]
    words: frozenset[str]
    grams: frozenset[tuple[str, ...]]

    def place(self, offset: int) -> str:
        line = bisect_right(self.starts, offset)
        return f"{self.where}, line {line if self.first_line is None else self.first_line + line - 1}{self._of}"

    @property
    def _of(self) -> str:
        return " of the message" if self.first_line is None else ""


LookedFor = tuple[str, list[str], frozenset[str]]
"""Folded text, its words and its different words; no words where it has too few for 8-grams."""
_Key = tuple[str, str, str]
"""Code, column, place in the prompt."""


@dataclass(slots=True)
class LeakCheck:
    """Looks for the inputs and references of every case in the messages of the prompts."""

    prompts: Sequence[PromptText]
    messages: list[_Message] = field(default_factory=list)
    found: dict[_Key, dict[str, list[int]]] = field(default_factory=lambda: defaultdict(lambda: defaultdict(list)))
    """→ text → places of its cases."""
    words: frozenset[str] = frozenset()
    """Words of all messages."""
    cases: int = 0

    def __post_init__(self) -> None:
        for prompt in {prompt.reference: prompt for prompt in self.prompts}.values():
            for number, (role, content, line) in enumerate(prompt.messages, start=1):
                self.messages.append(_searchable(f"{prompt.reference}, message {number} ({role})", content, line))
        self.words = frozenset().union(*(message.words for message in self.messages))

    def add(self, inputs: Sequence[tuple[str, LookedFor]], references: Sequence[LookedFor]) -> None:
        """Take in the next case: its inputs with their columns, and its references; those that are too short may be left out."""
        if self.messages:
            for name, text in inputs:
                self._look("input-in-prompt", name, text)
            for text in references:
                self._look("reference-in-prompt", "references", text)
        self.cases += 1

    def findings(self, ids: Sequence[str]) -> list[HealthFinding]:
        """One finding for each column and place in a prompt."""
        found = []
        most = max(LABEL_CASES, LABEL_SHARE * self.cases)
        for (code, column, where), texts in sorted(self.found.items()):
            places = sorted({p for places in texts.values() if len(set(places)) <= most for p in places})
            if places:
                what = "the input" if code == "input-in-prompt" else "a reference"
                cases = amount(len(places), "case", "cases")
                said = f"{what} of {cases} stands in the prompt {where}: the model is shown what it is asked"
                found.append(HealthFinding(code, said, len(places), listed([[ids[p]] for p in places]), column, where))
        return found

    def _look(self, code: str, column: str, searched: LookedFor) -> None:
        text, words, distinct = searched
        # No text whose words mostly stand nowhere in the prompts shares most of its 8-grams with one.
        near = bool(words) and 2 * len(self.words & distinct) >= len(distinct)
        head = text[:_HEAD]
        for message in self.messages:
            offset = message.text.find(text) if head in message.heads else -1
            if offset < 0 and near and message.grams:
                offset = _shared(words, message)
            if offset >= 0:
                self.found[(code, column, message.place(offset))][text].append(self.cases)


def looked_for(text: str) -> LookedFor | None:
    """A folded text as every check of leaks looks for it, made once for all of them; None where it is too short to tell."""
    spaces = text.count(" ")
    if len(text) < _HEAD or (spaces < WORDS - 1 if spaces else len(text) < CHARACTERS):
        return None
    words = text.split(" ") if spaces >= GRAM - 1 else []
    return text, words, frozenset(words)


def _shared(words: Sequence[str], message: _Message) -> int:
    """Where a text's first shared 8-gram stands in a message, when enough of them do; else -1."""
    grams = _grams(words)
    shared = [gram for gram in grams if gram in message.grams]
    return message.text.find(" ".join(shared[0])) if shared and len(shared) >= SHARE * len(grams) else -1


def _grams(words: Sequence[str]) -> Sequence[tuple[str, ...]]:
    return [tuple(words[i : i + GRAM]) for i in range(len(words) - GRAM + 1)]


def _searchable(where: str, content: str, line: int | None) -> _Message:
    pieces, starts, length = [], [], 0
    for piece in content.split("\n"):
        text = folded(piece)
        starts.append(length)
        if text:
            pieces.append(text)
            length += len(text) + 1
    whole = " ".join(pieces)
    words = whole.split(" ")
    heads = frozenset(whole[i : i + _HEAD] for i in range(len(whole) - _HEAD + 1))
    return _Message(where, line, whole, starts, heads, frozenset(words), frozenset(_grams(words)))
