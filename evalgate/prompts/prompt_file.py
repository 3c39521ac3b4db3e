"""Read a prompt file: the GitHub Models format `.prompt.yml`, and plain text."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from evalgate.core.document import Document
from evalgate.core.errors import BadInput, Problem
from evalgate.core.plugins import suggestion
from evalgate.prompts.assemble import Body, Origin, Request, assemble
from evalgate.prompts.parameters import read_format, read_parameters
from evalgate.prompts.stated_use import use_faults
from evalgate.prompts.template import stray_braces
from evalgate.prompts.values import Message, Prompt

ROLES = ("system", "user", "assistant")
KEYS = (
    "name",
    "description",
    "model",
    "modelParameters",
    "responseFormat",
    "jsonSchema",
    "messages",
    "testData",
    "evaluators",
    "metadata",
)


def parse_prompt(document: Document, *, reference: str) -> Prompt:
    """Make a prompt of a parsed `.prompt.yml` file.

    `name`, `description` and `model` only describe: which model answers is the configuration's choice. `evaluators` belong
    to other tools and are accepted unread. `metadata` is evalgate's own: a mapping with `owner`, `version`, what the prompt
    is meant for (`stated_use.USES`) and whatever else is worth knowing; GitHub's tools pass over it.
    Raises:
        BadInput: every problem of the file at once, each with `file:line`.
    Source: GitHub Models prompt files, https://docs.github.com/en/github-models/use-github-models/storing-prompts-in-github-repositories
    """
    if not isinstance(document.value, dict):
        hint = "it needs at least `messages:` with one `role: user`"
        raise BadInput("a prompt file must be a mapping", where=document.place(), hint=hint)
    problems = _unknown(document, document.value, KEYS, ())
    about = _about(document, problems)
    parameters = read_parameters(document, problems)
    answer, schema = read_format(document, problems)
    messages = _messages(document, problems)
    if problems:
        raise BadInput(problems)
    lines = tuple(_content_line(document, index) for index in range(len(messages)))
    origin = Origin(reference, Path(document.name), "github")
    prompt = assemble(origin, Body(messages, lines), Request({**parameters, **answer}, schema))
    return replace(
        prompt,
        description=about.description,
        name=about.name,
        model=about.model,
        owner=about.owner,
        version=about.version,
        metadata=about.metadata,
        test_data=about.test_data,
    )


def parse_plain(text: str, path: Path, *, reference: str) -> Prompt:
    """Make a prompt of a plain text file: the whole text is one user message.

    A byte order mark and one final line break belong to the file, not to the message; line breaks become `\\n`.
    Raises:
        BadInput: the file is empty, or has double braces that are not placeholders.
    """
    content = text.removeprefix("\ufeff").replace("\r\n", "\n").removesuffix("\n")
    if not content.strip():
        raise BadInput("the prompt is empty", where=f"{path}:1", hint="write the message for the model into it")
    problems = stray_braces(content, str(path))
    if problems:
        raise BadInput(problems)
    line = 1 + len(content) - len(content.lstrip("\n"))
    return assemble(Origin(reference, path, "text"), Body((Message("user", content),), (line,)), Request({}))


@dataclass(frozen=True, slots=True)
class _About:
    description: str
    name: str
    model: str
    owner: str
    version: str
    metadata: Mapping[str, Any]
    test_data: tuple[Mapping[str, Any], ...]


def _about(document: Document, problems: list[Problem]) -> _About:
    found: dict[str, str] = {}
    for key in ("name", "description", "model"):
        value = document.value.get(key, "")
        if isinstance(value, str):
            found[key] = value.strip()
        else:
            problems.append(Problem(f"{key} must be a text", document.place(key), "put it in quotes"))
    problems.extend(
        Problem(f"{key} must be a list", document.place(key))
        for key in ("testData", "evaluators")
        if not isinstance(document.value.get(key, []), list)
    )
    problems.extend(use_faults(document))
    given = document.value.get("metadata", {})
    metadata = given if isinstance(given, dict) else {}
    rows = document.value.get("testData")
    samples = tuple(row for row in rows if isinstance(row, dict)) if isinstance(rows, list) else ()
    name, model = found.get("name", ""), found.get("model", "")
    text = found.get("description") or name
    description = f"{text} (written for {model})".strip() if model else text
    owner, version = metadata.get("owner", ""), metadata.get("version", "")
    return _About(description, name, model, str(owner), str(version), metadata, samples)


def _content_line(document: Document, index: int) -> int:
    return document.text_line("messages", index, "content") or document.lines.get(("messages", index)) or 1


def _messages(document: Document, problems: list[Problem]) -> tuple[Message, ...]:
    where = document.place("messages")
    given = document.value.get("messages")
    if not isinstance(given, list) or not given:
        hint = "messages is a list of {role: system|user|assistant, content: text}"
        problems.append(Problem("a prompt needs at least one message", where, hint))
        return ()
    found = [_message(document, index, problems) for index in range(len(given))]
    messages = tuple(message for message in found if message is not None)
    last = given[-1].get("role") if isinstance(given[-1], dict) else "user"
    if last in ROLES and last != "user":
        place = document.place("messages", len(given) - 1)
        hint = "the model answers a user; end with a user message"
        problems.append(Problem(f"the last message is from {last!r}, not from 'user'", place, hint))
    return messages


def _message(document: Document, index: int, problems: list[Problem]) -> Message | None:
    given = document.value["messages"][index]
    path = ("messages", index)
    if not isinstance(given, dict):
        problems.append(Problem("a message must be a mapping with role and content", document.place(*path)))
        return None
    before = len(problems)
    problems.extend(_unknown(document, given, ("role", "content"), path))
    role, content = given.get("role"), given.get("content")
    if role not in ROLES:
        said = f"unknown role {role!r}" if "role" in given else "a message needs a role"
        problems.append(Problem(said, document.place(*path, "role"), suggestion(str(role), ROLES)))
    place = document.place(*path, "content")
    if not isinstance(content, str):
        said = "the content of a message must be a text" if "content" in given else "a message needs content"
        problems.append(Problem(said, place, "put it in quotes, or use a block: `content: |`"))
    elif not content.strip():
        problems.append(Problem("the content of a message is empty", place))
    else:
        problems.extend(stray_braces(content, place))
    return Message(str(role), str(content)) if len(problems) == before else None


def _unknown(document: Document, given: Mapping[Any, Any], known: tuple[str, ...], path: tuple[str | int, ...]) -> list[Problem]:
    return [
        Problem(f"unknown key {key!r}", document.place(*path, key), suggestion(str(key), known))
        for key in given
        if key not in known
    ]
