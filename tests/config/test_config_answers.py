"""Models and the proxy in a gate: what is accepted, how it resolves, and every refusal with its line and advice."""

from __future__ import annotations

import json
import time
from pathlib import Path
from typing import Any

import jsonschema
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from evalgate.config.editor_schema import config_schema
from evalgate.config.load import settings_from
from evalgate.config.mock_rules import load_mock
from evalgate.config.strict_yaml import parse_document
from evalgate.core.errors import BadInput, Problem
from evalgate.core.settings import Budget, CallLimits, GateSettings, MockChoice, MockFault, MockRule, Upstream

HEAD = """\
gate: g
dataset: d@1
variants: {baseline: {prompt: p@1, model: m}, candidate: {prompt: p@2, model: m}}
metrics: [exact_match]
thresholds: [{metric: exact_match, min: 0.5}]
"""
MODEL = "{provider: openai, name: x}"
SECRET = "sk-proj-abcdefghijklmnopqrstuvwxyz"
HEX = "a0b1c2d3e4f5a6b7c8d9e0f1a2b3c4d5"


def text_of(model: str = MODEL, proxy: str = "") -> str:
    """A gate whose model stands on line 7 and whose proxy stands on line 8."""
    return f"{HEAD}models:\n  m: {model}\nproxy: {{recording: r{', ' + proxy if proxy else ''}}}\n"


def load(text: str) -> GateSettings:
    return settings_from(parse_document(text, "g.yaml"), Path("configs/g.yaml"))


def problems(text: str) -> list[Problem]:
    with pytest.raises(BadInput) as caught:
        load(text)
    return list(caught.value.problems)


def schema_accepts(text: str) -> bool:
    validator = jsonschema.Draft202012Validator(config_schema())
    return validator.is_valid(parse_document(text, "g").value)


def test_a_gate_that_says_nothing_has_the_defaults() -> None:
    found = load(text_of())
    assert found.upstreams == {"m": Upstream()}
    assert found.models["m"].endpoint == "chat/completions"
    assert found.proxy.limits == CallLimits()
    assert found.proxy.budget == Budget()
    assert found.proxy.mock == MockChoice()


GOOD_MODELS: list[tuple[str, Upstream]] = [
    ("{provider: openai, name: x, base_url: 'http://127.0.0.1:8080/v1'}", Upstream("http://127.0.0.1:8080/v1")),
    ("{provider: openai, name: x, base_url: 'https://[::1]:8/v1/'}", Upstream("https://[::1]:8/v1/")),
    ("{provider: openai, name: x, base_url: 'HTTPS://models.example.com'}", Upstream("HTTPS://models.example.com")),
    ("{provider: openai, name: x, api_key_env: MY_KEY_2}", Upstream(api_key_env="MY_KEY_2")),
    ("{provider: command, name: a, command: [python3, app.py, '']}", Upstream(command=("python3", "app.py", ""))),
    ("{provider: command, name: a, command: [run], processes: 16}", Upstream(command=("run",), processes=16)),
    ("{provider: python, name: a, function: 'pack.age:f_1', processes: 1}", Upstream(function="pack.age:f_1", processes=1)),
    ("{provider: mock, name: a}", Upstream()),
    ("{provider: somebody, name: a, base_url: 'http://h/v1', api_key_env: K}", Upstream("http://h/v1", "K")),
    ("{provider: openai, name: x, parameters: {stream: false, n: 1, key: user_id, stop: null}}", Upstream()),
]


@pytest.mark.parametrize(("model", "upstream"), GOOD_MODELS)
def test_models_that_are_accepted(model: str, upstream: Upstream) -> None:
    text = text_of(model)
    assert load(text).upstreams["m"] == upstream
    assert schema_accepts(text)


def test_the_endpoint_is_part_of_the_model() -> None:
    assert load(text_of("{provider: openai, name: x, endpoint: responses}")).models["m"].endpoint == "responses"


def test_limits_and_budget_resolve() -> None:
    found = load(
        text_of(
            "{provider: openai, name: x, price: {input: 1, output: 2}}",
            "mode: record, concurrency: 1024, attempts: 1, timeout_s: 5, deadline_s: 5.5, run_deadline_s: 60, "
            "requests_per_minute: 500, tokens_per_minute: 1e6, budget: {usd: 0.5, calls: 0, tokens: 10}",
        )
    ).proxy
    assert found.limits == CallLimits(1024, 1, 5.0, 5.5, 60.0, 500.0, 1e6)
    assert found.budget == Budget(0.5, 0, 10)


