"""vcrpy cassettes: HTTP interactions with OpenAI-compatible servers, plain or streamed.

Headers are looked at for their secrets (which are then kept out of everything that is written), for the content type and
for the content encoding; nothing of them is taken over.
Source: vcrpy 9.4, `vcr.serializers`; cassettes written by it with the openai and requests clients.
"""

from __future__ import annotations

import base64
import binascii
import re
import zlib
from collections.abc import Mapping
from typing import Any

from evalgate.core.credentials import remember
from evalgate.core.errors import BadInput
from evalgate.proxy.transfer.interface import Entries, Found, Reason, Skipped, endpoint_of, found_in_bodies
from evalgate.proxy.transfer.server_events import joined, looks_like_stream
from evalgate.proxy.upstream.wire import error_text, parse_body

MAX_BODY = 32 << 20
_SECRET_HEADERS = ("authorization", "proxy-authorization", "api-key", "x-api-key", "x-goog-api-key", "cookie", "set-cookie")
LONG = 12
"""Letters of a credential without digits; shorter ones are words, which servers of one's own accept as keys."""
_FILTERED = re.compile(r"(?i)redact|filter|dummy|fake|mask|hidden|remov|placeholder|example")
"""Words that people put in the place of a credential; taking them out of answers would tear those apart."""
_ENCODINGS = ("br", "zstd", "deflate")
_BEGINNINGS = (b"{", b"[", b"d", b"e", b":")
"""Of JSON, and of a stream of events."""


def read_cassette(document: Any, shown: str) -> Entries:
    """Every call of a model in a cassette.

    Raises: BadInput when the document is no cassette.
    """
    interactions = document.get("interactions") if isinstance(document, Mapping) else None
    if not isinstance(interactions, list):
        raise BadInput("no list of interactions is in the file", where=shown, hint="a cassette of vcrpy, YAML or JSON")
    for number, interaction in enumerate(interactions):
        where = f"{shown}, interactions[{number}]"
        if not isinstance(interaction, Mapping):
            raise BadInput("an interaction is not a mapping", where=where)
        request, response = interaction.get("request"), interaction.get("response")
        if not isinstance(request, Mapping) or not isinstance(response, Mapping):
            raise BadInput("an interaction needs a request and a response", where=where)
        for side in (request, response):
            _remember_secrets(_headers(side))
    for number, interaction in enumerate(interactions):
        yield _entry(interaction["request"], interaction["response"], f"{shown}, interactions[{number}]")


def _entry(request: Mapping[str, Any], response: Mapping[str, Any], where: str) -> Found | Skipped:
    method, uri = request.get("method"), request.get("uri")
    endpoint = endpoint_of(uri) if isinstance(uri, str) else None
    if method != "POST" or endpoint is None:
        return Skipped(where, Reason.UNUSABLE, f"{str(method)[:20]} {_path(uri)} is no question to a model")
    try:
        asked = parse_body(_body(request.get("body"), _headers(request)))
    except ValueError as error:
        return Skipped(where, Reason.UNUSABLE, f"the body of the request cannot be read: {error}")
    try:
        data = _body(response.get("body", response.get("content")), _headers(response))
    except ValueError as error:
        return Skipped(where, Reason.ERROR, f"the body of the response cannot be read: {error}")
    status = _status(response)
    if status is None or not 200 <= status < 300:
        return Skipped(where, Reason.ERROR, f"HTTP {status}: {_error(data)}")
    try:
        streamed = looks_like_stream(data, _headers(response).get("content-type", ""))
        answered = joined(endpoint, data) if streamed else parse_body(data)
    except ValueError as error:
        return Skipped(where, Reason.ERROR, str(error)[:300])
    return found_in_bodies(endpoint, asked, answered, where)


def _status(response: Mapping[str, Any]) -> int | None:
    status = response.get("status", response.get("status_code"))
    code = status.get("code") if isinstance(status, Mapping) else status
    return code if isinstance(code, int) and not isinstance(code, bool) else None


