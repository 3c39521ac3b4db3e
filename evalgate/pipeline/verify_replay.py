"""Level `replay`: the whole run again from configuration, prompts, dataset and recording, and the two roots compared."""

from __future__ import annotations

import json
import tempfile
from collections.abc import Callable, Iterator, Mapping
from datetime import date
from pathlib import Path, PurePosixPath
from typing import Any

from evalgate import __version__
from evalgate.core.canonical import digest_file
from evalgate.core.errors import BadInput, Incomplete
from evalgate.core.record_file import RECORD, record_text
from evalgate.core.settings import GateSettings
from evalgate.evidence.verification import Assurance, Checked, Difference, differing, short
from evalgate.golden.locate import card_path
from evalgate.golden.outputs import Columns
from evalgate.pipeline.compare import Comparison, compare_outputs
from evalgate.pipeline.evaluate import Finished
from evalgate.pipeline.rederived import Stated, stated
from evalgate.pipeline.run import RunOptions, run_gate
from evalgate.pipeline.subject import Resolved, prove_dataset, resolve, subject_of
from evalgate.pipeline.verify_decision import other_versions, rounded, settled
from evalgate.pipeline.verify_folder import RunFolder, VerifyRequest
from evalgate.pipeline.verify_receipts import told_again
from evalgate.pipeline.verify_waivers import day_of
from evalgate.proxy.recording import recording_folder
from evalgate.runner.execute import Workers
from evalgate.runner.tally import Progress

COMPARED = (
    "digests of configuration, prompts, dataset and its card, recording, allow file and judges' cards, against the project's",
    "the rows of every shard and the verdict of a second run, made from them in a temporary folder, and the two roots",
    "the receipts of the second run: digests of the cases, and jobs where versions and the recording's bytes are the same",
    "record.json of the second run: the card of the dataset, what prompts say of their use, waivers, cards, selected cases",
)
TRUSTED = (
    "that the recording holds what the models answered: nobody can tell that from files",
    "that prompts, dataset and thresholds are those that were agreed on: their digests are what a reviewer signs",
    "this installation of evalgate and of the libraries",
)
_EARLIER = frozenset({"attempts"})
"""Members of a record that differ from run to run."""


def check_replay(run: RunFolder, request: VerifyRequest) -> Checked:
    """Make a run again and compare.

    Raises: Incomplete when that is not possible: data or files are not there, a plugin is missing, the run was live.
    Side effects: a temporary folder.
    """
    said = stated(run)
    if said.gate.mode == "live":
        raise Incomplete("the answers of a live run were not kept: nothing can be replayed", where=str(run.folder))
    others = other_versions(said)
    if not said.gate.is_gate:
        return settled(Assurance.REPLAY, (COMPARED, TRUSTED), list(_comparison(said, request, same_versions=not others)), others)
    config = config_of(said, request)
    if used := list(input_differences(said, config, day_of(said))):
        # A second run would only differ for these reasons. Libraries have no part in them, evalgate itself may.
        own = said.run.materials["engine"]["evalgate"] == __version__
        return settled(Assurance.REPLAY, (COMPARED, TRUSTED), used, () if own else others)
    return settled(Assurance.REPLAY, (COMPARED, TRUSTED), list(_gate(said, config, same_versions=not others)), others)


def _gate(said: Stated, config: Path, *, same_versions: bool) -> Iterator[Difference]:
    day = day_of(said)
    with tempfile.TemporaryDirectory(prefix="evalgate-verify-") as place:
        folder = Path(place, "run")
        try:
            again = run_gate(config, RunOptions(said.gate.mode, folder), Progress(), day)
        except BadInput as error:
            yield from (Difference(problem.where or str(config), problem.message) for problem in error.problems)
            return
        yield from _compared(said, again, same_versions=same_versions)


def config_of(said: Stated, request: VerifyRequest) -> Path:
    """The configuration of the run in the project.

    Raises: Incomplete when it is nowhere. The record may be anybody's: it names no file outside the project.
    """
    kept = said.record.settings.path
    name = PurePosixPath("" if kept is None else kept.as_posix())
    if not name.parts or name.is_absolute() or ".." in name.parts:
        raise Incomplete("the run names no configuration of a project", where=str(said.run.folder / RECORD))
    inside = said.run.folder.resolve()
    places = [request.project] if request.project is not None else [*inside.parents, Path.cwd()]
    found = next((place / name for place in places if (place / name).is_file()), None)
    if found is None:
        hint = "name the project with --project DIR"
        raise Incomplete(f"the configuration {name} is not there", where=str(request.project or inside.parent), hint=hint)
    return found


def input_differences(said: Stated, config: Path, day: date) -> Iterator[Difference]:
    """What the project has and the run did not use.

    Raises: Incomplete when dataset or recording is not there at all.
    """
    used: Mapping[str, str] = said.run.materials["inputs"]
    here = digest_file(config)
    name = f"config:{config.name}"
    if used.get(name) != here:
        yield Difference(name, f"was edited: the project has {here}, the run used {used.get(name)}")
    try:
        resolved = resolve(config, said.gate.mode, day)
    except BadInput as error:
        _require_data(said.record.settings, config)
        yield from (
            Difference(one.where or str(config), f"the gate cannot be made again: {one.message}") for one in error.problems
        )
        return
    yield from _data(said, resolved, used)


