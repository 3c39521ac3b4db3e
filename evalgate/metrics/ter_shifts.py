"""The search of TER: shift phrases of the output while that brings it closer to the reference, then count edits.

Source: sacrebleu 2.6 (`lib_ter.translation_edit_rate`, after Tercom): which shifts are tried, which of equally good ones
is taken, and when the search gives up.
"""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from collections.abc import Iterator, Sequence

from evalgate.metrics.ter_alignment import Alignment, Table, table
from evalgate.metrics.ter_words import ReferenceWords

_LONGEST_PHRASE = 10
_FARTHEST = 50
_MOST_SHIFTS_TRIED = 1000
_Phrase = tuple[int, int, int]
"""First word in the output, first word in the reference, number of words."""


def fewest_edits(output: str, reference: ReferenceWords) -> int:
    """Shifts and edits that turn the output, spelt as the reference spells, into the reference."""
    if not reference.text or output == reference.text:
        return len(output) - len(reference.text)
    least = reference.fewest_edits(output)
    counted = table(reference, output)
    distance = counted.distance(output)
    shifts = tried = 0
    # A shift costs one edit, so the last one that is possible gains nothing.
    while distance - least > 1:
        output, gain, tried = _best_shift(output, reference, counted, distance, tried)
        if gain <= 0 or tried >= _MOST_SHIFTS_TRIED:
            break
        shifts += 1
        distance -= gain
    return shifts + distance


def _best_shift(output: str, reference: ReferenceWords, counted: Table, distance: int, tried: int) -> tuple[str, int, int]:
    """The output after the best shift, how much closer it is, and the number of shifts tried so far."""
    alignment = counted.align(output)
    targets: dict[tuple[int, int, int], None] = {}
    for start, place, length in _phrases(output, reference, alignment):
        before = -1
        for end in range(place - 1, place + length):
            target = alignment.places[end] + 1 if end >= 0 else 0
            if target != before:
                before = target
                tried += 1
                targets[-length, start, target] = None
        if tried >= _MOST_SHIFTS_TRIED:
            break
    moves = list(targets)
    shifted = [_shifted(output, start, -length, target) for length, start, target in moves]
    distances = counted.distances(shifted, distance)
    # Of the closest the longest phrase, then the one that starts first, then the first target.
    best = min(zip(distances, moves, shifted, strict=True), default=None)
    return (output, 0, tried) if best is None else (best[2], distance - best[0], tried)


def _phrases(output: str, reference: ReferenceWords, alignment: Alignment) -> Iterator[_Phrase]:
    """Phrases of output and reference that are equal, wrong on both sides, and not already within each other."""
    text, places = reference.text, reference.places
    wrong, wrong_output = alignment.wrong_in_reference, alignment.wrong_in_output
    for start, character in enumerate(output):
        for place in _near(places.get(character, ()), start):
            aligned = alignment.places[place]
            longest = min(_LONGEST_PHRASE, len(output) - start, len(text) - place)
            if aligned >= start:
                # A phrase must not be moved into itself.
                longest = min(longest, aligned - start)
            bad = bad_output = False
            for length in range(1, longest + 1):
                at, over = start + length - 1, place + length - 1
                if output[at] != text[over]:
                    break
                bad = bad or wrong[over]
                bad_output = bad_output or wrong_output[at]
                if bad and bad_output:
                    yield start, place, length


def _near(places: Sequence[int], start: int) -> Sequence[int]:
    """Those of ascending places that are not too far for a shift."""
    if not places or (start - places[0] <= _FARTHEST and places[-1] - start <= _FARTHEST):
        return places
    return places[bisect_left(places, start - _FARTHEST) : bisect_right(places, start + _FARTHEST)]


def _shifted(words: str, start: int, length: int, target: int) -> str:
    """The words with a phrase moved to before `target`, a place in the words as they stand."""
    end = start + length
    phrase = words[start:end]
    if target < start:
        return words[:target] + phrase + words[target:start] + words[end:]
    if target > end:
        return words[:start] + words[end:target] + phrase + words[target:]
    return words[:start] + words[end : length + target] + phrase + words[length + target :]
