"""When a dask cluster is taken for lost: not while it mends itself, and not never."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import pytest

from evalgate.runner import dask_backend
from evalgate.runner.dask_backend import LOST_SECONDS, LOST_TASK_SECONDS, _Watch


@pytest.fixture
def client() -> Any:
    return SimpleNamespace(status="running", futures={"one": SimpleNamespace(status="pending")})


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> Any:
    clock = SimpleNamespace(now=100.0)
    monkeypatch.setattr(dask_backend, "time", SimpleNamespace(monotonic=lambda: clock.now))
    return clock


@pytest.mark.parametrize("status", ["lost", "cancelled"])
def test_a_task_that_is_lost_for_a_while_is_done_again(client: Any, clock: Any, status: str) -> None:
    look = _Watch(client)
    for _ in range(3):
        client.futures["one"].status = status
        assert look() is None
        clock.now += LOST_TASK_SECONDS - 1
        assert look() is None
        client.futures["one"].status = "pending"
        assert look() is None
        clock.now += 2


@pytest.mark.parametrize("status", ["lost", "cancelled"])
def test_a_task_that_stays_lost_is_told(client: Any, clock: Any, status: str) -> None:
    look = _Watch(client)
    client.futures["one"].status = status
    assert look() is None
    clock.now += LOST_TASK_SECONDS + 1
    assert look() == "the scheduler lost a task"


def test_a_scheduler_may_be_away_for_a_while_and_not_for_ever(client: Any, clock: Any) -> None:
    look = _Watch(client)
    client.status = "connecting"
    assert look() is None
    clock.now += LOST_SECONDS - 1
    assert look() is None
    client.status = "running"
    assert look() is None
    client.status = "connecting"
    assert look() is None
    clock.now += LOST_SECONDS + 1
    assert look() == "the connection to the scheduler is connecting"


def test_a_closed_connection_is_told_at_once(client: Any, clock: Any) -> None:
    client.status = "closed"
    assert _Watch(client)() == "the connection to the scheduler is closed"
