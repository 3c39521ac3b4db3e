"""Count the n-grams that outputs share with their references: many texts, all orders, one sort.

Every place of every text becomes one whole number, `group | symbol | symbol | … | slot`. Sorted, equal n-grams stand side by
side, and so do their shorter beginnings: one sort serves all orders. Numbers that would not fit in 64 bits are made in
stages, where the rank of the n-gram so far takes the place of its symbols.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from evalgate.core.errors import Incomplete

OUTPUTS = 2
"""Slots 0 and 1 of a group hold outputs (of baseline and candidate, say), all later ones its references."""

_WORD = 64
_FIELD = 21
"""Bits for the count of one slot, where the counts of three slots travel in one number."""
_HALF = np.uint64(32)

Symbols = NDArray[np.uint64]
Counts = NDArray[np.int64]


@dataclass(frozen=True, slots=True)
class Placed:
    """Texts of one batch, group by group and slot by slot; each is followed by a gap of order - 1 symbols without meaning."""

    symbols: NDArray[np.uint32]
    """All texts and gaps, one after the other."""
    lengths: Counts
    """Symbols per text, without its gap."""
    groups: Counts
    """Group per text: 0, 1, … without holes, ascending."""
    slots: Counts
    """Slot per text: below OUTPUTS an output, else a reference."""


def shared_ngrams(placed: Placed, order: int) -> Counts:
    """How many n-grams of each output are found in its references.

    An n-gram counts as often as the output has it, at most as often as the reference has it that has it most often.
    Shapes: g groups → (g, OUTPUTS, order); 0 where a slot is empty.
    Raises: Incomplete where a batch is too large to be numbered.
    """
    count = int(placed.groups[-1]) + 1
    found = np.zeros((count, OUTPUTS, order), dtype=np.int64)
    gap = order - 1
    windows = len(placed.symbols) - gap
    if windows <= 0:
        return found
    symbols, bits = _dense(placed, gap)
    spans = placed.lengths + gap
    slots = np.repeat(placed.slots.astype(np.uint64), spans)[:windows]
    prefix = np.repeat(placed.groups.astype(np.uint64), spans)[:windows]
    slot_bits = int(placed.slots.max()).bit_length()
    starts = np.concatenate(([0], np.cumsum(np.bincount(placed.groups, weights=spans)[:-1]))).astype(np.int64)
    single = int(placed.slots.max()) == OUTPUTS and int(spans.max()) < 1 << _FIELD
    highest, done = count - 1, 0
    while done < order:
        fitting = min((_WORD - highest.bit_length() - slot_bits) // bits, order - done)
        if fitting < 1:
            raise Incomplete("a batch of texts is too large to be counted", hint="report this with the metric's parameters")
        codes = _codes(prefix, symbols[done:], fitting, bits)
        if done + fitting < order:
            prefix = np.unique(codes, return_inverse=True)[1].astype(np.uint64)
            highest = windows
        stage = _Stage(codes, slots, slot_bits, bits, fitting, starts)
        for step, shared in stage.with_one() if single else stage.with_many():
            found[:, :, done + step - 1] = shared
        done += fitting
    return found


def ngrams_per_order(lengths: Counts, order: int) -> Counts:
    """How many n-grams texts of these lengths have. Shapes: (t,) → (t, order)."""
    counts: Counts = np.maximum(lengths[:, None] - np.arange(order), 0)
    return counts


def _dense(placed: Placed, gap: int) -> tuple[Symbols, int]:
    """Symbols numbered without holes, and how many bits they need. In the gaps stands the slot: it matches no other text."""
    known = int(placed.slots.max()) + 1
    present = np.zeros(int(placed.symbols.max()) + 1, dtype=bool)
    present[placed.symbols] = True
    used = np.flatnonzero(present)
    # Left empty where nothing is read: the range of code points is large, and most of its memory is never touched.
    numbers = np.empty(len(present), dtype=np.uint64)
    numbers[used] = np.arange(known, known + len(used), dtype=np.uint64)
    symbols: Symbols = numbers[placed.symbols]
    if gap:
        ends = np.cumsum(placed.lengths + gap)
        symbols[(ends - gap)[:, None] + np.arange(gap)] = placed.slots.astype(np.uint64)[:, None]
    return symbols, (known + len(used) - 1).bit_length()


def _codes(prefix: Symbols, symbols: Symbols, count: int, bits: int) -> Symbols:
    codes = prefix.copy()
    for k in range(count):
        codes <<= np.uint64(bits)
        codes |= symbols[k : k + len(codes)]
    return codes


class _Stage:
    """Some orders in a row, counted from one sort."""

    def __init__(self, codes: Symbols, slots: Symbols, slot_bits: int, bits: int, orders: int, starts: Counts) -> None:
        self._bits, self._orders, self._starts = bits, orders, starts
        self._slot_bits = slot_bits
        codes <<= np.uint64(slot_bits)
        codes |= slots
        codes.sort()
        self._change = np.empty_like(codes)
        self._change[0] = ~np.uint64(0)
        np.bitwise_xor(codes[1:], codes[:-1], out=self._change[1:])
        codes &= np.uint64((1 << slot_bits) - 1)
        self._slots = codes

    def with_one(self) -> list[tuple[int, Counts]]:
        """Per order: what each output shares with the only reference of its group, (g, OUTPUTS).

        The counts of both outputs and the reference are fields of one number, so that one running sum serves all.
        """
        units = np.array([1 << (_FIELD * slot) for slot in range(OUTPUTS + 1)], dtype=np.uint64)
        running = _running(units[self._slots.astype(np.intp)])
        begins, change, found = None, self._change, []
        for order in range(self._orders, 0, -1):
            kept = np.flatnonzero(change >= self._lowest_change(order))
            change = change[kept]
            begins = kept if begins is None else begins[kept]
            counts = _differences(running, begins)
            low = np.uint64((1 << _FIELD) - 1)
            reference = counts >> np.uint64(2 * _FIELD)
            first = np.minimum(counts & low, reference)
            second = np.minimum((counts >> np.uint64(_FIELD)) & low, reference)
            both = self._per_group(first | (second << _HALF), begins)
            shared = np.stack((both & np.uint64((1 << 32) - 1), both >> _HALF), axis=1)
            found.append((order, shared.astype(np.int64)))
        return found

    def with_many(self) -> list[tuple[int, Counts]]:
        """Per order: what each output shares with all references of its group together, (g, OUTPUTS)."""
        found = []
        for order in range(1, self._orders + 1):
            new = self._change >= self._lowest_change(order)
            keys = (np.cumsum(new, dtype=np.uint64) << np.uint64(self._slot_bits)) | self._slots
            keys.sort()
            # One run per n-gram and slot; an n-gram's runs stand together, outputs first.
            at = np.flatnonzero(np.concatenate(([True], keys[1:] != keys[:-1])))
            counts = np.diff(at, append=len(keys))
            slots = (keys[at] & np.uint64((1 << self._slot_bits) - 1)).astype(np.int64)
            grams = keys[at] >> np.uint64(self._slot_bits)
            first = np.flatnonzero(np.concatenate(([True], grams[1:] != grams[:-1])))
            most = np.maximum.reduceat(np.where(slots >= OUTPUTS, counts, 0), first)
            columns = []
            for output in range(OUTPUTS):
                own = np.add.reduceat(np.where(slots == output, counts, 0), first)
                columns.append(self._per_group(np.minimum(own, most).astype(np.uint64), np.flatnonzero(new)))
            found.append((order, np.stack(columns, axis=1).astype(np.int64)))
        return found

    def _lowest_change(self, order: int) -> np.uint64:
        """Neighbours that differ by this much or more differ within their first `order` symbols, or before."""
        return np.uint64(1 << (self._slot_bits + (self._orders - order) * self._bits))

    def _per_group(self, values: Symbols, begins: NDArray[np.intp]) -> Symbols:
        """Sums of values of runs over the groups they belong to. Shapes: r runs and where they begin → (g,)."""
        return _differences(_running(values), np.searchsorted(begins, self._starts))


def _running(values: Symbols) -> Symbols:
    """Sums of all values before each place and, at the end, of all. Shapes: (n,) → (n + 1,)."""
    sums = np.zeros(len(values) + 1, dtype=np.uint64)
    np.cumsum(values, out=sums[1:])
    return sums


def _differences(running: Symbols, begins: NDArray[np.intp]) -> Symbols:
    """Sums from each begin to the next one, the last one to the end. Shapes: (n + 1,), (r,) → (r,)."""
    at = running[begins]
    at[:-1] -= at[1:]
    at[-1:] -= running[-1]
    return np.negative(at, out=at)
