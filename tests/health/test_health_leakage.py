"""Cases in a prompt: whole texts and most of their 8-grams, with message and line; nothing where only words are shared."""

from __future__ import annotations

import pytest

from evalgate.golden.health.leakage import PromptText

QUESTION = "Where can I find the invoice for the lamp that I bought last week?"
ANSWER = "You find it under orders, beside the lamp."
SYSTEM = "You answer questions of customers in one sentence.\n\nExample:\n"


def prompt(*contents: str, line: int | None = 4, reference: str = "p@1") -> PromptText:
    return PromptText(reference, tuple(("user", content, line if i == 0 else None) for i, content in enumerate(contents)))


def test_an_input_and_a_reference_in_an_example_are_named_with_their_lines(case, health) -> None:
    rows = [
        case("a", QUESTION, ANSWER),
        *(case(f"c{n}", f"another question, number {n}, of its own", f"answer {n}") for n in range(20)),
    ]
    found = health(rows, prompts=[prompt(f"{SYSTEM}Q: {QUESTION.upper()}\nA:  {ANSWER}\n{{{{question}}}}")])
    (asked,), (answered,) = found["input-in-prompt"], found["reference-in-prompt"]
    assert (asked.count, asked.cases, asked.column) == (1, (("a",),), "question")
    assert asked.where == "p@1, message 1 (user), line 7"
    assert answered.where == "p@1, message 1 (user), line 8"
    assert answered.column == "references"


def test_both_prompts_are_looked_at_and_the_same_one_once(case, health) -> None:
    leaking = f"x\n{QUESTION}"
    found = health([case("a", QUESTION)], prompts=[prompt(leaking), prompt("y", leaking, reference="p@2"), prompt(leaking)])
    assert [f.where for f in found["input-in-prompt"]] == [
        "p@1, message 1 (user), line 5",
        "p@2, message 2 (user), line 2 of the message",
    ]


@pytest.mark.parametrize(
    "shown",
    [
        QUESTION.replace("week", "month"),
        QUESTION.replace("Where", "Tell me where"),
        QUESTION.replace(" the lamp", "\n  the lamp"),
        QUESTION.replace(" ", "\u00a0"),
    ],
)
def test_nearly_the_whole_text_is_enough(case, health, shown: str) -> None:
    assert "input-in-prompt" in health([case("a", QUESTION)], prompts=[prompt(SYSTEM + shown)])


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        (QUESTION, SYSTEM),
        (QUESTION, "Where can I find the lamp? Last week I bought it. The invoice is for the shop."),
        (QUESTION, "I bought the lamp last week for that. Where can I find the invoice?"),
        (QUESTION, "Where can I find {{question}} the invoice for the sofa?"),
        ("yes", "Answer yes or no."),
        ("international shipping", "Topics: returns, international shipping, payment."),
        ("return my order", "How do I return my order today?"),
        ("退货怎么办", "例如：退货怎么办理？"),
        (42, "42 is the answer to everything there is"),
        ("", "anything"),
    ],
)
def test_shared_words_and_short_texts_are_no_leak(case, health, text: object, shown: str) -> None:
    assert "input-in-prompt" not in health([case("a", text)], prompts=[prompt(shown)])


def test_a_text_inside_a_structured_reference_is_found(case, health) -> None:
    rows = [case("a", "a question of its own here", {"items": [{"why": ANSWER}], "grade": 3})]
    found = health(rows, prompts=[prompt(f'{SYSTEM}{{"why": "{ANSWER}"}}')])
    assert found["reference-in-prompt"][0].cases == (("a",),)
    assert not health(rows, prompts=[prompt(SYSTEM)])


def test_a_language_without_spaces_is_found_by_the_whole_text(case, health) -> None:
    text = "请问我昨天在网上买的蓝色台灯什么时候可以送到家里呢"
    assert "input-in-prompt" in health([case("a", text)], prompts=[prompt(f"例：{text}。")])


def test_labels_of_many_cases_may_stand_in_the_prompt(case, health) -> None:
    label = "the customer asks for a refund"
    rows = [case(f"c{n}", f"message number {n} is written here", label) for n in range(10)]
    assert "reference-in-prompt" not in health(rows, prompts=[prompt(f"Labels: {label}; or another one")])
    assert "reference-in-prompt" in health(rows[:2], prompts=[prompt(f"Labels: {label}; or another one")])


def test_the_order_of_cases_and_prompts_changes_nothing(case, health) -> None:
    rows = [case("a", QUESTION, ANSWER), case("b", ANSWER, QUESTION), case("c", "none of them at all", "x")]
    prompts = [prompt(QUESTION), prompt(ANSWER + "\n" + QUESTION, reference="p@2")]
    assert health(rows, prompts=prompts) == health(rows[::-1], prompts=prompts[::-1])


def test_without_prompts_nothing_leaks(case, health) -> None:
    assert not health([case("a", QUESTION, ANSWER)])
