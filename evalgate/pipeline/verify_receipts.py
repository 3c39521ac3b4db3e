"""What the receipts of a run say of their job and their cases, held against its documents, its rows and a second run."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import replace
from pathlib import Path

from evalgate.core.errors import EvalgateError
from evalgate.core.record import RunRecord
from evalgate.evidence.verification import Difference
from evalgate.pipeline.kept_cases import repeats_of
from evalgate.pipeline.rederived import Stated
from evalgate.pipeline.sealing import SEAL
from evalgate.pipeline.verify_folder import RunFolder
from evalgate.runner.case_lines import CaseLine, digest_of_lines
from evalgate.runner.job import Job
from evalgate.runner.receipt import read_receipt
from evalgate.runner.versions import UNKNOWN


def jobs_differ(run: RunFolder, names: Sequence[str]) -> Iterator[Difference]:
    """Receipts that are of another job than most: rows of two jobs make no run."""
    jobs: dict[str, str] = {}
    for name in names:
        try:
            jobs[name] = str(run.document(name)["job"])
        except (EvalgateError, KeyError, TypeError):
            yield Difference(name, "does not say for which job its shard was done")
    if jobs:
        usual = Counter(jobs.values()).most_common(1)[0][0]
        told = "is of another job than the other receipts: its shard was measured in another way, or it was edited"
        yield from (Difference(name, told) for name, job in jobs.items() if job != usual)


def job_told(said: Stated) -> Iterator[Difference]:
    """Receipts whose job is not the one that plan.json, manifest.json and run.json describe; nothing where `job_unknown`."""
    if job_unknown(said) is not None:
        return
    seal = said.record.environment.get(SEAL)
    if said.gate.is_gate is not isinstance(seal, str):
        told = "does not name" if said.gate.is_gate else "names, for a comparison,"
        yield Difference("run.json", f"{told} the seal of the recording ({SEAL})")
        return
    expected = _job(said, seal or "").digest()
    for receipt in said.receipts:
        if receipt.job != expected:
            told = "its job is not the one that plan.json, the versions in manifest.json and the seal in run.json give"
            yield Difference(_name(receipt.shard), told)


def job_unknown(said: Stated) -> str | None:
    """Why the documents of a run do not give the job of its receipts; None where they do."""
    if said.gate.plan.get("judges"):
        return "the job that the receipts name: plan.json does not say how the prompts of judges are filled in (replay)"
    if UNKNOWN in said.run.materials["engine"].values():
        return "the job that the receipts name: the files of a plugin could not be looked at when the run was made"
    return None


def _job(said: Stated, seal: str) -> Job:
    gate, engine = said.gate, said.run.materials["engine"]
    return Job(
        engine=f"{engine['evalgate']} {engine['code']}",
        metrics=tuple(instrument.task for instrument in gate.built.metrics),
        detectors=tuple(choice for choice, _ in gate.built.detectors),
        arms=gate.arms,
        samples=gate.settings.samples,
        slices=gate.settings.slices,
        recording=seal,
        findings=gate.findings,
        repeats=repeats_of(said),
        versions={name: version for name, version in engine.items() if name != "code"},
    )


def cases_told(said: Stated, shard: int, lines: Sequence[CaseLine], *, complete: bool) -> Iterator[Difference]:
    """Whether a receipt has the digest of the cases that stand in its shard.

    `complete`: whether the shards keep every column of the dataset; without that another digest says nothing.
    """
    if not complete:
        return
    # The lines of a gate hold no answers: those are looked up.
    given = [replace(line, outputs={}) for line in lines] if said.gate.is_gate else lines
    if digest_of_lines(given) != said.receipts[shard].cases:
        yield Difference(_name(shard), "its digest of the cases is not that of the cases in its shard")


def told_again(said: Stated, again: RunRecord, folder: Path, *, same_versions: bool) -> Iterator[Difference]:
    """Receipts that differ from those of a second run, which lies in `folder`.

    The job is compared where versions and the bytes of the recording are the same: the same answers may lie in other bytes.
    """
    engine, seals = said.run.materials["engine"], [one.environment.get(SEAL) for one in (said.record, again)]
    comparable = same_versions and seals[0] == seals[1] and UNKNOWN not in engine.values()
    for receipt in said.receipts[: len(again.manifest["results"]["shards"])]:
        other = read_receipt(folder, receipt.shard)
        if receipt.cases != other.cases:
            yield Difference(_name(receipt.shard), "its digest of the cases is not that of the second run")
        if comparable and receipt.job != other.job:
            yield Difference(_name(receipt.shard), "its job is not that of the second run")


def _name(shard: int) -> str:
    return f"shards/{shard:05d}.json"
