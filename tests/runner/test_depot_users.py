"""Two runs of one job share their place in a storage: neither takes it from the other."""

from __future__ import annotations

import time
from pathlib import Path

import pytest

from evalgate.core.errors import Incomplete
from evalgate.runner import depot as depots
from evalgate.runner.depot import CLEARED, LEFT, REFUSED, Depot
from evalgate.runner.job import CASES_FOLDER, JOB_FILE, ShardTask
from evalgate.runner.storage import Storage

TASK = ShardTask(0, 0, 1, "sha256:c")


@pytest.fixture
def opened(tmp_path: Path):
    store = Storage.at(str(tmp_path / "store"))
    made: list[Depot] = []

    def start(name: str, *, fresh: bool = False) -> Depot:
        folder = tmp_path / name
        (folder / CASES_FOLDER).mkdir(parents=True, exist_ok=True)
        (folder / CASES_FOLDER / "00000.jsonl").write_text("{}\n")
        (folder / JOB_FILE).write_text("{}")
        one = Depot(store, folder, "sha256:j", fresh)
        assert list(one.sent([TASK])) == [TASK]
        made.append(one)
        return one

    yield start
    for one in made:
        one.close()


def names(one: Depot) -> frozenset[str]:
    return one.place.names("")


def test_the_last_to_end_clears(opened) -> None:
    first, second = opened("a"), opened("b")
    assert first.place == second.place
    assert first.done() == LEFT
    assert "users" in names(second) and one_case(second)
    assert second.done() == CLEARED
    assert not names(second)


def one_case(one: Depot) -> bytes:
    return one.place.read(f"{CASES_FOLDER.as_posix()}/00000.jsonl")


def test_a_run_that_ended_in_any_way_uses_it_no_longer(opened) -> None:
    first, second = opened("a"), opened("b")
    first.close()
    assert second.done() == CLEARED


def test_a_killed_run_that_is_started_again_is_the_same_user(opened) -> None:
    opened("a")  # killed
    assert opened("a").done() == CLEARED


def test_a_killed_run_is_forgotten_after_a_day(opened, monkeypatch: pytest.MonkeyPatch) -> None:
    opened("a")
    later = time.time() + depots.USER_SECONDS + 1
    monkeypatch.setattr(time, "time", lambda: later)
    assert opened("b").done() == CLEARED


@pytest.mark.parametrize("body", [b"", b"soon", b"\xff", b"-1"])
def test_what_no_run_writes_keeps_nothing(opened, body: bytes) -> None:
    one = opened("a")
    one.place.write("users/odd", body)
    assert one.done() == CLEARED


def test_fresh_throws_everything_away(opened) -> None:
    first = opened("a")
    second = opened("b", fresh=True)
    assert len(second.place.names("users")) == 1
    assert second.done() == CLEARED
    assert first.done() == CLEARED


def test_a_store_that_refuses_is_said(opened, monkeypatch: pytest.MonkeyPatch) -> None:
    one = opened("a")

    def refuses(*_: object) -> None:
        raise Incomplete("no")

    monkeypatch.setattr(Storage, "clear", refuses)
    assert one.done() == REFUSED
