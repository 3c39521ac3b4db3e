"""Understand a prompt file as far as it goes: a file that is refused elsewhere can still be looked over line by line."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from pathlib import PurePosixPath
from typing import Any

from evalgate.core.document import Document
from evalgate.prompts.chat_file import texts_of_parts
from evalgate.prompts.lint.declared import declared_inputs
from evalgate.prompts.lint.values import Outline, Part

YAML_ENDINGS = (".prompt.yml", ".prompt.yaml")
FRONT_ENDINGS = (".prompty", ".prompt")
TEXT_ENDINGS = (".txt", ".md")
CHAT_ENDINGS = (".json",)
WIRE_NAMES: Mapping[str, str] = {
    "maxCompletionTokens": "max_tokens",
    "maxTokens": "max_tokens",
    "maxOutputTokens": "max_tokens",
    "max_tokens": "max_tokens",
    "max_completion_tokens": "max_tokens",
    "max_output_tokens": "max_tokens",
    "topP": "top_p",
    "topK": "top_k",
    "stopSequences": "stop",
    "frequencyPenalty": "frequency_penalty",
    "presencePenalty": "presence_penalty",
}
_FENCE = re.compile(r"(---|\+\+\+)[ \t]*\Z")
_LONGEST_KEY = 1_000
_BLOCK = re.compile(r"^( *)(?:- +)*(?:[^\s#][^#]*:|-)[ \t]+[|>][-+0-9]{0,2}[ \t]*(?:#.*)?\Z")
_PROMPTY_ROLE = re.compile(r"#?[ \t]*(system|user|assistant|developer)(?:\[[^\]]*\])?[ \t]*:\Z", re.IGNORECASE)
_DOTPROMPT_ROLE = re.compile(r'\{\{[ \t]*role[ \t]+["\'](\w+)["\'][ \t]*\}\}')
_VERSIONED = re.compile(r"prompts/[^/]+/([A-Za-z0-9][A-Za-z0-9._-]*?)\.(?:prompt\.ya?ml|prompty|prompt|txt|md|json)\Z")


def front_matter(lines: tuple[str, ...]) -> tuple[int, int] | None:
    """Line numbers of the two fences around the YAML at the top of a file; None when it has none."""
    first = 0
    # A licence may stand before the front matter of a Dotprompt file.
    while first < len(lines) and lines[first].lstrip("\ufeff").startswith("#"):
        first += 1
    opening = _FENCE.match(lines[first].removeprefix("\ufeff").rstrip("\r")) if first < len(lines) else None
    if opening is None:
        return None
    for number, line in enumerate(lines[first + 1 :], start=first + 2):
        if line.rstrip("\r \t") == opening.group(1):
            return first + 1, number
    return None


def yaml_text(path: str, lines: tuple[str, ...]) -> str | None:
    """The YAML of a prompt file, with every line on its own number; None when its format has none."""
    if path.endswith(YAML_ENDINGS):
        return "\n".join(lines)
    if not path.endswith(FRONT_ENDINGS):
        return None
    fences = front_matter(lines)
    return None if fences is None else "\n" * fences[0] + "\n".join((*lines[fences[0] : fences[1] - 1], ""))


def quiet_lines(path: str, lines: tuple[str, ...]) -> frozenset[int]:
    """Lines inside block texts and bodies: what looks like YAML there is text for the model."""
    if path.endswith(YAML_ENDINGS):
        return frozenset(_block_lines(lines, 1))
    if path.endswith(FRONT_ENDINGS):
        fences = front_matter(lines)
        body = fences[1] if fences else 0
        return frozenset(_block_lines(lines[:body], 1)) | frozenset(range(body + 1, len(lines) + 1))
    return frozenset(range(1, len(lines) + 1))


def outline(path: str, lines: tuple[str, ...], document: Document | None, chat: Any = None) -> Outline:
    """What can be told of a prompt file; `chat` is the value of a JSON file."""
    fields = document.value if document is not None and isinstance(document.value, dict) else {}
    kind = _format(path, fields)
    parts = tuple(_parts(kind, lines, document, chat))
    about = _about(fields)
    parameters, model, model_line = _model(kind, fields, document)
    schema, wants = _answer(fields)
    versioned = _VERSIONED.search(PurePosixPath(path.replace("\\", "/")).as_posix())
    return Outline(
        kind,
        parts,
        declared_inputs(kind, fields, document),
        _test_data(fields),
        parameters,
        model,
        model_line,
        about.get("owner", ""),
        about.get("version", "") or (versioned.group(1) if versioned else ""),
        about.get("description", ""),
        schema,
        wants,
    )


def _block_lines(lines: tuple[str, ...], first: int) -> Iterator[int]:
    inside: int | None = None
    for number, line in enumerate(lines, start=first):
        bare = line.rstrip("\r")
        indent = len(bare) - len(bare.lstrip(" "))
        if inside is not None and (not bare.strip() or indent > inside):
            yield number
            continue
        # A line this long opens no block.
        block = _BLOCK.match(bare) if len(bare) < _LONGEST_KEY else None
        inside = len(block.group(1)) if block else None


def _format(path: str, fields: Mapping[str, Any]) -> str:
    if path.endswith(YAML_ENDINGS):
        return "github"
    if path.endswith(".prompty"):
        model = fields.get("model")
        old = isinstance(model, dict) and ("api" in model or "configuration" in model)
        return "prompty-v1" if old or "sample" in fields else "prompty"
    if path.endswith(".prompt"):
        return "dotprompt"
    return "chat" if path.endswith(CHAT_ENDINGS) else "text"


def _parts(kind: str, lines: tuple[str, ...], document: Document | None, chat: Any) -> Iterator[Part]:
    if kind == "github":
        yield from _github(lines, document)
    elif kind in ("prompty", "prompty-v1", "dotprompt"):
        fences = front_matter(lines)
        yield from _body(lines, fences[1] + 1 if fences else 1, dotprompt=kind == "dotprompt")
    elif kind == "chat":
        yield from _chat(lines, chat)
    else:
        content = "\n".join(line.rstrip("\r") for line in lines).removeprefix("\ufeff").removesuffix("\n")
        if content.strip():
            yield Part("user", content, 1, 1, len(lines))


def _github(lines: tuple[str, ...], document: Document | None) -> Iterator[Part]:
    fields = document.value if document is not None else None
    messages = fields.get("messages") if isinstance(fields, dict) else None
    if document is None or not isinstance(messages, list):
        return
    begins = sorted({line for path, line in document.lines.items() if len(path) == 1})
    starts = [document.lines.get(("messages", index), 1) for index in range(len(messages))]
    after = next((line - 1 for line in begins if starts and line > starts[-1]), len(lines))
    for index, message in enumerate(messages):
        if not isinstance(message, dict) or not isinstance(message.get("content"), str):
            continue
        last = starts[index + 1] - 1 if index + 1 < len(starts) else after
        line = document.lines.get(("messages", index, "content"), starts[index])
        yield Part(str(message.get("role", "")), message["content"], starts[index], line, max(line, last))


def _body(lines: tuple[str, ...], first: int, *, dotprompt: bool) -> Iterator[Part]:
    role, begin, held = "user" if dotprompt else "system", first, list[str]()
    for number, raw in enumerate(lines[first - 1 :], start=first):
        line = raw.rstrip("\r")
        marker = _DOTPROMPT_ROLE.search(line) if dotprompt else _PROMPTY_ROLE.match(line.strip())
        if marker is None:
            held.append(line)
            continue
        yield from _held(role, held, begin, number - 1)
        role, begin, held = marker.group(1).lower(), number, [line[marker.end() :] if dotprompt else ""]
    yield from _held(role, held, begin, len(lines))


def _held(role: str, held: list[str], first: int, last: int) -> Iterator[Part]:
    content = "\n".join(held).strip("\n")
    if content.strip():
        yield Part({"model": "assistant", "developer": "system"}.get(role, role), content, first, first, last)


def _chat(lines: tuple[str, ...], chat: Any) -> Iterator[Part]:
    messages = chat.get("messages") if isinstance(chat, dict) else chat
    for message in messages if isinstance(messages, list) else []:
        if isinstance(message, dict):
            content = message.get("content")
            text = "\n".join(texts_of_parts(content)) if isinstance(content, list) else content
            if isinstance(text, str) and text:
                yield Part(str(message.get("role", "")), text, 1, 1, len(lines))


def _about(fields: Mapping[str, Any]) -> dict[str, str]:
    metadata = fields.get("metadata")
    held = {**(metadata if isinstance(metadata, dict) else {}), **fields}
    found = {key: str(held[key]).strip() for key in ("owner", "version", "description") if held.get(key) not in (None, "")}
    authors = held.get("authors")
    if "owner" not in found and isinstance(authors, list) and authors:
        found["owner"] = str(authors[0])
    return found


def _model(kind: str, fields: Mapping[str, Any], document: Document | None) -> tuple[dict[str, tuple[Any, int]], str, int]:
    model = fields.get("model")
    place: tuple[str, ...]
    if kind == "github":
        name, options, place, name_place = model, fields.get("modelParameters"), ("modelParameters",), ("model",)
    elif kind == "dotprompt":
        name, options, place, name_place = model, fields.get("config"), ("config",), ("model",)
    elif isinstance(model, dict):
        name = model.get("id") or _nested(model, "configuration", "azure_deployment")
        key = "parameters" if kind == "prompty-v1" else "options"
        options, place, name_place = model.get(key), ("model", key), ("model",)
    else:
        name, options, place, name_place = model, None, ("model",), ("model",)
    found: dict[str, tuple[Any, int]] = {}
    if isinstance(options, dict) and document is not None:
        for key, value in options.items():
            line = document.lines.get((*place, key)) or document.lines.get(place, 1)
            found[WIRE_NAMES.get(key, str(key))] = (value, line)
    line = document.lines.get(name_place, 1) if document is not None else 1
    return found, name if isinstance(name, str) else "", line


def _nested(fields: Mapping[str, Any], *path: str) -> Any:
    value: Any = fields
    for key in path:
        value = value.get(key) if isinstance(value, dict) else None
    return value


def _answer(fields: Mapping[str, Any]) -> tuple[Mapping[str, Any] | None, bool]:
    wants = fields.get("responseFormat") in ("json_object", "json_schema")
    if "jsonSchema" in fields:
        return {}, wants
    outputs = fields.get("outputs")
    output = fields.get("output")
    if isinstance(output, dict):
        return ({} if output.get("schema") else None), wants or output.get("format") == "json"
    return ({} if outputs else None), wants


def _test_data(fields: Mapping[str, Any]) -> tuple[Mapping[str, Any], ...]:
    given = fields.get("testData")
    return tuple(row for row in given if isinstance(row, dict)) if isinstance(given, list) else ()
