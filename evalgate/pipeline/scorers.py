"""The score function of each metric, as statistics call it: somebody else's may hang, fail or leave."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from evalgate.core.errors import EvalgateError, Incomplete
from evalgate.metrics.catalog import BUILTINS
from evalgate.metrics.interface import Rows
from evalgate.pipeline.instruments import Instrument
from evalgate.runner.watch import Overdue, Watch
from evalgate.stats.interface import Floats

HINT = "report it to the metric's author"


def scorer(instrument: Instrument) -> Callable[[Rows], Floats]:
    """The score of sums of rows; that of a metric which is not built in has a clock.

    The function raises: Incomplete naming such a metric when it takes too long, raises anything, or calls `sys.exit`.
    """
    return instrument.metric.score if instrument.task.choice.name in BUILTINS else _guarded(instrument)


def _guarded(instrument: Instrument) -> Callable[[Rows], Floats]:
    name = f"metric {instrument.spec.name}"

    def score(totals: Rows) -> Floats:
        with Watch() as watch:
            try:
                with watch.over():
                    return np.asarray(instrument.metric.score(totals), dtype=np.float64)
            except EvalgateError:
                raise
            except Overdue as error:
                said = f"{name} took longer than {watch.seconds:g} s to score {len(totals):,} sums of rows"
                raise Incomplete(said, where=instrument.spec.name, hint=HINT) from error
            except (Exception, SystemExit) as error:
                said = f"{name} failed to score sums of rows: {type(error).__name__}: {str(error)[:300]}"
                raise Incomplete(said, where=instrument.spec.name, hint=HINT) from error

    return score
