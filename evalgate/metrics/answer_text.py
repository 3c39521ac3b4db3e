"""Take the answer out of an output before it is compared: extraction, a JSON field, normalisation.

Extraction alone moves accuracy by points, so all three are part of a metric's signature.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from evalgate.core.errors import BadInput
from evalgate.core.parameters import Parameters
from evalgate.core.patterns import Pattern, compile_pattern
from evalgate.core.values import Expectation
from evalgate.metrics.json_answer import StrictJsonError, field_of, read_json, text_of
from evalgate.metrics.mean_rows import place_of
from evalgate.metrics.normalise import NORMALISATIONS, normaliser
from evalgate.metrics.reference_texts import reference_texts


@dataclass(frozen=True, slots=True)
class AnswerText:
    """How one metric turns an output and its references into comparable texts."""

    pattern: Pattern | None = None
    normalize: str = "none"
    field: str | None = None

    @property
    def signature(self) -> str:
        """The recipe, for the metric's signature."""
        parts = [f"extract:{quoted(self.pattern)}", f"normalize:{self.normalize}"]
        if self.field is not None:
            parts.append(f"field:{self.field}")
        return "|".join(parts)

    def extracted(self, text: str) -> str:
        """Group 1 of the last match (the whole match without a group), or the whole text; stripped."""
        found = self.pattern.extract(text) if self.pattern is not None else None
        return text.strip() if found is None else found

    def taken(self, text: str) -> str | None:
        """The answer before it is normalised; None where a JSON field was asked for and the output does not have it."""
        taken = self.extracted(text)
        return taken if self.field is None else _field_text(taken, self.field)

    def answer(self, text: str) -> str | None:
        """The comparable answer; None as for `taken`."""
        taken = self.taken(text)
        return None if taken is None else normaliser(self.normalize)(taken)

    def references(self, expectation: Expectation) -> tuple[str, ...]:
        """The references of a case before they are normalised; at least one.

        Raises: BadInput naming the case: no reference, one of the wrong kind, or one without the field.
        """
        if self.field is None:
            return reference_texts(expectation)
        texts = tuple(_reference_field(item, self.field, expectation) for item in expectation.references)
        # `reference_texts` owns the message for a case without references.
        return texts or reference_texts(expectation)

    def expected(self, expectation: Expectation) -> tuple[str, ...]:
        """The comparable references of a case; at least one. Raises: BadInput as `references`."""
        return tuple(map(normaliser(self.normalize), self.references(expectation)))

    def expected_once(self, expectations: Sequence[Expectation]) -> Iterator[tuple[str, ...]]:
        """`expected` of each of n cases; both variants share an expectation, which is prepared once."""
        # The expectation is kept beside its texts, so that its id stays its own.
        known: dict[int, tuple[Expectation, tuple[str, ...]]] = {}
        for expectation in expectations:
            found = known.get(id(expectation))
            if found is None:
                found = known[id(expectation)] = expectation, self.expected(expectation)
            yield found[1]


def take_answer_text(given: Parameters, *, normalize: str | None = None, field: bool = False) -> AnswerText:
    """Read `extract`, and where the metric offers them `normalize` (with its default) and `field`."""
    pattern = take_pattern(given, "extract")
    chosen = "none" if normalize is None else given.take("normalize", str, normalize, choices=NORMALISATIONS)
    path = given.take("field", str, None, low=1) if field else None
    if path is not None and "" in path.split("."):
        given.refuse("field", f"is not a path: {path!r}", "write the names of JSON members with dots between: customer.id")
    return AnswerText(pattern, chosen, path)


def take_pattern(given: Parameters, name: str) -> Pattern | None:
    """Read an optional RE2 pattern that takes something out of a text; None where absent or refused.

    A pattern that matches the empty text is refused: its last match would always be the empty end of the output.
    """
    text = given.take(name, str, None, low=1)
    if text is None:
        return None
    try:
        pattern = compile_pattern(text)
    except BadInput as error:
        given.refuse(name, f"is not valid: {error.problems[0].message}", error.problems[0].hint)
        return None
    if pattern.compiled.groups > 1:
        given.refuse(name, f"has {pattern.compiled.groups} groups: {text!r}", "keep one group and write the others (?:…)")
    elif pattern.compiled.fullmatch("") is not None:
        given.refuse(name, f"matches even an empty text: {text!r}", "use + in place of *, or anchor it to a word")
    return pattern


def quoted(pattern: Pattern | None) -> str:
    """A pattern as a signature shows it: in JSON quotes, or `none`."""
    return "none" if pattern is None else json.dumps(pattern.text, ensure_ascii=False)


def _field_text(text: str, path: str) -> str | None:
    try:
        return text_of(field_of(read_json(text), path))
    except (StrictJsonError, KeyError):
        return None


def _reference_field(reference: Any, path: str, expectation: Expectation) -> str:
    """The same field of a structured reference; a reference that is no object is the expected value itself."""
    if not isinstance(reference, Mapping):
        return text_of(reference)
    try:
        return text_of(field_of(reference, path))
    except KeyError:
        hint = f"the reference has: {', '.join(sorted(map(str, reference))) or 'nothing'}"
        raise BadInput(f"the reference has no field {path!r}", where=place_of(expectation), hint=hint) from None
