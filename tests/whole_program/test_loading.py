"""Loading changes nothing that lasts: neither the environment nor whether garbage is collected."""

from __future__ import annotations

import gc
import os

import pytest

from evalgate.cli.loading import loading

NAMES = ("OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS", "VECLIB_MAXIMUM_THREADS", "OMP_NUM_THREADS")


@pytest.fixture(autouse=True)
def nothing_chosen(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in NAMES:
        monkeypatch.delenv(name, raising=False)


def test_the_variables_are_set_while_numpy_is_loaded_and_gone_afterwards() -> None:
    before = dict(os.environ)
    with loading():
        assert os.environ["OPENBLAS_NUM_THREADS"] == "1"
    assert dict(os.environ) == before


def test_they_are_gone_after_an_error_too() -> None:
    before = dict(os.environ)
    with pytest.raises(ImportError), loading():
        raise ImportError("numpy")
    assert dict(os.environ) == before


@pytest.mark.parametrize("name", NAMES)
def test_a_choice_of_the_user_is_left_alone(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(name, "3")
    before = dict(os.environ)
    with loading():
        assert dict(os.environ) == before
    assert dict(os.environ) == before


@pytest.mark.parametrize("collecting", [True, False])
def test_garbage_is_collected_afterwards_as_before(collecting: bool) -> None:
    before = gc.isenabled()
    try:
        (gc.enable if collecting else gc.disable)()
        with pytest.raises(ImportError), loading():
            assert not gc.isenabled()
            raise ImportError("numpy")
        assert gc.isenabled() is collecting
    finally:
        gc.unfreeze()
        (gc.enable if before else gc.disable)()
