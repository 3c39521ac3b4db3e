"""`evalgate detectors measure --config`: how often a model as judge agrees with people, written to its calibration card."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from pathlib import Path

from evalgate import __version__
from evalgate.config.load import load_settings
from evalgate.core.detector_card import DetectorCard, LabelledData, Tally
from evalgate.core.errors import BadInput
from evalgate.core.labelled import LabelledOutput
from evalgate.core.plugins import suggestion
from evalgate.core.progress import Watching, unwatched
from evalgate.core.settings import GateSettings
from evalgate.core.values import Case
from evalgate.golden.labelled_outputs import LABEL, OUTPUT, LabelledColumns, LabelledFile
from evalgate.pipeline.arm_tasks import project_path
from evalgate.pipeline.judge_cards import UNIT, save_judge_card
from evalgate.pipeline.judge_stage import JudgeStage, metric_judge, resolve_judges
from evalgate.pipeline.misses import explained
from evalgate.proxy.nearest import Miss
from evalgate.proxy.recording import Recording, open_recording
from evalgate.proxy.replay import Ask
from evalgate.proxy.request import request_key
from evalgate.runner.findings import case_findings, worst_rank
from evalgate.runner.judgements import REFERENCE, judge_ask, judged
from evalgate.runner.receipt import Unanswered

PERSON = "labelled"
"""Stands for the variant in messages: what is judged here is no variant's answer."""
SHOWN_MISSES = 10


@dataclass(frozen=True, slots=True)
class JudgeMeasurement:
    """Which judge to hold against which labels."""

    config: Path
    category: str
    data: Path
    mode: str = "replay"
    """`replay`: everything is recorded; `record`: what is missing is asked for and added to the gate's recording."""
    confidence: float = 0.95
    name: str | None = None
    """What the data is called on the card; None: its path in the project."""


def measure_judge(
    wanted: JudgeMeasurement,
    out: Path | None = None,
    answering: Watching = unwatched,
    notice: Callable[[str], None] = lambda text: None,
) -> DetectorCard:
    """Ask a judge about outputs that people have labelled with its own labels, and count who agrees with whom.

    What is asked in the same words counts once: copies are no further evidence. `notice` is told how many were left out.

    Raises: BadInput when the gate has no such judge, a row cannot be used, or people contradict each other; Incomplete when an
        answer is not recorded.
    Side effects: in the mode `record` calls the judge's model and writes the gate's recording; writes the card to `out`.
    """
    if not 0.5 <= wanted.confidence < 1:
        raise BadInput(f"confidence {wanted.confidence} is not from 0.5 to below 1", where="--confidence", hint="0.95, say")
    settings = load_settings(wanted.config)
    settings = replace(settings, proxy=replace(settings.proxy, mode=wanted.mode))
    stage = judge_of(settings, wanted.config, wanted.category)
    labelled = LabelledFile(wanted.data, LabelledColumns(OUTPUT, LABEL, None, stage.detector.violating))
    every = [_checked(row, stage) for row in labelled]
    rows = _distinct(every, stage)
    if len(rows) < len(every):
        notice(
            f"{len(every) - len(rows)} of {len(every)} labelled outputs ask the judge what others ask too; each is counted once"
        )
    recording = _answered(settings, stage, rows, answering)
    tally, undecided = _counted(stage, rows, recording, wanted)
    shown = wanted.name or project_path(wanted.data, settings.root)
    card = DetectorCard(
        category=stage.name,
        detector=stage.detector.spec.name,
        version=stage.detector.spec.version,
        signature=stage.detector.spec.signature,
        unit=UNIT,
        data=LabelledData(shown, labelled.digest, len(rows)),
        total=tally,
        rules={},
        undecided=undecided,
        binding=stage.binding,
        confidence=wanted.confidence,
        engine=__version__,
    )
    if out is not None:
        save_judge_card(out, card)
    return card


