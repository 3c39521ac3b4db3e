"""Read the recorded answers of a gate for `evalgate plan`: rows of every metric, answer by answer, and what they used.

No model is called. A case counts for a variant when every one of its answers is recorded and none is an error.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from itertools import islice

import numpy as np
from numpy.typing import NDArray

from evalgate.core.values import ARMS, Arm, Case, Output
from evalgate.core.waivers import FoundFinding, counting
from evalgate.pipeline.asks import asks_of
from evalgate.pipeline.instruments import Instruments
from evalgate.pipeline.planning_usage import JudgeCalls, Usage, looked_up
from evalgate.pipeline.subject import Resolved
from evalgate.proxy.recording import Recording
from evalgate.proxy.replay import Ask
from evalgate.runner.finding_marks import Marker, marker_of
from evalgate.runner.findings import answer_findings, worst_rank
from evalgate.runner.measure import MetricTool, metric_rows
from evalgate.safety.catalog import make_detector
from evalgate.stats.draws import case_keys
from evalgate.stats.interface import Floats, Keys

CHUNK = 256
"""Cases whose answers are held as texts at a time."""

Answered = dict[str, tuple[Output, ...] | None]
"""Arm → its answers to one case; None where one of them is missing or an error."""


@dataclass(frozen=True, slots=True)
class RecordedAnswers:
    """Everything that recorded answers say, for the cases that the baseline answered.

    Shapes: N cases in the dataset; n of them answered by the baseline; S answers a case; D columns; C detectors.
    """

    place: NDArray[np.int64]
    """(n,) number of each case in the dataset."""
    rows: Mapping[Arm, Floats]
    """(n, S, D); the candidate's are the baseline's own where it has not answered."""
    violations: Mapping[Arm, NDArray[np.int64]]
    """(n, S, C) severity (1 to 4) of the worst finding; what could not be decided counts as found."""
    texts: Mapping[Arm, NDArray[np.uint64]]
    """(n, S) digests of the answers."""
    paired: NDArray[np.bool_]
    """(n,) whether the candidate answered too."""
    keys: Keys
    """(N,) digests of the ids of all cases."""
    groups: NDArray[np.int64] | None
    """(N,) cluster numbers."""
    slices: Mapping[str, NDArray[np.str_]]
    """Slice column → (N,) values."""
    usage: Mapping[Arm, Usage]
    candidates: int
    """Cases that the candidate answered, the baseline's answer aside."""
    judges: Mapping[str, Usage] = field(default_factory=dict)
    """Safety category → what its judge used, or would use."""


@dataclass(slots=True)
class _Collected:
    """What is gathered chunk by chunk."""

    ids: list[str] = field(default_factory=list)
    labels: list[str | None] = field(default_factory=list)
    slices: dict[str, list[str]] = field(default_factory=dict)
    place: list[int] = field(default_factory=list)
    paired: list[bool] = field(default_factory=list)
    candidates: int = 0
    rows: dict[Arm, list[Floats]] = field(default_factory=lambda: {arm: [] for arm in ARMS})
    violations: dict[Arm, list[NDArray[np.int64]]] = field(default_factory=lambda: {arm: [] for arm in ARMS})
    texts: dict[Arm, list[NDArray[np.uint64]]] = field(default_factory=lambda: {arm: [] for arm in ARMS})


def recorded_answers(resolved: Resolved, cases: Iterable[Case], recording: Recording | None) -> RecordedAnswers:
    """Look up and measure every recorded answer of both variants.

    What a waiver in force covers does not count.

    Raises: BadInput for a case that a prompt cannot be made of; Incomplete where a metric cannot be measured.
    """
    arms, samples = resolved.arms(), resolved.settings.samples
    usage = {arm: Usage() for arm in ARMS}
    seen: set[str] = set()
    judges = JudgeCalls(resolved.judges, recording, samples)
    marker = marker_of(resolved.findings().task)
    found = _Collected(slices={column: [] for column in resolved.settings.slices})
    stream = iter(cases)
    while chunk := list(islice(stream, CHUNK)):
        asks = asks_of(chunk, arms, resolved.prompts, samples)
        answers = _looked_up(asks, recording, usage, seen)
        for case in chunk:
            answers[case.id] = {arm: judges.judged(case, arm, outputs) for arm, outputs in answers[case.id].items()}
        first = len(found.ids)
        for number, case in enumerate(chunk):
            found.ids.append(case.id)
            found.labels.append(case.group)
            for column, values in found.slices.items():
                values.append(case.slices[column])
            there = answers[case.id]
            found.candidates += there[Arm.CANDIDATE] is not None
            if there[Arm.BASELINE] is not None:
                found.place.append(first + number)
                found.paired.append(there[Arm.CANDIDATE] is not None)
        answered = [case for case in chunk if answers[case.id][Arm.BASELINE] is not None]
        _measure(resolved.built, answered, answers, found, marker)
    return replace(_finished(found, usage, samples, resolved.built), judges=judges.usage)


