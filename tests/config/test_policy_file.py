"""Policy files and lists of trusted keys: what is meant is read, and everything else is an error with its place."""

from __future__ import annotations

import copy
import json
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import jsonschema
import pytest

from evalgate.config.policy_file import read_key_list, read_policy
from evalgate.config.policy_schema import keys_schema, policy_schema
from evalgate.config.strict_yaml import parse_document
from evalgate.core.errors import BadInput
from evalgate.core.policy import DatasetPin, JudgePin, KeyList, ListedKey, ModelPin, Tier
from evalgate.core.settings import Bound

FULL = """policy: shop
description: for all prompts of the shop
tiers:
  high:
    gates: [recommend]
    approvals: {min: 3, roles: [owner, risk], not_author: true, max_age: 7d}
    verdicts: [pass]
    evidence: [replay, live]
    signers: [gate, release]
    max_age: 12h
    confidence: 0.99
    waivers: true
    thresholds:
      - {safety: any, max_increase: 0}
      - {metric: exact_match, min: 0.8, max_newly_failing: 3}
      - {metric: chrf, max_regression: 1.0, slice: {language: de}}
    metrics: [{contains: {reference: expected, as: right}}]
    detectors: [pii, {prompt_leak: {field: secrets}}]
    datasets: {products@1.0.0: {content: "sha256:ROWS", card: "sha256:CARD"}}
    engines: ["0.1.0", "0.2.0"]
    baselines: ["sha256:ROWS"]
    models: [{provider: openai, name: m, parameters: {seed: 7}}, {provider: openai, name: n, endpoint: responses}]
    judges: [{judge: apology, prompt: "sha256:ROWS"}, {judge: metric helpful, prompt: "sha256:CARD"}]
    resamples: 10000
    seeds: [0, 7]
  low:
    approvals: {min: 0}
""".replace("ROWS", "0" * 64).replace("CARD", "1" * 64)
LEAST = "policy: p\ntiers:\n  a:\n    approvals: {min: 1, roles: [owner]}\n"


def policy(tmp_path: Path, text: str) -> Path:
    path = tmp_path / "policy.yaml"
    path.write_text(text, encoding="utf-8")
    return path


def test_everything_is_read(tmp_path: Path) -> None:
    found = read_policy(policy(tmp_path, FULL))
    high = found.tiers["high"]
    assert (found.name, list(found.tiers)) == ("shop", ["high", "low"])
    assert (high.gates, high.verdicts, high.evidence, high.signers) == (
        ("recommend",), ("pass",), ("replay", "live"), ("gate", "release"),
    )  # fmt: skip
    rule = high.approvals
    assert (rule.least, rule.roles, rule.not_author, rule.max_age) == (3, ("owner", "risk"), True, timedelta(days=7))
    assert (high.max_age, high.confidence, high.waivers) == (timedelta(hours=12), 0.99, True)
    assert [(one.target, one.bound) for one in high.thresholds] == [
        ("safety:any", Bound.MAX_INCREASE),
        ("metric:exact_match", Bound.MIN),
        ("metric:exact_match", Bound.MAX_NEWLY_FAILING),
        ("metric:chrf", Bound.MAX_REGRESSION),
    ]
    assert [(one.name, dict(one.parameters)) for one in high.metrics] == [("contains", {"reference": "expected", "as": "right"})]
    assert [(one.name, dict(one.parameters)) for one in high.detectors] == [("pii", {}), ("prompt_leak", {"field": "secrets"})]
    assert high.datasets == {"products@1.0.0": DatasetPin(f"sha256:{'0' * 64}", f"sha256:{'1' * 64}")}
    assert high.engines == ("0.1.0", "0.2.0")
    assert (high.baselines, high.resamples, high.seeds) == ((f"sha256:{'0' * 64}",), 10_000, (0, 7))
    assert high.models == (ModelPin("openai", "m", {"seed": 7}), ModelPin("openai", "n", {}, "responses"))
    assert high.judges == (JudgePin("apology", f"sha256:{'0' * 64}"), JudgePin("metric helpful", f"sha256:{'1' * 64}"))


