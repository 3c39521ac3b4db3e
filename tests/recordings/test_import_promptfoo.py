"""promptfoo's output JSON: what its results say becomes requests and answers; what they do not say has to be given."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import pytest

CHAT = [{"role": "system", "content": "brief"}, {"role": "user", "content": "hello"}]


def result(
    raw: str = "Say hello", output: Any = "Hi there", provider: Any = "openai:chat:gpt-4o", **changes: Any
) -> dict[str, Any]:
    usage = {"total": 5, "prompt": 3, "completion": 2}
    answer = {
        "output": output,
        "tokenUsage": usage,
        "cached": False,
        "finishReason": "stop",
        "cost": 0.01,
        **changes.pop("response", {}),
    }
    return {
        "id": "b1c8", "prompt": {"raw": raw, "label": "Say {{x}}"}, "promptIdx": 0, "testIdx": 0, "vars": {"x": "hello"},
        "provider": {"id": provider, "label": changes.pop("label", "")} if isinstance(provider, str) else provider,
        "response": answer, "latencyMs": 15, "success": False, "score": 0, "failureReason": 1, "error": "Expected output to equal nope",
        "gradingResult": {"pass": False, "reason": "nope"}, **changes,
    }  # fmt: skip


def output(*results: Any, providers: Any = None) -> dict[str, Any]:
    return {
        "evalId": "e",
        "results": {"version": 3, "timestamp": "t", "prompts": [], "results": list(results), "stats": {}},
        "config": {"providers": providers},
    }


def bring(made: Any, document: Any, *options: str) -> Any:
    return made.bring(made.file("out.json", document), *options)


def requests(made: Any) -> list[dict[str, Any]]:
    return [dict(exchange.request) for exchange in made.open("new").exchanges()]


def parameters(made: Any) -> Any:
    (request,) = requests(made)
    return request["parameters"]


def test_a_result_becomes_an_exchange(project: Callable[..., Any]) -> None:
    made = project()
    ran = bring(made, output(result()))
    assert (ran.code, ran.document["format"], ran.document["imported"]) == (0, "promptfoo", 1)
    (exchange,) = made.open("new").exchanges()
    assert (exchange.text, exchange.finish, exchange.prompt_tokens, exchange.completion_tokens, exchange.latency_ms) == (
        "Hi there",
        "stop",
        3,
        2,
        15,
    )
    assert exchange.request["model"] == "gpt-4o"
    assert exchange.request["messages"] == [{"role": "user", "content": "Say hello"}]


def test_a_failed_assertion_is_still_an_answer_and_an_error_is_none(project: Callable[..., Any]) -> None:
    made = project()
    failed = {"failureReason": 2, "error": "API error: 400", "response": {"error": "API error: 400", "output": None}}
    ran = bring(made, output(result("a"), result("b", failureReason=0, error=None), result("c", **failed)))
    assert (ran.document["imported"], ran.document["errors"]) == (2, 1)
    assert ran.document["skipped"] == [{"where": f"{made.root}/out.json, results[2]", "message": "error: API error: 400"}]
    assert made.texts() == {"a": "Hi there", "b": "Hi there"}


@pytest.mark.parametrize(
    "changes",
    [
        {"failureReason": 2},
        {"response": {"error": "boom"}},
        {"response": {"error": {"message": "boom", "code": 7}}},
        {"response": {"output": None}},
        {"response": {"output": None}, "error": None},
    ],
)
def test_errors_are_no_answers(project: Callable[..., Any], changes: dict[str, Any]) -> None:
    made = project()
    made.refuse(made.file("out.json", output(result(**changes))), "nothing in the file is an answer", code=3)


@pytest.mark.parametrize("response", [None, "text", []])
def test_a_response_of_another_shape_is_no_answer(project: Callable[..., Any], response: Any) -> None:
    made = project()
    bare = result()
    bare["response"] = response
    made.refuse(made.file("out.json", output(bare)), "nothing in the file is an answer", code=3)


def test_the_older_layout(project: Callable[..., Any]) -> None:
    made = project()
    old = result()
    old["provider"] = "openai:gpt-4"
    del old["failureReason"], old["promptIdx"]
    assert bring(made, {"version": 2, "results": [old], "stats": {}}).document["imported"] == 1
    assert requests(made)[0]["model"] == "gpt-4"


@pytest.mark.parametrize(
    ("raw", "messages"),
    [
        (json.dumps(CHAT), CHAT),
        (json.dumps(CHAT, indent=2), CHAT),
        ("  \n" + json.dumps(CHAT), CHAT),
        ('[{"role": "user", "content": "x", "name": null}]', [{"role": "user", "content": "x"}]),
        ("[1, 2]", [{"role": "user", "content": "[1, 2]"}]),
        ("[]", [{"role": "user", "content": "[]"}]),
        ('[{"content": "no role"}]', [{"role": "user", "content": '[{"content": "no role"}]'}]),
        ('[{"role": "user"', [{"role": "user", "content": '[{"role": "user"'}]),
        ('{"role": "user"}', [{"role": "user", "content": '{"role": "user"}'}]),
        ("[" * 5000, [{"role": "user", "content": "[" * 5000}]),
        ("", [{"role": "user", "content": ""}]),
    ],
)
def test_a_chat_is_a_chat_and_anything_else_one_message(project: Callable[..., Any], raw: str, messages: Any) -> None:
    made = project()
    assert bring(made, output(result(raw))).code == 0
    assert requests(made)[0]["messages"] == messages


@pytest.mark.parametrize(
    ("provider", "model", "endpoint"),
    [
        ("openai:chat:gpt-4o", "gpt-4o", "chat/completions"),
        ("openai:gpt-4o", "gpt-4o", "chat/completions"),
        ("openai:responses:gpt-5", "gpt-5", "responses"),
        ("openai:chat:ft:gpt-4o:org::id", "ft:gpt-4o:org::id", "chat/completions"),
        ("anthropic:messages:claude-x", "claude-x", "chat/completions"),
        ("ollama:chat:llama3.1:8b", "llama3.1:8b", "chat/completions"),
        ("openrouter:meta/llama:free", "meta/llama:free", "chat/completions"),
        ("echo", "echo", "chat/completions"),
    ],
)
def test_the_model_is_in_the_providers_id(project: Callable[..., Any], provider: str, model: str, endpoint: str) -> None:
    made = project()
    assert bring(made, output(result(provider=provider))).code == 0
    (request,) = requests(made)
    assert (request["model"], request["endpoint"]) == (model, endpoint)


@pytest.mark.parametrize(
    "provider", ["file://provider.py", "https://host/v1", "exec: python x.py", "python:x.py", "", "openai:", {}, None, 5]
)
def test_a_provider_that_names_no_model_needs_one(project: Callable[..., Any], provider: Any) -> None:
    made = project()
    document = output(result(provider=provider))
    made.refuse(made.file("out.json", document), "--model", code=3)
    assert bring(made, document, "--model", "own").code == 0
    assert requests(made)[0]["model"] == "own"


CONFIG = {
    "temperature": 0.5,
    "max_tokens": 20,
    "seed": 3,
    "apiKey": "sk-canary",
    "apiBaseUrl": "http://x",
    "headers": {"a": "b"},
    "cost": 1,
}


@pytest.mark.parametrize(
    "providers",
    [
        [{"id": "openai:chat:gpt-4o", "config": CONFIG}],
        [{"openai:chat:gpt-4o": {"config": CONFIG}}],
        {"id": "openai:chat:gpt-4o", "config": CONFIG},
        ["echo", {"id": "openai:chat:gpt-4o", "config": CONFIG}, {"id": "other", "config": {"top_p": 1}}],
        [{"id": "openai:chat:gpt-4o", "config": {"passthrough": {"seed": 3}, "temperature": 0.5, "max_completion_tokens": 20}}],
        [{"id": "openai:chat:gpt-4o", "config": CONFIG}, {"id": "openai:chat:gpt-4o", "config": CONFIG}],
    ],
)
def test_parameters_come_from_the_providers_config_and_nothing_else_does(project: Callable[..., Any], providers: Any) -> None:
    made = project()
    assert bring(made, output(result(), providers=providers)).code == 0
    assert parameters(made) == {"temperature": 0.5, "max_tokens": 20, "seed": 3}
    made.no_secret("sk-canary", str(made.root / "out.json"))


def test_a_label_tells_two_configs_apart(project: Callable[..., Any]) -> None:
    made = project()
    providers = [{"id": "openai:chat:gpt-4o", "label": name, "config": {"seed": seed}} for seed, name in enumerate("ab")]
    ran = bring(made, output(result("x", label="a"), result("y", label="b"), result("z"), providers=providers))
    assert (ran.document["imported"], ran.document["unusable"]) == (2, 1)
    assert "several providers are called" in ran.document["skipped"][0]["message"]
    assert sorted((r["messages"][0]["content"], r["parameters"]["seed"]) for r in requests(made)) == [("x", 0), ("y", 1)]


@pytest.mark.parametrize(
    "providers",
    [
        None,
        "openai:gpt-4o",
        [],
        [None, 5, ["x"]],
        {"a": 5},
        [{"id": "openai:chat:gpt-4o", "config": None}],
        [{"id": "openai:chat:gpt-4o"}],
    ],
)
def test_no_config_no_parameters(project: Callable[..., Any], providers: Any) -> None:
    made = project()
    assert bring(made, output(result(), providers=providers)).code == 0
    assert parameters(made) == {}


def test_the_prompts_own_config_counts_more(project: Callable[..., Any]) -> None:
    made = project()
    own = result()
    own["prompt"]["config"] = {"temperature": 1}
    assert bring(made, output(own, providers=[{"id": "openai:chat:gpt-4o", "config": CONFIG}])).code == 0
    assert parameters(made)["temperature"] == 1


def test_parameters_that_the_file_does_not_name(project: Callable[..., Any]) -> None:
    made = project()
    given = ("temperature=0", "max_tokens=1024", 'stop=["\\n"]', "seed=null", "reasoning_effort=low")
    options = tuple(part for value in given for part in ("--parameter", value))
    document = output(result(), providers=[{"id": "openai:chat:gpt-4o", "config": {**CONFIG, "max_completion_tokens": 20}}])
    assert bring(made, document, *options).code == 0
    assert parameters(made) == {"temperature": 0, "max_tokens": 1024, "stop": ["\n"], "reasoning_effort": "low"}


@pytest.mark.parametrize("given", ["temperature", "=1", " =1"])
def test_a_parameter_without_a_name_or_value_is_refused(project: Callable[..., Any], given: str) -> None:
    made = project()
    made.refuse(made.file("out.json", output(result())), "is not KEY=VALUE", options=("--parameter", given))


def test_a_parameter_given_twice_is_refused(project: Callable[..., Any]) -> None:
    made = project()
    made.refuse(made.file("out.json", output(result())), "is not KEY=VALUE", options=("--parameter", "n=1", "--parameter", "n=2"))


@pytest.mark.parametrize("value", ["file://schema.json", "{{ env.T }}"])
def test_a_value_that_stands_elsewhere_has_to_be_given(project: Callable[..., Any], value: str) -> None:
    made = project()
    document = output(result(), providers=[{"id": "openai:chat:gpt-4o", "config": {"response_format": value}}])
    made.refuse(made.file("out.json", document), "--parameter response_format=", code=3)
    assert bring(made, document, "--parameter", "response_format=null").code == 0


@pytest.mark.parametrize(
    ("value", "text"), [({"a": "ü"}, '{"a": "ü"}'), ([1, 2], "[1, 2]"), (5, "5"), (False, "false"), ("", ""), ("  ", "  ")]
)
def test_outputs_that_are_data_are_json(project: Callable[..., Any], value: Any, text: str) -> None:
    made = project()
    assert bring(made, output(result(output=value))).code == 0
    assert made.texts() == {"Say hello": text}


@pytest.mark.parametrize(
    "changes",
    [
        {"response": {"tokenUsage": {"total": 0, "prompt": 0, "completion": 0}}},
        {"response": {"tokenUsage": {"total": 9, "cached": 9}}},
        {"response": {"tokenUsage": None}},
        {"response": {"tokenUsage": {"total": 5, "prompt": -1, "completion": 1.5}}},
        {"response": {"tokenUsage": {"total": 5, "prompt": True, "completion": 10**30}}},
    ],
)
def test_tokens_that_were_not_counted_are_unknown(project: Callable[..., Any], changes: dict[str, Any]) -> None:
    made = project()
    assert bring(made, output(result(**changes))).code == 0
    (exchange,) = made.open("new").exchanges()
    assert (exchange.prompt_tokens, exchange.completion_tokens) == (None, None)


@pytest.mark.parametrize(
    "changes", [{"latencyMs": -1}, {"latencyMs": "5"}, {"latencyMs": True}, {"latencyMs": None}, {"response": {"cached": True}}]
)
def test_a_latency_that_was_not_measured_is_unknown(project: Callable[..., Any], changes: dict[str, Any]) -> None:
    made = project()
    assert bring(made, output(result(**changes))).code == 0
    assert [exchange.latency_ms for exchange in made.open("new").exchanges()] == [None]


@pytest.mark.parametrize("prompt", [None, "text", {}, {"raw": None}, {"raw": [1]}])
def test_a_result_without_its_prompt_is_unusable(project: Callable[..., Any], prompt: Any) -> None:
    made = project()
    bare = result()
    bare["prompt"] = prompt
    made.refuse(made.file("out.json", output(bare)), "prompt.raw", code=3)


def test_repeats_need_to_be_said(project: Callable[..., Any]) -> None:
    made = project()
    document = output(*(result(output=f"answer {i}") for i in range(3)))
    made.refuse(made.file("out.json", document), "another answer", "results[0] already answers", "results[2]", "--repeats")
    assert bring(made, document, "--repeats").document["imported"] == 3
    assert made.texts() == {"Say hello": "answer 0", "Say hello#1": "answer 1", "Say hello#2": "answer 2"}
    again = bring(made, document, "--repeats").document
    assert (again["imported"], again["already_there"]) == (0, 3)


MALFORMED: list[tuple[Any, str]] = [
    ({"results": {"results": {}}}, "no results of promptfoo"),
    ({"results": None}, "no results of promptfoo"),
    ([], "no results of promptfoo"),
    ("null", "no results of promptfoo"),
    ({"results": [5]}, "a result is not an object"),
    ({"results": [result(), None]}, "results[1]"),
    ('{"results": [', "not valid JSON"),
    ('{"results": [], "results": []}', "duplicate key"),
    ('{"results": [NaN]}', "NaN"),
    ('{"results": ' + "[" * 200 + "]" * 200 + "}", "nested deeper"),
    ("<<<<<<< HEAD\n{}\n", "conflict marker"),
    ("", "not valid JSON"),
    (b'{"results": "\xff"}', "not UTF-8"),
]


@pytest.mark.parametrize(("document", "said"), MALFORMED, ids=range(len(MALFORMED)))
def test_a_malformed_file_is_refused_whole(project: Callable[..., Any], document: Any, said: str) -> None:
    made = project()
    content = json.dumps(document) if isinstance(document, list) else document
    made.refuse(made.file("out.json", content), said, options=("--format", "promptfoo"))


def test_the_gate_is_answered_by_promptfoos_results(project: Callable[..., Any]) -> None:
    made = project()
    results = [result(line["request"]["messages"][0]["content"], line["response"]["text"], "openai:m") for line in made.lines()]
    assert made.bring(made.file("out.json", output(*results)), "--parameter", "temperature=0", into="sums").code == 0
    assert made.call("run", made.config, "--jobs", "1").code == 0
