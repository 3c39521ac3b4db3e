"""Whole runs of `evalgate plan`: what it forecasts, from what, and that it asks nobody and leaves nothing behind."""

from __future__ import annotations

import json
import socket

import pytest

from evalgate.cli.main import main
from evalgate.proxy.request import canonical_request, request_key

LOSS = "{metric: exact_match, max_regression: 0.05}"


def planned(made, *arguments):
    """The document of `evalgate plan`, and what was said."""
    ran = made.call("plan", str(made.config), "--json", *arguments)
    assert ran.code == 0, ran.err
    document = json.loads(ran.out, parse_constant=lambda name: pytest.fail(f"{name} in the document"))
    assert document["schema"] == "evalgate.plan_report/1"
    return document


def only(made, arm: str, count: int | None = None) -> None:
    """Keep the recorded answers of one variant alone, the first `count` of them."""
    lines = [json.dumps(made.line(arm, i)) for i in range(made.cases if count is None else count)]
    made.tape.write_text("".join(f"{line}\n" for line in lines), encoding="utf-8")


def repeated(made, samples: int, passes) -> None:
    """Record `samples` answers of the baseline to each case; `passes(case, sample)` says which are right."""
    lines = []
    for i in range(made.cases):
        for sample in range(samples):
            line = made.line("Sum:", i)
            messages = line["request"]["messages"]
            request = canonical_request(model="m", messages=messages, parameters={"temperature": 0}, sample=sample)
            line["response"]["text"] = str(i + 1) if passes(i, sample) else "no idea"
            lines.append(json.dumps({**line, "request": request, "key": request_key(request)}))
    made.tape.write_text("".join(f"{line}\n" for line in lines), encoding="utf-8")


def test_both_variants_recorded(project) -> None:
    made = project(thresholds=(LOSS,), base=30, right=34)
    document = planned(made)
    first = document["thresholds"][0]
    assert (first["n"], first["method"], first["expected"]) == (40, "Tango score", 0.0)
    assert first["spread"]["source"] == "measured"
    assert first["spread"]["value"] == pytest.approx(0.1**0.5)
    assert first["needed"] == {"0.8": 248, "0.9": 343}
    assert first["needed_by_test"] == {"0.8": 263, "0.9": 362}
    assert 0.1 < first["power"] < 0.3
    assert first["detectable"]["0.8"] == pytest.approx(2.4865 * (0.1 / 40) ** 0.5, rel=1e-3)
    assert document["calls"]["to_call"] == 0
    assert document["calls"]["recorded"] == document["calls"]["asked"] == 80
    assert [t["target"] for t in document["thresholds"]] == ["metric:exact_match", "run:error_rate", "run:cases"]


def test_only_the_baseline_recorded(project) -> None:
    made = project(thresholds=(LOSS,), metrics="[exact_match, token_f1]", base=30)
    only(made, "Sum:")
    document = planned(made)
    first = document["thresholds"][0]
    assert first["spread"]["source"] == "assumed"
    assert "assumed" in first["spread"]["words"]
    assert first["needed"] == {"0.8": 248, "0.9": 343}
    calls = document["calls"]
    assert (calls["asked"], calls["recorded"], calls["to_call"]) == (80, 40, 40)
    assert calls["completion_tokens"] is None
    assert calls["usd"] is None
    assert document["answered"] == {"baseline": 40, "candidate": 0}


def test_a_mean_of_the_baseline_alone(project) -> None:
    made = project(thresholds=("{metric: token_f1, max_regression: 0.1}",), metrics="[token_f1]", base=20)
    only(made, "Sum:")
    first = planned(made)["thresholds"][0]
    # with a correlation of one half a difference varies as much as one score
    assert first["spread"]["value"] == pytest.approx((0.25 * 40 / 39) ** 0.5)
    assert first["spread"]["source"] == "baseline"
    assert "correlation of 0.5" in first["spread"]["words"]


