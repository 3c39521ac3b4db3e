"""Edit distances and alignments of TER, in the two ways that give sacrebleu's numbers.

sacrebleu looks at a beam of 50 cells around the diagonal of the table only. `WholeTable` leaves the beam out and serves
where no best path can leave it; `BeamTable` keeps to the beam and counts many outputs of one reference together.

Source: sacrebleu 2.6 (`lib_ter.BeamEditDistance`, after Tercom) for the beam and for which of several best alignments is
taken: equal or replaced words first, then a word too many in the output, then a missing one. Hyyrö, 2003, "A
Bit-Vector Algorithm for Computing Levenshtein and Damerau Edit Distances", for the table as bits.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from evalgate.metrics.ter_words import ReferenceWords

_BEAM = 25
_LONGEST_WHOLE = 4096
"""Longer references are counted in the beam: the bits of a whole table grow with the square of the length."""
_CELLS = 1 << 22
"""Cells of the beam held at once."""
_FAR = 1 << 30
"""The distance of a cell outside the beam."""
_Ints = NDArray[np.int32]


@dataclass(frozen=True, slots=True)
class Alignment:
    """What matches what."""

    places: list[int]
    """For every word of the reference the last word of the output that is used up with it; -1 before the first."""
    wrong_in_reference: list[bool]
    wrong_in_output: list[bool]


class Table(Protocol):
    """Distances of outputs to one reference; all outputs have the same number of words."""

    def distance(self, output: str) -> int:
        """Edits that turn the output into the reference."""
        ...

    def align(self, output: str) -> Alignment:
        """The alignment behind the distance."""
        ...

    def distances(self, outputs: Sequence[str], below: int) -> list[int]:
        """The distance of each output; where it is not below the bound, any number from the bound on."""
        ...


def table(reference: ReferenceWords, output: str) -> Table:
    """The way to count for one output and all shifts of it.

    A path of d edits between lengths that differ by e strays at most (d + e) / 2 cells from the diagonal.
    """
    whole, length = WholeTable(reference), len(reference.text)
    if length < _BEAM:
        return whole
    astray = (whole.distance(output) + abs(length - len(output))) // 2
    return whole if length <= _LONGEST_WHOLE and astray < _BEAM - 1 else BeamTable(reference)


@dataclass(frozen=True, slots=True)
class WholeTable:
    """Without a beam: distances by a compiled library, the alignment from bits."""

    reference: ReferenceWords

    def distance(self, output: str) -> int:
        """Edits that turn the output into the reference."""
        from rapidfuzz.distance import Levenshtein

        return int(Levenshtein.distance(output, self.reference.text))

    def distances(self, outputs: Sequence[str], below: int) -> list[int]:
        """The distance of each output; where it is not below the bound, the bound."""
        from rapidfuzz.distance import Levenshtein

        distance, text = Levenshtein.distance, self.reference.text
        return [distance(output, text, score_cutoff=below - 1) for output in outputs]

    def align(self, output: str) -> Alignment:
        """The alignment behind the distance."""
        text = self.reference.text
        same, grows = _bit_rows(output, text)
        i, j = len(output), len(text)
        places, wrong, wrong_output = [-1] * j, [True] * j, [True] * i
        while i and j:
            if output[i - 1] == text[j - 1]:
                wrong[j - 1] = wrong_output[i - 1] = False
                places[j - 1] = i - 1
                i, j = i - 1, j - 1
            elif not same[i - 1] >> (j - 1) & 1:
                places[j - 1] = i - 1
                i, j = i - 1, j - 1
            elif grows[i - 1] >> (j - 1) & 1:
                i -= 1
            else:
                places[j - 1] = i - 1
                j -= 1
        return Alignment(places, wrong, wrong_output)


def _bit_rows(output: str, text: str) -> tuple[list[int], list[int]]:
    """For every word of the output the places where the distance equals that before both words, and where it grows by it."""
    bits: dict[str, int] = {}
    for place, character in enumerate(text):
        bits[character] = bits.get(character, 0) | 1 << place
    full = (1 << len(text)) - 1
    more, less = full, 0
    same_rows, grow_rows = [], []
    for character in output:
        match = bits.get(character, 0)
        same = ((((match & more) + more) ^ more) | match | less) & full
        grows = less | (full & ~(same | more))
        shrinks = same & more
        same_rows.append(same)
        grow_rows.append(grows)
        shifted = (grows << 1 | 1) & full
        more = (shrinks << 1 & full) | (full & ~(same | shifted))
        less = shifted & same
    return same_rows, grow_rows


@dataclass(frozen=True, slots=True)
class BeamTable:
    """With the beam: the rows of the table as arrays, for many outputs at once."""

    reference: ReferenceWords

    def distance(self, output: str) -> int:
        """Edits that turn the output into the reference within the beam."""
        return self.distances([output], _FAR)[0]

    def distances(self, outputs: Sequence[str], below: int) -> list[int]:
        """The distance of each output."""
        if not outputs:
            return []
        step = max(1, _CELLS // (len(self.reference.text) + 1))
        blocks = [self._last_column(outputs[start : start + step]) for start in range(0, len(outputs), step)]
        return [int(distance) for block in blocks for distance in block]

    def align(self, output: str) -> Alignment:
        """The alignment behind the distance."""
        text = self.reference.text
        rows = self._rows([output])
        i, j = len(output), len(text)
        places, wrong, wrong_output = [-1] * j, [True] * j, [True] * i
        while i and j:
            equal = output[i - 1] == text[j - 1]
            here = _cell(rows[i], j)
            if here == _cell(rows[i - 1], j - 1) + (not equal):
                wrong[j - 1] = wrong_output[i - 1] = not equal
                places[j - 1] = i - 1
                i, j = i - 1, j - 1
            elif here == _cell(rows[i - 1], j) + 1:
                i -= 1
            else:
                places[j - 1] = i - 1
                j -= 1
        return Alignment(places, wrong, wrong_output)

    def _last_column(self, outputs: Sequence[str]) -> _Ints:
        row: _Ints = self._rows(outputs, keep=False)[-1][1][:, -1]
        return row

    def _rows(self, outputs: Sequence[str], *, keep: bool = True) -> list[tuple[int, _Ints]]:
        """Rows of the table as (first column of the beam, distances of every output within it); all, or the last one."""
        reference = _codes(self.reference.text)
        words = np.stack([_codes(output) for output in outputs])
        width, count = reference.size + 1, words.shape[1]
        rows = [(0, np.broadcast_to(np.arange(width, dtype=np.int32), (len(outputs), width)))]
        for i in range(1, count + 1):
            first, last = _beam(i, count, reference.size)
            row = _next_row(rows[-1], words[:, i - 1], reference, first, last)
            if not keep:
                rows.clear()
            rows.append((first, row))
        return rows


def _beam(i: int, count: int, length: int) -> tuple[int, int]:
    """Columns of row i that are looked at: from the first, up to before the last."""
    ratio = length / count
    beam = math.ceil(ratio / 2 + _BEAM) if ratio / 2 > _BEAM else _BEAM
    middle = math.floor(i * ratio)
    return max(0, middle - beam), length + 1 if i == count else min(length + 1, middle + beam)


def _next_row(before: tuple[int, _Ints], words: _Ints, reference: _Ints, first: int, last: int) -> _Ints:
    """One row from the row before. Shapes: (k, beam before), (k,), (words of the reference,) → (k, last - first)."""
    above = np.full((words.size, last - first + 1), _FAR, dtype=np.int32)
    start, row = before
    left, right = max(first - 1, start), min(last, start + row.shape[1])
    above[:, left - first + 1 : right - first + 1] = row[:, left - start : right - start]
    best = above[:, 1:] + 1
    # The first column of the table has no word of the reference before it.
    skip = 1 if first == 0 else 0
    differ = reference[first - 1 + skip : last - 1][None, :] != words[:, None]
    np.minimum(best[:, skip:], above[:, skip:-1] + differ, out=best[:, skip:])
    steps = np.arange(last - first, dtype=np.int32)
    return np.minimum(np.minimum.accumulate(best - steps, axis=1) + steps, _FAR)


def _cell(row: tuple[int, _Ints], column: int) -> int:
    first, distances = row
    place = column - first
    return int(distances[0, place]) if 0 <= place < distances.shape[1] else _FAR


def _codes(text: str) -> _Ints:
    return np.fromiter(map(ord, text), np.int32, len(text))
