"""numpy's linear algebra gets one thread, and nothing else notices."""

from __future__ import annotations

import os

import pytest

from evalgate.cli.numpy_threads import one_thread

NAMES = ("OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS", "VECLIB_MAXIMUM_THREADS", "OMP_NUM_THREADS")


@pytest.fixture(autouse=True)
def nothing_chosen(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in NAMES:
        monkeypatch.delenv(name, raising=False)


def test_the_variables_are_set_while_numpy_is_loaded_and_gone_afterwards() -> None:
    before = dict(os.environ)
    with one_thread():
        assert os.environ["OPENBLAS_NUM_THREADS"] == "1"
    assert dict(os.environ) == before


def test_they_are_gone_after_an_error_too() -> None:
    before = dict(os.environ)
    with pytest.raises(ImportError), one_thread():
        raise ImportError("numpy")
    assert dict(os.environ) == before


@pytest.mark.parametrize("name", NAMES)
def test_a_choice_of_the_user_is_left_alone(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(name, "3")
    before = dict(os.environ)
    with one_thread():
        assert dict(os.environ) == before
    assert dict(os.environ) == before
