"""A budget is never exceeded as the server counts it, with many in flight and with retries; and it is used, not hoarded."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from upstream_asking import MODEL, Gathered, ask, call, calls, gather, limits
from upstream_stub import Act, Request, Stub, answer, share, status

from evalgate.core.errors import ExitCode
from evalgate.core.settings import Budget
from evalgate.proxy.upstream.spending import BudgetReached

PRICED = replace(MODEL, price_input=10.0, price_output=20.0)
"""11 prompt tokens and 7 of an answer cost 0.00025 US dollars."""
USAGE = {"prompt_tokens": 11, "completion_tokens": 7}


def stopped_by(done: Gathered, key: str) -> None:
    assert isinstance(done.error, BudgetReached), done.error
    assert done.error.exit_code is ExitCode.INCOMPLETE
    assert key in done.said
    assert "raise the budget, and the same command continues" in done.said
    assert f"{len(done.texts())} new answers are recorded" in done.said


@pytest.mark.parametrize("concurrency", [1, 8, 64])
@pytest.mark.parametrize("budget", [1, 17])
def test_calls_are_counted_exactly(budget: int, concurrency: int, tmp_path: Path) -> None:
    with Stub(lambda r: answer(r, delay=0.005)) as stub:
        done = gather(tmp_path / "tape", calls(stub.url, 100), limits(concurrency=concurrency), Budget(calls=budget))
    stopped_by(done, "proxy.budget.calls")
    assert len(stub.requests) == budget
    assert len(done.texts()) == budget


@pytest.mark.parametrize(
    "bad", [lambda r: status(500), lambda r: status(429), lambda r: Act((), "close"), lambda r: Act((), "reset")]
)
def test_retries_count_as_calls(bad: Any, tmp_path: Path) -> None:
    seen: dict[str, int] = {}
    with Stub(lambda r: bad(r) if share(r, seen, 0.5) else answer(r)) as stub:
        done = gather(tmp_path / "tape", calls(stub.url, 100), limits(concurrency=8, attempts=50), Budget(calls=40))
    stopped_by(done, "proxy.budget.calls")
    assert len(stub.requests) <= 40
    assert len(done.texts()) == len(stub.paid)


def test_a_budget_that_is_just_enough_is_enough(tmp_path: Path) -> None:
    with Stub(answer) as stub:
        done = gather(tmp_path / "tape", calls(stub.url, 50), budget=Budget(calls=50))
    assert done.error is None
    assert len(done.texts()) == 50


def paid_tokens(stub: Stub) -> int:
    return 18 * len(stub.paid)


@pytest.mark.parametrize("concurrency", [1, 8, 64])
def test_tokens_are_never_exceeded_and_the_budget_is_used(concurrency: int, tmp_path: Path) -> None:
    with Stub(lambda r: answer(r, usage=USAGE, delay=0.002)) as stub:
        done = gather(tmp_path / "tape", calls(stub.url, 400), limits(concurrency=concurrency), Budget(tokens=2000))
    stopped_by(done, "proxy.budget.tokens")
    assert paid_tokens(stub) <= 2000
    assert paid_tokens(stub) > 1800, f"stopped after {paid_tokens(stub)} tokens although running calls gave most of theirs back"


@pytest.mark.parametrize("concurrency", [1, 64])
def test_dollars_are_never_exceeded_and_the_budget_is_used(concurrency: int, tmp_path: Path) -> None:
    with Stub(lambda r: answer(r, usage=USAGE, delay=0.002)) as stub:
        done = gather(tmp_path / "tape", calls(stub.url, 400, model=PRICED), limits(concurrency=concurrency), Budget(usd=0.03))
    stopped_by(done, "proxy.budget.usd")
    spent = 0.00025 * len(stub.paid)
    assert spent <= 0.03
    assert spent > 0.026, f"{spent:.4f} US dollars"


def test_answers_that_use_all_they_may_do_not_exceed_it(tmp_path: Path) -> None:
    full = {"prompt_tokens": 30, "completion_tokens": 20}
    with Stub(lambda r: answer(r, usage=full, delay=0.005)) as stub:
        done = gather(tmp_path / "tape", calls(stub.url, 200), limits(concurrency=32), Budget(tokens=3000))
    stopped_by(done, "proxy.budget.tokens")
    assert 50 * len(stub.paid) <= 3000


@pytest.mark.parametrize(
    ("text", "tokens_each"),
    [("\u6f22", 1.0), ("\U0001f600", 3.0), ("\u0e01\u0e33", 2.0), ("7 ", 2.0), ("word ", 1.0), ("{}!", 3.0)],
)
@pytest.mark.parametrize("concurrency", [1, 32])
def test_tokens_are_never_exceeded_in_any_language(text: str, tokens_each: float, concurrency: int, tmp_path: Path) -> None:
    """Short and easy prompts first, from which nothing may be learned about those that come after them."""

    def used(request: Request) -> int:
        return 8 + int(request.content.count(text) * tokens_each)

    with Stub(lambda r: answer(r, usage={"prompt_tokens": used(r), "completion_tokens": 7}, delay=0.002)) as stub:
        wanted = [call(n, stub.url, text=f"{n} an easy one" if n < 10 else f"{n} " + text * 300) for n in range(80)]
        done = gather(tmp_path / "tape", wanted, limits(concurrency=concurrency), Budget(tokens=6000))
    stopped_by(done, "proxy.budget.tokens")
    assert sum(used(r) + 7 for r in stub.paid) <= 6000
    assert len(stub.paid) > 10


def test_an_answer_without_usage_costs_what_was_reserved(tmp_path: Path) -> None:
    with Stub(lambda r: answer(r, usage=None)) as stub:
        done = gather(tmp_path / "tape", calls(stub.url, 200), budget=Budget(tokens=2000))
    stopped_by(done, "proxy.budget.tokens")
    assert len(stub.requests) < 2000 / 20


@pytest.mark.parametrize(
    "act", [lambda r: Act((), "hang"), lambda r: Act((b"HTTP/1.1 200 OK\r\nContent-Length: 90\r\n\r\n{",), "close")]
)
def test_an_attempt_that_may_have_been_billed_counts(act: Any) -> None:
    with Stub(act) as stub:
        asked = ask(calls(stub.url, 1), limits(timeout_s=0.1, attempts=3), Budget(tokens=10_000))
    spent = asked.caller.spending
    assert len(stub.requests) == 3
    assert spent.completion_tokens == 3 * 20
    assert spent.prompt_tokens > 0


@pytest.mark.parametrize("act", [lambda r: status(429), lambda r: status(500), lambda r: status(400)])
def test_an_attempt_that_was_refused_costs_nothing(act: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("evalgate.proxy.upstream.caller.THROTTLED_ATTEMPTS", 3)
    with Stub(act) as stub:
        asked = ask(calls(stub.url, 1), budget=Budget(tokens=10_000))
    assert asked.caller.spending.calls == len(stub.requests)
    assert asked.caller.spending.completion_tokens == 0


def test_a_budget_below_one_call_asks_nobody(tmp_path: Path) -> None:
    with Stub(answer) as stub:
        done = gather(tmp_path / "tape", calls(stub.url, 5), budget=Budget(tokens=10))
    stopped_by(done, "proxy.budget.tokens")
    assert stub.requests == []


def test_a_request_without_a_limit_reserves_much(tmp_path: Path) -> None:
    endless = replace(MODEL, parameters={})
    with Stub(answer) as stub:
        done = gather(tmp_path / "tape", calls(stub.url, 5, model=endless), budget=Budget(tokens=4000))
    stopped_by(done, "proxy.budget.tokens")
    assert stub.requests == []


def test_the_same_command_continues_after_a_budget_and_pays_only_for_the_rest(tmp_path: Path) -> None:
    folder = tmp_path / "tape"
    with Stub(lambda r: answer(r, delay=0.001)) as stub:
        rounds = 0
        while True:
            rounds += 1
            done = gather(folder, calls(stub.url, 50), limits(concurrency=8), Budget(calls=12))
            if done.error is None:
                break
            stopped_by(done, "proxy.budget.calls") if rounds == 1 else None
    assert rounds == 5
    assert len(done.texts()) == 50
    assert len(stub.requests) == 50
    assert set(stub.counts().values()) == {1}


def test_nothing_begins_after_the_run_was_stopped(tmp_path: Path) -> None:
    """Calls that wait for what others hold of the budget must not start when the run has ended for another reason."""

    def script(request: Request) -> Act:
        return status(401, delay=0.05) if request.number <= 2 else answer(request, delay=0.05)

    with Stub(script) as stub:
        gather(tmp_path / "tape", calls(stub.url, 50), limits(concurrency=32), Budget(tokens=200))
    assert len(stub.requests) <= 8
