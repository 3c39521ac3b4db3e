"""Resolve a gate configuration: files found, read, digested and checked, before any case is measured."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from datetime import date
from pathlib import Path

from evalgate.config.load import load_settings, with_standing_thresholds
from evalgate.config.strict_yaml import read_document
from evalgate.core.canonical import digest_file
from evalgate.core.errors import BadInput, Incomplete
from evalgate.core.plugins import suggestion
from evalgate.core.settings import GateSettings, VariantChoice
from evalgate.core.values import ARMS, Case
from evalgate.core.verdict import VariantIdentity
from evalgate.core.waivers import WaiverList
from evalgate.golden.card import Card, parse_card
from evalgate.golden.cases import ContentDigest, read_cases
from evalgate.golden.locate import card_path
from evalgate.golden.lock_check import LockCheck
from evalgate.golden.lock_file import LockLines
from evalgate.golden.sources import card_rows
from evalgate.golden.tables import Row
from evalgate.metrics.catalog import BUILTINS as METRICS
from evalgate.pipeline.arm_tasks import arm_task, project_path, read_prompt
from evalgate.pipeline.cited_cards import cited_cards
from evalgate.pipeline.evaluate import Subject
from evalgate.pipeline.faults import Faults
from evalgate.pipeline.instruments import Instruments, build_instruments
from evalgate.pipeline.judge_stage import JudgeStage, judge_inputs, judges_document, resolve_judges, with_judges
from evalgate.pipeline.plan_document import plan_document
from evalgate.pipeline.waiving import Findings, allow_file, findings_of, today_utc, with_waiver_threshold
from evalgate.prompts.template import missing_inputs
from evalgate.prompts.values import Prompt
from evalgate.proxy.recording import Recording, open_recording, recording_folder
from evalgate.runner.job import ArmTask


@dataclass(frozen=True, slots=True)
class Resolved:
    """A configuration with everything it names."""

    settings: GateSettings
    card: Card
    prompts: Mapping[str, Prompt]
    built: Instruments
    recording: Recording | None
    """Open for replay; None in the modes that make a recording first."""
    judges: Mapping[str, JudgeStage] = field(default_factory=dict)
    """Safety category, or `metric NAME` → the model that judges it."""
    allowed: WaiverList | None = None
    """The allow file of the gate."""

    def arms(self) -> dict[str, ArmTask]:
        """How each variant asks."""
        return {arm: arm_task(self.settings, choice, self.prompts[arm]) for arm, choice in _choices(self.settings).items()}

    def findings(self) -> Findings:
        """How findings are marked, and what is waived.

        Raises: BadInput when the key of the hashes is not set.
        """
        return findings_of(self.settings.findings, self.settings.gate, self.card.name, self.allowed)


@dataclass(frozen=True, slots=True)
class Dataset:
    """The content of a golden dataset, read once to prove it."""

    digest: str
    rows: int
    slices: Mapping[str, set[str]]
    """Slice column → its values."""


def resolve(path: Path, mode: str | None = None, today: date | None = None) -> Resolved:
    """Read a configuration and everything it names.

    `today` is the day on which waivers are judged; None: the present one, in UTC.

    Raises: BadInput with everything that is wrong, at once.
    """
    settings = load_settings(path)
    settings = replace(settings, thresholds=with_standing_thresholds(settings.thresholds))
    if mode is not None:
        settings = replace(settings, proxy=replace(settings.proxy, mode=mode))
    base = path.parent
    faults = Faults()
    allowed = faults.attempt(lambda: allow_file(settings, base, today or today_utc()))
    settings = replace(settings, thresholds=with_waiver_threshold(settings.thresholds, allowed))
    card = faults.attempt(lambda: read_card(settings, base))
    prompts = {
        arm: faults.attempt(lambda choice=choice: read_prompt(choice, settings.root, base))  # type: ignore[misc]
        for arm, choice in zip(ARMS, (settings.baseline, settings.candidate), strict=True)
    }
    built = faults.attempt(lambda: build_instruments(settings.metrics, settings.safety, settings.thresholds, base))
    judges = faults.attempt(lambda: resolve_judges(settings, base, card)) if built is not None else {}
    if built is not None and judges is not None:
        faults.attempt(lambda: cited_cards(settings, with_judges(built, judges)))
    recording = faults.attempt(lambda: _recording(settings)) if settings.proxy.mode == "replay" else None
    found = {str(arm): prompt for arm, prompt in prompts.items() if prompt is not None}
    if card is not None:
        _check_columns(settings, card, found, faults)
    faults.raise_if_any()
    assert card is not None and built is not None and judges is not None
    return Resolved(settings, card, found, with_judges(built, judges), recording, judges, allowed)


def prove_dataset(card: Card, lines: LockLines | None = None, watch: Callable[[Case], None] | None = None) -> Dataset:
    """Read a dataset once: every case is checked and the content held against the card's lock.

    `lines` take in a digest of every case, for a new lock; `watch` is shown every case as it passes.

    Raises: BadInput for a faulty case, no case at all, or content that is not what the card says; where a dataset.lock
        stands beside the card, with the cases that were added, removed, changed or moved.
    """
    content = ContentDigest()
    slices: dict[str, set[str]] = {column: set() for column in card.slices}
    lock = LockCheck(card)
    for case in read_cases(card, _digested(card, content)):
        lock.take(case, content.last)
        if lines is not None:
            lines.add(case.id, case.fields, content.last)
        if watch is not None:
            watch(case)
        for column, value in case.slices.items():
            slices[column].add(value)
    if content.rows == 0:
        raise BadInput("the dataset has 0 cases", where=card.shown, hint="a gate needs at least one case")
    lock.finish(content)
    return Dataset(content.hexdigest(), content.rows, slices)


def subject_of(resolved: Resolved, dataset: Dataset, recording: Recording, evidence: str = "replay") -> Subject:
    """Everything a run needs to begin, once its answers stand in a recording.

    `evidence` is what the verdict rests on: `replay`, `mock` or `live`. A run that records first and a run that replays
    afterwards are the same run, with the same id and the same verdict.json.
    """
    settings, card = _placed_in_project(resolved.settings), resolved.card
    settings = replace(settings, proxy=replace(settings.proxy, mode=evidence))
    arms = resolved.arms()
    lock = {"name": card.name, "version": card.version, "digest": dataset.digest}
    answers = recording.timed_digest if _measures_time(resolved.built) else recording.digest
    digests = {"recording": answers, **{arm: resolved.prompts[arm].digest for arm in arms}}
    findings = resolved.findings()
    plan = plan_document(settings, resolved.built, {**lock, "cases": dataset.rows}, arms, digests)
    plan |= judges_document(resolved.judges)
    assert settings.path is not None
    inputs = {
        f"config:{settings.path.name}": digest_file(settings.path),
        f"dataset:{card.name}@{card.version}": dataset.digest,
        **({} if card.path is None else {f"dataset card:{card.name}@{card.version}": digest_file(card.path)}),
        f"recording:{settings.proxy.recording}": answers,
        **{f"prompt:{arms[arm].prompt_reference}": resolved.prompts[arm].digest for arm in arms},
        **judge_inputs(resolved.judges),
        **findings.inputs(),
    }
    variants = {arm: _identity(arms[arm], resolved.prompts[arm]) for arm in arms}
    return Subject(
        settings=settings,
        built=resolved.built,
        plan=plan | findings.plan,
        inputs=inputs,
        dataset={**lock, "card": card.fields},
        mode=evidence,
        variants=variants,
        require_threshold=True,
        findings=findings,
        arms=arms,
        prompts=resolved.prompts,
        recording=recording,
        judges={stage.asked: stage.task for stage in resolved.judges.values()},
    )


def _measures_time(built: Instruments) -> bool:
    """Whether latencies can change the outcome: a metric of somebody else's may read them too."""
    return any(i.task.choice.name == "latency_ms" or i.task.choice.name not in METRICS for i in built.metrics)


