"""Faults on a schedule: which attempt fails is decided by counting and by the key, never by chance."""

from __future__ import annotations

from evalgate.core.settings import MockFault
from evalgate.proxy.mock.draws import fraction


class FaultSchedule:
    """Tells for each attempt that arrives whether it fails, and how. Belongs to one event loop.

    It remembers how often each key has arrived, which grows with the number of different requests: some 150 bytes each.
    """

    def __init__(self, faults: tuple[MockFault, ...]) -> None:
        self._faults = faults
        self._arrived = 0
        self._attempts: dict[str, int] = {}

    def next(self, key: str) -> MockFault | None:
        """Note one attempt. Returns: the first fault that is due, or None.

        `rate` looks at the key and how often it has arrived: every order of arrival has the same faults. Each fault draws for
        itself, so a second one of 30 % meets 30 % of those that the first one spares.
        """
        if not self._faults:
            return None
        self._arrived += 1
        attempt = self._attempts.get(key, 0)
        self._attempts[key] = attempt + 1
        return next((fault for place, fault in enumerate(self._faults) if self._is_due(fault, place, key, attempt)), None)

    def _is_due(self, fault: MockFault, place: int, key: str, attempt: int) -> bool:
        if fault.every is not None:
            return self._arrived % fault.every == 0
        if fault.first_attempts is not None:
            return attempt < fault.first_attempts
        return fault.rate is not None and fraction(key, f"fault {place} attempt {attempt}") < fault.rate
