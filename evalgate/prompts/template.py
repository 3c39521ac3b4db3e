"""Fill placeholders once: no logic, no second pass, so a value can never act as template, message or role."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from itertools import islice

from evalgate.core.errors import BadInput, Problem
from evalgate.core.plugins import suggestion
from evalgate.core.values import JsonValue
from evalgate.prompts.value_text import value_text
from evalgate.prompts.values import Input, Message, Prompt

PLACEHOLDER = re.compile(r"\{\{[ \t]*([A-Za-z_][\w.-]*)[ \t]*\}\}")
_SHOWN = 20
_HINT = "a placeholder is {{name}}; write literal braces with a space between them"


def placeholders_of(messages: Iterable[Message]) -> tuple[str, ...]:
    """Names of all placeholders, each once, in order of first use."""
    found = (match.group(1) for message in messages for match in PLACEHOLDER.finditer(message.content))
    return tuple(dict.fromkeys(found))


def render(prompt: Prompt, inputs: Mapping[str, JsonValue]) -> tuple[Message, ...]:
    """Fill a prompt with the inputs of one case.

    Texts go in as they are, other values as JSON text. A filled value is never read again: `{{x}}` in it stays literal,
    and no value can begin a message. Declared defaults stand in for inputs that are absent.
    Raises:
        BadInput: a variable is missing, null, or cannot be written as JSON (all of them at once); or the template of a
            format with logic cannot be rendered within its limits.
    """
    optional = optional_values(prompt.declared)
    if optional:
        inputs = {name: value for name, value in inputs.items() if value is not None or name not in optional}
    if prompt.engine == "plain":
        return _filled(prompt, {**{name: "" if value is None else value for name, value in optional.items()}, **inputs})
    missing = [name for name in prompt.placeholders if name not in inputs and name not in optional]
    if missing:
        raise BadInput([_missing(name, inputs, prompt) for name in missing])
    given = {**{name: value for name, value in optional.items() if value is not None}, **inputs}
    if prompt.engine == "jinja2":
        from evalgate.prompts.jinja_rendering import render_jinja

        return render_jinja(prompt, given)
    if prompt.engine == "handlebars":
        from evalgate.prompts.handlebars_rendering import render_handlebars

        return render_handlebars(prompt, given)
    raise BadInput(f"prompt {prompt.reference} has the unknown template language {prompt.engine!r}", where=str(prompt.path))


def optional_values(declared: Iterable[Input] | None) -> dict[str, JsonValue]:
    """Inputs that a case need not have, with their defaults; None: absent means empty."""
    return {item.name: item.default for item in declared or () if not item.required or item.default is not None}


def _filled(prompt: Prompt, inputs: Mapping[str, JsonValue]) -> tuple[Message, ...]:
    values: dict[str, str] = {}
    problems: list[Problem] = []
    for name in prompt.placeholders:
        try:
            values[name] = _text(name, inputs, prompt)
        except BadInput as error:
            problems.extend(error.problems)
    if problems:
        raise BadInput(problems)
    return tuple(
        Message(message.role, PLACEHOLDER.sub(lambda match: values[match.group(1)], message.content))
        for message in prompt.messages
    )


def missing_inputs(prompt: Prompt, names: Iterable[str]) -> tuple[str, ...]:
    """Variables of the prompt that are not among the names a dataset offers, and that it cannot do without."""
    offered = {*names, *optional_values(prompt.declared)}
    return tuple(name for name in prompt.placeholders if name not in offered)


def unused_inputs(prompt: Prompt, names: Iterable[str]) -> tuple[str, ...]:
    """Names a dataset offers that the prompt does not use, in the order given."""
    used = set(prompt.placeholders)
    return tuple(name for name in dict.fromkeys(names) if name not in used)


def stray_braces(content: str, where: str) -> tuple[Problem, ...]:
    """Double braces that are not placeholders: almost always a typing error that would reach the model as it stands.

    A `}}` that closes two single braces opened before (nested JSON in an example) is no stray.
    """
    return tuple(
        Problem(f"{braces!r} at {_position(content, offset)} of the message is not a placeholder", where, _HINT)
        for offset, braces in islice(_strays(content), _SHOWN)
    )


def _strays(content: str) -> Iterator[tuple[int, str]]:
    depth = 0
    for offset, mark in _marks(content):
        if mark == "{":
            depth += 1
        elif mark == "}":
            depth = max(0, depth - 1)
        elif mark == "}}" and depth >= 2:
            depth -= 2
        elif mark in ("{{", "}}", "{{{"):
            yield offset, mark


_BRACES = re.compile(rf"(?P<triple>\{{(?={PLACEHOLDER.pattern}))|(?P<fill>{PLACEHOLDER.pattern})|\{{\{{|\}}\}}|[{{}}]")


def _marks(content: str) -> Iterator[tuple[int, str]]:
    for match in _BRACES.finditer(content):
        if match.group("triple"):
            yield match.start(), "{{{"
        elif not match.group("fill"):
            yield match.start(), match.group()


def _position(content: str, offset: int) -> str:
    line = content.count("\n", 0, offset) + 1
    column = offset - (content.rfind("\n", 0, offset) + 1) + 1
    return f"line {line}, column {column}"


def _text(name: str, inputs: Mapping[str, JsonValue], prompt: Prompt) -> str:
    where = str(prompt.path)
    if name not in inputs:
        raise BadInput(_missing(name, inputs, prompt))
    value = inputs[name]
    if value is None:
        hint = "give it a value, or an empty text where empty is meant"
        raise BadInput(f"prompt {prompt.reference} needs the variable {name!r}, which is null", where=where, hint=hint)
    try:
        return value_text(value)
    except ValueError as error:
        raise BadInput(f"variable {name!r} of prompt {prompt.reference} is not JSON: {error}", where=where) from error


def _missing(name: str, inputs: Mapping[str, JsonValue], prompt: Prompt) -> Problem:
    said = f"prompt {prompt.reference} needs the variable {name!r}, which is missing"
    return Problem(said, str(prompt.path), suggestion(name, sorted(inputs)) if inputs else "no variable was given a value")
