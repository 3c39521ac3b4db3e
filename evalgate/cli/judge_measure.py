"""`evalgate detectors measure --config`: the calibration card of a model as judge."""

from __future__ import annotations

import argparse
from pathlib import Path

from evalgate.cli.output import progress, say, tell_lines
from evalgate.core.errors import BadInput


def handle(options: argparse.Namespace) -> int:
    """Measure a judge; 0 when it was measured, however well it agrees."""
    from evalgate.core.canonical import pretty_json
    from evalgate.pipeline.judge_cards import judge_card_document
    from evalgate.pipeline.judge_measure import JudgeMeasurement, measure_judge
    from evalgate.report.detector_table import card_lines

    _refuse_other_options(options)
    wanted = JudgeMeasurement(
        config=Path(options.config),
        category=options.category,
        data=Path(options.data),
        mode=options.mode,
        confidence=options.confidence,
        name=options.data_name,
    )
    with progress(options) as update:
        card = measure_judge(wanted, Path(options.out) if options.out is not None else None, update.answering, say)
    document = judge_card_document(card)
    lines = [] if options.quiet else card_lines(document)
    return tell_lines(0, lines, pretty_json(document) if options.json else None, product=options.out is None)


def _refuse_other_options(options: argparse.Namespace) -> None:
    """What is said of other detectors does not apply: a judge's columns are `output` and `label`, its labels its own."""
    given = {
        "NAME": options.detector,
        "--map": options.map,
        "--types": options.types,
        "--violating": options.violating,
        "--text-field": options.text_field,
        "--label-field": options.label_field,
        "--spans-field": options.spans_field,
    }
    unused = [name for name, value in given.items() if value]
    if unused:
        raise BadInput("a judge is measured as its gate says", where=", ".join(unused), hint="leave it away")
    if options.category is None:
        raise BadInput("no category is named", where="--category", hint="name the category that the judge judges")
