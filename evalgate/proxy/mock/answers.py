"""The mock's answers: the same request has the same answer on every machine, in every order, for ever."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from typing import Any

from evalgate.core.patterns import compile_pattern
from evalgate.core.settings import MockChoice, MockRule
from evalgate.proxy.exchange import Exchange
from evalgate.proxy.mock.draws import below, latency_ms
from evalgate.proxy.mock.json_instance import instance_of
from evalgate.proxy.mock.json_scalars import CannotMake
from evalgate.proxy.mock.question import Question, question_of
from evalgate.proxy.mock.sentences import sentences
from evalgate.proxy.mock.tokens import count_tokens, cut_tokens
from evalgate.proxy.mock.vectors import vectors_of
from evalgate.proxy.redaction import Redactor
from evalgate.proxy.request import EMBEDDINGS
from evalgate.proxy.server.bodies import complete_body, embeddings_body
from evalgate.proxy.upstream.interface import Failure, FailureKind, Reply

SHOWN = 60
_PLACEHOLDER = re.compile(r"\{\{[ \t]*(last|model)[ \t]*\}\}")


def mock_reply(choice: MockChoice, request: Mapping[str, Any], key: str) -> Reply | Failure:
    """The answer to a canonical request with that key, or the failure where the mock is to have none.

    The first rule that fits answers; without one, what `otherwise` says. Embeddings are vectors whatever the rules say.
    """
    question = question_of(request)
    if request["endpoint"] == EMBEDDINGS:
        return _embedded(choice, request, key, question)
    rule = _rule_for(choice.rules, question)
    if rule is not None:
        return _reply(choice, request, key, question, _filled(rule.text, question), rule.finish)
    if choice.otherwise == "miss":
        return _missed(question, "add a rule for it, or write otherwise: words")
    if choice.otherwise == "echo":
        return _reply(choice, request, key, question, question.last)
    try:
        return _reply(choice, request, key, question, _made_up(choice, key, question))
    except CannotMake as error:
        return _missed(question, f"it wants JSON of a schema with {error}, which the mock cannot make: add a rule for it")


def _rule_for(rules: tuple[MockRule, ...], question: Question) -> MockRule | None:
    return next((rule for rule in rules if _fits(rule, question)), None)


def _fits(rule: MockRule, question: Question) -> bool:
    if rule.model is not None and rule.model != question.model:
        return False
    if rule.contains is not None and rule.contains not in question.last:
        return False
    return rule.matches is None or compile_pattern(rule.matches).found_in(question.last)


def _filled(text: str, question: Question) -> str:
    """A template with its values; what stands in a value is never read again."""
    values = {"last": question.last, "model": question.model}
    return _PLACEHOLDER.sub(lambda match: values[match.group(1)], text)


def _made_up(choice: MockChoice, key: str, question: Question) -> str:
    count = choice.words_min + below(key, "count", choice.words_max - choice.words_min + 1)
    if question.form is None:
        return sentences(key, "text", count)
    made = instance_of(question.form, key) if question.form else {"answer": sentences(key, "text", count)}
    return json.dumps(made, ensure_ascii=False)


def _reply(
    choice: MockChoice, request: Mapping[str, Any], key: str, question: Question, text: str, finish: str = "stop"
) -> Reply:
    cut = None if question.limit is None else cut_tokens(text, question.limit)
    if cut is not None:
        text, finish = cut, "length"
    exchange = _exchange(choice, request, key, question, text, finish)
    return _with_body(exchange, complete_body(exchange))


def _embedded(choice: MockChoice, request: Mapping[str, Any], key: str, question: Question) -> Reply:
    exchange = _exchange(choice, request, key, question, "", "stop")
    return _with_body(exchange, embeddings_body(exchange, vectors_of(request)))


def _exchange(choice: MockChoice, request: Mapping[str, Any], key: str, question: Question, text: str, finish: str) -> Exchange:
    return Exchange(
        key=key,
        request=request,
        status="ok",
        text=text,
        finish=finish,
        prompt_tokens=count_tokens(question.whole),
        completion_tokens=count_tokens(text),
        latency_ms=latency_ms(key, choice.latency_ms_median, choice.latency_ms_p95),
        error=None,
    )


def _with_body(exchange: Exchange, body: Any) -> Reply:
    counts = exchange.prompt_tokens, exchange.completion_tokens
    return Reply(exchange.text, exchange.finish, *counts, exchange.latency_ms or 0.0, body)


def _missed(question: Question, hint: str) -> Failure:
    # secrets go before the cut, so that no half of one is left at it
    said = Redactor().message(" ".join(question.last.split()))
    shown = said if len(said) <= SHOWN else said[: SHOWN - 1] + "…"
    return Failure(FailureKind.PERMANENT, f"the mock has no answer for {shown!r} (model {question.model}): {hint}")