def _require_data(settings: GateSettings, config: Path) -> None:
    """Tell data that is not there from data that was edited.

    Raises: Incomplete.
    """
    root = config.parent
    for _ in range(len(Path(settings.path or "").parts) - 1):
        root = root.parent
    asked: list[Callable[[], object]] = [lambda: card_path(settings.dataset, root=root, base=config.parent)]
    if settings.proxy.mode == "replay":
        asked.append(lambda: recording_folder(settings.proxy.recording, root, settings.proxy.place))
    for ask in asked:
        try:
            ask()
        except BadInput as error:
            raise Incomplete(error.problems) from error


def _data(said: Stated, resolved: Resolved, used: Mapping[str, str]) -> Iterator[Difference]:
    try:
        dataset = prove_dataset(resolved.card)
    except BadInput as error:
        if resolved.card.remote is not None or not resolved.card.data.exists():
            raise Incomplete(error.problems) from error
        yield from (Difference(one.where or "dataset", f"is not the dataset of the run: {one.message}") for one in error.problems)
        return
    if resolved.recording is None:
        return  # its answers have to be made first; the second run compares what they gave
    found = subject_of(resolved, dataset, resolved.recording, said.gate.mode)
    for name in sorted({*used, *found.inputs}):
        here, there = found.inputs.get(name, "nothing"), used.get(name, "nothing")
        if here != there and not name.startswith("config:"):
            yield Difference(name, f"was edited or exchanged: the project has {here}, the run used {there}")


def _comparison(said: Stated, request: VerifyRequest, *, same_versions: bool) -> Iterator[Difference]:
    """Raises: Incomplete when the files are not named, or not there."""
    comparison = _asked(said, request)
    with tempfile.TemporaryDirectory(prefix="evalgate-verify-") as place:
        try:
            again = compare_outputs(comparison, Path(place, "run"), Workers(), Progress())
        except BadInput as error:
            yield from (Difference(problem.where or "files", problem.message) for problem in error.problems)
            return
        yield from _compared(said, again, same_versions=same_versions)


def _asked(said: Stated, request: VerifyRequest) -> Comparison:
    plan, settings = said.gate.plan, said.record.settings
    runs = "shared" in plan["dataset"]
    hint = (
        "--baseline and --candidate name the folders of the runs"
        if runs
        else "--baseline, --candidate and --references name them"
    )
    files = [path for path in (request.baseline, request.candidate, *request.references) if path is not None]
    if request.baseline is None or request.candidate is None or (not runs and not request.references):
        raise Incomplete("a comparison is made again from the files that were compared", where=str(said.run.folder), hint=hint)
    for path in files:
        if not path.exists():
            raise Incomplete("is not there", where=str(path), hint=hint)
    columns = Columns() if runs else Columns(*plan["dataset"]["columns"])
    return Comparison(
        request.baseline,
        request.candidate,
        request.references,
        metrics=settings.metrics,
        safety=tuple(choice for choice, _ in said.gate.built.detectors),
        thresholds=tuple(one for one in said.gate.settings.thresholds if not one.implicit),
        columns=columns,
        slices=tuple(plan["slices"]),
        group=None if runs else plan["dataset"].get("group"),
        confidence=plan["confidence"],
        seed=plan["seed"],
        resamples=plan["resamples"],
        findings=settings.findings,
        today=day_of(said),
    )


def _compared(said: Stated, second: Finished, *, same_versions: bool) -> Iterator[Difference]:
    again = second.record
    materials, results = again.manifest["materials"], again.manifest["results"]
    # Other versions are told by themselves.
    mine = {**materials, "engine": said.run.materials["engine"]}
    for name, one, other in (("materials", mine, said.run.materials), ("results", results, said.run.results)):
        for place, here, there in differing(one, other, name):
            yield Difference(_named(place, said), f"the run has {short(there)}, the second run {short(here)}")
    here, there = (_timeless(rounded(value)) for value in (json.loads(record_text(again)), said.run.document(RECORD)))
    for place, one, other in differing(here, there):
        if place != "identity.manifest_digest" and place.partition(".")[0] not in _EARLIER:
            yield Difference(f"{RECORD}: {place}", f"says {short(other)}, the second run {short(one)}")
    yield from told_again(said, again, second.folder, same_versions=same_versions)


def _named(place: str, said: Stated) -> str:
    parts = place.split(".")
    if parts[:2] == ["results", "shards"] and len(parts) > 2:
        return f"shards/{int(parts[2]):05d}.parquet"
    named = {"materials.plan": "plan.json", "results.verdict": "verdict.json"}
    return named.get(place, place.removeprefix("materials.inputs."))


def _timeless(value: Any) -> Any:
    """Without latencies: the same answers are the same evidence, however long they took."""
    if isinstance(value, dict):
        return {key: _timeless(item) for key, item in value.items() if key != "latency_ms"}
    return [_timeless(item) for item in value] if isinstance(value, list) else value
