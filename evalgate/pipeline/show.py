"""What a finished run, or the lack of one, looks like on a stream."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict
from typing import TextIO

from evalgate.core.canonical import pretty_json
from evalgate.core.errors import Problem
from evalgate.evidence.verdict_document import error_document
from evalgate.pipeline.evaluate import Finished


def print_summary(finished: Finished, stream: TextIO) -> None:
    """Print the human summary; colour only on a terminal."""
    from evalgate.report.console import open_console
    from evalgate.report.terminal import print_summary as print_record

    print_record(finished.record, open_console(stream))


def error_text(code: int, problems: Sequence[Problem]) -> str:
    """The JSON document of a run without verdict."""
    return pretty_json(error_document(code, [asdict(problem) for problem in problems]))
