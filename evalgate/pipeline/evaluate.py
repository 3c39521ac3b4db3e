"""What `run` and `compare` share: cases in, shards, verdict, documents and reports out."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from evalgate import __version__
from evalgate.core.canonical import digest, pretty_json
from evalgate.core.errors import BadInput, Incomplete
from evalgate.core.files import write_whole
from evalgate.core.health import HEALTH, HealthReport, health_document
from evalgate.core.record import PromptRecord, RunRecord
from evalgate.core.record_file import RECORD, record_text
from evalgate.core.settings import GateSettings
from evalgate.core.timings import Timings
from evalgate.core.values import Case, Output
from evalgate.core.verdict import RunIdentity, VariantIdentity, Verdict
from evalgate.evidence.manifest import environment, manifest, results_document
from evalgate.evidence.verdict_document import verdict_document
from evalgate.evidence.waivers_document import waivers_document
from evalgate.pipeline.attempts import HISTORY, STANDING, attempts_document, attempts_of
from evalgate.pipeline.case_deltas import case_deltas
from evalgate.pipeline.cited_cards import Cited, cited_cards
from evalgate.pipeline.error_budget import check_error_budget
from evalgate.pipeline.instruments import Instruments, with_reference_counts, with_unread
from evalgate.pipeline.misses import explained
from evalgate.pipeline.sealing import SEAL, materials_of, seal, shards_of
from evalgate.pipeline.select_cases import CaseReader
from evalgate.pipeline.shards import ShardStore
from evalgate.pipeline.time_spent import PROFILE, profile_document, write_profile
from evalgate.pipeline.verdict import movement, reach_verdict
from evalgate.pipeline.waiving import Findings
from evalgate.pipeline.workspace import PLAN, write_plan
from evalgate.prompts.stated_use import stated_use
from evalgate.prompts.values import Prompt
from evalgate.proxy.recording import Recording
from evalgate.report.catalog import report_files
from evalgate.report.masking import Policy, masked_cases, masked_choices, masked_prompts
from evalgate.runner.case_lines import CaseWriter
from evalgate.runner.execute import Executed, Workers, execute, worker_count
from evalgate.runner.finding_marks import FindingsTask
from evalgate.runner.job import RECORDING_FILE, ArmTask, Job
from evalgate.runner.reading import Rereadable, read_tasks
from evalgate.runner.receipt import Receipt, Unanswered
from evalgate.runner.repeats import count_repeats
from evalgate.runner.tally import Progress
from evalgate.runner.versions import source_digest, versions_here, versions_of_run

CaseLines = Iterable[tuple[Case, Mapping[str, tuple[Output, ...]]]]


@dataclass(frozen=True, slots=True)
class Subject:
    """What is judged: everything that was resolved before the first case is measured."""

    settings: GateSettings
    built: Instruments
    plan: Mapping[str, Any]
    """The content of plan.json; its digest names the run. Empty where only the last case completes it."""
    inputs: Mapping[str, str]
    """What was used → its digest, for the manifest."""
    dataset: Mapping[str, Any]
    """name, version, digest, and the card for reports."""
    mode: str
    variants: Mapping[str, VariantIdentity]
    require_threshold: bool
    arms: Mapping[str, ArmTask] = field(default_factory=dict)
    prompts: Mapping[str, Prompt] = field(default_factory=dict)
    recording: Recording | None = None
    judges: Mapping[str, ArmTask] = field(default_factory=dict)
    """Name of a judgement → how the model is asked for it."""
    facts: Mapping[str, Any] = field(default_factory=dict)
    """How the answers came, for run.json."""
    ledger: Path | None = None
    """attempts.jsonl, the history of the gate's attempts; None: nothing is remembered."""
    health: Callable[[], HealthReport] | None = None
    """What its dataset looks like, once every case has passed by; None: there is no dataset."""
    findings: Findings = field(default_factory=lambda: Findings(FindingsTask(), None, {}))
    completed: Callable[[Subject], Subject] = field(default=lambda subject: subject)
    """Adds what is known once every case was read: digests, and with them the plan."""

    @property
    def run_id(self) -> str:
        """Name of the run: the first 12 digits of the plan's digest, so that the same command finds its own folder."""
        return digest(self.plan).removeprefix("sha256:")[:12]


@dataclass(frozen=True, slots=True)
class Finished:
    """A finished run."""

    record: RunRecord
    folder: Path
    reader: CaseReader
    profile: Mapping[str, Any] | None = None
    """Where the time went, if it was asked for."""


