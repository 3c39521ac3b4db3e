"""A disk that takes its time: nothing counts before it is safe, and at most 32 answers are on their way to it."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
from upstream_asking import call, calls

from evalgate.core.settings import Budget, CallLimits, Upstream
from evalgate.proxy.recording import open_recording
from evalgate.proxy.recording_writer import IN_FLIGHT, GroupCommit, RecordingWriter
from evalgate.proxy.redaction import Redactor
from evalgate.proxy.server.answerers import RecordAnswerer
from evalgate.proxy.server.interface import Answered, Asked
from evalgate.proxy.upstream.collect import Collection, collect
from evalgate.proxy.upstream.interface import Call, ProviderContext, Reply
from evalgate.proxy.upstream.lines import line_of

NOW = "2026-01-01T00:00:00+00:00"


class SlowDisk(RecordingWriter):
    """Nothing is safe before it is let go."""

    def __init__(self, folder: Path) -> None:
        super().__init__(folder, "rec")
        self.let_go = threading.Event()

    def flush(self) -> None:
        if not self.let_go.wait(20):
            raise AssertionError("never let go")
        super().flush()


@contextmanager
def slow(folder: Path) -> Iterator[SlowDisk]:
    with SlowDisk(folder) as disk:
        # The first segment is made at once; only what follows waits.
        disk.let_go.set()
        disk.append(line_of(call(999), reply(999), Redactor(), NOW))
        disk.let_go.clear()
        try:
            yield disk
        finally:
            disk.let_go.set()


def reply(number: int) -> Reply:
    return Reply(f"answer {number}", "stop", 1, 1, 1.0)


async def settled() -> None:
    """Everything that can happen without the disk has happened."""
    for _ in range(20):
        await asyncio.sleep(0.02)


def test_there_is_room_for_32_answers_and_not_for_more(tmp_path: Path) -> None:
    async def go(disk: SlowDisk) -> None:
        commit = GroupCommit(disk)
        futures = []
        for number in range(IN_FLIGHT):
            await asyncio.wait_for(commit.room(), 5)
            futures.append(commit.add(line_of(call(number), reply(number), Redactor(), NOW)))
        with pytest.raises(TimeoutError):
            await asyncio.wait_for(commit.room(), 0.3)
        assert not any(future.done() for future in futures)
        disk.let_go.set()
        await asyncio.wait_for(asyncio.gather(commit.room(), *futures), 10)
        await commit.close()

    with slow(tmp_path / "rec") as disk:
        asyncio.run(go(disk))


class Quick:
    """Answers at once."""

    def __init__(self) -> None:
        self.asked = 0

    async def ask(self, one: Call, attempt: int, timeout_s: float) -> Reply:
        self.asked += 1
        await asyncio.sleep(0)
        return reply(0)

    async def answer(self, one: Call) -> Reply:
        return await self.ask(one, 0, 1.0)

    async def close(self) -> None:
        pass


def test_a_run_asks_no_further_while_the_disk_is_behind(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    provider, seen = Quick(), []
    monkeypatch.setattr("evalgate.proxy.upstream.caller.make_provider", lambda *_: provider)
    with slow(tmp_path / "rec") as disk:

        def look() -> None:
            before = -1
            while provider.asked != before:  # it goes on no more
                before = provider.asked
                threading.Event().wait(0.4)
            seen.append((provider.asked, list(durable)))
            disk.let_go.set()

        durable: list[int] = []
        threading.Thread(target=look, daemon=True).start()
        context = ProviderContext(8, Redactor())
        wanted = iter(calls("http://127.0.0.1:9/v1", 300))
        found = collect(
            Collection(wanted, CallLimits(concurrency=8), Budget(), context, lambda done, spent: durable.append(done)), disk
        )
    assert found.answered == 300
    assert len(durable) == 300
    ((asked, counted),) = seen
    assert IN_FLIGHT <= asked <= 2 * IN_FLIGHT + 2 * 8, (
        "32 on the way to the disk, 32 to be written, and what the 8 at work had begun"
    )
    assert counted == [], "nothing counts before it is durable"
    assert len(open_recording(tmp_path / "rec", "rec")) == 301


def asked_of(number: int) -> Asked:
    one = call(number)
    return Asked(one.key, one.request, one.body, False, False)


def test_the_proxy_answers_when_it_is_durable_and_asks_no_further_while_the_disk_is_behind(tmp_path: Path) -> None:
    provider = Quick()

    async def go(disk: SlowDisk) -> list[Any]:
        recording = open_recording(tmp_path / "rec", "rec")
        answerer = RecordAnswerer(recording, disk, provider, Upstream("http://127.0.0.1:9/v1"))
        clients = []
        for number in range(IN_FLIGHT + 20):
            clients.append(asyncio.create_task(answerer.answer(asked_of(number))))
            await asyncio.sleep(0.002)
        await settled()
        assert not any(client.done() for client in clients), "answered before it was durable"
        assert provider.asked == IN_FLIGHT
        disk.let_go.set()
        answers = await asyncio.wait_for(asyncio.gather(*clients), 10)
        await answerer.close(1.0)
        return list(answers)

    with slow(tmp_path / "rec") as disk:
        assert all(isinstance(answer, Answered) for answer in asyncio.run(go(disk)))
    assert len(open_recording(tmp_path / "rec", "rec")) == IN_FLIGHT + 21


def test_many_in_flight_and_a_disk_that_is_always_behind_come_to_an_end(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    class Sluggish(RecordingWriter):
        def flush(self) -> None:
            threading.Event().wait(0.005)
            super().flush()

    monkeypatch.setattr("evalgate.proxy.upstream.caller.make_provider", lambda *_: Quick())
    with Sluggish(tmp_path / "rec", "rec") as disk:
        context = ProviderContext(128, Redactor())
        wanted = iter(calls("http://127.0.0.1:9/v1", 1_500))
        found = collect(Collection(wanted, CallLimits(concurrency=128), Budget(), context, lambda done, spent: None), disk)
    assert found.answered == 1_500
    assert len(open_recording(tmp_path / "rec", "rec")) == 1_500
