"""A response of the Responses API as a stream of its events, made from the complete body.

Source: OpenAI API reference (streaming events of the Responses API).
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from itertools import count
from typing import Any

from evalgate.proxy.exchange import Exchange
from evalgate.proxy.server.pieces import event, pieces

_ENDS = {"incomplete": "response.incomplete", "failed": "response.failed"}
_TEXT = {"output_text": "text", "refusal": "refusal"}
"""Kind of content part → the field that holds its text."""
Event = tuple[str, dict[str, Any]]


def response_events(exchange: Exchange, body: Mapping[str, Any]) -> Iterator[bytes]:
    """From `response.created` to `response.completed`; the texts in pieces, and everything whole in the last event."""
    numbers = count()
    for name, data in _events(exchange, body):
        yield event({"type": name, "sequence_number": next(numbers), **data}, name)


def _events(exchange: Exchange, body: Mapping[str, Any]) -> Iterator[Event]:
    begun = {**body, "status": "in_progress", "output": [], "usage": None}
    yield "response.created", {"response": begun}
    yield "response.in_progress", {"response": begun}
    for number, item in enumerate(body["output"]):
        yield from _item(number, item, str(item.get("id") or f"item_{exchange.key[:40]}_{number}"))
    yield _ENDS.get(str(body.get("status")), "response.completed"), {"response": body}


def _item(number: int, item: Mapping[str, Any], item_id: str) -> Iterator[Event]:
    place = {"output_index": number}
    content, arguments = item.get("content"), item.get("arguments")
    if item.get("type") == "message" and isinstance(content, list):
        yield "response.output_item.added", {**place, "item": {**item, "status": "in_progress", "content": []}}
        for at, part in enumerate(content):
            yield from _part({"item_id": item_id, **place, "content_index": at}, part)
    elif item.get("type") == "function_call" and isinstance(arguments, str):
        yield "response.output_item.added", {**place, "item": {**item, "status": "in_progress", "arguments": ""}}
        named = {"item_id": item_id, **place}
        for piece in pieces(arguments):
            yield "response.function_call_arguments.delta", {**named, "delta": piece}
        yield "response.function_call_arguments.done", {**named, "name": item.get("name"), "arguments": arguments}
    else:
        yield "response.output_item.added", {**place, "item": item}
    yield "response.output_item.done", {**place, "item": item}


def _part(place: dict[str, Any], part: Any) -> Iterator[Event]:
    field = _TEXT.get(str(part.get("type"))) if isinstance(part, Mapping) else None
    if field is None or not isinstance(part.get(field), str):
        yield "response.content_part.added", {**place, "part": part}
        yield "response.content_part.done", {**place, "part": part}
        return
    kind = f"response.{part['type']}"
    empty = {**part, field: "", **({"annotations": []} if "annotations" in part else {})}
    probabilities: dict[str, Any] = {"logprobs": []} if field == "text" else {}
    yield "response.content_part.added", {**place, "part": empty}
    for piece in pieces(part[field]):
        yield f"{kind}.delta", {**place, "delta": piece, **probabilities}
    annotations = part.get("annotations")
    for at, annotation in enumerate(annotations if isinstance(annotations, list) else ()):
        yield f"{kind}.annotation.added", {**place, "annotation_index": at, "annotation": annotation}
    if field == "text":
        probabilities = {"logprobs": part.get("logprobs") or []}
    yield f"{kind}.done", {**place, field: part[field], **probabilities}
    yield "response.content_part.done", {**place, "part": part}
