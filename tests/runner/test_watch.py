"""A watch ends what takes too long, in every thread, and nothing else."""

from __future__ import annotations

import re
import signal
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import suppress

import pytest

from evalgate.runner import watch as module
from evalgate.runner.watch import Overdue, Watch

LIMIT = 0.1


@pytest.fixture(autouse=True)
def ticks(monkeypatch: pytest.MonkeyPatch, wall: None) -> Iterator[None]:
    before = signal.getsignal(signal.SIGALRM)
    monkeypatch.setattr(module, "TICK", 0.02)
    yield
    assert signal.getsignal(signal.SIGALRM) is before


def in_thread(work: Callable[[], None]) -> None:
    """Run in a thread and raise here what was raised there."""
    raised: list[BaseException] = []

    def run() -> None:
        try:
            work()
        except BaseException as error:  # noqa: BLE001
            raised.append(error)

    thread = threading.Thread(target=run)
    thread.start()
    thread.join(20)
    assert not thread.is_alive()
    if raised:
        raise raised[0]


def here(work: Callable[[], None]) -> None:
    work()


WHERE = pytest.mark.parametrize("run", [here, in_thread])


def spin(seconds: float = 20) -> None:
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        pass


def sleep_in_steps() -> None:
    for _ in range(2000):
        time.sleep(0.01)


def over(work: Callable[[], object], seconds: float = LIMIT) -> Callable[[], None]:
    def watched() -> None:
        with Watch(seconds) as watch, watch.over():
            work()

    return watched


@WHERE
@pytest.mark.parametrize("work", [spin, sleep_in_steps])
def test_what_takes_too_long_is_ended(run: Callable[..., None], work: Callable[[], None]) -> None:
    started = time.monotonic()
    with pytest.raises(Overdue):
        run(over(work))
    assert LIMIT < time.monotonic() - started < 5


@pytest.mark.parametrize("work", [lambda: time.sleep(20), lambda: re.match(r"(a+)+$", "a" * 40 + "b")])
def test_a_sleep_and_a_pattern_are_ended_in_the_main_thread(work: Callable[[], object]) -> None:
    with pytest.raises(Overdue):
        over(work)()


@WHERE
def test_what_is_quick_is_left_alone_however_often(run: Callable[..., None]) -> None:
    def work() -> None:
        with Watch(0.4) as watch:
            for _ in range(20):
                with watch.over():
                    time.sleep(0.001)
            time.sleep(0.5)  # between two looks nobody watches

    run(work)


@WHERE
def test_an_error_of_what_is_watched_is_its_own(run: Callable[..., None]) -> None:
    def work() -> None:
        raise KeyError("mine")

    with pytest.raises(KeyError, match="mine"):
        run(over(work))


@WHERE
def test_catching_every_exception_does_not_hide_it(run: Callable[..., None]) -> None:
    def work() -> None:
        with suppress(Exception):
            spin()

    with pytest.raises(Overdue):
        run(over(work))


@WHERE
def test_swallowing_it_does_not_help(run: Callable[..., None]) -> None:
    def work() -> None:
        with suppress(BaseException):
            spin()

    with pytest.raises(Overdue):
        run(over(work))


@WHERE
def test_going_on_after_it_does_not_help(run: Callable[..., None]) -> None:
    def work() -> None:
        for _ in range(3):
            with suppress(BaseException):
                spin()

    started = time.monotonic()
    with pytest.raises(Overdue):
        run(over(work))
    assert time.monotonic() - started < 5


@WHERE
def test_after_a_strike_the_next_one_starts_anew(run: Callable[..., None]) -> None:
    def work() -> None:
        with Watch(0.3) as watch:
            with pytest.raises(Overdue), watch.over():
                spin()
            with watch.over():
                time.sleep(0.05)
            with pytest.raises(Overdue), watch.over():
                spin()

    run(work)


def test_the_timer_and_the_handler_of_somebody_else_are_put_back() -> None:
    heard: list[float] = []
    before = signal.signal(signal.SIGALRM, lambda *_: heard.append(time.monotonic()))
    old = signal.setitimer(signal.ITIMER_REAL, 0.15, 7.0)
    try:
        over(lambda: time.sleep(0.05))()
        assert not heard
        left, interval = signal.getitimer(signal.ITIMER_REAL)
        assert 0 < left <= 0.15 and interval == 7.0
        time.sleep(0.3)
        assert len(heard) == 1
    finally:
        signal.setitimer(signal.ITIMER_REAL, *old)
        signal.signal(signal.SIGALRM, before)


def test_a_watch_inside_a_watch_gives_the_outer_one_back() -> None:
    with Watch(3 * LIMIT) as outer:
        with pytest.raises(Overdue), outer.over():
            with pytest.raises(Overdue):
                over(spin)()
            spin()
        with outer.over():
            over(lambda: None)()


def test_two_threads_are_watched_apart() -> None:
    ended: list[str] = []

    def late() -> None:
        with pytest.raises(Overdue):
            over(spin)()
        ended.append("late")

    def quick() -> None:
        over(lambda: spin(3 * LIMIT), seconds=10)()
        ended.append("quick")

    threads = [threading.Thread(target=work) for work in (late, quick)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(20)
    assert sorted(ended) == ["late", "quick"]


def test_no_thread_is_left_behind() -> None:
    before = threading.active_count()
    in_thread(over(lambda: None))
    assert threading.active_count() == before


def test_the_usual_time_is_read_when_the_watch_is_made(monkeypatch: pytest.MonkeyPatch) -> None:
    assert Watch().seconds == 30.0
    monkeypatch.setattr(module, "SECONDS", 0.5)
    assert Watch().seconds == 0.5
