"""`evalgate prompt render`."""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

from evalgate.core.canonical import pretty_json
from evalgate.core.visible import terminal, terminal_line


def handle(options: argparse.Namespace) -> int:
    """Show the messages of a prompt; hidden characters are shown by their code point, except with --json."""
    from evalgate.pipeline.prompt_render import Given, render_prompt

    given = Given(options.inputs, options.case, tuple(options.input))
    rendered = render_prompt(options.prompt, given, Path.cwd())
    if options.json:
        sys.stdout.write(pretty_json(rendered.document()))
        return 0
    for message in rendered.messages:
        print(f"[{terminal_line(message.role)}]")
        print(terminal(message.content), end="\n\n")
    if not options.quiet:
        prompt = rendered.prompt
        line = f"{prompt.reference}: {prompt.format}, {len(rendered.messages)} messages, {prompt.digest}"
        print(terminal_line(line), file=sys.stderr)
    return 0
