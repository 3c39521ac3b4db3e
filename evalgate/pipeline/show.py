"""What a finished run, or the lack of one, looks like on a stream."""

from __future__ import annotations

import shutil
from collections.abc import Sequence
from dataclasses import asdict
from typing import TextIO

from evalgate.core.canonical import pretty_json
from evalgate.core.errors import Problem
from evalgate.evidence.verdict_document import error_document
from evalgate.pipeline.evaluate import Finished


def print_summary(finished: Finished, stream: TextIO) -> None:
    """Print the human summary; colour only on a terminal."""
    from rich.console import Console

    from evalgate.report.terminal import print_summary as print_record

    terminal = stream.isatty()
    width = None if terminal else shutil.get_terminal_size((120, 40)).columns
    print_record(finished.record, Console(file=stream, width=width, highlight=False, soft_wrap=False, emoji=False, markup=False))


def error_text(code: int, problems: Sequence[Problem]) -> str:
    """The JSON document of a run without verdict."""
    return pretty_json(error_document(code, [asdict(problem) for problem in problems]))
