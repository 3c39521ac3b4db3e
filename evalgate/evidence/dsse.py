"""Signed envelopes: what exactly is signed, how it is written, and how it is read back without trusting anything in it.

Source: DSSE v1.0.2, protocol.md and envelope.md (https://github.com/secure-systems-lab/dsse).
"""

from __future__ import annotations

import base64
import binascii
import json
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from evalgate.core.strict_json import parse_json

MAX_BYTES = 4 << 20
"""Of an envelope; a statement has some kilobytes."""
MAX_SIGNATURES = 64


@dataclass(frozen=True, slots=True)
class Signature:
    """One signature of an envelope."""

    sig: bytes
    keyid: str = ""
    """A hint that nothing protects: it never decides."""


@dataclass(frozen=True, slots=True)
class Envelope:
    """A payload with its type and signatures, of which none was verified yet."""

    payload: bytes
    payload_type: str
    signatures: tuple[Signature, ...]


def signed_bytes(payload_type: str, payload: bytes) -> bytes:
    """The bytes that a signature is made over (the specification calls them PAE); lengths are those of bytes."""
    kind = payload_type.encode("utf-8")
    return b"DSSEv1 %d %s %d %s" % (len(kind), kind, len(payload), payload)


def envelope_text(envelope: Envelope) -> str:
    """An envelope as a JSON document of one line."""
    document = {
        "payload": _encoded(envelope.payload),
        "payloadType": envelope.payload_type,
        "signatures": [{"keyid": one.keyid, "sig": _encoded(one.sig)} for one in envelope.signatures],
    }
    return json.dumps(document) + "\n"


def read_envelope(data: bytes) -> Envelope:
    """Read an envelope.

    Unknown members are passed over, as the specification asks. Base64 may be of either alphabet, but not of both.

    Raises:
        ValueError: too large, not strict JSON in UTF-8, a member missing or of a wrong type, no signature, or Base64 that
            says the same bytes in another way than its own.
    """
    if len(data) > MAX_BYTES:
        raise ValueError(f"larger than {MAX_BYTES >> 20} MiB")
    value = parse_json(data.decode("utf-8"))
    if not isinstance(value, dict):
        raise ValueError("an envelope is a JSON object")
    payload, kind = _text(value, "payload"), _text(value, "payloadType")
    listed = value.get("signatures")
    if not isinstance(listed, list) or not 1 <= len(listed) <= MAX_SIGNATURES:
        raise ValueError(f"signatures must be a list of 1 to {MAX_SIGNATURES}")
    return Envelope(_decoded(payload, "payload"), kind, tuple(_signature(one) for one in listed))


def verified_by(envelope: Envelope, keys: Sequence[str], verify: Callable[[str, bytes, bytes], bool]) -> tuple[str, ...]:
    """Which of the keys made a signature of the envelope; each counts once, in the order of `keys`.

    `verify` says whether a key (by its id) made a signature of a message. Key ids in the envelope are not looked at.
    """
    message = signed_bytes(envelope.payload_type, envelope.payload)
    return tuple(key for key in keys if any(verify(key, one.sig, message) for one in envelope.signatures))


def _signature(value: object) -> Signature:
    if not isinstance(value, dict):
        raise ValueError("a signature is a JSON object")
    # An unset key id is the same as an empty one.
    keyid = value.get("keyid") if value.get("keyid") is not None else ""
    if not isinstance(keyid, str):
        raise ValueError("keyid must be a text")
    return Signature(_decoded(_text(value, "sig"), "sig"), keyid)


def _text(value: dict[str, object], key: str) -> str:
    found = value.get(key)
    if not isinstance(found, str):
        raise ValueError(f"{key} is missing" if key not in value else f"{key} must be a text")
    return found


def _encoded(data: bytes) -> str:
    return base64.b64encode(data).decode("ascii")


def _decoded(text: str, what: str) -> bytes:
    """The bytes of canonical Base64: one text for one value, so that no byte of a file can change without being found."""
    web = "-" in text or "_" in text
    try:
        data = base64.b64decode(text.encode("ascii"), altchars=b"-_" if web else None, validate=True)
    except (binascii.Error, ValueError) as error:
        raise ValueError(f"{what} is not Base64") from error
    again = base64.urlsafe_b64encode(data) if web else base64.b64encode(data)
    if again.decode("ascii") != text:
        raise ValueError(f"{what} is not Base64 as it is written by the standard")
    return data
