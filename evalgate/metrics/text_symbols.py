"""Turn texts into numbers, character by character or word by word, ready for counting n-grams."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from evalgate.metrics.ngram_counts import Counts

Cutter = Callable[[str], Sequence[str]]
"""One piece of a text without white space inside → its tokens."""
Pieces = Callable[[str], list[str]]
"""A text → pieces."""

_SIZE = 4
_SYMBOL = "<u4"
_REMEMBERED = 1_000_000
"""Characters of the pieces that are kept at once: a vocabulary of some 100,000 words, whatever the texts hold."""


class Symboliser(Protocol):
    """A way to read texts."""

    def read(self, texts: Sequence[str], gap: int) -> tuple[NDArray[np.uint32], Counts]:
        """All texts as one line of symbols, each text followed by `gap` symbols of no meaning; and symbols per text.

        Shapes: t texts of s symbols in all → (s + t x gap,), (t,).
        """
        ...


class Characters:
    """Characters (Unicode code points) as symbols."""

    def __init__(self, prepare: Callable[[str], str]) -> None:
        self._prepare = prepare

    def read(self, texts: Sequence[str], gap: int) -> tuple[NDArray[np.uint32], Counts]:
        """See Symboliser."""
        ready = [self._prepare(text) for text in texts]
        between = "\0" * gap
        line = between.join(ready) + between
        symbols = np.frombuffer(line.encode("utf-32-le", "surrogatepass"), dtype=_SYMBOL)
        return symbols, np.fromiter(map(len, ready), dtype=np.int64, count=len(ready))


class Words:
    """Tokens as symbols. A text is split into pieces, and every distinct piece is cut into tokens once."""

    def __init__(self, pieces: Pieces, cut: Cutter) -> None:
        self._pieces = pieces
        self._vocabulary = _Vocabulary(cut)

    def read(self, texts: Sequence[str], gap: int) -> tuple[NDArray[np.uint32], Counts]:
        """See Symboliser. The same token has the same number within one call, not in the next one."""
        self._vocabulary.forget_if_large()
        look_up = self._vocabulary.__getitem__
        pieces = self._pieces
        ready = [b"".join(map(look_up, pieces(text))) for text in texts]
        between = bytes(_SIZE * gap)
        symbols = np.frombuffer(between.join(ready) + between, dtype=_SYMBOL)
        return symbols, np.fromiter(map(len, ready), dtype=np.int64, count=len(ready)) // _SIZE


class _Vocabulary(dict[str, bytes]):
    """Piece → the numbers of its tokens, four bytes each. 0 stays free for gaps."""

    def __init__(self, cut: Cutter) -> None:
        super().__init__()
        self._cut = cut
        self._numbers: dict[str, int] = {}
        self._held = 0

    def __missing__(self, piece: str) -> bytes:
        numbers = self._numbers
        tokens = self._cut(piece)
        if len(tokens) == 1:
            found = numbers.setdefault(tokens[0], len(numbers) + 1).to_bytes(_SIZE, "little")
        else:
            found = b"".join([numbers.setdefault(token, len(numbers) + 1).to_bytes(_SIZE, "little") for token in tokens])
        self[piece] = found
        self._held += len(piece) + 1
        return found

    def forget_if_large(self) -> None:
        """Start anew once too much is remembered; only between batches, because numbers change."""
        if self._held > _REMEMBERED:
            self.clear()
            self._numbers.clear()
            self._held = 0
