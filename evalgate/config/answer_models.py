"""The shape of `models` and `proxy` as pydantic models: where answers come from.

A field with the default _LEFT_OUT may be left out, but not left empty: `usd:` is no budget without end.
"""

from __future__ import annotations

from typing import Annotated, Any, Literal

from pydantic import ConfigDict, Field

from evalgate.config.model_entries import FUNCTION, VARIABLE
from evalgate.config.proxy_entry import LONGEST_S
from evalgate.config.strict_model import StrictModel, Text
from evalgate.core.settings import CallLimits, MockChoice

URL_PATTERN = r"^[Hh][Tt][Tt][Pp][Ss]?://[^\s/?#@\\]+(/[^\s?#\\]*)?$"
_LEFT_OUT: Any = None
_SHARE: Any = {"type": "string", "pattern": r"^(?=.*[1-9])(100(\.0*)?|[0-9]{1,2}(\.[0-9]*)?|\.[0-9]+) ?%$"}
_LIMITS, _MOCK = CallLimits(), MockChoice()

Mode = Literal["replay", "record", "refresh", "mock", "live"]
Endpoint = Literal["chat/completions", "responses"]
Finish = Literal["stop", "length", "content_filter", "tool_calls"]
FaultKind = Literal["rate_limit", "server_error", "timeout", "truncated", "slow", "reset", "error_body"]
Price = Annotated[float, Field(ge=0, le=1_000_000, allow_inf_nan=False)]
Seconds = Annotated[float, Field(gt=0, le=LONGEST_S, allow_inf_nan=False)]
Milliseconds = Annotated[float, Field(ge=0.001, le=3_600_000, allow_inf_nan=False)]
PerMinute = Annotated[float, Field(gt=0, le=1_000_000_000, allow_inf_nan=False)]
Words = Annotated[int, Field(ge=1, le=10_000)]


def _when(providers: list[str], then: dict[str, Any], otherwise: dict[str, Any]) -> dict[str, Any]:
    condition = {"required": ["provider"], "properties": {"provider": {"enum": providers}}}
    return {"if": condition, "then": then, "else": otherwise}


def _without(*keys: str) -> dict[str, Any]:
    return {"properties": dict.fromkeys(keys, False)}


class PriceEntry(StrictModel):
    """What calls of a model cost."""

    input: Price = Field(description="US dollars per million prompt tokens.")
    output: Price = Field(description="US dollars per million completion tokens.")


class ModelEntry(StrictModel):
    """What a model alias stands for."""

    model_config = ConfigDict(
        json_schema_extra={
            "allOf": [
                _when(["command"], {"required": ["command"]}, _without("command")),
                _when(["python"], {"required": ["function"]}, _without("function")),
                _when(["command", "python"], {}, _without("processes")),
                _when(["command", "python", "mock"], _without("base_url", "api_key_env"), {}),
            ]
        }
    )

    provider: Text = Field(description="Who answers: openai for every OpenAI-compatible server, command, python or mock.")
    name: Text = Field(description="The model's name, as the provider calls it.")
    parameters: dict[str, Any] = Field(
        default={},
        description="Sampling parameters sent with every request.",
        json_schema_extra={
            "properties": {"stream": {"enum": [False, None]}, "n": {"enum": [1, None]}},
            "propertyNames": {"not": {"enum": ["model", "messages", "input", "api_key", "headers", "extra_headers", "base_url"]}},
        },
    )
    price: PriceEntry | None = Field(default=None, description="The price of its tokens, for the metric cost.")
    endpoint: Endpoint = Field(default="chat/completions", description="What is called; part of the identity of a request.")
    base_url: str = Field(
        default=_LEFT_OUT,
        max_length=500,
        description="Provider openai: the server, up to and including /v1. Default: OPENAI_BASE_URL, else OpenAI.",
        json_schema_extra={"pattern": URL_PATTERN},
    )
    api_key_env: str = Field(
        default=_LEFT_OUT,
        description="Provider openai: the name of the environment variable that holds the key; never the key. Default: "
        "OPENAI_API_KEY for OpenAI, OPENAI_BASE_URL and this machine.",
        json_schema_extra={"pattern": f"^{VARIABLE.pattern}$"},
    )
    command: list[str] = Field(
        default=_LEFT_OUT, min_length=1, description="Provider command: the program and its arguments; no shell."
    )
    function: str = Field(
        default=_LEFT_OUT,
        max_length=500,
        description="Provider python: package.module:function.",
        json_schema_extra={"pattern": f"^{FUNCTION.pattern}$"},
    )
    processes: int = Field(default=4, ge=1, le=256, description="Providers command and python: calls at the same time.")


