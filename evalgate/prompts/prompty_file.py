"""Read a `.prompty` file: YAML front matter of version 2 or 1, and a body with role markers.

Source: https://prompty.ai/docs/ and the reference library `prompty` 2.1.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from evalgate.core.document import Document
from evalgate.core.errors import BadInput, Problem
from evalgate.core.plugins import suggestion
from evalgate.prompts.assemble import Origin, Request, assemble
from evalgate.prompts.front_matter import Split, refused_references
from evalgate.prompts.parameters import json_schema_format, read_parameters
from evalgate.prompts.prompty_body import prompty_body
from evalgate.prompts.prompty_inputs import declared_inputs, object_schema
from evalgate.prompts.stated_use import use_faults
from evalgate.prompts.values import Prompt

KEYS = ("name", "displayName", "description", "metadata", "model", "inputs", "outputs", "tools", "template", "version")
KEYS_V1 = ("name", "description", "version", "authors", "tags", "model", "inputs", "outputs", "sample", "template", "metadata")
OPTIONS = {
    "temperature": "temperature",
    "maxOutputTokens": "maxCompletionTokens",
    "topP": "topP",
    "topK": "topK",
    "seed": "seed",
    "stopSequences": "stop",
    "frequencyPenalty": "frequencyPenalty",
    "presencePenalty": "presencePenalty",
}
OPTIONS_V1 = {
    "temperature": "temperature",
    "max_tokens": "maxTokens",
    "max_completion_tokens": "maxCompletionTokens",
    "top_p": "topP",
    "seed": "seed",
    "stop": "stop",
    "frequency_penalty": "frequencyPenalty",
    "presence_penalty": "presencePenalty",
}
_ENGINES = ("jinja2", "mustache")
_UNREAD = (("model", "connection"), ("model", "configuration"))


@dataclass(frozen=True, slots=True)
class _Model:
    id: str
    parameters: Mapping[str, Any]


def parse_prompty(document: Document, split: Split, *, reference: str) -> Prompt:
    """Make a prompt of the front matter and the body of a `.prompty` file.

    Endpoints and keys (`model.connection`, in version 1 `model.configuration`) are never read: which model answers is the
    configuration's choice.
    Raises: BadInput with every problem of the front matter at once, then those of the body.
    """
    if not isinstance(document.value, dict):
        raise BadInput("the front matter must be a mapping", where=document.place(), hint="name: …, model: …, inputs: …")
    old = is_version_1(document.value)
    problems = refused_references(document, _UNREAD)
    known = KEYS_V1 if old else KEYS
    problems += [
        Problem(f"unknown key {key!r}", document.place(key), _hint(str(key), known)) for key in document.value if key not in known
    ]
    model = (_model_v1 if old else _model)(document, problems)
    kind = _engine(document, problems)
    declared = declared_inputs(document, problems, old=old)
    schema = object_schema(document, ("outputs",), problems, old=old) if document.value.get("outputs") else None
    if document.value.get("tools"):
        hint = "evalgate sends texts; a prompt with tools cannot be evaluated by it"
        problems.append(Problem("tools are not read", document.place("tools"), hint))
    samples = _samples(document, problems)
    problems += use_faults(document)
    if problems:
        raise BadInput(problems)
    origin = Origin(reference, Path(document.name), "prompty-v1" if old else "prompty")
    asked = {} if schema is None else json_schema_format(schema, "structured_output")
    request = Request({**model.parameters, **asked}, schema)
    prompt = assemble(origin, prompty_body(split, document.name, kind), request, declared)
    return replace(prompt, model=model.id, test_data=samples, **_about(document.value))


def is_version_1(value: Mapping[str, Any]) -> bool:
    """Whether front matter is of Prompty version 1."""
    model = value.get("model")
    told = isinstance(model, dict) and bool({"api", "configuration", "parameters", "response"} & set(model))
    inputs = value.get("inputs")
    typed = isinstance(inputs, dict) and any(isinstance(item, dict) and "type" in item for item in inputs.values())
    return told or typed or bool({"sample", "authors", "tags", "base"} & set(value)) or isinstance(value.get("template"), str)


def _hint(key: str, known: tuple[str, ...]) -> str:
    return "other files are not read; write its content here" if key == "base" else suggestion(key, known)


def _about(value: Mapping[str, Any]) -> dict[str, Any]:
    metadata = dict(value["metadata"]) if isinstance(value.get("metadata"), dict) else {}
    metadata |= {key: value[key] for key in ("authors", "tags") if key in value}
    authors = metadata.get("authors")
    owner = metadata.get("owner") or (authors[0] if isinstance(authors, list) and authors else authors or "")
    return {
        "name": str(value.get("name") or ""),
        "description": str(value.get("description") or value.get("displayName") or ""),
        "version": str(value.get("version") or metadata.get("version") or ""),
        "owner": str(owner),
        "metadata": metadata,
    }


def _model(document: Document, problems: list[Problem]) -> _Model:
    given = document.value.get("model", {})
    if isinstance(given, str):
        return _Model(given, {})
    if not isinstance(given, dict):
        problems.append(Problem("model must be a mapping or the name of a model", document.place("model")))
        return _Model("", {})
    known = ("id", "provider", "apiType", "connection", "options")
    problems += [
        Problem(f"unknown key {key!r}", document.place("model", key), suggestion(str(key), known))
        for key in given
        if key not in known
    ]
    if given.get("apiType", "chat") not in ("chat", "responses"):
        where = document.place("model", "apiType")
        problems.append(Problem(f"apiType {given['apiType']!r} is not read", where, "a prompt is a chat: apiType: chat"))
    return _Model(str(given.get("id") or ""), read_parameters(document, problems, ("model", "options"), OPTIONS))


def _model_v1(document: Document, problems: list[Problem]) -> _Model:
    given = document.value.get("model", {})
    if not isinstance(given, dict):
        problems.append(Problem("model must be a mapping", document.place("model")))
        return _Model("", {})
    known = ("api", "configuration", "parameters", "response")
    problems += [
        Problem(f"unknown key {key!r}", document.place("model", key), suggestion(str(key), known))
        for key in given
        if key not in known
    ]
    if given.get("api", "chat") != "chat":
        problems.append(
            Problem(f"api {given['api']!r} is not read", document.place("model", "api"), "a prompt is a chat: api: chat")
        )
    configuration = given.get("configuration")
    told = configuration if isinstance(configuration, dict) else {}
    name = told.get("azure_deployment") or told.get("name") or told.get("model") or ""
    return _Model(
        str(name) if "${" not in str(name) else "", read_parameters(document, problems, ("model", "parameters"), OPTIONS_V1)
    )


def _engine(document: Document, problems: list[Problem]) -> str:
    template = document.value.get("template", {})
    if isinstance(template, str):
        template = {"format": template}
    if not isinstance(template, dict):
        problems.append(Problem("template must be a mapping", document.place("template")))
        return "jinja2"
    known = ("format", "parser", "type")
    problems += [Problem(f"unknown key {key!r}", document.place("template", key)) for key in template if key not in known]
    kind = _kind(template.get("format", template.get("type", "jinja2")))
    parser = _kind(template.get("parser", "prompty"))
    if kind not in _ENGINES:
        hint = suggestion(str(kind), _ENGINES)
        problems.append(Problem(f"template language {kind!r} is not read", document.place("template", "format"), hint))
    if parser not in ("prompty", "prompty.chat"):
        problems.append(Problem(f"parser {parser!r} is not read", document.place("template", "parser"), "use prompty"))
    return str(kind)


def _kind(value: Any) -> Any:
    return value.get("kind", "") if isinstance(value, dict) else value


def _samples(document: Document, problems: list[Problem]) -> tuple[Mapping[str, Any], ...]:
    sample = document.value.get("sample")
    if sample is None:
        return _input_samples(document.value.get("inputs"))
    if not isinstance(sample, dict):
        problems.append(
            Problem("sample must be a mapping", document.place("sample"), "other files are not read; write the values here")
        )
        return ()
    return (sample,)


def _input_samples(inputs: Any) -> tuple[Mapping[str, Any], ...]:
    """The samples that inputs carry one by one, as one row."""
    if isinstance(inputs, list):
        named = {str(item["name"]): item for item in inputs if isinstance(item, dict) and "name" in item}
    else:
        named = inputs if isinstance(inputs, dict) else {}
    row: dict[str, Any] = {}
    for name, item in named.items():
        if isinstance(item, dict):
            row |= {str(name): item[key] for key in ("sample", "example") if key in item}
    return (row,) if row else ()
