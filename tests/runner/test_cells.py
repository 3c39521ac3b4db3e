"""Cells: what is asked arrives as it was, what fails is found out by itself, and no process outlives its owner."""

from __future__ import annotations

import io
import json
import os
import threading
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from evalgate.core.errors import Incomplete
from evalgate.core.settings import PluginChoice
from evalgate.core.values import ARMS, Arm, Case, Direction, Expectation, MetricSpec, Output, Scale, Status
from evalgate.runner import cells as registry
from evalgate.runner.cell import Answer, CellLoss
from evalgate.runner.cell_messages import (
    LENGTHS,
    message,
    pairs_document,
    pairs_from,
    spec_document,
    told_text,
)
from evalgate.runner.cell_metrics import BATCH, MOST_LOST, CellMetric
from evalgate.runner.cell_process import said_of
from evalgate.runner.cells import cells_of, close_cells
from evalgate.runner.measure import MeasuredMetric, MetricTool, measured, metric_rows

SPEC = MetricSpec("odd", Direction.HIGHER, "0-1", 0.0, 1.0, "1", 2, Scale.MEAN, "s", needs_reference=False)
VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=3),
    max_leaves=6,
)
OPTIONAL = {
    "value": VALUES,
    "status": st.sampled_from(Status),
    "error": st.none() | st.text(),
    "latency_ms": st.none() | st.floats(0, 1e9),
    "prompt_tokens": st.none() | st.integers(0, 10**6),
    "cost_usd": st.none() | st.floats(0, 10),
    "redacted": st.booleans(),
    "shared": st.floats(0, 1),
    "messages": st.lists(st.tuples(st.text(), st.text()), max_size=2).map(tuple),
    "labels": st.dictionaries(st.text(), VALUES, max_size=2),
}
OUTPUTS = st.builds(Output, st.text(), judgements=st.dictionaries(st.text(), st.builds(Output, st.text())), **OPTIONAL)
FIELDS = st.dictionaries(st.text(), VALUES, max_size=3)
CASES = st.builds(Case, st.text(), FIELDS, FIELDS, st.lists(VALUES).map(tuple), st.dictionaries(st.text(), st.text()))
EXPECTATIONS = st.builds(Expectation, st.lists(VALUES).map(tuple), CASES)


@settings(max_examples=40)
@given(st.lists(OUTPUTS, max_size=3), st.lists(EXPECTATIONS, min_size=1, max_size=2))
def test_what_is_asked_arrives_as_it_was(outputs: list[Output], known: list[Expectation]) -> None:
    expectations = [known[i % len(known)] for i in range(len(outputs))]
    sent = message({"pairs": pairs_document(outputs, expectations)}, b"\x01")
    text, numbers = LENGTHS.unpack_from(sent)
    assert (numbers, len(sent)) == (1, LENGTHS.size + text + 1)
    found, wanted = pairs_from(json.loads(sent[LENGTHS.size : LENGTHS.size + text])["pairs"])
    assert (found, wanted) == (outputs, expectations)
    assert repr(found) == repr(outputs), "1, 1.0 and True stay what they are"
    assert [id(one) == id(wanted[0]) for one in wanted] == [id(one) == id(expectations[0]) for one in expectations]


@given(st.text(st.characters(), max_size=900))
def test_what_an_exception_says_fits_into_any_file(text: str) -> None:
    said = told_text(json.loads(json.dumps(said_of(ValueError(text)))))
    io.TextIOWrapper(io.BytesIO(), encoding="utf-8").write(said)
    assert said.startswith("ValueError") and "\0" not in said and len(said) <= 4000


def test_an_exception_without_a_text_of_its_own_is_named() -> None:
    class Mute(Exception):
        def __str__(self) -> str:
            raise RuntimeError

    assert said_of(Mute()) == "Mute"
    assert said_of(ValueError(f"{object()!r}")) == "ValueError: <object object at 0x…>"


