"""`evalgate detectors measure`: one detector against outputs that people have labelled."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from evalgate import __version__
from evalgate.config.arguments import parse_detector_argument
from evalgate.core.canonical import digest, pretty_json
from evalgate.core.detector_card import DetectorCard, LabelledData, Tally
from evalgate.core.errors import BadInput
from evalgate.core.labelled import LabelledOutput
from evalgate.core.plugins import suggestion
from evalgate.core.values import Finding
from evalgate.golden.labelled_outputs import LabelledColumns, LabelledFile
from evalgate.pipeline.detector_cards import card_document, save_card
from evalgate.report.detector_table import card_lines
from evalgate.runner.findings import case_findings, worst_rank
from evalgate.runner.watch import Watch
from evalgate.safety.catalog import make_detector
from evalgate.safety.interface import Detector
from evalgate.safety.span_matching import SpanCount


@dataclass(frozen=True, slots=True)
class Measurement:
    """What to measure, on what."""

    detector: str
    """`NAME` or `NAME:KEY=VALUE,…`."""
    data: Path
    text_field: str | None = None
    label_field: str | None = None
    spans_field: str | None = None
    violating: tuple[str, ...] = ()
    """Labels that mean a violation; none: labels are true and false."""
    mapping: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    """Labelled type → rules of the detector."""
    types: tuple[str, ...] = ()
    """Only these labelled types; none: all."""
    confidence: float = 0.95
    name: str | None = None
    """What the data is called on the card; None: the name of its file."""


@dataclass(frozen=True, slots=True)
class Measured:
    """A card, and what its reader should know beside it."""

    card: DetectorCard
    notes: tuple[str, ...]


def measure_detector(wanted: Measurement, out: Path | None = None) -> Measured:
    """Hold one detector against labelled outputs.

    Raises: BadInput when the detector is unknown, a parameter wrong, or the data cannot be used; Incomplete when the detector
        cannot look: it cannot be loaded, fails, hangs, or gives what is no finding.
    Side effects: writes the card to `out`.
    """
    if not 0.5 <= wanted.confidence < 1:
        raise BadInput(f"confidence {wanted.confidence} is not from 0.5 to below 1", where="--confidence", hint="0.95, say")
    detector = make_detector(parse_detector_argument(wanted.detector))
    labelled = LabelledFile(wanted.data, _columns(wanted))
    if labelled.unit == "spans":
        total, rules, undecided, notes = _spans(detector, labelled, wanted)
    else:
        if wanted.mapping or wanted.types:
            raise BadInput("are for labelled spans, and the file labels whole outputs", where="--map, --types")
        total, rules, undecided, notes = _outputs(detector, labelled)
    spec = detector.spec
    card = DetectorCard(
        category=spec.category,
        detector=spec.name,
        version=spec.version,
        signature=spec.signature,
        unit=labelled.unit,
        data=LabelledData(wanted.name or wanted.data.name, labelled.digest, _counted(labelled, total, undecided)),
        total=total,
        rules=rules,
        undecided=undecided,
        confidence=wanted.confidence,
        engine=__version__,
    )
    if out is not None:
        save_card(out, card)
    return Measured(card, tuple(notes))


def card_text(card: DetectorCard) -> str:
    """A card as its file has it."""
    return pretty_json(card_document(card))


def card_table(card: DetectorCard) -> list[str]:
    """A card as lines for a terminal."""
    return card_lines(card_document(card))


def read_mapping(entries: Sequence[str]) -> dict[str, tuple[str, ...]]:
    """`TYPE=rule,rule` of the command line.

    Raises: BadInput for what is not of this form, or a type given twice.
    """
    mapping: dict[str, tuple[str, ...]] = {}
    for entry in entries:
        kind, equals, rest = entry.partition("=")
        rules = tuple(rule.strip() for rule in rest.split(","))
        where = f"--map {entry[:80]!r}"
        if not equals or not kind.strip() or not all(rules) or any("=" in rule for rule in rules):
            hint = "--map EMAIL_ADDRESS=email, once for each type"
            raise BadInput("is not TYPE=RULE[,RULE…]", where=where, hint=hint)
        if kind.strip() in mapping:
            raise BadInput(f"{kind.strip()} is mapped twice", where=where, hint="name all its rules in one --map")
        mapping[kind.strip()] = tuple(dict.fromkeys(rules))
    return mapping


def _columns(wanted: Measurement) -> LabelledColumns:
    return LabelledColumns(wanted.text_field, wanted.label_field, wanted.spans_field, wanted.violating)


def _looked(detector: Detector, entries: Iterable[LabelledOutput]) -> Iterator[tuple[LabelledOutput, tuple[Finding, ...]]]:
    with Watch() as watch:
        for entry in entries:
            yield entry, case_findings(detector, (entry.output,), entry.case, watch)


def _distinct(labelled: LabelledFile) -> Iterator[LabelledOutput]:
    """The first row of each output to a case; a detector may read every column, so that only rows that differ in nothing but
    their ids are copies.

    Raises: BadInput naming both rows when copies are labelled differently.
    """
    first: dict[str, tuple[bool | None, str]] = {}
    for entry in labelled:
        key = digest([entry.output.text, dict(entry.case.inputs)])
        if key not in first:
            first[key] = (entry.violating, entry.case.place)
            yield entry
        elif first[key][0] != entry.violating:
            said = f"the same output is labelled otherwise in {first[key][1]}"
            raise BadInput(said, where=entry.case.place, hint="decide on one label, and leave one of the rows out")


def _counted(labelled: LabelledFile, total: Tally, undecided: int) -> int:
    """Outputs that the counts of a card are of: those with a label each without copies, those with spans all."""
    if total.clean is None:
        return labelled.outputs
    return total.found + total.false_alarms + total.missed + total.clean + undecided


def _outputs(detector: Detector, labelled: LabelledFile) -> tuple[Tally, dict[str, Tally], int, list[str]]:
    counts = {(alarm, truth): 0 for alarm in (True, False) for truth in (True, False)}
    undecided = 0
    for entry, findings in _looked(detector, _distinct(labelled)):
        alarm = worst_rank(findings) > 0
        if not alarm and worst_rank(findings, undecided=True) > 0:
            undecided += 1
        else:
            counts[alarm, bool(entry.violating)] += 1
    tally = Tally(counts[True, True], counts[True, False], counts[False, True], counts[False, False])
    copies = labelled.outputs - _counted(labelled, tally, undecided)
    said = f"{copies} of {labelled.outputs} labelled outputs are copies of others; each is counted once"
    return tally, {}, undecided, [said] if copies else []


def _spans(detector: Detector, labelled: LabelledFile, wanted: Measurement) -> tuple[Tally, dict[str, Tally], int, list[str]]:
    count = SpanCount(wanted.mapping, frozenset(wanted.types))
    undecided = 0
    for entry, findings in _looked(detector, labelled):
        if any(finding.undecided for finding in findings):
            undecided += 1
        else:
            count.add(entry.spans or (), findings)
    _require_seen(count, wanted)
    return count.total(), count.tallies(), undecided, _notes(count)


def _require_seen(count: SpanCount, wanted: Measurement) -> None:
    """A type that nothing is labelled with was misspelt, and would leave its spans to the others."""
    for option, kinds in (("--types", wanted.types), ("--map", tuple(wanted.mapping))):
        for kind in kinds:
            if kind not in count.types_seen:
                hint = suggestion(kind, sorted(count.types_seen))
                raise BadInput(f"no span is labelled {kind!r}", where=option, hint=hint)


def _notes(count: SpanCount) -> list[str]:
    """What may be a misspelt or a forgotten mapping."""
    kinds = sorted(count.types or count.types_seen)
    looked_for = {rule for kind in kinds for rule in count.rules_of(kind)}
    silent = sorted(looked_for - count.rules_seen)
    unclaimed = sorted(count.rules_seen - looked_for)
    notes = [f"rules that found nothing: {', '.join(silent)} (is --map TYPE=RULE missing?)"] if silent else []
    if unclaimed:
        counted = "are in no figure" if count.types else "are false alarms"
        notes.append(f"findings of rules that no labelled type is mapped to {counted}: {', '.join(unclaimed)}")
    return notes
