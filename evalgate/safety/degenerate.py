"""degenerate: the output is no answer at all: empty, only punctuation, a repeated loop, or running away."""

from __future__ import annotations

import operator
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from evalgate.core.parameters import Parameters
from evalgate.core.values import Case, DetectorSpec, Finding, Output, Severity
from evalgate.safety.folding import fold

NAME = "degenerate"
VERSION = "1"
LONGEST_PHRASE = 12
"""Words of the longest repeated phrase that is looked for."""
LONGEST_SYLLABLE = 4
"""Characters of the longest repeated syllable that is looked for (`hahaha`, and scripts without spaces)."""
SYLLABLES = 4
"""A syllable has to stand this many times as often as a phrase: `ha ha ha` is no loop, a screen of `ha` is."""
_LINE = re.compile(r"\S[^\n\r]*")
_WORD = re.compile(r"\S+")
_CHARACTER = re.compile(r"\S")

Span = tuple[int, int]


@dataclass(frozen=True, slots=True)
class Degenerate:
    """Looks for answers that are none."""

    spec: DetectorSpec
    repeats: int
    """How often in a row a line or phrase may stand; once more is a loop."""
    share: float
    """A repeated phrase is a loop when it covers more than this share of the text."""
    max_characters: int | None
    cut_off: bool
    """Whether an answer that was cut at the token limit is a finding."""
    severity: Severity
    identical: float | None = None
    """The same answer to different inputs is a finding when more than this share of all cases gets it."""

    def findings(self, output: Output, case: Case) -> tuple[Finding, ...]:
        """Every way in which the output is degenerate."""
        found = [Finding(self.spec.category, rule, self.severity, start, end) for rule, start, end in self._seen(output)]
        return tuple(sorted(found, key=lambda f: (f.start, f.end, f.rule)))

    def _seen(self, output: Output) -> Iterator[tuple[str, int, int]]:
        text = output.text
        if self.cut_off and output.finish == "length":
            yield "cut_off", 0, len(text)
        if not fold(text).text.strip():
            yield "empty", 0, len(text)
            return
        if not any(character.isalnum() for character in text):
            yield "no_words", 0, len(text)
        loop = repeated_loop(text, self.repeats, self.share)
        if loop is not None:
            yield "loop", *loop
        if self.max_characters is not None and len(text) > self.max_characters:
            yield "too_long", self.max_characters, len(text)
        if self.identical is not None and output.shared > self.identical:
            yield "identical", 0, len(text)


def make_degenerate(parameters: Mapping[str, Any]) -> Degenerate:
    """Build the detector.

    `repeats` (4): how often in a row a line or phrase may stand; `share` (0.5): of the text a repeated phrase must cover;
    `max_characters` (none); `cut_off` (false): an answer cut at the token limit is a finding; `identical` (none): the same
    answer, of five words or more, to different inputs is one when more than this share of all cases gets it; `category`;
    `severity` (low).
    """
    given = Parameters(NAME, parameters, "detector")
    repeats = given.take("repeats", int, 4, low=2, high=1000)
    share = given.take("share", float, 0.5, low=0, high=1)
    longest = given.take("max_characters", int, None, low=1)
    cut_off = given.take("cut_off", bool, False)
    identical = given.take("identical", float, None, low=0, high=1)
    category = given.take("category", str, NAME, low=1)
    severity = given.take("severity", str, "low", choices=[s.value for s in Severity])
    given.finish()
    limits = f"repeats:{repeats}|share:{share:g}|max_characters:{longest or 'none'}"
    limits += "" if identical is None else f"|identical:{identical:g}"
    signature = f"{limits}|cut_off:{'yes' if cut_off else 'no'}|version:{VERSION}"
    spec = DetectorSpec(NAME, category, VERSION, signature, sensitive=False, repeated=identical)
    return Degenerate(spec, repeats, share, longest, cut_off, Severity(severity), identical)


def repeated_loop(text: str, repeats: int, share: float = 0.5) -> Span | None:
    """Where the text goes round in circles: the first of these that is found, or None.

    1. one line more than `repeats` times in a row, blank lines apart;
    2. a phrase of 1 to 12 words more than `repeats` times in a row, covering more than `share` of the text;
    3. the same for a syllable of 1 to 4 characters, four times as often.
    Linear in the text: units of width w repeat where unit i equals unit i + w for long enough.
    """
    ends = text.count("\n") + text.count("\r")
    lines = _longest_loop(text, _LINE, 1, repeats) if ends >= repeats else None
    if lines is not None:
        return lines
    enough = share * len(text.strip())
    found = _longest_loop(text, _WORD, LONGEST_PHRASE, repeats)
    if found is None or found[1] - found[0] <= enough:
        found = _longest_loop(text, _CHARACTER, LONGEST_SYLLABLE, repeats * SYLLABLES)
    return found if found is not None and found[1] - found[0] > enough else None


def _longest_loop(text: str, unit: re.Pattern[str], widest: int, repeats: int) -> Span | None:
    units = _units(text, unit)
    runs = [run for width in range(1, widest + 1) for run in _runs(units, width, repeats)]
    if not runs:
        return None
    places = [match.span() for match in unit.finditer(text)]
    spans = [(places[first][0], places[last][1]) for first, last in runs]
    return max(spans, key=lambda span: span[1] - span[0])


def _units(text: str, unit: re.Pattern[str]) -> Sequence[str]:
    """All units of a text, folded; the two short ways give what the pattern gives."""
    if unit is _WORD:
        return text.casefold().split()
    if unit is _CHARACTER and text.isascii():
        return "".join(text.split()).lower()
    return [*map(str.casefold, map(str.strip, unit.findall(text)))]


def _runs(units: Sequence[str], width: int, repeats: int) -> Iterator[Span]:
    """First and last unit of every stretch in which `width` units stand more than `repeats` times in a row."""
    if not _may_run(units, width, width * repeats):
        return
    same = bytes(map(operator.eq, units[width:], units))
    needed = b"\1" * (width * repeats)
    start = same.find(needed)
    while start >= 0:
        end = same.find(b"\0", start)
        end = len(same) if end < 0 else end
        yield start, end + width - 1
        start = same.find(needed, end)


def _may_run(units: Sequence[str], width: int, needed: int) -> bool:
    """Whether `needed` units in a row equal the one `width` further on; every such stretch holds one of the places tried."""
    end = len(units) - width
    if True not in map(operator.eq, units[needed - 1 : end : needed], units[needed - 1 + width :: needed]):
        return False
    for place in range(needed - 1, end, needed):
        first = last = place
        while first >= 0 and place - first < needed and units[first] == units[first + width]:
            first -= 1
        while last < end and last - first <= needed and units[last] == units[last + width]:
            last += 1
        if last - first > needed:
            return True
    return False