def test_what_is_not_said_is_the_strictest(tmp_path: Path) -> None:
    low: Tier = read_policy(policy(tmp_path, FULL)).tiers["low"]
    assert low.approvals.not_author
    assert (low.verdicts, low.evidence, low.signers, low.confidence, low.waivers) == (
        ("pass",),
        ("replay",),
        ("gate",),
        0.95,
        False,
    )


@pytest.mark.parametrize(
    ("before", "after", "line", "said"),
    [
        ("policy: p", "description: d", 1, "policy is missing"),
        ("policy: p", "policy: P!", 1, "is not a name"),
        ("policy: p", "policy: 5", 1, "must be a text"),
        ("policy: p", "policy: p\nversion: 1", 2, "unknown key 'version'"),
        ("policy: p", "policy: p\npolicy: q", 2, "given twice"),
        ("tiers:\n  a:\n    approvals: {min: 1, roles: [owner]}\n", "", 1, "tiers is missing"),
        ("tiers:\n  a:\n    approvals: {min: 1, roles: [owner]}\n", "tiers: {}\n", 2, "tiers is empty"),
        ("tiers:\n  a:\n    approvals: {min: 1, roles: [owner]}\n", "tiers: []\n", 2, "must be a mapping"),
        ("  a:\n    approvals: {min: 1, roles: [owner]}\n", "  a:\n", 3, "must be a mapping"),
        ("  a:\n    approvals: {min: 1, roles: [owner]}\n", "  a: {}\n", 3, "approvals is missing"),
        ("  a:", "  A b:", 3, "is not a name"),
        ("{min: 1, roles: [owner]}", "2", 4, "must be a mapping"),
        ("{min: 1, roles: [owner]}", "{roles: [owner]}", 4, "min is missing"),
        ("{min: 1, roles: [owner]}", "{min: 1}", 4, "nobody could approve"),
        ("{min: 1, roles: [owner]}", "{min: 1, roles: []}", 4, "nobody could approve"),
        ("{min: 1, roles: [owner]}", "{min: 1, roles: owner}", 4, "must be a list"),
        ("{min: 1, roles: [owner]}", "{min: 1, roles: [owner, risk]}", 4, "less than the number of roles"),
        ("{min: 1, roles: [owner]}", "{min: 2, roles: [owner, owner]}", 4, "listed twice"),
        ("{min: 1, roles: [owner]}", "{min: '1', roles: [owner]}", 4, "must be a whole number"),
        ("{min: 1, roles: [owner]}", "{min: true, roles: [owner]}", 4, "must be a whole number"),
        ("{min: 1, roles: [owner]}", "{min: -1, roles: [owner]}", 4, "at least 0"),
        ("{min: 1, roles: [owner]}", "{min: 1, roles: [Owner]}", 4, "is not a name"),
        ("{min: 1, roles: [owner]}", "{min: 1, roles: [owner], not_author: 0}", 4, "must be true or false"),
        ("{min: 1, roles: [owner]}", "{min: 1, roles: [owner], not_autor: false}", 4, "did you mean not_author"),
        ("{min: 1, roles: [owner]}", "{min: 1, roles: [owner], max_age: 7}", 4, "must be a text"),
        ("{min: 1, roles: [owner]}", "{min: 1, roles: [owner], max_age: 7 days}", 4, "no length of time"),
        ("{min: 1, roles: [owner]}", "{min: 1, roles: [owner], max_age: 0d}", 4, "no length of time"),
        ("{min: 1, roles: [owner]}", "{min: 1, roles: [owner], max_age: -7d}", 4, "no length of time"),
        ("{min: 1, roles: [owner]}", "{min: 1, roles: [owner], max_age: null}", 4, "must be a text"),
    ],
)
def test_a_fault_is_named_with_its_line(tmp_path: Path, before: str, after: str, line: int, said: str) -> None:
    assert before in LEAST
    with pytest.raises(BadInput) as refused:
        read_policy(policy(tmp_path, LEAST.replace(before, after)))
    told = [f"{one.where}: {one.message} ({one.hint})" for one in refused.value.problems]
    assert any(f"policy.yaml:{line}: " in one and said in one for one in told), told


