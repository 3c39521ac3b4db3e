"""What a policy decides, rule by rule; signatures are taken for verified here."""

from __future__ import annotations

import itertools
from collections.abc import Mapping
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from evalgate.core.canonical import digest
from evalgate.core.errors import BadInput
from evalgate.core.policy import ApprovalRule, Check, DatasetPin, JudgePin, Mark, ModelPin, Policy, PolicyReport, Tier, TrustedKey
from evalgate.core.settings import Bound, Decide, Level, PluginChoice, SliceChoice, TargetKind, Threshold
from evalgate.core.values import Severity
from evalgate.evidence.demands import is_at_least_as_strict
from evalgate.evidence.policy_rules import (
    CLOCK_SKEW,
    Presented,
    SignedApproval,
    SignedAttestation,
    decide,
    same_person,
    tier_for,
    unmet_roles,
)
from evalgate.evidence.statements import Approved, Attested, RunFacts

NOW = datetime(2026, 11, 25, 12, 0, tzinfo=UTC)
ROOT, PROMPT, FILE = f"sha256:{'1' * 64}", f"sha256:{'2' * 64}", "3" * 64
CI = TrustedKey("c" * 64, "ci", ("gate",), "ci.pem")
ANA = TrustedKey("a" * 64, "Ana Lima", ("owner",), "ana.pem")
BORIS = TrustedKey("b" * 64, "Boris", ("risk",), "boris.pem")
CARLA = TrustedKey("d" * 64, "Carla", ("owner", "risk"), "carla.pem")
PLANNED = {
    "target": "safety:pii", "bound": "max", "value": 0.0, "text": "0", "relative": False, "slice": None, "level": "block",
    "decide": "interval", "implicit": False,
}  # fmt: skip
RESULT = {
    "target": "safety:pii",
    "bound": "max",
    "value": "0",
    "slice": None,
    "severity": None,
    "verdict": "pass",
    "level": "block",
    "decide": "interval",
}
PLAN: Mapping[str, Any] = {
    "confidence": 0.95,
    "dataset": {"name": "shop", "version": "1", "digest": f"sha256:{'4' * 64}"},
    "thresholds": [PLANNED],
    "safety": [{"category": "pii", "plugin": "pii", "parameters": {}}],
    "metrics": [],
    "percentiles": [],
    "slices": ["language"],
}
MODEL: Mapping[str, Any] = {"alias": "shop", "provider": "openai", "name": "m", "endpoint": "chat/completions"}
ARM: Mapping[str, Any] = {"prompt": "p@1", "prompt_digest": f"sha256:{'5' * 64}", "model": MODEL, "parameters": {"seed": 7}}
PINNED: Mapping[str, Any] = {**PLAN, "variants": {"baseline": ARM, "candidate": ARM}, "seed": 0, "resamples": None}
FACTS = RunFacts(
    "shop", "0" * 12, ROOT, "pass", "replay", "0.1.0", "p@2", PROMPT, PLAN, {"thresholds": [RESULT]}, {"dataset card:shop@1": "card"}, {},
    times=(NOW - timedelta(hours=4), NOW - timedelta(hours=3)), day=(NOW - timedelta(hours=4)).date(),
)  # fmt: skip
ATTESTED = Attested(FILE, "PASSED", "shop", "0" * 12, ROOT, "pass", PROMPT, NOW - timedelta(hours=2), ("Dora",), digest({}))
RULE = ApprovalRule(2, ("owner", "risk"), max_age=timedelta(days=7))
TIER = Tier("high", RULE)


def approval(key: TrustedKey, role: str, **changes: Any) -> SignedApproval:
    said = Approved(FILE, "shop", "0" * 12, ROOT, "pass", PROMPT, NOW - timedelta(hours=1), role, "read them", None, digest({}))
    return SignedApproval(f"{role}-{key.name}", replace(said, **changes), (key,))


KNOWN = ("ci", "Ana Lima", "Boris", "Carla", "Dora")
BOTH = (approval(ANA, "owner"), approval(BORIS, "risk"))


def presented(**changes: Any) -> Presented:
    return replace(Presented(FACTS, FILE, SignedAttestation(ATTESTED, (CI,)), BOTH, NOW, KNOWN), **changes)


def attested(**changes: Any) -> Presented:
    return presented(attestation=SignedAttestation(replace(ATTESTED, **changes), (CI,)))


