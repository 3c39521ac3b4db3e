"""The laws of a detector: typed and sorted findings inside the text, the same each time, no network, bounded time."""

from __future__ import annotations

import copy
import io
import json
import subprocess
import sys
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, redirect_stdout
from dataclasses import replace
from typing import Any

from evalgate.core.settings import PluginChoice
from evalgate.core.values import Case, DetectorSpec, Finding, Output, Severity
from evalgate.runner.watch import Overdue, Watch
from evalgate.safety.catalog import make_detector
from evalgate.safety.interface import Detector
from evalgate.testing.law import law
from evalgate.testing.reach import outside_calls

HOSTILE = ("a ", "a", " ", "\n", "\u0301", "<script>", "0", "a.", "=\"'", "\U0001f469\u200d", "(" * 7, "é\u200b", "\u202e1-")
SIZE = 1_000_000
SECONDS = 20.0
"""CPU seconds for a megabyte: generous, since only explosions are meant to be caught."""
ODD = ("", " ", "\0", "\ud800", "\x1b[31m", "e\u0301\u200d", "\u202eabc\u202c", "\r\n\x85\u2028")
SEEDS = ("1", "2")
_CHILD = """
import json, sys
from evalgate.testing.detector_laws import again
asked = json.load(sys.stdin)
sys.path[:0] = [place for place in asked["path"] if place not in sys.path]
print(json.dumps(again(asked)))
"""