def test_a_mock_resolves() -> None:
    text = text_of(
        proxy="mode: mock, mock: {rules: [{contains: refund, text: ''}, {matches: 'a|b', model: m, text: 'You said {{ last }}', "
        "finish: length}], otherwise: echo, latency_ms: {median: 1, p95: 1}, words: {min: 2, max: 2}, paced: true, "
        "faults: [{kind: rate_limit, rate: 30%, retry_after_s: 1}, {kind: server_error, every: 10, status: 503}, "
        "{kind: timeout, first_attempts: 1}, {kind: reset, rate: 0.25}, {kind: slow, rate: 100%}]}"
    )
    assert load(text).proxy.mock == MockChoice(
        rules=(MockRule("", "refund"), MockRule("You said {{ last }}", None, "a|b", "m", "length")),
        otherwise="echo",
        latency_ms_median=1.0,
        latency_ms_p95=1.0,
        words_min=2,
        words_max=2,
        faults=(
            MockFault("rate_limit", rate=0.3, retry_after_s=1.0),
            MockFault("server_error", every=10, status=503),
            MockFault("timeout", first_attempts=1),
            MockFault("reset", rate=0.25),
            MockFault("slow", rate=1.0),
        ),
        paced=True,
    )
    assert schema_accepts(text)


OPENAI = "provider: openai, name: x"
URL = "base_url"
# (entry, words of the message, words of the advice, whether the editor's schema refuses it too)
MODELS = [
    (f"{OPENAI}, {URL}: 127.0.0.1:8080/v1", "must begin with http:// or https://", "http://127.0.0.1:8080/v1", True),
    (f"{OPENAI}, {URL}: 'localhost:8080'", "must begin with http:// or https://", "up to and including /v1", True),
    (f"{OPENAI}, {URL}: 'ftp://h/v1'", "must begin with http:// or https://", "http://", True),
    (f"{OPENAI}, {URL}: ''", "must begin with http:// or https://", "http://", True),
    (f"{OPENAI}, {URL}: '${{BASE_URL}}'", "must begin with http:// or https://", "OPENAI_BASE_URL is used", True),
    (f"{OPENAI}, {URL}: 'http://me:secret@h/v1'", "must not hold a user or a password", "api_key_env", True),
    (f"{OPENAI}, {URL}: 'http://{SECRET}@h/v1'", "must not hold a user or a password", "keys never stand in a file", True),
    (f"{OPENAI}, {URL}: 'http://h/v1?api-key=abc'", "must not hold a query", "keys never stand in a file", True),
    (f"{OPENAI}, {URL}: 'http://h/v1?'", "must not hold a query", "api_key_env", True),
    (f"{OPENAI}, {URL}: 'http://h/v1#k'", "must not hold a query or a fragment", "api_key_env", True),
    (f"{OPENAI}, {URL}: 'http://h/{SECRET}/v1'", "holds what looks like a key", "keys never stand in a file", False),
    (f"{OPENAI}, {URL}: 'http:///v1'", "is not the address of a server", "including /v1", True),
    (f"{OPENAI}, {URL}: 'http://:80/v1'", "is not the address of a server", "including /v1", False),
    (f"{OPENAI}, {URL}: 'http://h:99999/v1'", "is not the address of a server", "including /v1", False),
    (f"{OPENAI}, {URL}: 'http://h:x/v1'", "is not the address of a server", "including /v1", False),
    (f"{OPENAI}, {URL}: 'http://[::1/v1'", "is not the address of a server", "including /v1", False),
    (f"{OPENAI}, {URL}: 'http://h /v1'", "is not the address of a server", "including /v1", True),
    (f'{OPENAI}, {URL}: "http://h/v1\\n"', "is not the address of a server", "including /v1", False),
    (f"{OPENAI}, {URL}: 'http://h/v1/chat/completions'", "must not name an endpoint (chat/completions)", "/v1", False),
    (f"{OPENAI}, {URL}: 'http://h/v1/responses/'", "must not name an endpoint (responses)", "/v1", False),
    (f"{OPENAI}, {URL}: null", "must be a text, not nothing", "write a text", True),
    (f"{OPENAI}, {URL}: 8080", "must be a text, not the number 8080", "quotes", True),
    (f"{OPENAI}, api_key_env: {SECRET}", "looks like a key, not like the name of a variable", "OPENAI_API_KEY", True),
    (f"{OPENAI}, api_key_env: hf_abcdefghijklmnopqrst", "looks like a key", "write the name", False),
    (f"{OPENAI}, api_key_env: {HEX}", "looks like a key", "keys never stand in a file", False),
    (f"{OPENAI}, api_key_env: $MY_KEY", "must be the name of an environment variable", "write the name alone: MY_KEY", True),
    (f"{OPENAI}, api_key_env: '${{MY_KEY}}'", "must be the name of an environment variable", "alone: MY_KEY", True),
    (f"{OPENAI}, api_key_env: MY KEY", "must be the name of an environment variable", "such as OPENAI_API_KEY", True),
    (f"{OPENAI}, api_key_env: ''", "must be the name of an environment variable", "such as OPENAI_API_KEY", True),
    (f"{OPENAI}, api_key_env: null", "must be a text, not nothing", "write a text", True),
    (f"{OPENAI}, api_key: {SECRET}", "unknown key 'api_key'", "keys never stand in a file", True),
    (f"{OPENAI}, token: {SECRET}", "unknown key 'token'", "api_key_env", True),
    (f"{OPENAI}, headers: {{}}", "unknown key 'headers'", "keys never stand in a file", True),
    (f"{OPENAI}, url: x", "unknown key 'url'", "models.ALIAS.base_url", True),
    (f"{OPENAI}, timeout_s: 5", "unknown key 'timeout_s'", "timeout_s belongs to proxy", True),
    (f"{OPENAI}, base_ulr: x", "unknown key 'base_ulr'", "did you mean base_url?", True),
    (f"{OPENAI}, endpoint: embeddings", "must be one of chat/completions, responses", "known: chat/completions", True),
    (f"{OPENAI}, endpoint: response", "must be one of chat/completions, responses", "did you mean responses?", True),
    (f"{OPENAI}, endpoint: /chat/completions", "must be one of", "did you mean chat/completions?", True),
    (f"{OPENAI}, command: [a]", "provider openai does not use command", "provider: command", True),
    (f"{OPENAI}, function: 'a:b'", "provider openai does not use function", "provider: python", True),
    (f"{OPENAI}, processes: 4", "provider openai does not use processes", "proxy.concurrency", True),
    ("provider: somebody, name: x, command: [a]", "provider somebody does not use command", "provider: command", True),
    ("provider: mock, name: x, base_url: 'http://h/v1'", "provider mock does not use base_url", "provider: openai", True),
    ("provider: command, name: x", "models.m.command is missing", "command: [python3, app.py]", True),
    ("provider: command, name: x, command: [a], base_url: 'http://h/v1'", "does not use base_url", "provider: openai", True),
    ("provider: command, name: x, command: [a], api_key_env: K", "does not use api_key_env", "own environment", True),
    ("provider: command, name: x, command: [a], function: 'a:b'", "does not use function", "provider: python", True),
    ("provider: command, name: x, command: python3 app.py", "must be a list, not the text", "no shell is involved", True),
    ("provider: command, name: x, command: []", "models.m.command is empty", "[python3, app.py]", True),
    ("provider: command, name: x, command: ['']", "models.m.command[0] is empty", "write the program first", False),
    ("provider: command, name: x, command: [a, -n, 5]", "command[2] must be a text, not the number 5", "quotes", True),
    ("provider: command, name: x, command: null", "must be a list, not nothing", "write a list", True),
    (f"provider: command, name: x, command: [a, --key, {SECRET}]", "holds what looks like a key", "own environment", False),
    ("provider: command, name: x, command: [a], processes: 0", "must be at least 1", "range", True),
    ("provider: command, name: x, command: [a], processes: 257", "must be at most 256", "range", True),
    ("provider: command, name: x, command: [a], shell: true", "unknown key 'shell'", "no shell", True),
    ("provider: python, name: x", "models.m.function is missing", "function: package.module:function", True),
    ("provider: python, name: x, function: a.b.c", "must be package.module:function", "write a.b:c", True),
    ("provider: python, name: x, function: app.py:answer", "must name a module, not a file", "write app:answer", False),
    ("provider: python, name: x, function: 'src/app.py:f'", "must name a module, not a file", "write src.app:f", True),
    ("provider: python, name: x, function: 'a:b()'", "must be package.module:function", "package.module:function", True),
    ("provider: python, name: x, function: ':f'", "must be package.module:function", "package.module:function", True),
    ("provider: python, name: x, function: ''", "must be package.module:function", "package.module:function", True),
    ("provider: openia, name: x", "there is no provider 'openia'", "did you mean openai?", False),
    ("provider: comand, name: x", "there is no provider 'comand'", "did you mean command?", False),
]
PARAMETERS = [
    ("stream: true", "stream must not be true", "never streamed", True),
    ("stream: 'yes'", 'must not be the text "yes"', "never streamed", True),
    ("n: 2", "n must not be the number 2", "samples: N", True),
    ("n: true", "n must not be true", "samples: N", True),
    ("n: '1'", 'n must not be the text "1"', "samples: N", True),
    ("api_key: x", "is no sampling parameter", "keys never stand in a file", True),
    ("API-Key: x", "is no sampling parameter", "keys never stand in a file", False),
    ("Authorization: x", "is no sampling parameter", "keys never stand in a file", False),
    ("extra_headers: {a: b}", "cannot be set", "keys never stand in a file", True),
    ("headers: {a: b}", "no headers of its own", "remove it", True),
    ("extra_body: {a: b}", "cannot be a parameter", "as parameters", False),
    ("base_url: x", "cannot be a parameter", "models.ALIAS.base_url", True),
    ("model: x", "cannot be a parameter", "models.ALIAS.name", True),
    ("messages: []", "cannot be a parameter", "prompt of a variant", True),
    ("input: x", "cannot be a parameter", "prompt of a variant", True),
    ("timeout: 5", "cannot be a parameter", "proxy.timeout_s", False),
    ("max_retries: 5", "cannot be a parameter", "proxy.attempts", False),
    (f"metadata: {{a: [{SECRET}]}}", "holds what looks like a key", "keys never stand in a file", False),
    (f"token: {HEX}", "holds what looks like a key", "keys never stand in a file", False),
]
MODELS += [(f"{OPENAI}, parameters: {{{one}}}", *rest) for one, *rest in PARAMETERS]  # type: ignore[arg-type]


