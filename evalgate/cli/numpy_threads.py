"""One thread for numpy's matrix products.

Its linear algebra library starts a thread for every core and lets them spin between products. The products of a gate are
small: two threads took a third more CPU time than one and were not faster.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager

_NAMES = ("OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS", "VECLIB_MAXIMUM_THREADS")
_CHOSEN = (*_NAMES, "OMP_NUM_THREADS")


@contextmanager
def one_thread() -> Iterator[None]:
    """Where numpy is loaded first inside, it multiplies in the calling thread alone, unless the user chose otherwise.

    Side effects: environment variables, which the library reads when it is loaded; they are gone again afterwards.
    """
    if any(name in os.environ for name in _CHOSEN):
        yield
        return
    os.environ.update(dict.fromkeys(_NAMES, "1"))
    try:
        yield
    finally:
        for name in _NAMES:
            os.environ.pop(name, None)
