"""Advice about keys that stand where nothing reads them: most belong elsewhere, or are called something else here."""

from __future__ import annotations

from collections.abc import Mapping

from evalgate.config.key_texts import KEY_HINT
from evalgate.core.document import KeyPath
from evalgate.core.plugins import suggestion

_ELSEWHERE = {
    "version": "configurations have no version key; a newer evalgate may have written this one",
    "schema": "configurations have no schema key; a newer evalgate may have written this one",
    "parameters": "parameters belong to a model: models.ALIAS.parameters",
    "mode": "the mode belongs to the proxy: proxy: {mode: replay}",
    "recording": "the recording belongs to the proxy: proxy: {recording: NAME}",
    "budget": "the budget belongs to the proxy: proxy: {budget: {usd: 5}}",
    "mock": "the mock belongs to the proxy: proxy: {mock: {otherwise: words}}",
    "rules": "rules belong to the mock: proxy: {mock: {rules: […]}}",
    "faults": "faults belong to the mock: proxy: {mock: {faults: […]}}",
    "cache": "there is no cache that calls by itself: mode replay only answers, mode record adds what is missing",
    "headers": f"a request has no headers of its own; {KEY_HINT}",
    "env": "a program gets the environment that evalgate has; keys never stand in a file",
    "shell": "no shell is involved: command is a list of words, [python3, app.py]",
    "stream": "answers are never streamed to a gate; remove it",
    "max_tokens": "the limit of an answer is models.ALIAS.parameters.max_tokens, that of a run proxy.budget.tokens",
}


def _each(words: str, hint: str) -> dict[str, str]:
    return dict.fromkeys(words.split(), hint)


_ANYWHERE: Mapping[str, str] = {
    **_ELSEWHERE,
    **_each("api_key apikey key token secret password authorization", KEY_HINT),
    **_each("base_url api_base url host port upstream", "the address belongs to a model: models.ALIAS.base_url"),
    **_each("timeout timeout_ms", "write proxy.timeout_s: seconds for one attempt; deadline_s is for the whole call"),
    **_each("retries max_retries retry max_attempts", "write proxy.attempts, which counts the first one too"),
    **_each("parallel parallelism max_concurrency workers in_flight", "write proxy.concurrency: calls in flight at most"),
    **_each("rpm rps rate_limit requests_per_second", "write proxy.requests_per_minute"),
    **_each("tpm tokens_per_second", "write proxy.tokens_per_minute"),
}
_INSIDE: Mapping[str, Mapping[str, str]] = {
    "budget": _each("dollars cost max_cost eur euro requests max_usd", "write usd, calls or tokens"),
    "faults": _each("probability share chance percent times first", "write every, rate or first_attempts"),
    "rules": {
        **_each("prompt message when pattern regex match", "write contains (a part of the last message) or matches (RE2)"),
        **_each("answer response reply content output", "write text"),
    },
}
"""Place → words that mean something only there."""
_OWNERS = {
    **_each("concurrency attempts timeout_s deadline_s run_deadline_s requests_per_minute tokens_per_minute", "proxy"),
    **_each("provider price endpoint api_key_env command function processes", "models.ALIAS"),
}


def unknown_hint(path: KeyPath, known: tuple[str, ...]) -> str:
    """What to do about an unknown key; `known` are the keys of its place."""
    key = str(path[-1])
    for place in path[:-1]:
        hint = _INSIDE.get(str(place), {}).get(key)
        if hint is not None:
            return hint
    if key in _ANYWHERE:
        return _ANYWHERE[key]
    return f"{key} belongs to {_OWNERS[key]}" if key in _OWNERS else suggestion(key, known)
