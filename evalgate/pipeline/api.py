"""The Python API: the same judgement as the command line, returned as values."""

from __future__ import annotations

import shutil
import tempfile
import weakref
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from evalgate.core.progress import Watching, unheard, unwatched
from evalgate.core.settings import ExecutionChoice, FindingsChoice, PluginChoice, Threshold
from evalgate.core.verdict import Verdict
from evalgate.pipeline.evaluate import Finished

if TYPE_CHECKING:
    import pandas as pd

    from evalgate.runner.tally import Progress


class RunResult:
    """A finished run: the verdict as values, and every case as a table."""

    def __init__(self, finished: Finished, temporary: str | None = None):
        self._finished = finished
        if temporary is not None:
            weakref.finalize(self, shutil.rmtree, temporary, True)

    @property
    def verdict(self) -> Verdict:
        """The verdict with all results, thresholds and slices."""
        return self._finished.record.verdict

    @property
    def exit_code(self) -> int:
        """What the command line would have exited with: 0 only for PASS."""
        return int(self.verdict.exit_code)

    @property
    def document(self) -> Mapping[str, Any]:
        """The content of verdict.json."""
        return self._finished.record.document

    @property
    def folder(self) -> Path:
        """The run folder; for `compare` without `out` it lives as long as this object."""
        return self._finished.folder

    @property
    def profile(self) -> Mapping[str, Any] | None:
        """Where the time went (the content of profile.json), if it was asked for."""
        return self._finished.profile

    @property
    def finished(self) -> Finished:
        """The record that reports are made from."""
        return self._finished

    def cases(self) -> pd.DataFrame:
        """One row per case: outputs, scores of both variants, slices, findings, and how it moved."""
        from evalgate.report.frame import cases_frame

        return cases_frame(self._finished.reader.everything())


def run(
    config: str | Path,
    *,
    mode: str | None = None,
    out: str | Path | None = None,
    jobs: int | None = None,
    backend: str | None = None,
    address: str | None = None,
    storage: str | None = None,
    fresh: bool = False,
    profile: bool = False,
    progress: Watching | None = None,
    answering: Watching | None = None,
    working: Callable[[str], None] | None = None,
    notice: Callable[[str], None] | None = None,
) -> RunResult:
    """Run a gate, as `evalgate run CONFIG` does.

    `backend`, `address`, `storage` and `jobs` decide which workers do the work, before what the configuration says; none of
    them changes a result. `progress` and `answering` are told again and again how far the run is, `working` how the work is
    done, `notice` what else the user should hear. `profile` writes into `profile.json` where the time went.

    Raises: EvalgateError (its `exit_code` says which kind) when there is no verdict; a FAIL is a result, not an error.
    """
    from evalgate.pipeline.run import RunOptions, run_gate

    place = Path(out) if out is not None else None
    execution = ExecutionChoice(backend, address, storage, jobs)
    options = RunOptions(mode, place, execution, fresh, answering or unwatched, notice or unheard)
    return RunResult(run_gate(Path(config), options, _progress(progress, working, profile)))


def compare(
    baseline: str | Path,
    candidate: str | Path,
    *,
    references: str | Path | Sequence[str | Path] = (),
    metrics: Sequence[str | PluginChoice] = (),
    safety: Sequence[str | PluginChoice] = (),
    thresholds: Sequence[str | Threshold] = (),
    out: str | Path | None = None,
    jobs: int | None = None,
    backend: str | None = None,
    address: str | None = None,
    storage: str | None = None,
    fresh: bool = False,
    profile: bool = False,
    progress: Watching | None = None,
    working: Callable[[str], None] | None = None,
    id_field: str = "id",
    output_field: str = "output",
    reference_field: str = "reference",
    slices: Sequence[str] = (),
    group: str | None = None,
    confidence: float = 0.95,
    seed: int = 0,
    resamples: int | None = None,
    waivers: str | Path | None = None,
    show_findings: bool = False,
    notice: Callable[[str], None] | None = None,
) -> RunResult:
    """Judge outputs that already exist, as `evalgate compare` does: two files, or the folders of two finished runs.

    Metrics, safety and thresholds are written as on the command line (`"exact_match:normalize=squad"`,
    `"rougeL:min_improvement=5%"`) or given as values.

    Raises: EvalgateError when there is no verdict.
    """
    from evalgate.config.arguments import parse_metric_argument, parse_safety_argument, parse_threshold_argument
    from evalgate.golden.outputs import Columns
    from evalgate.pipeline.compare import Comparison

    several = [references] if isinstance(references, (str, Path)) else references
    comparison = Comparison(
        Path(baseline),
        Path(candidate),
        tuple(Path(path) for path in several),
        metrics=tuple(m if isinstance(m, PluginChoice) else parse_metric_argument(m) for m in metrics),
        safety=tuple(s if isinstance(s, PluginChoice) else parse_safety_argument(s) for s in safety),
        thresholds=tuple(t if isinstance(t, Threshold) else parse_threshold_argument(t) for t in thresholds),
        columns=Columns(id_field, output_field, reference_field),
        slices=tuple(slices),
        group=group,
        confidence=confidence,
        seed=seed,
        resamples=resamples,
        fresh=fresh,
        findings=FindingsChoice(shown=show_findings, waivers=None if waivers is None else str(waivers), place="--waivers"),
    )
    place = Path(out) if out is not None else None
    execution = ExecutionChoice(backend, address, storage, jobs)
    return compared(comparison, place, execution, _progress(progress, working, profile), notice or unheard)


def compared(
    comparison: Any,
    out: Path | None,
    execution: ExecutionChoice,
    progress: Progress,
    notice: Callable[[str], None] | None = None,
) -> RunResult:
    """Run a comparison in `out`, or in a temporary folder that lives as long as the result."""
    from evalgate.pipeline.compare import compare_outputs
    from evalgate.pipeline.workers import workers_of

    workers = workers_of(execution)
    if out is not None:
        return RunResult(compare_outputs(comparison, out, workers, progress, kept=True, notice=notice))
    temporary = tempfile.mkdtemp(prefix="evalgate-")
    try:
        place = Path(temporary, "compare")
        return RunResult(compare_outputs(comparison, place, workers, progress, notice=notice), temporary)
    except BaseException:
        shutil.rmtree(temporary, ignore_errors=True)
        raise


def _progress(cases: Watching | None, working: Callable[[str], None] | None, profile: bool) -> Progress:
    from evalgate.runner.tally import Progress

    return Progress(cases or unwatched, working or unheard, profile=profile)
