"""The `parameters` of a model: what a request may not say there, because it belongs elsewhere or into no file."""

from __future__ import annotations

import re
from typing import Any

from evalgate.config.faults import Faults, clipped, key_text, shown
from evalgate.config.key_texts import KEY_HINT, holds_key, looks_random
from evalgate.core.document import KeyPath

_SIGNS = re.compile(r"[^a-z0-9]")
_KEYS = frozenset(
    {"apikey", "xapikey", "openaiapikey", "authorization", "accesstoken", "authtoken", "apitoken", "bearer", "secret", "password"}
)
_MAYBE_KEYS = frozenset({"key", "token", "auth"})
"""Names that an application may use for something else."""
_HEADERS = frozenset({"headers", "extraheaders", "defaultheaders", "header", "extraquery", "defaultquery", "cookies"})
_MOVED = {
    "model": "the name of the model is models.ALIAS.name",
    "messages": "what is asked is the prompt of a variant",
    "input": "what is asked is the prompt of a variant",
    "baseurl": "the address is models.ALIAS.base_url",
    "apibase": "the address is models.ALIAS.base_url",
    "timeout": "the time limit of an attempt is proxy.timeout_s",
    "maxretries": "the number of attempts is proxy.attempts",
    "extrabody": "write its content as parameters",
    "streamoptions": "answers are never streamed to a gate",
}


def check_parameters(raw: Any, path: KeyPath, faults: Faults) -> None:
    """Note parameters that a gate cannot mean."""
    if not isinstance(raw, dict):
        return
    for name, value in raw.items():
        where = (*path, name)
        fault = _fault(name, value)
        if fault is not None:
            faults.add(where, f"{key_text(where)} {fault[0]}", fault[1])


def _fault(name: str, value: Any) -> tuple[str, str] | None:
    bare = _SIGNS.sub("", name.lower())
    if bare in _KEYS:
        return "is no sampling parameter", KEY_HINT
    if bare in _HEADERS:
        return "cannot be set: a request has no headers of its own", f"remove it; {KEY_HINT}"
    if bare in _MOVED:
        return f"cannot be a parameter: {clipped(name)} stands elsewhere", _MOVED[bare]
    if bare == "stream" and value is not None and value is not False:
        return f"must not be {shown(value)}", "answers are never streamed to a gate; remove it"
    if name == "n" and value is not None and (isinstance(value, bool) or value != 1):
        return f"must not be {shown(value)}", "a gate reads one answer of each request; for repeats write samples: N at the top"
    if holds_key(value) or (bare in _MAYBE_KEYS and isinstance(value, str) and looks_random(value)):
        return "holds what looks like a key", KEY_HINT
    return None
