"""Stopwatches: what they count, from several threads too."""

from __future__ import annotations

import pickle
import threading
import time

import pytest

from evalgate.core.timings import Spent, Timings


def test_stages_add_up_also_when_they_fail() -> None:
    timings = Timings()
    for _ in range(2):
        with timings.stage("a"):
            time.sleep(0.01)
    with pytest.raises(ValueError, match="no"), timings.stage("a"):
        raise ValueError("no")
    spent = timings.spent["a"]
    assert spent.times == 3
    assert spent.wall_s >= 0.02
    assert 0 <= spent.cpu_s < spent.wall_s


def test_sleep_is_no_work_and_work_is() -> None:
    timings = Timings()
    with timings.stage("work"):
        until = time.thread_time() + 0.02
        while time.thread_time() < until:
            pass
    assert timings.spent["work"].cpu_s >= 0.02


def test_only_the_getting_of_values_counts() -> None:
    timings = Timings()

    def source():
        yield 1
        yield 2

    got = []
    for value in timings.each("read", source()):
        time.sleep(0.02)
        got.append(value)
    assert got == [1, 2]
    assert timings.spent["read"].times == 3, "the end has to be looked for too"
    assert timings.spent["read"].wall_s < 0.02


def test_an_error_of_a_source_goes_through() -> None:
    def source():
        yield 1
        raise KeyError("x")

    timings, got = Timings(), []
    with pytest.raises(KeyError):
        got.extend(timings.each("read", source()))
    assert timings.spent["read"].times == 2


def test_none_is_a_value_like_any_other() -> None:
    assert list(Timings().each("read", [None, 0, None])) == [None, 0, None]


def test_threads_and_workers_add_up() -> None:
    timings = Timings()
    threads = [threading.Thread(target=lambda: [timings.add({"a": Spent(1.0, 2.0, 1)}) for _ in range(200)]) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert timings.spent["a"] == Spent(800.0, 1600.0, 800)
    assert pickle.loads(pickle.dumps(timings.spent)) == timings.spent
