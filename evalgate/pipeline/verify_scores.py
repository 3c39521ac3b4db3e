"""Level `scores`: rows and findings of every case, measured again on the texts that the shards keep."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import numpy as np

from evalgate import __version__
from evalgate.core.canonical import json_line
from evalgate.core.errors import BadInput, Incomplete
from evalgate.core.timings import Timings
from evalgate.core.values import ARMS
from evalgate.evidence.verification import Assurance, Checked, Difference
from evalgate.pipeline.kept_cases import CaseKeeper, repeats_of
from evalgate.pipeline.rederived import Stated, stated
from evalgate.pipeline.verify_decision import other_versions, settled
from evalgate.pipeline.verify_folder import RunFolder
from evalgate.pipeline.verify_receipts import cases_told
from evalgate.runner.finding_marks import key_check
from evalgate.runner.job import Job
from evalgate.runner.kept_answers import reads_fields
from evalgate.runner.measure import MetricTool, end_cells, metric_tools
from evalgate.runner.repeats import with_shares
from evalgate.runner.shard import measured_shard
from evalgate.runner.shard_file import ShardNumbers, ShardRows

COMPARED = (
    "rows of every metric and findings of every detector, measured again on the texts in the shards, case by case",
    "the receipts: numbers of references, judgements that cannot be read, findings that a waiver covers, digests of the cases",
)
TRUSTED = (
    "that inputs, references and outputs in the shards are those of the dataset and of the recording (replay)",
    "digests of the cases in receipts, where the shards do not keep every column of the dataset (replay)",
    "how long answers took: latencies stand in the shards and are under no digest but those of the files",
)
SHOWN_CASES = 3


def check_scores(run: RunFolder) -> Checked:
    """Measure every case of a run again.

    Raises: Incomplete when the key of the findings' hashes or a plugin is not there; ValueError, TypeError or KeyError for
        shards that evalgate did not write.
    """
    said = stated(run)
    job = _job(said)
    tools = metric_tools(job.metrics, job.digest())
    try:
        found = list(_differences(said, job, tools))
    finally:
        end_cells(job.digest())
    return settled(Assurance.SCORES, (COMPARED, TRUSTED), found, other_versions(said))


def _job(said: Stated) -> Job:
    task, gate = said.gate.findings, said.gate
    if task.key_env is not None:
        try:
            same = key_check(task.key_env) == task.key_check
        except BadInput as error:
            raise Incomplete(error.problems) from error
        if not same:
            hint = "set the variable to the key that the run had"
            raise Incomplete("the key of the findings' hashes is not the one of the run", where=task.key_env, hint=hint)
    metrics = tuple(instrument.task for instrument in gate.built.metrics)
    detectors = tuple(choice for choice, _ in gate.built.detectors)
    return Job(__version__, metrics, detectors, {}, gate.settings.samples, gate.settings.slices, findings=task)


def _differences(said: Stated, job: Job, tools: Sequence[MetricTool]) -> Iterator[Difference]:
    repeats = repeats_of(said)
    for shard, lines, answers, details in CaseKeeper(said).shards():
        given = with_shares(answers, repeats) if repeats else answers
        rows, seen = measured_shard(job, lines, given, tools, Timings())
        if rows.digest() != said.run.results["shards"][shard]["content"]:
            yield from _named(said, shard, rows, details)
        yield from _receipt(said, shard, seen)
        yield from cases_told(said, shard, lines, complete=reads_fields(job))


def _named(said: Stated, shard: int, rows: ShardRows, details: Sequence[Mapping[str, Any]]) -> Iterator[Difference]:
    """Which cases and which metrics or detectors differ."""
    kept, file = said.store.numbers(shard), f"shards/{shard:05d}.parquet"
    found = [*_rows(said, rows.numbers, kept), *_findings(said, rows, details)]
    for what, wrong in found:
        cases = ", ".join(repr(rows.ids[row]) for row in wrong[:SHOWN_CASES])
        more = f" and {len(wrong) - SHOWN_CASES} more" if len(wrong) > SHOWN_CASES else ""
        yield Difference(f"{file}, case {cases}{more}", f"{what} is not what its texts give")
    if not found:
        yield Difference(file, "its content is not what its texts give")


def _rows(said: Stated, derived: ShardNumbers, kept: ShardNumbers) -> Iterator[tuple[str, list[int]]]:
    start = 0
    for instrument in said.gate.built.metrics:
        stop = start + instrument.spec.columns
        for arm in ARMS:
            same = np.equal(derived.rows[arm][:, start:stop], kept.rows[arm][:, start:stop])
            both = np.isnan(derived.rows[arm][:, start:stop]) & np.isnan(kept.rows[arm][:, start:stop])
            if wrong := np.flatnonzero(~(same | both).all(axis=1)).tolist():
                yield f"{instrument.spec.name} of the {arm}", wrong
        start = stop
    for place, category in enumerate(said.gate.built.categories):
        for arm in ARMS:
            tables = ((derived.violations, kept.violations), (derived.undecided, kept.undecided))
            differ = [one[arm][:, place] != other[arm][:, place] for one, other in tables]
            if wrong := np.flatnonzero(differ[0] | differ[1]).tolist():
                yield f"{category} of the {arm}", wrong


def _findings(said: Stated, rows: ShardRows, details: Sequence[Mapping[str, Any]]) -> Iterator[tuple[str, list[int]]]:
    for arm in ARMS:
        pairs = list(zip(rows.details, details, strict=True))
        for what in ("findings", "status", "error", "unmeasured"):
            wrong = [row for row, (one, other) in enumerate(pairs) if _line(one[arm].get(what)) != _line(other[arm].get(what))]
            if wrong:
                yield f"{what} of the {arm}", wrong


def _line(value: Any) -> str:
    return json_line(value)


def _receipt(said: Stated, shard: int, seen: Mapping[str, Any]) -> Iterator[Difference]:
    for name, derived in seen.items():
        kept = getattr(said.receipts[shard], name)
        if _line({key: list(one) if isinstance(one, tuple) else one for key, one in derived.items()}) != _line(
            {key: list(one) if isinstance(one, tuple) else one for key, one in kept.items()}
        ):
            yield Difference(f"shards/{shard:05d}.json", f"its {name} are not what the texts give")
