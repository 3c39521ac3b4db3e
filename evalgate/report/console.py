"""The console that tables are printed on."""

from __future__ import annotations

import shutil
from typing import TYPE_CHECKING, Any, TextIO, cast

from evalgate.core.visible import without_commands

if TYPE_CHECKING:
    from rich.console import Console


def open_console(stream: TextIO, fewest_columns: int = 0) -> Console:
    """A console on a stream: colour only on a terminal, no width below `fewest_columns` in files and logs.

    Printing raises BrokenPipeError when the reader has gone away; the library would end the program with exit code 1, which
    means FAIL here.
    """
    from rich.console import Console

    class Piped(Console):
        def on_broken_pipe(self) -> None:
            raise BrokenPipeError

    class Guarded:
        """A stream on which no CI runner finds a command, however a text was wrapped into lines."""

        def write(self, text: str) -> int:
            stream.write(without_commands(text))
            return len(text)

        def __getattr__(self, name: str) -> Any:
            return getattr(stream, name)

    width = None if stream.isatty() else max(fewest_columns, shutil.get_terminal_size((120, 40)).columns)
    return Piped(file=cast(TextIO, Guarded()), width=width, highlight=False, soft_wrap=False, emoji=False, markup=False)