@pytest.mark.parametrize(("entry", "words", "advice", "schema_too"), MODELS)
def test_models_that_are_refused(entry: str, words: str, advice: str, schema_too: bool) -> None:
    text = text_of("{" + entry + "}")
    found = problems(text)
    assert len(found) == 1, found
    assert found[0].where == "g.yaml:7"
    assert words in found[0].message
    assert advice in (found[0].hint or "")
    assert schema_accepts(text) is not schema_too


@pytest.mark.parametrize(
    "entry",
    [
        f"{OPENAI}, {URL}: 'http://me:{HEX}@h/v1'",
        f"{OPENAI}, {URL}: 'http://h/v1?key={SECRET}'",
        f"{OPENAI}, {URL}: 'http://h:{SECRET}/v1'",
        f"{OPENAI}, {URL}: '{SECRET}'",
        f"{OPENAI}, api_key_env: {SECRET}",
        f"{OPENAI}, api_key_env: {HEX}",
        f"{OPENAI}, api_key: {SECRET}",
        f"{OPENAI}, parameters: {{api_key: {SECRET}}}",
        f"{OPENAI}, parameters: {{seed: {SECRET}}}",
        f"provider: command, name: x, command: [a, {SECRET}]",
    ],
)
def test_no_message_repeats_a_key(entry: str) -> None:
    said = " ".join(str(problem) for problem in problems(text_of("{" + entry + "}")))
    assert SECRET[8:20] not in said
    assert HEX[4:20] not in said


