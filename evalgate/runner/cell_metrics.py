"""Metrics of others, measured in a cell: a case that such a metric does not survive is an error of that case alone."""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

from evalgate.core.errors import BadInput, Incomplete, Problem
from evalgate.core.settings import PluginChoice
from evalgate.core.values import Direction, Expectation, MetricSpec, Output, Scale
from evalgate.metrics.catalog import interface_faults
from evalgate.metrics.interface import Rows
from evalgate.runner import cell as limits
from evalgate.runner.cell import Answer, CellLoss
from evalgate.runner.cell_messages import output_document, pairs_document, told_text
from evalgate.runner.cells import Cells

BATCH = 64
"""Pairs of output and expectation in one call: so few that the clock of a call speaks of few of them."""
MOST_LOST = 8
"""Processes that one metric may cost in one shard, each for a single pair; and then it is given up."""
MOST_LOST_IN_ALL = 64
"""The same over all shards of a worker."""
SHOWN = 5
_WORD = 8


class _Failed(Exception):
    """A call has no rows; `loss` says that the process went with it."""

    def __init__(self, said: str, loss: CellLoss | None = None) -> None:
        super().__init__(said)
        self.said, self.loss = said, loss


@dataclass(slots=True)
class Gathered:
    """Shapes: n pairs → rows (n, d), scores (n,)."""

    rows: Rows
    scores: NDArray[np.float64]
    """Of every row alone; NaN where it is undefined."""
    errors: dict[int, str] = field(default_factory=dict)
    """Pair → what the metric did instead of measuring it. Its row is zero."""
    lost: list[int] = field(default_factory=list)
    """Pairs with which a process went."""


