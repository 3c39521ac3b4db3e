"""Two finished runs compared on the cases that are the same in both, openly: nothing is left out silently."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from evalgate.core.canonical import canonical_parsed, digest, digest_bytes
from evalgate.core.errors import BadInput, Problem
from evalgate.core.values import ARMS, Arm, Case, Output, Status
from evalgate.core.verdict import VariantIdentity
from evalgate.golden.cases import ContentDigest
from evalgate.pipeline.staging_runs import RunCases, open_run

MODE = "runs"
SHOWN_IDS = 5
_COUNTS = ("prompt_tokens", "completion_tokens")


@dataclass(frozen=True, slots=True)
class SharedCases:
    """What two runs have in common: the answers of each run's candidate to the cases that are the same in both."""

    cases: tuple[Case, ...]
    """In the order of the second run."""
    outputs: Mapping[str, Mapping[str, Output]]
    """Variant → case id → answer."""
    dataset: Mapping[str, Any]
    """name, version and digest of what is compared on."""
    sides: Mapping[str, Mapping[str, Any]]
    """Variant → run, dataset version and digest, cases, how many of them are left out and why."""
    variants: Mapping[str, VariantIdentity]

    def document(self) -> dict[str, Any]:
        """What the verdict records of it."""
        return {"cases": len(self.cases), **{arm: dict(self.sides[arm]) for arm in ARMS}}

    def notice(self) -> str:
        """What the user should hear before the verdict."""
        total = len(self.cases)
        parts = [f"{arm}: {self.sides[arm]['cases'] - total} of {self.sides[arm]['cases']}" for arm in ARMS]
        said = f"the runs are compared on {total} cases that are the same in both; left out: {'; '.join(parts)}"
        why = self.sides["candidate"]["left_out"]
        return f"{said} ({why['changed']} with other content in the other run)" if why["changed"] else said


@dataclass(frozen=True, slots=True)
class _Side:
    """One run: its cases and its candidate's answers."""

    run: RunCases
    rows: Mapping[str, Mapping[str, Any]]
    """Case id → details of the shard."""


def shared_cases(baseline: Path, candidate: Path, slices: tuple[str, ...]) -> SharedCases:
    """Join two finished runs by case id, on the cases whose inputs, references, group and slices are the same.

    Raises: BadInput when a folder holds no finished run, the runs share no case, or answered each case several times.
    """
    sides = {Arm.BASELINE: _side(baseline), Arm.CANDIDATE: _side(candidate)}
    first, second = sides[Arm.BASELINE].rows, sides[Arm.CANDIDATE].rows
    _check_slices(sides, slices)
    kept = [one for one in second if one in first and _content(first[one], slices) == _content(second[one], slices)]
    if not kept:
        both = sum(one in first for one in second)
        why = f"{both} ids stand in both, each with other inputs or references" if both else "no id stands in both"
        hint = "runs are compared on cases that are the same in both datasets"
        raise BadInput(f"the runs share no case: {why}", where=str(candidate), hint=hint)
    content = ContentDigest()
    cases = []
    for one in kept:
        case = _case(one, second[one], slices)
        content.add({"id": one, **_content_value(second[one], slices)})
        cases.append(case)
    return SharedCases(
        cases=tuple(cases),
        outputs={arm: {one: _output(side.rows[one], one) for one in kept} for arm, side in sides.items()},
        dataset=_dataset(sides, kept, content.hexdigest()),
        sides={arm: _facts(sides, arm, set(kept)) for arm in ARMS},
        variants={arm: _variant(side) for arm, side in sides.items()},
    )


def _side(folder: Path) -> _Side:
    run = open_run(folder)
    rows = {case_id: details for case_id, details, _ in run.chosen("all")}
    if run.samples != 1:
        hint = "compare runs with samples: 1"
        raise BadInput(f"the run has {run.samples} answers to each case", where=str(folder), hint=hint)
    return _Side(run, rows)


def _check_slices(sides: Mapping[Arm, _Side], slices: tuple[str, ...]) -> None:
    problems = []
    for side in sides.values():
        known = next(iter(side.rows.values()))["slices"]
        hint = f"slices of that run: {', '.join(known) or 'none'}"
        problems += [Problem(f"the run has no slice {c!r}", str(side.run.folder), hint) for c in slices if c not in known]
    if problems:
        raise BadInput(problems)


def _content_value(details: Mapping[str, Any], slices: tuple[str, ...]) -> dict[str, Any]:
    return {
        "inputs": details["inputs"],
        "references": details["references"],
        "group": details["group"],
        "slices": {column: details["slices"][column] for column in slices},
    }


def _content(details: Mapping[str, Any], slices: tuple[str, ...]) -> bytes:
    return canonical_parsed(_content_value(details, slices))


def _case(case_id: str, details: Mapping[str, Any], slices: tuple[str, ...]) -> Case:
    inputs = dict(details["inputs"])
    return Case(
        id=case_id,
        fields=inputs,
        inputs=inputs,
        references=tuple(details["references"]),
        slices={column: str(details["slices"][column]) for column in slices},
        group=details["group"],
        place=f"case {case_id}",
    )


def _output(details: Mapping[str, Any], case_id: str) -> Output:
    found = details[Arm.CANDIDATE]
    if found["status"] != Status.OK:
        return Output(text="", status=Status.ERROR, error=found["error"] or f"no answer to case {case_id}")
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


def _dataset(sides: Mapping[Arm, _Side], kept: list[str], content: str) -> dict[str, Any]:
    first, second = (side.run.verdict["dataset"] for side in sides.values())
    same = first["digest"] == second["digest"]
    if same and all(len(side.rows) == len(kept) for side in sides.values()):
        return {"name": second["name"], "version": second["version"], "digest": second["digest"]}
    name = second["name"] if first["name"] == second["name"] else f"{first['name']} and {second['name']}"
    version = second["version"] if first["version"] == second["version"] else f"{first['version']} and {second['version']}"
    return {"name": name, "version": f"{version}, shared cases", "digest": content}


def _facts(sides: Mapping[Arm, _Side], arm: Arm, kept: set[str]) -> dict[str, Any]:
    own = sides[arm]
    other = sides[Arm.CANDIDATE if arm is Arm.BASELINE else Arm.BASELINE].rows
    why = Counter("changed" if one in other else "not_in_the_other" for one in own.rows if one not in kept)
    verdict = own.run.verdict
    examples = [one for one in own.rows if one not in kept]
    return {
        "run_id": verdict["run_id"],
        "gate": verdict.get("gate"),
        "dataset": {key: verdict["dataset"][key] for key in ("name", "version", "digest")},
        "cases": len(own.rows),
        "left_out": {reason: why[reason] for reason in ("changed", "not_in_the_other")},
        "left_out_ids": digest(sorted(examples)),
        "examples": sorted(examples)[:SHOWN_IDS],
    }


def _variant(side: _Side) -> VariantIdentity:
    verdict = side.run.verdict
    found = verdict["variants"]["candidate"]
    answers = [[one, details[Arm.CANDIDATE]["text"]] for one, details in side.rows.items()]
    return VariantIdentity(
        prompt=f"{found['prompt']} (run {verdict['run_id']})",
        prompt_digest=digest_bytes(canonical_parsed([found["prompt_digest"], answers])),
        model=str(found["model"]),
    )


def shared_lines(shared: SharedCases) -> Iterator[tuple[Case, Mapping[str, tuple[Output, ...]]]]:
    """The cases with both answers, as they are measured."""
    for case in shared.cases:
        yield case, {arm: (shared.outputs[arm][case.id],) for arm in ARMS}