def evaluate(subject: Subject, lines: CaseLines, folder: Path, workers: Workers, progress: Progress) -> Finished:
    """Measure, judge and write everything into a locked run folder.

    Raises: BadInput for data faults, Incomplete when the evidence is not complete; no verdict is written then.
    Side effects: writes shards, plan, manifest, verdict and reports; verdict.json last.
    """
    started, timings = datetime.now(UTC), progress.timings
    cited = cited_cards(subject.settings, subject.built)
    if subject.plan:
        write_plan(folder, subject.plan)
    writer = CaseWriter(folder)
    executed = _executed(subject, folder, writer, lines, (workers, progress))
    if writer.rows == 0:
        raise BadInput("the dataset has 0 cases", where=str(subject.dataset["name"]), hint="a gate needs at least one case")
    if subject.recording is not None:
        subject.recording.require_unchanged()
    if not subject.plan:
        check_slices(subject.settings, writer.slice_values)
        subject = subject.completed(subject)
        write_plan(folder, subject.plan)
    if subject.plan["dataset"]["cases"] != writer.rows:
        said = f"{subject.plan['dataset']['cases']} cases were read, and {writer.rows} measured"
        raise Incomplete(said, where=str(folder), hint="run again with --fresh")
    receipts = executed.receipts
    store = ShardStore(folder, len(receipts), worker_count(workers))
    built = with_reference_counts(subject.built, [receipt.references for receipt in receipts])
    subject = replace(subject, built=with_unread(built, [receipt.unread for receipt in receipts]))
    values = {column: sorted(found) for column, found in writer.slice_values.items()}
    needs, gone = subject.require_threshold, subject.findings.expired
    with timings.stage("statistics"):
        verdict = reach_verdict(subject.settings, subject.built, store, values, require_threshold=needs, expired_waivers=gone)
        check_error_budget(verdict, store)
    reader = CaseReader(store, subject.built, movement(subject.settings, subject.built), subject.prompts)
    with timings.stage("documents"):
        record = replace(_record(subject, verdict, receipts, reader, cited), cards=cited.cards)
    record = replace(record, environment=_environment(subject, started, executed.facts))
    health = subject.health() if subject.health is not None else None
    record = replace(record, attempts=attempts_of(subject, verdict), health=health)
    files = publish(record, folder, timings)
    document = profile_document(timings, writer.rows, executed.facts) if progress.profile else None
    if document is not None:
        write_profile(folder, document)
        files.append(PROFILE)
    if subject.ledger is not None and subject.ledger == folder / HISTORY and subject.ledger.is_file():
        files.append(HISTORY)
    seal(record, folder, files, receipts)
    return Finished(record, folder, reader, document)


def _executed(subject: Subject, folder: Path, writer: CaseWriter, lines: CaseLines, how: tuple[Workers, Progress]) -> Executed:
    """All shards, measured while the cases are read; where answers must be counted first, after they were."""
    if subject.recording is not None:
        subject.recording.save(folder / RECORDING_FILE)
    job = _job(subject)
    tasks = writer.shards(lines)
    if isinstance(lines, Rereadable):
        tasks = read_tasks(writer, lines, tasks, source_digest)
    asked = [spec.repeated for _, spec in subject.built.detectors if spec.repeated is not None]
    if asked:
        known = list(tasks)
        job, tasks = replace(job, repeats=count_repeats(folder, job, known, min(asked))), iter(known)
    job.save(folder)
    try:
        return execute(folder, job, tasks, *how)
    except Unanswered as error:
        assert subject.recording is not None
        path = subject.settings.path
        raise explained(error, subject.recording, f"evalgate run {path}" if path else "evalgate run CONFIG") from error


def check_slices(settings: GateSettings, found: Mapping[str, set[str]]) -> None:
    """Refuse a slice threshold that selects no case, and a slice column whose name could be taken for a column and a value.

    Raises: BadInput.
    """
    for column in settings.slices:
        if "=" in column:
            raise BadInput(f"slice column {column!r} has '=' in its name", where="slices", hint="rename the column")
    for threshold in settings.thresholds:
        choice = threshold.slice
        if choice is None or choice.column is None or choice.value is None:
            continue
        values = sorted(found.get(choice.column, ()))
        if choice.value not in values:
            hint = f"values of {choice.column}: {', '.join(values)[:200]}"
            raise BadInput(f"slice {choice} selects no case", where=threshold.place or threshold.target, hint=hint)