PROXY = [
    ("concurrency: 0", "proxy.concurrency must be at least 1", "range", True),
    ("concurrency: 1025", "proxy.concurrency must be at most 1,024", "range", True),
    ("concurrency: 1.5", "must be a whole number", "without a point", True),
    ("concurrency: '8'", 'must be a whole number, not the text "8"', "without quotes", True),
    ("concurrency: true", "must be a whole number, not true", "number", True),
    ("concurrency: null", "must be a whole number, not nothing", "number", True),
    ("attempts: 0", "proxy.attempts must be at least 1", "range", True),
    ("attempts: 21", "proxy.attempts must be at most 20", "range", True),
    ("timeout_s: 0", "proxy.timeout_s must be more than 0", "seconds", True),
    ("timeout_s: -1", "proxy.timeout_s must be more than 0", "seconds", True),
    ("timeout_s: 2m", 'must be a number, not the text "2m"', "without quotes", True),
    ("timeout_s: null", "must be a number, not nothing", "number", True),
    ("timeout_s: 3e6", "must be at most 2,592,000", "seconds", True),
    ("timeout_s: 700", "proxy.timeout_s: a call has 600 s, the default,", "deadline_s: 700 or more", False),
    ("timeout_s: 20000", "a call has 600 s, the default,", "both are seconds", False),
    ("deadline_s: 60", "proxy.deadline_s: a call has 60 s for all its attempts", "deadline_s: 120 or more", False),
    ("timeout_s: 10, deadline_s: 9.5", "proxy.deadline_s: a call has 9.5 s", "or a smaller timeout_s", False),
    ("deadline_s: 0", "proxy.deadline_s must be more than 0", "seconds", True),
    ("run_deadline_s: 0", "proxy.run_deadline_s must be more than 0", "seconds", True),
    ("requests_per_minute: 0", "must be more than 0", "range", True),
    ("tokens_per_minute: -5", "must be more than 0", "range", True),
    ("tokens_per_minute: null", "must be a number, not nothing", "number", True),
    ("budget: {}", "proxy.budget is empty", "without a limit leave budget out", True),
    ("budget: null", "must be a mapping, not nothing", "indented", True),
    ("budget: 5", "must be a mapping, not the number 5", "indented", True),
    ("budget: {calls: -1}", "proxy.budget.calls must be at least 0", "range", True),
    ("budget: {calls: 1.5}", "must be a whole number", "without a point", True),
    ("budget: {calls: null}", "must be a whole number, not nothing", "number", True),
    ("budget: {tokens: -1}", "proxy.budget.tokens must be at least 0", "range", True),
    ("budget: {usd: 5}", "the model 'm' has no price", "add price: {input: …, output: …} to models.m", False),
    ("budget: {dollars: 5}", "unknown key 'dollars'", "usd, calls or tokens", True),
    ("budget: {call: 5}", "unknown key 'call'", "did you mean calls?", True),
    ("base_url: x", "unknown key 'base_url'", "models.ALIAS.base_url", True),
    ("timeout: 5", "unknown key 'timeout'", "timeout_s", True),
    ("retries: 5", "unknown key 'retries'", "attempts", True),
    ("rpm: 5", "unknown key 'rpm'", "requests_per_minute", True),
    ("workers: 5", "unknown key 'workers'", "concurrency", True),
    ("cache: true", "unknown key 'cache'", "no cache that calls by itself", True),
    ("api_key: x", "unknown key 'api_key'", "keys never stand in a file", True),
    ("concurency: 5", "unknown key 'concurency'", "did you mean concurrency?", True),
    ("command: [a]", "unknown key 'command'", "command belongs to models.ALIAS", True),
    ("faults: []", "unknown key 'faults'", "belong to the mock", True),
    ("mock: words", "must be a mapping, not the text", "indented", True),
    ("mock: null", "must be a mapping, not nothing", "indented", True),
]
MOCK = [
    ("otherwise: word", "otherwise must be one of words, echo, miss", "did you mean words?", True),
    ("otherwise: true", "otherwise must be one of words, echo, miss", "known: words", True),
    ("paced: 'true'", 'paced must be true or false, not the text "true"', "without quotes", True),
    ("paced: 1", "paced must be true or false", "without quotes", True),
    ("pace: true", "unknown key 'pace'", "did you mean paced?", True),
    ("latency_ms: 200", "latency_ms must be a mapping", "indented", True),
    ("latency_ms: {median: 200}", "latency_ms.p95 is missing", "median and p95 together", True),
    ("latency_ms: {median: 200, p95: 100}", "p95 is 100, less than median, which is 200", "exchange them", False),
    ("latency_ms: {median: 0, p95: 100}", "latency_ms.median must be at least 0.001", "range", True),
    ("latency_ms: {median: 1, p95: 1e9}", "latency_ms.p95 must be at most 3,600,000", "range", True),
    ("latency_ms: {median: 1, p95: 2, p99: 3}", "unknown key 'p99'", "did you mean p95", True),
    ("words: {min: 5}", "words.max is missing", "min and max together", True),
    ("words: {min: 5, max: 4}", "max is 4, less than min, which is 5", "exchange them", False),
    ("words: {min: 0, max: 4}", "words.min must be at least 1", "range", True),
    ("words: {min: 1, max: 10001}", "words.max must be at most 10,000", "range", True),
    ("rules: {contains: a, text: b}", "rules must be a list", "write [a, b]", True),
    ("rules: [a]", "rules[0] must be a mapping", "indented", True),
    ("rules: [{contains: a}]", "rules[0].text is missing", "the answer", True),
    ("rules: [{text: null}]", "rules[0].text must be a text, not nothing", "text", True),
    ("rules: [{text: 5}]", "rules[0].text must be a text, not the number 5", "quotes", True),
    ("rules: [{contains: '', text: b}]", "rules[0].contains is empty", "leave contains out", True),
    ("rules: [{contains: [a], text: b}]", "rules[0].contains must be a text", "text", True),
    ("rules: [{matches: '', text: b}]", "rules[0].matches is empty", "leave matches out", True),
    ("rules: [{matches: '(', text: b}]", "rules[0].matches: pattern '(' is not valid", "RE2", False),
    (r"rules: [{matches: '(a)\1', text: b}]", "is not valid", "no back-references", False),
    ("rules: [{matches: '(?=a)', text: b}]", "is not valid", "no look-around", False),
    ("rules: [{pattern: a, text: b}]", "unknown key 'pattern'", "contains (a part of the last message)", True),
    ("rules: [{answer: a, text: b}]", "unknown key 'answer'", "write text", True),
    ("rules: [{contain: a, text: b}]", "unknown key 'contain'", "did you mean contains?", True),
    ("rules: [{text: b, finish: lenght}]", "must be one of stop, length", "did you mean length?", True),
    ("rules: [{text: 'a {{lsat}}'}]", "there is no {{lsat}}", "did you mean last?", False),
    ("rules: [{text: '{{ name }}'}]", "there is no {{name}}", "known: last, model", False),
    ("rules: [{text: a}, {contains: b, text: c}]", "rules[0] answers everything", "put it last", False),
    ("faults: [{rate: 30%}]", "faults[0].kind is missing", "rate_limit, server_error", True),
    ("faults: [{kind: ratelimit, rate: 30%}]", "must be one of rate_limit, server_error", "did you mean rate_limit?", True),
    ("faults: [{kind: timeout}]", "faults[0] does not say when it happens", "exactly one of every, rate", True),
    ("faults: [{kind: timeout, every: 2, rate: 3%}]", "names every and rate together", "exactly one", True),
    ("faults: [{kind: timeout, every: 2, rate: 3%, first_attempts: 1}]", "every and rate and first_attempts", "one", True),
    ("faults: [{kind: timeout, every: 0}]", "faults[0].every must be at least 1", "range", True),
    ("faults: [{kind: timeout, every: 10%}]", "every must be a whole number", "number", True),
    ("faults: [{kind: timeout, first_attempts: 0}]", "first_attempts must be at least 1", "range", True),
    ("faults: [{kind: timeout, rate: 30}]", "rate must be a share of more than 0%, at most 100%, not 30", "mean 30%?", True),
    ("faults: [{kind: timeout, rate: 1}]", "rate must be a share", "did you mean 100%?", True),
    ("faults: [{kind: timeout, rate: 0}]", "rate must be a share", "such as 30%", True),
    ("faults: [{kind: timeout, rate: 0%}]", "rate must be a share", "such as 30%", True),
    ("faults: [{kind: timeout, rate: 101%}]", "rate must be a share", "such as 30%", True),
    ("faults: [{kind: timeout, rate: -5%}]", "rate must be a share", "such as 30%", True),
    ("faults: [{kind: timeout, rate: -0.1}]", "rate must be a share", "such as 30%", True),
    ("faults: [{kind: timeout, rate: null}]", "must be a number or a percentage, not nothing", "(5%)", True),
    ("faults: [{kind: timeout, rate: '0.3'}]", 'not the text "0.3"', "write 0.3 without quotes", True),
    ("faults: [{kind: timeout, rate: often}]", 'not the text "often"', "a share (5%)", True),
    ("faults: [{kind: timeout, probability: 0.3, every: 3}]", "unknown key 'probability'", "every, rate", True),
    ("faults: [{kind: timeout, every: 2, status: 504}]", "status does not belong to timeout", "server_error", True),
    ("faults: [{kind: rate_limit, every: 2, status: 429}]", "status does not belong to rate_limit", "server_error", True),
    ("faults: [{kind: reset, every: 2, retry_after_s: 1}]", "does not belong to reset", "rate_limit and server_error", True),
    ("faults: [{kind: rate_limit, every: 2, retry_after_s: -1}]", "must be at least 0", "seconds", True),
    ("faults: [{kind: server_error, every: 2, status: 200}]", "status must be at least 400", "range", True),
    ("faults: [{kind: server_error, every: 2, status: 600}]", "status must be at most 599", "range", True),
]
PROXY += [(f"mock: {{{one}}}", *rest) for one, *rest in MOCK]  # type: ignore[arg-type]


