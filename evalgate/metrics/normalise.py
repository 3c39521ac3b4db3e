"""Make two spellings of one answer equal: the normalisations that text comparisons offer."""

from __future__ import annotations

import re
import string
import unicodedata
from collections.abc import Callable, Hashable, Sequence

Normaliser = Callable[[str], str]
NORMALISATIONS = ("none", "squad", "casefold")

_PUNCTUATION = string.punctuation.encode("ascii")
_PLAIN = (string.ascii_letters + string.digits + " \t\n\r\v\f").encode("ascii")
_ARTICLES = re.compile(r"\b(?:a|an|the)\b")
_ARTICLE_WORDS = frozenset((b"a", b"an", b"the"))


def normaliser(name: str) -> Normaliser:
    """The function behind one of `NORMALISATIONS`; each of them also strips surrounding white space."""
    functions: dict[str, Normaliser] = {"none": str.strip, "squad": squad, "casefold": casefold}
    return functions[name]


def word_reader(name: str) -> Callable[[str], Sequence[Hashable]]:
    """A function that gives the words of a text after one of `NORMALISATIONS`; equal words are equal to each other."""
    if name == "squad":
        return squad_words
    clean = normaliser(name)
    return lambda text: clean(text).split()


def squad(text: str) -> str:
    """Lower case, no ASCII punctuation, no English articles, single spaces.

    Source: Rajpurkar et al. 2016, the normalisation of the SQuAD v1.1 evaluation script (the order matters:
    punctuation goes before articles, so `a.` is an article and `U.S.A` is `usa`).
    """
    return b" ".join(squad_words(text)).decode("utf-8", "surrogatepass")


def squad_words(text: str) -> list[bytes]:
    """The words that `squad` leaves, in UTF-8."""
    # ASCII bytes stand for nothing else in UTF-8, and deleting bytes is several times faster than deleting characters.
    left = text.lower().encode("utf-8", "surrogatepass").translate(None, _PUNCTUATION)
    if left.translate(None, _PLAIN):
        # Other marks bound words too: the article of `–a–` goes; and other spaces part them.
        bare = left.decode("utf-8", "surrogatepass")
        return [word.encode("utf-8", "surrogatepass") for word in _ARTICLES.sub(" ", bare).split()]
    words = left.split()
    return words if _ARTICLE_WORDS.isdisjoint(words) else [word for word in words if word not in _ARTICLE_WORDS]


def casefold(text: str) -> str:
    """Equal regardless of case and of composed or decomposed accents.

    Source: Unicode 3.13, canonical caseless matching.
    """
    return unicodedata.normalize("NFC", unicodedata.normalize("NFD", text).casefold()).strip()
