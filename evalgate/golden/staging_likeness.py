"""Which new cases a dataset has already: equal after folding, or nearly equal by their shingles, exactly and in bounded memory.

The few new cases are indexed; the many existing ones stream past.
"""

from __future__ import annotations

import hashlib
import math
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from evalgate.golden.health.folding import COLUMN_BREAK, folded, text_of
from evalgate.golden.health.near_duplicates import THRESHOLD
from evalgate.golden.health.shingles import WIDTH

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray


def folded_inputs(inputs: Mapping[str, Any], columns: Sequence[str]) -> str:
    """The inputs of a case as one text for comparison: without case, Unicode form and white space."""
    return COLUMN_BREAK.join(folded(text_of(inputs[column])) for column in columns)


def text_key(text: str) -> bytes:
    """A folded text by 16 bytes: of a large dataset, only these are kept."""
    return hashlib.blake2b(text.encode("utf-8", "surrogatepass"), digest_size=16).digest()


class LikenessIndex:
    """Texts that others are held against.

    Two texts are alike when the Jaccard index of their five-character shingles is at least 0.8, in all and in each column:
    a long context that many cases share does not make their questions alike.

    Source: w-shingling, Broder 1997, On the resemblance and containment of documents; here counted exactly.
    """

    def __init__(self, texts: Sequence[str]) -> None:
        import numpy as np

        self.texts = texts
        sets = [shingles(text) for text in texts]
        places: dict[str, list[int]] = {}
        for number, one in enumerate(sets):
            for shingle in one:
                places.setdefault(shingle, []).append(number)
        self._places: dict[str, NDArray[np.int32]] = {name: np.array(found, np.int32) for name, found in places.items()}
        self._sizes = np.array([len(one) for one in sets], np.int64)

    def alike(self, text: str) -> list[int]:
        """The texts that are like this one, equal ones included, in order; texts of fewer than five characters never are."""
        import numpy as np

        own = shingles(text)
        known = own & self._places.keys()
        # Whatever is alike shares at least that many shingles.
        if not own or len(known) < math.ceil(THRESHOLD * len(own)):
            return []
        both = np.bincount(np.concatenate([self._places[shingle] for shingle in known]), minlength=len(self.texts))
        near = both / (self._sizes + len(own) - both) >= THRESHOLD
        return [number for number in np.flatnonzero(near).tolist() if _columns_alike(text, self.texts[number])]


def shingles(text: str) -> frozenset[str]:
    """Every run of five characters; none of a shorter text."""
    return frozenset(text[start : start + WIDTH] for start in range(len(text) - WIDTH + 1))


def _jaccard(a: frozenset[str], b: frozenset[str]) -> float:
    both = len(a & b)
    return both / (len(a) + len(b) - both)


def _columns_alike(a: str, b: str) -> bool:
    first, second = a.split(COLUMN_BREAK), b.split(COLUMN_BREAK)
    if len(first) != len(second):
        return False
    return all(x == y or _texts_alike(x, y) for x, y in zip(first, second, strict=True))


def _texts_alike(a: str, b: str) -> bool:
    first, second = shingles(a), shingles(b)
    return bool(first) and bool(second) and _jaccard(first, second) >= THRESHOLD
