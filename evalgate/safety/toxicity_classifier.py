"""The kept classifier behind `toxicity`: alt-profanity-check, an English linear model over words, shipped inside its package.

The package loads its own model file (a scikit-learn joblib file that it installs with itself) when it is imported. That
file is the library's code, pinned by its version; nothing of the user's data is ever read that way.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Sequence
from functools import lru_cache
from typing import Any

from evalgate.core.errors import Incomplete

PACKAGE = "alt-profanity-check"
SHORTEST = 3
"""Words of the shortest sentence that is scored: of a lone word the model says little ("hell" scores 0.99)."""
LONGEST = 2000
"""Characters of a sentence; a longer one is scored in pieces."""
_END = re.compile(r"[.!?。！？]+(?=[\s\"'”’»)]|$)|\n+")
_WORD = re.compile(r"[^\W\d_]+")

Scorer = Callable[[Sequence[str]], Sequence[float]]


def toxic_sentences(text: str, threshold: float) -> tuple[tuple[int, int], ...]:
    """Spans of the sentences whose probability of being offensive reaches the threshold.

    Raises: Incomplete where the extra `[toxicity]` is missing or broken.
    """
    spans = [(start, end) for start, end in _sentences(text) if _long_enough(text[start:end])]
    if not spans:
        return ()
    scores = load_scorer()([text[start:end] for start, end in spans])
    return tuple(span for span, score in zip(spans, scores, strict=True) if score >= threshold)


@lru_cache(maxsize=1)
def load_scorer() -> Scorer:
    """The classifier: texts → probabilities of being offensive, 0 to 1.

    Raises: Incomplete where the extra `[toxicity]` is missing or broken.
    """
    try:
        from profanity_check import predict_prob
    except ImportError as error:
        said = f"toxicity needs the classifier of {PACKAGE}, which cannot be imported: {error}"
        hint = "pip install 'evalgate-engine[toxicity]', or toxicity: {model: none} for the word lists alone"
        raise Incomplete(said, hint=hint) from error
    except (OSError, ValueError, AttributeError, KeyError, TypeError) as error:
        said = f"the model of {PACKAGE} cannot be read: {type(error).__name__}: {error}"
        raise Incomplete(said, hint="install the extra again: pip install 'evalgate-engine[toxicity]'") from error
    return _plain_numbers(predict_prob)


def classifier_version() -> str:
    """The installed version, which is that of the model."""
    from importlib.metadata import version

    return version(PACKAGE)


def _sentences(text: str) -> Iterator[tuple[int, int]]:
    """Spans of the sentences, without white space around them, in pieces where they are very long."""
    place = 0
    for end in (*(match.end() for match in _END.finditer(text)), len(text)):
        for first in range(place, end, LONGEST):
            piece = text[first : min(end, first + LONGEST)]
            start = first + len(piece) - len(piece.lstrip())
            if piece.strip():
                yield start, start + len(piece.strip())
        place = end


def _plain_numbers(predict: Any) -> Scorer:
    def score(texts: Sequence[str]) -> Sequence[float]:
        return [float(value) for value in predict([text.encode("utf-8", "replace").decode("utf-8") for text in texts])]

    return score


def _long_enough(sentence: str) -> bool:
    words = _WORD.finditer(sentence)
    return all(next(words, None) is not None for _ in range(SHORTEST))
