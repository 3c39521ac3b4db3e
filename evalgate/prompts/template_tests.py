"""Unit tests of a prompt template: the file beside the prompt that says what it must render to."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from evalgate.core.document import Document, KeyPath
from evalgate.core.errors import BadInput, Problem
from evalgate.core.plugins import suggestion
from evalgate.core.visible import HIDDEN
from evalgate.prompts.expectations import Expectation, read_expectations
from evalgate.prompts.prompt_file import ROLES
from evalgate.prompts.values import Message

TEST_ENDINGS = (".test.yml", ".test.yaml")
MAX_NAME = 120
_TOP = ("prompt", "cases", "answers")
_CASE = ("name", "inputs", "messages", "expect", "raises", "snapshot")
_ANSWERS = ("accepts", "refuses")


@dataclass(frozen=True, slots=True)
class TemplateCase:
    """Render with these inputs; then all of this must hold."""

    name: str
    inputs: Mapping[str, Any]
    place: str
    messages: tuple[Message, ...] | None = None
    """Exactly these messages."""
    expect: tuple[Expectation, ...] = ()
    raises: str | None = None
    """The prompt must refuse the inputs, with these words in the error; empty: with any words."""
    snapshot: bool = False


@dataclass(frozen=True, slots=True)
class SampleAnswer:
    """An answer that the prompt's output schema must accept, or refuse."""

    name: str
    answer: Any
    """A text as a model would give it, or a JSON value."""
    accepted: bool
    place: str


@dataclass(frozen=True, slots=True)
class TemplateTests:
    """A test file."""

    prompt: str | None
    """Name of the prompt file beside it; None: the one with the same name."""
    cases: tuple[TemplateCase, ...]
    answers: tuple[SampleAnswer, ...]


def parse_template_tests(document: Document) -> TemplateTests:
    """Check a parsed test file.

    Raises:
        BadInput: every fault of the file at once, each with `file:line`; also a file that tests nothing.
    """
    value = document.value
    if not isinstance(value, dict):
        hint = "cases: [{name: …, inputs: {…}, expect: [{contains: …}]}]"
        raise BadInput("a test file is a mapping with the key cases", where=document.place(), hint=hint)
    problems = _unknown(document, (), _TOP)
    prompt = value.get("prompt")
    if prompt is not None and (not isinstance(prompt, str) or not prompt or "/" in prompt or "\\" in prompt):
        problems.append(Problem("prompt must be the name of a file beside this one", document.place("prompt")))
    cases = _cases(document, problems)
    answers = _answers(document, problems)
    if not cases and not answers and not problems:
        hint = "cases: [{name: …, inputs: {…}, expect: [{contains: …}]}]"
        problems.append(Problem("the file tests nothing", document.place(), hint))
    if problems:
        raise BadInput(problems)
    return TemplateTests(prompt, cases, answers)


def _cases(document: Document, problems: list[Problem]) -> tuple[TemplateCase, ...]:
    given = document.value.get("cases", [])
    if not isinstance(given, list) or ("cases" in document.value and not given):
        problems.append(Problem("cases must be a list with at least one case", document.place("cases")))
        return ()
    found: list[TemplateCase] = []
    names: dict[str, str] = {}
    for index in range(len(given)):
        case = _case(document, index, problems)
        if case is None:
            continue
        if case.name in names:
            said = f"the name {case.name!r} is used at {names[case.name]} already"
            problems.append(Problem(said, document.place("cases", index, "name"), "every case needs a name of its own"))
        names.setdefault(case.name, case.place)
        found.append(case)
    return tuple(found)


