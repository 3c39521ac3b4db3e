"""Read a Dotprompt file (`.prompt`): YAML front matter with Picoschema, and a Handlebars body with `{{role}}` markers.

Source: https://google.github.io/dotprompt/reference/ and the reference library `dotpromptz` 0.2.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

from evalgate.core.document import Document
from evalgate.core.errors import BadInput, Problem
from evalgate.core.plugins import suggestion
from evalgate.prompts.assemble import Body, Origin, Request, assemble, is_logic_less
from evalgate.prompts.front_matter import Split, refused_references
from evalgate.prompts.handlebars_rendering import joined
from evalgate.prompts.handlebars_syntax import RESERVED, parse_handlebars
from evalgate.prompts.handlebars_tokens import Tag, cut
from evalgate.prompts.parameters import json_schema_format, read_parameters
from evalgate.prompts.picoschema import json_schema_of
from evalgate.prompts.stated_use import use_faults
from evalgate.prompts.values import Input, Message, Prompt

KEYS = ("name", "description", "variant", "version", "model", "config", "input", "output", "metadata", "tools", "toolDefs", "ext")
ROLES = {"model": "assistant", "user": "user", "system": "system"}
CONFIG = {
    "temperature": "temperature",
    "maxOutputTokens": "maxCompletionTokens",
    "topK": "topK",
    "topP": "topP",
    "stopSequences": "stop",
    "seed": "seed",
    "frequencyPenalty": "frequencyPenalty",
    "presencePenalty": "presencePenalty",
}
_ROLE = re.compile(r"""role\s+(?:"([^"]*)"|'([^']*)')\Z""")
MAX_CHARACTERS = 256 << 10


def parse_dotprompt(document: Document, split: Split, *, reference: str) -> Prompt:
    """Make a prompt of the front matter and the body of a Dotprompt file.

    Keys with a dot (`ns.key`) belong to other tools and are kept in `metadata` unread.
    Raises: BadInput with every problem of the front matter at once, then those of the body.
    """
    value = document.value if document.value is not None else {}
    if not isinstance(value, dict):
        raise BadInput("the front matter must be a mapping", where=document.place(), hint="model: …, input: {schema: …}")
    document = Document(value, document.lines, document.name)
    problems = refused_references(document)
    problems += [
        Problem(f"unknown key {key!r}", document.place(key), suggestion(str(key), KEYS))
        for key in value
        if key not in KEYS and "." not in str(key)
    ]
    problems += [
        Problem(f"{key} are not read", document.place(key), "evalgate sends texts; a prompt with tools cannot be evaluated by it")
        for key in ("tools", "toolDefs")
        if value.get(key)
    ]
    parameters = read_parameters(document, problems, ("config",), CONFIG)
    declared = _declared(document, problems)
    asked, schema = _output(document, problems)
    problems += use_faults(document)
    if problems:
        raise BadInput(problems)
    body = dotprompt_body(split, document.name)
    origin = Origin(reference, Path(document.name), "dotprompt")
    prompt = assemble(origin, body, Request({**parameters, **asked}, schema), declared)
    return replace(prompt, **_about(value))


def dotprompt_body(split: Split, name: str) -> Body:
    """The messages of a body: each begins at a `{{role}}` of the template; text before the first is a user message.

    `{{history}}` stands for an earlier conversation; there is none in an evaluation, and the text after it is the model's.
    Raises: BadInput for a role or a construct that is not read.
    """
    # As in Dotprompt itself: without front matter the whole file is the template, blank edges included.
    text = split.body if split.yaml is None else split.body.strip()
    first = split.body_line + split.body[: len(split.body) - len(split.body.lstrip())].count("\n") * (split.yaml is not None)
    if len(text) > MAX_CHARACTERS:
        raise BadInput(f"the template is longer than {MAX_CHARACTERS >> 10} KiB", where=name, hint="keep data in a dataset")
    segments = _segments(text, name, first)
    if all(is_logic_less(content, RESERVED) and "\\{{" not in content for _, content, _ in segments):
        kept = [(role, content, line) for role, content, line in segments if content.strip()]
        names = None
        engine = "plain"
    else:
        kept = [(role, content, line) for role, content, line in segments if content]
        pairs = [(role, content) for role, content, _ in kept]
        names = parse_handlebars(joined(pairs, [line for _, _, line in kept], name), name)[1]
        engine = "handlebars"
    messages = tuple(Message(role, content) for role, content, _ in kept)
    return Body(messages, tuple(line for _, _, line in kept), engine, names)


