"""summary.md for the page of a CI job, comment.md for a pull request: ten lines, and everything else folded below them.

Limits: GitHub drops a job summary of more than 1 MiB as a whole (`CreateStepSummaryCommand` of actions/runner), and takes
65,536 characters in a comment.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator

from evalgate.core.record import RunRecord
from evalgate.report import figures, phrases
from evalgate.report.checks import checks, worst_first
from evalgate.report.escape import anchor, code, markdown, shortened
from evalgate.report.page_attempts import attempt_line, attempts_summary, loosened_line
from evalgate.report.page_flaky import flaky_summary
from evalgate.report.summary_sections import (
    MARKS,
    REASON_LIMIT,
    evidence,
    metrics,
    safety,
    slices,
    thresholds,
    waivers,
    worst_cases,
)

COMMENT_LIMIT = 60_000
"""Characters."""
SUMMARY_LIMIT = 900 << 10
"""Bytes in UTF-8."""
HEAD_THRESHOLDS = 4
"""Thresholds that the lines above the fold name."""
LEFT_OUT = "*The rest is left out for length: see report.html.*"
_PLAIN_NAME = re.compile(r"[A-Za-z0-9._-]{1,64}")


def render_markdown(record: RunRecord) -> str:
    """The run for `$GITHUB_STEP_SUMMARY`; whole sections are left out, least important first, where it would grow too long."""
    return _kept([_head(record)], _sections(record), lambda text: len(text.encode("utf-8")), SUMMARY_LIMIT)


def render_comment(record: RunRecord) -> str:
    """The run as a comment that is replaced by the next run's: its first line names the gate, and no text can forge that line."""
    return _kept([marker(record), _head(record)], _sections(record), len, COMMENT_LIMIT)


def marker(record: RunRecord) -> str:
    """The line by which the comment of a gate is found again."""
    gate = record.identity.gate
    return f"<!-- evalgate {gate if _PLAIN_NAME.fullmatch(gate) else anchor('gate', gate)} -->"


def _sections(record: RunRecord) -> Iterator[str]:
    for section in (thresholds, worst_cases, metrics, safety, waivers, slices, flaky_summary, attempts_summary, evidence):
        if text := section(record):
            yield _folded(text)


def _kept(lines: list[str], sections: Iterator[str], size: Callable[[str], int], limit: int) -> str:
    room = limit - size("\n\n".join([*lines, LEFT_OUT])) - 4
    for section in sections:
        room -= size(section) + 2
        if room < 0:
            lines.append(LEFT_OUT)
            break
        lines.append(section)
    return "\n\n".join(lines) + "\n"


def _folded(section: str) -> str:
    """A section under its heading, opened on demand; the heading is made of fixed words and numbers."""
    heading, _, body = section.partition("\n")
    return f"<details><summary>{heading.removeprefix('### ')}</summary>\n\n{body.strip()}\n\n</details>"


def _head(record: RunRecord) -> str:
    verdict, identity = record.verdict, record.identity
    gate = markdown(shortened(identity.gate, 200))
    title = f"## {MARKS[verdict.decision]} {phrases.word(verdict.decision)}: {gate}"
    about = f"{figures.counted(verdict.cases.total, 'case')} of {identity.dataset_name}@{identity.dataset_version}"
    told = [shortened(one, REASON_LIMIT) for one in (about, phrases.mode(record), attempt_line(record)) if one]
    lines = [title, "", markdown(shortened(verdict.reason, 2_000)), "", " · ".join(map(markdown, told))]
    lines += ["", *_named(record)]
    if loosened := loosened_line(record):
        lines += ["", f"**Loosened**: {markdown(shortened(loosened, 2_000))}."]
    named = f"Run {code(identity.run_id)}, evidence {code(identity.manifest_digest)}"
    return "\n".join([*lines, "", named])


def _named(record: RunRecord) -> list[str]:
    """How many thresholds passed, and the first that did not."""
    every, bad = checks(record), worst_first(record)
    lines = [f"{len(every) - len(bad):,} of {figures.counted(len(every), 'threshold')} passed."]
    for check in bad[:HEAD_THRESHOLDS]:
        said = f"{phrases.target(check.result)} {phrases.asks(check.result.threshold)}"
        observed = f"observed {phrases.observed(record, check.result)}"
        mark = "⚠️" if check.warns else MARKS[check.result.decision]
        lines.append(f"- {mark} {phrases.outcome(check.result)}: {markdown(shortened(said, 200))}, {markdown(observed)}")
    more = len(bad) - HEAD_THRESHOLDS
    return [*lines, f"- and {more:,} more"] if more > 0 else lines
