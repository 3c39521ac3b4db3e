"""Cases as a pandas DataFrame, for the Python API."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING, Any

from evalgate.core.record import CaseRecord

if TYPE_CHECKING:
    import pandas as pd


def cases_frame(cases: Iterable[CaseRecord]) -> pd.DataFrame:
    """One row per case.

    Columns: id, movement, newly_violating, change, group, `slice.NAME`, and for each variant `VARIANT.output`,
    `VARIANT.status`, `VARIANT.findings` (count), `VARIANT.latency_ms` and `VARIANT.METRIC`.
    """
    import pandas as pd

    frame = pd.DataFrame([_row(case) for case in cases])
    for column in ("id", "movement", "baseline.output", "candidate.output", "baseline.status", "candidate.status"):
        if column in frame:
            frame[column] = frame[column].astype("string")
    return frame


def _row(case: CaseRecord) -> dict[str, Any]:
    row: dict[str, Any] = {
        "id": case.id,
        "movement": case.movement,
        "newly_violating": case.newly_violating,
        "change": case.change,
        "group": case.group,
    }
    row |= {f"slice.{name}": value for name, value in case.slices.items()}
    for name, arm in (("baseline", case.baseline), ("candidate", case.candidate)):
        row |= {
            f"{name}.output": arm.text,
            f"{name}.status": str(arm.status),
            f"{name}.findings": len(arm.findings),
            f"{name}.latency_ms": arm.latency_ms,
        }
        row |= {f"{name}.{metric}": score for metric, score in arm.scores.items()}
    return row