class BudgetEntry(StrictModel):
    """What a run may spend; it stops before any of these is exceeded."""

    model_config = ConfigDict(json_schema_extra={"minProperties": 1})

    usd: float = Field(
        default=_LEFT_OUT, gt=0, le=1_000_000, allow_inf_nan=False, description="US dollars; needs the price of each model."
    )
    calls: int = Field(default=_LEFT_OUT, ge=0, description="Attempts that reach a provider, retries included.")
    tokens: int = Field(default=_LEFT_OUT, ge=0, description="Prompt and completion tokens together.")


class MockRuleEntry(StrictModel):
    """A canned answer, and when it is given."""

    contains: str = Field(default=_LEFT_OUT, min_length=1, description="A part of the last user message.")
    matches: str = Field(default=_LEFT_OUT, min_length=1, description="An RE2 pattern found in the last user message.")
    model: Text = Field(default=_LEFT_OUT, description="The model's name, as it is asked for.")
    text: str = Field(description="The answer; {{last}} is the last user message, {{model}} the model.")
    finish: Finish = Field(default="stop", description="Why the answer ends.")


class MockLatencyEntry(StrictModel):
    """How long answers take, log-normal."""

    median: Milliseconds = Field(description="Half of the answers take less, in milliseconds.")
    p95: Milliseconds = Field(description="95 of 100 answers take less, in milliseconds.")


class MockWordsEntry(StrictModel):
    """How long made-up answers are."""

    min: Words = Field(description="Words at least.")
    max: Words = Field(description="Words at most.")


class MockFaultEntry(StrictModel):
    """A failure on a schedule: exactly one of every, rate and first_attempts."""

    model_config = ConfigDict(
        json_schema_extra={
            "oneOf": [{"required": [key]} for key in ("every", "rate", "first_attempts")],
            "allOf": [
                {"if": {"properties": {"kind": {"const": "server_error"}}}, "else": _without("status")},
                {
                    "if": {"properties": {"kind": {"enum": ["rate_limit", "server_error"]}}},
                    "else": _without("retry_after_s"),
                },
            ],
        }
    )

    kind: FaultKind = Field(description="What goes wrong.")
    every: int = Field(default=_LEFT_OUT, ge=1, description="Each n-th attempt that arrives.")
    rate: Any = Field(
        default=_LEFT_OUT,
        description="A share of the attempts, such as 30%; the same ones in every order.",
        json_schema_extra={"anyOf": [{"type": "number", "exclusiveMinimum": 0, "exclusiveMaximum": 1}, _SHARE]},
    )
    first_attempts: int = Field(default=_LEFT_OUT, ge=1, le=1_000, description="Only the first attempts of each request.")
    status: int = Field(default=500, ge=400, le=599, description="HTTP status of a server_error.")
    retry_after_s: float = Field(
        default=_LEFT_OUT, ge=0, le=86_400, allow_inf_nan=False, description="What the header Retry-After asks for, in seconds."
    )


class MockEntry(StrictModel):
    """How the mock answers: a deterministic function of the request."""

    rules: list[MockRuleEntry] = Field(default=[], description="Canned answers; the first rule that fits is taken.")
    otherwise: Literal["words", "echo", "miss"] = Field(
        default="words", description="Without a rule: words made from the request, its last user message, or no answer."
    )
    latency_ms: MockLatencyEntry = Field(
        default=MockLatencyEntry(median=_MOCK.latency_ms_median, p95=_MOCK.latency_ms_p95), description="Reported latency."
    )
    words: MockWordsEntry = Field(
        default=MockWordsEntry(min=_MOCK.words_min, max=_MOCK.words_max), description="Length of made-up answers."
    )
    faults: list[MockFaultEntry] = Field(default=[], description="Failures on a schedule; the first that is due happens.")
    paced: bool = Field(default=False, description="Whether the latency is really waited.")


class ProxyEntry(StrictModel):
    """Where answers come from."""

    mode: Mode = Field(default="replay", description="replay needs no key and no network.")
    recording: Text = Field(description="Name under datasets/recordings/, or a path.")
    concurrency: int = Field(default=_LIMITS.concurrency, ge=1, le=1024, description="Calls in flight at most.")
    attempts: int = Field(default=_LIMITS.attempts, ge=1, le=20, description="Attempts of one call, the first included.")
    timeout_s: Seconds = Field(default=_LIMITS.timeout_s, description="Seconds for one attempt.")
    deadline_s: Seconds = Field(default=_LIMITS.deadline_s, description="Seconds for one call, all attempts together.")
    run_deadline_s: Seconds = Field(default=_LIMITS.run_deadline_s, description="Seconds for all calls of a run.")
    requests_per_minute: PerMinute = Field(default=_LEFT_OUT, description="To one upstream, at most.")
    tokens_per_minute: PerMinute = Field(default=_LEFT_OUT, description="To one upstream, at most.")
    budget: BudgetEntry = Field(default=_LEFT_OUT, description="What a run may spend.")
    mock: MockEntry = Field(default=MockEntry(), description="How the mock answers, for mode mock and provider mock.")