def with_plan(**changes: Any) -> Presented:
    return presented(facts=replace(FACTS, plan={**PLAN, **changes}))


def denied(case: Presented, tier: Tier = TIER) -> dict[str, str]:
    """What is denied, by name."""
    checks = tuple(decide(tier, case))
    report = PolicyReport("p", "", tier.name, "shop", "", "", "", checks)
    assert report.allowed is (not report.denials)
    return {one.name: one.said for one in report.denials}


def test_everything_in_order_is_allowed() -> None:
    assert denied(presented()) == {}
    assert denied(presented(), replace(TIER, approvals=ApprovalRule(0))) == {}


def test_no_demand_at_all_is_no_permission() -> None:
    assert not PolicyReport("p", "", None, "", "", "", "", ()).allowed
    assert not PolicyReport("p", "", None, "", "", "", "", (Check("a", Mark.NOTED, ""),)).allowed


@pytest.mark.parametrize(
    ("case", "name", "said"),
    [
        (presented(attestation=SignedAttestation(None, fault="no file")), "attestation", "no file"),
        (presented(attestation=SignedAttestation(None)), "attestation", "there is none"),
        (presented(attestation=SignedAttestation(ATTESTED, (ANA,))), "attestation", "Ana Lima, who is not gate"),
        (presented(attestation=SignedAttestation(ATTESTED, ())), "attestation", "who is not gate"),
        (attested(root=f"sha256:{'9' * 64}"), "statement", "root differ"),
        (attested(gate="other"), "statement", "gate differ"),
        (presented(facts=replace(FACTS, products={"report.html": ROOT})), "statement", "files of the run differ"),
        (attested(run_id="1" * 12), "statement", "run differ"),
        (attested(verdict="inconclusive"), "statement", "verdict differ"),
        (attested(prompt_digest=f"sha256:{'9' * 64}"), "statement", "prompt differ"),
        (presented(sha256="9" * 64), "subject", "the file to deploy is sha256:999999999999…"),
        (attested(sha256="9" * 64), "subject", "the attested one sha256:999999999999…"),
        (attested(time=NOW + CLOCK_SKEW + timedelta(seconds=1)), "age", "dated in the future"),
        (attested(time=NOW - timedelta(days=31)), "age", "has expired"),
        (attested(authors=()), "author", "names no author"),
        (presented(facts=replace(FACTS, verdict="fail")), "verdict", "accepted: pass"),
        (presented(facts=replace(FACTS, verdict="inconclusive")), "verdict", "accepted: pass"),
        (presented(facts=replace(FACTS, mode="live")), "evidence", "accepted: replay"),
        (presented(facts=replace(FACTS, mode="mock")), "evidence", "accepted: replay"),
        (with_plan(confidence=0.9499), "confidence", "at least 0.95"),
        (presented(facts=replace(FACTS, engine="0.2.0")), "engine", "made by evalgate 0.2.0"),
        (with_plan(dataset={"name": "shop", "version": "2", "digest": ""}), "dataset", "judged on shop@2"),
        (with_plan(dataset={**PLAN["dataset"], "digest": "sha256:0"}), "dataset", "shop@1 is sha256:0"),
        (presented(facts=replace(FACTS, materials={"dataset card:shop@1": "other"})), "dataset", "the card of shop@1 is other"),
        (presented(facts=replace(FACTS, materials={})), "dataset", "the card of shop@1 is not known"),
        (with_plan(thresholds=[]), "threshold safety:pii max 0", "no such threshold"),
        (with_plan(thresholds=[{**PLANNED, "value": 1.0, "text": "1"}]), "threshold safety:pii max 0", "not at least as strict"),
        (with_plan(thresholds=[{**PLANNED, "level": "warn"}]), "threshold safety:pii max 0", "only warns"),
        (with_plan(safety=[]), "detector pii", "does not run it"),
        (with_plan(safety=[{"category": "pii", "plugin": "pii", "parameters": {"allow": ["/.*/"]}}]), "detector pii", "other parameters"),
        (with_plan(safety=[{"category": "pii", "plugin": "pii", "parameters": {"region": "us"}}]), "detector pii", "other"),
    ],
)  # fmt: skip
def test_each_demand_is_denied_by_its_name(case: Presented, name: str, said: str) -> None:
    tier = replace(
        TIER,
        max_age=timedelta(days=30),
        engines=("0.1.0",),
        datasets={"shop@1": DatasetPin(f"sha256:{'4' * 64}", "card")},
        thresholds=(threshold(),),
        detectors=(PluginChoice("pii"),),
    )
    assert denied(presented(), tier) == {}
    found = denied(case, tier)
    assert said in found.get(name, ""), found


