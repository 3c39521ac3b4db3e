"""`evalgate prompt render`: the messages of a prompt for given inputs, as the model would get them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from evalgate.config.strict_yaml import read_document
from evalgate.core.errors import BadInput, Problem
from evalgate.core.files import read_text
from evalgate.core.strict_json import parse_json
from evalgate.golden.card import parse_card
from evalgate.golden.locate import card_path
from evalgate.pipeline.prompt_reading import read_prompt
from evalgate.pipeline.subject import prove_dataset
from evalgate.prompts.locate import prompt_path
from evalgate.prompts.template import missing_inputs, render, unused_inputs
from evalgate.prompts.values import Message, Prompt


@dataclass(frozen=True, slots=True)
class Rendered:
    """A prompt and its messages."""

    prompt: Prompt
    messages: tuple[Message, ...]

    def document(self) -> dict[str, Any]:
        """As JSON."""
        return {
            "schema": "evalgate.rendered_prompt/1",
            "prompt": self.prompt.reference,
            "digest": self.prompt.digest,
            "format": self.prompt.format,
            "engine": self.prompt.engine,
            "messages": [{"role": message.role, "content": message.content} for message in self.messages],
            "parameters": dict(self.prompt.parameters),
        }


@dataclass(frozen=True, slots=True)
class Given:
    """Where the inputs come from; what is named later replaces what is named earlier."""

    file: str | None
    """JSON object of inputs."""
    case: str | None
    """`DATASET:ID`."""
    texts: tuple[str, ...]
    """`name=text`."""


def render_prompt(reference: str, given: Given, root: Path) -> Rendered:
    """Read a prompt and fill it.

    Raises: BadInput when the prompt, the inputs or the case cannot be read, or an input is missing.
    """
    prompt = read_prompt(prompt_path(reference, root=root, base=root), reference, root=root)
    inputs: dict[str, Any] = {}
    if given.file is not None:
        inputs |= _inputs_of_file(Path(given.file))
    if given.case is not None:
        inputs |= _inputs_of_case(given.case, root)
    for text in given.texts:
        name, equals, value = text.partition("=")
        if not equals or not name:
            raise BadInput(f"{text!r} is no input", where="--input", hint="write --input name=text")
        inputs[name] = value
    _require_inputs(prompt, inputs)
    return Rendered(prompt, render(prompt, inputs))


def _require_inputs(prompt: Prompt, inputs: Mapping[str, Any]) -> None:
    """Whoever gives inputs by hand is told which there are, and how each is given."""
    missing = missing_inputs(prompt, inputs)
    if not missing:
        return
    strange = unused_inputs(prompt, inputs)
    given = f" ({', '.join(strange)}: not used by it)" if strange else ""
    example = " ".join(f"--input {name}=TEXT" for name in missing)
    hint = f"{example}, --inputs FILE with a JSON object, or --case DATASET:ID; it takes {', '.join(prompt.placeholders)}{given}"
    where, said = f"prompt {prompt.reference}", "needs the variable {!r}, which is missing"
    problems = [Problem(said.format(name), where) for name in missing]
    raise BadInput([*problems[:-1], replace(problems[-1], hint=hint)])


def _inputs_of_file(path: Path) -> Mapping[str, Any]:
    try:
        value = parse_json(read_text(path, str(path)))
    except ValueError as error:
        raise BadInput(f"not valid JSON: {error}", where=str(path), hint='{"name": "value"}') from error
    if not isinstance(value, dict):
        raise BadInput("inputs are one JSON object", where=str(path), hint='{"name": "value"}')
    return value


def _inputs_of_case(reference: str, root: Path) -> Mapping[str, Any]:
    scheme, rest = ("hf://", reference[5:]) if reference.startswith("hf://") else ("", reference)
    name, colon, case_id = rest.partition(":")
    dataset = scheme + name
    if not colon or not case_id:
        raise BadInput(f"{reference!r} names no case", where="--case", hint="write --case name@version:ID")
    path = card_path(dataset, root=root, base=root)
    card = parse_card(read_document(path), path.parent)
    found: list[Mapping[str, Any]] = []
    prove_dataset(card, watch=lambda case: found.append(case.inputs) if case.id == case_id else None)
    if found:
        return found[0]
    raise BadInput(f"there is no case {case_id!r} in {dataset}", where=str(path), hint="is the id written as in the data?")
