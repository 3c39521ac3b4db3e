"""Recording lines of contract version 1 from elsewhere: verified, and sealed again when they are written."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

from evalgate.core.errors import BadInput, Problem
from evalgate.proxy.segments import segment_names
from evalgate.proxy.transfer.interface import Found
from evalgate.proxy.transfer.scan import Verified, scan_lines

SHOWN_PROBLEMS = 100


def read_lines(path: Path) -> Iterator[Found]:
    """Every exchange of a file, or of a recording's folder, errors included.

    Raises: BadInput with everything that is wrong with any line.
    """
    problems: list[Problem] = []
    for file in _files(path):
        for found in scan_lines(file, str(file)):
            if isinstance(found, Problem):
                problems.append(found)
                if len(problems) >= SHOWN_PROBLEMS:
                    raise BadInput(problems)
            elif not problems:
                yield _found(found, f"{file}:{found.line.number}")
    if problems:
        raise BadInput(problems)


def _files(path: Path) -> Sequence[Path]:
    if not path.is_dir():
        return [path]
    files = [path / name for name in segment_names(path)]
    if not files:
        raise BadInput("the folder holds no .jsonl file", where=str(path))
    return files


def _found(verified: Verified, where: str) -> Found:
    value = verified.line.value
    recorded_at = value.get("recorded_at")
    return Found(
        where=where,
        request=value["request"],
        response=value["response"],
        latency_ms=value.get("latency_ms"),
        recorded_at=recorded_at if isinstance(recorded_at, str) else None,
    )


def looks_like_line(value: Any) -> bool:
    """Whether a JSON value seems to be a line of a recording."""
    return isinstance(value, dict) and {"v", "key", "request", "response"} <= value.keys()
