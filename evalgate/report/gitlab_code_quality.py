"""gl-code-quality-report.json: thresholds that did not pass, for the widget of a merge request on GitLab.

Source: https://docs.gitlab.com/ci/testing/code_quality/#code-quality-report-format. GitLab's parser stops at the first item
that is not valid, drops all but one of the same fingerprint, and fails on a severity that it does not know.
"""

from __future__ import annotations

from typing import Any

from evalgate.core.record import RunRecord
from evalgate.core.verdict import Decision
from evalgate.core.visible import terminal_line
from evalgate.report import phrases
from evalgate.report.checks import Check, prompt_place, unexplained, worst_first
from evalgate.report.escape import anchor, ascii_json, shortened

SHOWN = 1_000
TEXT_LIMIT = 1_000
_SEVERITIES = {Decision.FAIL: "critical", Decision.INCONCLUSIVE: "major"}
_WARNS = "minor"


def render_code_quality(record: RunRecord) -> str:
    """One item for each threshold that did not pass, worst first: `critical` failed, `major` is undecided, `minor` only warns."""
    items = [_threshold(record, check) for check in worst_first(record)[:SHOWN]]
    if unexplained(record):
        decision = record.verdict.decision
        fingerprint = anchor("verdict", record.identity.gate)
        items.append(
            _item(record, ("verdict", fingerprint, _SEVERITIES[decision]), f"{phrases.word(decision)}: {record.verdict.reason}")
        )
    return ascii_json(items)


def _threshold(record: RunRecord, check: Check) -> dict[str, Any]:
    result = check.result
    severity = _WARNS if check.warns else _SEVERITIES[result.decision]
    said = f"{phrases.outcome(result)} {check.name}: {result.reason}"
    return _item(record, (check.name, check.fingerprint(record), severity), said)


def _item(record: RunRecord, finding: tuple[str, str, str], description: str) -> dict[str, Any]:
    path, line = prompt_place(record)
    name, fingerprint, severity = finding
    return {
        "description": terminal_line(shortened(description, TEXT_LIMIT)),
        "check_name": f"evalgate: {terminal_line(shortened(name, 200))}",
        "fingerprint": fingerprint,
        "severity": severity,
        "location": {"path": path, "lines": {"begin": line}},
    }
