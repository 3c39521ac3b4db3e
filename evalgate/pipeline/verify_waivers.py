"""The day on which the waivers of a run were judged, held against what the plan calls expired and when the run was made."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, date, datetime, timedelta

from evalgate.evidence.verification import Difference, short
from evalgate.pipeline.rederived import Stated
from evalgate.pipeline.waiving import DAY
from evalgate.pipeline.workspace import PLAN

LONGEST = timedelta(days=7)
"""From the day on which waivers are judged until the first case is measured: as long as a run may call models."""


def day_of(said: Stated) -> date:
    """The day of the run: waivers are judged on it."""
    told = said.record.environment.get(DAY)
    return _began(said) if told is None else date.fromisoformat(told)


def waivers_told(said: Stated) -> Iterator[Difference]:
    """What the day of the waivers contradicts; nothing without an allow file.

    Raises: ValueError or TypeError for a day that is none.
    """
    planned = said.gate.plan.get("findings", {}).get("waivers")
    if planned is None:
        return
    if DAY not in said.record.environment:
        yield Difference("run.json", f"does not say on which day the waivers were judged ({DAY})")
        return
    day, began = day_of(said), _began(said)
    gone = [place for place, waiver in enumerate(said.gate.findings.waivers) if waiver.expires < day]
    if planned["expired"] != gone:
        told = f"calls waivers {short(planned['expired'])} expired, and on {day}, the day in run.json, those are {short(gone)}"
        yield Difference(f"{PLAN}: findings.waivers.expired", told)
    if not began - LONGEST <= day <= began:
        yield Difference("run.json", f"its waivers were judged on {day}, and it began on {began}")
    ended = datetime.fromisoformat(str(said.record.environment["ended"]))
    if datetime.fromisoformat(str(said.record.environment["started"])) > ended:
        yield Difference("run.json", f"began on {began}, after it ended")


def _began(said: Stated) -> date:
    return datetime.fromisoformat(str(said.record.environment["started"])).astimezone(UTC).date()
