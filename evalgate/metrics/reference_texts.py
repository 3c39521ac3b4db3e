"""The texts that an output is compared with: every text metric reads the references of a case in this one way."""

from __future__ import annotations

import json
import math
from typing import Any

from evalgate.core.errors import BadInput
from evalgate.core.values import Expectation

OPEN_COUNT = "nrefs:?"
"""Stands in a signature for the number of references, which only the data can tell."""


def reference_texts(expectation: Expectation) -> tuple[str, ...]:
    """The references of one case as texts, in their order; at least one.

    A text stays as it is (an empty one too), a number becomes its JSON text, and a list of these gives one reference
    per item.
    Raises:
        BadInput: the case has no reference, or one that is neither a text, a number nor a list of them.
    """
    given = expectation.references
    if len(given) == 1 and type(given[0]) is str and type(given) is tuple:
        return given
    texts: list[str] = []
    for reference in expectation.references:
        if isinstance(reference, str):
            texts.append(reference)
        elif isinstance(reference, (list, tuple)):
            texts.extend(_text(item, expectation) for item in reference)
        else:
            texts.append(_text(reference, expectation))
    if not texts:
        hint = "name the column that holds the expected answer as the dataset's reference, or drop this metric"
        raise BadInput(f"case {expectation.case.id!r} has no reference", where=_place(expectation), hint=hint)
    return tuple(texts)


def with_references(signature: str, smallest: int, largest: int) -> str:
    """Complete a signature with the number of references per case, once the data is known.

    `smallest` and `largest` are the fewest and most `reference_texts` of any case that was scored.
    Returns: sacrebleu's `nrefs:3`, or `nrefs:var` where cases differ; a signature without the open place unchanged.
    """
    number = str(smallest) if smallest == largest else "var"
    return "|".join(f"nrefs:{number}" if part == OPEN_COUNT else part for part in signature.split("|"))


def _text(reference: Any, expectation: Expectation) -> str:
    if isinstance(reference, str):
        return reference
    if isinstance(reference, (int, float)) and not isinstance(reference, bool) and math.isfinite(reference):
        return json.dumps(reference)
    raise BadInput(
        f"case {expectation.case.id!r} has a reference that is not a text: {_kind(reference)}",
        where=_place(expectation),
        hint="text metrics compare with a text, a number, or a list of them; write the reference as text",
    )


def _kind(reference: Any) -> str:
    if reference is None:
        return "null"
    if isinstance(reference, bool):
        return "true" if reference else "false"
    if isinstance(reference, dict):
        return "a JSON object"
    if isinstance(reference, (list, tuple)):
        return "a list within a list"
    return f"a {type(reference).__name__}"


def _place(expectation: Expectation) -> str:
    return expectation.case.place or f"case {expectation.case.id}"