def _looked_up(
    asks: Iterator[Ask], recording: Recording | None, usage: Mapping[Arm, Usage], seen: set[str]
) -> dict[str, Answered]:
    got: dict[str, dict[str, list[Output | None]]] = {}
    for ask in asks:
        output = looked_up(ask, recording, usage[Arm(ask.arm)], seen)
        got.setdefault(ask.case_id, {str(arm): [] for arm in ARMS})[ask.arm].append(output)
    return {
        case_id: {arm: None if None in outs else tuple(o for o in outs if o is not None) for arm, outs in sides.items()}
        for case_id, sides in got.items()
    }


def _measure(
    built: Instruments, cases: Sequence[Case], answers: Mapping[str, Answered], found: _Collected, marker: Marker
) -> None:
    if not cases:
        return
    outputs = {arm: [_side(answers[case.id], arm) for case in cases] for arm in ARMS}
    samples = len(outputs[Arm.BASELINE][0])
    # every answer as a case of its own, so that the spread between repeats can be seen
    flat: dict[str, tuple[tuple[Output, ...], ...]]
    flat = {str(arm): tuple((output,) for outs in outputs[arm] for output in outs) for arm in ARMS}
    repeated = [case for case in cases for _ in range(samples)]
    tables = [metric_rows(MetricTool(i.metric, i.spec, i.task.reference), flat, repeated) for i in built.metrics]
    detectors = [make_detector(choice) for choice, _ in built.detectors]
    for arm in ARMS:
        rows = np.hstack([table[arm] for table in tables]) if tables else np.zeros((len(repeated), 0))
        found.rows[arm].append(rows.reshape(len(cases), samples, -1))
        pairs = zip(flat[arm], repeated, strict=True)
        ranks = [[_worst(marker.marked(answer_findings(d, o, case), o, case.id)) for d in detectors] for o, case in pairs]
        found.violations[arm].append(np.array(ranks, dtype=np.int64).reshape(len(cases), samples, len(detectors)))
        digests = [[_digest(output.text) for output in outs] for outs in outputs[arm]]
        found.texts[arm].append(np.array(digests, dtype=np.uint64).reshape(len(cases), samples))


def _worst(marked: Sequence[FoundFinding]) -> int:
    findings = counting(marked)
    return max(worst_rank(findings), worst_rank(findings, undecided=True))


def _side(there: Answered, arm: str) -> tuple[Output, ...]:
    side = there[arm] or there[Arm.BASELINE]
    assert side is not None
    return side


def _digest(text: str) -> int:
    return int.from_bytes(hashlib.blake2b(text.encode("utf-8", "surrogatepass"), digest_size=8).digest(), "little")


def _finished(found: _Collected, usage: dict[Arm, Usage], samples: int, built: Instruments) -> RecordedAnswers:
    width, detectors = sum(i.spec.columns for i in built.metrics), len(built.detectors)
    numbers: dict[str, int] = {}
    grouped = any(label is not None for label in found.labels)
    labels = [label if label is not None else f"\0{at}" for at, label in enumerate(found.labels)]
    groups = np.array([numbers.setdefault(label, len(numbers)) for label in labels], dtype=np.int64) if grouped else None
    none = {"rows": (0, samples, width), "violations": (0, samples, detectors), "texts": (0, samples)}
    return RecordedAnswers(
        place=np.array(found.place, dtype=np.int64),
        rows={arm: np.concatenate([np.zeros(none["rows"]), *found.rows[arm]]) for arm in ARMS},
        violations={arm: np.concatenate([np.zeros(none["violations"], np.int64), *found.violations[arm]]) for arm in ARMS},
        texts={arm: np.concatenate([np.zeros(none["texts"], np.uint64), *found.texts[arm]]) for arm in ARMS},
        paired=np.array(found.paired, dtype=bool),
        keys=case_keys(found.ids),
        groups=groups,
        slices={column: np.array(values, dtype=np.str_) for column, values in found.slices.items()},
        usage=usage,
        candidates=found.candidates,
    )
