"""An interrupt stays one, whatever a library does in the middle of stopping."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from evalgate.cli import main as door
from evalgate.runner import pool


@pytest.mark.parametrize(("kind", "code"), [(KeyboardInterrupt, 130), (door._Termination, 143)])
@pytest.mark.parametrize("deep", [False, True])
def test_an_error_while_an_interrupt_is_handled_is_the_interrupt(
    project: Callable[..., Any], monkeypatch: pytest.MonkeyPatch, kind: type[BaseException], code: int, deep: bool
) -> None:
    def stops(*_: object) -> None:
        try:
            try:
                raise kind
            finally:
                raise RuntimeError("cannot join thread before it is started")
        except RuntimeError as error:
            if deep:
                raise ValueError("closed twice") from error
            raise

    monkeypatch.setattr(pool.Pool, "outcomes", stops)
    made = project(cases=200, base=100, right=150)
    ran = made.run("--backend", "threading", "--jobs", "2", "--out", str(made.root / "out"))
    assert ran.code == code, ran.err
    assert "the same command continues" in ran.err
    assert not (made.root / "out" / "verdict.json").exists()


def test_an_error_without_one_stays_a_bug(project: Callable[..., Any], monkeypatch: pytest.MonkeyPatch) -> None:
    def fails(*_: object) -> None:
        try:
            raise KeyError("first")
        except KeyError:
            raise RuntimeError("second")  # noqa: B904

    monkeypatch.setattr(pool.Pool, "outcomes", fails)
    ran = project(cases=200, base=100, right=150).run("--backend", "threading", "--jobs", "2")
    assert (ran.code, "internal error: RuntimeError: second" in ran.err) == (70, True)
