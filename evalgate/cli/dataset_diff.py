"""`evalgate dataset diff`."""

from __future__ import annotations

import argparse
from functools import partial
from pathlib import Path

from evalgate.cli.output import tell
from evalgate.core.canonical import pretty_json


def handle(options: argparse.Namespace) -> int:
    """Compare two versions of a golden dataset; a difference is no fault."""
    from evalgate.pipeline.dataset_diff import check_version, dataset_diff, markdown_diff, print_diff

    document = dataset_diff(options.before, options.after, Path.cwd(), options.limit)
    if options.json and options.check:
        # One document on stdout: the refusal, when there is one.
        check_version(document)
    text = pretty_json(document) if options.json else markdown_diff(document) if options.markdown else None
    summary = None if options.quiet or text is not None else partial(print_diff, document)
    code = tell(0, text, summary, product=not options.check)
    if options.check:
        check_version(document)
    return code