@pytest.mark.parametrize(
    ("key", "said"),
    [
        ("verdicts: [fail]", "must be one of pass, inconclusive"),
        ("baselines: []", "is empty"),
        ("baselines: [recommend@1]", "is no digest of a prompt"),
        (f"baselines: ['sha256:{'0' * 63}']", "is no digest of a prompt"),
        (f"baselines: ['sha256:{'0' * 64}', 'sha256:{'0' * 64}']", "listed twice"),
        (f"baseline: ['sha256:{'0' * 64}']", "did you mean baselines"),
        ("models: []", "is empty"),
        ("models: [m]", "must be a mapping"),
        ("models: [{provider: openai}]", "name is missing"),
        ("models: [{provider: openai, name: m, temperature: 0}]", "unknown key 'temperature'"),
        ("models: [{provider: openai, name: m, endpoint: other}]", "must be one of chat/completions, responses"),
        ("models: [{provider: openai, name: m, parameters: {top_p: .inf}}]", ""),
        ("judges: []", "is empty"),
        ("judges: [apology]", "must be a mapping"),
        ("judges: {apology: x}", "must be a list"),
        (f"judges: ['sha256:{'0' * 64}']", "must be a mapping"),
        ("judges: [{judge: apology}]", "prompt is missing"),
        (f"judges: [{{prompt: 'sha256:{'0' * 64}'}}]", "judge is missing"),
        ("judges: [{judge: apology, prompt: apology@1}]", "is no digest of a prompt"),
        (f"judges: [{{judge: '', prompt: 'sha256:{'0' * 64}'}}]", "judge"),
        (f"judges: [{{judge: a, prompt: 'sha256:{'0' * 64}', card: x}}]", "unknown key 'card'"),
        (f"judges: [{{judge: a, prompt: 'sha256:{'0' * 64}'}}, {{judge: a, prompt: 'sha256:{'0' * 64}'}}]", "listed twice"),
        (f"judge: [{{judge: a, prompt: 'sha256:{'0' * 64}'}}]", "did you mean judges"),
        ("resamples: 0", "at least 100"),
        ("resamples: '10000'", "must be a whole number"),
        ("seeds: []", "is empty"),
        ("seeds: [0, 0]", "listed twice"),
        ("seeds: [-1]", "at least 0"),
        ("seeds: [true]", "must be a whole number"),
        ("seed: 0", "did you mean seeds"),
        ("verdicts: []", "is empty"),
        ("verdicts: pass", "must be a list"),
        ("verdicts: [pass, pass]", "listed twice"),
        ("verdict: [pass]", "did you mean verdicts"),
        ("evidence: [mock]", "must be one of replay, live"),
        ("evidence: []", "is empty"),
        ("gates: []", "is empty"),
        ("gates: [A b]", "not a name"),
        ("gates: null", "must be a list"),
        ("signers: []", "is empty"),
        ("signers: [gate, gate]", "listed twice"),
        ("confidence: 0.4", "must be more than 0.5"),
        ("confidence: '0.95'", "must be a number"),
        ("waivers: accepted", "must be true or false"),
        ("max_age: soon", "no length of time"),
        ("thresholds: []", "is empty"),
        ("thresholds: [{metric: bleu}]", "has no bound"),
        ("thresholds: [{metric: bleu, min: 20, level: warn}]", "only warns, which protects nothing"),
        ("thresholds: [{metric: bleu, mini: 20}]", "unknown key"),
        ("thresholds: [{safety: any, min: 0}]", "cannot be asked of a safety category"),
        ("detectors: []", "is empty"),
        ("metrics: []", "is empty"),
        ("metrics: [contains, {contains: [x]}]", "must be a mapping of parameters"),
        ("detectors: pii", "must be a list"),
        ("detectors: [pii, pii]", "listed twice"),
        ("datasets: {}", "is empty"),
        ("datasets: {products: 'sha256:00'}", "not a version of a dataset with its two digests"),
        ("datasets: {products@1: latest}", "not a version of a dataset with its two digests"),
        ("datasets: {products@1: 'sha256:%s'}" % ("0" * 64), "{content: sha256:…, card: sha256:…}"),
        ("datasets: {products@1: {content: 'sha256:%s'}}" % ("0" * 64), "with its two digests"),
        ("engines: []", "is empty"),
        ("engines: [0.1]", "must be a text"),
        ("protected: []", "unknown key 'protected'"),
    ],
)
def test_a_tier_that_is_not_what_it_seems_is_refused(tmp_path: Path, key: str, said: str) -> None:
    with pytest.raises(BadInput) as refused:
        read_policy(policy(tmp_path, f"{LEAST}    {key}\n"))
    told = [f"{one.where}: {one.message} ({one.hint})" for one in refused.value.problems]
    assert any("policy.yaml:5: " in one and said in one for one in told), told