def _segments(text: str, name: str, first_line: int) -> list[tuple[str, str, int]]:
    """(role, template, line) of every stretch between role markers."""
    role, begin, line = "user", 0, first_line
    segments: list[tuple[str, str, int]] = []
    strip = False
    for token in cut(text, name, first_line):
        if not isinstance(token, Tag) or (token.body.split() or [""])[0] not in ("role", "history"):
            continue
        content = text[begin : token.start]
        content = content.lstrip() if strip else content
        segments.append((role, content.rstrip() if token.strip_before else content, line))
        role, begin, line, strip = _role(token, name), token.end, token.line, token.strip_after
    content = text[begin:]
    segments.append((role, content.lstrip() if strip else content, line))
    return segments


def _role(tag: Tag, name: str) -> str:
    where = f"{name}:{tag.line}"
    if tag.body == "history":
        return "assistant"
    match = _ROLE.match(tag.body)
    if match is None:
        raise BadInput(f"{{{{{tag.body}}}}} is refused: a role is written, not computed", where=where, hint='{{role "system"}}')
    role = match.group(1) or match.group(2) or ""
    if role not in ROLES:
        raise BadInput(f"unknown role {role!r}", where=where, hint=suggestion(role, list(ROLES)))
    return ROLES[role]


def _declared(document: Document, problems: list[Problem]) -> tuple[Input, ...] | None:
    given = document.value.get("input")
    if given is None:
        return None
    if not isinstance(given, dict):
        problems.append(Problem("input must be a mapping", document.place("input"), "input: {schema: {name: string}}"))
        return None
    _unknown(document, "input", ("schema", "default"), problems)
    defaults = given.get("default") or {}
    if not isinstance(defaults, dict):
        problems.append(Problem("default must be a mapping", document.place("input", "default"), "default: {name: value}"))
        defaults = {}
    schema = _schema(document, "input", problems)
    properties = schema.get("properties", {}) if isinstance(schema.get("properties", {}), dict) else {}
    required = schema["required"] if isinstance(schema.get("required"), list) else []
    names, lines, needed = dict.fromkeys([*properties, *defaults]), _lines(document), {str(name) for name in required}
    return tuple(
        Input(
            name,
            _mapping(properties.get(name)),
            name in needed and name not in defaults,
            defaults.get(name),
            str(_mapping(properties.get(name)).get("description", "")),
            line=lines.get(name),
        )
        for name in names
    )


def _mapping(value: Any) -> Mapping[str, Any]:
    return value if isinstance(value, dict) else {}


def _lines(document: Document) -> dict[str, int]:
    """Line on which each input is declared; its schema comes first, then its default."""
    found: dict[str, int] = {}
    for path, line in document.lines.items():
        if len(path) > 2 and path[:2] in (("input", "schema"), ("input", "default")):
            found.setdefault(re.split(r"[?(]", str(path[-1]), maxsplit=1)[0], line)
    return found


def _output(document: Document, problems: list[Problem]) -> tuple[dict[str, Any], dict[str, Any] | None]:
    given = document.value.get("output")
    if given is None:
        return {}, None
    if not isinstance(given, dict):
        problems.append(Problem("output must be a mapping", document.place("output"), "output: {format: json, schema: …}"))
        return {}, None
    _unknown(document, "output", ("format", "schema"), problems)
    kind = given.get("format", "json" if "schema" in given else "text")
    if kind not in ("json", "text"):
        where = document.place("output", "format")
        problems.append(Problem(f"output format {kind!r} is not read", where, suggestion(str(kind), ["json", "text"])))
    if "schema" not in given:
        return ({"response_format": {"type": "json_object"}} if kind == "json" else {}), None
    schema = _schema(document, "output", problems)
    return json_schema_format(schema, "output"), schema


def _schema(document: Document, key: str, problems: list[Problem]) -> dict[str, Any]:
    given = document.value[key].get("schema")
    if given is None:
        return {}
    try:
        return json_schema_of(given)
    except ValueError as error:
        problems.append(Problem(f"the schema cannot be read: {error}", document.place(key, "schema"), "see Picoschema"))
        return {}


def _unknown(document: Document, key: str, known: tuple[str, ...], problems: list[Problem]) -> None:
    problems += [
        Problem(f"unknown key {name!r}", document.place(key, name), suggestion(str(name), known))
        for name in document.value[key]
        if name not in known
    ]


def _about(value: Mapping[str, Any]) -> dict[str, Any]:
    metadata = dict(value["metadata"]) if isinstance(value.get("metadata"), dict) else {}
    others = {str(key): item for key, item in value.items() if "." in str(key) or key in ("variant", "ext")}
    model = value.get("model")
    return {
        "name": str(value.get("name") or ""),
        "description": str(value.get("description") or ""),
        "version": str(value.get("version") or metadata.get("version") or ""),
        "owner": str(metadata.get("owner") or ""),
        "model": model if isinstance(model, str) else "",
        "metadata": {**metadata, **others},
    }
