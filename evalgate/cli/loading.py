"""Loading what a command needs: once, and without work that only costs."""

from __future__ import annotations

import gc
import os
from collections.abc import Iterator
from contextlib import contextmanager

_THREADS = ("OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS", "VECLIB_MAXIMUM_THREADS")
_CHOSEN = (*_THREADS, "OMP_NUM_THREADS")


@contextmanager
def loading() -> Iterator[None]:
    """For the imports of a command.

    Modules are never freed, so looking for garbage among them, while they are loaded and later, would be in vain: 0.08 s of a
    small gate. And numpy's linear algebra, where it is loaded first inside, multiplies in the calling thread alone, unless
    the user chose otherwise: it would let a thread for every core spin between products, which are small here; two threads
    took a third more CPU time than one and were not faster.

    Side effects: environment variables, which the library reads when it is loaded; they are gone again afterwards.
    """
    collecting = gc.isenabled()
    gc.disable()
    try:
        with _one_thread():
            yield
    finally:
        if collecting:
            gc.freeze()
            gc.enable()


@contextmanager
def _one_thread() -> Iterator[None]:
    if any(name in os.environ for name in _CHOSEN):
        yield
        return
    os.environ.update(dict.fromkeys(_THREADS, "1"))
    try:
        yield
    finally:
        for name in _THREADS:
            os.environ.pop(name, None)
