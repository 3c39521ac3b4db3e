"""Say why a recording does not answer, and what would make it."""

from __future__ import annotations

from evalgate.core.errors import Incomplete, Problem
from evalgate.proxy.nearest import explain_all
from evalgate.proxy.recording import Recording
from evalgate.runner.receipt import Unanswered


def explained(error: Unanswered, recording: Recording, command: str) -> Incomplete:
    """The count, the command that records what is missing, and for each of the first cases what differs."""
    count = f"{error.count} requests are" if error.count > 1 else "1 request is"
    hint = f"record what is missing: {command} --mode record (calls the model); or restore the prompt, model and data"
    problems = [Problem(f"{count} not answered by the recording", recording.name, hint)]
    reasons = explain_all(error.missed, recording.requests())
    for miss, reason in zip(error.missed, reasons, strict=True):
        repeat = f", repeat {miss.sample}" if miss.sample else ""
        problems.append(Problem(f"the {miss.arm}'s request is {miss.reason}{repeat}: {reason}", f"case {miss.case_id}"))
    if error.count > len(error.missed):
        problems.append(Problem(f"{error.count - len(error.missed)} more requests are not answered"))
    return Incomplete(problems)
