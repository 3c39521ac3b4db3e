"""Shingles of texts as numbers: every run of five characters, hashed, for many texts at a time."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    Hashes = NDArray[np.uint64]

WIDTH = 5
"""Characters of a shingle."""
_FACTOR = 0x9E3779B97F4A7C15
_MIX = 0xBF58476D1CE4E5B9


def shingle_hashes(texts: Sequence[str]) -> tuple[Hashes, NDArray[np.int64]]:
    """The shingles of some texts.

    Shapes: m texts → all hashes in the order of the text, and m + 1 offsets into them; a text of fewer than WIDTH characters
    has none. A hash depends on the five characters alone, on every machine and in every run.
    Source: w-shingling, Broder 1997, On the resemblance and containment of documents.
    """
    import numpy as np

    raw = np.frombuffer("".join(texts).encode("utf-32-le", "surrogatepass"), dtype=np.uint32).astype(np.uint64)
    lengths = np.fromiter((len(text) for text in texts), dtype=np.int64, count=len(texts))
    kept = np.maximum(lengths - WIDTH + 1, 0)
    offsets = np.concatenate(([0], np.cumsum(kept)))
    if len(raw) < WIDTH:
        return np.empty(0, dtype=np.uint64), offsets
    rolled = np.zeros(len(raw) - WIDTH + 1, dtype=np.uint64)
    factor = np.uint64(_FACTOR)
    for step in range(WIDTH):
        rolled *= factor
        rolled += raw[step : step + len(rolled)]
    rolled ^= rolled >> np.uint64(31)
    rolled *= np.uint64(_MIX)
    rolled ^= rolled >> np.uint64(29)
    # Runs that reach into the next text are no shingles.
    ends = np.cumsum(lengths)
    inside = np.ones(len(raw), dtype=bool)
    for step in range(1, WIDTH):
        places = ends - step
        inside[places[(places >= 0) & (places >= ends - lengths)]] = False
    return rolled[inside[: len(rolled)]], offsets