def test_nothing_recorded(project) -> None:
    made = project(thresholds=(LOSS, "{metric: latency_ms, max_regression: 5%}"), metrics="[exact_match, latency_ms]")
    made.tape.unlink()
    made.tape.parent.rmdir()
    document = planned(made)
    assert document["thresholds"][0]["needed"] == {"0.8": 248, "0.9": 343}
    assert document["thresholds"][1]["power"] is None
    assert "not planned" in document["thresholds"][1]["notes"][0]
    assert "everything rests on assumptions" in document["assumptions"][0]
    assert document["joint"]["left_out"] == ["metric:latency_ms max_regression 5%"]
    assert document["calls"]["to_call"] == 80


def test_repeats_tell_noise_from_cases(project) -> None:
    made = project(thresholds=("{metric: exact_match, max_regression: 0.1}",), extra="samples: 4\n")
    repeated(made, 4, lambda i, sample: (i + sample) % 2 == 0)
    first = planned(made)["thresholds"][0]
    assert first["spread"]["source"] == "repeats"
    assert "100% of the variance" in first["spread"]["words"]
    # half of four answers are right, whichever these are: 0.25 x 4 / 3 / 4 in each variant
    assert first["spread"]["value"] == pytest.approx((2 * 0.25 / 3) ** 0.5)
    repeated(made, 4, lambda i, sample: i % 3 == 0 or (i % 3 == 1 and sample % 2 == 0))
    first = planned(made)["thresholds"][0]
    assert first["spread"]["source"] == "repeats"
    assert "noise between repeats" in first["spread"]["words"]


def test_repeats_that_are_not_recorded_yet(project) -> None:
    made = project(thresholds=(LOSS,), extra="samples: 3\n", base=30, right=34)
    document = planned(made)
    assert "as if each case were asked once" in document["assumptions"][0]
    assert document["thresholds"][0]["spread"]["source"] == "measured"
    assert document["answered"] == {"baseline": 0, "candidate": 0}
    assert (document["calls"]["asked"], document["calls"]["recorded"], document["calls"]["to_call"]) == (240, 80, 160)
    ran = made.call("plan", str(made.config), "--a-a")
    assert ran.code == 3


def test_slices_each_for_itself(project) -> None:
    rule = "{metric: exact_match, min_improvement: 0.05, slice: each}"
    document = planned(project(thresholds=(rule,)), "--expect", "exact_match=0.4")
    found = document["thresholds"][:2]
    assert [(t["slice"], t["n"]) for t in found] == [("level=even", 20), ("level=odd", 20)]
    assert all("Holm" in " ".join(t["notes"]) for t in found)
    assert all(0.5 < t["power"] < 1 for t in found)


@pytest.mark.parametrize(
    ("threshold", "said"),
    [
        ("{metric: exact_match, max_regression: 0}", "no number of cases would change that"),
        ("{metric: exact_match, min_improvement: 0.6}", "the best possible improvement is 0.5"),
        ("{metric: exact_match, min_improvement: 110%}", "the best possible improvement is 100 %"),
        ("{metric: exact_match, min: 0.95}", "a candidate as good as the baseline (0.5) passes with a chance of 0.0%"),
        ("{metric: exact_match, min_improvement: 0.45}", "is needed for a chance of 80 %"),
        ("{metric: latency_ms.p95, max_regression: 10%}", "40 units are too few"),
        ("{safety: blocklist, max: 0}", "the baseline violates in 20 of 40 cases"),
        ("{run: cases, min: 100}", "the dataset has 40 cases"),
    ],
)
def test_what_cannot_be_met(project, threshold, said) -> None:
    made = project(
        thresholds=(threshold,), metrics="[exact_match, latency_ms]", safety="[{blocklist: {terms: [no idea]}}]", right=20,
        answers={("Add:", 0): "7"},
    )  # fmt: skip
    document = planned(made)
    found = document["cannot_be_met"]
    assert len(found) == 1
    assert said in found[0]["reason"]
    told = made.call("plan", str(made.config))
    assert "Cannot be met" in told.out
    assert told.code == 0


