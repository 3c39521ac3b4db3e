"""`evalgate run`: execute a gate from its configuration."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field, replace
from datetime import date
from pathlib import Path
from typing import TYPE_CHECKING, Any

from evalgate.core.progress import Watching, unheard, unwatched
from evalgate.core.settings import ExecutionChoice
from evalgate.core.values import Output
from evalgate.pipeline.asks import asks_of
from evalgate.pipeline.attempts import HISTORY
from evalgate.pipeline.evaluate import Finished, check_slices, evaluate
from evalgate.pipeline.health import run_survey
from evalgate.pipeline.judge_stage import judge_asks
from evalgate.pipeline.subject import Dataset, Resolved, gate_cases, prove_dataset, resolve, subject_of
from evalgate.pipeline.waiving import unused_notices
from evalgate.pipeline.workers import workers_of
from evalgate.pipeline.workspace import check_writable, opened
from evalgate.proxy.recording import open_recording
from evalgate.runner.finding_marks import key_check
from evalgate.runner.tally import Progress

if TYPE_CHECKING:
    from evalgate.pipeline.sources import Source


@dataclass(frozen=True, slots=True)
class RunOptions:
    """Where and how many; never what."""

    mode: str | None = None
    out: Path | None = None
    """Exact run folder; None: `reports/<gate>/<run-id>/` of the project."""
    execution: ExecutionChoice = field(default_factory=ExecutionChoice)
    """Which workers; what is not said here, the configuration may say."""
    fresh: bool = False
    answering: Watching = unwatched
    """Progress of the answers that have to be called for."""
    notice: Callable[[str], None] = unheard
    """Told what the user should hear."""


def run_gate(config: Path, options: RunOptions, progress: Progress, today: date | None = None) -> Finished:
    """Run a gate and write its evidence.

    In the modes that call a model the answers are collected first, into a recording; from there on every mode is replay.

    `today` is the day on which waivers are judged; None: the present one, in UTC.

    Raises: BadInput before anything is written, Incomplete when the evidence is not complete.
    Side effects: writes the run folder; calls models in the modes `record`, `refresh` and `live`.
    """
    timings = progress.timings
    with timings.stage("resolving the gate"):
        resolved = resolve(config, options.mode, today)
    workers = workers_of(options.execution, resolved.settings.execution, fresh=options.fresh)
    if (name := resolved.settings.findings.key_env) is not None:
        key_check(name)  # better refused now than after the answers were paid for
    with timings.stage("checking the dataset"):
        dataset = prove_dataset(resolved.card)
    check_slices(resolved.settings, dataset.slices)
    reports = resolved.settings.root / "reports" / resolved.settings.gate
    source = None
    if resolved.recording is None:
        with timings.stage("calling models"):
            source = _gathered(resolved, dataset, options, reports)
        for notice in source.notices:
            options.notice(notice)
        resolved = replace(resolved, recording=open_recording(source.folder, source.name, may_be_empty=True))
    assert resolved.recording is not None
    subject = subject_of(resolved, dataset, resolved.recording, source.evidence if source else "replay")
    ledger = (options.out or reports) / HISTORY
    survey, health = run_survey(resolved, dataset.rows)
    subject = replace(subject, facts=source.facts() if source else {"mode": "replay"}, ledger=ledger, health=health)
    folder = options.out or reports / subject.run_id
    with opened(folder, fresh=options.fresh):
        no_outputs_yet: dict[str, tuple[Output, ...]] = {}
        cases = gate_cases(resolved, dataset)
        lines = ((case, no_outputs_yet) for case in (survey.watched(cases) if survey else cases))
        finished = evaluate(subject, lines, folder, workers, replace(progress, expected=dataset.rows))
    if source is not None:
        from evalgate.pipeline.sources import conclude

        conclude(source)
    for told in unused_notices(finished.record.waivers):
        options.notice(told)
    return finished


def _gathered(resolved: Resolved, dataset: Dataset, options: RunOptions, reports: Path) -> Source:
    from evalgate.pipeline.gather import Stage, gather
    from evalgate.pipeline.sources import source_of

    settings = resolved.settings
    # Paid answers must have a place to be judged in: better refused now than after the calls.
    check_writable(options.out or reports, own=options.out is not None)
    source = source_of(settings, _identity(resolved, dataset), reports if options.out is None else options.out)
    how = (resolved.arms(), resolved.prompts, settings.samples)
    outputs = 2 * settings.samples * dataset.rows
    stages = [Stage(lambda recording: asks_of(gate_cases(resolved, dataset), *how), outputs)]
    if resolved.judges:
        judges = resolved.judges
        asks = lambda recording: judge_asks(gate_cases(resolved, dataset), how, judges, recording)  # noqa: E731
        stages.append(Stage(asks, outputs * len(judges)))
    return gather(source, settings, stages, options.answering)


def _identity(resolved: Resolved, dataset: Dataset) -> dict[str, Any]:
    settings = resolved.settings
    models = {alias: [m.provider, m.name, m.endpoint, dict(m.parameters)] for alias, m in settings.models.items()}
    reached = {alias: [u.base_url, list(u.command), u.function] for alias, u in settings.upstreams.items()}
    prompts = {arm: prompt.digest for arm, prompt in resolved.prompts.items()}
    if resolved.judges:
        prompts |= {f"judge {name}": stage.prompt.digest for name, stage in resolved.judges.items()}
    samples = settings.samples
    return {"dataset": dataset.digest, "models": models, "reached": reached, "prompts": prompts, "samples": samples}
