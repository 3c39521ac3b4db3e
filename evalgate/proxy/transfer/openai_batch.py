"""OpenAI's Batch API: an output file joined with the file of requests by `custom_id`.

Source: OpenAI API reference, Batch (the request input and request output objects).
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from evalgate.core.errors import BadInput, Problem
from evalgate.core.files import open_for_reading
from evalgate.proxy.transfer.interface import Entries, Found, Reason, Skipped, endpoint_of, found_in_bodies
from evalgate.proxy.transfer.scan import RawLine, json_of, raw_lines
from evalgate.proxy.upstream.wire import error_text, parse_body

SHOWN_PROBLEMS = 50


@dataclass(frozen=True, slots=True)
class _Place:
    number: int
    offset: int
    length: int


def read_batch(outputs: Path, requests: Path) -> Entries:
    """Every exchange of a batch; requests that nothing answers are named at the end.

    Raises: BadInput when a line is malformed, an id is missing or given twice, or an output belongs to no request.
    """
    asked, answered = _by_id(requests), _by_id(outputs)
    extra = [custom_id for custom_id in answered if custom_id not in asked]
    if extra:
        hint = f"is {requests} the input of this batch?"
        raise BadInput(
            [
                Problem(f"no request has the custom_id {name[:80]!r}", f"{outputs}:{answered[name].number}", hint)
                for name in extra[:SHOWN_PROBLEMS]
            ]
        )
    with open_for_reading(requests, str(requests)) as requested, open_for_reading(outputs, str(outputs)) as answers:
        for custom_id, place in answered.items():
            request = _value_at(requested, asked[custom_id], requests)
            answer = _value_at(answers, place, outputs)
            yield _entry(request, answer, f"{outputs}:{place.number}", f"{requests}:{asked[custom_id].number}")
    for custom_id, place in asked.items():
        if custom_id not in answered:
            yield Skipped(f"{requests}:{place.number}", Reason.UNANSWERED, f"custom_id {custom_id[:80]!r} has no output")


def _by_id(path: Path) -> dict[str, _Place]:
    """Where each line of a file stands; only ids are kept, since a batch may be large."""
    shown = str(path)
    places: dict[str, _Place] = {}
    problems: list[Problem] = []
    for raw in raw_lines(path, shown):
        where = f"{shown}:{raw.number}"
        try:
            custom_id = _custom_id(_parsed(raw, shown), where)
        except BadInput as error:
            problems += error.problems
        else:
            if custom_id in places:
                said = f"custom_id {custom_id[:80]!r} is already used on line {places[custom_id].number}"
                problems.append(Problem(said, where, "every request of a batch has an id of its own"))
            places.setdefault(custom_id, _Place(raw.number, raw.offset, len(raw.body)))
        if len(problems) >= SHOWN_PROBLEMS:
            break
    if problems:
        raise BadInput(problems)
    if not places:
        raise BadInput("the file is empty", where=shown)
    return places


def _parsed(raw: RawLine, shown: str) -> Any:
    try:
        return json_of(raw, shown)
    except BadInput as error:
        if "surrogate" not in str(error):
            raise
        return parse_body(raw.body)


def _custom_id(value: Any, where: str) -> str:
    if not isinstance(value, Mapping):
        raise BadInput("a line of a batch file is a JSON object", where=where)
    custom_id = value.get("custom_id")
    if not isinstance(custom_id, str) or not custom_id:
        raise BadInput("the line has no custom_id", where=where, hint="is this a file of OpenAI's Batch API?")
    return custom_id


def _value_at(handle: Any, place: _Place, path: Path) -> Mapping[str, Any]:
    handle.seek(place.offset)
    value = _parsed(RawLine(place.number, place.offset, handle.read(place.length)), str(path))
    if not isinstance(value, Mapping):
        raise BadInput("the file changed while it was read", where=str(path), hint="run again")
    return value


def _entry(request: Mapping[str, Any], answer: Mapping[str, Any], where: str, asked_at: str) -> Found | Skipped:
    url, method = request.get("url"), request.get("method", "POST")
    endpoint = endpoint_of(url) if isinstance(url, str) else None
    if endpoint is None or method != "POST":
        return Skipped(asked_at, Reason.UNUSABLE, f"{str(method)[:20]} {str(url)[:80]} is no question to a model")
    response = answer.get("response")
    if "response" not in answer and "error" not in answer:
        raise BadInput("the line has neither response nor error", where=where, hint="name the output file, and --requests")
    if answer.get("error") is not None:
        return Skipped(where, Reason.ERROR, error_text(answer))
    if not isinstance(response, Mapping):
        return Skipped(where, Reason.ERROR, "the line has no response")
    status = response.get("status_code")
    if status != 200 or isinstance(status, bool):
        return Skipped(where, Reason.ERROR, f"HTTP {str(status)[:20]}: {error_text(response.get('body') or {})}")
    return found_in_bodies(endpoint, request.get("body"), response.get("body"), where)


def looks_like_batch(value: Any) -> bool:
    """Whether a line seems to be one of a batch's output file."""
    return isinstance(value, Mapping) and "custom_id" in value and ("response" in value or "error" in value)