def test_a_name_with_another_cut_than_its_parameter_protects_nothing() -> None:
    asked = threshold(kind=TargetKind.METRIC, name="ndcg@5", bound=Bound.MIN)
    metric = {"name": "ndcg@5", "plugin": "ndcg", "parameters": {"k": 1}, "reference": None}
    case = with_plan(thresholds=[{**PLANNED, "target": "metric:ndcg@5", "bound": "min"}], metrics=[metric])
    assert "what the gate calls ndcg@5 is ndcg" in str(denied(case, replace(TIER, thresholds=(asked,))))
    assert "other parameters" in str(denied(case, replace(TIER, metrics=(PluginChoice("ndcg", {"as": "ndcg@5", "k": 5}),))))


def test_a_demand_is_about_the_entry_that_carries_the_name() -> None:
    strict = {"name": "em", "plugin": "exact_match", "parameters": {"normalize": "none"}, "reference": None}
    loose = {"name": "exact_match", "plugin": "exact_match", "parameters": {"normalize": "squad"}, "reference": None}
    tier = replace(TIER, metrics=(PluginChoice("exact_match", {"normalize": "none"}),))
    assert "other parameters" in denied(with_plan(metrics=[strict, loose]), tier)["metric exact_match"]
    assert "only as em" in denied(with_plan(metrics=[strict]), tier)["metric exact_match"]
    assert denied(with_plan(metrics=[{**loose, "parameters": {"normalize": "none"}}]), tier) == {}


@pytest.mark.parametrize(
    ("asked", "slices", "said"),
    [
        (SliceChoice("language", "de"), {"language=de": "pass", "language=en": "fail"}, ""),
        (SliceChoice("language", "de"), {"language=en": "pass"}, "no result"),
        (SliceChoice("language", "de"), {"language=de": "fail", "language=en": "pass"}, "fail"),
        (SliceChoice("language"), {"language=en": "pass"}, ""),
        (SliceChoice("language"), {"level=1": "pass"}, "no result"),
        (SliceChoice("level"), {"language=en": "pass"}, "no result"),
        (SliceChoice(), {"language=en": "pass"}, ""),
        (SliceChoice(), {"level=1": "pass"}, "no result"),
        (SliceChoice(), {}, "no result"),
    ],
)
def test_a_slice_needs_its_own_result(asked: SliceChoice, slices: dict[str, str], said: str) -> None:
    results = [{**RESULT, "slice": where, "verdict": verdict} for where, verdict in slices.items()]
    plan = {**PLAN, "thresholds": [{**PLANNED, "slice": {"column": None, "value": None}}]}
    case = presented(facts=replace(FACTS, plan=plan, document={"thresholds": results}))
    found = denied(case, replace(TIER, thresholds=(threshold(slice=asked),)))
    assert said in str(found)
    assert bool(found) is bool(said)


@pytest.mark.parametrize("verdict", ["fail", "inconclusive"])
def test_a_protected_threshold_must_have_passed_even_where_the_verdict_is_accepted(verdict: str) -> None:
    tier = replace(TIER, verdicts=("pass", "inconclusive"), thresholds=(threshold(),))
    case = presented(facts=replace(FACTS, document={"thresholds": [{**RESULT, "verdict": verdict}]}))
    assert denied(case, tier) == {"threshold safety:pii max 0": f"safety:pii max 0: {verdict}"}
    assert "no result" in denied(presented(facts=replace(FACTS, document={"thresholds": []})), tier)["threshold safety:pii max 0"]


HIDING: Mapping[str, Any] = {
    "name": "exact_match",
    "plugin": "contains",
    "parameters": {"ignore_case": True},
    "reference": "hint",
}