@pytest.mark.parametrize(("entry", "words", "advice", "schema_too"), PROXY)
def test_proxies_that_are_refused(entry: str, words: str, advice: str, schema_too: bool) -> None:
    text = text_of(proxy=entry)
    found = problems(text)
    assert len(found) == 1, found
    assert found[0].where == "g.yaml:8"
    assert words in found[0].message
    assert advice in (found[0].hint or "")
    assert schema_accepts(text) is not schema_too


TOP = [
    ("budget: {usd: 5}", "belongs to the proxy"),
    ("mock: {}", "belongs to the proxy"),
    ("cache: true", "no cache"),
    ("base_url: x", "models.ALIAS.base_url"),
    ("timeout: 5", "timeout_s"),
    ("timeout_s: 5", "timeout_s belongs to proxy"),
    ("concurrency: 5", "concurrency belongs to proxy"),
    ("provider: openai", "provider belongs to models.ALIAS"),
    ("api_key: x", "keys never stand in a file"),
    ("max_tokens: 5", "models.ALIAS.parameters.max_tokens"),
]


@pytest.mark.parametrize(("line", "advice"), TOP)
def test_keys_at_the_top_that_belong_elsewhere(line: str, advice: str) -> None:
    found = problems(text_of() + line + "\n")
    assert [(problem.where, advice in (problem.hint or "")) for problem in found] == [("g.yaml:9", True)]


