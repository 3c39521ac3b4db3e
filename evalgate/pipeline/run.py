"""`evalgate run`: execute a gate from its configuration."""

from __future__ import annotations

import shutil
from dataclasses import dataclass, field
from pathlib import Path

from evalgate.core.values import Output
from evalgate.pipeline.evaluate import Finished, check_slices, evaluate
from evalgate.pipeline.subject import gate_cases, prove_dataset, resolve, subject_of
from evalgate.pipeline.workspace import opened
from evalgate.runner.execute import Progress, Workers


@dataclass(frozen=True, slots=True)
class RunOptions:
    """Where and how many; never what."""

    mode: str | None = None
    out: Path | None = None
    """Exact run folder; None: `reports/<gate>/<run-id>/` of the project."""
    workers: Workers = field(default_factory=Workers)
    fresh: bool = False


def run_gate(config: Path, options: RunOptions, progress: Progress) -> Finished:
    """Run a gate and write its evidence.

    Raises: BadInput before anything is written, Incomplete when the evidence is not complete.
    Side effects: writes the run folder.
    """
    resolved = resolve(config, options.mode)
    dataset = prove_dataset(resolved.card)
    check_slices(resolved.settings, dataset.slices)
    subject = subject_of(resolved, dataset)
    folder = options.out or resolved.settings.root / "reports" / subject.settings.gate / subject.run_id
    with opened(folder, dict(subject.plan), fresh=options.fresh):
        no_outputs_yet: dict[str, tuple[Output, ...]] = {}
        lines = ((case, no_outputs_yet) for case in gate_cases(resolved, dataset))
        finished = evaluate(subject, lines, folder, options.workers, progress)
        shutil.rmtree(folder / "work", ignore_errors=True)
    return finished
