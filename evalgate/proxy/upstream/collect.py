"""Collect many answers into a recording: lazily, many in flight, each durable before it counts, stopped in good order."""

from __future__ import annotations

import asyncio
import contextlib
import signal
import threading
import time
from collections import deque
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from datetime import UTC, datetime

from evalgate.core.errors import EvalgateError, Incomplete, Interrupted, Problem, Terminated
from evalgate.core.settings import Budget, CallLimits
from evalgate.proxy.recording_writer import IN_FLIGHT, GroupCommit, RecordingWriter
from evalgate.proxy.upstream.caller import Caller
from evalgate.proxy.upstream.interface import Call, Failure, ProviderContext, Reply
from evalgate.proxy.upstream.lines import line_of
from evalgate.proxy.upstream.spending import BudgetReached, Spending

SHOWN = 5
ASIDE_S = 0.003
"""How long an answer may wait to be written while others are asked for."""
AT_ONCE = 8
GRACE_S = 5.0
"""How long running calls may finish after Ctrl-C; after other reasons to stop they may take their time-out."""


@dataclass(slots=True)
class Collected:
    """What a collection came to."""

    wanted: int = 0
    """Requests that were not answered yet when they were looked at."""
    answered: int = 0
    failed: int = 0
    failures: list[Problem] = field(default_factory=list)
    """The first of them, to be shown."""
    calls: int = 0
    retries: int = 0
    prompt_tokens: int = 0
    completion_tokens: int = 0
    usd: float = 0.0
    served_models: dict[str, set[str]] = field(default_factory=dict)
    """Model asked for → names under which it answered."""


@dataclass(frozen=True, slots=True)
class Collection:
    """What is to be collected, and how."""

    calls: Iterator[Call]
    """Only what is not answered yet; taken one by one."""
    limits: CallLimits
    budget: Budget
    context: ProviderContext
    progress: Callable[[int, Spending], None]
    """Called with the number of answers that are durable, and what was spent until then."""
    answered_before: Callable[[], bool] = lambda: False
    """Whether the recording answered requests of this run already: then a lost answer is no fault of the set-up."""


def collect(collection: Collection, writer: RecordingWriter) -> Collected:
    """Ask for everything and record what comes; calls that end without an answer are recorded as errors.

    Raises: Incomplete when it had to stop before everything was asked (budget, upstream down, disk full), Interrupted or
        Terminated on a signal; what was answered until then is recorded, and the same command continues.
    Side effects: calls providers; writes into the recording; takes SIGINT and SIGTERM while it runs.
    """
    try:
        asyncio.get_running_loop()
    except RuntimeError:
        return asyncio.run(_Collector(collection, writer).run())
    # A notebook has an event loop of its own, and its interrupt comes to this thread, not to the one that asks.
    collector = _Collector(collection, writer)
    with ThreadPoolExecutor(1) as beside:
        collected = beside.submit(lambda: asyncio.run(collector.run()))
        try:
            return collected.result()
        except KeyboardInterrupt:
            collector.interrupt()
            return collected.result()