class Pretended:
    """Cells without a process: a metric that fails on some texts in some way."""

    def __init__(self, fails: Mapping[str, str], spec: MetricSpec = SPEC) -> None:
        self.spec = spec
        self.fails, self.lock, self.lost = fails, threading.RLock(), 0
        self.asked: list[int] = []
        self.now: object = object()

    def process(self) -> object:
        return self.now

    def weigh(self) -> None: ...

    def ask(self, request: Mapping[str, Any], numbers: bytes = b"", **_: Any) -> Answer:
        if request["do"] == "open":
            return Answer({"spec": json.loads(json.dumps(spec_document(self.spec))), "judges": False}, b"")
        texts = [one["text"] for one in request["pairs"]["outputs"]]
        self.asked.append(len(texts))
        ways = {self.fails[text] for text in texts if text in self.fails}
        if "dies" in ways:
            self.now, self.lost = object(), self.lost + 1
            raise CellLoss("ended the process (exit code 1)", "ended")
        if "raises" in ways:
            return Answer({"raised": "ValueError: x"}, b"")
        rows = np.array([[np.nan if text in self.fails else 1 / (1 + len(text)), 1.0] for text in texts])
        return Answer({}, rows.tobytes() + rows[:, 0].tobytes())


def pairs(texts: Sequence[str]) -> tuple[list[Output], list[Expectation]]:
    known = [Expectation((), Case(f"c{i}", {}, {}, (), {})) for i in range(max(1, len(texts) // 2))]
    return [Output(text) for text in texts], [known[i % len(known)] for i in range(len(texts))]


@given(
    st.integers(0, 3 * BATCH), st.dictionaries(st.integers(0, 3 * BATCH), st.sampled_from(["dies", "raises", "NaN"]), max_size=6)
)
def test_exactly_what_fails_is_an_error_and_all_else_has_its_row(count: int, ways: dict[int, str]) -> None:
    texts = ["x" * i for i in range(count)]
    fails = {texts[i]: way for i, way in ways.items() if i < count}
    cells = Pretended(fails)
    gathered = CellMetric(cells, PluginChoice("odd"), "odd").gather(*pairs(texts))  # type: ignore[arg-type]
    assert {texts[i] for i in gathered.errors} == set(fails)
    for i, text in enumerate(texts):
        assert gathered.rows[i].tolist() == ([0.0, 0.0] if text in fails else [1 / (1 + len(text)), 1.0])
    dead = [text for text, way in fails.items() if way == "dies"]
    assert cells.lost <= 2 * len(dead), "one process for its batch, and one for it alone"
    assert sum(cells.asked) <= 2 * count


@pytest.mark.parametrize("count", [MOST_LOST, 500])
def test_a_metric_that_always_dies_is_given_up_and_not_asked_again(count: int) -> None:
    texts = ["x" * i for i in range(count)]
    cells = Pretended(dict.fromkeys(texts, "dies"))
    metric = CellMetric(cells, PluginChoice("odd"), "odd")  # type: ignore[arg-type]
    for _ in range(2):
        with pytest.raises(Incomplete, match=r"metric odd is given up: 8 of its processes were lost"):
            metric.gather(*pairs(texts))
    assert cells.lost == MOST_LOST + 1


def test_a_metric_that_dies_now_and_then_is_given_up_in_the_end() -> None:
    cells = Pretended({"x": "dies"})
    metric = CellMetric(cells, PluginChoice("odd"), "odd")  # type: ignore[arg-type]
    with pytest.raises(Incomplete, match="64 of its processes"):
        for _ in range(100):
            metric.gather(*pairs(["x"]))


@pytest.mark.parametrize(
    ("answer", "said"),
    [
        (Answer({}, b"\0" * 8), "8 bytes in place of 3 numbers"),
        (Answer({"shape": [1, 3]}, b""), r"rows of shape \[1, 3\], not \[1, 2\]"),
        (Answer({"problems": [["no model", "case c1", None]]}, b""), "case c1: no model"),
    ],
)
def test_an_answer_of_another_size_ends_the_run(answer: Answer, said: str, monkeypatch: pytest.MonkeyPatch) -> None:
    cells = Pretended({})
    metric = CellMetric(cells, PluginChoice("odd"), "odd")  # type: ignore[arg-type]
    monkeypatch.setattr(cells, "ask", lambda *_, **__: answer)
    with pytest.raises(Incomplete, match=said):
        metric.gather(*pairs(["x"]))


@pytest.mark.parametrize(
    "spec", [None, {}, {**spec_document(SPEC), "scale": "odd"}, {**spec_document(SPEC), "columns": 3}, {**spec_document(SPEC), "low": 2}]
)  # fmt: skip
def test_a_spec_that_is_none_is_refused(spec: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    cells = Pretended({})
    monkeypatch.setattr(cells, "ask", lambda *_, **__: Answer({"spec": spec}, b""))
    with pytest.raises(Incomplete, match="metric odd"):
        CellMetric(cells, PluginChoice("odd"), "odd")  # type: ignore[arg-type]


def rows_of(fails: dict[str, str], spec: MetricSpec, baseline: Sequence[str], candidate: Sequence[str]) -> MeasuredMetric:
    """Both variants' rows of cases that were asked as often as there are texts for each."""
    metric = CellMetric(Pretended(fails, spec), PluginChoice("odd"), "odd")  # type: ignore[arg-type]
    answers = {Arm.BASELINE: (tuple(map(Output, baseline)),), Arm.CANDIDATE: (tuple(map(Output, candidate)),)}
    return measured(MetricTool(metric, spec, None, metric), answers, [Case("c0", {}, {}, (), {})])


def test_one_repeat_that_fails_is_lost_and_the_others_count() -> None:
    found = rows_of({"yy": "raises"}, SPEC, ["x", "yy", ""], ["x", "yy", "yy"])
    assert found.rows[Arm.BASELINE].tolist() == [[0.5 + 1.0 + 1.0, 3.0]], "the best for the baseline"
    assert found.rows[Arm.CANDIDATE].tolist() == [[0.5 + 0.0 + 0.0, 3.0]], "the worst for the candidate"
    assert found.errors == {arm: {0: "metric odd raised ValueError: x"} for arm in ARMS}
    assert found.errors[Arm.BASELINE] and not rows_of({"z": "dies"}, SPEC, ["x"], ["y"]).errors[Arm.BASELINE]


@pytest.mark.parametrize("way", ["raises", "dies", "NaN"])
def test_a_metric_without_a_worst_row_loses_the_case_for_both(way: str) -> None:
    """A corpus score has no worst row but that of the empty text, and that may fail too."""
    corpus = replace(SPEC, scale=Scale.CORPUS)
    alive = rows_of({"yy": way}, corpus, ["x"], ["yy"])
    assert [alive.rows[arm].tolist() for arm in ARMS] == [[[0.5, 1.0]], [[1.0, 1.0]]], "the row of the empty text"
    dead = rows_of({"yy": way, "": way}, corpus, ["x"], ["yy"])
    assert [dead.rows[arm].tolist() for arm in ARMS] == [[[0.0, 0.0]], [[0.0, 0.0]]]
    assert list(dead.errors[Arm.CANDIDATE]) == [0] and not dead.errors[Arm.BASELINE]


def test_whoever_needs_every_case_is_told_of_the_first_that_fails() -> None:
    metric = CellMetric(Pretended({"yy": "raises"}), PluginChoice("odd"), "odd")  # type: ignore[arg-type]
    answers = {arm: ((Output("yy"),),) for arm in ARMS}
    with pytest.raises(Incomplete, match="case c0: metric odd raised ValueError: x"):
        metric_rows(MetricTool(metric, SPEC, None, metric), answers, [Case("c0", {}, {}, (), {})])
    with pytest.raises(Incomplete, match="case c1: metric odd raised"):
        metric.rows(*pairs(["x", "yy", "x", "x"]))


PLUGIN = """
import os
import numpy as np
from evalgate.core.values import Direction, MetricSpec, Scale

class Odd:
    spec = MetricSpec("odd", Direction.HIGHER, "0-1", 0.0, None, "1", 2, Scale.MEAN, "s", needs_reference=False)
    def rows(self, outputs, expectations):
        told = {"pid": os.getpid(), "order": hash("a text") % 1_000_003}
        return np.array([[told.get(o.text, len(o.text)), 1.0] for o in outputs])
    def score(self, totals):
        return totals[:, 0] / totals[:, 1]

def make(parameters):
    return Odd()
"""


@pytest.fixture
def odd(install_plugin: Callable[..., None]) -> Iterator[Callable[[str], CellMetric]]:
    """The metric of a job, in the cell of this thread."""
    install_plugin("odd", PLUGIN, group="evalgate.metrics")
    yield lambda job: cells_of(job).metric(PluginChoice("odd"), "odd")
    for job in ("a", "b"):
        close_cells(job)


def pid(metric: CellMetric) -> int:
    return int(metric.gather(*pairs(["pid"])).rows[0, 0])


def ended(process: int) -> bool:
    until = time.monotonic() + 3
    while time.monotonic() < until:
        try:
            os.kill(process, 0)
        except ProcessLookupError:
            return True
        time.sleep(0.01)
    return False


def test_a_cell_lives_as_long_as_its_job(odd: Callable[[str], CellMetric], wall: None) -> None:
    metric = odd("a")
    first = pid(metric)
    assert first != os.getpid() and pid(odd("a")) == first and odd("a") is metric
    assert metric.gather(*pairs(["x" * 3_000_000])).rows[0, 0] == 3_000_000, "more than a pipe holds"
    assert metric.score(np.array([[6.0, 2.0], [1.0, 1.0]])).tolist() == [3.0, 1.0]
    second = pid(odd("b"))
    assert second != first and ended(first), "another job has another cell"
    close_cells("a")
    assert pid(odd("b")) == second
    close_cells("b")
    assert ended(second)
    with pytest.raises(Incomplete, match="the run was ended"):
        pid(metric)


def test_a_cell_that_ends_between_two_questions_is_replaced(odd: Callable[[str], CellMetric], wall: None) -> None:
    metric = odd("a")
    first = pid(metric)
    os.kill(first, 9)
    time.sleep(0.05)
    second = pid(metric)
    assert second != first
    cells_of("a").cell.close()
    assert pid(metric) not in (first, second)


def test_an_interrupted_question_leaves_no_answer_behind(
    odd: Callable[[str], CellMetric], monkeypatch: pytest.MonkeyPatch, wall: None
) -> None:
    metric = odd("a")
    first = pid(metric)
    cell = cells_of("a").cell
    with monkeypatch.context() as patch:
        patch.setattr(type(cell), "_step", lambda *_: (_ for _ in ()).throw(KeyboardInterrupt))
        with pytest.raises(KeyboardInterrupt):
            metric.gather(*pairs(["abc"]))
    assert ended(first)
    assert metric.gather(*pairs(["abcd"])).rows[0, 0] == 4.0


def test_threads_have_cells_of_their_own_which_end_with_them(
    odd: Callable[[str], CellMetric], monkeypatch: pytest.MonkeyPatch, wall: None
) -> None:
    monkeypatch.setattr(registry, "LOOK_SECONDS", 0.05)
    own, found = pid(odd("a")), []
    thread = threading.Thread(target=lambda: found.append(pid(odd("a"))))
    thread.start()
    thread.join()
    assert found[0] != own and ended(found[0])
    assert pid(odd("a")) == own


def test_an_idle_cell_ends_and_comes_back(odd: Callable[[str], CellMetric], monkeypatch: pytest.MonkeyPatch, wall: None) -> None:
    monkeypatch.setattr(registry, "LOOK_SECONDS", 0.05)
    monkeypatch.setattr(registry, "IDLE_SECONDS", 0.1)
    metric = odd("a")
    first = pid(metric)
    assert ended(first)
    assert pid(metric) != first


def test_texts_are_hashed_alike_in_every_cell(odd: Callable[[str], CellMetric]) -> None:
    """What a metric says of a failure is evidence, and often follows the order of a set."""
    first, second = (float(odd(job).gather(*pairs(["order"])).rows[0, 0]) for job in ("a", "b"))
    assert first == second
