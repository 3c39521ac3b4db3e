"""The score function of each metric, as statistics call it: somebody else's may hang, fail or leave."""

from __future__ import annotations

import sys
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from evalgate.metrics.catalog import BUILTINS
from evalgate.metrics.interface import Rows
from evalgate.pipeline.instruments import Instrument
from evalgate.stats.interface import Floats


def scorer(instrument: Instrument) -> Callable[[Rows], Floats]:
    """The score of sums of rows; a metric that is not built in scores in a process of its own, as it measured.

    The function raises: Incomplete naming such a metric when it takes too long, raises anything, or ends its process.
    """
    return instrument.metric.score if instrument.task.choice.name in BUILTINS else _in_cell(instrument)


@contextmanager
def scoring() -> Iterator[None]:
    """What scores inside leaves no process behind."""
    try:
        yield
    finally:
        cells = sys.modules.get("evalgate.runner.cells")
        if cells is not None:
            cells.close_cells(_job())


def _in_cell(instrument: Instrument) -> Callable[[Rows], Floats]:
    def score(totals: Rows) -> Floats:
        from evalgate.runner.cells import cells_of

        return cells_of(_job()).metric(instrument.task.choice, instrument.spec.name).score(totals)

    return score


def _job() -> str:
    """The name under which the cell of statistics is kept: gates that run in other threads of this process keep their own."""
    return f"statistics of thread {threading.get_ident()}"
