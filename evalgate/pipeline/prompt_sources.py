"""A prompt file, or an entry of a promptfoo configuration, as the rules of the linter see it."""

from __future__ import annotations

import re
from dataclasses import replace
from pathlib import Path
from typing import Any

from evalgate.config.strict_yaml import parse_document
from evalgate.core.document import Document
from evalgate.core.errors import BadInput, Problem
from evalgate.core.strict_json import parse_json
from evalgate.pipeline.prompt_places import leads_out
from evalgate.pipeline.prompt_reading import PromptfooEntry, read_entry
from evalgate.pipeline.prompt_releases import from_here
from evalgate.prompts.chat_file import parse_chat
from evalgate.prompts.dotprompt_file import parse_dotprompt
from evalgate.prompts.front_matter import split_front_matter
from evalgate.prompts.jinja_syntax import texts_in
from evalgate.prompts.lint.outline import TEXT_ENDINGS, YAML_ENDINGS, outline, quiet_lines, yaml_text
from evalgate.prompts.lint.readings import json_readings, yaml_readings
from evalgate.prompts.lint.values import Outline, Part, Reading, Sample, Source
from evalgate.prompts.prompt_file import parse_plain, parse_prompt
from evalgate.prompts.prompty_file import parse_prompty
from evalgate.prompts.releases import release_of
from evalgate.prompts.values import Prompt

MAX_BYTES = 4 << 20
_PLACED = re.compile(r":[1-9][0-9]*\Z")
_FRONT = "begin it with ---, the front matter, and --- again"


def read_raw(path: Path) -> tuple[str, Problem | None]:
    """The text of a file as it stands, or what is wrong with its bytes."""
    shown = str(path)
    try:
        if leads_out(path):
            hint = "copy the file into the project"
            return "", Problem("a symbolic link that leads out of the project is not read", f"{shown}:1", hint)
        if not path.is_file():
            return "", Problem("is no regular file", f"{shown}:1", "correct the link, or write a file")
        with path.open("rb") as handle:
            data = handle.read(MAX_BYTES + 1)
    except OSError as error:
        return "", Problem(f"the file cannot be read: {error.strerror}", f"{shown}:1", "check its permissions")
    if len(data) > MAX_BYTES:
        return "", Problem(f"the file is larger than {MAX_BYTES >> 20} MiB", f"{shown}:1", "keep data in a dataset file")
    try:
        return data.decode("utf-8"), None
    except UnicodeDecodeError as error:
        line = data.count(b"\n", 0, error.start) + 1
        return "", Problem("the file is not UTF-8", f"{shown}:{line}", "save it as UTF-8")


def source_of(path: str, text: str) -> Source:
    """A text as a rule sees it, with nothing known about the project around it."""
    lines = tuple(text.split("\n"))
    if len(lines) > 1 and not lines[-1]:
        lines = lines[:-1]
    quiet = quiet_lines(path, lines)
    document, problems = _document(path, lines)
    chat = _chat(path, text, problems)
    prompt = None if problems else _prompt(path, text, document, problems)
    seen = outline(path, lines, document, chat)
    if prompt is not None and prompt.declared is not None:
        seen = replace(seen, declared=prompt.declared)
    readings = json_readings(text) if path.endswith(".json") else yaml_readings(document, lines, text)
    if prompt is not None and prompt.engine == "jinja2" and seen.parts:
        whole = "\n".join(part.content for part in seen.parts)
        written = texts_in(whole) if "\\" in whole else ()
        readings += tuple(Reading(one, seen.parts[0].first, seen.parts[-1].last) for one in written)
    return Source(path, text, lines, quiet, seen, document, prompt, tuple(problems), readings=readings)


