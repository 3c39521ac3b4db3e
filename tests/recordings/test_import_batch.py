"""OpenAI's Batch API: outputs joined with requests by custom_id; what is doubtful is refused, what failed is no answer."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import pytest


def asks(number: int, text: str | None = None, url: str = "/v1/chat/completions", **body: Any) -> dict[str, Any]:
    content = {"messages": [{"role": "user", "content": text or f"q{number}"}]}
    return {
        "custom_id": f"id-{number}",
        "method": "POST",
        "url": url,
        "body": {"model": "m", "temperature": 0, **content, **body},
    }


def answers(number: int, text: str = "a", status: int = 200, **changes: Any) -> dict[str, Any]:
    choice = {"index": 0, "message": {"role": "assistant", "content": text}, "finish_reason": "stop"}
    body = {
        "id": "c",
        "created": 1767225600,
        "model": "m-2026",
        "choices": [choice],
        "usage": {"prompt_tokens": 4, "completion_tokens": 2},
    }
    response = {"status_code": status, "request_id": "r", "body": body}
    return {"id": f"b{number}", "custom_id": f"id-{number}", "response": response, "error": None, **changes}


def bring(project: Any, requests: list[Any] | str, outputs: list[Any] | str, *options: str) -> Any:
    return project.bring(project.file("out.jsonl", outputs), "--requests", project.file("in.jsonl", requests), *options)


def refuse(project: Any, requests: list[Any] | str, outputs: list[Any] | str, *said: str, code: int = 2) -> None:
    options = ("--format", "openai-batch", "--requests", project.file("in.jsonl", requests))
    project.refuse(project.file("out.jsonl", outputs), *said, options=options, code=code)


def test_a_batch_in_any_order_becomes_answers(project: Callable[..., Any]) -> None:
    made = project()
    ran = bring(made, [asks(1), asks(2), asks(3)], [answers(3, "three"), answers(1, "one"), answers(2, "two")])
    assert ran.code == 0, ran.err
    assert (ran.document["format"], ran.document["imported"], ran.document["errors"]) == ("openai-batch", 3, 0)
    assert made.texts() == {"q1": "one", "q2": "two", "q3": "three"}
    exchange = next(made.open("new").exchanges())
    assert (exchange.finish, exchange.prompt_tokens, exchange.completion_tokens, exchange.latency_ms) == ("stop", 4, 2, None)
    assert (exchange.recorded_at, exchange.sealed, exchange.body["model"]) == ("2026-01-01T00:00:00+00:00", True, "m-2026")


def test_the_gate_is_answered_by_its_batch(project: Callable[..., Any]) -> None:
    made = project()
    lines = made.lines()
    requests = [
        {
            "custom_id": f"k{i}",
            "method": "POST",
            "url": "/v1/chat/completions",
            "body": {
                "model": "m",
                "max_tokens": None,
                "stream": False,
                "temperature": 0.0,
                "messages": line["request"]["messages"],
            },
        }
        for i, line in enumerate(lines)
    ]
    outputs = [{**answers(0, line["response"]["text"]), "custom_id": f"k{i}"} for i, line in enumerate(lines)]
    options = ("--requests", made.file("in.jsonl", requests))
    assert made.bring(made.file("out.jsonl", outputs), *options, into="sums").code == 0
    assert made.call("run", made.config, "--jobs", "1").code == 0


def test_other_endpoints(project: Callable[..., Any]) -> None:
    made = project()
    responses = {"custom_id": "id-1", "url": "/v1/responses", "body": {"model": "m", "input": "q1"}}
    spoken = {
        "status": "completed",
        "output": [{"type": "message", "content": [{"type": "output_text", "text": "said"}]}],
        "usage": {"input_tokens": 1, "output_tokens": 2},
    }
    vectors = {"custom_id": "id-2", "method": "POST", "url": "/v1/embeddings", "body": {"model": "m", "input": ["q2"]}}
    vector = {"data": [{"index": 0, "embedding": [0.25, -1e-9]}], "usage": {"prompt_tokens": 1}}
    ran = bring(
        made,
        [responses, vectors],
        [answers(1, response={"status_code": 200, "body": spoken}), answers(2, response={"status_code": 200, "body": vector})],
    )
    assert ran.document["imported"] == 2
    assert made.texts() == {"q1": "said", "['q2']": ""}
    assert {e.body["data"][0]["embedding"][1] for e in made.open("new").exchanges() if "data" in e.body} == {-1e-9}


@pytest.mark.parametrize(
    ("answer", "said"),
    [
        (answers(1, status=429), "HTTP 429"),
        (answers(1, status=500), "HTTP 500"),
        (answers(1, status=201), "HTTP 201"),
        (answers(1, response=None, error={"code": "batch_expired", "message": "too late"}), "too late (batch_expired)"),
        (answers(1, error={"code": "x", "message": "both"}), "both"),
        (answers(1, response=None), "no response"),
        (answers(1, response="text"), "no response"),
        (answers(1, response={"status_code": 200, "body": {"error": {"message": "rate limit"}}}), "rate limit"),
        (answers(1, response={"status_code": 200, "body": {"choices": []}}), "no choices"),
        (answers(1, response={"status_code": 200, "body": None}), "not a JSON object"),
        (answers(1, response={"status_code": 200, "body": "hello"}), "not a JSON object"),
        (answers(1, response={"status_code": "200", "body": {}}), "HTTP 200"),
        (answers(1, response={"status_code": True, "body": {}}), "HTTP True"),
        (answers(1, response={"status_code": 200, "body": {"choices": [{"message": {"content": None}, "finish_reason": "length"}]}}), "no content"),
    ],
)  # fmt: skip
def test_what_failed_is_counted_and_no_answer(project: Callable[..., Any], answer: dict[str, Any], said: str) -> None:
    made = project()
    ran = bring(made, [asks(1), asks(2)], [answer, answers(2)])
    assert ran.code == 0, ran.err
    assert (ran.document["imported"], ran.document["errors"]) == (1, 1)
    assert ran.document["skipped"][0]["where"].endswith("out.jsonl:1")
    assert said in ran.document["skipped"][0]["message"]
    assert made.texts() == {"q2": "a"}
    refuse(made, [asks(1)], [answer], "nothing in the file is an answer", said, code=3)


@pytest.mark.parametrize(
    ("ask", "said"),
    [
        (asks(1, url="/v1/moderations"), "no question to a model"),
        (asks(1, url="/v1/completions"), "no question to a model"),
        ({**asks(1), "url": 5}, "no question to a model"),
        ({**asks(1), "method": "GET"}, "no question to a model"),
        ({**asks(1), "body": None}, "not a JSON object"),
        ({**asks(1), "body": {"model": "m"}}, "messages must be"),
        ({**asks(1), "body": {"messages": []}}, "model must be a text"),
        (asks(1, messages=["x"]), "messages must be"),
        (asks(1, max_tokens=5, max_completion_tokens=6), "same parameter"),
        (asks(1, seed=2**60), "cannot be keyed"),
    ],
)
def test_what_is_no_exchange_is_counted_with_its_reason(project: Callable[..., Any], ask: dict[str, Any], said: str) -> None:
    made = project()
    ran = bring(made, [ask, asks(2)], [answers(1), answers(2)])
    assert (ran.code, ran.document["imported"], ran.document["unusable"]) == (0, 1, 1)
    assert said in ran.document["skipped"][0]["message"]
    assert ".jsonl:1" in ran.document["skipped"][0]["where"]


def test_requests_without_output_are_named(project: Callable[..., Any]) -> None:
    ran = bring(project(), [asks(1), asks(2), asks(3)], [answers(2)])
    assert (ran.document["imported"], ran.document["unanswered"]) == (1, 2)
    assert [(s["where"].rpartition("/")[2], s["message"]) for s in ran.document["skipped"]] == [
        ("in.jsonl:1", "unanswered: custom_id 'id-1' has no output"),
        ("in.jsonl:3", "unanswered: custom_id 'id-3' has no output"),
    ]


GOOD_IN, GOOD_OUT = [asks(1), asks(2)], [answers(1), answers(2)]
DEEP = '{"custom_id": "id-1", "response": ' + "[" * 20_000 + "]" * 20_000 + "}\n"
MALFORMED: dict[str, tuple[Any, Any, tuple[str, ...]]] = {
    "extra output": (GOOD_IN, [*GOOD_OUT, answers(9)], ("no request has the custom_id 'id-9'", "out.jsonl:3")),
    "duplicate output": (GOOD_IN, [*GOOD_OUT, answers(1)], ("'id-1' is already used on line 1", "out.jsonl:3")),
    "duplicate request": ([*GOOD_IN, asks(2)], GOOD_OUT, ("'id-2' is already used on line 2", "in.jsonl:3")),
    "no id": (GOOD_IN, [{**answers(1), "custom_id": None}], ("no custom_id", "out.jsonl:1")),
    "id of another type": (GOOD_IN, [{**answers(1), "custom_id": 1}], ("no custom_id", "out.jsonl:1")),
    "empty id": ([{**asks(1), "custom_id": ""}], GOOD_OUT, ("no custom_id", "in.jsonl:1")),
    "no object": (GOOD_IN, [answers(1), ["x"]], ("a line of a batch file is a JSON object", "out.jsonl:2")),
    "torn": (GOOD_IN, json.dumps(answers(1)) + "\n" + json.dumps(answers(2))[:-9], ("not valid JSON", "out.jsonl:2")),
    "torn requests": (json.dumps(asks(1)) + "\n" + json.dumps(asks(2))[:40], GOOD_OUT, ("not valid JSON", "in.jsonl:2")),
    "conflict": (GOOD_IN, "<<<<<<< HEAD\n" + json.dumps(answers(1)) + "\n", ("conflict marker", "out.jsonl:1")),
    "duplicate field": (GOOD_IN, '{"custom_id": "id-1", "custom_id": "id-2", "response": null}\n', ("duplicate key", "out.jsonl:1")),
    "not a number": (GOOD_IN, '{"custom_id": "id-1", "response": NaN}\n', ("NaN", "out.jsonl:1")),
    "deep": (GOOD_IN, DEEP, ("nested deeper", "out.jsonl:1")),
    "empty": (GOOD_IN, "\n\n", ("the file is empty",)),
    "no requests": ("", GOOD_OUT, ("the file is empty",)),
    "requests twice": (GOOD_IN, [{"custom_id": "id-1", "url": "/v1/chat/completions", "body": {}}], ("neither response nor error", "out.jsonl:1")),
}  # fmt: skip


@pytest.mark.parametrize("name", MALFORMED)
def test_a_malformed_batch_is_refused_whole(project: Callable[..., Any], name: str) -> None:
    requests, outputs, said = MALFORMED[name]
    refuse(project(), requests, outputs, *said)


def test_not_utf_8(project: Callable[..., Any]) -> None:
    made = project()
    made.file("in.jsonl", GOOD_IN)
    made.refuse(
        made.file("out.jsonl", b'{"custom_id": "\xff"}\n'),
        "not UTF-8",
        options=("--format", "openai-batch", "--requests", "in.jsonl"),
    )


@pytest.mark.parametrize("missing", ["in.jsonl", "out.jsonl"])
def test_a_file_that_is_not_there(project: Callable[..., Any], missing: str) -> None:
    made = project()
    for name, rows in (("in.jsonl", GOOD_IN), ("out.jsonl", GOOD_OUT)):
        if name != missing:
            made.file(name, rows)
    made.refuse("out.jsonl", missing, options=("--format", "openai-batch", "--requests", "in.jsonl"))


def test_half_a_character_at_the_end_of_a_cut_answer(project: Callable[..., Any]) -> None:
    made = project()
    outputs = json.dumps(answers(1, "cut CUT")).replace("CUT", "\\ud83c") + "\n"
    assert bring(made, [asks(1)], outputs).code == 0
    assert made.texts() == {"q1": "cut \ufffd"}


def test_a_body_that_cannot_be_kept_is_left_out(project: Callable[..., Any]) -> None:
    made = project()
    big = answers(1)
    big["response"]["body"]["extra"] = 2**60
    assert bring(made, GOOD_IN, [big, answers(2)]).document["imported"] == 2
    assert sorted((exchange.text, exchange.body is None) for exchange in made.open("new").exchanges()) == [
        ("a", False),
        ("a", True),
    ]


def test_an_embedding_without_its_body_is_nothing(project: Callable[..., Any]) -> None:
    vectors = {"custom_id": "id-1", "method": "POST", "url": "/v1/embeddings", "body": {"model": "m", "input": ["q2"]}}
    vector = {"data": [{"index": 0, "embedding": [1.0]}], "note": 2**60}
    ran = bring(project(), [vectors, asks(2)], [answers(1, response={"status_code": 200, "body": vector}), answers(2)])
    assert (ran.document["imported"], ran.document["unusable"]) == (1, 1)


def test_texts_of_any_kind_come_through(project: Callable[..., Any]) -> None:
    made = project()
    texts = [
        "\u2028\u2029\x85",
        "\x1b[31m\x00\x07",
        "🎉\U0010ffff",
        "<<<<<<< HEAD\n=======\n",
        '"},{"',
        "::error::x",
        "\u202eabc",
        " ",
    ]
    numbers = range(len(texts))
    assert bring(made, [asks(i, f"q{i}") for i in numbers], [answers(i, t) for i, t in enumerate(texts)]).code == 0
    assert made.texts() == {f"q{i}": t for i, t in enumerate(texts)}
