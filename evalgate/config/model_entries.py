"""The entries of `models`: what each provider needs and takes, and where keys and addresses may stand."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

from evalgate.config.faults import MAX_FAULTS, Faults, clipped, key_text, shown
from evalgate.config.key_texts import KEY_HINT, holds_key, looks_like_key, looks_random
from evalgate.config.sampling import check_parameters
from evalgate.core.document import KeyPath
from evalgate.core.plugins import known_names, suggestion
from evalgate.core.settings import ModelChoice, Upstream

if TYPE_CHECKING:
    from evalgate.config.answer_models import ModelEntry

PROVIDERS = ("openai", "command", "python", "mock")
_SERVED = ("base_url", "api_key_env")
_TAKES: Mapping[str, tuple[str, ...]] = {
    "openai": _SERVED,
    "command": ("command", "processes"),
    "python": ("function", "processes"),
    "mock": (),
}
"""Provider → the keys that only it, or few, can use; a provider of somebody else's takes those of `openai`."""
_NEEDS = {
    "command": ("command", "command: [python3, app.py]"),
    "python": ("function", "function: package.module:function"),
}
_ELSEWHERE = {
    "base_url": "it asks no server of its own; remove it, or write provider: openai",
    "api_key_env": "it reads its own environment; remove it, or write provider: openai",
    "command": "command belongs to provider: command",
    "function": "function belongs to provider: python",
    "processes": "processes belongs to the providers command and python; here proxy.concurrency limits the calls in flight",
}
_SCHEME = re.compile(r"https?://", re.IGNORECASE)
VARIABLE = re.compile(r"[A-Za-z_][A-Za-z0-9_]{0,127}")
FUNCTION = re.compile(r"[A-Za-z_]\w*(?:\.[A-Za-z_]\w*)*:[A-Za-z_]\w*", re.ASCII)
_ENDPOINT = re.compile(r"/(chat/completions|completions|responses|embeddings|models)/*$")
_ADDRESS = "write the server up to and including /v1, such as http://127.0.0.1:8080/v1"


def check_models(raw: Any, faults: Faults) -> None:
    """Note what is wrong with the entries of `models` beyond their shape; values of the wrong type are noted elsewhere."""
    if not isinstance(raw, dict):
        return
    for alias, entry in raw.items():
        if len(faults.found) >= MAX_FAULTS:
            return
        if isinstance(entry, dict):
            path: KeyPath = ("models", alias)
            _check_provider(entry, path, faults)
            _check_texts(entry, path, faults)
            check_parameters(entry.get("parameters"), (*path, "parameters"), faults)


def model_choice(alias: str, entry: ModelEntry) -> ModelChoice:
    """What an alias stands for."""
    price = entry.price
    return ModelChoice(
        alias,
        entry.provider,
        entry.name,
        entry.parameters,
        price_input=price.input if price else None,
        price_output=price.output if price else None,
        endpoint=entry.endpoint,
    )


def upstream_of(entry: ModelEntry) -> Upstream:
    """How a model is reached."""
    return Upstream(entry.base_url, entry.api_key_env, tuple(entry.command or ()), entry.function or "", entry.processes)


def _check_provider(entry: Mapping[str, Any], path: KeyPath, faults: Faults) -> None:
    provider = entry.get("provider")
    if not isinstance(provider, str) or not provider:
        return
    _check_spelling(provider, (*path, "provider"), faults)
    takes = _TAKES.get(provider, _SERVED)
    for key, hint in _ELSEWHERE.items():
        if key in entry and key not in takes:
            where = (*path, key)
            faults.add(where, f"{key_text(where)}: provider {clipped(provider)} does not use {key}", hint)
    needed = _NEEDS.get(provider)
    if needed is not None and needed[0] not in entry:
        key, hint = needed
        faults.add(path, f"{key_text((*path, key))} is missing: provider {provider} needs it", hint)


def _check_spelling(provider: str, where: KeyPath, faults: Faults) -> None:
    """A misspelt built-in would otherwise be found out only by the first live call."""
    if provider in PROVIDERS or not suggestion(provider, PROVIDERS).startswith("did you mean"):
        return
    if provider not in known_names("evalgate.providers", dict.fromkeys(PROVIDERS, "")):
        message = f"{key_text(where)}: there is no provider {clipped(provider)!r}"
        faults.add(where, message, suggestion(provider, PROVIDERS))


def _check_texts(entry: Mapping[str, Any], path: KeyPath, faults: Faults) -> None:
    for key, check in (("base_url", _url_fault), ("api_key_env", _variable_fault), ("function", _function_fault)):
        text = entry.get(key)
        fault = check(text) if isinstance(text, str) else None
        if fault is not None:
            where = (*path, key)
            faults.add(where, f"{key_text(where)} {fault[0]}", fault[1])
    command = entry.get("command")
    if isinstance(command, list) and command:
        where = (*path, "command", 0)
        if isinstance(command[0], str) and not command[0].strip():
            faults.add(where, f"{key_text(where)} is empty", "write the program first: command: [python3, app.py]")
        if holds_key(command):
            where = (*path, "command")
            hint = "keys never stand in a file: let the program read its own environment"
            faults.add(where, f"{key_text(where)} holds what looks like a key", hint)


def _url_fault(text: str) -> tuple[str, str] | None:
    """What is wrong with an address; the address itself is not repeated, because it may hold a secret."""
    if not _SCHEME.match(text):
        hint = f"{_ADDRESS}; nothing is filled in, and without base_url OPENAI_BASE_URL is used" if "$" in text else _ADDRESS
        return "must begin with http:// or https://", hint
    try:
        parts = urlsplit(text)
        host = parts.hostname if parts.port is None or parts.port > 0 else None
    except ValueError:
        return "is not the address of a server", _ADDRESS
    if "@" in parts.netloc:
        return "must not hold a user or a password", KEY_HINT
    if "?" in text or "#" in text:
        return "must not hold a query or a fragment", KEY_HINT
    if looks_like_key(text):
        return "holds what looks like a key", KEY_HINT
    if not host or re.search(r"[\s\\\x00-\x1f\x7f]", text):
        return "is not the address of a server", _ADDRESS
    ending = _ENDPOINT.search(text)
    if ending is not None:
        return f"must not name an endpoint ({ending.group(1)})", _ADDRESS
    return None


def _variable_fault(text: str) -> tuple[str, str] | None:
    if looks_like_key(text) or looks_random(text):
        return "looks like a key, not like the name of a variable", "write the name, such as OPENAI_API_KEY; " + KEY_HINT
    if VARIABLE.fullmatch(text):
        return None
    bare = text.strip().lstrip("$").strip("{}")
    hint = f"write the name alone: {bare}" if bare != text and VARIABLE.fullmatch(bare) else "such as OPENAI_API_KEY"
    return "must be the name of an environment variable: letters, digits and underscores", hint


def _function_fault(text: str) -> tuple[str, str] | None:
    module, colon, name = text.partition(":")
    if module.endswith(".py"):
        found = module.removesuffix(".py").replace("/", ".")
        return f"must name a module, not a file: {shown(text)}", f"write {clipped(found)}:{clipped(name) or 'function'}"
    if FUNCTION.fullmatch(text):
        return None
    head, dot, tail = text.rpartition(".")
    hint = f"write {clipped(head)}:{clipped(tail)}" if dot and not colon and head else "write package.module:function"
    return f"must be package.module:function, not {shown(text)}", hint
