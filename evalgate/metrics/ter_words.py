"""The words of TER: Tercom's tokeniser as sacrebleu has it, and a reference made ready to be compared with.

Source: sacrebleu 2.6 (`TercomTokenizer`). Lower case and removed punctuation are counted here; its normalisation and its
treatment of Asian scripts, which are tables of rules, are the library's own.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from functools import lru_cache

Tokeniser = Callable[[str], list[str]]

ELSEWHERE = "\0"
"""Stands for every word that the reference does not have: TER never compares two words of an output."""
_PUNCTUATION = str.maketrans("", "", '.,?:;!"()')


@dataclass(frozen=True, slots=True)
class ReferenceWords:
    """One reference as a text of one character a word, and what the search asks of it."""

    text: str
    characters: dict[str, str]
    """Word → its character."""
    places: dict[str, list[int]]
    """Character → where it stands, ascending."""

    def spelt(self, words: Iterable[str]) -> str:
        """Other words in the characters of this reference."""
        characters = self.characters
        return "".join([characters.get(word, ELSEWHERE) for word in words])

    def fewest_edits(self, spelt: str) -> int:
        """What no order of these words can go below: words too many, too few or wrong."""
        counts = Counter(spelt)
        shared = sum(min(counts[character], len(places)) for character, places in self.places.items())
        return max(len(spelt), len(self.text)) - shared


def reference_words(words: Sequence[str]) -> ReferenceWords:
    """Make a reference ready."""
    characters: dict[str, str] = {}
    for word in words:
        if word not in characters:
            characters[word] = chr(len(characters) + 1)
    text = "".join([characters[word] for word in words])
    places: dict[str, list[int]] = {}
    for place, character in enumerate(text):
        places.setdefault(character, []).append(place)
    return ReferenceWords(text, characters, places)


def tokeniser(*, normalized: bool, no_punct: bool, asian_support: bool, case_sensitive: bool) -> Tokeniser:
    """The words of a text as TER counts them. Loads sacrebleu for its normalisation and for Asian scripts only."""
    if normalized or (asian_support and no_punct):
        rules = _library_rules(normalized, no_punct, asian_support, case_sensitive)
        return lambda text: rules(text.rstrip()).split()

    def words(text: str) -> list[str]:
        cased = text.rstrip() if case_sensitive else text.rstrip().lower()
        return (cased.translate(_PUNCTUATION) if no_punct else cased).split()

    return words


@lru_cache(maxsize=16)
def _library_rules(normalized: bool, no_punct: bool, asian_support: bool, case_sensitive: bool) -> Callable[[str], str]:
    from sacrebleu.tokenizers.tokenizer_ter import TercomTokenizer

    rules: Callable[[str], str] = TercomTokenizer(
        normalized=normalized, no_punct=no_punct, asian_support=asian_support, case_sensitive=case_sensitive
    )
    return rules