@pytest.mark.parametrize(
    ("metrics", "said"),
    [
        ((), "what the gate calls exact_match is contains"),
        ((PluginChoice("contains"),), "what the gate calls exact_match is contains"),
        ((PluginChoice("contains", {"as": "other"}),), "what the gate calls exact_match is contains"),
        ((PluginChoice("contains", {"as": "exact_match"}),), "what the gate calls exact_match is contains"),
        ((PluginChoice("contains", {"as": "exact_match", "reference": "hint", "ignore_case": True}),), ""),
        ((PluginChoice("contains", {"as": "exact_match", "reference": "answer"}),), "other parameters"),
        ((PluginChoice("contains", {"as": "exact_match", "ignore_case": 1}),), "other parameters"),
        ((PluginChoice("exact_match"),), "the gate does not run it"),
    ],
)
@pytest.mark.parametrize("percentile", [False, True])
def test_a_metric_under_the_name_of_another_protects_nothing(
    metrics: tuple[PluginChoice, ...], said: str, percentile: bool
) -> None:
    name = "exact_match.p95" if percentile else "exact_match"
    asked = threshold(kind=TargetKind.METRIC, name=name, bound=Bound.MIN, value=0.8, text="0.8")
    planned = {**PLANNED, "target": f"metric:{name}", "bound": "min", "value": 0.9, "text": "0.9"}
    result = {**RESULT, "target": f"metric:{name}", "bound": "min", "value": "0.9"}
    percentiles = [{"name": name, "metric": "exact_match", "share": 0.95}] if percentile else []
    plan = {**PLAN, "thresholds": [planned], "metrics": [HIDING], "percentiles": percentiles}
    case = presented(facts=replace(FACTS, plan=plan, document={"thresholds": [result]}))
    found = denied(case, replace(TIER, thresholds=(asked,), metrics=metrics))
    assert said in "\n".join(found.values())
    assert bool(found) is bool(said)


@pytest.mark.parametrize("name", ["ndcg@5", "rougeL"])
def test_metrics_under_their_own_names_are_what_they_say(name: str) -> None:
    asked = threshold(kind=TargetKind.METRIC, name=name, bound=Bound.MIN)
    metric = {"name": name, "plugin": name.partition("@")[0], "parameters": {"k": 5} if "@" in name else {}, "reference": None}
    plan = {**PLAN, "thresholds": [{**PLANNED, "target": f"metric:{name}", "bound": "min"}], "metrics": [metric]}
    result = {**RESULT, "target": f"metric:{name}", "bound": "min"}
    case = presented(facts=replace(FACTS, plan=plan, document={"thresholds": [result]}))
    assert denied(case, replace(TIER, thresholds=(asked,))) == {}


@pytest.mark.parametrize(
    ("detectors", "said"),
    [
        ((), "what the gate calls pii is pattern"),
        ((PluginChoice("pii"),), "what the gate calls pii is pattern"),
        ((PluginChoice("pattern", {"category": "pii"}),), "other parameters"),
        ((PluginChoice("pattern", {"category": "pii", "pattern": "x"}),), "other parameters"),
        ((PluginChoice("pattern", {"category": "pii", "pattern": "never"}),), ""),
    ],
)
def test_a_detector_under_the_name_of_another_protects_nothing(detectors: tuple[PluginChoice, ...], said: str) -> None:
    hiding = {"category": "pii", "plugin": "pattern", "parameters": {"category": "pii", "pattern": "never"}}
    found = denied(with_plan(safety=[hiding]), replace(TIER, thresholds=(threshold(),), detectors=detectors))
    assert said in "\n".join(found.values())
    assert bool(found) is bool(said)
    assert "detector pii" in denied(with_plan(safety=[hiding]), replace(TIER, detectors=(PluginChoice("pii"),)))


MEANT = replace(
    TIER,
    baselines=(f"sha256:{'5' * 64}",),
    models=(ModelPin("openai", "other"), ModelPin("openai", "m", {"seed": 7})),
    judges=(JudgePin("tone", f"sha256:{'5' * 64}"), JudgePin("tone", f"sha256:{'7' * 64}"), JudgePin("metric help", ROOT)),
    seeds=(0, 3),
    resamples=10_000,
)


def pinned(**changes: Any) -> Presented:
    return presented(facts=replace(FACTS, plan={**PINNED, **changes}, resamples=10_000))


def arms(arm: str, **changes: Any) -> Presented:
    return pinned(variants={**PINNED["variants"], arm: {**ARM, **changes}})


