"""The same answer to different inputs: counted case by case, added up over shards, judged once all cases are known."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from types import MappingProxyType

from evalgate.core.canonical import digest
from evalgate.core.errors import BadInput
from evalgate.core.values import Case
from evalgate.safety.folding import fold

SHORTEST = 5
"""Words of the shortest answer that is looked at: labels and numbers are the same for many inputs, and rightly so."""
_WORD = re.compile(r"[^\W_]+")
_KEY = re.compile(r"[0-9a-f]{24}")


@dataclass(frozen=True, slots=True)
class AnswerCounts:
    """Which answers were given to which inputs by one variant, as digests."""

    cases: int = 0
    """Cases looked at, short and empty answers included."""
    given: Mapping[str, frozenset[str]] = field(default_factory=lambda: MappingProxyType({}))
    """Digest of an answer → digests of the different inputs that it was given to."""

    def merge(self, other: AnswerCounts) -> AnswerCounts:
        """The counts of both; the order does not matter. No case may be in both: `cases` is added up."""
        given = dict(self.given)
        for answer, inputs in other.given.items():
            given[answer] = given.get(answer, frozenset()) | inputs
        return AnswerCounts(self.cases + other.cases, MappingProxyType(given))

    def as_json(self) -> dict[str, object]:
        """Plain values for a shard file; `from_json` is the way back."""
        return {"cases": self.cases, "given": {answer: sorted(inputs) for answer, inputs in sorted(self.given.items())}}


@dataclass(frozen=True, slots=True)
class RepeatedAnswer:
    """An answer that was given to too many different inputs."""

    answer: str
    """Its digest, as `answer_key` gives it."""
    inputs: int
    """Different inputs that it was given to."""


def answer_key(text: str, *, shortest: int = SHORTEST) -> str | None:
    """The digest of an answer as a reader takes it: case, punctuation, white space and Unicode form do not matter.

    Returns: None for an answer of fewer than `shortest` words, which many inputs may share.
    """
    words = _WORD.findall(fold(text).text)
    return digest(words)[7:31] if len(words) >= shortest else None


def input_key(case: Case) -> str:
    """The digest of what the prompt may use of a case."""
    return digest(dict(case.inputs))[7:31]


def count_answers(answers: Iterable[tuple[Case, str]], *, shortest: int = SHORTEST) -> AnswerCounts:
    """Count the answers of one variant: (case, text of its answer), each case once."""
    given: dict[str, set[str]] = {}
    cases = 0
    for case, text in answers:
        cases += 1
        answer = answer_key(text, shortest=shortest)
        if answer is not None:
            given.setdefault(answer, set()).add(input_key(case))
    return AnswerCounts(cases, MappingProxyType({answer: frozenset(inputs) for answer, inputs in given.items()}))


def repeated_answers(counts: AnswerCounts, *, share: float | None = None, count: int | None = None) -> tuple[RepeatedAnswer, ...]:
    """Answers given to more than `count` different inputs, or to different inputs in more than `share` of the cases.

    An answer given to one input alone is never repeated, however often that input stands in the dataset, and not even with
    a `share` or `count` of 0.
    Returns: most frequent first, then by digest.
    Raises: BadInput when neither limit is given, or one is out of range.
    """
    if share is None and count is None:
        raise BadInput("identical outputs need a limit", hint="give share (0 to 1) or count (at least 1)")
    if (share is not None and not 0 <= share <= 1) or (count is not None and count < 0):
        raise BadInput(f"identical outputs: share {share} must lie between 0 and 1, count {count} must not be negative")
    found = [
        RepeatedAnswer(answer, len(inputs))
        for answer, inputs in counts.given.items()
        if len(inputs) > 1 and _too_many(len(inputs), counts.cases, share, count)
    ]
    return tuple(sorted(found, key=lambda repeated: (-repeated.inputs, repeated.answer)))


def from_json(value: object) -> AnswerCounts:
    """Read what `as_json` wrote.

    Raises: BadInput for anything else.
    """
    if isinstance(value, dict) and set(value) == {"cases", "given"} and isinstance(value["given"], dict):
        cases, given = value["cases"], value["given"]
        if type(cases) is int and cases >= 0 and all(_keys([answer]) and _keys(inputs) for answer, inputs in given.items()):
            return AnswerCounts(cases, MappingProxyType({answer: frozenset(inputs) for answer, inputs in given.items()}))
    raise BadInput("the counts of answers are damaged", hint="run the gate again with --fresh")


def _keys(values: object) -> bool:
    if not isinstance(values, Sequence) or isinstance(values, str) or not values:
        return False
    return all(isinstance(value, str) and _KEY.fullmatch(value) is not None for value in values)


def _too_many(inputs: int, cases: int, share: float | None, count: int | None) -> bool:
    return (count is not None and inputs > count) or (share is not None and inputs > share * cases)
