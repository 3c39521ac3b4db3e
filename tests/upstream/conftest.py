"""Every test here has a wall limit, short pauses and no key from outside."""

from __future__ import annotations

import importlib.util
import signal
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

WALL_S = 30.0

for _name in ("stub", "asking"):
    # Test folders are no packages: what tests share is loaded by its path.
    _spec = importlib.util.spec_from_file_location(f"upstream_{_name}", Path(__file__).with_name(f"{_name}.py"))
    assert _spec is not None and _spec.loader is not None
    sys.modules[_spec.name] = _module = importlib.util.module_from_spec(_spec)
    _spec.loader.exec_module(_module)


class Hung(BaseException):
    """No error of the code under test may swallow it."""


@pytest.fixture(autouse=True)
def wall() -> Iterator[None]:
    """Nothing may hang: after the limit the test fails where it stands."""

    def too_long(*_: object) -> None:
        raise Hung(f"longer than {WALL_S:g} s")

    before = signal.signal(signal.SIGALRM, too_long)
    signal.setitimer(signal.ITIMER_REAL, WALL_S, 1.0)
    try:
        yield
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)
        signal.signal(signal.SIGALRM, before)


@pytest.fixture(autouse=True)
def quick(monkeypatch: pytest.MonkeyPatch) -> None:
    """Pauses of tens of milliseconds, a clean environment."""
    upstream = "evalgate.proxy.upstream"
    for module in ("caller", "limiter"):
        monkeypatch.setattr(f"{upstream}.{module}.BACKOFF_S", 0.01)
        monkeypatch.setattr(f"{upstream}.{module}.BACKOFF_CAP_S", 0.05)
    monkeypatch.setattr(f"{upstream}.limiter.RETRY_AFTER_CAP_S", 0.3)
    monkeypatch.setattr(f"{upstream}.limiter.GUESSED_LATENCY_S", 0.01)
    monkeypatch.setattr(f"{upstream}.breaker.PAUSES_S", (0.02, 0.03, 0.04))
    for name in ("HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY", "NO_PROXY", "OPENAI_BASE_URL", "OPENAI_API_KEY"):
        monkeypatch.delenv(name, raising=False)
        monkeypatch.delenv(name.lower(), raising=False)


@pytest.fixture(autouse=True)
def no_secrets_yet(monkeypatch: pytest.MonkeyPatch) -> None:
    """What one test made known as a secret is forgotten after it."""
    monkeypatch.setattr("evalgate.core.credentials._known", set())
