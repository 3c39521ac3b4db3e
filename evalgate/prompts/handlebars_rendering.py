"""Render a Handlebars prompt: data only, no calls, a bounded number of steps; roles come from the template alone."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import lru_cache

from evalgate.core.errors import BadInput
from evalgate.core.values import JsonValue
from evalgate.prompts.handlebars_syntax import Block, Expression, Literal, Node, Show, parse_handlebars
from evalgate.prompts.handlebars_tokens import RoleTag, Token, cut
from evalgate.prompts.value_text import value_text
from evalgate.prompts.values import Message, Prompt

MAX_STEPS = 200_000
MAX_CHARACTERS = 4 << 20


def render_handlebars(prompt: Prompt, inputs: Mapping[str, JsonValue]) -> tuple[Message, ...]:
    """The messages of one case.

    A part of a value that is absent is an error where it is printed, and false in `#if`.
    Raises: BadInput for an absent or null value that is printed, and for a text or a number of steps beyond the limit.
    """
    name = str(prompt.path)
    nodes = _parsed(tuple((message.role, message.content) for message in prompt.messages), prompt.lines, name)
    writer = _Writer(inputs, frozenset(prompt.placeholders), name)
    writer.write(nodes, _Scope(inputs))
    found = [Message(role, "".join(parts)) for role, parts in writer.messages]
    return tuple(message for message in found if message.content.strip())


@lru_cache(maxsize=64)
def _parsed(messages: tuple[tuple[str, str], ...], lines: tuple[int, ...], name: str) -> tuple[Node, ...]:
    return parse_handlebars(joined(messages, lines, name), name)[0]


def joined(messages: Sequence[tuple[str, str]], lines: Sequence[int], name: str) -> list[Token]:
    """The template as it stood in the file: its messages one after the other, a role before each."""
    tokens: list[Token] = []
    for index, (role, content) in enumerate(messages):
        tokens.append(RoleTag(role))
        tokens.extend(cut(content, name, lines[index] if index < len(lines) else 1))
    return tokens


@dataclass(frozen=True, slots=True)
class _Scope:
    value: JsonValue
    outer: _Scope | None = None
    data: Mapping[str, JsonValue] = field(default_factory=dict)


class _Absent:
    """No such value."""


_ABSENT = _Absent()


@dataclass(slots=True)
class _Writer:
    inputs: Mapping[str, JsonValue]
    variables: frozenset[str]
    name: str
    messages: list[tuple[str, list[str]]] = field(default_factory=list)
    steps: int = 0
    characters: int = 0

    def write(self, nodes: tuple[Node, ...], scope: _Scope) -> None:
        for node in nodes:
            self.steps += 1
            if self.steps > MAX_STEPS:
                raise BadInput(
                    f"the prompt takes more than {MAX_STEPS:,} steps to render", where=self.name, hint="loop over less"
                )
            if isinstance(node, str):
                self.text(node)
            elif isinstance(node, RoleTag):
                self.role(node.role)
            elif isinstance(node, Show):
                self.text(self.shown(node, scope))
            else:
                self.block(node, scope)

    def text(self, text: str) -> None:
        self.characters += len(text)
        if self.characters > MAX_CHARACTERS:
            raise BadInput(
                f"the rendered prompt is longer than {MAX_CHARACTERS:,} characters", where=self.name, hint="loop over less"
            )
        self.messages[-1][1].append(text)

    def role(self, role: str) -> None:
        if self.messages and not any(part.strip() for part in self.messages[-1][1]):
            self.messages.pop()
        self.messages.append((role, []))

    def block(self, block: Block, scope: _Scope) -> None:
        values = [_value(value, scope, self.inputs) for value in block.values]
        first = values[0]
        if block.kind.endswith("Equals") and any(isinstance(value, (list, dict)) for value in values):
            where = f"{self.name}:{block.line}"
            raise BadInput(f"#{block.kind} compares texts, numbers and booleans", where=where, hint="compare a part of the value")
        match block.kind:
            case "if":
                self.write(block.body if _holds(first, block.include_zero) else block.otherwise, scope)
            case "unless":
                self.write(block.otherwise if _holds(first, block.include_zero) else block.body, scope)
            case "ifEquals":
                self.write(block.body if _same(first, values[1]) else block.otherwise, scope)
            case "unlessEquals":
                self.write(block.otherwise if _same(first, values[1]) else block.body, scope)
            case "with":
                entered = _holds(first, True) or isinstance(first, dict)
                self.write(block.body if entered else block.otherwise, _Scope(first, scope, scope.data) if entered else scope)
            case _:
                self.each(block, first, scope)

    def each(self, block: Block, value: JsonValue, scope: _Scope) -> None:
        pairs: list[tuple[JsonValue, JsonValue]] = []
        if isinstance(value, dict):
            pairs = list(value.items())
        elif isinstance(value, list):
            pairs = list(enumerate(value))
        elif not isinstance(value, _Absent) and value not in (None, ""):
            where = f"{self.name}:{block.line}"
            raise BadInput("#each needs a list or an object", where=where, hint="give the input as JSON, not as text")
        if not pairs:
            self.write(block.otherwise, scope)
        for index, (key, item) in enumerate(pairs):
            data = {"index": index, "key": key, "first": index == 0, "last": index == len(pairs) - 1}
            self.write(block.body, _Scope(item, scope, data))

    def shown(self, show: Show, scope: _Scope) -> str:
        value = _value(show.value, scope, self.inputs)
        where = f"{self.name}:{show.line}"
        text = show.value.text if not isinstance(show.value, Literal) else ""
        if isinstance(value, _Absent):
            if scope.outer is None and not isinstance(show.value, Literal) and len(show.value.steps) == 1:
                return ""  # an optional input: what may not be absent was asked for before
            raise BadInput(f"{text!r} is not there", where=where, hint=f"print it only where it is: {{{{#if {text}}}}}")
        try:
            if show.json:
                indent = show.indent or None
                separators = None if indent else (",", ":")
                return json.dumps(value, ensure_ascii=False, allow_nan=False, indent=indent, separators=separators)
            return value_text(value)
        except (ValueError, TypeError, RecursionError) as error:
            raise BadInput(f"{text!r} cannot be printed: {error}", where=where, hint="give it a value") from error


def _value(expression: Expression, scope: _Scope, inputs: Mapping[str, JsonValue]) -> JsonValue:
    if isinstance(expression, Literal):
        return expression.value
    found: JsonValue
    if expression.data:
        found = inputs if expression.data == "root" else scope.data.get(expression.data, _ABSENT)
    else:
        place: _Scope | None = scope
        for _ in range(expression.up):
            place = place.outer if place is not None else None
        found = _ABSENT if place is None else place.value
    for step in expression.steps:
        if isinstance(found, Mapping):
            found = found.get(step, _ABSENT)
        elif isinstance(found, list) and step.isdecimal() and len(step) < 10 and int(step) < len(found):
            found = found[int(step)]
        else:
            return _ABSENT
    return found


def _holds(value: JsonValue, include_zero: bool) -> bool:
    """What counts as true: not absent, null, false, an empty text or list, nor 0 (unless that is meant)."""
    if isinstance(value, _Absent) or value is None or value is False or value == "" or value == []:
        return False
    return include_zero or isinstance(value, bool) or value != 0


def _same(first: JsonValue, second: JsonValue) -> bool:
    return isinstance(first, bool) == isinstance(second, bool) and bool(first == second)