def gate_cases(resolved: Resolved, dataset: Dataset) -> Iterator[Case]:
    """The cases of the gate with the slices it asks for.

    Raises: Incomplete when the data is no longer what `prove_dataset` read.
    """
    card = replace(resolved.card, slices=resolved.settings.slices)
    content = ContentDigest()
    yield from read_cases(card, _digested(card, content))
    if content.hexdigest() != dataset.digest:
        raise Incomplete("the dataset changed during the run", where=card.shown, hint="run again")


def read_card(settings: GateSettings, base: Path) -> Card:
    """Find and check the dataset card of a configuration."""
    path = card_path(settings.dataset, root=settings.root, base=base, where=settings.dataset_place or None)
    return parse_card(read_document(path), path.parent)


def _recording(settings: GateSettings) -> Recording:
    name = settings.proxy.recording
    return open_recording(recording_folder(name, settings.root, settings.proxy.place), name)


def _digested(card: Card, content: ContentDigest) -> Iterator[Row]:
    for row in card_rows(card):
        content.add(row.fields, row.canonical)
        yield row


def _choices(settings: GateSettings) -> dict[str, VariantChoice]:
    return {"baseline": settings.baseline, "candidate": settings.candidate}


def _placed_in_project(settings: GateSettings) -> GateSettings:
    """Places as paths of the project: evidence must not depend on where a checkout stands."""

    def moved(place: str) -> str:
        name, _, line = place.rpartition(":")
        return f"{project_path(Path(name), settings.root)}:{line}" if name else place

    return replace(settings, thresholds=tuple(replace(t, place=moved(t.place)) for t in settings.thresholds))


def _identity(arm: ArmTask, prompt: Prompt) -> VariantIdentity:
    return VariantIdentity(arm.prompt_reference, prompt.digest, f"{arm.model.alias}={arm.model.name}")


def _check_columns(settings: GateSettings, card: Card, prompts: Mapping[str, Prompt], faults: Faults) -> None:
    for column in settings.slices:
        if column not in card.slices:
            hint = suggestion(column, list(card.slices))
            faults.add(f"slice {column!r} is not a slice of {card.name}@{card.version}", str(settings.path), hint)
    for prompt in prompts.values():
        if not prompt.placeholders:
            hint = f"put an input into it: {', '.join('{{' + name + '}}' for name in card.inputs) or '{{column}}'}"
            faults.add(f"prompt {prompt.reference} is the same for every case: it has no variable", str(prompt.path), hint)
        for name in missing_inputs(prompt, card.inputs) if card.inputs else ():
            hint = suggestion(name, list(card.inputs))
            faults.add(f"prompt {prompt.reference} needs {name!r}, which is no input of {card.name}", str(prompt.path), hint)
