"""`evalgate detectors measure`."""

from __future__ import annotations

import argparse
from pathlib import Path

from evalgate.cli.judge_measure import handle as measure_judge
from evalgate.cli.output import say, tell_lines
from evalgate.core.errors import BadInput


def handle(options: argparse.Namespace) -> int:
    """Measure a detector; 0 when it was measured, however good it is."""
    if options.config is not None:
        return measure_judge(options)
    if options.detector is None:
        raise BadInput("no detector is named", where="detectors measure", hint="name one, or a judge: --config, --category")
    if options.category is not None or options.mode != "replay":
        raise BadInput("are for a judge", where="--category, --mode", hint="name its gate with --config")
    from evalgate.pipeline.detectors_measure import Measurement, card_table, card_text, measure_detector, read_mapping

    wanted = Measurement(
        detector=options.detector,
        data=Path(options.data),
        text_field=options.text_field,
        label_field=options.label_field,
        spans_field=options.spans_field,
        violating=options.violating,
        mapping=read_mapping(options.map),
        types=options.types,
        confidence=options.confidence,
        name=options.data_name,
    )
    measured = measure_detector(wanted, Path(options.out) if options.out is not None else None)
    lines = [] if options.quiet else card_table(measured.card)
    code = tell_lines(0, lines, card_text(measured.card) if options.json else None, product=options.out is None)
    for note in measured.notes:
        say(note)
    return code