def check_detector(
    detector: Detector,
    outputs: Sequence[Output],
    cases: Sequence[Case],
    *,
    choice: PluginChoice | None = None,
    size: int = SIZE,
    seconds: float = SECONDS,
) -> None:
    """Assert every law of a detector on some outputs with their cases (at least one).

    `choice`: how a gate names it. It is then made again, here and in processes with other hash seeds, and has to find the
    same. Its cases and labels must be JSON then. `seconds` is the CPU time it may take for `size` characters of hostile text.

    Raises: AssertionError that names the broken law.
    """
    law(len(outputs) == len(cases) >= 1, "the laws need an output, and a case for each")
    _check_spec(detector)
    _check_apart(detector, outputs, cases)
    for text in ODD:
        _check_findings(detector, replace(outputs[0], text=text, value=None), cases[0])
    if choice is not None:
        _check_made_again(detector, outputs, cases, choice)
    for piece in HOSTILE:
        hostile = (piece * (size // len(piece) + 1))[:size]
        _check_time(detector, replace(outputs[0], text=hostile, value=None), cases[0], seconds)


def _check_spec(detector: Detector) -> None:
    law(isinstance(detector, Detector), "a detector has spec and findings")
    spec: Any = detector.spec
    law(isinstance(spec, DetectorSpec), "spec is a DetectorSpec")
    for name in ("name", "category", "version", "signature"):
        value = getattr(spec, name)
        law(isinstance(value, str) and value, f"a detector names its {name}")
    law(spec.category != "any", "a category called any means all of them")
    law(copy.deepcopy(spec) == spec == detector.spec, "spec is a value, the same each time")


def _check_apart(detector: Detector, outputs: Sequence[Output], cases: Sequence[Case]) -> None:
    """Findings depend on the output and its case alone: not on what was looked at before, nor on how often."""
    before = copy.deepcopy((outputs, cases))
    first = [_check_findings(detector, output, case) for output, case in zip(outputs, cases, strict=True)]
    again = [_looked(detector, output, case) for output, case in zip(reversed(outputs), reversed(cases), strict=True)]
    law(first == again[::-1], "the same text gave other findings")
    law((outputs, cases) == before, "findings() changed its arguments")


def _check_findings(detector: Detector, output: Output, case: Case) -> tuple[Finding, ...]:
    found = _looked(detector, output, case)
    finding: Any
    for finding in found:
        law(isinstance(finding, Finding), f"a finding is a Finding, not {type(finding).__name__}")
        law(isinstance(finding.rule, str), "a finding's rule is a text")
        law(finding.rule, "a finding names its rule")
        law(isinstance(finding.severity, Severity), "a finding's severity is a Severity")
        law(isinstance(finding.undecided, bool), "undecided is true or false")
        law(type(finding.start) is int and type(finding.end) is int, "the ends of a span are whole numbers")
        law(0 <= finding.start <= finding.end <= len(output.text), "a span lies outside its text")
        law(finding.category == detector.spec.category, "a finding has another category than its detector")
    law(list(found) == sorted(found, key=lambda f: f.start), "findings are sorted by start")
    return found


def _looked(detector: Detector, output: Output, case: Case) -> tuple[Finding, ...]:
    said = io.StringIO()
    with _quiet_network(), redirect_stdout(said):
        found: Any = detector.findings(output, case)
    law(not said.getvalue(), "a detector writes to standard output")
    if not isinstance(found, tuple):
        raise AssertionError("findings come as a tuple")
    return found


@contextmanager
def _quiet_network() -> Iterator[None]:
    with outside_calls() as calls:
        try:
            yield
        finally:
            # said first: what the detector made of the refusal is only a consequence
            law(not calls, f"a detector reaches outside its process: {''.join(calls[:1])}")


def _check_made_again(detector: Detector, outputs: Sequence[Output], cases: Sequence[Case], choice: PluginChoice) -> None:
    wanted = [[_plain(f) for f in detector.findings(o, c)] for o, c in zip(outputs, cases, strict=True)]
    fresh = make_detector(choice)
    law(fresh.spec == detector.spec, "made again it has another spec")
    found = [[_plain(f) for f in fresh.findings(o, c)] for o, c in zip(outputs, cases, strict=True)]
    law(found == wanted, "made again it has other findings")
    asked = {
        "name": choice.name,
        "parameters": dict(choice.parameters),
        "path": sys.path,
        "rows": [_row(output, case) for output, case in zip(outputs, cases, strict=True)],
    }
    for seed in SEEDS:
        command = ["env", f"PYTHONHASHSEED={seed}", sys.executable, "-c", _CHILD]
        done = subprocess.run(command, input=json.dumps(asked), capture_output=True, text=True, check=False)  # noqa: S603
        law(done.returncode == 0, f"in another process it fails: {done.stderr[-500:]}")
        told = json.loads(done.stdout)
        law(told["signature"] == detector.spec.signature, "in another process it has another signature")
        law(told["findings"] == wanted, "in another process it has other findings")


def again(asked: Any) -> dict[str, Any]:
    """In another process: the same detector over the same rows."""
    detector = make_detector(PluginChoice(asked["name"], asked["parameters"]))
    found = []
    for row in asked["rows"]:
        messages = tuple((role, content) for role, content in row["messages"])
        output = Output(row["text"], value=row["value"], messages=messages, labels=row["labels"])
        case = Case(row["id"], row["fields"], row["inputs"], tuple(row["references"]), row["slices"])
        found.append([_plain(finding) for finding in detector.findings(output, case)])
    return {"signature": detector.spec.signature, "findings": found}


def _row(output: Output, case: Case) -> dict[str, Any]:
    said = {"text": output.text, "value": output.value, "messages": output.messages, "labels": dict(output.labels)}
    shown = {"fields": dict(case.fields), "inputs": dict(case.inputs), "slices": dict(case.slices)}
    return {**said, **shown, "id": case.id, "references": list(case.references)}


def _plain(finding: Finding) -> list[Any]:
    return [finding.rule, str(finding.severity), finding.start, finding.end, finding.undecided]


def _check_time(detector: Detector, hostile: Output, case: Case, seconds: float) -> None:
    late = f"{len(hostile.text):,} characters of {hostile.text[:8]!r} … take longer than {seconds:g} s"
    started = time.process_time()
    # other work on the machine is no fault of the detector: the clock may run for longer than the processor
    with Watch(4 * seconds) as watch:
        try:
            with watch.over():
                _check_findings(detector, hostile, case)
        except Overdue:
            raise AssertionError(late) from None
    law(time.process_time() - started < seconds, late)
