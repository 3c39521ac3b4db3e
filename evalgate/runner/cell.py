"""A cell: the process of a worker in which metrics of others measure, with a clock and a scale beside it.

Whatever such a metric does, it does to its cell. The worker kills a cell that takes too long or too much, and starts another.
"""

from __future__ import annotations

import json
import os
import select
import signal
import subprocess
import sys
import time
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from typing import Any

from evalgate.core.credentials import environment_with
from evalgate.core.errors import Incomplete
from evalgate.runner.cell_messages import LENGTHS, message
from evalgate.runner.offspring import MARK, end_offspring, held_bytes, new_mark

SECONDS = 30.0
"""How long one call may take: as long as a detector may look at one case."""
START_SECONDS = 300.0
"""How long a metric may take to be made: it may load a model."""
MEMORY_BYTES = 2 << 30
"""How much more memory a call may need than the metric had once it was made."""
TICK = 0.02
"""Seconds between two looks at the memory of a cell that is busy."""
MOST_ANSWER = 1 << 20
"""Bytes of the JSON part of an answer."""
_START = "import sys; sys.path[:] = sys.argv[2:]; from evalgate.runner.cell_process import main; main(int(sys.argv[1]))"


class CellLoss(Exception):
    """The cell is gone, and what was asked has no answer."""

    def __init__(self, said: str, kind: str) -> None:
        super().__init__(said)
        self.said = said
        """What the metric did, as the end of a sentence: `ended the process (exit code 7)`."""
        self.slow, self.large = kind == "slow", kind == "large"


@dataclass(frozen=True, slots=True)
class Answer:
    """What a cell said."""

    value: Mapping[str, Any]
    numbers: bytes


@dataclass(slots=True)
class Cell:
    """One process, started when it is first asked; not to be shared by threads."""

    most_bytes: int = field(default_factory=lambda: MEMORY_BYTES)
    _process: subprocess.Popen[bytes] | None = None
    _allowed: int | None = None
    """Bytes of memory that the process may have; None until a metric was made, or where nobody can say."""
    _mark: str = field(default_factory=new_mark)

    @property
    def process(self) -> object:
        """The process, or None: another one has lost what the one before knew."""
        return self._process

    @property
    def alive(self) -> bool:
        """Whether there is a process; one that ended while nobody asked is buried."""
        if self._process is not None and self._process.poll() is not None:
            self.close()
        return self._process is not None

    def ask(self, request: Mapping[str, Any], numbers: bytes = b"", *, seconds: float, most_numbers: int = 0) -> Answer:
        """Ask, and wait for the answer.

        `most_numbers`: bytes of numbers that an answer may have.
        Raises: CellLoss when the process ends, takes longer than `seconds`, needs too much memory or says something else than
            an answer. It is gone then; the next call starts another.
        """
        if not self.alive:
            self._start()
        answered = False
        try:
            answer = self._exchange(message(request, numbers), time.monotonic() + seconds, seconds, most_numbers)
            answered = True
        finally:
            # Interrupted in between, an answer that nobody read would be taken for the next one.
            if not answered:
                self.close()
        return answer

    def weigh(self) -> None:
        """Take what the process has now as what it needs before any call."""
        self._allowed = None
        if (now := self._resident()) is not None:
            self._allowed = now + self.most_bytes

    def close(self) -> None:
        """End the process and whatever it started."""
        self.kill()
        process, self._process = self._process, None
        if process is None:
            return
        process.wait()
        end_offspring(self._mark)
        for pipe in (process.stdin, process.stdout):
            if pipe is not None:
                with suppress(OSError):
                    pipe.close()

    def kill(self) -> None:
        """End the process, and leave it to whoever is asking to bury it."""
        if (process := self._process) is not None:
            with suppress(ProcessLookupError, PermissionError):
                os.killpg(process.pid, signal.SIGKILL)

    def _start(self) -> None:
        self._allowed = None
        command = [sys.executable, "-c", _START, str(os.getpid()), *sys.path]
        try:
            self._process = subprocess.Popen(  # noqa: S603 - our own interpreter and module
                command,
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                bufsize=0,
                start_new_session=True,
                # What a metric says of a failure is evidence, and must not follow the order of a set.
                env=environment_with({"PYTHONHASHSEED": "0", MARK: self._mark}),
            )
        except OSError as error:
            hint = "is the limit of processes or of memory reached?"
            raise Incomplete(f"no process could be started for a metric: {error}", hint=hint) from error
        for pipe in (self._process.stdin, self._process.stdout):
            assert pipe is not None
            os.set_blocking(pipe.fileno(), False)

    def _exchange(self, asked: bytes, until: float, seconds: float, most_numbers: int) -> Answer:
        unsent, got = memoryview(asked), bytearray()
        whole: int | None = None
        while whole is None or len(got) < whole:
            unsent = self._step(unsent, got, until, seconds)
            if whole is None and len(got) >= LENGTHS.size:
                text, numbers = LENGTHS.unpack_from(got)
                if text > MOST_ANSWER or numbers > most_numbers:
                    raise CellLoss("gave an answer that is too large", "odd")
                whole = LENGTHS.size + text + numbers
        if len(got) > whole or unsent:
            raise CellLoss("gave more than one answer", "odd")
        try:
            value = json.loads(got[LENGTHS.size : LENGTHS.size + text])
        except ValueError as error:
            raise CellLoss("gave an answer that cannot be read", "odd") from error
        if not isinstance(value, dict):
            raise CellLoss("gave an answer that cannot be read", "odd")
        return Answer(value, bytes(got[LENGTHS.size + text :]))

    def _step(self, unsent: memoryview, got: bytearray, until: float, seconds: float) -> memoryview:
        """Wait until something can be read or written, and do it. What is there is taken before the clock is looked at: a
        program that was stopped for an hour does not take its own pause for the metric's."""
        assert self._process is not None and self._process.stdin is not None and self._process.stdout is not None
        source, target = self._process.stdout.fileno(), self._process.stdin.fileno()
        poll = select.poll()
        poll.register(source, select.POLLIN)
        if unsent:
            poll.register(target, select.POLLOUT)
        ready = dict(poll.poll(TICK * 1000))
        if source in ready:
            part = os.read(source, 1 << 20)
            if not part:
                raise self._ended()
            got += part
        elif target in ready:
            try:
                unsent = unsent[os.write(target, unsent) :]
            except OSError as error:
                raise self._ended() from error
        elif self._process.poll() is not None:  # something that it started holds the pipe
            raise self._ended()
        elif time.monotonic() > until:
            raise CellLoss(f"took longer than {seconds:g} s", "slow")
        if self._allowed is not None and (self._resident() or 0) > self._allowed:
            raise CellLoss(f"needs more than {self.most_bytes >> 20} MiB", "large")
        return unsent

    def _resident(self) -> int | None:
        """Bytes in memory, with those of what it started; None where the system does not say."""
        assert self._process is not None
        return held_bytes(self._process.pid)

    def _ended(self) -> CellLoss:
        assert self._process is not None
        try:
            code = self._process.wait(timeout=1.0)
        except subprocess.TimeoutExpired:
            return CellLoss("closed its pipe", "odd")
        if code >= 0:
            return CellLoss(f"ended the process (exit code {code})", "ended")
        with suppress(ValueError):
            return CellLoss(f"ended the process ({signal.Signals(-code).name})", "ended")
        return CellLoss(f"ended the process (signal {-code})", "ended")
