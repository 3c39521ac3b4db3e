"""Two finished runs compared on the cases that are the same in both, openly: nothing is left out silently."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from evalgate.core.canonical import digest
from evalgate.core.errors import BadInput, Problem
from evalgate.core.values import ARMS, Arm, Case, Output, Status
from evalgate.core.verdict import VariantIdentity
from evalgate.golden.cases import ContentDigest
from evalgate.pipeline.run_rows import RunRow, RunRows, Shared, shared_places

MODE = "runs"
SHOWN_IDS = 5
_COUNTS = ("prompt_tokens", "completion_tokens")
_KINDS = ("changed", "not_in_the_other")


@dataclass(frozen=True, slots=True)
class SharedCases:
    """What two runs have in common: the answers of each run's candidate to the cases that are the same in both.

    It holds places and digests; the cases themselves wait on disk until `close`.
    """

    count: int
    """Cases in common."""
    dataset: Mapping[str, Any]
    """name, version and digest of what is compared on."""
    slice_values: Mapping[str, frozenset[str]]
    """Slice column → its values among the cases in common."""
    sides: Mapping[str, Mapping[str, Any]]
    """Variant → run, dataset version and digest, cases, how many of them are left out and why."""
    variants: Mapping[str, VariantIdentity]
    _runs: tuple[RunRows, RunRows]
    _shared: Shared

    def document(self) -> dict[str, Any]:
        """What the verdict records of it."""
        return {"cases": self.count, **{arm: dict(self.sides[arm]) for arm in ARMS}}

    def notice(self) -> str:
        """What the user should hear before the verdict."""
        parts = [f"{arm}: {self.sides[arm]['cases'] - self.count} of {self.sides[arm]['cases']}" for arm in ARMS]
        said = f"the runs are compared on {self.count} cases that are the same in both; left out: {'; '.join(parts)}"
        why = self.sides["candidate"]["left_out"]
        return f"{said} ({why['changed']} with other content in the other run)" if why["changed"] else said

    def lines(self) -> Iterator[tuple[Case, Mapping[str, tuple[Output, ...]]]]:
        """The cases with both answers, in the order of the second run, as they are measured."""
        for place, partner in zip(self._shared.second.tolist(), self._shared.first.tolist(), strict=True):
            row, other = self._runs[1].row(place), self._runs[0].row(partner)
            yield _case(row), {Arm.BASELINE: (_output(other),), Arm.CANDIDATE: (_output(row),)}

    def close(self) -> None:
        """Give the disk space back."""
        for run in self._runs:
            run.close()


def shared_cases(baseline: Path, candidate: Path, slices: tuple[str, ...]) -> SharedCases:
    """Join two finished runs by case id, on the cases whose inputs, references, group and slices are the same.

    Raises: BadInput when a folder holds no finished run, the runs share no case, or answered each case several times.
    """
    with ExitStack() as failed:
        runs = _opened(baseline, candidate, slices)
        for run in runs:
            failed.callback(run.close)
        found = _joined(runs, str(candidate), slices)
        failed.pop_all()
    return found


def _joined(runs: tuple[RunRows, RunRows], where: str, slices: tuple[str, ...]) -> SharedCases:
    shared = shared_places(*runs)
    count = len(shared.second)
    if not count:
        both = len(shared.changed[1])
        why = f"{both} ids stand in both, each with other inputs or references" if both else "no id stands in both"
        hint = "runs are compared on cases that are the same in both datasets"
        raise BadInput(f"the runs share no case: {why}", where=where, hint=hint)
    values: dict[str, set[str]] = {column: set() for column in slices}
    content = ContentDigest()
    for row in runs[1].rows(shared.second.tolist()):
        content.add({"id": row.id, **row.content})
        for column in slices:
            values[column].add(str(row.content["slices"][column]))
    return SharedCases(
        count=count,
        dataset=_dataset(runs, count, content.hexdigest()),
        slice_values={column: frozenset(found) for column, found in values.items()},
        sides={
            arm: _facts(run, shared.changed[side], shared.missing[side])
            for side, (arm, run) in enumerate(zip(ARMS, runs, strict=True))
        },
        variants={arm: _variant(run) for arm, run in zip(ARMS, runs, strict=True)},
        _runs=runs,
        _shared=shared,
    )


def _opened(baseline: Path, candidate: Path, slices: tuple[str, ...]) -> tuple[RunRows, RunRows]:
    """Both runs; what is wrong with either of them is said at once."""
    problems: list[Problem] = []
    runs: list[RunRows] = []
    for folder in (baseline, candidate):
        try:
            runs.append(RunRows(folder, slices))
        except BadInput as error:
            problems += error.problems
    if problems:
        for run in runs:
            run.close()
        raise BadInput(list(dict.fromkeys(problems)))
    return runs[0], runs[1]


def _case(row: RunRow) -> Case:
    inputs = dict(row.content["inputs"])
    return Case(
        id=row.id,
        fields=inputs,
        inputs=inputs,
        references=tuple(row.content["references"]),
        slices={column: str(value) for column, value in row.content["slices"].items()},
        group=row.content["group"],
        place=f"case {row.id}",
    )


def _output(row: RunRow) -> Output:
    found = row.answer
    if found["status"] != Status.OK:
        return Output(text="", status=Status.ERROR, error=found["error"] or f"no answer to case {row.id}")
    return Output(
        text=found["text"],
        value=found["value"],
        finish=found["finish"],
        latency_ms=found["latency_ms"],
        request_key=found["request_key"],
        # What was taken out before it was recorded is still evidence of a leak.
        redacted="[redacted" in found["text"],
        **{name: found[name] for name in _COUNTS},
    )


def _dataset(runs: tuple[RunRows, RunRows], count: int, content: str) -> dict[str, Any]:
    first, second = (run.run.verdict["dataset"] for run in runs)
    same = first["digest"] == second["digest"]
    if same and all(len(run) == count for run in runs):
        return {"name": second["name"], "version": second["version"], "digest": second["digest"]}
    name = second["name"] if first["name"] == second["name"] else f"{first['name']} and {second['name']}"
    version = second["version"] if first["version"] == second["version"] else f"{first['version']} and {second['version']}"
    return {"name": name, "version": f"{version}, shared cases", "digest": content}


def _facts(run: RunRows, *left_out: Any) -> dict[str, Any]:
    verdict = run.run.verdict
    ids = sorted(run.row(place).id for places in left_out for place in places.tolist())
    return {
        "run_id": verdict["run_id"],
        "gate": verdict.get("gate"),
        "dataset": {key: verdict["dataset"][key] for key in ("name", "version", "digest")},
        "cases": len(run),
        "left_out": {kind: len(places) for kind, places in zip(_KINDS, left_out, strict=True)},
        "left_out_ids": digest(ids),
        "examples": ids[:SHOWN_IDS],
    }


def _variant(run: RunRows) -> VariantIdentity:
    verdict = run.run.verdict
    found = verdict["variants"]["candidate"]
    return VariantIdentity(
        prompt=f"{found['prompt']} (run {verdict['run_id']})",
        prompt_digest=run.answers_digest,
        model=str(found["model"]),
    )
