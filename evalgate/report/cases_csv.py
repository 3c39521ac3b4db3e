"""cases.csv: the shown cases, one a row, for a spreadsheet or a script.

No cell is read as a formula: texts that begin like one have an apostrophe in front, and hidden characters are written by
their code point. What the models said to the last byte stands in the Parquet files of the run.

Source: RFC 4180, with line feeds at the ends of rows.
"""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Iterator
from typing import Any

from evalgate.core.record import ArmRecord, CaseRecord, RunRecord
from evalgate.core.visible import HIDDEN, json_without_commands
from evalgate.report.escape import csv_cell
from evalgate.report.ranking import case_reasons

COLUMNS = (
    "gate",
    "run_id",
    "verdict",
    "case",
    "movement",
    "newly_violating",
    "change",
    "reasons",
    "group",
    "slices",
    "inputs",
    "references",
)
"""Then, for `baseline` and `candidate`: the columns of OF_ARM and one for each metric. Later versions add columns at the end."""
OF_ARM = ("status", "error", "latency_ms", "text", "findings")


def render_csv(record: RunRecord) -> str:
    """The cases that the reports show, in their order: newly violating, errored and regressed first."""
    metrics = tuple(record.verdict.results.metrics)
    stream = io.StringIO()
    writer = csv.writer(stream, lineterminator="\n")
    header = [f"{arm}.{name}" for arm in ("baseline", "candidate") for name in (*OF_ARM, *metrics)]
    writer.writerow([csv_cell(name) for name in (*COLUMNS, *header)])
    for case in record.cases:
        arms = [cell for arm in (case.baseline, case.candidate) for cell in _arm(arm, metrics)]
        writer.writerow([*_case(record, case), *arms])
    return stream.getvalue()


def _case(record: RunRecord, case: CaseRecord) -> Iterator[str]:
    yield csv_cell(record.identity.gate)
    yield csv_cell(record.identity.run_id)
    yield record.verdict.decision.value
    yield csv_cell(case.id)
    yield csv_cell(case.movement)
    yield str(case.newly_violating).lower()
    yield _number(case.change)
    yield csv_cell("; ".join(case_reasons(case)))
    yield csv_cell(case.group or "")
    yield _json(dict(case.slices))
    yield _json(dict(case.inputs))
    yield _json(list(case.references))


def _arm(arm: ArmRecord, metrics: tuple[str, ...]) -> Iterator[str]:
    yield arm.status.value
    yield csv_cell(arm.error or "")
    yield _number(arm.latency_ms)
    yield csv_cell(arm.text)
    yield csv_cell("; ".join(f"{one.category} ({one.rule}, {one.severity})" for one in arm.findings))
    for metric in metrics:
        yield _number(arm.scores.get(metric))


def _number(value: float | None) -> str:
    """A number in full; nothing where there is none."""
    return "" if value is None else repr(float(value))


def _json(value: Any) -> str:
    """JSON on one line, which no spreadsheet and no CI runner takes for anything else; it reads back exactly."""
    text = HIDDEN.sub(lambda found: json.dumps(found.group())[1:-1], json.dumps(value, ensure_ascii=False, sort_keys=True))
    return json_without_commands(text)
