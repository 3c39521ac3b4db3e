"""`evalgate prompt diff`."""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

from evalgate.core.canonical import pretty_json
from evalgate.core.credentials import without_secrets


def handle(options: argparse.Namespace) -> int:
    """Compare two prompts; 0 when the comparison was made, whatever it shows."""
    from evalgate.pipeline.prompt_diff import diff_prompts
    from evalgate.pipeline.prompt_show import diff_document, diff_lines, render_prompt_diff

    changes = diff_prompts(options.before, options.after, Path(), dataset=options.dataset, cases=options.cases)
    try:
        if options.json:
            sys.stdout.write(without_secrets(pretty_json(diff_document(changes))))
        elif options.markdown:
            sys.stdout.write(without_secrets(render_prompt_diff(changes)))
        if not options.quiet and not options.markdown:
            for line in diff_lines(changes):
                print(without_secrets(line), file=sys.stderr if options.json else sys.stdout)
    except (BrokenPipeError, OSError):
        pass  # the reader went away; the comparison was made
    return 0
