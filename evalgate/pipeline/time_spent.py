"""`--profile`: where the time of a run went, as a document beside the evidence and as a table."""

from __future__ import annotations

import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from evalgate.core.canonical import pretty_json
from evalgate.core.files import write_whole
from evalgate.core.timings import Timings

PROFILE = "profile.json"
SCHEMA = "evalgate.profile/1"
DIGITS = 4


def profile_document(timings: Timings, cases: int, work: Mapping[str, Any]) -> dict[str, Any]:
    """Where the time went until now. It is no evidence: it differs from run to run.

    `cpu_s` of a stage are the processor seconds of the threads that did it, in this process and in workers; `wall_s` is summed
    over workers, and stages overlap, so neither adds up to `wall_s` of the run. `process_cpu_s` is this process from its very
    start, imports included.
    """
    stages = [
        {"stage": name, "cpu_s": round(spent.cpu_s, DIGITS), "wall_s": round(spent.wall_s, DIGITS), "times": spent.times}
        for name, spent in sorted(timings.spent.items(), key=lambda item: (-item[1].cpu_s, item[0]))
    ]
    return {
        "schema": SCHEMA,
        "cases": cases,
        "wall_s": round(time.monotonic() - timings.began, DIGITS),
        "process_cpu_s": round(time.process_time(), DIGITS),
        "work": dict(work),
        "stages": stages,
    }


def write_profile(folder: Path, document: Mapping[str, Any]) -> None:
    """Write it into the run folder.

    Raises: Incomplete when the disk refuses.
    """
    write_whole(folder / PROFILE, pretty_json(document))


def profile_lines(document: Mapping[str, Any]) -> list[str]:
    """The document as a table for people, the costliest stage first."""
    stages = document["stages"]
    width = max([len("stage"), *(len(stage["stage"]) for stage in stages)])
    head = f"{document['cases']:,} cases, {document['wall_s']:.2f} s; this process used {document['process_cpu_s']:.2f} s CPU"
    rows = [f"{stage['stage']:<{width}} {stage['cpu_s']:>9.2f} {stage['wall_s']:>9.2f} {stage['times']:>7,}" for stage in stages]
    return [head, f"{'stage':<{width}} {'CPU s':>9} {'wall s':>9} {'times':>7}", *rows]
