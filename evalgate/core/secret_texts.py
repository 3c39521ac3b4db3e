"""Secrets in what people write and collect (prompts, datasets, logs): keys of services, and passwords beside a telling name.

The one list of the linter, of the health of a dataset, of what is masked before a case is staged, and of what the detector
`secrets` looks for without quotes. Redaction before a recording goes by the keys of services alone: what stands beside the
word password in an answer may be an answer.
"""

from __future__ import annotations

import base64
import binascii
import re
from collections.abc import Iterator
from functools import lru_cache
from typing import Any

from evalgate.core.key_patterns import HAPHAZARD, any_key, may_hold_key
from evalgate.core.patterns import compile_pattern, encodable

WRITTEN = ("password", "named_key", "url_password", "basic_credentials")
"""Kinds that go by what stands beside; the others are keys of services."""
_PASSWORDS = "password|passwd|passwort|kennwort|passphrase|passcode|contraseña|pwd"
_KEYS = "(?:api|auth|access|account|private|secret)[_ -]?key|secret|token|authorization"
_SHORT = r"(?:\b|_)pass="
"""`DB_PASS=`; with a colon it is a word of everybody's."""
_VALUE = r"[^\x00\s\"'`,;<>{}()\[\]|\\$]"
_ENVIRONMENT = r"(?-i:_[A-Z0-9]{1,20})?"
"""`DB_PASSWORD_PROD`."""
_DECORATION = r"[ \t\\\"'`*\]]{0,6}"
_ASSIGNED = (
    rf"(?:(?:({_PASSWORDS})|(?:{_KEYS})){_ENVIRONMENT}{_DECORATION}(?:[:=]|is\b){_DECORATION}(?:(?:token|key|apikey)[ \t]+)?"
    rf"|({_SHORT}))({_VALUE}{{6,400}})"
)
_URL = r"\b[A-Za-z][A-Za-z0-9+.-]{1,20}://([^\x00\s:/@{}<>\\\"'$*]{0,100}:[^\x00\s/@{}<>\\\"'$*]{1,200})@[A-Za-z0-9\[]"
_BASIC = r"\b[Bb]asic[ \t]+([A-Za-z0-9+/_-]{6,400}={0,2})"
_NEXT_FIELD = re.compile(r"&[A-Za-z_][\w.-]*=")
_MARKS = re.compile(r"(?i)pass|kennwort|contraseña|pwd|key|secret|token|authorization|://|basic")
_PIECE = re.compile(r"[A-Za-z0-9!#%&*+/=?@^~]+")
_LONG_WORD = re.compile(r"[a-z]{7,}|[A-Z][a-z]{5,}")
_VERSION = re.compile(r"[A-Za-z]{1,2}[0-9]+\Z")
SHORTEST_KEY = 10


def secrets_in(text: str) -> Iterator[tuple[str, int, int]]:
    """Kind, start and end of every secret in a text, in order, in linear time.

    Words are none, joined by hyphens or underscores or not (`my-company-secret-santa-2024`), nor are names that only
    begin or end like a telling one (`secretary-of-state`, `tokenization_model_v2`).
    """
    text = encodable(text)
    found = sorted([*_keys(text), *_written(text)], key=lambda place: (place[1], -place[2]))
    end = -1
    for kind, start, stop in found:
        # `api_key = sk-…` is one secret.
        if start >= end:
            yield kind, start, stop
            end = stop


def is_key(kind: str, found: str) -> bool:
    """Whether what matches a key's pattern is more than words that begin like one (`sk-learn-compatible`)."""
    if kind == "openai_key":
        return HAPHAZARD.search(found[3:]) is not None
    if kind == "bearer_token":
        return _is_mixed(found.split()[-1])
    return True


def assigned_secrets(text: str) -> Iterator[tuple[str, int, int]]:
    """Kind (`password`, `named_key`), start and end of every value that is given to a telling name and looks made up."""
    if _MARKS.search(text) is None:
        return
    for match in _compiled(_ASSIGNED, True).finditer(text):
        kind = "password" if match.group(1) or match.group(2) else "named_key"
        value = _NEXT_FIELD.split(match.group(3))[0].rstrip(".!?:*")
        if _is_made_up(kind, value):
            yield kind, match.start(3), match.start(3) + len(value)


def _keys(text: str) -> Iterator[tuple[str, int, int]]:
    if may_hold_key(text):
        for match in any_key().finditer(text):
            kind = str(match.lastgroup)
            if is_key(kind, match.group()):
                yield kind, match.start(), match.end()


def _written(text: str) -> Iterator[tuple[str, int, int]]:
    if _MARKS.search(text) is None:
        return
    yield from assigned_secrets(text)
    for match in _compiled(_URL, False).finditer(text):
        yield "url_password", match.start(1), match.end(1)
    for match in _compiled(_BASIC, False).finditer(text):
        if _is_basic(match.group(1)):
            yield "basic_credentials", match.start(1), match.end(1)


def _is_made_up(kind: str, value: str) -> bool:
    """Whether a value has a stretch of letters and digits mixed, longer than a version or the number of a part, and is no
    path or web address."""
    if kind == "named_key" and (len(value) < SHORTEST_KEY or "://" in value):
        return False
    if "/" in value and (len(set(value)) < 14 or _LONG_WORD.search(value)):
        return False
    return any(len(piece) >= 6 and _is_mixed(piece) and not _VERSION.match(piece) for piece in _PIECE.findall(value))


def _is_mixed(text: str) -> bool:
    return any(c.isdigit() for c in text) and any(c.isalpha() for c in text)


def _is_basic(value: str) -> bool:
    """Whether a value is `user:password` in Base64. Source: RFC 7617."""
    try:
        plain = base64.b64decode(value + "=" * (-len(value) % 4), altchars=None, validate=True).decode("utf-8")
    except (binascii.Error, ValueError):
        return False
    return ":" in plain and plain.isprintable()


@lru_cache(maxsize=4)
def _compiled(pattern: str, ignore_case: bool) -> Any:
    return compile_pattern(pattern, ignore_case=ignore_case).compiled
