"""Rate and time left, in words: from a clock that the test turns."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from evalgate.cli.pace import Pace, duration, reached_text
from evalgate.core.progress import Reached


def told(steps: list[tuple[float, int]], total: int | None, before: int = 0) -> str:
    clock = iter([at for at, _ in steps])
    pace, text = Pace(lambda: next(clock)), ""
    for _, done in steps:
        reached = Reached(done, total, before if done >= before else 0)
        text = reached_text("cases measured", reached, pace.rate(reached))
    return text


def test_what_is_told_of_a_steady_run() -> None:
    steps = [(100.0 + second, 4310 * second) for second in range(4)]
    assert told(steps, 100_000) == "12,930 of 100,000 cases measured, 4,310 a second, 20 s left"


def test_an_unknown_total_has_no_time_left() -> None:
    assert told([(0.0, 0), (2.0, 50)], None) == "50 cases measured, 25 a second"


def test_what_an_earlier_run_did_is_no_part_of_the_rate() -> None:
    pace = Pace(iter([0.0, 10.0]).__next__)
    pace.rate(Reached(0, 1000))
    reached = Reached(600, 1000, 500)
    assert reached_text("cases measured", reached, pace.rate(reached)) == (
        "600 of 1,000 cases measured (500 before), 10 a second, 40 s left"
    )


def test_nothing_is_divided_by_no_time_and_nothing_by_no_work() -> None:
    assert told([(5.0, 0), (5.0, 100)], 100) == "100 of 100 cases measured"
    assert told([(5.0, 7), (65.0, 7)], 100) == "7 of 100 cases measured"
    assert told([(5.0, 0)], 0) == "0 of 0 cases measured"


def test_a_rate_is_that_of_the_last_half_minute() -> None:
    steps = [(float(s), 1000 * s) for s in range(100)] + [(99.0 + s, 99_000 + 10 * s) for s in range(1, 61)]
    assert told(steps, 100_000) == "99,600 of 100,000 cases measured, 10 a second, 40 s left"


def test_a_counter_that_begins_anew_gives_no_negative_rate() -> None:
    assert told([(0.0, 500), (10.0, 900), (20.0, 0), (30.0, 50)], 100) == "50 of 100 cases measured, 5.0 a second, 10 s left"


def test_calls_tokens_and_cost_so_far() -> None:
    reached = Reached(320, 480, 0, calls=330, tokens=64_000, usd=0.1234)
    assert reached_text("answers", reached, 25.0) == (
        "320 of 480 answers, 25 a second, 6 s left, 330 calls, 64,000 tokens, 0.12 USD"
    )
    cheap = Reached(1, 2, 0, calls=1, tokens=2, usd=0.0004)
    assert reached_text("answers", cheap, None) == "1 of 2 answers, 1 calls, 2 tokens, less than 0.01 USD".replace(
        "1 calls", "1 call"
    )


@pytest.mark.parametrize(
    ("seconds", "said"),
    [(0.0, "1 s"), (0.4, "1 s"), (59.6, "60 s"), (119.4, "119 s"), (119.6, "2 min"), (3600.0, "60 min"), (7200.0, "2 h 0 min"),
     (7500.0, "2 h 5 min"), (172_800.0, "2 d 0 h"), (270_000.0, "3 d 3 h"), (1e12, "more than 1,000 d")],
)  # fmt: skip
def test_lengths_of_time(seconds: float, said: str) -> None:
    assert duration(seconds) == said


@given(
    st.lists(st.tuples(st.floats(0, 1e6), st.integers(0, 10**9)), min_size=1, max_size=40),
    st.one_of(st.none(), st.integers(0, 10**9)),
)
def test_any_course_of_things_gives_one_safe_line(steps: list[tuple[float, int]], total: int | None) -> None:
    at = 0.0
    course = []
    for pause, done in steps:
        at += pause
        course.append((at, done))
    text = told(course, total)
    assert text.isprintable() and "nan" not in text and "inf" not in text and "-" not in text
    assert len(text) < 150


@given(st.floats(0, 1e15), st.floats(0, 1e15))
def test_longer_is_never_said_to_be_shorter(one: float, other: float) -> None:
    def length(text: str) -> float:
        if text.startswith("more"):
            return float("inf")
        parts = text.replace(",", "").split()
        unit = {"s": 1, "min": 60, "h": 3600, "d": 86_400}
        return sum(int(n) * unit[u] for n, u in zip(parts[::2], parts[1::2], strict=True))

    short, long = sorted((one, other))
    assert length(duration(short)) <= length(duration(long))
