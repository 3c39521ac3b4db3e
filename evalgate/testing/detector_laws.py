"""The laws of a detector: spans inside the text, deterministic, sorted, its own category, bounded time."""

from __future__ import annotations

import time
from collections.abc import Sequence

from evalgate.core.values import Case, Output
from evalgate.safety.interface import Detector

HOSTILE = ("a ", "\u0301", "<script>", "0", "\U0001f469\u200d", "(" * 7, "é\u200b")
SIZE = 1_000_000
SECONDS = 20.0
"""CPU seconds for a megabyte: generous, since only explosions are meant to be caught."""


def check_detector(detector: Detector, outputs: Sequence[Output], cases: Sequence[Case]) -> None:
    """Assert every law of a detector.

    Raises: AssertionError that names the broken law.
    """
    assert detector.spec.category, "a detector names its category"
    for output, case in zip(outputs, cases, strict=True):
        _check_findings(detector, output, case)
    for piece in HOSTILE:
        text = (piece * (SIZE // len(piece) + 1))[:SIZE]
        started = time.process_time()
        _check_findings(detector, Output(text), cases[0])
        assert time.process_time() - started < SECONDS, f"a megabyte of {piece!r} took too long"


def _check_findings(detector: Detector, output: Output, case: Case) -> None:
    found = detector.findings(output, case)
    assert isinstance(found, tuple), "findings come as a tuple"
    assert found == detector.findings(output, case), "the same text gave other findings"
    assert list(found) == sorted(found, key=lambda f: f.start), "findings are sorted by start"
    for finding in found:
        assert 0 <= finding.start <= finding.end <= len(output.text), "a span lies outside its text"
        assert finding.category == detector.spec.category, "a finding has another category than its detector"