def test_an_allowance_that_chance_alone_uses_up(project) -> None:
    made = project(thresholds=("{metric: exact_match, max_newly_failing: 0}",), cases=80, base=40)
    only(made, "Sum:")
    found = planned(made)["cannot_be_met"]
    assert "passes with a chance of 1.7%; allow 6 cases at least" in found[0]["reason"]


def test_expectations_change_the_forecast(project) -> None:
    made = project()
    nothing = planned(made)
    assert nothing["thresholds"][0]["power"] is None
    assert nothing["joint"]["left_out"] == ["metric:exact_match min_improvement 0.05"]
    assert nothing["thresholds"][0]["passes_from"]["0.8"] > 0.05
    hoped = planned(made, "--expect", "exact_match=40%")
    assert hoped["thresholds"][0]["expected"] == pytest.approx(0.2)
    assert 0 < hoped["thresholds"][0]["power"] < 1
    assert hoped["joint"]["left_out"] == []
    assert hoped["joint"]["power"] == pytest.approx(hoped["thresholds"][0]["power"], abs=0.01)
    feared = planned(made, "--expect", "exact_match=-0.1")
    assert feared["cannot_be_met"][0]["reason"].startswith("a candidate with a true improvement of -0.1")


def test_thresholds_that_move_together_are_not_multiplied(project) -> None:
    twice = ("{metric: exact_match, max_regression: 0.1}", "{metric: token_f1, max_regression: 0.1}")
    document = planned(project(thresholds=twice, metrics="[exact_match, token_f1]", base=30, right=32))
    powers = [t["power"] for t in document["thresholds"][:2]]
    assert document["joint"]["power"] == pytest.approx(min(powers), abs=0.02)
    assert document["joint"]["power"] > powers[0] * powers[1]


@pytest.mark.parametrize(
    ("arguments", "code", "said"),
    [
        (("--expect", "exact=1"), 2, "did you mean exact_match?"),
        (("--expect", "exact_match"), 2, "has no amount"),
        (("--expect", "exact_match=lots"), 2, "a number or a percentage"),
        (("--expect", "exact_match=inf"), 2, "finite"),
        (("--expect", "exact_match=1", "--expect", "exact_match=2"), 2, "expected twice"),
        (("--arms", "swap"), 2, "add --a-a"),
        (("--a-a", "--arms", "repeats"), 2, "has no repeats"),
        (("--a-a", "--arms", "halves"), 2, "invalid choice"),
        (("--a-a", "--replicates", "0"), 2, "a whole number"),
    ],
)
def test_refusals(project, arguments, code, said) -> None:
    made = project()
    ran = made.call("plan", str(made.config), *arguments)
    assert (ran.code, ran.out) == (code, "")
    assert said in ran.err
    assert made.written() == []


def test_a_wrong_configuration_is_exit_2(project) -> None:
    made = project(thresholds=("{metric: exact_match, max_regresion: 1}",))
    ran = made.call("plan", str(made.config))
    assert ran.code == 2
    assert "max_regression" in ran.err
    assert made.call("plan", "nowhere.yaml").code == 2


def test_a_damaged_recording_is_exit_2(project) -> None:
    made = project()
    made.tape.write_text(made.tape.read_text(encoding="utf-8").replace('"text"', '"txt"', 1), encoding="utf-8")
    assert made.call("plan", str(made.config)).code == 2


@pytest.mark.parametrize(("arms", "kept"), [("split", "Add:"), ("swap", "Sum:")])
def test_trials_without_their_answers_are_exit_3(project, arms, kept) -> None:
    made = project()
    only(made, kept)
    ran = made.call("plan", str(made.config), "--a-a", "--arms", arms)
    assert ran.code == 3
    assert "--mode record" in ran.err


def test_counts_say_nothing_between_different_cases(project) -> None:
    made = project(thresholds=("{metric: exact_match, max_newly_failing: 3}",))
    ran = made.call("plan", str(made.config), "--a-a")
    assert ran.code == 2
    assert "count of cases" in ran.err


