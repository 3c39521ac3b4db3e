"""Numbers that look random and are not: drawn from a request's key by SHA-256, the same on every machine."""

from __future__ import annotations

import hashlib
import math
from statistics import NormalDist

_P95 = NormalDist().inv_cdf(0.95)
_SHORTEST_MS, _LONGEST_MS = 0.001, 3_600_000.0
_STEEPEST = 50.0
"""e to this is far beyond the longest latency."""


def fraction(key: str, purpose: str) -> float:
    """A number between 0 and 1, neither of them included; each purpose has its own."""
    bits = int.from_bytes(hashlib.sha256(f"{purpose}\n{key}".encode()).digest()[:8], "big") >> 12
    return (bits + 0.5) / 2**52


def below(key: str, purpose: str, count: int) -> int:
    """A whole number from 0 to `count` - 1."""
    return min(count - 1, int(fraction(key, purpose) * count))


def latency_ms(key: str, median: float, p95: float) -> float:
    """Milliseconds of a log-normal distribution with that median and 95th percentile."""
    spread = math.log(p95 / median) / _P95 if p95 > median else 0.0
    exponent = min(_STEEPEST, spread * NormalDist().inv_cdf(fraction(key, "latency")))
    return round(min(_LONGEST_MS, max(_SHORTEST_MS, median * math.exp(exponent))), 3)
