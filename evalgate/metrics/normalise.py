"""Make two spellings of one answer equal: the normalisations that text comparisons offer."""

from __future__ import annotations

import re
import string
import unicodedata
from collections.abc import Callable

Normaliser = Callable[[str], str]
NORMALISATIONS = ("none", "squad", "casefold")

_PUNCTUATION = string.punctuation.encode("ascii")
_ARTICLES = re.compile(r"\b(?:a|an|the)\b")
_ARTICLE_WORDS = frozenset(("a", "an", "the"))


def normaliser(name: str) -> Normaliser:
    """The function behind one of `NORMALISATIONS`; each of them also strips surrounding white space."""
    functions: dict[str, Normaliser] = {"none": str.strip, "squad": squad, "casefold": casefold}
    return functions[name]


def squad(text: str) -> str:
    """Lower case, no ASCII punctuation, no English articles, single spaces.

    Source: Rajpurkar et al. 2016, the normalisation of the SQuAD v1.1 evaluation script (the order matters:
    punctuation goes before articles, so `a.` is an article and `U.S.A` is `usa`).
    """
    # ASCII bytes stand for nothing else in UTF-8, and deleting bytes is several times faster than deleting characters.
    bytes_left = text.lower().encode("utf-8", "surrogatepass").translate(None, _PUNCTUATION)
    bare = bytes_left.decode("utf-8", "surrogatepass")
    words = bare.split()
    if not "".join(words).isalnum():
        # Marks that are no ASCII punctuation bound words too: the article of `–a–` goes.
        words = _ARTICLES.sub(" ", bare).split()
    elif not _ARTICLE_WORDS.isdisjoint(words):
        words = [word for word in words if word not in _ARTICLE_WORDS]
    return " ".join(words)


def casefold(text: str) -> str:
    """Equal regardless of case and of composed or decomposed accents.

    Source: Unicode 3.13, canonical caseless matching.
    """
    return unicodedata.normalize("NFC", unicodedata.normalize("NFD", text).casefold()).strip()
