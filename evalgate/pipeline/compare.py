"""`evalgate compare`: the same judgement on outputs that already exist, in files or in two finished runs."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable
from contextlib import closing, nullcontext
from dataclasses import dataclass, field, replace
from datetime import date
from pathlib import Path

from evalgate.config.standing import with_standing_thresholds
from evalgate.config.threshold_rules import check_together
from evalgate.core.errors import BadInput
from evalgate.core.settings import FindingsChoice, GateSettings, PluginChoice, ProxyChoice, Threshold, VariantChoice
from evalgate.core.verdict import VariantIdentity
from evalgate.core.waivers import WaiverList
from evalgate.golden.outputs import Columns
from evalgate.golden.paired_files import PairedFiles
from evalgate.pipeline.attempts import HISTORY
from evalgate.pipeline.evaluate import Finished, Subject, check_slices, evaluate
from evalgate.pipeline.faults import Faults
from evalgate.pipeline.instruments import Instruments, build_instruments
from evalgate.pipeline.judge_stage import refuse_judges
from evalgate.pipeline.plan_document import rules
from evalgate.pipeline.shared_cases import MODE as RUNS
from evalgate.pipeline.shared_cases import SharedCases, shared_cases
from evalgate.pipeline.waiving import allow_file, findings_of, today_utc, unused_notices, with_waiver_threshold
from evalgate.pipeline.workspace import opened
from evalgate.runner.execute import Workers
from evalgate.runner.tally import Progress

SCHEMA = "evalgate.plan/1"
GATE = "compare"
MODE = "files"
DEFAULT_METRICS = ("exact_match", "token_f1", "rougeL", "chrf")


@dataclass(frozen=True, slots=True)
class Comparison:
    """What to compare, and by which rules."""

    baseline: Path
    """A file of outputs, or the folder of a finished run."""
    candidate: Path
    references: tuple[Path, ...]
    """Empty for runs, which bring their own."""
    metrics: tuple[PluginChoice, ...] = ()
    """Empty: exact_match, token_f1, rougeL, chrf."""
    safety: tuple[PluginChoice, ...] = ()
    thresholds: tuple[Threshold, ...] = ()
    columns: Columns = field(default_factory=Columns)
    slices: tuple[str, ...] = ()
    group: str | None = None
    confidence: float = 0.95
    seed: int = 0
    resamples: int | None = None
    findings: FindingsChoice = field(default_factory=FindingsChoice)
    today: date | None = None
    """The day on which waivers are judged; None: the present one, in UTC."""
    fresh: bool = False
    """Whether nothing of an earlier run in the same folder is used again."""


def compare_outputs(
    comparison: Comparison,
    folder: Path,
    workers: Workers,
    progress: Progress,
    *,
    kept: bool = False,
    notice: Callable[[str], None] | None = None,
) -> Finished:
    """Judge outputs that already exist and write the evidence into a folder.

    `kept`: whether the folder stays, so that its history of attempts means something.

    `notice` is told what the user should hear: of two runs, how many cases were left out.

    Cases are measured while the files are read, so what is wrong with a file may be told when others of its cases were measured.

    Raises: BadInput with all that is wrong, Incomplete when the evidence is not complete; no verdict is written then.
    Side effects: writes the run folder.
    """
    refuse_judges((*comparison.safety, *comparison.metrics))
    if comparison.baseline.is_dir() or comparison.candidate.is_dir():
        return _compare_runs(comparison, folder, workers, progress, kept=kept, notice=notice)
    if not comparison.references:
        raise BadInput("no reference file", where="--references", hint="name one or more, or compare the folders of two runs")
    settings = _settings(comparison, MODE)
    faults = Faults()
    allowed = faults.attempt(lambda: allow_file(settings, Path(), comparison.today or today_utc()))
    settings = replace(settings, thresholds=with_waiver_threshold(settings.thresholds, allowed))
    faults.problems.extend(check_together(settings.thresholds, settings.slices))
    built = faults.attempt(lambda: build_instruments(settings.metrics, settings.safety, settings.thresholds, Path()))
    files = _files(comparison, built)
    if built is None or faults.problems:
        # There will be no verdict: the files are read to say at once what is wrong with them too.
        faults.attempt(lambda: deque(files, maxlen=0))
    faults.raise_if_any()
    assert built is not None
    subject = replace(_subject(settings, comparison, files, built), ledger=folder / HISTORY if kept else None)
    subject = _waiving(subject, allowed)
    with opened(folder, fresh=comparison.fresh):
        return _told(evaluate(subject, files, folder, workers, progress), notice)


def _files(comparison: Comparison, built: Instruments | None) -> PairedFiles:
    columns = replace(comparison.columns, labels=built.labels if built is not None else ())
    sides = (comparison.baseline, comparison.candidate)
    return PairedFiles(comparison.references, *sides, columns, slices=comparison.slices, group=comparison.group)


def _compare_runs(
    comparison: Comparison,
    folder: Path,
    workers: Workers,
    progress: Progress,
    *,
    kept: bool,
    notice: Callable[[str], None] | None,
) -> Finished:
    _refuse_file_options(comparison)
    settings = _settings(comparison, RUNS)
    faults = Faults()
    allowed = faults.attempt(lambda: allow_file(settings, Path(), comparison.today or today_utc()))
    settings = replace(settings, thresholds=with_waiver_threshold(settings.thresholds, allowed))
    faults.problems.extend(check_together(settings.thresholds, settings.slices))
    built = faults.attempt(lambda: build_instruments(settings.metrics, settings.safety, settings.thresholds, Path()))
    shared = faults.attempt(lambda: shared_cases(comparison.baseline, comparison.candidate, settings.slices))
    with closing(shared) if shared is not None else nullcontext():
        faults.raise_if_any()
        assert built is not None and shared is not None
        check_slices(settings, {column: set(found) for column, found in shared.slice_values.items()})
        subject = replace(_subject_of_runs(settings, shared, built), ledger=folder / HISTORY if kept else None)
        if notice is not None:
            notice(shared.notice())
        subject = _waiving(subject, allowed)
        with opened(folder, fresh=comparison.fresh):
            return _told(evaluate(subject, shared.lines(), folder, workers, progress), notice)


def _subject_of_runs(settings: GateSettings, shared: SharedCases, built: Instruments) -> Subject:
    told = shared.document()
    return Subject(
        settings=replace(settings, dataset=str(shared.dataset["name"])),
        built=built,
        plan={
            "schema": SCHEMA,
            "gate": GATE,
            "dataset": {**shared.dataset, "cases": shared.count, "shared": told},
            "variants": {
                arm: {"outputs": v.prompt, "digest": v.prompt_digest, "of_model": v.model} for arm, v in shared.variants.items()
            },
            **rules(settings, built),
        },
        inputs={"cases": shared.dataset["digest"], **{f"outputs:{a}": v.prompt_digest for a, v in shared.variants.items()}},
        dataset={**shared.dataset, "shared": told, "card": dict(shared.dataset)},
        mode=RUNS,
        variants=shared.variants,
        require_threshold=False,
    )


def _waiving(subject: Subject, allowed: WaiverList | None) -> Subject:
    """The same with its findings marked and waived."""
    findings = findings_of(subject.settings.findings, GATE, str(subject.dataset["name"]), allowed)
    if not subject.plan:
        return replace(subject, findings=findings)
    plan = {**subject.plan, **findings.plan}
    return replace(subject, plan=plan, inputs={**subject.inputs, **findings.inputs()}, findings=findings)


def _told(finished: Finished, notice: Callable[[str], None] | None) -> Finished:
    for told in unused_notices(finished.record.waivers) if notice is not None else ():
        notice(told)  # type: ignore[misc]
    return finished


def _refuse_file_options(comparison: Comparison) -> None:
    for path in (comparison.baseline, comparison.candidate):
        if not path.is_dir():
            hint = "compare two files with --references, or two run folders"
            raise BadInput("one side is a run folder, the other is not", where=str(path), hint=hint)
    if comparison.references:
        raise BadInput("runs bring their own references", where="--references", hint="leave --references away")
    if comparison.group is not None:
        raise BadInput("runs bring their own groups", where="--group", hint="leave --group away")
    if comparison.columns != Columns():
        raise BadInput("runs have no columns to choose", where="--id-field, --output-field, --reference-field")


def _settings(comparison: Comparison, mode: str) -> GateSettings:
    if not 0.5 < comparison.confidence < 1:
        raise BadInput(f"confidence {comparison.confidence} is not between 0.5 and 1", where="--confidence", hint="0.95, say")
    if comparison.seed < 0:
        raise BadInput(f"seed {comparison.seed} is negative", where="--seed")
    if comparison.resamples is not None and not 100 <= comparison.resamples <= 1_000_000:
        raise BadInput(f"{comparison.resamples} resamples", where="--resamples", hint="100 to 1,000,000")
    metrics = comparison.metrics or tuple(PluginChoice(name) for name in DEFAULT_METRICS)
    return GateSettings(
        gate=GATE,
        dataset=", ".join(path.name for path in comparison.references),
        baseline=VariantChoice(comparison.baseline.name, mode),
        candidate=VariantChoice(comparison.candidate.name, mode),
        models={},
        proxy=ProxyChoice(mode, ""),
        metrics=metrics,
        safety=comparison.safety,
        slices=comparison.slices,
        thresholds=with_standing_thresholds(comparison.thresholds),
        confidence=comparison.confidence,
        seed=comparison.seed,
        resamples=comparison.resamples,
        findings=comparison.findings,
    )


def _subject(settings: GateSettings, comparison: Comparison, files: PairedFiles, built: Instruments) -> Subject:
    """What is known before the first case; digests, and with them the plan, come with the last one."""
    return Subject(
        settings=settings,
        built=built,
        plan={},
        inputs={},
        dataset={"name": files.card.name, "version": files.card.version, "digest": "", "card": files.card.fields},
        mode=MODE,
        variants={},
        require_threshold=False,
        completed=lambda subject: _completed(subject, comparison, files),
    )


def _completed(subject: Subject, comparison: Comparison, files: PairedFiles) -> Subject:
    settings, columns = subject.settings, comparison.columns
    lock = {"name": files.card.name, "version": files.card.version, "digest": files.digest}
    plan = {
        "schema": SCHEMA,
        "gate": GATE,
        "dataset": {
            **lock,
            "cases": files.rows,
            "columns": [columns.id, columns.output, columns.reference],
            "group": comparison.group,
        },
        "variants": {arm: {"outputs": side.name, "digest": side.digest} for arm, side in files.sides.items()},
        **rules(settings, subject.built),
        **subject.findings.plan,
    }
    inputs = {"references": files.digest, **{f"outputs:{arm}": side.digest for arm, side in files.sides.items()}}
    return replace(
        subject,
        plan=plan,
        inputs={**inputs, **subject.findings.inputs()},
        dataset={**lock, "card": files.card.fields},
        variants={arm: VariantIdentity(side.name, side.digest, MODE) for arm, side in files.sides.items()},
    )
