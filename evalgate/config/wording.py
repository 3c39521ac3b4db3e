"""Say in our own words what pydantic found wrong with the shape of a configuration."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from evalgate.config.faults import Faults, key_text, shown, unknown_key
from evalgate.config.misplaced import unknown_hint
from evalgate.config.shapes import keys_at, words_at
from evalgate.core.document import KeyPath
from evalgate.core.plugins import suggestion

_TYPES = {
    "string_type": ("a text", "write a text; what looks like a number needs quotes"),
    "int_type": ("a whole number", "write a number without quotes and without a point"),
    "int_from_float": ("a whole number", "write a number without a point"),
    "float_type": ("a number", "write a number without quotes"),
    "model_type": ("a mapping", "put its keys on their own lines, indented"),
    "dict_type": ("a mapping", "put its keys on their own lines, indented"),
    "list_type": ("a list", "write [a, b], or one item a line after a dash"),
    "bool_type": ("true or false", "write true or false, without quotes"),
}
_LIMITS = {
    "greater_than": ("more than", "gt"),
    "greater_than_equal": ("at least", "ge"),
    "less_than": ("less than", "lt"),
    "less_than_equal": ("at most", "le"),
}
_EXAMPLES = {
    "gate": "gate: my-gate",
    "command": "write the program first: command: [python3, app.py]",
    "contains": "write the part to look for, or leave contains out",
    "matches": "write the pattern to look for, or leave matches out",
    "text": 'text: the answer, such as "You said {{last}}"',
    "kind": "kind: rate_limit, server_error, timeout, truncated, slow, reset or error_body",
    "median": "give median and p95 together: {median: 200, p95: 600}",
    "p95": "give median and p95 together: {median: 200, p95: 600}",
    "min": "give min and max together: {min: 5, max: 40}",
    "max": "give min and max together: {min: 5, max: 40}",
    "dataset": "dataset: name@1.0.0",
    "variants": "variants: {baseline: {prompt: name@1, model: alias}, candidate: {prompt: name@2, model: alias}}",
    "models": "models: {alias: {provider: openai, name: the-model}}",
    "proxy": "proxy: {mode: replay, recording: my-gate}",
    "thresholds": "a gate without one can never refuse: thresholds: [{metric: exact_match, max_regression: 0.02}]",
    "recording": "recording: my-gate",
    "baseline": "baseline: {prompt: name@1, model: alias}",
    "candidate": "candidate: {prompt: name@2, model: alias}",
    "provider": "provider: openai",
    "name": "name: the-model, as the provider calls it",
    "model": "model: an alias from models",
    "prompt": "prompt: name@1",
}


def note_error(error: Mapping[str, Any], faults: Faults, root: type | None = None) -> None:
    """Turn one entry of `ValidationError.errors()` into a fault with place, key and advice.

    `root` is the model of the whole document: without it that of a gate.
    """
    path: KeyPath = tuple(part for part in error["loc"] if part != "[key]")
    kind, given = str(error["type"]), error.get("input")
    text, context = key_text(path), error.get("ctx") or {}
    if kind == "missing":
        faults.add(path[:-1], f"{text} is missing", _EXAMPLES.get(str(path[-1]), f"add {path[-1]}: …"))
    elif kind == "extra_forbidden":
        known = keys_at(path[:-1], root)
        faults.add(path, unknown_key(path), unknown_hint(path, known))
    elif kind in _TYPES:
        wanted, hint = _TYPES[kind]
        if kind == "list_type" and path[-1] == "command":
            hint = "write a list, each word its own item: [python3, app.py]; no shell is involved"
        faults.add(path, f"{text} must be {wanted}, not {shown(given)}", hint)
    elif kind in _LIMITS:
        words, key = _LIMITS[kind]
        faults.add(path, f"{text} must be {words} {context[key]:,.10g}, not {shown(given)}", _range_hint(path, given))
    elif kind == "literal_error":
        _note_choice(path, given, words_at(path, root), faults)
    else:
        _note_text(path, kind, given, faults)


def _note_choice(path: KeyPath, given: Any, known: tuple[str, ...], faults: Faults) -> None:
    hint = suggestion(given, known) if isinstance(given, str) else f"known: {', '.join(known)}"
    faults.add(path, f"{key_text(path)} must be one of {', '.join(known)}, not {shown(given)}", hint)


def _note_text(path: KeyPath, kind: str, given: Any, faults: Faults) -> None:
    """Texts that are empty, too long, or of the wrong form; and whatever else is wrong."""
    text = key_text(path)
    if path == ("gate",):
        hint = "small letters, digits, dots, dashes and underscores, at most 64, such as my-gate"
        faults.add(path, f"{text} is not a name for a gate: {shown(given)}", hint)
    elif kind == "too_short" or given == "":
        faults.add(path, f"{text} is empty", _EXAMPLES.get(str(path[-1]), "write at least one"))
    elif kind == "string_too_long":
        faults.add(path, f"{text} is too long ({len(given):,} characters)", "shorten it")
    elif kind == "string_pattern_mismatch":
        faults.add(path, f"{text} holds a line break or another control character", "write it on one line")
    else:
        faults.add(path, f"{text} cannot be {shown(given)}", "see the documentation of this key")


def _range_hint(path: KeyPath, given: Any) -> str:
    if path == ("confidence",) and isinstance(given, (int, float)):
        if 50 < given < 100:
            return f"did you mean {given / 100:.10g}?"
        if 0 < given < 0.5:
            return f"did you mean {1 - given:.10g}?"
        return "write 0.95, or another share between 0.5 and 1"
    if path == ("samples",):
        return "samples are repeats of each case: 1 to 100"
    if path == ("resamples",):
        return "leave it out, and the number of cases decides"
    if str(path[-1]).endswith("_s"):
        return "write seconds, in that range"
    return "write a number in that range"