@pytest.mark.parametrize(
    ("case", "name", "said"),
    [
        (arms("baseline", prompt_digest=f"sha256:{'6' * 64}"), "baseline", "compared with p@1, sha256:6"),
        (arms("baseline", prompt_digest=None), "baseline", "no prompt is known"),
        (arms("baseline", parameters={"seed": 7, "max_tokens": 1}), "model of the baseline", '"max_tokens":1'),
        (arms("baseline", parameters={}), "model of the baseline", "is none that the policy names"),
        (arms("baseline", parameters={"seed": True}), "model of the baseline", '"seed":true'),
        (arms("baseline", model={**MODEL, "name": "weak"}), "model of the baseline", '"name":"weak"'),
        (arms("baseline", model={**MODEL, "provider": "python"}), "model of the baseline", "python"),
        (arms("baseline", model={**MODEL, "endpoint": "responses"}), "model of the baseline", '"endpoint":"responses"'),
        (arms("baseline", model=None), "model of the baseline", "no model is known"),
        (arms("candidate", model={**MODEL, "name": "strong"}), "model of the candidate", '"name":"strong"'),
        (pinned(judges={"tone": {**ARM, "model": {**MODEL, "name": "kind"}}}), "model of the judge tone", '"name":"kind"'),
        (pinned(judges={"tone": {**ARM, "prompt_digest": ROOT}}), "prompt of the judge tone", f"p@1, {ROOT}; accepted: sha256:5"),
        (pinned(judges={"tone": {**ARM, "prompt_digest": None}}), "prompt of the judge tone", "None; accepted"),
        (pinned(judges={"help": ARM}), "prompt of the judge help", "the policy names no such judge"),
        (
            pinned(judges={"tone": ARM, "metric help": ARM}),
            "prompt of the judge metric help",
            f'"prompt":"{ARM["prompt_digest"]}"',
        ),
        (pinned(seed=1), "seed", "the seed is 1; accepted: 0, 3"),
        (presented(facts=replace(FACTS, plan=PINNED, resamples=9_999)), "resamples", "9999 resamples"),
    ],
)
def test_what_a_candidate_is_compared_with_is_asked(case: Presented, name: str, said: str) -> None:
    assert denied(pinned(), MEANT) == {}
    assert denied(pinned(seed=3, judges={"tone": ARM}), MEANT) == {}
    assert denied(pinned(judges={"tone": {**ARM, "prompt_digest": f"sha256:{'7' * 64}"}}), MEANT) == {}
    assert denied(arms("candidate", prompt_digest="sha256:new"), MEANT) == {}
    found = denied(case, MEANT)
    assert list(found) == [name]
    assert said in found[name]
    assert denied(case) == {}, "only what a tier says"


@pytest.mark.parametrize("missing", ["variants", "seed"])
def test_a_plan_that_does_not_say_what_was_compared_is_not_accepted(missing: str) -> None:
    plan = {name: value for name, value in PINNED.items() if name != missing}
    with pytest.raises(KeyError):
        denied(presented(facts=replace(FACTS, plan=plan, resamples=10_000)), MEANT)


@pytest.mark.parametrize("where", ["run", "attestation", "deployment"])
def test_a_used_waiver_has_to_hold_when_it_was_judged_when_it_was_attested_and_today(where: str) -> None:
    """Whichever of the three is the latest: a clock that was set back revives no waiver."""
    used = {"category": "pii", "owner": "ana", "expires": "2026-11-20", "findings": 2}
    days = dict.fromkeys(("run", "attestation", "deployment"), datetime(2026, 11, 20, 12, tzinfo=UTC))
    tier = replace(TIER, waivers=True, approvals=ApprovalRule(0))

    def asked() -> dict[str, str]:
        facts = replace(
            FACTS,
            document={"thresholds": [], "waivers": {"list": [used]}},
            times=(days["run"], days["run"]),
            day=days["run"].date(),
        )
        case = attested(time=days["attestation"])
        return denied(replace(case, facts=facts, now=days["deployment"], approvals=()), tier)

    assert asked() == {}
    days[where] += timedelta(days=1)
    assert "expired on 2026-11-20" in asked()["waivers in force"]


@pytest.mark.parametrize(
    ("times", "day", "said"),
    [
        (None, None, "does not say when the run was made"),
        ((NOW - timedelta(hours=3), NOW - timedelta(hours=4)), None, "before that"),
        ((NOW - timedelta(hours=4), NOW - timedelta(hours=2) + CLOCK_SKEW + timedelta(seconds=1)), None, "after it was attested"),
        ((NOW - timedelta(hours=4), NOW - timedelta(hours=3)), NOW.date() + timedelta(days=1), "the waivers were judged on"),
    ],
)
def test_times_of_a_run_that_cannot_be_are_denied(times: Any, day: Any, said: str) -> None:
    assert said in denied(presented(facts=replace(FACTS, times=times, day=day)))["run time"]