def test_a_gate_belongs_to_one_tier(tmp_path: Path) -> None:
    text = "policy: p\ntiers:\n  a: {gates: [g], approvals: {min: 0}}\n  b: {gates: [h, g], approvals: {min: 0}}\n"
    with pytest.raises(BadInput, match=r"policy\.yaml:4: .*gate 'g' is in tier 'a' already"):
        read_policy(policy(tmp_path, text))


def test_everything_is_said_at_once(tmp_path: Path) -> None:
    text = "policy: P!\ntiers:\n  a:\n    approvals: {min: 1}\n    verdicts: [fail]\n    thresholds: [{metric: bleu}]\n"
    with pytest.raises(BadInput) as refused:
        read_policy(policy(tmp_path, text))
    assert [str(one.where).rpartition(":")[2] for one in refused.value.problems] == ["1", "4", "5", "6"]


@pytest.mark.parametrize("text", ["", "null\n", "[]\n", "policy\n", "- policy: p\n", "policy: p\n---\npolicy: q\n"])
def test_what_is_no_policy_is_refused(tmp_path: Path, text: str) -> None:
    with pytest.raises(BadInput, match=r"policy\.yaml"):
        read_policy(policy(tmp_path, text))
    with pytest.raises(BadInput, match=r"policy\.yaml"):
        read_key_list(policy(tmp_path, text))


JUNK = (None, "", "x", -1, 1.5, True, [], ["x", "x"], [None], {}, {"x": None}, {"min": "2"})


def test_whatever_stands_in_a_place_is_read_or_refused_and_never_a_bug(tmp_path: Path) -> None:
    whole = parse_document(FULL, "policy.yaml").value

    def places(value: Any, path: tuple[Any, ...] = ()) -> Iterator[tuple[Any, ...]]:
        yield path
        items = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
        for key, item in items:
            yield from places(item, (*path, key))

    refused = 0
    for number, path in enumerate(places(whole)):
        for junk in JUNK[number % 3 :: 3]:
            changed = copy.deepcopy(whole)
            place = changed
            for key in path[:-1]:
                place = place[key]
            if path:
                place[path[-1]] = junk
            else:
                changed = junk
            try:
                assert read_policy(policy(tmp_path, json.dumps(changed))).tiers
            except BadInput as error:
                refused += 1
                assert all("policy.yaml" in str(one.where) for one in error.problems)
    assert refused > 100


def test_trusted_keys_are_read(tmp_path: Path) -> None:
    text = "keys:\n  ana.pem: {name: Ana Lima, roles: [owner, risk], also: [alima]}\n  ci.pem: {name: ci, roles: [gate]}\n"
    keys = {"ana.pem": ListedKey("Ana Lima", ("owner", "risk"), ("alima",)), "ci.pem": ListedKey("ci", ("gate",))}
    assert read_key_list(policy(tmp_path, text)) == KeyList(keys)
    assert read_key_list(policy(tmp_path, f"{text}people: [Dora]\n")) == KeyList(keys, ("Dora",))


