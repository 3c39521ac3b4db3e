"""Cases whose inputs are almost the same: candidates by MinHash, each proven by its exact Jaccard index."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from evalgate.core.health import HealthFinding, amount
from evalgate.golden.health.duplicates import listed
from evalgate.golden.health.folding import COLUMN_BREAK
from evalgate.golden.health.shingles import WIDTH, shingle_hashes

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    Hashes = NDArray[np.uint64]
    Places = NDArray[np.int64]

THRESHOLD = 0.8
"""Jaccard index from which two texts are near-duplicates."""
WITHOUT_LIBRARY = 5_000
"""Distinct texts up to which no library is needed."""
MOST_CHARACTERS = 64 << 20
"""Characters of all distinct inputs together that are held in memory."""
MOST_CANDIDATES = 100_000
"""Pairs that are proven exactly; with more, the finding says so."""
PERMUTATIONS, ROWS = 64, 4
"""16 bands of 4 rows: a pair at the threshold is a candidate with probability 1 - (1 - 0.8^4)^16 = 0.9998."""
_FEWEST_AGREEING = 36
"""Of the PERMUTATIONS; a pair at the threshold agrees in 51.2 of them, in fewer than 36 with a probability below 0.00001."""
SEED = 20
_MIX = 0xBF58476D1CE4E5B9
_BATCH = 2_000
_CROWD = 200
"""Texts in one bucket that are compared each with each; in a larger one each with its NEIGHBOURS next."""
_NEIGHBOURS = 2


@dataclass(slots=True)
class NearDuplicateCheck:
    """Finds pairs of cases that are alike and not equal, and do not belong to the same declared group."""

    texts: dict[str, tuple[str, str | None]] = field(default_factory=dict)
    """Folded text → id and group of the case with the smallest id."""
    characters: int = 0

    def add(self, case_id: str, group: str | None, joined: str) -> None:
        """Take in the next case; `joined` is the folded text of its inputs."""
        if len(joined) < WIDTH or self.characters > MOST_CHARACTERS:
            return
        earlier = self.texts.get(joined)
        if earlier is None:
            self.characters += len(joined)
            if self.characters > MOST_CHARACTERS:
                self.texts.clear()
                return
        if earlier is None or case_id < earlier[0]:
            self.texts[joined] = (case_id, group)

    def findings(self) -> list[HealthFinding]:
        """`near-duplicate`, or `not-checked` with the reason."""
        if self.characters > MOST_CHARACTERS:
            said = f"near-duplicates were not looked for: more than {MOST_CHARACTERS >> 20} million characters of inputs"
            return [HealthFinding("not-checked", said, 1)]
        # In the order of the texts nothing depends on the order of the cases any more.
        texts = sorted(self.texts)
        if len(texts) > WITHOUT_LIBRARY and not minhash_available():
            said = (
                f"near-duplicates among more than {WITHOUT_LIBRARY:,} different inputs are looked for with the library rensa: "
                "pip install 'evalgate-engine[health]'"
            )
            return [HealthFinding("not-checked", said, 1)]
        pairs, whole = near_duplicates(texts, [self.texts[text][1] for text in texts])
        if not pairs:
            return []
        what = amount(len(pairs), "pair of cases is almost the same", "pairs of cases are almost the same")
        more = "" if whole else "; there may be more"
        said = f"{what} (Jaccard index of their {WIDTH}-character shingles at least {THRESHOLD}){more}"
        named = [[self.texts[texts[a]][0], self.texts[texts[b]][0]] for a, b in pairs]
        return [HealthFinding("near-duplicate", said, len(pairs), listed(named))]


def near_duplicates(texts: Sequence[str], groups: Sequence[str | None]) -> tuple[list[tuple[int, int]], bool]:
    """Pairs of near-duplicates among distinct folded texts in sorted order, and whether all candidates were looked at.

    Two texts are near-duplicates when each of their columns (joined by line breaks) is: a long context that many cases
    share does not make their questions alike.
    """
    candidates, whole = _candidates(texts)
    found = []
    sets: dict[int, frozenset[str]] = {}
    for a, b in candidates:
        if groups[a] is not None and groups[a] == groups[b]:
            continue
        if _alike(_shingles(texts, a, sets), _shingles(texts, b, sets)) and _columns_alike(texts[a], texts[b]):
            found.append((a, b))
    return found, whole


def minhash_available() -> bool:
    """Whether the library for large datasets is installed."""
    try:
        import rensa  # noqa: F401
    except ImportError:
        return False
    return True


def _candidates(texts: Sequence[str]) -> tuple[list[tuple[int, int]], bool]:
    """Pairs that share a band of their MinHash signatures, and whether they are all.

    Source: Broder 1997; banding as in Leskovec, Rajaraman, Ullman, Mining of Massive Datasets, chapter 3.4.
    """
    import numpy as np

    signed = _signed_by_library if len(texts) > WITHOUT_LIBRARY else _signed
    signatures = np.empty((len(texts), PERMUTATIONS), dtype=np.uint32)
    for start in range(0, len(texts), _BATCH):
        flat, offsets = shingle_hashes(texts[start : start + _BATCH])
        signatures[start : start + _BATCH] = signed(flat, offsets)
    codes, whole = [np.empty(0, dtype=np.int64)], True
    for band in range(0, PERMUTATIONS, ROWS):
        buckets = np.zeros(len(texts), dtype=np.uint64)
        for row in range(band, band + ROWS):
            # A chance hit of this mixing only adds a candidate, which is then refuted.
            buckets = (buckets ^ signatures[:, row]) * np.uint64(_MIX)
            buckets ^= buckets >> np.uint64(29)
        found, complete = _pairs_in(buckets)
        codes.append(found)
        whole &= complete
    distinct = np.unique(np.concatenate(codes))
    one, other = np.divmod(distinct, len(texts))
    agreeing = np.zeros(len(distinct), dtype=np.int64)
    for column in signatures.T:
        agreeing += column[one] == column[other]
    distinct = distinct[agreeing >= _FEWEST_AGREEING]
    if len(distinct) > MOST_CANDIDATES:
        distinct, whole = distinct[:: -(-len(distinct) // MOST_CANDIDATES)], False
    return [(code // len(texts), code % len(texts)) for code in distinct.tolist()], whole


def _signed(flat: Hashes, offsets: Places) -> NDArray[np.uint32]:
    """Signatures of a batch: the least of its hashes under each of PERMUTATIONS multiplications."""
    import numpy as np

    factors = np.random.Generator(np.random.PCG64(SEED)).integers(1 << 62, 1 << 63, PERMUTATIONS, dtype=np.uint64) * 2 + 1
    found = np.empty((len(offsets) - 1, PERMUTATIONS), dtype=np.uint32)
    shift = np.uint64(32)
    for number, factor in enumerate(factors):
        found[:, number] = np.minimum.reduceat((flat * factor) >> shift, offsets[:-1])
    return found


def _signed_by_library(flat: Hashes, offsets: Places) -> list[list[int]]:
    from rensa import RMinHash

    rows: list[list[int]] = RMinHash.digest_matrix_from_flat_token_hashes(flat, offsets.tolist(), PERMUTATIONS, SEED).to_rows()
    return rows


def _pairs_in(buckets: Hashes) -> tuple[Places, bool]:
    """Pairs of texts in the same bucket, each as one number `smaller * n + larger`, and whether they are all."""
    import numpy as np

    order = np.argsort(buckets, kind="stable")
    edges = np.flatnonzero(np.diff(buckets[order])) + 1
    starts = np.concatenate(([0], edges))
    sizes = np.diff(np.concatenate((starts, [len(buckets)])))
    several = np.repeat(sizes > 1, sizes)
    order, starts, sizes = order[several], starts[sizes > 1], sizes[sizes > 1]
    reach = np.repeat(np.where(sizes > _CROWD, _NEIGHBOURS, sizes), sizes)
    ends = np.repeat(np.cumsum(sizes), sizes)
    places = np.arange(len(order))
    found = [np.empty(0, dtype=np.int64)]
    for step in range(1, _CROWD):
        places = places[(places + step < ends[places]) & (step <= reach[places])]
        if not len(places):
            break
        found.append(order[places] * len(buckets) + order[places + step])
    return np.concatenate(found), bool((sizes <= _CROWD).all())


def _shingles(texts: Sequence[str], place: int, sets: dict[int, frozenset[str]]) -> frozenset[str]:
    found = sets.get(place)
    if found is None:
        # Candidates come in the order of their first member, so old sets are hardly asked for again.
        if len(sets) > _BATCH:
            sets.clear()
        found = sets[place] = _set_of(texts[place])
    return found


def _set_of(text: str) -> frozenset[str]:
    return frozenset([text[i : i + WIDTH] for i in range(len(text) - WIDTH + 1)])


def _alike(one: frozenset[str], other: frozenset[str]) -> bool:
    fewer, more = sorted((len(one), len(other)))
    if fewer < THRESHOLD * more:
        return False
    shared = len(one & other)
    return shared >= THRESHOLD * (fewer + more - shared) - 1e-9


def _columns_alike(one: str, other: str) -> bool:
    columns = list(zip(one.split(COLUMN_BREAK), other.split(COLUMN_BREAK), strict=False))
    if len(columns) == 1:
        return True
    return all(a == b or (min(len(a), len(b)) >= WIDTH and _alike(_set_of(a), _set_of(b))) for a, b in columns)