def test_clocks_of_two_machines_may_differ_a_little() -> None:
    late = NOW - timedelta(hours=2) + CLOCK_SKEW
    assert denied(presented(facts=replace(FACTS, times=(late, late)))) == {}


def test_waived_findings_need_a_policy_that_accepts_them() -> None:
    lasting = {"category": "pii", "owner": "ana", "expires": "2026-11-25", "findings": 2}
    waived = replace(FACTS, document={"thresholds": [], "waivers": {"list": [{"findings": 0}, lasting]}})
    assert "2 findings are waived" in denied(presented(facts=waived))["waivers"]
    assert denied(presented(facts=waived), replace(TIER, waivers=True)) == {}
    assert denied(presented(facts=waived, now=NOW + timedelta(hours=11, minutes=59)), replace(TIER, waivers=True)) == {}
    after = presented(facts=waived, now=NOW + timedelta(hours=12))
    assert denied(after, replace(TIER, waivers=True)) == {
        "waivers in force": "the waiver of pii by ana expired on 2026-11-25: look at the findings again, and run the gate"
    }
    undated = {"waivers in force": "run.json does not say on which day the waivers were judged"}
    assert denied(presented(facts=replace(waived, day=None)), replace(TIER, waivers=True)) == undated
    unused = replace(FACTS, document={"thresholds": [], "waivers": {"list": [{"findings": 0}]}})
    assert denied(replace(after, facts=unused), replace(TIER, waivers=True)) == {}
    assert denied(presented(facts=unused)) == {}


@pytest.mark.parametrize(
    ("approvals", "said"),
    [
        ((), "as owner, risk"),
        (BOTH[:1], "as risk"),
        (BOTH[1:], "as owner"),
        ((BOTH[0], BOTH[0], BOTH[0]), "as risk"),
        ((approval(CARLA, "owner"), approval(CARLA, "risk")), "as risk"),
        ((BOTH[0], approval(BORIS, "owner")), "as risk"),
        ((BOTH[0], approval(ANA, "risk")), "as risk"),
        ((BOTH[0], approval(CI, "risk")), "as risk"),
        ((BOTH[0], approval(BORIS, "risk", by="Ana Lima")), "as risk"),
        ((BOTH[0], approval(BORIS, "risk", time=NOW - timedelta(days=7, seconds=1))), "as risk"),
        ((BOTH[0], approval(BORIS, "risk", time=NOW + timedelta(minutes=6))), "as risk"),
        ((BOTH[0], replace(BOTH[1], keys=())), "as risk"),
        ((BOTH[0], SignedApproval("x", None, stranger="signed with a key that is not trusted")), "as risk"),
    ],
)
def test_an_approval_that_does_not_count(approvals: tuple[SignedApproval, ...], said: str) -> None:
    assert said in denied(presented(approvals=approvals))["approvals"]


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"root": f"sha256:{'9' * 64}"}, "root differ"),
        ({"sha256": "9" * 64}, "file of the prompt differ"),
        ({"prompt_digest": f"sha256:{'9' * 64}"}, "prompt differ"),
        ({"verdict": "fail"}, "verdict differ"),
        ({"gate": "other"}, "gate differ"),
        ({"products": ROOT}, "files of the run differ"),
        ({"run_id": "f" * 12}, "run differ"),
    ],
)
def test_an_approval_of_something_else_denies_even_beside_enough_others(change: dict[str, str], said: str) -> None:
    found = denied(presented(approvals=(*BOTH, approval(CARLA, "owner", **change))))
    assert list(found) == ["approval owner-Carla"]
    assert said in found["approval owner-Carla"]


def test_a_damaged_approval_denies_and_a_late_one_beside_enough_others_does_not() -> None:
    damaged = SignedApproval("x", None, fault="the signature is not that of Carla")
    assert denied(presented(approvals=(*BOTH, damaged))) == {"approval x": "the signature is not that of Carla"}
    late = approval(CARLA, "owner", time=NOW - timedelta(days=8))
    assert denied(presented(approvals=(*BOTH, late))) == {}