def _body(value: Any, headers: Mapping[str, str]) -> bytes:
    """The bytes of a body, however the cassette holds it.

    Raises: ValueError when it holds none, or one that is too large or packed in a way that is not read.
    """
    if isinstance(value, Mapping):
        packed = value.get("base64_string")
        value = value.get("string") if packed is None else _from_base64(packed)
    if isinstance(value, str):
        data = value.encode("utf-8")
    elif isinstance(value, bytes):
        data = value
    else:
        raise ValueError("there is none" if value is None else f"it is a {type(value).__name__}, not a text")
    return _unpacked(data, headers.get("content-encoding", "").strip().lower())


def _from_base64(value: Any) -> bytes:
    if not isinstance(value, (str, bytes)):
        raise ValueError("base64_string is not a text")
    try:
        return base64.b64decode(value, validate=False)
    except binascii.Error as error:
        raise ValueError("base64_string is not Base64") from error


def _unpacked(data: bytes, encoding: str) -> bytes:
    # Several clients unpack a body before it is recorded and keep the header, so that the data itself has to say.
    packed = data[:2] == b"\x1f\x8b"
    if not packed and encoding in _ENCODINGS and data.lstrip()[:1] not in _BEGINNINGS:
        if encoding != "deflate":
            raise ValueError(f"it is packed with {encoding}: record the cassette with decode_compressed_response=True")
        packed = True
    if packed:
        data = _inflated(data)
    if len(data) > MAX_BODY:
        raise ValueError(f"it is larger than {MAX_BODY >> 20} MiB")
    return data


def _inflated(data: bytes) -> bytes:
    unpacker = zlib.decompressobj(wbits=47)
    try:
        found = unpacker.decompress(data, MAX_BODY + 1)
    except zlib.error as error:
        raise ValueError(f"it cannot be unpacked: {error}") from error
    if not unpacker.eof and len(found) <= MAX_BODY:
        raise ValueError("it cannot be unpacked: the data ends too early")
    return found


def _headers(side: Mapping[str, Any]) -> dict[str, str]:
    """Headers by lower-case name; several values joined."""
    headers = side.get("headers")
    found: dict[str, str] = {}
    for name, value in headers.items() if isinstance(headers, Mapping) else ():
        values = value if isinstance(value, list) else [value]
        found[str(name).lower()] = ", ".join(_text(item) for item in values)
    return found


def _text(value: Any) -> str:
    return value.decode("utf-8", "replace") if isinstance(value, bytes) else str(value)


def _remember_secrets(headers: Mapping[str, str]) -> None:
    """A server may repeat a credential in its answer: whatever was sent as one is kept out of everything written."""
    for name in _SECRET_HEADERS:
        for value in _credentials(name, headers.get(name, "")):
            if _is_secret(value, cookie="cookie" in name):
                remember(value)


def _is_secret(value: str, *, cookie: bool) -> bool:
    """Whether a credential is one: not `XXXX`, `REDACTED` or `not-needed`, nor a cookie such as `theme=system`."""
    digits, long = any(c.isdigit() for c in value), len(value) >= LONG
    if len(set(value)) < 3:
        return False
    return long and digits if cookie else digits or (long and not _FILTERED.search(value))


def _credentials(header: str, text: str) -> list[str]:
    """The credentials in a header: without the scheme (`Bearer`), and of cookies the values without their attributes."""
    if header == "set-cookie":
        return [part.partition(";")[0].partition("=")[2].strip() for part in text.split(", ")]
    if header == "cookie":
        return [part.partition("=")[2].strip() for part in text.split(";")]
    return [words[-1] for part in text.split(",") if (words := part.split())]


def _path(uri: Any) -> str:
    """The path alone: the rest of an address may hold secrets."""
    text = str(uri).partition("?")[0].partition("#")[0]
    return "/" + text.partition("://")[2].partition("/")[2][:80] if "://" in text else text[:80]


def _error(data: bytes) -> str:
    try:
        return error_text(parse_body(data))
    except ValueError:
        return error_text(data[:300].decode("utf-8", "replace"))
