"""Whatever a detector does wrong is an error that names it and the case; nothing of it counts as clean."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from evalgate.core.errors import BadInput, Incomplete
from evalgate.core.values import Case, DetectorSpec, Finding, Output, Severity, Status
from evalgate.runner import watch as watching
from evalgate.runner.findings import REDACTED, case_findings, worst_rank
from evalgate.runner.watch import Watch

CASE = Case("c7", {}, {}, (), {})
TEXT = Output("0123456789")


class Made:
    """A detector that does what it is told."""

    def __init__(self, findings: Callable[[Output], Any]) -> None:
        self.spec = DetectorSpec("mine", "tone", "1", "s")
        self._findings = findings

    def findings(self, output: Output, case: Case) -> Any:
        return self._findings(output)


def one(**changes: Any) -> Finding:
    return Finding(**({"category": "tone", "rule": "r", "severity": Severity.LOW, "start": 0, "end": 1} | changes))


@pytest.mark.parametrize(
    "given", [(one(),), [one(), one(start=1, end=10)], (one(start=10, end=10),), iter([one(undecided=True)])]
)
def test_findings_of_every_kind_of_sequence_are_taken(given: Any) -> None:
    assert len(case_findings(Made(lambda output: given), (TEXT,), CASE)) >= 1


def test_findings_of_all_answers_come_together_and_a_lost_one_has_none() -> None:
    lost = Output("", status=Status.ERROR, error="gone")
    looked: list[str] = []
    found = case_findings(Made(lambda output: looked.append(output.text) or (one(),)), (TEXT, lost, Output("ab")), CASE)
    assert len(found) == 2 and looked == ["0123456789", "ab"]


def test_what_was_taken_out_of_an_answer_counts_as_critical() -> None:
    (found,) = case_findings(Made(lambda output: ()), (Output("x", redacted=True),), CASE)
    assert (found.rule, found.severity, found.category) == (REDACTED, Severity.CRITICAL, "tone")


NONSENSE = {
    "before the text": one(start=-1),
    "after the text": one(end=11),
    "backwards": one(start=5, end=4),
    "another category": one(category="yours"),
    "a severity as text": one(severity="low"),
    "a severity as number": one(severity=4),
    "no rule": one(rule=None),
    "half a character": one(end=0.5),
    "not a number": one(start=float("nan")),
    "undecided as text": one(undecided="no"),
    "a dictionary": {"category": "tone"},
    "text": "found",
    "nothing": None,
}


@pytest.mark.parametrize("kind", sorted(NONSENSE))
@pytest.mark.parametrize("before", [(), (one(),)])
def test_nonsense_is_an_error_that_names_detector_and_case(kind: str, before: tuple[Finding, ...]) -> None:
    with pytest.raises(Incomplete, match="mine gave a finding outside its text or category") as caught:
        case_findings(Made(lambda output: (*before, NONSENSE[kind])), (TEXT,), CASE)
    assert caught.value.problems[0].where == "case c7"


@pytest.mark.parametrize(
    "error",
    [
        ValueError("boom"),
        KeyError("k"),
        RecursionError(),
        AssertionError(),
        OSError(28, "disk full"),
        StopIteration(),
        UnicodeDecodeError("utf-8", b"", 0, 1, "x"),
    ],
)
def test_an_exception_is_an_error_that_names_detector_and_case(error: Exception) -> None:
    def fails(output: Output) -> Any:
        raise error

    with pytest.raises(Incomplete, match=f"detector mine failed: {type(error).__name__}") as caught:
        case_findings(Made(fails), (TEXT,), CASE)
    assert caught.value.problems[0].where == "case c7"


@pytest.mark.parametrize("given", [None, 5, True, object()])
def test_no_sequence_at_all_is_a_failure(given: Any) -> None:
    with pytest.raises(Incomplete, match="detector mine failed: TypeError"):
        case_findings(Made(lambda output: given), (TEXT,), CASE)


def test_a_failure_halfway_through_loses_nothing_in_silence() -> None:
    def halfway(output: Output) -> Any:
        yield one()
        raise ValueError("boom")

    with pytest.raises(Incomplete, match="boom"):
        case_findings(Made(halfway), (TEXT,), CASE)


@pytest.mark.parametrize("error", [BadInput("no canary", where="case c7"), Incomplete("no model")])
def test_what_a_detector_says_on_purpose_is_kept(error: Exception) -> None:
    def says(output: Output) -> Any:
        raise error

    with pytest.raises(type(error)) as caught:
        case_findings(Made(says), (TEXT,), CASE)
    assert caught.value is error


def test_a_hanging_detector_is_an_error_that_names_detector_case_and_length(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(watching, "TICK", 0.02)
    said = r"detector mine took more than 0\.1 s over one output of 10 characters"
    with pytest.raises(Incomplete, match=said) as caught, Watch(0.1) as watch:
        case_findings(Made(lambda output: time.sleep(20)), (TEXT,), CASE, watch)
    assert caught.value.problems[0].where == "case c7"


@pytest.mark.parametrize("stop", [KeyboardInterrupt, SystemExit, MemoryError])
def test_only_the_user_ends_the_program(stop: type[BaseException]) -> None:
    def ends(output: Output) -> Any:
        raise stop

    with pytest.raises(stop if stop is KeyboardInterrupt else Incomplete):
        case_findings(Made(ends), (TEXT,), CASE)


@given(st.lists(st.tuples(st.sampled_from(list(Severity)), st.booleans())))
def test_the_worst_rank_is_that_of_its_own_kind(kinds: list[tuple[Severity, bool]]) -> None:
    findings = [one(severity=severity, undecided=undecided) for severity, undecided in kinds]
    for wanted in (True, False):
        ranks = [severity.rank for severity, undecided in kinds if undecided is wanted]
        assert worst_rank(findings, undecided=wanted) == max(ranks, default=0)
