"""Canonical JSON (RFC 8785) and SHA-256 digests: equal values have equal bytes, on every machine."""

from __future__ import annotations

import hashlib
import json
import math
import re
from collections.abc import Callable, Mapping
from json.encoder import encode_basestring
from pathlib import Path
from typing import Any

from evalgate.core.visible import json_without_commands

MAX_SAFE_INTEGER = 2**53 - 1
_NUMBER_NEEDS_CARE = re.compile(r"[:,\[]-?(?:[0-9]{16}|[0-9]+(?:\.0(?![0-9])|(?:\.[0-9]+)?[eE]))")
"""A number as the C encoder writes it that RFC 8785 may write otherwise; a text that looks like one does no harm."""
_BEYOND_BMP = re.compile("[\U00010000-\U0010ffff]")


def canonical_json(value: Any) -> bytes:
    """Serialise a JSON value so that equal values give equal bytes.

    Raises:
        ValueError: a non-finite number, an integer beyond 2**53 - 1, a key that is not a string, a lone surrogate,
            or a value JSON does not have.
    Source: RFC 8785 (JSON Canonicalization Scheme).
    """
    return _write(value).encode("utf-8")


def canonical_parsed(value: Any) -> bytes:
    """Like `canonical_json` for a value that came out of `parse_json`, several times faster for most of them.

    The C encoder writes RFC 8785 unless a number or a key beyond the BMP needs care; whenever that is possible, the exact
    writer does the work.
    """
    try:
        text = compact_json(value)
    except ValueError:
        return canonical_json(value)
    if _has_only_texts(value):
        return text.encode("utf-8")
    if _NUMBER_NEEDS_CARE.search(text) or (not text.isascii() and _BEYOND_BMP.search(text)):
        return canonical_json(value)
    # A value that is a number and nothing else has nothing before it to be recognised by.
    return canonical_json(value) if isinstance(value, (int, float)) else text.encode("utf-8")


def digest(value: Any) -> str:
    """`sha256:<hex>` of the canonical JSON of a value."""
    return digest_bytes(canonical_json(value))


def digest_bytes(data: bytes) -> str:
    """`sha256:<hex>` of bytes."""
    return "sha256:" + hashlib.sha256(data).hexdigest()


def digest_file(path: Path) -> str:
    """`sha256:<hex>` of a file, read in blocks."""
    with path.open("rb") as handle:
        return "sha256:" + hashlib.file_digest(handle, "sha256").hexdigest()


def pretty_json(value: Any) -> str:
    """JSON for files that people read: sorted keys, two spaces, no NaN, a final newline; no CI runner finds a command in it."""
    return json_without_commands(json.dumps(value, indent=2, sort_keys=True, ensure_ascii=False, allow_nan=False)) + "\n"


def json_line(value: Any) -> str:
    """One JSON line with sorted keys; U+2028 and U+2029 are escaped so that no reader splits inside a text."""
    text = compact_json(value)
    if text.isascii():
        return text + "\n"
    return text.replace("\u2028", "\\u2028").replace("\u2029", "\\u2029").replace("\x85", "\\u0085") + "\n"


def _has_only_texts(value: Any) -> bool:
    """Whether it is an object without numbers and with keys that sort alike in every encoding: nothing needs care."""
    if type(value) is not dict:
        return False
    for key, item in value.items():  # noqa: SIM110 - a generator costs more than the rest of the function
        if type(item) is not str or type(key) is not str or not key.isascii():
            return False
    return True


def _write(value: Any) -> str:
    if value is None:
        return "null"
    if value is True:
        return "true"
    if value is False:
        return "false"
    if isinstance(value, str):
        return encode_basestring(value)
    if isinstance(value, int):
        return _integer(value)
    if isinstance(value, float):
        return _number(value)
    if isinstance(value, Mapping):
        return _object(value)
    if isinstance(value, (list, tuple)):
        return "[" + ",".join(_write(item) for item in value) + "]"
    raise ValueError(f"{type(value).__name__} is not a JSON value")


def _object(value: Mapping[Any, Any]) -> str:
    for key in value:
        if not isinstance(key, str):
            raise ValueError(f"object key {key!r} is not a string")
    # RFC 8785 sorts by UTF-16 code units, which differs from code points beyond the BMP.
    ordered = sorted(value, key=lambda k: k.encode("utf-16-be", "surrogatepass"))
    return "{" + ",".join(f"{encode_basestring(k)}:{_write(value[k])}" for k in ordered) + "}"


def _integer(value: int) -> str:
    if abs(value) > MAX_SAFE_INTEGER:
        raise ValueError(f"integer beyond 2**53 - 1: {str(value)[:40]}")
    return str(value)


def _number(value: float) -> str:
    """Format as ECMAScript's Number::toString, which RFC 8785 prescribes."""
    if not math.isfinite(value):
        raise ValueError(f"{value} is not a JSON number")
    if value == 0:
        return "0"
    sign = "-" if value < 0 else ""
    # float() first: a subclass such as numpy's float64 has a repr of its own.
    mantissa, _, exponent_text = f"{float(abs(value))!r}".partition("e")
    whole, _, fraction = mantissa.partition(".")
    fraction = "" if fraction == "0" else fraction
    exponent = int(exponent_text or 0) + len(whole)
    raw = whole + fraction
    digits = raw.lstrip("0")
    exponent -= len(raw) - len(digits)
    digits = digits.rstrip("0")
    count = len(digits)
    if count <= exponent <= 21:
        return sign + digits + "0" * (exponent - count)
    if 0 < exponent <= 21:
        return f"{sign}{digits[:exponent]}.{digits[exponent:]}"
    if -6 < exponent <= 0:
        return f"{sign}0.{'0' * -exponent}{digits}"
    tail = f".{digits[1:]}" if count > 1 else ""
    power = exponent - 1
    return f"{sign}{digits[0]}{tail}e{'+' if power > 0 else '-'}{abs(power)}"


def _compact_encoder() -> Callable[[Any], str]:
    plain = json.JSONEncoder(sort_keys=True, ensure_ascii=False, allow_nan=False, separators=(",", ":"))
    make = getattr(json.encoder, "c_make_encoder", None)  # only CPython has it
    if make is None:
        return plain.encode
    chunks = make(None, plain.default, encode_basestring, None, ":", ",", True, False, False)

    def encode(value: Any) -> str:
        try:
            return "".join(chunks(value, 0))
        except RecursionError:  # `plain` tells a circle from a value that is nested too deep
            return plain.encode(value)

    return encode


compact_json = _compact_encoder()
"""Sorted keys, no white space, no NaN. Kept: `json.dumps` builds two encoders a call, which costs more than a short row."""