def test_a_budget_in_dollars_looks_at_the_models_that_are_used() -> None:
    priced = "{provider: openai, name: x, price: {input: 0, output: 0}}"
    text = text_of(priced, "budget: {usd: 5}").replace(f"  m: {priced}", f"  m: {priced}\n  idle: {MODEL}")
    assert load(text).proxy.budget == Budget(usd=5.0)
    found = problems(text.replace("candidate: {prompt: p@2, model: m}", "candidate: {prompt: p@2, model: idle}"))
    assert [problem.where for problem in found] == ["g.yaml:9"]
    assert "'idle' has no price" in found[0].message
    assert len(problems(text_of(MODEL, "budget: {usd: 5}"))) == 1
    load(text_of(MODEL, "budget: {calls: 5}"))


def test_everything_is_said_at_once() -> None:
    text = text_of(
        "{provider: command, name: x, base_url: h, parameters: {stream: true, n: 3}}",
        "timeout_s: 900, budget: {usd: 1}, mock: {words: {min: 3, max: 2}, faults: [{kind: slow}], rules: [{matches: '('}]}",
    )
    found = problems(text)
    assert len(found) == 11, found
    assert [problem.where for problem in found] == ["g.yaml:7"] * 5 + ["g.yaml:8"] * 6
    assert all(problem.hint for problem in found)


