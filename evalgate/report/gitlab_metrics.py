"""metrics.txt: figures of the run in that part of OpenMetrics which GitLab's parser reads.

Source: https://docs.gitlab.com/ci/testing/metrics_reports/ and `lib/gitlab/ci/reports/metrics` of GitLab: each line is cut at
`#` and split as a shell does; an apostrophe anywhere loses the whole report; values are compared as texts.
"""

from __future__ import annotations

import math
import re
from collections.abc import Iterator

from evalgate.core.record import RunRecord
from evalgate.core.verdict import Decision
from evalgate.report.checks import checks, worst_first

_OTHER = re.compile(r"[^A-Za-z0-9_.-]")


def render_metrics(record: RunRecord) -> str:
    """The verdict, both variants' value of every metric, and the counts of safety; no line holds more than plain words."""
    lines: dict[str, str] = {}
    for name, value in _figures(record):
        if value is not None and math.isfinite(value):
            lines.setdefault(name, f"{value:.6f}")
    return "".join(f"{name} {value}\n" for name, value in lines.items()) + "# EOF\n"


def _figures(record: RunRecord) -> Iterator[tuple[str, float | None]]:
    verdict = record.verdict
    for decision in Decision:
        yield f"evalgate_verdict{_labels(verdict=decision.value)}", float(verdict.decision is decision)
    yield "evalgate_exit_code", float(verdict.exit_code)
    yield "evalgate_cases", float(verdict.cases.total)
    yield "evalgate_thresholds", float(len(checks(record)))
    yield "evalgate_thresholds_not_passed", float(len(worst_first(record)))
    for metric in verdict.results.metrics.values():
        for arm, estimate in (("baseline", metric.baseline), ("candidate", metric.candidate), ("delta", metric.delta)):
            yield f"evalgate_metric{_labels(metric=metric.name, of=arm)}", estimate.value
    for found in verdict.results.safety.values():
        for arm, count in (("baseline", found.baseline), ("candidate", found.candidate), ("new", found.new)):
            yield f"evalgate_violating_cases{_labels(category=found.category, of=arm)}", float(count)


def _labels(**values: str) -> str:
    return "{" + ",".join(f'{name}="{_OTHER.sub("_", value)}"' for name, value in values.items()) + "}"
