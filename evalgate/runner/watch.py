"""Somebody else's code may hang; a watch ends it, so that a hanging detector is an error and not a hanging gate."""

from __future__ import annotations

import ctypes
import signal
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from types import FrameType, TracebackType
from typing import Self

SECONDS = 30.0
"""How long one detector may look at the answers to one case."""
TICK = 0.5
"""Seconds between two looks at the clock."""


class Overdue(BaseException):
    """The time is up. Not an Exception: code that catches everything it throws itself must not swallow it."""


class Watch:
    """Raises Overdue inside whatever takes too long.

    In the main thread by a signal, which also ends a regular expression or a sleep; in other threads by an exception that
    the interpreter raises at its next step, so that only code that never returns to Python could go on.
    """

    def __init__(self, seconds: float | None = None) -> None:
        self.seconds = SECONDS if seconds is None else seconds
        self._since: float | None = None
        self._struck = False
        self._lock = threading.Lock()
        self._main = threading.current_thread() is threading.main_thread()
        self._thread = threading.get_ident()
        self._stop = threading.Event()

    def __enter__(self) -> Self:
        if self._main:
            # a handler that C code put there cannot be put back, and is None
            self._handler = signal.signal(signal.SIGALRM, self._on_signal) or signal.SIG_DFL
            self._timer = signal.setitimer(signal.ITIMER_REAL, TICK, TICK)
        else:
            self._ticking = threading.Thread(target=self._tick, daemon=True)
            self._ticking.start()
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        self._since = None
        if self._main:
            signal.setitimer(signal.ITIMER_REAL, *self._timer)
            signal.signal(signal.SIGALRM, self._handler)
        else:
            self._stop.set()
            self._ticking.join()

    @contextmanager
    def over(self) -> Iterator[None]:
        """Watch over what happens inside.

        Raises: Overdue inside it when it takes longer than `seconds`; at its end where what happens inside swallowed that.
        """
        self._struck, self._since = False, time.monotonic()
        try:
            yield
        finally:
            self._rest()
        if self._struck:
            raise Overdue

    def _rest(self) -> None:
        """Look no longer. An exception that is on its way to this thread arrives here, and not in something innocent."""
        try:
            self._look_away()
            if self._struck and not self._main:
                with_end = time.monotonic() + TICK
                while time.monotonic() < with_end:
                    time.sleep(0.001)
        except Overdue:
            self._look_away()
            raise

    def _look_away(self) -> None:
        with self._lock:
            self._since = None

    def _overdue(self) -> bool:
        """Whether the time is up; it is then up again after the same time, for whoever swallows the exception."""
        if self._since is None or time.monotonic() - self._since <= self.seconds:
            return False
        self._since, self._struck = time.monotonic(), True
        return True

    def _on_signal(self, number: int, frame: FrameType | None) -> None:
        if self._overdue():
            raise Overdue

    def _tick(self) -> None:
        while not self._stop.wait(TICK):
            with self._lock:
                if self._overdue():
                    ctypes.pythonapi.PyThreadState_SetAsyncExc(ctypes.c_ulong(self._thread), ctypes.py_object(Overdue))