def publish(record: RunRecord, folder: Path, timings: Timings) -> list[str]:
    """Write the documents and reports of a finished run, all but manifest.json and verdict.json; returns their names."""
    texts = {"run.json": pretty_json(record.environment)}
    if record.attempts is not None:
        texts[STANDING] = pretty_json(attempts_document(record, record.attempts))
    if record.health is not None:
        texts[HEALTH] = pretty_json(health_document(record.health))
    for name, text in {**texts, RECORD: record_text(record)}.items():
        write_whole(folder / name, text)
    written = [PLAN, *texts, RECORD]
    for name in record.settings.reports:
        with timings.stage(f"report {name}"):
            for file, text in report_files(name, record):
                write_whole(folder / file, text)
                written.append(file)
    return written


def _job(subject: Subject) -> Job:
    metrics = tuple(i.task for i in subject.built.metrics)
    detectors = tuple(choice for choice, _ in subject.built.detectors)
    return Job(
        # Files of the same version may differ where somebody works on them.
        engine=f"{__version__} {source_digest()}",
        metrics=metrics,
        detectors=detectors,
        arms=subject.arms,
        samples=subject.settings.samples,
        slices=subject.settings.slices,
        recording=subject.recording.seal if subject.recording is not None else "",
        findings=subject.findings.task,
        judges=subject.judges,
        versions=versions_of_run(versions_here([task.choice.name for task in metrics], [choice.name for choice in detectors])),
    )


def _record(subject: Subject, verdict: Verdict, receipts: tuple[Receipt, ...], reader: CaseReader, cited: Cited) -> RunRecord:
    identity = RunIdentity(
        gate=subject.settings.gate,
        run_id=subject.run_id,
        dataset_name=subject.dataset["name"],
        dataset_version=subject.dataset["version"],
        dataset_digest=subject.dataset["digest"],
        mode=subject.mode,
        baseline=subject.variants["baseline"],
        candidate=subject.variants["candidate"],
        manifest_digest="",
        shared=subject.dataset.get("shared"),
    )
    chosen, policy = reader.worst(), Policy(_sensitive(subject.built), subject.settings.findings.shown)
    shown = masked_cases(chosen, policy)
    waivers = subject.findings.used(receipts)
    document = cited.added_to(verdict_document(verdict, identity)) | waivers_document(waivers, subject.findings.allowed)
    sealed = manifest(materials_of(subject, cited), results_document(shards_of(receipts), document))
    return RunRecord(
        verdict=verdict,
        identity=replace(identity, manifest_digest=sealed["root"]),
        settings=replace(subject.settings, safety=masked_choices(subject.settings.safety, chosen, policy)),
        document=document | {"evidence": {"manifest_digest": sealed["root"]}},
        manifest=sealed,
        dataset_card=subject.dataset["card"],
        prompts=masked_prompts(_prompt_records(subject), chosen, policy),
        cases=shown,
        cases_omitted=verdict.cases.total - len(shown),
        waivers=waivers,
        deltas=case_deltas(reader.store, subject.built),
    )


def _environment(subject: Subject, started: datetime, work: Mapping[str, Any]) -> dict[str, Any]:
    ended = datetime.now(UTC)
    times = {"started": started.isoformat(timespec="seconds"), "ended": ended.isoformat(timespec="seconds")}
    # The job that receipts name was about these bytes of the recording; nothing else in the folder tells which.
    sealed = {} if subject.recording is None else {SEAL: subject.recording.seal}
    return environment({**subject.facts, **sealed, **subject.findings.judged(), "work": dict(work), **times})


def _sensitive(built: Instruments) -> frozenset[str]:
    return frozenset(spec.category for _, spec in built.detectors if spec.sensitive)


def _prompt_records(subject: Subject) -> dict[str, PromptRecord]:
    return {
        arm: PromptRecord(
            reference=task.prompt_reference,
            path=task.prompt_path,
            digest=subject.prompts[arm].digest,
            messages=task.messages,
            parameters=task.parameters,
            model=f"{task.model.alias} ({task.model.provider}: {task.model.name})",
            line=_first_own_line(subject.prompts[arm], [other for name, other in subject.prompts.items() if name != arm]),
            use=stated_use(subject.prompts[arm]),
        )
        for arm, task in subject.arms.items()
    }


def _first_own_line(prompt: Prompt, others: Sequence[Prompt]) -> int:
    known = {message for other in others for message in other.messages}
    return next((line for message, line in zip(prompt.messages, prompt.lines, strict=False) if message not in known), 1)