@pytest.mark.parametrize("author", ["Boris", "boris", " BORIS ", "Bo\u200bris", "Boris\u2060", "Ｂｏｒｉｓ"])
def test_the_author_does_not_approve(author: str) -> None:
    assert "as risk" in denied(attested(authors=(author,)))["approvals"]
    assert "as risk" in denied(attested(authors=("Dora", author)))["approvals"], "a second author is one too"
    assert denied(attested(authors=(author,)), replace(TIER, approvals=replace(RULE, not_author=False))) == {}


@pytest.mark.parametrize("authors", [("Eve",), ("Dora", "Eve"), ("Eve", "Dora"), ("Ana",), ("D\u03bfra",)])
def test_an_author_whom_the_list_of_keys_does_not_know_denies(authors: tuple[str, ...]) -> None:
    told = denied(attested(authors=authors))["author"]
    assert "cannot be told from the reviewers" in told
    assert "`people`" in told
    assert denied(attested(authors=authors), replace(TIER, approvals=replace(RULE, not_author=False))) == {}
    assert denied(attested(authors=authors), replace(TIER, approvals=ApprovalRule(0))) == {}, "nobody is asked"


def test_no_list_of_names_knows_nobody() -> None:
    assert "author" in denied(presented(known=()))


def test_another_name_of_a_reviewer_is_the_reviewer() -> None:
    account = replace(BORIS, also=("bkern",))
    case = replace(attested(authors=("BKern",)), known=(*KNOWN, "bkern"), approvals=(BOTH[0], approval(account, "risk")))
    assert "as risk" in denied(case)["approvals"]
    signed = presented(attestation=SignedAttestation(ATTESTED, (replace(CI, also=("boris",)),)))
    assert "as risk" in denied(signed)["approvals"], "the signer is called as a reviewer is"
    by_account = presented(approvals=(BOTH[0], approval(account, "risk", by="bkern")))
    assert denied(by_account) == {}


def test_whoever_attested_does_not_approve() -> None:
    both = replace(BORIS, roles=("gate", "risk"))
    case = presented(attestation=SignedAttestation(ATTESTED, (both,)), approvals=(BOTH[0], approval(both, "risk")))
    assert "as risk" in denied(case)["approvals"]
    another = replace(both, keyid="e" * 64, roles=("gate",))
    assert "as risk" in denied(presented(attestation=SignedAttestation(ATTESTED, (another,))))["approvals"]


def test_people_are_counted_and_not_keys() -> None:
    second = replace(ANA, keyid="e" * 64)
    tier = replace(TIER, approvals=ApprovalRule(2, ("owner",)))
    assert denied(presented(approvals=(approval(ANA, "owner"), approval(second, "owner"))), tier) == {
        "approvals": "1 of 2 people approved"
    }
    assert denied(presented(approvals=(approval(ANA, "owner"), approval(CARLA, "owner"))), tier) == {}


def test_roles_go_to_people_so_that_as_many_as_possible_are_held() -> None:
    given_by = (approval(CARLA, "owner"), approval(CARLA, "risk"), approval(BORIS, "risk"))
    for order in itertools.permutations(given_by):
        assert denied(presented(approvals=tuple(order))) == {}


@given(st.dictionaries(st.sampled_from("vwxyz"), st.sets(st.sampled_from("abcd")), max_size=5), st.permutations("abcd"))
def test_unmet_roles_are_as_few_as_can_be(given_by: dict[str, set[str]], roles: list[str]) -> None:
    def met(order: tuple[str | None, ...]) -> int:
        return sum(person is not None and role in given_by[person] for role, person in zip(roles, order, strict=True))

    people: list[str | None] = [*given_by, *[None] * 4]
    best = max(met(order) for order in itertools.permutations(people, 4)) if len(people) < 9 else None
    unmet = unmet_roles(tuple(roles), given_by)
    assert set(unmet) <= set(roles)
    if best is not None:
        assert len(unmet) == 4 - best


def threshold(**changes: Any) -> Threshold:
    return replace(Threshold(TargetKind.SAFETY, "pii", Bound.MAX, 0.0, relative=False, text="0"), **changes)


METRIC = Threshold(TargetKind.METRIC, "bleu", Bound.MAX_REGRESSION, 0.5, relative=False, text="0.5")
GERMAN, EACH_LANGUAGE, EACH = SliceChoice("language", "de"), SliceChoice("language"), SliceChoice()


