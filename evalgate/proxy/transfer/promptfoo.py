"""promptfoo's output JSON (`promptfoo eval -o out.json`): prompts as they were rendered, and what the providers answered.

Source: a file written by promptfoo 0.117 against a local server, and the types of its npm package.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from evalgate.core.canonical import MAX_SAFE_INTEGER
from evalgate.core.errors import BadInput
from evalgate.core.strict_json import parse_json
from evalgate.proxy.request import CHAT, RESPONSES, canonical_request
from evalgate.proxy.transfer.interface import Entries, Found, Reason, Skipped, response_of
from evalgate.proxy.upstream.wire import Answer, error_text

PARAMETERS = frozenset(
    {
        "temperature", "top_p", "top_k", "min_p", "max_tokens", "max_completion_tokens", "max_output_tokens", "seed", "stop",
        "presence_penalty", "frequency_penalty", "repeat_penalty", "response_format", "tools", "tool_choice",
        "parallel_tool_calls", "functions", "function_call", "logit_bias", "logprobs", "top_logprobs", "n",
        "reasoning_effort", "reasoning", "verbosity",
    }
)  # fmt: skip
"""What is taken from a provider's config: it also holds keys, addresses and prices, which are never looked at."""
_SAME = {"max_tokens": "max_completion_tokens", "max_completion_tokens": "max_tokens"}
_KINDS = frozenset({"chat", "responses", "messages", "completion"})
_NOT_A_MODEL = ("file:", "http:", "https:", "ws:", "wss:", "exec:", "python:", "webhook:", "package:")
_ERRED = 2
"""failureReason: 0 none, 1 an assertion failed (the answer stands), 2 an error."""


@dataclass(frozen=True, slots=True)
class Override:
    """What the user says about requests, since the file does not say everything."""

    model: str | None = None
    parameters: Mapping[str, Any] = field(default_factory=dict)


def read_promptfoo(document: Any, shown: str, override: Override) -> Entries:
    """Every result of an evaluation.

    Raises: BadInput when the document is no output of promptfoo.
    """
    results = results_of(document)
    if results is None:
        hint = "written by `promptfoo eval -o out.json`"
        raise BadInput("no results of promptfoo are in the file", where=shown, hint=hint)
    configs = _configs(document)
    for number, result in enumerate(results):
        where = f"{shown}, results[{number}]"
        if not isinstance(result, Mapping):
            raise BadInput("a result is not an object", where=where)
        yield _entry(result, configs, override, where)


def results_of(document: Any) -> Sequence[Any] | None:
    """The list of results, in the newer and the older layout, or None."""
    results = document.get("results") if isinstance(document, Mapping) else None
    if isinstance(results, Mapping):
        results = results.get("results")
    return results if isinstance(results, list) else None


def _entry(result: Mapping[str, Any], configs: _Configs, override: Override, where: str) -> Found | Skipped:
    response, prompt = result.get("response"), result.get("prompt")
    raw = prompt.get("raw") if isinstance(prompt, Mapping) else None
    failed = _failure(result, response)
    if failed is not None:
        return Skipped(where, Reason.ERROR, failed)
    if not isinstance(raw, str):
        return Skipped(where, Reason.UNUSABLE, "the result has no prompt.raw")
    assert isinstance(response, Mapping)
    provider, label = _provider(result.get("provider"))
    model = override.model or _model_of(provider)
    if model is None:
        return Skipped(where, Reason.UNUSABLE, f"provider {provider[:80]!r} names no model (say which with --model)")
    endpoint = RESPONSES if provider.startswith(("openai:responses:", "azure:responses:")) else CHAT
    try:
        parameters = _parameters(configs.of(provider, label), prompt, override)
        request = canonical_request(model=model, messages=_messages(raw), parameters=parameters, endpoint=endpoint)
    except BadInput as error:
        return Skipped(where, Reason.UNUSABLE, error.problems[0].message)
    cached = response.get("cached") is True
    # A cached answer took no time; how long it once took is not in the file.
    latency = None if cached else _number(result.get("latencyMs"))
    return Found(where, request, response_of(_answer(response)), latency)


def _failure(result: Mapping[str, Any], response: Any) -> str | None:
    """Why there is no answer. `error` of a result alone is no reason: there promptfoo also says which assertion failed."""
    if not isinstance(response, Mapping):
        return error_text({"error": result.get("error") or "no response"})
    if response.get("error"):
        return error_text({"error": response["error"]})
    if result.get("failureReason") == _ERRED or response.get("output") is None:
        return error_text({"error": result.get("error") or "the response has no output"})
    return None