def _case(document: Document, index: int, problems: list[Problem]) -> TemplateCase | None:
    path: KeyPath = ("cases", index)
    given = document.value["cases"][index]
    place = document.place(*path)
    if not isinstance(given, dict):
        problems.append(Problem("a case is a mapping with name, inputs and what is expected", place))
        return None
    before = len(problems)
    problems += _unknown(document, path, _CASE)
    name, inputs = given.get("name"), given.get("inputs", {})
    if not isinstance(name, str) or not _is_name(name):
        said = f"a case needs a name: one line of at most {MAX_NAME} visible characters"
        problems.append(Problem(said, document.place(*path, "name")))
    if not isinstance(inputs, dict):
        problems.append(Problem("inputs must be a mapping", document.place(*path, "inputs")))
    raises = _raises(document, path, problems)
    if "snapshot" in given and given["snapshot"] is not True:
        problems.append(Problem("snapshot is either true or not there", document.place(*path, "snapshot")))
    messages = _messages(document, path, problems) if "messages" in given else None
    expect = read_expectations(document, (*path, "expect"), problems) if "expect" in given else ()
    wanted = [key for key in ("messages", "expect", "snapshot") if key in given]
    if raises is not None and wanted:
        said = f"a case that raises renders nothing, so it cannot have {' or '.join(wanted)} too"
        problems.append(Problem(said, document.place(*path, "raises")))
    if "raises" not in given and not wanted:
        hint = "add messages, expect, raises or snapshot: true"
        problems.append(Problem("the case expects nothing", place, hint))
    if len(problems) > before:
        return None
    return TemplateCase(str(name), inputs, place, messages, expect, raises, given.get("snapshot") is True)


def _is_name(text: str) -> bool:
    return (
        0 < len(text) <= MAX_NAME and text == text.strip() and "\n" not in text and "\t" not in text and not HIDDEN.search(text)
    )


def _raises(document: Document, path: KeyPath, problems: list[Problem]) -> str | None:
    given = _at(document, path)
    if "raises" not in given:
        return None
    value = given["raises"]
    if value is True:
        return ""
    if isinstance(value, str) and value.strip():
        return value
    problems.append(Problem("raises is true, or words of the error", document.place(*path, "raises")))
    return None


def _messages(document: Document, path: KeyPath, problems: list[Problem]) -> tuple[Message, ...]:
    given = _at(document, path)["messages"]
    if not isinstance(given, list) or not given:
        problems.append(Problem("messages must be a list of {role, content}", document.place(*path, "messages")))
        return ()
    found = []
    for index, message in enumerate(given):
        place = document.place(*path, "messages", index)
        if not isinstance(message, dict) or set(message) != {"role", "content"}:
            problems.append(Problem("a message is a mapping with role and content", place))
        elif message["role"] not in ROLES:
            problems.append(Problem(f"unknown role {message['role']!r}", place, suggestion(str(message["role"]), ROLES)))
        elif not isinstance(message["content"], str):
            problems.append(Problem("the content of a message must be a text", place, "put it in quotes"))
        else:
            found.append(Message(message["role"], message["content"]))
    return tuple(found)


def _answers(document: Document, problems: list[Problem]) -> tuple[SampleAnswer, ...]:
    given = document.value.get("answers", {})
    if not isinstance(given, dict) or ("answers" in document.value and not given):
        problems.append(Problem("answers is a mapping with accepts, refuses or both", document.place("answers")))
        return ()
    problems += _unknown(document, ("answers",), _ANSWERS) if given else []
    found = []
    for key in _ANSWERS:
        samples = given.get(key, [])
        if not isinstance(samples, list) or (key in given and not samples):
            problems.append(Problem(f"{key} must be a list of answers", document.place("answers", key)))
            continue
        for index, answer in enumerate(samples):
            place = document.place("answers", key, index)
            found.append(SampleAnswer(f"answers: {key} {index + 1}", answer, key == "accepts", place))
    return tuple(found)


def _at(document: Document, path: KeyPath) -> Any:
    value = document.value
    for key in path:
        value = value[key]
    return value


def _unknown(document: Document, path: KeyPath, known: tuple[str, ...]) -> list[Problem]:
    return [
        Problem(f"unknown key {key!r}", document.place(*path, key), suggestion(str(key), known))
        for key in _at(document, path)
        if key not in known
    ]
