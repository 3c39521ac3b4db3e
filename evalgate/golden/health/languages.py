"""Which languages the inputs are in, and which cases are in another than nearly all the others."""

from __future__ import annotations

import re
from array import array
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import lru_cache

from evalgate.core.health import HealthFinding, amount
from evalgate.golden.health.duplicates import listed
from evalgate.golden.health.language_profiles import SCRIPTS, WORDS

UNKNOWN = "unknown"
FEWEST = 20
"""Recognised cases below which no language is called another."""
MAIN_SHARE = 0.9
"""Share of recognised cases from which one language is the dataset's."""
_LOOKED_AT = 150
"""Characters of a text that are looked at."""
_SCORE = 2
_SHARE = 0.15
_LEAD = 1.25
_MARKS = str.maketrans(dict.fromkeys("¿¡«»„“”‘’‹›…—–", " "))


def language_of(text: str) -> str:
    """The language of a folded text: `en`, a script's name where several languages share it, or UNKNOWN.

    By script for those of few languages, by frequent words for Latin script. Says UNKNOWN where two languages are close
    (Danish and Norwegian often are), or a text has hardly any frequent word (a name, a list, code).
    """
    part = text[:_LOOKED_AT]
    if not part.isascii():
        found = _script_of(part)
        if found is not None:
            return found
        part = part.translate(_MARKS)
    return _by_words(part)


@dataclass(slots=True)
class LanguageCheck:
    """Collects the language of every input, column by column."""

    languages: dict[str, tuple[array[int], bytearray]] = field(default_factory=dict)
    """Column → places of the cases, and the number of each one's language; empty inputs have none."""
    numbers: dict[str, int] = field(default_factory=dict)
    cases: int = 0

    def add(self, columns: Mapping[str, tuple[int, str]]) -> None:
        """Take in the next case: length and folded text of every input."""
        for name, (_, text) in columns.items():
            if text:
                places, languages = self.languages.setdefault(name, (array("I"), bytearray()))
                places.append(self.cases)
                languages.append(self.numbers.setdefault(language_of(text), len(self.numbers)))
        self.cases += 1

    def facts(self) -> dict[str, dict[str, int]]:
        """Column → language → cases, most frequent first."""
        names = list(self.numbers)
        counted = {
            column: {names[number]: count for number, count in Counter(found).items()}
            for column, (_, found) in self.languages.items()
        }
        return {name: dict(sorted(count.items(), key=lambda item: (-item[1], item[0]))) for name, count in counted.items()}

    def findings(self, ids: Sequence[str]) -> list[HealthFinding]:
        """`other-language`: where nearly all inputs of a column are in one language, those that are not."""
        found = []
        for name, counts in sorted(self.facts().items()):
            known = {language: count for language, count in counts.items() if language != UNKNOWN}
            total = sum(known.values())
            main = next(iter(known), UNKNOWN)
            if total < FEWEST or known[main] < MAIN_SHARE * total or len(known) == 1:
                continue
            usual = {self.numbers.get(main), self.numbers.get(UNKNOWN)}
            others = [[ids[place]] for place, number in zip(*self.languages[name], strict=True) if number not in usual]
            kinds = ", ".join(f"{language} {count:,}" for language, count in known.items() if language != main)
            said = amount(len(others), "input seems", "inputs seem") + (
                f" to be in another language ({kinds}) than {known[main]:,} others ({main})"
            )
            found.append(HealthFinding("other-language", said, len(others), listed(others), name))
        return found


def _script_of(text: str) -> str | None:
    """The script of at least a third of the letters, or None where it is Latin."""
    letters = sum(map(str.isalpha, text))
    for name, pattern in _scripts().items():
        count = len(pattern.findall(text))
        # A few of their own letters are enough where the rest is shared with a neighbour.
        enough = letters / 50 if name == "uk" else letters / 10 if name == "ja" else letters / 3
        if count and count >= enough:
            return name
    return None


def _by_words(text: str) -> str:
    words, packed = text.split(), _packed()
    found = _known_words().intersection(words)
    if len(found) < _SCORE:
        return UNKNOWN
    scores = sum(map(packed.__getitem__, found)).to_bytes(len(WORDS), "little")
    score = max(scores)
    best = scores.index(score)
    second = max(scores[:best] + scores[best + 1 :])
    clear = score >= _SCORE and score >= _SHARE * min(len(words), 40) and score >= _LEAD * second
    return tuple(WORDS)[best] if clear else UNKNOWN


@lru_cache(maxsize=1)
def _packed() -> Mapping[str, int]:
    """Word → a number with a byte for each language, 1 where the language has the word: adding them counts for all at once.

    A text of _LOOKED_AT characters has at most 100 different words, so no byte overflows.
    """
    found: dict[str, int] = {}
    for place, words in enumerate(WORDS.values()):
        for word in dict.fromkeys(words.split()):
            found[word] = found.get(word, 0) | 1 << 8 * place
    return found


@lru_cache(maxsize=1)
def _known_words() -> frozenset[str]:
    return frozenset(_packed())


@lru_cache(maxsize=1)
def _scripts() -> Mapping[str, re.Pattern[str]]:
    return {name: re.compile(f"[{characters}]") for name, characters in SCRIPTS.items()}
