"""Standard output and standard error: always there, and never a reason for an exit code of somebody else's."""

from __future__ import annotations

import os
import sys


def have_streams() -> None:
    """Let a closed standard output (`>&-`) be one whose reader went away, and a closed standard error go nowhere.

    Python leaves such a stream out: printing would then end with an error of its own, and what is for stderr go to stdout.
    """
    if sys.stderr is None:
        sys.stderr = open(os.devnull, "w", encoding="utf-8")  # noqa: PTH123, SIM115
    if sys.stdout is None:
        read, write = os.pipe()
        os.close(read)
        sys.stdout = open(write, "w", encoding="utf-8")  # noqa: PTH123, SIM115


def silence_stdout() -> None:
    """Let what is printed from here on go nowhere."""
    sys.stdout = open(os.devnull, "w", encoding="utf-8")  # noqa: PTH123, SIM115
