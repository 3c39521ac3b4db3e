"""Read a client's request: capped, strict, and to the same key as everything else."""

from __future__ import annotations

import asyncio
import re
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from evalgate.core.errors import BadInput
from evalgate.core.strict_json import parse_json
from evalgate.proxy.request import CHAT, EMBEDDINGS, request_key, request_of_body
from evalgate.proxy.server.interface import Asked, Refusal

if TYPE_CHECKING:
    from aiohttp import web

SAMPLE_HEADER = "x-evalgate-sample"
READ_S = 60.0
"""How long a client may take to send the body of a request."""
_SAMPLE = re.compile(r"[0-9]{1,3}")


async def read_asked(request: web.Request, endpoint: str, limit: int) -> Asked | Refusal:
    """The request of a client, or why it is refused."""
    refusal = _refused_head(request, limit)
    if refusal is not None:
        return refusal
    data = await _read(request, limit)
    return data if isinstance(data, Refusal) else parse_asked(endpoint, data, request.headers.get(SAMPLE_HEADER))


def parse_asked(endpoint: str, data: bytes, sample: str | None = None) -> Asked | Refusal:
    """From the bytes of a body to a keyed request."""
    try:
        body = parse_json(data.decode("utf-8"))
    except UnicodeDecodeError as error:
        return Refusal(400, f"the body is not UTF-8 (byte {error.start})", "invalid_json")
    except ValueError as error:
        return Refusal(400, f"the body is not valid JSON: {str(error)[:200]}", "invalid_json")
    if not isinstance(body, Mapping):
        return Refusal(400, "the body must be a JSON object", "invalid_json")
    if sample is not None and not _SAMPLE.fullmatch(sample):
        return Refusal(400, f"{SAMPLE_HEADER} must be a number from 0 to 999", "invalid_value", param=SAMPLE_HEADER)
    try:
        request = request_of_body(endpoint, body, int(sample or 0))
        key = request_key(request)
    except BadInput as error:
        problem = error.problems[0]
        return Refusal(400, problem.message, "invalid_value", param=problem.where)
    return _streaming(endpoint, Asked(key, request, body))


def _streaming(endpoint: str, asked: Asked) -> Asked | Refusal:
    stream, options = asked.body.get("stream"), asked.body.get("stream_options")
    if not isinstance(stream, (bool, type(None))):
        return Refusal(400, "stream must be true or false", "invalid_type", param="stream")
    if not isinstance(options, (Mapping, type(None))):
        return Refusal(400, "stream_options must be an object", "invalid_type", param="stream_options")
    if stream and endpoint == EMBEDDINGS:
        return Refusal(400, "embeddings cannot be streamed", "invalid_value", param="stream")
    wants_usage = endpoint == CHAT and isinstance(options, Mapping) and options.get("include_usage") is True
    return Asked(asked.key, asked.request, asked.body, stream is True, wants_usage)


def _refused_head(request: web.Request, limit: int) -> Refusal | None:
    if "Content-Type" in request.headers and not _is_json(request):
        return Refusal(415, "the Content-Type must be application/json in UTF-8", "unsupported_media_type", closes=True)
    if request.headers.get("Content-Encoding", "identity").lower() != "identity":
        return Refusal(415, "compressed request bodies are not read", "unsupported_media_type", closes=True)
    if request.content_length is not None and request.content_length > limit:
        return _too_large(limit)
    return None


def _is_json(request: web.Request) -> bool:
    if len(request.headers.getall("Content-Type")) != 1:
        return False
    # `curl -d` and urllib call every body a form unless told otherwise; a form of a web page carries an Origin and is refused.
    media = request.content_type
    good = media in ("application/json", "application/x-www-form-urlencoded") or media.endswith("+json")
    return good and (request.charset or "utf-8").lower() in ("utf-8", "utf8")


def _too_large(limit: int) -> Refusal:
    return Refusal(413, f"the body is larger than {limit} bytes (--max-body)", "request_too_large", closes=True)


async def _read(request: web.Request, limit: int) -> bytes | Refusal:
    from aiohttp import web

    chunks: list[bytes] = []
    size = 0
    try:
        async with asyncio.timeout(READ_S):
            async for chunk in request.content.iter_any():
                size += len(chunk)
                if size > limit:
                    return _too_large(limit)
                chunks.append(chunk)
    except TimeoutError:
        return Refusal(408, f"the body did not arrive within {READ_S:g} s", "request_timeout", closes=True)
    except (web.RequestPayloadError, ConnectionError):
        return Refusal(400, "the body of the request is damaged", "invalid_body", closes=True)
    return b"".join(chunks)


def sent_body(asked: Asked) -> dict[str, Any]:
    """The body as it goes upstream: what the client sent, never streamed."""
    return {name: value for name, value in asked.body.items() if name not in ("stream", "stream_options")}