def judge_of(settings: GateSettings, config: Path, category: str) -> JudgeStage:
    """The judge of a category, or else of a metric of that name, without its card.

    Raises: BadInput when there is none, or when it is one of a metric with more than two labels.
    """
    judges = resolve_judges(settings, config.parent, None, cards=False)
    scoring = judges.get(metric_judge(category))
    if category not in judges and scoring is not None:
        if not scoring.alike:
            said = f"the judge of {category} tells more than two labels apart, and a calibration card holds two"
            raise BadInput(said, where="--category", hint="give it scores for two labels")
        return scoring
    if category not in judges:
        hint = suggestion(category, list(judges)) if judges else "name one under safety: judge: {prompt: …, model: …}"
        raise BadInput(f"{config} has no judge of {category!r}", where="--category", hint=hint)
    return judges[category]


def calibration_asks(stage: JudgeStage, data: Path) -> Iterator[Ask]:
    """What a judge was asked for its calibration.

    Raises: BadInput when the labelled data cannot be read, or is not what the judge's card was measured on.
    """
    labelled = LabelledFile(data, LabelledColumns(OUTPUT, LABEL, None, stage.detector.violating))
    for row in labelled:
        yield _ask(stage, _checked(row, stage))
    if stage.card is not None and stage.card.data.digest != labelled.digest:
        said = f"the labelled data behind the card of the judge of {stage.name} has changed since it was measured"
        raise BadInput(said, where=str(data), hint="put it back, or measure the judge again; its answers would look unneeded")


def _ask(stage: JudgeStage, row: LabelledOutput) -> Ask:
    return judge_ask((stage.name, stage.task, stage.prompt), row.case, PERSON, row.output)


def _checked(row: LabelledOutput, stage: JudgeStage) -> LabelledOutput:
    """A row whose label is one of the judge's, with the inputs as a case of the gate would have them."""
    label = str(row.case.fields[LABEL]).strip().casefold()
    if label not in {known.casefold() for known in stage.detector.labels}:
        hint = f"people label with the judge's own labels: {', '.join(stage.detector.labels)}"
        raise BadInput(f"label {str(row.case.fields[LABEL])[:80]!r} is none of the judge's", where=row.case.place, hint=hint)
    inputs = {name: value for name, value in row.case.inputs.items() if name != REFERENCE}
    case = Case(row.case.id, row.case.fields, inputs, row.case.references, {}, place=row.case.place)
    return replace(row, case=case)


def _distinct(rows: list[LabelledOutput], stage: JudgeStage) -> list[LabelledOutput]:
    """The first row of each request.

    Raises: BadInput naming both rows when people labelled the same request differently.
    """
    first: dict[str, LabelledOutput] = {}
    for row in rows:
        known = first.setdefault(request_key(_ask(stage, row).request()), row)
        if known.violating != row.violating:
            said = f"the same output is labelled otherwise in {known.case.place}"
            raise BadInput(said, where=row.case.place, hint="decide on one label, and leave one of the rows out")
    return list(first.values())


def _answered(settings: GateSettings, stage: JudgeStage, rows: list[LabelledOutput], answering: Watching) -> Recording:
    """The recording, once it answers everything that is asked here, as far as the mode allows to ask."""
    from evalgate.pipeline.gather import Stage, gather
    from evalgate.pipeline.sources import source_of

    source = source_of(settings, {}, settings.root)
    asked = Stage(lambda recording: (_ask(stage, row) for row in rows), len(rows))
    source = gather(source, settings, [asked], answering)
    return open_recording(source.folder, source.name, may_be_empty=True)


def _counted(stage: JudgeStage, rows: list[LabelledOutput], recording: Recording, wanted: JudgeMeasurement) -> tuple[Tally, int]:
    counts = {(alarm, truth): 0 for alarm in (True, False) for truth in (True, False)}
    misses: list[Miss] = []
    undecided = 0
    for row in rows:
        outputs = judged(
            row.case, PERSON, (row.output,), {stage.detector.spec.category: (stage.task, stage.prompt)}, recording, misses
        )
        findings = case_findings(stage.detector, outputs, row.case)
        if worst_rank(findings, undecided=True):
            undecided += 1
        else:
            counts[worst_rank(findings) > 0, bool(row.violating)] += 1
    if misses:
        command = f"evalgate detectors measure --config {wanted.config} --category {stage.name} --data {wanted.data}"
        raise explained(Unanswered(len(misses), tuple(misses[:SHOWN_MISSES])), recording, command)
    return Tally(counts[True, True], counts[True, False], counts[False, True], counts[False, False]), undecided
