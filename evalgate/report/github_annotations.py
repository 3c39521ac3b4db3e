"""The verdict as annotations of a pull request on GitHub: workflow commands for the log of a job.

Source: https://docs.github.com/en/actions/reference/workflows-and-actions/workflow-commands; `ActionCommand.cs` of
actions/runner reads them. It shows ten of a kind for each step, and cuts a message after 4,096 characters.
"""

from __future__ import annotations

from evalgate.core.record import RunRecord
from evalgate.core.verdict import Decision
from evalgate.core.visible import shown
from evalgate.report import figures, phrases
from evalgate.report.checks import Check, prompt_place, worst_first
from evalgate.report.escape import github_data, github_property, shortened

SHOWN = 10
"""Annotations in all, the verdict's among them."""
TEXT_LIMIT = 3_000
TITLE_LIMIT = 200
_KINDS = {Decision.PASS: "notice", Decision.FAIL: "error", Decision.INCONCLUSIVE: "warning"}


def render_annotations(record: RunRecord) -> str:
    """The verdict, then the thresholds that did not pass, worst first, all at the place where the candidate's prompt changed.

    An error means FAIL, a warning that something is undecided or only warns, a notice PASS.
    """
    bad, verdict = worst_first(record), record.verdict
    kept = bad if len(bad) < SHOWN else bad[: SHOWN - 2]
    title = f"evalgate {record.identity.gate}: {phrases.word(verdict.decision)}"
    lines = [_command(record, _KINDS[verdict.decision], title, verdict.reason)]
    lines += [
        _command(record, _kind(check), f"{phrases.outcome(check.result)} {check.name}", check.result.reason) for check in kept
    ]
    if len(kept) < len(bad):
        rest = bad[len(kept) :]
        more = f"{figures.counted(len(rest), 'more threshold')} did not pass; every one is in the report."
        lines.append(_command(record, _kind(rest[0]), "evalgate: more", more))
    return "\n".join(lines) + "\n"


def _kind(check: Check) -> str:
    return "warning" if check.warns else _KINDS[check.result.decision]


def _command(record: RunRecord, kind: str, title: str, message: str) -> str:
    file, line = prompt_place(record)
    place = f"file={_property(file)},line={line},endLine={line}"
    said = github_data(_visible(shortened(message, TEXT_LIMIT))) or "-"
    return f"::{kind} {place},title={_property(shortened(title, TITLE_LIMIT))}::{said}"


def _property(text: str) -> str:
    return github_property(_visible(text))


def _visible(text: str) -> str:
    return shown(text.replace("\r", "\\r"))
