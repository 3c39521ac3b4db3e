"""Cases of a finished run that are worth a place in the golden dataset: those that regressed, newly fail or violate."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from evalgate.core.errors import BadInput
from evalgate.core.files import read_text
from evalgate.core.strict_json import parse_json
from evalgate.core.values import ARMS, Arm
from evalgate.evidence.manifest import SCHEMA as MANIFEST_SCHEMA
from evalgate.golden.staging_logs import Found
from evalgate.pipeline.staging_evidence import intact_shard, require_agreement
from evalgate.pipeline.verdict import UNCHANGED, Movement, changes
from evalgate.runner.shard_file import ShardNumbers

KINDS = ("regressed", "newly_failing", "violating", "all")


@dataclass(frozen=True, slots=True)
class RunCases:
    """The cases of a run folder."""

    folder: Path
    verdict: Mapping[str, Any]
    metrics: tuple[str, ...]
    """In the order of the shards' score columns."""
    shards: tuple[Mapping[str, Any], ...]
    """What the manifest says of each shard."""
    samples: int = 1
    """Answers to each case."""

    def chosen(self, kind: str) -> Iterator[tuple[str, Mapping[str, Any], str]]:
        """(id, details, why) of the cases of one of KINDS, in order.

        Raises: BadInput when the run measured nothing that could tell, or is not what it was when it ended.
        """
        choose = self._chooser(kind)
        for number, entry in enumerate(self.shards):
            numbers, ids, details = intact_shard(self.folder, entry, number)
            picked, why = choose(numbers)
            yield from ((ids[row], details[row], why) for row in np.flatnonzero(picked).tolist())

    def _chooser(self, kind: str) -> Callable[[ShardNumbers], tuple[NDArray[np.bool_], str]]:
        run = self.verdict["run_id"]
        if kind == "all":
            return lambda numbers: (np.ones(len(numbers.identical), dtype=bool), f"a case of run {run}")
        if kind == "violating":
            return lambda numbers: (
                (numbers.violations[Arm.CANDIDATE] > 0).any(axis=1) & ~numbers.lost[Arm.CANDIDATE],
                f"the candidate of run {run} violates a rule of safety",
            )
        if kind == "regressed":
            by = self._movement()
            return lambda numbers: (self._regressed(numbers, by), f"regressed by {by.name} in run {run}")
        names = [name for name, metric in self.verdict["metrics"].items() if metric.get("newly_failing") is not None]
        names = [name for name in names if name in self.metrics]
        if not names:
            hint = "--cases regressed"
            raise BadInput("the run has no pass/fail metric, so no case can newly fail", where=str(self.folder), hint=hint)
        return lambda numbers: (self._newly_failing(numbers, names), f"newly fails by {' or '.join(names)} in run {run}")

    def _movement(self) -> Movement:
        name = self.verdict["cases"].get("by")
        if name not in self.metrics:
            hint = "--cases violating, or all"
            raise BadInput("the run has no metric, so no case can have regressed", where=str(self.folder), hint=hint)
        return Movement(name, self.metrics.index(name), 1.0 if self._higher(name) else -1.0)

    def _higher(self, name: str) -> bool:
        return bool(self.verdict["metrics"][name]["higher_is_better"])

    def _regressed(self, numbers: ShardNumbers, by: Movement) -> NDArray[np.bool_]:
        moved = changes(numbers.scores[Arm.BASELINE], numbers.scores[Arm.CANDIDATE], by)
        return np.asarray(moved < -UNCHANGED)

    def _newly_failing(self, numbers: ShardNumbers, names: list[str]) -> NDArray[np.bool_]:
        """As `max_newly_failing` counts them: every answer of the baseline passed, and the candidate's do not."""
        picked = np.zeros(len(numbers.identical), dtype=bool)
        for name in names:
            before, after = (numbers.scores[arm][:, self.metrics.index(name)] for arm in ARMS)
            with np.errstate(invalid="ignore"):
                holds = after > 0.5 if self._higher(name) else after < 0.5
            picked |= (before == (1.0 if self._higher(name) else 0.0)) & ~holds
        return picked


def open_run(folder: Path) -> RunCases:
    """Read what a finished run says about itself.

    Raises: BadInput when the folder holds no finished run, or documents that do not belong together.
    """
    verdict = _document(folder, "verdict.json", "evalgate.verdict/1")
    plan = _document(folder, "plan.json", "evalgate.plan/1")
    sealed = _document(folder, "manifest.json", MANIFEST_SCHEMA)
    try:
        metrics = tuple(str(metric["name"]) for metric in plan["metrics"])
        shards = tuple(sealed["results"]["shards"])
        samples = int(plan["samples"])
        verdict["metrics"], verdict["dataset"]["digest"]
        require_agreement(folder, verdict, plan, sealed)
    except (KeyError, TypeError, ValueError, AttributeError) as error:
        raise BadInput("the documents of the run are not what evalgate writes", where=str(folder)) from error
    if not shards:
        raise BadInput("the run has no shards", where=str(folder))
    return RunCases(folder, verdict, metrics, shards, samples)


def found_in_run(run: RunCases, kind: str, columns: tuple[str, ...], fields: Mapping[str, str]) -> Iterator[Found | str]:
    """The chosen cases as they may be staged; the id alone where a case lacks an input of the dataset.

    `fields`: column of the dataset → name of the run's input, where they are not the same.
    """
    for case_id, details, why in run.chosen(kind):
        given = details["inputs"]
        inputs = {column: given.get(fields.get(column, column)) for column in columns}
        if any(value is None or value == "" for value in inputs.values()):
            yield case_id
            continue
        others = dict(details["slices"])
        outputs = {str(arm): details[arm]["text"] for arm in ARMS if details[arm]["status"] == "ok"}
        origin = {"from": "run", "run_id": run.verdict["run_id"], "gate": run.verdict.get("gate"), "case": case_id}
        if details["references"]:
            outputs["reference of the run"] = details["references"]
        yield Found(inputs, others, outputs, origin, why)


def _document(folder: Path, name: str, schema: str) -> Any:
    path = folder / name
    if not path.is_file():
        hint = "name the folder of a finished run, reports/<gate>/<run-id>, or a log file"
        raise BadInput(f"no finished run: {name} is not there", where=str(folder), hint=hint)
    try:
        value = parse_json(read_text(path, str(path), limit=64 << 20))
    except ValueError as error:
        raise BadInput(f"not valid JSON: {error}", where=str(path)) from error
    if not isinstance(value, dict) or value.get("schema") != schema:
        raise BadInput(f"not a document {schema}", where=str(path), hint="was it written by another version of evalgate?")
    return value