def test_a_claim_of_improvement_hardly_passes_where_nothing_differs(project) -> None:
    rules = ("{metric: exact_match, min_improvement: 0.0}", LOSS, "{safety: any, max_increase: 0}")
    made = project(thresholds=rules, safety="[{blocklist: {terms: [no idea]}}]")
    trials = planned(made, "--a-a", "--arms", "swap", "--replicates", "60")["trials"]
    assert trials["replicates"] == 60
    assert sum(trials[word]["count"] for word in ("passed", "failed", "inconclusive")) == 60
    claim, loss, safety, *_ = trials["thresholds"]
    assert (claim["false_decision"], loss["false_decision"]) == ("pass", "fail")
    assert claim["false_alarms"]["low"] <= 0.05
    assert claim["false_alarms"]["count"] == claim["passed"]
    assert loss["false_alarms"]["low"] <= 0.05
    # half of the time the swapped labels make more violations than there were: a count rule without slack is a coin
    assert 0.3 < safety["failed"] / 60 < 0.6
    assert planned(made, "--a-a", "--arms", "swap", "--replicates", "60")["trials"] == trials


def test_repeats_measure_false_alarms_of_a_count_rule(project) -> None:
    made = project(thresholds=("{metric: exact_match, max_newly_failing: 0}",), extra="samples: 2\n")
    repeated(made, 2, lambda i, sample: i < 20 or (i < 30 and sample == 0))
    document = planned(made, "--a-a", "--replicates", "50")
    trials = document["trials"]
    assert trials["arms"] == "repeats"
    assert trials["thresholds"][0]["failed"] > 45, "ten cases that pass at one time and fail at another are newly failing"
    assert trials["failed"]["count"] == trials["thresholds"][0]["failed"]
    repeated(made, 2, lambda i, sample: i < 20)
    steady = planned(made, "--a-a", "--replicates", "50")["trials"]
    assert (steady["thresholds"][0]["failed"], steady["passed"]["count"]) == (0, 50)


def test_split_pairs_within_slices(project) -> None:
    rule = "{metric: exact_match, max_regression: 0.3, slice: {level: odd}}"
    document = planned(project(thresholds=(rule, LOSS)), "--a-a", "--replicates", "20")
    trials = document["trials"]
    assert trials["arms"] == "split"
    assert [t["name"] for t in trials["thresholds"][:2]] == [
        "metric:exact_match max_regression 0.3 [level=odd]", "metric:exact_match max_regression 0.05",
    ]  # fmt: skip
    assert trials["thresholds"][0]["false_alarms"]["low"] <= 0.05


def test_nothing_is_asked_and_nothing_is_written(project, monkeypatch: pytest.MonkeyPatch) -> None:
    def refused(*_: object) -> None:
        raise AssertionError("a socket was opened")

    monkeypatch.setattr(socket, "socket", refused)
    made = project()
    only(made, "Sum:", 35)
    before = sorted((str(p), p.stat().st_mtime_ns) for p in made.root.rglob("*"))
    document = planned(made, "--a-a", "--replicates", "3")
    assert document["answered"] == {"baseline": 35, "candidate": 0}
    assert document["trials"]["cases"] == 35
    assert sorted((str(p), p.stat().st_mtime_ns) for p in made.root.rglob("*")) == before


def test_cost_of_what_is_missing(project) -> None:
    made = project()
    text = made.config.read_text(encoding="utf-8")
    priced = text.replace("name: m, ", "name: m, price: {input: 1.0, output: 2.0}, ")
    made.config.write_text(priced.replace("recording: sums}", "recording: sums, budget: {calls: 5}}"), encoding="utf-8")
    only(made, "Sum:", 30)
    lines = made.tape.read_text(encoding="utf-8") + "".join(json.dumps(made.line("Add:", i)) + "\n" for i in range(10))
    made.tape.write_text(lines, encoding="utf-8")
    calls = planned(made)["calls"]
    assert (calls["to_call"], calls["prompt_tokens"], calls["completion_tokens"]) == (40, 200, 40)
    assert calls["usd"] == pytest.approx((200 * 1.0 + 40 * 2.0) / 1e6)
    assert calls["recorded_usd"] == pytest.approx((200 * 1.0 + 40 * 2.0) / 1e6)
    assert calls["over_budget"] == ["calls: 40 of 5"]
    assert "more than proxy.budget allows" in made.call("plan", str(made.config)).out


