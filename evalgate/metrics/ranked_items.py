"""Read what a ranking metric needs: the ranked list of an answer, and the relevance grades of its case."""

from __future__ import annotations

import json
import math
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from evalgate.core.errors import BadInput
from evalgate.core.patterns import Pattern
from evalgate.core.values import Expectation, Output
from evalgate.metrics.json_answer import StrictJsonError, read_json
from evalgate.metrics.mean_rows import place_of

_BULLET = re.compile(r"(?:[-*•+]|[0-9]{1,4}[.)])(?:\s+|$)")
_LIST_HINT = 'a ranked list is ["id", …], or [["id", score], …], or [{"id": …, "score": …}, …]'
_GRADES_HINT = 'relevance is {"id": grade, …} with whole grades, or a list of relevant ids'


@dataclass(frozen=True, slots=True)
class ItemReader:
    """How one ranking metric reads lists and grades."""

    items: Pattern | None = None
    fold: bool = False

    def ranking(self, output: Output, expectation: Expectation) -> list[str]:
        """The ids of an answer, best first, each at its first place.

        Raises: BadInput naming the case when an answer given as data is not a ranked list. Text never raises: what
            cannot be read as a list is a list of its lines.
        """
        if output.value is not None:
            try:
                ids = _ids_of(output.value)
            except ValueError as error:
                raise BadInput(f"the output is no ranked list: {error}", where=place_of(expectation), hint=_LIST_HINT) from None
        elif self.items is not None:
            ids = _mentions(self.items, output.text)
        else:
            ids = _ids_in_text(output.text)
        return list(dict.fromkeys(key for key in map(self._key, ids) if key))

    def grades(self, expectation: Expectation) -> dict[str, int]:
        """The grade of every judged id of a case; an id that is only listed as relevant has grade 1.

        Raises: BadInput naming the case: no reference, several mappings, or a grade that is not a whole number.
        """
        try:
            judged = _judged(expectation.references)
        except ValueError as error:
            raise BadInput(str(error), where=place_of(expectation), hint=_GRADES_HINT) from None
        grades: dict[str, int] = {}
        for name, grade in judged:
            key = self._key(name)
            if not key or grades.setdefault(key, grade) != grade:
                said = f"{name!r} has two grades" if key else "an id is empty"
                raise BadInput(f"in the relevance {said}", where=place_of(expectation), hint=_GRADES_HINT)
        return grades

    def _key(self, name: str) -> str:
        return name.strip().casefold() if self.fold else name.strip()


def _ids_of(value: Any) -> list[str]:
    """A ranked list given as data.

    Items with scores are sorted by score and then by id, both descending, as trec_eval breaks ties.
    """
    if not isinstance(value, (list, tuple)):
        raise ValueError(f"it is {_kind(value)}")
    if not any(isinstance(item, (list, tuple, Mapping)) for item in value):
        return [_id(item) for item in value]
    scored = [_scored(item) for item in value]
    scored.sort(reverse=True)
    return [name for _, name in scored]


def _scored(item: Any) -> tuple[float, str]:
    if isinstance(item, Mapping):
        if not {"id", "score"} <= item.keys():
            raise ValueError("an item lacks id or score")
        name, score = item["id"], item["score"]
    elif isinstance(item, (list, tuple)) and len(item) == 2:
        name, score = item
    else:
        raise ValueError("some items have a score and others have none")
    if isinstance(score, bool) or not isinstance(score, (int, float)) or not math.isfinite(score):
        raise ValueError(f"the score {str(score)[:40]!r} of {_id(name)!r} is not a number")
    return float(score), _id(name)


def _id(value: Any) -> str:
    if isinstance(value, str):
        return value
    if isinstance(value, int) and not isinstance(value, bool):
        return str(value)
    raise ValueError(f"an id is {_kind(value)}")


def _ids_in_text(text: str) -> list[str]:
    if text.lstrip().startswith("["):
        try:
            return _ids_of(read_json(text))
        except (StrictJsonError, ValueError, OverflowError):
            pass
    return [_BULLET.sub("", line.strip(), count=1) for line in text.split("\n")]


def _mentions(items: Pattern, text: str) -> list[str]:
    group = 1 if items.compiled.groups else 0
    return [match.group(group) or "" for match in items.compiled.finditer(text)]


def _judged(references: Sequence[Any]) -> list[tuple[str, int]]:
    if not references:
        raise ValueError("the case has no relevance to measure against")
    only = _parsed(references[0]) if len(references) == 1 else list(references)
    if isinstance(only, Mapping):
        return [(name, _grade(name, grade)) for name, grade in only.items()]
    if isinstance(only, (list, tuple)):
        return [(_id(name), 1) for name in only]
    return [(_id(only), 1)]


def _parsed(reference: Any) -> Any:
    """Columns of CSV files hold lists and mappings as JSON text; no id starts with a bracket."""
    if not isinstance(reference, str) or reference.lstrip()[:1] not in ("[", "{"):
        return reference
    try:
        return read_json(reference)
    except StrictJsonError as error:
        raise ValueError(f"the relevance looks like JSON and is not: {error}") from None


def _grade(name: str, grade: Any) -> int:
    if isinstance(grade, bool) or not isinstance(grade, (int, float)) or not float(grade).is_integer():
        raise ValueError(f"the grade of {name!r} is {json.dumps(grade, default=str)[:40]}, not a whole number")
    return int(grade)


def _kind(value: Any) -> str:
    names = {dict: "an object", str: "a text", bool: "true or false", float: "a fraction", type(None): "null"}
    return names.get(type(value), f"a {type(value).__name__}")
