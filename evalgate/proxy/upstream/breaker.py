"""The circuit breaker: an upstream that only fails is given pauses, and then the run is stopped in good order."""

from __future__ import annotations

import time
from collections.abc import Callable

from evalgate.proxy.upstream.interface import Failure, FailureKind

CONSECUTIVE = 10
"""Transient failures in a row, without an answer between, after which the circuit opens."""
PAUSES_S = (0.5, 1.0, 2.0, 4.0, 8.0)
"""How long it stays open each time before one more call may probe; after the last the run stops."""
ALIKE = 5
"""Permanent failures with the same words, before any answer at all, that stop the run."""
DENIED = (401, 403)
DENIED_ALIKE = 2
_BY_STATUS = (*DENIED, 404, 407)
"""These say the same whatever their words, which may hold the number of the request."""


class Breaker:
    """Watches the failures of one upstream."""

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._in_a_row = self._pauses = 0
        self._open_until = 0.0
        self._answered = False
        self._alike: dict[str, int] = {}
        self.stopped: str | None = None
        """Why no further call makes sense, or None."""

    def answered(self) -> None:
        """An answer came: the circuit is closed."""
        self._answered = True
        self._in_a_row = self._pauses = 0

    def failed(self, failure: Failure) -> float | None:
        """A failure came. Returns: seconds for which nobody should ask, or None."""
        if failure.kind is FailureKind.PERMANENT:
            self._permanent(failure)
            return None
        if failure.kind is FailureKind.THROTTLED or self._clock() < self._open_until:
            return None
        self._in_a_row += 1
        if self._in_a_row < (CONSECUTIVE if self._pauses == 0 else 1):
            return None
        if self._pauses == len(PAUSES_S):
            self.stopped = f"the upstream does not recover: {failure.message}"
            return None
        pause = PAUSES_S[self._pauses]
        self._pauses += 1
        self._open_until = self._clock() + pause
        return pause

    def _permanent(self, failure: Failure) -> None:
        if self._answered:
            return
        sort = f"HTTP {failure.status}" if failure.status in _BY_STATUS else failure.message
        self._alike[sort] = self._alike.get(sort, 0) + 1
        if self._alike[sort] >= (DENIED_ALIKE if failure.status in DENIED else ALIKE):
            self.stopped = f"every call fails the same way: {failure.message}"