def entry_source(entry: PromptfooEntry) -> Source:
    """The text that an entry of a promptfoo configuration holds, as a rule sees it; the rest of the file is blank to it."""
    name = str(from_here(entry.config))
    prompt, problems = None, list[Problem]()
    try:
        prompt = read_entry(entry)
    except BadInput as error:
        problems = list(error.problems)
    raw, unread = read_raw(entry.config)
    every = tuple(raw.split("\n")) if unread is None else ()
    first, last = _entry_lines(entry, len(every))
    # Where another entry stands on the same line, only what is read can tell the two apart.
    shown = range(first, last + 1) if not _shares_line(entry, first) else range(0)
    lines = tuple(line if number in shown else "" for number, line in enumerate(every, start=1)) or ("",)
    text = str(entry.chosen.text)
    messages = [(one.role, one.content) for one in prompt.messages] if prompt is not None else [("user", text)]
    parts = tuple(Part(role, content, first, first, last) for role, content in messages)
    seen = Outline("chat" if len(parts) > 1 else "text", parts, version=entry.reference)
    quiet = quiet_lines(".prompt.yml", lines)
    placed = tuple(problem if _PLACED.search(problem.where or "") else _at(problem, name, first) for problem in problems)
    readings = (Reading(text, first, last), *json_readings(text, first, last))
    return Source(name, "\n".join(lines), lines, quiet, seen, None, prompt, placed, readings=readings)


def _entry_lines(entry: PromptfooEntry, count: int) -> tuple[int, int]:
    """First and last line of an entry in its configuration."""
    lines = entry.document.lines
    first = lines.get(("prompts", entry.index)) or lines.get(("prompts",), 1)
    later = [line for path, line in lines.items() if len(path) == 1 or path[:2] == ("prompts", entry.index + 1)]
    return first, min((line - 1 for line in later if line > first), default=count)


def _shares_line(entry: PromptfooEntry, line: int) -> bool:
    lines = entry.document.lines
    return any(lines.get(("prompts", index)) == line for index in (entry.index - 1, entry.index + 1))


def _at(problem: Problem, name: str, line: int) -> Problem:
    return replace(problem, where=f"{name}:{line}")


def sample_source(sample: Sample) -> Source:
    """A sample of a rule as a rule sees it."""
    source = source_of(sample.path, sample.text)
    around = sample.around
    if sample.released_as is not None:
        released = source_of(sample.path, sample.released_as).prompt
        assert released is not None
        around = replace(around, release=release_of(released, "1", released="2026-11-25"))
    if sample.previous is not None:
        before = source_of(re.sub(r"/\d+(?=\.)", "/1", sample.path), sample.previous).prompt
        around = replace(around, previous=before)
    return replace(source, around=around)


def _document(path: str, lines: tuple[str, ...]) -> tuple[Document | None, list[Problem]]:
    text = yaml_text(path, lines)
    if text is None:
        return None, []
    try:
        return parse_document(text, path), []
    except BadInput as error:
        return None, list(error.problems)


def _chat(path: str, text: str, problems: list[Problem]) -> Any:
    if not path.endswith(".json"):
        return None
    try:
        return parse_json(text.removeprefix("\ufeff"))
    except ValueError as error:
        problems.append(Problem(f"this is not valid JSON: {error}", f"{path}:1", "a chat is a list of {role, content}"))
        return None


def _prompt(path: str, text: str, document: Document | None, problems: list[Problem]) -> Prompt | None:
    try:
        if path.endswith(YAML_ENDINGS):
            assert document is not None
            return parse_prompt(document, reference=path)
        if path.endswith(TEXT_ENDINGS):
            return parse_plain(text, Path(path), reference=path)
        if path.endswith(".json"):
            return parse_chat(text, Path(path), reference=path)
        split = split_front_matter(text, path, comments=path.endswith(".prompt"))
        if path.endswith(".prompty"):
            if document is None:
                raise BadInput("a .prompty file begins with its front matter", where=f"{path}:1", hint=_FRONT)
            return parse_prompty(document, split, reference=path)
        return parse_dotprompt(document or Document({}, {}, path), split, reference=path)
    except BadInput as error:
        problems.extend(error.problems)
        return None
