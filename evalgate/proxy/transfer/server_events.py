"""Join a recorded stream of server-sent events into the one answer that it carried.

A stream that ends without finish_reason or [DONE] was cut: that is an error, never a short answer.
Source: WHATWG HTML, server-sent events, event stream interpretation; OpenAI API reference, streaming.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import Any

from evalgate.proxy.request import RESPONSES
from evalgate.proxy.upstream.wire import error_text, parse_body

_LINE_END = re.compile(rb"\r\n|\n|\r")
_FINAL = ("response.completed", "response.incomplete", "response.failed")


def looks_like_stream(data: bytes, content_type: str) -> bool:
    """Whether a response body is a stream of events."""
    return "text/event-stream" in content_type.lower() or data.lstrip()[:6] in (b"data: ", b"event:")


def joined(endpoint: str, data: bytes) -> Any:
    """The body that the same answer has when it is not streamed.

    Raises: ValueError when the stream was cut, is not what an OpenAI-compatible server sends, or tells of an error.
    """
    chunks = _chunks(data)
    return _response(chunks) if endpoint == RESPONSES else _completion(chunks)


def _chunks(data: bytes) -> list[Any]:
    """The JSON values of all events; None for [DONE]."""
    found: list[Any] = []
    for event in _events(data):
        if event.strip() == b"[DONE]":
            found.append(None)
            break
        try:
            found.append(parse_body(event))
        except ValueError as error:
            raise ValueError(f"event {len(found) + 1} of the stream is not JSON: the stream was cut or damaged") from error
    for chunk in found:
        if isinstance(chunk, Mapping) and chunk.get("error") is not None and "choices" not in chunk and "type" not in chunk:
            raise ValueError(f"the stream tells of an error: {error_text(chunk)}")
        if chunk is not None and not isinstance(chunk, Mapping):
            raise ValueError("an event of the stream is not a JSON object")
    return found


def _events(data: bytes) -> Iterator[bytes]:
    pending: list[bytes] = []
    for line in _LINE_END.split(data.removeprefix(b"\xef\xbb\xbf")):
        if not line:
            if pending:
                yield b"\n".join(pending)
            pending = []
        elif line.startswith(b"data:"):
            pending.append(line[5:].removeprefix(b" "))
    if pending:
        # The blank line after the last event is missing in many files; a cut event is not JSON, and is noticed.
        yield b"\n".join(pending)


def _completion(chunks: list[Any]) -> dict[str, Any]:
    body: dict[str, Any] = {"object": "chat.completion"}
    choices: dict[int, dict[str, Any]] = {}
    for chunk in chunks:
        if chunk is None:
            continue
        for name in ("id", "created", "model", "system_fingerprint", "usage", "error"):
            if chunk.get(name) is not None:
                body[name] = chunk[name]
        for part in chunk.get("choices") or ():
            if not isinstance(part, Mapping) or not isinstance(part.get("index", 0), int):
                raise ValueError("a choice of the stream is not an object with an index")
            _add(choices.setdefault(part.get("index", 0), _choice(part.get("index", 0))), part)
    done = bool(chunks) and chunks[-1] is None
    if not done and not (choices and all(choice["finish_reason"] is not None for choice in choices.values())):
        raise ValueError("the stream ends without finish_reason or [DONE]: it was cut, and a part is no answer")
    body["choices"] = [_closed(choices[index]) for index in sorted(choices)]
    return body


def _choice(index: int) -> dict[str, Any]:
    return {"index": index, "content": [], "refusal": [], "finish_reason": None, "calls": {}}


def _add(choice: dict[str, Any], part: Mapping[str, Any]) -> None:
    delta = part.get("delta")
    delta = delta if isinstance(delta, Mapping) else {}
    for name in ("content", "refusal"):
        if isinstance(delta.get(name), str):
            choice[name].append(delta[name])
    for call in delta.get("tool_calls") or ():
        if not isinstance(call, Mapping) or not isinstance(call.get("index", 0), int):
            raise ValueError("a tool call of the stream is not an object with an index")
        _add_call(choice["calls"].setdefault(call.get("index", 0), {"name": [], "arguments": []}), call)
    if part.get("finish_reason") is not None:
        choice["finish_reason"] = str(part["finish_reason"])


def _add_call(whole: dict[str, Any], call: Mapping[str, Any]) -> None:
    for name in ("id", "type"):
        if isinstance(call.get(name), str):
            whole.setdefault(name, call[name])
    function = call.get("function")
    if isinstance(function, Mapping):
        for name in ("name", "arguments"):
            if isinstance(function.get(name), str):
                whole[name].append(function[name])


def _closed(choice: dict[str, Any]) -> dict[str, Any]:
    message: dict[str, Any] = {"role": "assistant", "content": "".join(choice["content"]) if choice["content"] else None}
    if choice["refusal"]:
        message["refusal"] = "".join(choice["refusal"])
    if choice["calls"]:
        message["tool_calls"] = [_closed_call(call) for _, call in sorted(choice["calls"].items())]
    return {"index": choice["index"], "message": message, "finish_reason": choice["finish_reason"]}


def _closed_call(call: dict[str, Any]) -> dict[str, Any]:
    function = {name: "".join(call[name]) for name in ("name", "arguments")}
    return {**{name: call[name] for name in ("id", "type") if name in call}, "function": function}


def _response(chunks: list[Any]) -> Any:
    for chunk in reversed(chunks):
        if chunk is None:
            continue
        if chunk.get("type") in _FINAL and isinstance(chunk.get("response"), Mapping):
            return chunk["response"]
        if chunk.get("type") == "error":
            raise ValueError(f"the stream tells of an error: {error_text(chunk.get('error') or chunk)}")
    raise ValueError("the stream ends without response.completed: it was cut, and a part is no answer")