def _answer(response: Mapping[str, Any]) -> Answer:
    output, finish, usage = response.get("output"), response.get("finishReason"), response.get("tokenUsage")
    text = output if isinstance(output, str) else json.dumps(output, ensure_ascii=False)
    # A total of 0 is how a provider that does not count says so.
    counts = usage if isinstance(usage, Mapping) and _count(usage.get("total")) else {}
    prompt, completion = (_count(counts.get(name)) for name in ("prompt", "completion"))
    return Answer(text, finish if isinstance(finish, str) else None, prompt, completion)


def _provider(value: Any) -> tuple[str, str]:
    """Id and label; older files name the provider only."""
    if isinstance(value, Mapping):
        return str(value.get("id") or ""), str(value.get("label") or "")
    return (value, "") if isinstance(value, str) else ("", "")


def _model_of(provider: str) -> str | None:
    """The model of a provider's id: `openai:chat:gpt-4o`, `openai:gpt-4o`, `ollama:chat:llama3.1:8b`, `echo`."""
    if not provider or provider.startswith(_NOT_A_MODEL):
        return None
    _, colon, rest = provider.partition(":")
    if not colon:
        return provider
    kind, colon, named = rest.partition(":")
    return (named if colon and kind in _KINDS else rest) or None


def _messages(raw: str) -> list[dict[str, Any]]:
    """A chat as JSON is a chat, anything else one message of the user: as promptfoo sends it."""
    if raw.lstrip().startswith("["):
        try:
            value = parse_json(raw)
        except ValueError:
            value = None
        if isinstance(value, list) and value and all(isinstance(m, dict) and isinstance(m.get("role"), str) for m in value):
            return value
    return [{"role": "user", "content": raw}]


def _parameters(config: Mapping[str, Any], prompt: Any, override: Override) -> dict[str, Any]:
    own = prompt.get("config") if isinstance(prompt, Mapping) else None
    found = {**_kept(config), **_kept(own)}
    for name, value in override.parameters.items():
        found.pop(_SAME.get(name, name), None)
        found[name] = value
    for name, value in found.items():
        if isinstance(value, str) and (value.startswith("file://") or "{{" in value):
            raise BadInput(f"the value of parameter {name} is not in the file: give it with --parameter {name}=…")
    return found


def _kept(config: Any) -> dict[str, Any]:
    if not isinstance(config, Mapping):
        return {}
    return {name: value for name, value in config.items() if name in PARAMETERS} | _kept(config.get("passthrough"))


@dataclass(frozen=True, slots=True)
class _Configs:
    """The configs of the providers, as the file's own configuration gives them."""

    entries: tuple[tuple[str, str, Mapping[str, Any]], ...]

    def of(self, provider: str, label: str) -> Mapping[str, Any]:
        """The config of one provider.

        Raises: BadInput when two providers cannot be told apart.
        """
        named = [entry for entry in self.entries if entry[0] == provider]
        labelled = [entry for entry in named if label and entry[1] == label]
        chosen = [entry[2] for entry in labelled or named]
        if any(_kept(config) != _kept(chosen[0]) for config in chosen[1:]):
            raise BadInput(f"several providers are called {provider[:80]!r}: give each a label of its own")
        return chosen[0] if chosen else {}


def _configs(document: Mapping[str, Any]) -> _Configs:
    config = document.get("config")
    providers = config.get("providers") if isinstance(config, Mapping) else None
    entries: list[tuple[str, str, Mapping[str, Any]]] = []
    for item in providers if isinstance(providers, list) else [providers]:
        if not isinstance(item, Mapping):
            continue
        if isinstance(item.get("id"), str):
            options = [(item["id"], item)]
        else:
            options = [(str(name), value) for name, value in item.items() if isinstance(value, Mapping)]
        for name, option in options:
            own = option.get("config")
            entries.append((name, str(option.get("label") or ""), own if isinstance(own, Mapping) else {}))
    return _Configs(tuple(entries))


def _count(value: Any) -> int | None:
    return value if isinstance(value, int) and not isinstance(value, bool) and 0 <= value <= MAX_SAFE_INTEGER else None


def _number(value: Any) -> float | None:
    right = isinstance(value, (int, float)) and not isinstance(value, bool) and 0 <= value <= MAX_SAFE_INTEGER
    return value if right else None
