"""Every test here has a wall limit, short pauses and no key from outside."""

from __future__ import annotations

import pytest


@pytest.fixture(autouse=True)
def walled(wall: None) -> None:
    """Every test has a wall limit."""


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
