"""The process in which somebody else's metric measures: it may raise, exit, hang or eat memory, and nothing else is lost.

Requests come on standard input and answers go out on what was standard output (`cell_messages`). What the metric itself reads
from standard input is empty, and what it prints goes to standard error.
"""

from __future__ import annotations

import json
import os
import re
import sys
import threading
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from typing import Any, BinaryIO

import numpy as np

from evalgate.core.errors import BadInput, EvalgateError, Incomplete
from evalgate.core.settings import PluginChoice
from evalgate.metrics.catalog import make_metric
from evalgate.metrics.interface import Metric, ReadsJudgements
from evalgate.runner.cell_messages import LENGTHS, MOST_SAID, message, output_from, pairs_from, spec_document

LOOK_SECONDS = 0.5
FIRST_FREE = 10
"""Descriptors below are left to the metric: it may close or replace the standard ones."""
_DIE_WITH_PARENT = 1
"""PR_SET_PDEATHSIG of prctl(2)."""


def main(parent: int) -> None:
    """Answer requests until the worker with the process number `parent` closes the pipe or ends."""
    asked, answered = _own_descriptors()
    _end_with(parent)
    cell = _Cell()
    while (request := _read(asked)) is not None:
        answer = cell.answer(*request)
        answered.write(answer)
        answered.flush()
    os._exit(0)


@dataclass(slots=True)
class _Cell:
    """The metrics that were made here."""

    metrics: dict[str, Metric] = field(default_factory=dict)

    def answer(self, request: Mapping[str, Any], numbers: bytes) -> bytes:
        """Do what was asked; whatever goes wrong is the answer."""
        try:
            metric = self._metric(request["metric"])
            match request["do"]:
                case "open":
                    return message({"spec": spec_document(metric.spec), "judges": isinstance(metric, ReadsJudgements)})
                case "rows":
                    return _rows(metric, request)
                case "unread":
                    assert isinstance(metric, ReadsJudgements)
                    return message({"unread": [bool(metric.unread(output_from(one))) for one in request["outputs"]]})
                case _:
                    rows = np.frombuffer(numbers, dtype=np.float64).reshape(request["shape"])
                    return message({}, _scores(metric, rows).tobytes())
        except EvalgateError as error:
            problems = [[p.message, p.where, p.hint] for p in error.problems]
            return message({"problems": problems, "bad_input": isinstance(error, BadInput)})
        except BaseException as error:  # noqa: BLE001 - the worker decides what becomes of it
            return message({"raised": said_of(error)})

    def _metric(self, choice: Mapping[str, Any]) -> Metric:
        key = json.dumps(choice, sort_keys=True)
        if key not in self.metrics:
            self.metrics[key] = make_metric(PluginChoice(choice["name"], choice["parameters"], choice["place"]))
        return self.metrics[key]


def _rows(metric: Metric, request: Mapping[str, Any]) -> bytes:
    """Rows and the score of each; a score that fails is the fault of its row."""
    outputs, expectations = pairs_from(request["pairs"])
    found = np.asarray(metric.rows(outputs, expectations))
    if found.dtype.kind not in "biufO":
        raise TypeError(f"rows of numbers are wanted, not of {found.dtype}")
    rows = np.ascontiguousarray(found, dtype=np.float64)
    if rows.shape != (len(outputs), metric.spec.columns):
        return message({"shape": [int(size) for size in rows.shape[:8]]})
    finite = np.isfinite(rows).all(axis=1)
    scores = np.full(len(rows), np.nan)
    if finite.any():
        scores[finite] = _scores(metric, rows[finite])
    return message({}, rows.tobytes() + scores.tobytes())


def _scores(metric: Metric, rows: np.ndarray[Any, np.dtype[np.float64]]) -> np.ndarray[Any, np.dtype[np.float64]]:
    with np.errstate(all="ignore"):
        scores = np.asarray(metric.score(rows.copy()), dtype=np.float64)
    if scores.shape != (len(rows),):
        # the fault of the metric and of no case
        raise Incomplete(f"metric {metric.spec.name} gave scores of shape {scores.shape} for {len(rows)} sums of rows")
    return scores


def said_of(error: BaseException) -> str:
    """What an exception says, short, and the same each time: addresses in memory are taken out."""
    try:
        text = str(error)
    except Exception:  # noqa: BLE001 - somebody else's exception may not even know its own text
        text = ""
    text = re.sub(r"0x[0-9a-fA-F]+", "0x…", text[:MOST_SAID])
    return f"{type(error).__name__}: {text}" if text else type(error).__name__


def _read(source: BinaryIO) -> tuple[dict[str, Any], bytes] | None:
    """The next request; None when there will be no more."""
    lengths = source.read(LENGTHS.size)
    if len(lengths) < LENGTHS.size:
        return None
    text, numbers = LENGTHS.unpack(lengths)
    request: dict[str, Any] = json.loads(source.read(text))
    return request, source.read(numbers)


def _own_descriptors() -> tuple[BinaryIO, BinaryIO]:
    """Keep the pipes for ourselves: the metric's standard input is empty, and its standard output is standard error."""
    import fcntl

    asked, answered = (fcntl.fcntl(number, fcntl.F_DUPFD_CLOEXEC, FIRST_FREE) for number in (0, 1))
    nothing = os.open(os.devnull, os.O_RDWR)
    os.dup2(nothing, 0)
    try:
        os.dup2(2, 1)
    except OSError:  # standard error is closed
        os.dup2(nothing, 1)
        os.dup2(nothing, 2)
    return os.fdopen(asked, "rb"), os.fdopen(answered, "wb")


def _end_with(parent: int) -> None:
    """End when the worker ends, however it ends: the kernel sees to it, and where it does not, a thread looks."""
    import ctypes
    import signal

    with suppress(OSError, AttributeError):  # not Linux
        ctypes.CDLL(None).prctl(_DIE_WITH_PARENT, signal.SIGKILL, 0, 0, 0)
    threading.Thread(target=_watch, args=(parent,), daemon=True).start()


def _watch(parent: int) -> None:
    pause = threading.Event()
    while os.getppid() == parent:
        pause.wait(LOOK_SECONDS)
    os._exit(1)


if __name__ == "__main__":
    main(int(sys.argv[1]))
