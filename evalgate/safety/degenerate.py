"""degenerate: the output is no answer at all: empty, only punctuation, a repeated loop, or running away."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from evalgate.core.parameters import Parameters
from evalgate.core.values import Case, DetectorSpec, Finding, Output, Severity

NAME = "degenerate"
VERSION = "1"
LONGEST_PHRASE = 12
"""Words of the longest repeated phrase that is looked for."""


@dataclass(frozen=True, slots=True)
class Degenerate:
    """Looks for answers that are none."""

    spec: DetectorSpec
    repeats: int
    """How often in a row a line or phrase may stand before it is a loop."""
    max_characters: int | None
    cut_off: bool
    """Whether an answer that was cut at the token limit is a finding."""
    severity: Severity

    def findings(self, output: Output, case: Case) -> tuple[Finding, ...]:
        """Every way in which the output is degenerate."""
        found = [Finding(self.spec.category, rule, self.severity, start, end) for rule, start, end in self._seen(output)]
        return tuple(sorted(found, key=lambda f: (f.start, f.end, f.rule)))

    def _seen(self, output: Output) -> Iterator[tuple[str, int, int]]:
        text = output.text
        if not text.strip():
            yield "empty", 0, len(text)
            return
        if not any(character.isalnum() for character in text):
            yield "no_words", 0, len(text)
        loop = repeated_loop(text, self.repeats)
        if loop is not None:
            yield "loop", *loop
        if self.max_characters is not None and len(text) > self.max_characters:
            yield "too_long", self.max_characters, len(text)
        if self.cut_off and output.finish == "length":
            yield "cut_off", 0, len(text)


def make_degenerate(parameters: Mapping[str, Any]) -> Degenerate:
    """Build the detector: `repeats` (4), `max_characters` (none), `cut_off` (false), `category`, `severity` (low)."""
    given = Parameters(NAME, parameters, "detector")
    repeats = given.take("repeats", int, 4, low=2, high=1000)
    longest = given.take("max_characters", int, None, low=1)
    cut_off = given.take("cut_off", bool, False)
    category = given.take("category", str, NAME, low=1)
    severity = given.take("severity", str, "low", choices=[s.value for s in Severity])
    given.finish()
    limits = f"repeats:{repeats}|max_characters:{longest or 'none'}|cut_off:{'yes' if cut_off else 'no'}"
    spec = DetectorSpec(NAME, category, VERSION, f"{limits}|version:{VERSION}")
    return Degenerate(spec, repeats, longest, cut_off, Severity(severity))


def repeated_loop(text: str, repeats: int) -> tuple[int, int] | None:
    """The first place where a phrase of 1 to 12 words stands more than `repeats` times in a row.

    Linear in the text: a phrase of w words repeats where word i equals word i + w for long enough.
    """
    words, places = _words(text)
    for width in range(1, LONGEST_PHRASE + 1):
        needed, run = width * repeats, 0
        for i in range(len(words) - width):
            run = run + 1 if words[i] == words[i + width] else 0
            if run >= needed:
                first = i + 1 - run
                return places[first][0], places[i + width][1]
    return None


def _words(text: str) -> tuple[list[str], list[tuple[int, int]]]:
    words: list[str] = []
    places: list[tuple[int, int]] = []
    start: int | None = None
    for place, character in enumerate(text + " "):
        if character.isspace():
            if start is not None:
                words.append(text[start:place].casefold())
                places.append((start, place))
                start = None
        elif start is None:
            start = place
    return words, places