def test_long_lists_are_refused_quickly() -> None:
    began = time.process_time()
    rules = "{contains: a, text: b}," * 15_000
    assert any("rules has 15,000 entries" in one.message for one in problems(text_of(proxy=f"mock: {{rules: [{rules}]}}")))
    many = "".join(f"  a{number}: {{provider: openia, name: x}}\n" for number in range(10_000))
    assert len(problems(text_of().replace("models:\n", "models:\n" + many))) == 100
    assert time.process_time() - began < 8.0


def mock_file(tmp_path: Path, text: str) -> Path:
    path = tmp_path / "mock.yaml"
    path.write_text(text, encoding="utf-8")
    return path


def test_a_mock_file_is_read_like_the_key(tmp_path: Path) -> None:
    content = "rules: [{contains: refund, text: yes}]\notherwise: miss\nfaults: [{kind: slow, rate: 5%}]\n"
    inner = ", ".join(content.splitlines())
    assert load_mock(mock_file(tmp_path, content)) == load(text_of(proxy=f"mock: {{{inner}}}")).proxy.mock


@pytest.mark.parametrize(("entry", "words", "advice", "schema_too"), MOCK)
def test_a_mock_file_is_refused_like_the_key(tmp_path: Path, entry: str, words: str, advice: str, schema_too: bool) -> None:
    path = mock_file(tmp_path, f"# the mock\n{{{entry}}}\n")
    with pytest.raises(BadInput) as caught:
        load_mock(path)
    (found,) = caught.value.problems
    assert found.where == f"{path}:2"
    assert words in found.message
    assert advice in (found.hint or "")


