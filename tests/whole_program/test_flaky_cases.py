"""Whole runs with repeats and with lost answers: who is flaky, what newly fails, and that a loss never helps anybody."""

from __future__ import annotations

import json
import random
from collections.abc import Mapping, Sequence
from typing import Any

import pytest

from evalgate.proxy.request import canonical_request, request_key

COUNT_RULE = "{metric: exact_match, max_newly_failing: 0}"
BUDGET = "{run: error_rate, max: 20%}"
Answers = Mapping[tuple[str, int], str]
"""(arm, case) → one sign a sample: `+` right, `-` wrong, `x` no answer; other cases are always right."""


def repeated(project: Any, answers: Answers, *, samples: int = 3, cases: int = 40, **how: Any) -> Any:
    """A project whose recording holds several answers to each request."""
    how.setdefault("thresholds", (COUNT_RULE, BUDGET))
    made = project(cases=cases, extra=f"samples: {samples}\n" + how.pop("extra", ""), **how)
    lines = []
    for arm, words in (("baseline", "Sum:"), ("candidate", "Add:")):
        for case in range(cases):
            signs = answers.get((arm, case), "+" * samples)
            assert len(signs) == samples
            lines += [line(words, case, number, sign) for number, sign in enumerate(signs)]
    made.tape.write_text("".join(json.dumps(one) + "\n" for one in lines), encoding="utf-8")
    return made


def line(words: str, case: int, sample: int, sign: str) -> dict[str, Any]:
    messages = [{"role": "user", "content": f"{words} {case} + 1"}]
    request = canonical_request(model="m", messages=messages, parameters={"temperature": 0}, sample=sample)
    response: dict[str, Any] = {"status": "error", "error": "HTTP 504: timed out"}
    if sign != "x":
        text = str(case + 1) if sign == "+" else f"no idea {sample}"
        response = {"status": "ok", "text": text, "finish": "stop", "usage": {"prompt_tokens": 5, "completion_tokens": 1}}
    return {"v": 1, "key": request_key(request), "request": request, "response": response, "latency_ms": 10.0}


def judged(made: Any, *arguments: str) -> Any:
    ran = made.run("--json", *arguments)
    assert ran.document["schema"] == "evalgate.verdict/1", ran.err
    return ran.document


def flips(cases: Sequence[int], arm: str, signs: str) -> dict[tuple[str, int], str]:
    return {(arm, case): signs for case in cases}


def test_flaky_cases_are_left_out_listed_and_never_fail_the_gate(project) -> None:
    answers = {**flips([3, 11, 30], "baseline", "+-+"), **flips([3, 11, 30, 7], "candidate", "---"), ("candidate", 7): "++-"}
    document = judged(repeated(project, answers))
    assert document["verdict"] == "pass"
    assert document["flaky"] == {"exact_match": {"ids": ["c3", "c11", "c30"], "total": 3}}
    found = document["metrics"]["exact_match"]
    assert [found[name] for name in ("stable", "flaky", "newly_failing", "newly_passing", "repeats")] == [37, 3, 0, 0, 3]
    reason = document["thresholds"][0]["reason"]
    assert "0 of 37 stable cases newly fail (0 newly pass; 3 flaky cases left out); the gate allows none: pass." in reason


def test_half_of_the_candidates_answers_wrong_is_a_newly_failing_case(project) -> None:
    for signs, verdict in (("+---", "fail"), ("++--", "fail"), ("+++-", "pass")):
        document = judged(repeated(project, {("candidate", 5): signs}, samples=4), "--fresh")
        assert (signs, document["verdict"]) == (signs, verdict)


def test_a_gate_of_flaky_cases_alone_decides_nothing(project) -> None:
    made = repeated(project, flips(range(12), "baseline", "+-"), samples=2, cases=12)
    document = judged(made)
    assert (document["verdict"], document["exit_code"]) == ("inconclusive", 4)
    assert "none of 12 cases is stable" in document["thresholds"][0]["reason"]


def test_asked_once_nothing_is_listed_and_the_reason_says_so(project) -> None:
    document = judged(project(cases=40, base=20, right=36, thresholds=(COUNT_RULE,)))
    assert document["flaky"] == {}
    assert document["metrics"]["exact_match"]["repeats"] == 1
    assert "Each case was asked once" in document["thresholds"][0]["reason"]


def test_many_flaky_cases_are_counted_in_full_and_listed_in_part(project) -> None:
    made = repeated(project, flips(range(20, 95), "baseline", "-+"), samples=2, cases=300)
    found = judged(made, "--jobs", "2")["flaky"]["exact_match"]
    assert found == {"total": 75, "ids": [f"c{case}" for case in range(20, 70)]}