@pytest.mark.parametrize(
    ("more", "said"),
    [
        ("people: []", "is empty"),
        ("people: Dora", "must be a list"),
        ("people: ['']", "is empty"),
        ('people: ["Do\\u200bra"]', "hidden characters"),
        ("person: [Dora]", "unknown key 'person'"),
    ],
)
def test_people_without_a_key_are_read_as_strictly(tmp_path: Path, more: str, said: str) -> None:
    with pytest.raises(BadInput) as refused:
        read_key_list(policy(tmp_path, f"keys: {{ci.pem: {{name: ci, roles: [gate]}}}}\n{more}\n"))
    told = [f"{one.message} ({one.hint})" for one in refused.value.problems]
    assert any(said in one for one in told), told


def test_editors_accept_what_is_read_and_refuse_what_is_not() -> None:
    jsonschema.Draft202012Validator.check_schema(policy_schema())
    jsonschema.Draft202012Validator.check_schema(keys_schema())
    validator = jsonschema.Draft202012Validator(policy_schema())
    for text in (FULL, LEAST):
        assert list(validator.iter_errors(parse_document(text, "p").value)) == []
    tier = f"{LEAST}    "
    for key in (
        "verdicts: [fail]", "evidence: [mock]", "gates: []", "thresholds: []", "thresholds: [{metric: bleu}]", "detectors: pii",
        "metrics: []", "max_age: soon", "waivers: accepted", "protected: []", "datasets: {}", "confidence: 0.4", "gates: null",
        "judges: []", "judges: [apology]", "judges: [{judge: apology}]",
    ):  # fmt: skip
        assert not validator.is_valid(parse_document(f"{tier}{key}\n", "p").value), key
    keys = jsonschema.Draft202012Validator(keys_schema())
    assert keys.is_valid({"keys": {"a.pem": {"name": "A", "roles": ["gate"]}}})
    assert not keys.is_valid({"keys": {"a.pem": {"name": "A", "roles": []}}})


@pytest.mark.parametrize(
    ("entry", "said"),
    [
        ('ana.pem: {name: "A\\u200bna", roles: [owner]}', "hidden characters"),
        ("ana.pem: {name: Ana}", "roles is missing"),
        ("ana.pem: {roles: [owner]}", "name is missing"),
        ("ana.pem: {name: Ana, roles: []}", "is empty"),
        ("ana.pem: {name: '', roles: [owner]}", "is empty"),
        ("ana.pem: {name: Ana, roles: [owner, owner]}", "listed twice"),
        ("ana.pem: {name: Ana, roles: [owner], until: 2027}", "unknown key 'until'"),
        ("ana.pem: Ana", "must be a mapping"),
        ("ana: {name: Ana, roles: [owner]}", "is no file of this folder"),
        ("../ana.pem: {name: Ana, roles: [owner]}", "is no file of this folder"),
        ("/etc/ana.pem: {name: Ana, roles: [owner]}", "is no file of this folder"),
        (".ana.pem: {name: Ana, roles: [owner]}", "is no file of this folder"),
    ],
)
def test_a_key_without_owner_or_role_is_refused(tmp_path: Path, entry: str, said: str) -> None:
    with pytest.raises(BadInput) as refused:
        read_key_list(policy(tmp_path, f"keys:\n  {entry}\n"))
    told = [f"{one.where}: {one.message} ({one.hint})" for one in refused.value.problems]
    assert any("policy.yaml:2: " in one and said in one for one in told), told


def test_the_documented_policy_is_read(repository: Path, tmp_path: Path) -> None:
    text = (repository / "docs" / "approval.md").read_text(encoding="utf-8")
    blocks = [block.partition("```")[0] for block in text.split("```yaml\n")[1:]]
    policies = [block for block in blocks if block.startswith("policy:")]
    lists = [block for block in blocks if block.startswith("keys:")]
    assert policies
    assert lists
    for block in policies:
        assert read_policy(policy(tmp_path, block)).tiers
    for block in lists:
        assert read_key_list(policy(tmp_path, block))