class CellMetric:
    """One metric behind the pipe of a cell. It is made again whenever the cell was lost."""

    def __init__(self, cells: Cells, choice: PluginChoice, name: str) -> None:
        self._cells = cells
        self._choice = {"name": choice.name, "parameters": dict(choice.parameters), "place": choice.place}
        self._name = name
        self._batch = BATCH
        self._lost_in_all = 0
        self._given_up: Problem | None = None
        self._opened: object = None
        self.judges = False
        """Whether it reads what a model said of an output."""
        self.spec: MetricSpec = self._open()

    def rows(self, outputs: Sequence[Output], expectations: Sequence[Expectation]) -> Rows:
        """As `Metric.rows`.

        Raises: Incomplete naming the first case that could not be measured.
        """
        gathered = self.gather(outputs, expectations)
        for place, said in sorted(gathered.errors.items()):
            raise Incomplete(said, where=f"case {expectations[place].case.id}")
        return gathered.rows

    def gather(self, outputs: Sequence[Output], expectations: Sequence[Expectation]) -> Gathered:
        """Measure n outputs; a pair that fails, also when it is asked alone, is an error of that pair.

        Raises: Incomplete when the metric costs too many processes, or gives rows of the wrong shape; whatever the metric
            raises of evalgate's own errors.
        """
        if self._given_up is not None:
            raise Incomplete(self._given_up)
        pairs = outputs, expectations
        gathered = Gathered(np.zeros((len(outputs), self.spec.columns)), np.full(len(outputs), np.nan))
        places, start = _together(expectations), 0
        while start < len(places):
            batch = places[start : start + self._batch]
            self._measure(batch, pairs, gathered)
            start += len(batch)
        return gathered

    def score(self, totals: Rows) -> NDArray[np.float64]:
        """As `Metric.score`.

        Raises: Incomplete: every row was scored when it was measured, so it is the metric that fails, and not a case.
        """
        rows = np.ascontiguousarray(totals, dtype=np.float64)
        request = {"do": "score", "shape": list(rows.shape)}
        answer = self._or_incomplete("score sums of rows", request, rows.tobytes(), len(rows) * _WORD)
        return _numbers(answer, len(rows))

    def unread(self, outputs: Sequence[Output]) -> list[bool]:
        """As `ReadsJudgements.unread`, for n outputs.

        Raises: Incomplete when the metric fails.
        """
        found: list[bool] = []
        for start in range(0, len(outputs), BATCH):
            asked = [output_document(output) for output in outputs[start : start + BATCH]]
            answer = self._or_incomplete("read judgements", {"do": "unread", "outputs": asked})
            flags = answer.value.get("unread")
            if not isinstance(flags, list) or len(flags) != len(asked):
                raise Incomplete(f"metric {self._name} gave no judgement for each output")
            found += [flag is not False for flag in flags]
        return found

    def _measure(self, batch: Sequence[int], pairs: _Pairs, gathered: Gathered) -> None:
        try:
            self._take(batch, pairs, gathered)
        except _Failed as failed:
            if len(batch) == 1 and failed.loss is None:
                gathered.errors[batch[0]] = failed.said
                return
            first = failed.loss
        else:
            return
        seconds, fine = 0.0, 0
        for place in batch:
            began = time.monotonic()
            if self._measured_alone(place, pairs, gathered):
                seconds, fine = seconds + time.monotonic() - began, fine + 1
        if first is not None and fine:
            self._learn(first, seconds / fine, everything=fine == len(batch))

    def _measured_alone(self, place: int, pairs: _Pairs, gathered: Gathered) -> bool:
        try:
            self._take([place], pairs, gathered)
        except _Failed as failed:
            gathered.errors[place] = failed.said
            if failed.loss is not None:
                gathered.lost.append(place)
                self._lost_in_all += 1
                self._despair(failed.loss, [pairs[1][lost].case.id for lost in gathered.lost])
            return False
        return True

    def _learn(self, loss: CellLoss, seconds: float, *, everything: bool) -> None:
        """The batch was too much: ask for less at a time from now on, unless one pair alone explains it."""
        if loss.slow and seconds * self._batch > limits.SECONDS / 2:
            self._batch = max(1, min(self._batch // 2, int(limits.SECONDS / 4 / seconds)))
        elif loss.large and everything:
            self._batch = max(1, self._batch // 2)

    def _despair(self, loss: CellLoss, cases: Sequence[str]) -> None:
        """A metric that always dies must not take hours."""
        if len(cases) < MOST_LOST and self._lost_in_all < MOST_LOST_IN_ALL:
            return
        told = f"{', '.join(cases[:SHOWN])}{' …' if len(cases) > SHOWN else ''}"
        said = f"metric {self._name} is given up: {self._lost_in_all} of its processes were lost, with the last it {loss.said}"
        hint = "a model is loaded when the metric is made, not when it measures" if loss.slow else "correct the metric"
        self._given_up = Problem(said, f"cases {told}", f"{hint}; finished shards are kept")
        raise Incomplete(self._given_up)

    def _take(self, places: Sequence[int], pairs: _Pairs, gathered: Gathered) -> None:
        """Measure some pairs in one call."""
        outputs, expectations = pairs
        document = pairs_document([outputs[i] for i in places], [expectations[i] for i in places])
        columns = self.spec.columns
        answer = self._asked({"do": "rows", "pairs": document}, b"", len(places) * (columns + 1) * _WORD)
        if "shape" in answer.value:
            shape = told_text(answer.value["shape"])
            raise Incomplete(f"metric {self._name} gave rows of shape {shape}, not {[len(places), columns]}")
        numbers = _numbers(answer, len(places) * (columns + 1))
        rows, scores = numbers[: len(places) * columns].reshape(len(places), columns), numbers[len(places) * columns :]
        finite = np.asarray(np.isfinite(rows).all(axis=1))
        gathered.rows[places] = np.where(finite[:, None], rows, 0.0)
        gathered.scores[places] = np.where(finite, scores, np.nan)
        for number in np.flatnonzero(~finite).tolist():
            gathered.errors[places[number]] = f"metric {self._name} gave a number that is not finite"

    def _asked(self, request: Mapping[str, Any], numbers: bytes, most_numbers: int) -> Answer:
        """Ask the cell.

        Raises: _Failed; BadInput or Incomplete as the metric raised it.
        """
        with self._cells.lock:
            self._open()
            try:
                asked = {**request, "metric": self._choice}
                answer = self._cells.ask(asked, numbers, seconds=limits.SECONDS, most_numbers=most_numbers)
            except CellLoss as loss:
                raise _Failed(f"metric {self._name} {loss.said}", loss) from loss
        _raise_problems(answer)
        if "raised" in answer.value:
            raise _Failed(f"metric {self._name} raised {told_text(answer.value['raised'])}")
        return answer

    def _or_incomplete(self, doing: str, request: Mapping[str, Any], numbers: bytes = b"", most_numbers: int = 0) -> Answer:
        try:
            return self._asked(request, numbers, most_numbers)
        except _Failed as failed:
            hint = "report it to the metric's author"
            raise Incomplete(f"{failed.said} when it was to {doing}", hint=hint) from failed

    def _open(self) -> MetricSpec:
        """Have the metric made in the cell that is there now."""
        with self._cells.lock:
            if self._opened is not None and self._opened is self._cells.process():
                return self.spec
            failed = f"metric {self._name} could not be made in a process of its own"
            try:
                answer = self._cells.ask({"do": "open", "metric": self._choice}, seconds=limits.START_SECONDS)
            except CellLoss as loss:
                raise Incomplete(f"{failed}: it {loss.said}") from loss
            _raise_problems(answer)
            if "raised" in answer.value:
                raise Incomplete(f"{failed}: {told_text(answer.value['raised'])}")
            spec = _spec_from(answer.value.get("spec"), failed)
            if self._opened is not None and spec != self.spec:
                raise Incomplete(f"metric {self._name} has another spec each time it is made")
            self.spec, self.judges = spec, answer.value.get("judges") is True
            if faults := list(interface_faults(self)):
                raise Incomplete(f"metric {self._name} {faults[0]}")
            self._cells.weigh()
            self._opened = self._cells.process()
            return spec


_Pairs = tuple[Sequence[Output], Sequence[Expectation]]


def _together(expectations: Sequence[Expectation]) -> list[int]:
    """Numbers of all pairs, those that share an expectation side by side: a metric may then prepare it once."""
    first: dict[int, int] = {}
    for place, expectation in enumerate(expectations):
        first.setdefault(id(expectation), place)
    return sorted(range(len(expectations)), key=lambda place: first[id(expectations[place])])


def _numbers(answer: Answer, count: int) -> NDArray[np.float64]:
    if len(answer.numbers) != count * _WORD:
        raise Incomplete(f"a metric's process gave {len(answer.numbers)} bytes in place of {count} numbers")
    return np.frombuffer(answer.numbers, dtype=np.float64)


def _raise_problems(answer: Answer) -> None:
    """Raise again what the metric raised of evalgate's own errors: they speak of the dataset or of the machine."""
    told = answer.value.get("problems")
    if not isinstance(told, list):
        return
    problems = [Problem(told_text(one[0]), *(part if part is None else told_text(part) for part in one[1:3])) for one in told]
    kind = BadInput if answer.value.get("bad_input") is True else Incomplete
    raise kind(problems)


def _spec_from(value: object, failed: str) -> MetricSpec:
    try:
        told: dict[str, Any] = dict(value)  # type: ignore[call-overload]
        return MetricSpec(**{**told, "direction": Direction(told["direction"]), "scale": Scale(told["scale"])})
    except (TypeError, ValueError, KeyError) as error:
        raise Incomplete(f"{failed}: it has no sound spec") from error