def test_every_pass_fail_metric_has_its_own_flaky_cases(project) -> None:
    metrics = "[exact_match, {regex: {pattern: '[0-9]'}}, token_f1]"
    document = judged(repeated(project, {("baseline", 4): "++-"}, metrics=metrics))
    assert document["flaky"] == {"exact_match": {"ids": ["c4"], "total": 1}, "regex": {"ids": [], "total": 0}}
    assert "stable" not in document["metrics"]["token_f1"]


def test_slices_count_their_own_stable_cases(project) -> None:
    rule = "{metric: exact_match, max_newly_failing: 0, slice: {level: each}}"
    answers = {("baseline", 2): "+-+", ("candidate", 2): "---", ("candidate", 5): "---"}
    document = judged(repeated(project, answers, thresholds=(rule,)))
    even, odd = document["thresholds"][:2]
    assert [(one["slice"], one["verdict"]) for one in (even, odd)] == [("level=even", "pass"), ("level=odd", "fail")]
    assert "0 of 19 stable cases newly fail (0 newly pass; 1 flaky case left out)" in even["reason"]
    assert "1 of 20 stable cases newly fails (0 newly pass)" in odd["reason"]


LOSSES = [
    # a lost answer of the candidate is a failing one
    ({("candidate", 5): "xx+"}, "fail"),
    ({("candidate", 5): "x++"}, "pass"),
    # a lost answer of the baseline is a passing one: nothing is gained where the candidate fails
    ({("baseline", 5): "xxx", ("candidate", 5): "---"}, "fail"),
    ({("baseline", 5): "+xx", ("candidate", 5): "--+"}, "fail"),
    ({("baseline", 5): "xxx"}, "pass"),
    # and one that failed before cannot fail anew
    ({("baseline", 5): "---", ("candidate", 5): "xxx"}, "pass"),
    # nobody answered: it counts against the candidate
    ({("baseline", 5): "xxx", ("candidate", 5): "xxx"}, "fail"),
]


@pytest.mark.parametrize(("answers", "verdict"), LOSSES)
def test_lost_answers_count_against_the_candidate(project, answers: dict[tuple[str, int], str], verdict: str) -> None:
    document = judged(repeated(project, answers))
    assert document["verdict"] == verdict
    lost = {arm: int("x" in answers.get((arm, 5), "")) for arm in ("baseline", "candidate")}
    assert document["cases"]["errors"] == lost
    assert document["cases"]["total"] == document["metrics"]["exact_match"]["rows"] == 40


@pytest.mark.parametrize("arm", ["baseline", "candidate"])
def test_without_a_budget_one_lost_answer_of_many_ends_in_no_verdict(project, arm: str) -> None:
    ran = repeated(project, {(arm, 9): "++x"}, thresholds=(COUNT_RULE,)).run("--json")
    assert ran.code == 3
    assert ran.document["verdict"] is None
    assert f"case c9: no answer of the {arm}: the recorded exchange is an error: HTTP 504: timed out" in ran.err


def test_losses_over_the_budget_end_in_no_verdict_although_all_else_passes(project) -> None:
    rules = (COUNT_RULE, "{run: error_rate, max: 5%}")
    assert repeated(project, flips(range(2), "baseline", "xxx"), thresholds=rules).run().code == 0
    assert repeated(project, flips(range(3), "baseline", "xxx"), thresholds=rules).run("--fresh").code == 3


def test_losing_baseline_answers_never_turns_a_refusal_into_a_pass(project) -> None:
    """The candidate ruins five cases; with the baseline's answers to just these five gone it must look no better."""
    rules = ("{metric: exact_match, max_regression: 0.01}", "{metric: exact_match, min_improvement: 0, decide: estimate}", BUDGET)
    ruined = flips(range(5), "candidate", "-")
    whole = judged(repeated(project, ruined, samples=1, thresholds=rules))
    gone = judged(repeated(project, {**ruined, **flips(range(5), "baseline", "x")}, samples=1, thresholds=rules), "--fresh")
    assert whole["metrics"]["exact_match"]["delta"] == gone["metrics"]["exact_match"]["delta"] == -0.125
    assert [one["verdict"] for one in gone["thresholds"][:2]] == [one["verdict"] for one in whole["thresholds"][:2]]
    assert gone["verdict"] == "fail"
    assert gone["cases"]["improved"] == whole["cases"]["improved"] == 0


def test_the_same_bytes_for_any_number_of_jobs(project) -> None:
    made = repeated(project, {**flips(range(0, 90, 7), "baseline", "+x-"), ("candidate", 3): "x--"}, cases=200)
    found = set()
    for jobs in ("1", "3"):
        made.run("--out", str(made.root / jobs), "--jobs", jobs)
        found.add((made.root / jobs / "verdict.json").read_bytes())
    assert len(found) == 1


@pytest.mark.parametrize(
    ("allowed", "code"), [("5%", 0), ("2%", 1), ("2.5%", 0), ("2.499%", 1), ("100%", 2), ("0.5", 2), ("-1", 2)]
)
def test_a_share_of_the_stable_cases_may_be_allowed(project, allowed: str, code: int) -> None:
    rule = f"{{metric: exact_match, max_newly_failing: {allowed}}}"
    answers = {("candidate", 3): "--", **flips(range(40, 44), "baseline", "+-")}
    assert repeated(project, answers, samples=2, cases=44, thresholds=(rule,)).run().code == code


