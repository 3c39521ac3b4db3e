"""Cases made by hand, and the health of them."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import pytest

from evalgate.core.health import HealthFinding, HealthReport
from evalgate.core.values import Case
from evalgate.golden.health.survey import HealthSurvey


def make_case(
    case_id: str,
    inputs: Mapping[str, Any],
    references: Sequence[Any] = (),
    slices: Mapping[str, str] | None = None,
    group: str | None = None,
) -> Case:
    return Case(case_id, {"id": case_id, **inputs, "reference": list(references)}, inputs, tuple(references), slices or {}, group)


def survey_of(cases: Sequence[Case], **options: Any) -> HealthReport:
    survey = HealthSurvey(grouped=any(case.group for case in cases), **options)
    for case in cases:
        survey.add(case)
    return survey.report()


def codes(report: HealthReport) -> dict[str, list[HealthFinding]]:
    found: dict[str, list[HealthFinding]] = {}
    for finding in report.findings:
        found.setdefault(finding.code, []).append(finding)
    return found


@pytest.fixture
def case() -> Callable[..., Case]:
    """`case("a", "a question", "its answer")`."""

    def make(case_id: str, question: Any, *references: Any, **more: Any) -> Case:
        inputs = question if isinstance(question, dict) else {"question": question}
        return make_case(case_id, inputs, references, **more)

    return make


@pytest.fixture
def health() -> Callable[..., dict[str, list[HealthFinding]]]:
    """`health([case, …])`: code → findings."""
    return lambda cases, **options: codes(survey_of(cases, **options))


@pytest.fixture
def report() -> Callable[..., HealthReport]:
    """`report([case, …])`: the whole report."""
    return survey_of
