"""`evalgate dataset diff`."""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

from evalgate.core.canonical import pretty_json


def handle(options: argparse.Namespace) -> int:
    """Compare two versions of a golden dataset; a difference is no fault."""
    from evalgate.pipeline.dataset_diff import check_version, dataset_diff, markdown_diff, print_diff

    document = dataset_diff(options.before, options.after, Path.cwd(), options.limit)
    if options.json and options.check:
        # One document on stdout: the refusal, when there is one.
        check_version(document)
    if options.json:
        sys.stdout.write(pretty_json(document))
    elif options.markdown:
        sys.stdout.write(markdown_diff(document))
    elif not options.quiet:
        print_diff(document, sys.stdout)
    if options.check:
        check_version(document)
    return 0
