"""`evalgate prompt render`."""

from __future__ import annotations

import argparse
from pathlib import Path

from evalgate.cli.output import tell, tell_lines
from evalgate.core.canonical import pretty_json
from evalgate.core.visible import terminal, terminal_line


def handle(options: argparse.Namespace) -> int:
    """Show the messages of a prompt; hidden characters are shown by their code point, except with --json."""
    from evalgate.pipeline.prompt_render import Given, render_prompt

    given = Given(options.inputs, options.case, tuple(options.input))
    rendered = render_prompt(options.prompt, given, Path.cwd())
    if options.json:
        return tell(0, pretty_json(rendered.document()), None, product=True)
    said = [f"[{terminal_line(message.role)}]\n{terminal(message.content)}\n\n" for message in rendered.messages]
    prompt = rendered.prompt
    line = f"{prompt.reference}: {prompt.format}, {len(rendered.messages)} messages, {prompt.digest}"
    return tell_lines(0, [] if options.quiet else [terminal_line(line)], "".join(said), product=True)
