"""Which output is compared with which references, and the counting of all of them in batches of bounded size."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from evalgate.metrics.ngram_counts import OUTPUTS, Counts, Placed, shared_ngrams
from evalgate.metrics.text_symbols import Symboliser

_BATCH = 50_000
"""Characters counted at once (a single group may be longer): small enough for the caches of a processor."""


@dataclass(frozen=True, slots=True)
class Pairs:
    """Outputs and sets of references to compare, without repetition: outputs with the same set are counted together."""

    texts: tuple[str, ...]
    """All distinct texts."""
    outputs: Counts
    """Text of the output per pair, (p,)."""
    group: Counts
    """Group per pair, (p,)."""
    slot: Counts
    """Slot of the output in its group per pair, (p,)."""
    places: NDArray[np.int64]
    """Group, slot and text of everything that has to be counted, (q, 3), sorted."""

    def shared(self, symboliser: Symboliser, order: int) -> tuple[Counts, Counts]:
        """Count what outputs share with their references.

        Returns: shared n-grams per pair and order, (p, order); symbols per text, (t,).
        """
        lengths = np.zeros(len(self.texts), dtype=np.int64)
        found = np.zeros((int(self.group.max(initial=-1)) + 1, OUTPUTS, order), dtype=np.int64)
        for places in self._batches(order - 1):
            texts = [self.texts[i] for i in places[:, 2].tolist()]
            symbols, sizes = symboliser.read(texts, order - 1)
            lengths[places[:, 2]] = sizes
            first, last = int(places[0, 0]), int(places[-1, 0]) + 1
            placed = Placed(symbols, sizes, places[:, 0] - first, places[:, 1])
            found[first:last] = shared_ngrams(placed, order)
        return found[self.group, self.slot], lengths

    def first_reference(self) -> Counts:
        """Text of the first reference per pair, (p,)."""
        found: Counts = self.places[self.places[:, 1] == OUTPUTS][self.group, 2]
        return found

    def closest_length(self, lengths: Counts) -> Counts:
        """Of the lengths of its references the one closest to an output's own, the shorter of two equally close.

        Shapes: symbols per text, (t,) → (p,).
        """
        references = self.places[self.places[:, 1] >= OUTPUTS]
        sizes = np.bincount(references[:, 0])
        spread = sizes[self.group]
        opening = np.cumsum(spread) - spread
        at = np.arange(int(spread.sum())) - np.repeat(opening - (np.cumsum(sizes) - sizes)[self.group], spread)
        length = lengths[references[at, 2]]
        far = np.abs(length - np.repeat(lengths[self.outputs], spread))
        # Length is added as a fraction, so to speak: it decides only between equally close ones.
        best: Counts = np.minimum.reduceat((far << 31) | length, opening) & ((1 << 31) - 1)
        return best

    def _batches(self, gap: int) -> Iterator[NDArray[np.int64]]:
        sizes = np.fromiter(map(len, self.texts), dtype=np.int64, count=len(self.texts))[self.places[:, 2]] + gap
        opening = np.flatnonzero(np.diff(self.places[:, 0], prepend=-1))
        filled = np.concatenate(([0], np.cumsum(sizes)))[opening] // _BATCH
        cuts = opening[np.flatnonzero(np.diff(filled, prepend=-1))].tolist()
        for first, last in zip(cuts, [*cuts[1:], len(self.places)], strict=True):
            yield self.places[first:last]


def pair(outputs: Sequence[str], sets: Sequence[Sequence[str]]) -> tuple[Pairs, Counts]:
    """Outputs and the references of each → distinct pairs, and which pair each of the n belongs to, (n,)."""
    numbers: dict[str, int] = {}
    known: dict[tuple[int, ...], int] = {}
    texts = np.array([numbers.setdefault(text, len(numbers)) for text in outputs], dtype=np.int64)
    keys = [tuple([numbers.setdefault(text, len(numbers)) for text in some]) for some in sets]
    chosen = np.array([known.setdefault(key, len(known)) for key in keys], dtype=np.int64)
    distinct, belongs = np.unique(chosen * len(numbers) + texts, return_inverse=True)
    set_of, text_of = np.divmod(distinct, max(len(numbers), 1))
    # Of the outputs with one set, each OUTPUTS make a group.
    rank = np.arange(len(distinct)) - np.searchsorted(set_of, set_of)
    slot = rank % OUTPUTS
    group = np.cumsum(slot == 0) - 1
    opening = np.flatnonzero(slot == 0)
    members = list(known)
    references = [members[i] for i in set_of[opening].tolist()]
    sizes = np.fromiter(map(len, references), dtype=np.int64, count=len(references))
    place_group = np.repeat(np.arange(len(references)), sizes)
    place_slot = OUTPUTS + np.arange(len(place_group)) - np.repeat(np.cumsum(sizes) - sizes, sizes)
    place_text = np.array([i for some in references for i in some], dtype=np.int64)
    places = np.stack(
        (
            np.concatenate((group, place_group)),
            np.concatenate((slot, place_slot)),
            np.concatenate((text_of, place_text)),
        ),
        axis=1,
    )
    places = places[np.lexsort((places[:, 1], places[:, 0]))]
    return Pairs(tuple(numbers), text_of, group, slot, places), belongs.reshape(-1)
