"""What detectors find in the answers to one case; whatever a detector does wrong ends the run, and never counts as clean."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import nullcontext
from typing import Any

from evalgate.core.errors import EvalgateError, Incomplete
from evalgate.core.values import Case, Finding, Output, Severity, Status
from evalgate.runner.watch import Overdue, Watch
from evalgate.safety.interface import Detector

REDACTED = "redacted-secret"
"""The rule of the finding that stands for what was taken out of an answer before it was recorded."""


def case_findings(detector: Detector, outputs: tuple[Output, ...], case: Case, watch: Watch | None = None) -> tuple[Finding, ...]:
    """Findings of one detector in the answers of one variant to one case; a lost answer has none.

    Raises: BadInput or Incomplete naming the detector and the case: it failed, took too long, or gave something that is no
        finding of its category inside the text.
    """
    return tuple(one for ones in answer_findings(detector, outputs, case, watch) for one in ones)


def answer_findings(
    detector: Detector, outputs: tuple[Output, ...], case: Case, watch: Watch | None = None
) -> tuple[tuple[Finding, ...], ...]:
    """Like `case_findings`, answer by answer."""
    return tuple(_of_answer(detector, output, case, watch) for output in outputs)


def _of_answer(detector: Detector, output: Output, case: Case, watch: Watch | None) -> tuple[Finding, ...]:
    if output.status is Status.ERROR:
        return ()
    found = _looked(detector, output, case, watch)
    if not output.redacted:
        return found
    # What was taken out of an answer cannot be looked at any more, and it was or looked like a secret.
    return (*found, Finding(detector.spec.category, REDACTED, Severity.CRITICAL, 0, 0))


def worst_rank(findings: Sequence[Finding], *, undecided: bool = False) -> int:
    """Severity (1 to 4) of the worst certain finding, or of the worst undecided one; 0 for none."""
    return max((finding.severity.rank for finding in findings if finding.undecided == undecided), default=0)


def _looked(detector: Detector, output: Output, case: Case, watch: Watch | None) -> tuple[Finding, ...]:
    name, where = detector.spec.name, f"case {case.id}"
    hint = "report it to the detector's author"
    try:
        with watch.over() if watch is not None else nullcontext():
            found = tuple(detector.findings(output, case))
    except EvalgateError:
        raise
    except Overdue as error:
        seconds = watch.seconds if watch is not None else 0.0
        said = f"detector {name} took more than {seconds:g} s over one output of {len(output.text):,} characters"
        raise Incomplete(said, where=where, hint=hint) from error
    except (Exception, SystemExit) as error:
        raise Incomplete(f"detector {name} failed: {type(error).__name__}: {str(error)[:300]}", where=where, hint=hint) from error
    for finding in found:
        if not _is_finding(finding, detector.spec.category, len(output.text)):
            said = f"detector {name} gave a finding outside its text or category, or something that is no finding"
            raise Incomplete(said, where=where, hint=hint)
    return found


def _is_finding(finding: Any, category: str, length: int) -> bool:
    """Whether this is what the interface promises; the detector may be anybody's."""
    if not isinstance(finding, Finding) or finding.category != category:
        return False
    parts: tuple[Any, ...] = (finding.rule, finding.severity, finding.start, finding.end, finding.undecided)
    kinds = (str, Severity, int, int, bool)
    typed = all(isinstance(part, kind) for part, kind in zip(parts, kinds, strict=True))
    return typed and 0 <= finding.start <= finding.end <= length
