"""How fast something goes and when it will be done, in words."""

from __future__ import annotations

import time
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass, field

from evalgate.core.progress import Reached

LEAST_S = 1.0
"""A rate over less is noise."""
WINDOW_S = 30.0
"""The rate is that of the last half minute: what was fast an hour ago says nothing of what is left."""
SAMPLES = 120


@dataclass(slots=True)
class Pace:
    """Remembers how far it was when, on a clock that only goes forward."""

    clock: Callable[[], float] = time.monotonic
    _seen: deque[tuple[float, int]] = field(default_factory=lambda: deque(maxlen=SAMPLES))

    def rate(self, reached: Reached) -> float | None:
        """Done in a second by this run, of late; None while there is nothing to tell it from."""
        now, done = self.clock(), reached.done - reached.before
        seen = self._seen
        if seen and done < seen[-1][1]:
            seen.clear()  # it begins anew
        while len(seen) > 1 and now - seen[1][0] >= WINDOW_S:
            seen.popleft()
        if not seen or now - seen[-1][0] >= WINDOW_S / SAMPLES:
            seen.append((now, done))
        since, then = seen[0]
        return (done - then) / (now - since) if now - since >= LEAST_S else None


def reached_text(what: str, reached: Reached, rate: float | None) -> str:
    """One line such as `12,288 of 100,000 cases measured, 4,310 a second, 20 s left`."""
    total = reached.total
    parts = [f"{reached.done:,} {what}" if total is None else f"{reached.done:,} of {total:,} {what}"]
    if reached.before:
        parts[0] += f" ({reached.before:,} before)"
    if rate is not None and rate > 0:
        parts.append(f"{_number(rate)} a second")
        if total is not None and reached.done < total:
            parts.append(f"{duration((total - reached.done) / rate)} left")
    if reached.calls:
        parts.append(f"{reached.calls:,} {'call' if reached.calls == 1 else 'calls'}, {reached.tokens:,} tokens")
    if reached.usd > 0:
        parts.append(f"{reached.usd:,.2f} USD" if reached.usd >= 0.01 else "less than 0.01 USD")
    return ", ".join(parts)


def duration(seconds: float) -> str:
    """A length of time in two units at most: `20 s`, `3 min`, `2 h 5 min`, `4 d 3 h`."""
    whole = max(1, round(seconds))
    if whole < 120:
        return f"{whole} s"
    minutes = round(whole / 60)
    if minutes < 120:
        return f"{minutes} min"
    if minutes < 48 * 60:
        return f"{minutes // 60} h {minutes % 60} min"
    hours = minutes // 60
    return f"{hours // 24:,} d {hours % 24} h" if hours < 1000 * 24 else "more than 1,000 d"


def _number(rate: float) -> str:
    if rate < 0.01:
        return "less than 0.01"
    return f"{rate:,.0f}" if rate >= 10 else f"{rate:.1f}" if rate >= 0.1 else f"{rate:.2f}"
