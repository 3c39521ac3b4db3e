"""Prompts that a `promptfooconfig.yaml` names: which file or text is meant by `promptfoo://CONFIG#LABEL`. No code is read.

Source: https://www.promptfoo.dev/docs/configuration/prompts/
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from evalgate.core.document import Document
from evalgate.core.errors import BadInput

SCHEME = "promptfoo://"
FILE = "file://"
CODE = (".js", ".cjs", ".mjs", ".ts", ".cts", ".mts", ".py", ".rb", ".go", ".sh", ".exe", ".bat")


@dataclass(frozen=True, slots=True)
class Chosen:
    """One entry of `prompts:`."""

    file: str | None
    """Path from the folder of the configuration; None for a text."""
    text: Any
    """The prompt itself, where it is no file: a text, or a list of messages."""
    label: str
    place: str


def split_reference(reference: str) -> tuple[str, str]:
    """Path of the configuration, and which of its prompts: a label, an id, a number from 1, or empty."""
    path, _, which = reference.removeprefix(SCHEME).partition("#")
    return path, which


def choose_prompt(document: Document, which: str) -> tuple[Chosen, int]:
    """The entry that is meant, and its place in the list; without a name, the only one.

    Raises: BadInput when there is no such entry, when it is code, or a pattern for several files.
    """
    given = document.value.get("prompts") if isinstance(document.value, dict) else None
    listed = [given] if isinstance(given, (str, Mapping)) else given
    if not isinstance(listed, list) or not listed:
        raise BadInput("there are no prompts in it", where=document.place("prompts"), hint="prompts: [file://prompt.txt]")
    entries = [_entry(item, document.place("prompts", index)) for index, item in enumerate(listed)]
    labels = [entry.label for entry in entries]
    if which in labels and which:
        if labels.count(which) > 1:
            raise BadInput(f"several prompts are called {which!r}", where=document.place("prompts"), hint="name it by its number")
        return _checked(entries[labels.index(which)]), labels.index(which)
    if which.isdecimal() and 1 <= int(which[:9]) <= len(entries):
        return _checked(entries[int(which[:9]) - 1]), int(which[:9]) - 1
    if not which and len(entries) == 1:
        return _checked(entries[0]), 0
    names = ", ".join(f"#{entry.label or number}" for number, entry in enumerate(entries[:20], start=1))
    said = f"there is no prompt {which!r}" if which else f"there are {len(entries)} prompts"
    raise BadInput(said, where=document.place("prompts"), hint=f"add one of {names} to the reference")


def promptfoo_samples(document: Document) -> tuple[Mapping[str, Any], ...]:
    """The variables of `tests:` that stand in the configuration itself."""
    tests = document.value.get("tests") if isinstance(document.value, dict) else None
    rows = tests if isinstance(tests, list) else []
    found = [row["vars"] for row in rows if isinstance(row, dict) and isinstance(row.get("vars"), dict)]
    return tuple(row for row in found if not any(isinstance(item, str) and item.startswith(FILE) for item in row.values()))


def _entry(item: Any, place: str) -> Chosen:
    if isinstance(item, str):
        return _named(item, "", place)
    if isinstance(item, dict) and item and all(isinstance(entry, str) for entry in item.values()):
        label = item.get("label") or item.get("id", "")
        raw = item.get("raw", item.get("id"))
        unknown = next((key for key in item if key not in ("id", "label", "raw")), None)
        if unknown is not None:
            raise BadInput(f"{unknown!r} of a prompt is not read", where=place, hint="a prompt has id, label and raw")
        if raw is not None:
            return _named(raw, label, place)
    raise BadInput("an entry of prompts is not read", where=place, hint="write file://prompt.txt, a text, or {id: …, label: …}")


def _named(text: str, label: str, place: str) -> Chosen:
    # promptfoo takes a single line that ends like a file for one.
    is_path = text.startswith(FILE) or ("\n" not in text and " " not in text and "{{" not in text and "." in text[1:])
    return Chosen(text.removeprefix(FILE), None, label, place) if is_path else Chosen(None, text, label, place)


def _checked(chosen: Chosen) -> Chosen:
    text = chosen.file if chosen.file is not None else str(chosen.text)
    head = text.split(":", 1)[0]
    if chosen.file is not None and (head.lower().endswith(CODE) or head == "exec"):
        hint = "code is never run; write the prompt as a text, chat or .prompt.yml file"
        raise BadInput(f"the prompt {text!r} is code", where=chosen.place, hint=hint)
    if chosen.text is not None and text.startswith(("exec:", "langfuse://", "helicone://", "portkey://", "package:")):
        raise BadInput(
            f"the prompt {text[:60]!r} is not in this repository", where=chosen.place, hint="copy its text into a file"
        )
    if chosen.file is not None and any(mark in text for mark in "*?[{"):
        raise BadInput(f"{text!r} is a pattern for several files", where=chosen.place, hint="name one file")
    return chosen