@pytest.mark.parametrize("metric", ["token_f1", "bleu"])
def test_newly_failing_cases_of_what_is_not_pass_or_fail_are_refused(project, metric: str) -> None:
    rule = f"{{metric: {metric}, max_newly_failing: 0}}"
    ran = repeated(project, {}, metrics=f"[{metric}]", thresholds=(rule,)).run()
    assert ran.code == 2
    assert "needs a pass/fail metric" in ran.err


def test_a_repeat_that_is_not_recorded_is_a_miss_and_no_flaky_case(project) -> None:
    made = repeated(project, {})
    lines = made.tape.read_text(encoding="utf-8").splitlines(keepends=True)
    made.tape.write_text("".join(lines[:-1]), encoding="utf-8")
    ran = made.run("--json")
    assert (ran.code, ran.document["verdict"]) == (3, None)
    assert "c39" in ran.err


RANK = {"fail": 0, "inconclusive": 1, "pass": 2}


@pytest.mark.parametrize("rule", [COUNT_RULE, "{metric: exact_match, max_newly_failing: 8%}"])
@pytest.mark.parametrize("seed", range(2))
def test_a_better_candidate_never_does_worse_and_a_lost_answer_never_helps(project, rule: str, seed: int) -> None:
    dice = random.Random(seed)
    arms = {"baseline": 0.9, "candidate": 0.85}
    answers = {
        (arm, case): "".join("+" if dice.random() < chance else "-" for _ in range(3))
        for arm, chance in arms.items()
        for case in range(14)
    }

    def rank(changed: Mapping[tuple[str, int], str]) -> int:
        made = repeated(project, {**answers, **changed}, cases=14, thresholds=(rule, "{run: error_rate, max: 50%}"))
        return RANK[judged(made, "--fresh")["verdict"]]

    first = rank({})
    for _ in range(3):
        case, place = dice.randrange(14), dice.randrange(3)

        def changed(arm: str, sign: str, case: int = case, place: int = place) -> dict[tuple[str, int], str]:
            signs = answers[arm, case]
            return {(arm, case): signs[:place] + sign + signs[place + 1 :]}

        assert rank(changed("candidate", "+")) >= first
        assert rank(changed("candidate", "x")) <= first
        assert rank(changed("baseline", "x")) <= first


def test_failing_to_look_is_not_safe(project) -> None:
    """A lost answer of the candidate is a violation, one of the baseline is clean, also among repeats."""
    safety, rule = "[{blocklist: {terms: [idea]}}]", "{safety: any, max_increase: 0}"
    for answers, figures, verdict in (
        ({("candidate", 5): "++x"}, (0, 1, 1, 0), "fail"),
        ({("baseline", 5): "--x", ("candidate", 5): "++x"}, (1, 1, 0, 0), "pass"),
        ({("baseline", 5): "xxx", ("candidate", 5): "-++"}, (0, 1, 1, 0), "fail"),
        ({("baseline", 5): "xxx"}, (0, 0, 0, 0), "pass"),
        ({("baseline", 5): "xxx", ("candidate", 5): "xxx"}, (0, 1, 1, 0), "fail"),
    ):
        document = judged(repeated(project, answers, safety=safety, thresholds=(rule, BUDGET)), "--fresh")
        found = document["safety"]["blocklist"]
        assert tuple(found[name] for name in ("baseline", "candidate", "new", "fixed")) == figures
        assert document["verdict"] == verdict


def test_both_figures_are_told_where_answers_are_lost(project) -> None:
    answers = {
        **flips(range(4), "candidate", "xx"),
        **flips(range(4, 8), "baseline", "x+"),
        **flips(range(8, 12), "candidate", "+-"),
    }
    found = judged(repeated(project, answers, samples=2))["metrics"]["exact_match"]
    assert (found["baseline"], found["candidate"]) == (1.0, (40 - 4 - 2) / 40)
    assert found["answered"] == {"cases": 32, "baseline": 1.0, "candidate": 30 / 32}
    assert "answered" not in judged(repeated(project, {}, samples=2), "--fresh")["metrics"]["exact_match"]


def test_a_mock_asked_several_times_is_judged_like_any_other(project) -> None:
    mock = "samples: 3\n"
    made = project(
        cases=12, base=0, right=12, extra=mock, thresholds=(COUNT_RULE, "{metric: exact_match, min: 0, decide: estimate}")
    )
    ran = made.run("--mode", "mock", "--json")
    assert ran.document["verdict"] == "pass", ran.err
    assert ran.document["flaky"] == {"exact_match": {"ids": [], "total": 0}}
    assert ran.document["metrics"]["exact_match"]["repeats"] == 3