class _Collector:
    def __init__(self, collection: Collection, writer: RecordingWriter) -> None:
        self._collection, self._writer = collection, writer
        self._found = Collected()
        self._stop: EvalgateError | None = None
        self._stopping = asyncio.Event()
        self._hurried = False
        self._durable = 0
        self._came: deque[tuple[Call, Reply | Failure]] = deque()
        self._arrival = asyncio.Event()
        self._ahead: deque[Call] = deque()
        self._early: list[tuple[Call, Failure]] = []
        self._loop: asyncio.AbstractEventLoop | None = None
        self._interrupted = False

    def interrupt(self) -> None:
        """Stop in good order, from another thread."""
        self._interrupted = True
        if self._loop is not None:
            self._loop.call_soon_threadsafe(self._halt, Interrupted("interrupted"))

    async def run(self) -> Collected:
        """Work with as many tasks as may be in flight, until there is nothing left or a reason to stop."""
        self._caller = Caller(self._collection.limits, self._collection.budget, self._collection.context)
        self._commit = GroupCommit(self._writer)
        self._loop = asyncio.get_running_loop()
        if self._interrupted:
            self._halt(Interrupted("interrupted"))
        try:
            with _signals(self._halt, self._hurry):
                await self._work()
        finally:
            await self._end()
        self._total()
        if self._stop is not None:
            raise self._explained(self._stop)
        return self._found

    async def _end(self) -> None:
        """Record what came, make it durable, release everything; each also when the one before it fails."""
        try:
            try:
                while self._came:
                    self._take(*self._came.popleft())
                if self._stop is None and self._collection.answered_before():
                    self._record_early()
            finally:
                await self._commit.close()
        except Incomplete as error:
            self._stop = error
        finally:
            await self._caller.close()

    async def _work(self) -> None:
        workers = [asyncio.create_task(self._worker()) for _ in range(self._collection.limits.concurrency)]
        limit = self._collection.limits.run_deadline_s
        late = Incomplete("the run's deadline has passed", where=f"proxy.run_deadline_s is {limit:g}")
        timer = asyncio.get_running_loop().call_later(limit, self._halt, late)
        # Whoever fails without meaning to, a worker or the recorder, ends the work: nobody pays for answers on top of a bug.
        ended = asyncio.create_task(asyncio.wait(workers, return_when=asyncio.FIRST_EXCEPTION))
        recorder, stopping = asyncio.create_task(self._recorder()), asyncio.create_task(self._stopping.wait())
        await asyncio.wait((ended, recorder, stopping), return_when=asyncio.FIRST_COMPLETED)
        timer.cancel()
        if not all(worker.done() for worker in workers):
            self._caller.halted = True
            await self._let_running_calls_end()
        tasks = (*workers, ended, recorder, stopping)
        for task in tasks:
            task.cancel()
        results = await asyncio.gather(*tasks, return_exceptions=True)
        for result in results:
            if isinstance(result, BaseException) and not isinstance(result, asyncio.CancelledError):
                raise result

    async def _let_running_calls_end(self) -> None:
        """Wait for calls that a provider is answering now; nobody starts another."""
        grace = GRACE_S if isinstance(self._stop, (Interrupted, Terminated)) else self._collection.limits.timeout_s
        until = time.monotonic() + grace
        while self._caller.asking and time.monotonic() < until and not self._hurried:
            await asyncio.sleep(0.02)

    async def _worker(self) -> None:
        while self._stop is None:
            try:
                await self._room()
                call = None if self._stopping.is_set() else self._next()
                if call is None:
                    return
                self._found.wanted += 1
                result = await self._caller.answer(call)
            except EvalgateError as error:
                self._halt(error)
                return
            self._came.append((call, result))
            self._arrival.set()

    async def _room(self) -> None:
        """Wait while the disk is behind; answers that came faster than they were written are written first."""
        while len(self._came) >= IN_FLIGHT:
            self._take(*self._came.popleft())
        await self._commit.room()

    def _next(self) -> Call | None:
        return self._ahead.popleft() if self._ahead else next(self._collection.calls, None)

    async def _recorder(self) -> None:
        """Record a few answers and prepare a few requests at a time, and let the event loop see to the network between."""
        while True:
            await self._arrival.wait()
            self._arrival.clear()
            # Asking the next comes first: while the upstream thinks there is time to record.
            await asyncio.sleep(ASIDE_S)
            while self._came:
                try:
                    self._record_some()
                except EvalgateError as error:
                    self._halt(error)
                await asyncio.sleep(0)

    def _record_some(self) -> None:
        for _ in range(min(AT_ONCE, len(self._came))):
            self._take(*self._came.popleft())
        while self._stop is None and len(self._ahead) < AT_ONCE:
            call = next(self._collection.calls, None)
            if call is None:
                return
            self._ahead.append(call)

    def _take(self, call: Call, result: Reply | Failure) -> None:
        if isinstance(result, Failure):
            self._found.failed += 1
            if len(self._found.failures) < SHOWN:
                self._found.failures.append(Problem(f"no answer of the {call.arm}: {result.message}", f"case {call.case_id}"))
            if not self._found.answered:
                # Until somebody answers, a failure says more about the set-up than about the request: not recorded yet.
                self._early.append((call, result))
                return
        else:
            self._found.answered += 1
            self._note_model(call, result)
        self._record(call, result)
        if self._found.answered:
            self._record_early()

    def _record_early(self) -> None:
        while self._early:
            self._record(*self._early.pop())

    def _record(self, call: Call, result: Reply | Failure) -> None:
        now = datetime.now(UTC).isoformat(timespec="milliseconds")
        future = self._commit.add(line_of(call, result, self._collection.context.redactor, now))
        if isinstance(result, Reply):
            future.add_done_callback(self._safe)

    def _safe(self, future: asyncio.Future[None]) -> None:
        if not future.cancelled() and future.exception() is None:
            self._durable += 1
            self._collection.progress(self._durable, self._caller.spending)

    def _halt(self, reason: EvalgateError) -> None:
        """Take no further call; whoever comes first gives the reason."""
        if self._stop is None:
            self._stop = reason
        self._caller.halted = True
        self._stopping.set()

    def _hurry(self) -> None:
        """Do not even wait for running calls."""
        self._hurried = True

    def _note_model(self, call: Call, reply: Reply) -> None:
        served = reply.body.get("model") if isinstance(reply.body, dict) else None
        if isinstance(served, str) and len(self._found.served_models) < 100:
            names = self._found.served_models.setdefault(call.model.name, set())
            if len(names) < 20:
                names.add(self._collection.context.redactor.text(served))

    def _total(self) -> None:
        spent = self._caller.spending
        self._found.calls, self._found.retries, self._found.usd = spent.calls, self._caller.retries, spent.usd
        self._found.prompt_tokens, self._found.completion_tokens = spent.prompt_tokens, spent.completion_tokens

    def _explained(self, reason: EvalgateError) -> EvalgateError:
        """The reason to stop, with what is safe and what to do next."""
        kept = f"{self._durable} new answers are recorded and will not be asked for again"
        advice = "raise the budget, and the same command continues" if isinstance(reason, BudgetReached) else None
        first = reason.problems[0]
        hint = "; ".join(part for part in (first.hint, kept, advice or "the same command continues") if part)
        return type(reason)([Problem(first.message, first.where, hint), *reason.problems[1:], *self._found.failures])


@contextlib.contextmanager
def _signals(halt: Callable[[EvalgateError], None], hurry: Callable[[], None]) -> Iterator[None]:
    """Ctrl-C and SIGTERM stop in good order; a second one waits for no call, a third one for nothing."""
    loop = asyncio.get_running_loop()
    seen: list[int] = []

    def on_signal(number: int) -> None:
        seen.append(number)
        if len(seen) == 2:
            return hurry()
        if len(seen) > 2:
            raise KeyboardInterrupt
        kind = Terminated if number == signal.SIGTERM else Interrupted
        return halt(kind("terminated" if number == signal.SIGTERM else "interrupted"))

    if threading.current_thread() is not threading.main_thread():
        yield  # signals come to the main thread, which hands them on (see `collect`) or belongs to somebody else
        return
    before = {name: signal.getsignal(name) for name in (signal.SIGINT, signal.SIGTERM)}
    try:
        for name in before:
            loop.add_signal_handler(name, on_signal, name)
        yield
    finally:
        for name, handler in before.items():
            loop.remove_signal_handler(name)
            signal.signal(name, handler)
