"""`evalgate prompt diff`."""

from __future__ import annotations

import argparse
from pathlib import Path

from evalgate.cli.output import tell_lines
from evalgate.core.canonical import pretty_json
from evalgate.core.credentials import without_secrets


def handle(options: argparse.Namespace) -> int:
    """Compare two prompts; 0 when the comparison was made, whatever it shows."""
    from evalgate.pipeline.prompt_diff import diff_prompts
    from evalgate.pipeline.prompt_show import diff_document, diff_lines, render_prompt_diff

    changes = diff_prompts(options.before, options.after, Path(), dataset=options.dataset, cases=options.cases)
    text = None
    if options.json:
        text = without_secrets(pretty_json(diff_document(changes)))
    elif options.markdown:
        text = without_secrets(render_prompt_diff(changes))
    lines = [] if options.quiet or options.markdown else [without_secrets(line) for line in diff_lines(changes)]
    return tell_lines(0, lines, text, product=True)
