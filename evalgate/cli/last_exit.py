"""Only a handler ends the program: an extension that leaves by os._exit() must not choose the exit code, 0 least of all."""

from __future__ import annotations

import os
from collections.abc import Callable
from typing import NoReturn

from evalgate.core.errors import ExitCode

_SAID = b"""evalgate: an extension ended the program with os._exit(): there is no verdict
    try: report it to the extension's author
"""


def keep_exit_code() -> Callable[[int], NoReturn]:
    """Make os._exit() end this process with exit 3, whatever it is asked for; processes made from it are left alone.

    Returns os._exit() as it was.
    """
    owner, leave = os.getpid(), os._exit

    def refused(status: int) -> NoReturn:
        if os.getpid() == owner:
            os.write(2, _SAID)
            leave(int(ExitCode.INCOMPLETE))
        leave(status)

    setattr(os, "_exit", refused)  # noqa: B010 - the type of a function of the standard library cannot be assigned to
    return leave