def test_a_recorded_error_is_no_answer(project) -> None:
    made = project(thresholds=(LOSS,))
    lines = made.tape.read_text(encoding="utf-8").splitlines()
    lost = {**json.loads(lines[0]), "response": {"status": "error", "error": "500"}}
    made.tape.write_text("\n".join([json.dumps(lost), *lines[1:]]) + "\n", encoding="utf-8")
    document = planned(made)
    assert document["answered"] == {"baseline": 39, "candidate": 40}
    assert (document["calls"]["recorded"], document["calls"]["to_call"], document["calls"]["errors"]) == (79, 1, 1)
    assert document["thresholds"][0]["n"] == 40
    assert document["thresholds"][0]["spread"]["units"] == 39
    assert "1 recorded error among them" in made.call("plan", str(made.config)).out


def test_the_tables_say_what_matters(project) -> None:
    rules = (LOSS, "{metric: exact_match, min_improvement: 0.1}", "{safety: any, max_increase: 0}")
    made = project(thresholds=rules, safety="[{blocklist: {terms: [guaranteed]}}]", base=30, right=34)
    ran = made.call("plan", str(made.config), "--a-a", "--arms", "swap", "--replicates", "10")
    assert ran.code == 0
    assert "running the gate 10 times" in ran.err
    said = " ".join(ran.out.split())
    for part in (
        "measured: 4 of 40 cases pass in one variant only", "248 / 343", "by the gate's own test 263 / 362 cases are needed",
        "passes with power 0.8 / 0.9 from a true value of 0.2243", "0 of n shows at most", "7.2 %", "161 / 230",
        "4 of 5 blocking thresholds together", "left out", "--expect METRIC=AMOUNT", "80 answers, 80 of them recorded",
        "The gate on the baseline against itself (swap, 40 cases, 10 times)", "false alarms (95 % interval)",
    ):  # fmt: skip
        assert part in said.replace("\u00a0", " "), part
    assert "\x1b" not in ran.out


def test_hostile_slices_stay_text(project) -> None:
    hostile = "\x1b[2J\u202e ::set-output"
    made = project(thresholds=("{metric: exact_match, max_regression: 0.1, slice: each}",))
    data = made.data.read_text(encoding="utf-8").replace('"odd"', json.dumps(hostile))
    made.data.write_text(data, encoding="utf-8")
    ran = made.call("plan", str(made.config))
    assert ran.code == 0
    assert "\x1b" not in ran.out
    assert "\u202e" not in ran.out


@pytest.mark.parametrize("name", ["product-recommendations", "support-extraction", "help-bot", "short-answers"])
def test_shipped_gates_can_be_planned(repository, capsys: pytest.CaptureFixture[str], name) -> None:
    config = str(repository / "configs" / f"{name}.yaml")
    assert main(["plan", config, "--json", "--quiet"]) == 0
    document = json.loads(capsys.readouterr().out)
    assert document["calls"]["to_call"] == 0
    assert document["joint"]["power"] is not None
    assert all(t["power"] is None or 0 <= t["power"] <= 1 for t in document["thresholds"])


def test_groups_are_swapped_whole_and_not_split(repository, capsys: pytest.CaptureFixture[str]) -> None:
    config = str(repository / "configs" / "short-answers.yaml")
    assert main(["plan", config, "--a-a", "--arms", "split"]) == 2
    assert "cases in groups" in capsys.readouterr().err
    assert main(["plan", config, "--json", "--quiet", "--a-a", "--arms", "swap", "--replicates", "2"]) == 0
    assert json.loads(capsys.readouterr().out)["trials"]["cases"] == 102


def test_quiet_says_nothing_beside_the_document(project) -> None:
    made = project()
    assert made.call("plan", str(made.config), "--quiet").out == ""
    ran = made.call("plan", str(made.config), "--quiet", "--json", "--a-a", "--replicates", "2")
    assert ran.err == ""
    assert json.loads(ran.out)["gate"] == "sums"
