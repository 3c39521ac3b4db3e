"""Snapshots of rendered prompts: Markdown that a reviewer reads, with a digest that decides."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping

from evalgate.core.canonical import digest
from evalgate.core.errors import BadInput
from evalgate.core.visible import shown
from evalgate.prompts.values import Message

FOLDER = "__snapshots__"
ENDING = ".snap.md"
_HEADER = "<!-- Rendered prompts, written by `evalgate prompt test --update`. Review changes; do not edit. -->"
_FENCE = re.compile(r"`{3,}")
_RUN = re.compile(r"`+")


def section_text(messages: Iterable[Message]) -> str:
    """The messages of one case as they stand in a snapshot.

    Hidden characters are shown by their code point, so the digest above the messages decides, not their look.
    """
    told = list(messages)
    identity = digest([{"role": message.role, "content": message.content} for message in told])
    blocks = [f"<!-- {identity} -->"]
    for message in told:
        content = shown(message.content)
        longest = max((len(run) for run in _RUN.findall(content)), default=0)
        fence = "`" * max(3, longest + 1)
        blocks.append(f"**{message.role}**\n\n{fence}text\n{content}\n{fence}")
    return "\n\n".join(blocks)


def snapshot_text(sections: Mapping[str, str]) -> str:
    """A whole snapshot file: the section of every case under its name."""
    return "\n\n".join([_HEADER, *(f"## {name}\n\n{section}" for name, section in sections.items())]) + "\n"


def parse_snapshot(text: str, where: str) -> dict[str, str]:
    """The sections of a snapshot file by the names of their cases. Line ends that Git converted do not matter.

    Raises: BadInput for a file that is no snapshot, or has two sections of one name (a merge that went wrong).
    """
    hint = "write it anew: evalgate prompt test --update"
    lines = text.replace("\r\n", "\n").split("\n")
    if lines[0] != _HEADER:
        raise BadInput("this is no snapshot, or another version of evalgate wrote it", where=f"{where}:1", hint=hint)
    sections: dict[str, list[str]] = {}
    current: list[str] | None = None
    fence = ""
    for number, line in enumerate(lines[1:], start=2):
        if not fence and line.startswith("## "):
            name = line[3:]
            if name in sections:
                raise BadInput(f"two sections are named {name!r}", where=f"{where}:{number}", hint=hint)
            current = sections.setdefault(name, [])
            continue
        if fence:
            fence = "" if line == fence else fence
        elif found := _FENCE.match(line):
            fence = found.group()
        if current is not None:
            current.append(line)
    return {name: "\n".join(body).strip("\n") for name, body in sections.items()}