@pytest.mark.parametrize(
    ("content", "words", "advice"),
    [
        ("- a\n", "the mock must be a mapping", "write rules"),
        ("words\n", "the mock must be a mapping", "write rules"),
        ("mock: {otherwise: echo}\n", "this is not the content of a mock", "below mock:"),
        (text_of(), "this is not the content of a mock", "below mock:"),
        ("", "the file is empty", "at least one key"),
        ("rules: [\n", "not valid YAML", "check indentation"),
    ],
)
def test_files_that_are_no_mock(tmp_path: Path, content: str, words: str, advice: str) -> None:
    with pytest.raises(BadInput) as caught:
        load_mock(mock_file(tmp_path, content))
    assert len(caught.value.problems) == 1
    assert words in caught.value.problems[0].message
    assert advice in (caught.value.problems[0].hint or "")


def test_a_mock_file_that_is_not_there(tmp_path: Path) -> None:
    with pytest.raises(BadInput, match="no such file"):
        load_mock(tmp_path / "nothing.yaml")


WORDS = (
    "provider name parameters price endpoint base_url api_key_env command function processes stream n "
    "mode concurrency timeout_s deadline_s budget usd calls tokens mock rules otherwise latency_ms median p95 words min "
    "max faults kind every rate first_attempts status retry_after_s contains matches model text finish paced x"
)
JUNK = st.recursive(
    st.none() | st.booleans() | st.integers(-5, 2000) | st.floats(allow_nan=False, allow_infinity=False) | st.text(max_size=8),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(
            st.sampled_from(WORDS.split()),
            inner,
            max_size=5,
        )
    ),
    max_leaves=12,
)


@given(JUNK, JUNK, JUNK)
@settings(max_examples=300)
def test_any_entries_are_loaded_or_refused(model: Any, proxy: Any, mock: Any) -> None:
    whole = parse_document(text_of(), "g.yaml").value
    whole["models"]["m"] = {**whole["models"]["m"], **model} if isinstance(model, dict) else model
    if isinstance(proxy, dict):
        proxy = {"recording": "r", **proxy, **({"mock": mock} if mock is not None else {})}
    text = json.dumps({**whole, "proxy": proxy})
    try:
        document = parse_document(text, "g.yaml")
    except BadInput:
        return
    try:
        settings_from(document, Path("g.yaml"))
    except BadInput as error:
        assert all(problem.where and problem.hint for problem in error.problems)
    else:
        assert schema_accepts(text)