@pytest.mark.parametrize(
    ("asked", "planned", "holds"),
    [
        (METRIC, METRIC, True),
        (METRIC, replace(METRIC, value=0.4, text="0.4"), True),
        (METRIC, replace(METRIC, value=0.6, text="0.6"), False),
        (METRIC, replace(METRIC, value=0.1, text="10%", relative=True), False),
        (METRIC, replace(METRIC, name="chrf"), False),
        (METRIC, replace(METRIC, bound=Bound.MIN_IMPROVEMENT), False),
        (METRIC, replace(METRIC, level=Level.WARN), False),
        (METRIC, replace(METRIC, decide=Decide.ESTIMATE), False),
        (replace(METRIC, decide=Decide.ESTIMATE), METRIC, True),
        (METRIC, replace(METRIC, slice=GERMAN), False),
        (replace(METRIC, slice=GERMAN), METRIC, False),
        (replace(METRIC, slice=GERMAN), replace(METRIC, slice=GERMAN), True),
        (replace(METRIC, slice=GERMAN), replace(METRIC, slice=SliceChoice("language", "en")), False),
        (replace(METRIC, slice=GERMAN), replace(METRIC, slice=EACH_LANGUAGE), True),
        (replace(METRIC, slice=GERMAN), replace(METRIC, slice=EACH), True),
        (replace(METRIC, slice=EACH_LANGUAGE), replace(METRIC, slice=GERMAN), False),
        (replace(METRIC, slice=EACH), replace(METRIC, slice=EACH_LANGUAGE), False),
        (replace(METRIC, bound=Bound.MIN), replace(METRIC, bound=Bound.MIN, value=0.6), True),
        (replace(METRIC, bound=Bound.MIN), replace(METRIC, bound=Bound.MIN, value=0.4), False),
        (threshold(), threshold(severity=Severity.LOW), True),
        (threshold(), threshold(severity=Severity.HIGH), False),
        (threshold(severity=Severity.HIGH), threshold(), True),
        (threshold(severity=Severity.HIGH), threshold(severity=Severity.CRITICAL), False),
        (threshold(severity=Severity.HIGH, bound=Bound.MAX_INCREASE), threshold(bound=Bound.MAX_INCREASE), False),
        (threshold(severity=Severity.HIGH, bound=Bound.MAX_NEW), threshold(bound=Bound.MAX_NEW), False),
        (threshold(value=3.0, text="3"), threshold(value=0.02, text="2%"), False),
        (threshold(value=3.0, text="3"), threshold(), True),
    ],
)
def test_at_least_as_strict(asked: Threshold, planned: Threshold, holds: bool) -> None:
    assert is_at_least_as_strict(asked, planned) is holds


def tiers(**gates: tuple[str, ...]) -> Policy:
    return Policy("p", {name: replace(TIER, name=name, gates=found) for name, found in gates.items()}, "")


@pytest.mark.parametrize(
    ("policy", "wanted", "tier"),
    [
        (tiers(a=()), None, "a"),
        (tiers(a=("shop",)), None, "a"),
        (tiers(a=("shop",), b=()), None, "a"),
        (tiers(a=("other",), b=()), None, "b"),
        (tiers(a=("shop",), b=("other",)), "a", "a"),
        (tiers(a=("other",), b=(), c=()), "c", "c"),
        (tiers(a=("shop",), b=()), "b", None),
        (tiers(a=("shop",), b=("other",)), "b", None),
        (tiers(a=("other",)), None, None),
        (tiers(a=("other",)), "a", None),
    ],
)
def test_which_tier_a_run_belongs_to(policy: Policy, wanted: str | None, tier: str | None) -> None:
    found, told = tier_for(policy, "shop", wanted)
    assert (found.name if found else None) == tier
    assert (told.mark is Mark.DENIED) is (tier is None)


@pytest.mark.parametrize(("wanted", "said"), [("hgh", "no tier 'hgh'"), (None, "several are open to it")])
def test_a_tier_that_cannot_be_meant_is_a_usage_error(wanted: str | None, said: str) -> None:
    with pytest.raises(BadInput, match=said):
        tier_for(tiers(high=(), low=()), "shop", wanted)


def test_names_of_people() -> None:
    assert same_person("Ana  Lima", "ana lima")
    assert not same_person("Ana", "Anna")
