"""Attest, approve, and decide over a deployment: the whole way, and everything that must stop it."""

from __future__ import annotations

import base64
import hashlib
import json
import shutil
import subprocess
import sys
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

import evalgate
from evalgate.core.errors import BadInput
from evalgate.core.policy import ApprovalRule, JudgePin, Mark, PolicyReport, Tier
from evalgate.evidence.demanded_comparison import demanded_comparison
from evalgate.evidence.dsse import read_envelope, signed_bytes
from evalgate.pipeline.policy import PolicyRequest, check_policy
from evalgate.pipeline.signed_run import run_facts

Called = tuple[int, str, str]
POLICY = """policy: shop
tiers:
  high:
    approvals: {min: 2, roles: [owner, risk], max_age: 7d}
    thresholds: [{metric: accuracy, min_improvement: 0.05}, {safety: any, max_increase: 0}]
    detectors: [degenerate]
    metrics: [{accuracy: {labels: [positive, negative]}}]
    max_age: 30d
"""
TYPE = "application/vnd.in-toto+json"


@dataclass
class Desk:
    """A finished run, people with keys, and a policy."""

    shop: Path
    ring: Any
    call: Callable[..., Called]
    signatures: Path
    """Where the same run lies signed."""

    @property
    def run(self) -> Path:
        return self.shop / "run"

    @property
    def prompt(self) -> Path:
        return self.shop / "configs" / "prompts" / "sentiment" / "2.prompt.yml"

    @property
    def attestation(self) -> Path:
        return self.run / "attestation.dsse.json"

    def attested_at(self) -> datetime:
        about = statement(self.attestation)["predicate"]["https://evalgate.example/run/v1"]
        return datetime.fromisoformat(about["time"])

    def approval(self, name: str) -> Path:
        return next(path for path in (self.run / "approvals").iterdir() if path.name.startswith(name))

    def attest(self, name: str = "ci", *more: str) -> Called:
        return self.call("attest", self.run, "--key", self.ring.file(name), "--author", "dora", *more)

    def approve(self, name: str, role: str, *more: str) -> Called:
        key = self.ring.file(name)
        return self.call("approve", self.run, "--key", key, "--role", role, "--reason", "read the worst twelve", *more)

    def signed(self) -> Desk:
        """Attested by `ci`, approved by `ana` as owner and by `boris` for risk."""
        shutil.copy(self.signatures / "attestation.dsse.json", self.run)
        shutil.copytree(self.signatures / "approvals", self.run / "approvals")
        return self

    def decide(self, policy: str = POLICY, **changes: Any) -> PolicyReport:
        path = self.shop / "policy.yaml"
        path.write_text(policy, encoding="utf-8")
        now = changes.pop("now", None)
        request = PolicyRequest(**{"policy": path, "trusted_keys": self.ring.trusted, "subject": self.prompt} | changes)
        return check_policy(self.run, request, now)

    def denied(self, **changes: Any) -> str:
        report = self.decide(**changes)
        assert report.allowed is not bool(report.denials)
        return "\n".join(f"{one.name}: {one.said}" for one in report.denials)

    def verify(self, *more: str | Path) -> Called:
        (self.shop / "policy.yaml").write_text(POLICY, encoding="utf-8")
        question = ["--policy", self.shop / "policy.yaml", "--trusted-keys", self.ring.trusted, "--subject", self.prompt]
        return self.call("verify", self.run, *question, *more)

    def rewrite(self, path: Path, **changes: Any) -> None:
        """Change members of a signed file, keeping its signatures."""
        path.write_text(json.dumps(json.loads(path.read_text()) | changes), encoding="utf-8")

    def forge(self, path: Path, name: str, payload: Mapping[str, Any] | bytes, kind: str = TYPE) -> None:
        """Write a signed file with the key of a person, saying whatever one likes."""
        body = payload if isinstance(payload, bytes) else json.dumps(payload).encode()
        sig = base64.b64encode(self.ring.keys[name].sign(signed_bytes(kind, body))).decode()
        path.parent.mkdir(exist_ok=True)
        made = {"payload": base64.b64encode(body).decode(), "payloadType": kind, "signatures": [{"keyid": "", "sig": sig}]}
        path.write_text(json.dumps(made), encoding="utf-8")


@pytest.fixture
def desk(shop: Path, ring: Any, evalgate: Callable[..., Called], signed_project: Path) -> Desk:
    """Nothing signed yet."""
    return Desk(shop, ring, evalgate, signed_project / "shop" / "run")


def statement(path: Path) -> dict[str, Any]:
    found: dict[str, Any] = json.loads(read_envelope(path.read_bytes()).payload)
    return found


def test_a_signed_and_approved_prompt_may_be_deployed(desk: Desk) -> None:
    report = desk.signed().decide()
    assert report.allowed
    assert (report.tier, report.gate, report.subject_digest) == (
        "high", "first-gate", f"sha256:{hashlib.sha256(desk.prompt.read_bytes()).hexdigest()}",
    )  # fmt: skip
    code, out, _ = desk.verify()
    assert code == 0
    assert "may be deployed" in out


def test_what_the_attestation_says(desk: Desk) -> None:
    code, out, _ = desk.attest("ci", "--url", "https://ci.example/run/1")
    assert code == 0
    assert "PASSED" in out
    said = statement(desk.attestation)
    verdict = json.loads((desk.run / "verdict.json").read_text())
    data = desk.prompt.read_bytes()
    assert said["_type"] == "https://in-toto.io/Statement/v1"
    assert said["subject"] == [
        {
            "name": "configs/prompts/sentiment/2.prompt.yml",
            "digest": {
                "sha256": hashlib.sha256(data).hexdigest(),
                "gitBlob": hashlib.sha1(b"blob %d\0" % len(data) + data).hexdigest(),
            },
        }
    ]
    predicate = said["predicate"]
    assert (said["predicateType"], predicate["result"]) == ("https://in-toto.io/attestation/test-result/v0.1", "PASSED")
    assert predicate["url"] == "https://ci.example/run/1"
    assert "metric:accuracy min_improvement 0.1" in predicate["passedTests"]
    assert predicate["failedTests"] == predicate["warnedTests"] == []
    named = {one["name"]: one["digest"]["sha256"] for one in predicate["configuration"]}
    assert named["root"] == verdict["evidence"]["manifest_digest"].removeprefix("sha256:")
    assert named["config:first-gate.yaml"] == hashlib.sha256((desk.shop / "configs/first-gate.yaml").read_bytes()).hexdigest()
    assert named["report.html"] == hashlib.sha256((desk.run / "report.html").read_bytes()).hexdigest()
    own = predicate["https://evalgate.example/run/v1"]
    assert (own["verdict"], own["author"], own["root"]) == ("pass", "dora", f"sha256:{named['root']}")


def test_the_attestation_is_a_statement_for_in_toto(desk: Desk) -> None:
    in_toto = pytest.importorskip("in_toto_attestation.v1.statement", reason="in-toto-attestation is not installed")
    from google.protobuf.json_format import ParseDict
    from in_toto_attestation.v1 import statement_pb2

    desk.signed()
    for path in (desk.attestation, desk.approval("owner")):
        in_toto.Statement.copy_from_pb(ParseDict(statement(path), statement_pb2.Statement())).validate()


def test_git_calls_the_prompt_by_the_same_digest(desk: Desk) -> None:
    if shutil.which("git") is None:
        pytest.skip("git is not installed")
    desk.attest()
    done = subprocess.run(["git", "hash-object", "--no-filters", str(desk.prompt)], capture_output=True, text=True, check=True)
    assert statement(desk.attestation)["subject"][0]["digest"]["gitBlob"] == done.stdout.strip()


@pytest.mark.parametrize("name", ["attestation.dsse.json", "approvals"])
def test_three_independent_tools_verify_what_was_signed(desk: Desk, name: str) -> None:
    """`cryptography` alone, `securesystemslib` and `openssl`."""
    desk.signed()
    path = desk.run / name if name.endswith("json") else desk.approval("owner")
    person = "ci" if name.endswith("json") else "ana"
    found = json.loads(path.read_text())
    body, kind = base64.b64decode(found["payload"]), found["payloadType"].encode()
    message = b" ".join([b"DSSEv1", str(len(kind)).encode(), kind, str(len(body)).encode(), body])
    sig = base64.b64decode(found["signatures"][0]["sig"])
    public = desk.ring.keys[person].public_key()
    public.verify(sig, message)
    assert found["signatures"][0]["keyid"] == hashlib.sha256(
        b"0*0\x05\x06\x03+ep\x03!\x00" + public.public_bytes_raw()
    ).hexdigest()  # fmt: skip
    if shutil.which("openssl") is not None:
        (desk.shop / "pae").write_bytes(message)
        (desk.shop / "sig").write_bytes(sig)
        key = str(desk.ring.trusted / f"{person}.pem")
        openssl = ["openssl", "pkeyutl", "-verify", "-rawin", "-pubin", "-inkey", key, "-sigfile", "sig", "-in", "pae"]
        assert subprocess.run(openssl, cwd=desk.shop, capture_output=True, check=False).returncode == 0
    dsse = pytest.importorskip("securesystemslib.dsse", reason="securesystemslib is not installed")
    from securesystemslib.signer import SSlibKey

    other = SSlibKey(found["signatures"][0]["keyid"], "ed25519", "ed25519", {"public": public.public_bytes_raw().hex()})
    assert len(dsse.Envelope.from_dict(found).verify([other], 1)) == 1


def test_nothing_signed_nothing_deployed(desk: Desk) -> None:
    assert "attestation: there is none" in desk.denied()
    code, out, err = desk.verify()
    assert code == 5
    assert "may not be deployed" in out + err


def test_approvals_without_an_attestation(desk: Desk) -> None:
    desk.approve("ana", "owner")
    desk.approve("boris", "risk")
    assert "attestation: there is none" in desk.denied()
    assert "author: the attestation names no author" in desk.denied()


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"payload": base64.b64encode(b"{}").decode()}, "the signature is not that of ci"),
        ({"payloadType": "application/json"}, "its payload type is 'application/json'"),
        ({"payloadType": "application/vnd.in-toto.test-result+json"}, "its payload type is"),
        ({"signatures": []}, "not a signed envelope"),
        ({"signatures": [{"keyid": "", "sig": base64.b64encode(bytes(64)).decode()}]}, "a key that is not trusted: (not named)"),
        ({"signatures": [{"keyid": "f" * 64, "sig": base64.b64encode(bytes(64)).decode()}]}, "not trusted: ffffffffffffffff…"),
        ({"signatures": [{"sig": "!"}]}, "not a signed envelope: sig is not Base64"),
    ],
)
def test_a_changed_envelope_is_denied_by_name(desk: Desk, change: dict[str, Any], said: str) -> None:
    desk.signed().rewrite(desk.attestation, **change)
    assert said in desk.denied()
    desk.attest()
    desk.rewrite(desk.approval("owner"), **change)
    found = desk.denied()
    assert "approvals: nobody (else) approved as owner" in found
    assert desk.verify()[0] == 5


@pytest.mark.parametrize("text", ["", "{", "null", '{"payload": "YQ==", "payload": "YQ=="}', "\x00"])
def test_a_damaged_file_is_denied(desk: Desk, text: str) -> None:
    desk.signed().approval("owner").write_text(text, encoding="utf-8")
    assert "not a signed envelope" in desk.denied()


def test_the_signature_of_another_payload_is_denied(desk: Desk) -> None:
    desk.signed()
    approval, attestation = (json.loads(path.read_text()) for path in (desk.approval("owner"), desk.attestation))
    desk.rewrite(desk.attestation, signatures=approval["signatures"])
    assert "the signature is not that of ana" in desk.denied()
    desk.rewrite(desk.attestation, **approval)
    assert "not an attestation: its predicate is" in desk.denied()
    desk.rewrite(desk.attestation, **attestation)
    desk.rewrite(desk.approval("owner"), **attestation)
    assert "not an approval: its predicate is" in desk.denied()


def test_a_key_that_nobody_trusts(desk: Desk) -> None:
    desk.attest("mallory")
    desk.approve("mallory", "owner")
    desk.approve("boris", "risk")
    found = desk.denied()
    assert "attestation: signed with a key that is not trusted" in found
    assert "approvals: nobody (else) approved as owner" in found


def test_a_reviewer_cannot_attest_and_the_job_cannot_approve(desk: Desk) -> None:
    desk.attest("ana")
    assert "attestation: signed by ana, who is not gate" in desk.denied()
    desk.attest("ci")
    desk.approve("ci", "owner")
    desk.approve("boris", "risk")
    assert "approvals: nobody (else) approved as owner" in desk.denied()


def test_one_person_is_not_two(desk: Desk) -> None:
    desk.attest()
    desk.approve("carla", "owner")
    desk.approve("carla", "risk")
    assert "approvals: nobody (else) approved as risk" in desk.denied()
    copy = desk.run / "approvals" / "another.dsse.json"
    shutil.copy(desk.approval("risk"), copy)
    assert "approvals: nobody (else) approved as risk" in desk.denied()


def test_the_author_does_not_count(desk: Desk) -> None:
    listed = desk.ring.trusted / "keys.yaml"
    listed.write_text(listed.read_text().replace("people: [dora]\n", ""))
    desk.ring.add("dora", "owner")
    desk.attest()
    desk.approve("dora", "owner")
    desk.approve("boris", "risk")
    assert "approvals: nobody (else) approved as owner" in desk.denied()
    assert desk.decide(POLICY.replace("max_age: 7d", "max_age: 7d, not_author: false")).allowed


def test_an_author_nobody_knows_is_told_what_to_do(desk: Desk) -> None:
    listed = desk.signed().ring.trusted / "keys.yaml"
    known = listed.read_text()
    listed.write_text(known.replace("people: [dora]\n", ""))
    assert "author: nobody in keys.yaml is called 'dora'" in desk.denied()
    listed.write_text(known.replace("people: [dora]", "people: [Dora, eve]"))
    assert desk.decide().allowed
    listed.write_text(known.replace("name: ana,", "name: ana, also: [dora],"))
    assert "approvals: nobody (else) approved as owner" in desk.denied(), "dora is another name of ana"


def test_none_of_several_authors_counts(desk: Desk) -> None:
    desk.signed()
    assert desk.attest("ci", "--author", "boris", "--author", "boris")[0] == 0
    assert statement(desk.attestation)["predicate"]["https://evalgate.example/run/v1"]["authors"] == ["dora", "boris"]
    assert "approvals: nobody (else) approved as risk" in desk.denied()
    code, _, err = desk.attest("ci", "--author", "a\nb")
    assert (code, "--author" in err) == (2, True)
    assert desk.attest("ci", *(["--author", "x"] * 100))[0] == 2


def test_a_run_that_was_compared_as_the_policy_says_is_allowed(desk: Desk) -> None:
    plan = json.loads((desk.signed().run / "plan.json").read_text())
    arm = plan["variants"]["baseline"]
    model = {"provider": arm["model"]["provider"], "name": arm["model"]["name"], "parameters": arm["parameters"]}
    asked = f"baselines: ['{arm['prompt_digest']}']\n    models: [{json.dumps(model)}]\n    seeds: [{plan['seed']}]\n    resamples: 10000"
    assert desk.decide(f"policy: p\ntiers:\n  a:\n    approvals: {{min: 0}}\n    {asked}\n").allowed
    candidate = asked.replace(arm["prompt_digest"], plan["variants"]["candidate"]["prompt_digest"])
    denied = desk.denied(policy=f"policy: p\ntiers:\n  a:\n    approvals: {{min: 0}}\n    {candidate}\n")
    assert denied.startswith("baseline: compared with sentiment@1, "), "the candidate is no baseline of itself"


def test_an_attestation_without_an_author_is_not_enough(desk: Desk) -> None:
    desk.signed()
    desk.call("attest", desk.run, "--key", desk.ring.file("ci"))
    assert "author: the attestation names no author" in desk.denied()


@pytest.mark.parametrize(
    ("later", "said"),
    [
        (timedelta(days=8), "approvals: nobody (else) approved as owner, risk"),
        (timedelta(days=31), "age: the attestation has expired"),
        (timedelta(minutes=-6), "age: the attestation is dated in the future"),
        (timedelta(minutes=-6), "approvals: nobody (else) approved as owner, risk"),
    ],
)
def test_time_is_up_or_not_come(desk: Desk, later: timedelta, said: str) -> None:
    # counted from what was signed: in a full suite that may be minutes ago, more than the clocks may differ
    assert said in desk.signed().denied(now=desk.attested_at() + later)


def test_another_file_is_not_what_was_attested(desk: Desk) -> None:
    desk.signed()
    assert "subject: the file to deploy is" in desk.denied(subject=desk.prompt.with_name("1.prompt.yml"))
    desk.prompt.write_bytes(desk.prompt.read_bytes() + b"# only a comment\n")
    assert "subject: the file to deploy is" in desk.denied()


def test_an_approval_of_another_run_is_denied(desk: Desk) -> None:
    said = statement(desk.signed().approval("owner"))
    said["predicate"]["root"] = f"sha256:{'0' * 64}"
    desk.forge(desk.run / "approvals" / "x.dsse.json", "carla", said)
    assert "approval x.dsse.json: is about something else: root differ" in desk.denied()


@pytest.mark.parametrize(
    ("path", "value", "said"),
    [
        (("_type",), "https://in-toto.io/Statement/v0.1", "not an in-toto Statement v1"),
        (("predicateType",), "https://in-toto.io/attestation/vsa/v1", "its predicate is"),
        (("subject",), [], "it must have one subject"),
        (("predicate", "result"), "WARNED", "says WARNED"),
        (("predicate", "result"), "FAILED", "says FAILED"),
        (("predicate", "https://evalgate.example/run/v1", "time"), "2026-11-25", "time is not of the form"),
        (("predicate", "https://evalgate.example/run/v1", "time"), "2026-02-31T00:00:00Z", "not an attestation"),
        (("predicate", "https://evalgate.example/run/v1", "root"), "none", "root is no digest"),
        (("predicate", "https://evalgate.example/run/v1", "root"), f"sha256:{'0' * 64}", "is about another run: root differ"),
        (("predicate", "https://evalgate.example/run/v1", "verdict"), "fail", "it says PASSED of the verdict 'fail'"),
        (("predicate", "https://evalgate.example/run/v1"), None, "missing or not an object"),
    ],
)
def test_a_trusted_key_under_a_statement_that_is_none(desk: Desk, path: tuple[str, ...], value: Any, said: str) -> None:
    found = statement(desk.signed().attestation)
    place = found
    for key in path[:-1]:
        place = place[key]
    place[path[-1]] = value
    desk.forge(desk.attestation, "ci", found)
    assert said in desk.denied()


def test_a_payload_that_is_read_in_two_ways_is_denied(desk: Desk) -> None:
    body = read_envelope(desk.signed().attestation.read_bytes()).payload
    desk.forge(desk.attestation, "ci", b'{"_type":"x",' + body[1:])
    assert "not an attestation: duplicate key" in desk.denied()
    desk.forge(desk.attestation, "ci", body + b"{}")
    assert "not an attestation" in desk.denied()
    desk.forge(desk.attestation, "ci", body)
    assert desk.decide().allowed


@pytest.mark.parametrize(
    "name", ["verdict.json", "plan.json", "manifest.json", "report.html", "record.json", "shards/00000.parquet"]
)
def test_a_changed_run_is_neither_signed_nor_deployed(desk: Desk, name: str) -> None:
    desk.signed()
    path = desk.run / name
    data = path.read_bytes()
    path.write_bytes(data[:-3] + bytes([data[-3] ^ 1]) + data[-2:])
    assert "integrity: " in desk.denied()
    for code, out, err in (desk.attest(), desk.approve("carla", "owner")):
        assert code in (2, 5)
        assert name.rpartition("/")[2] in err
        assert not out
    assert len(list((desk.run / "approvals").iterdir())) == 2


@pytest.mark.parametrize("finished", [True, False])
def test_a_run_without_verdict_is_neither_signed_nor_deployed(desk: Desk, finished: bool) -> None:
    desk.signed()
    (desk.run / "verdict.json").unlink()
    if not finished:
        (desk.run / "work").mkdir()
    assert "integrity: " in desk.denied()
    assert desk.attest()[0] == (5 if finished else 2)
    assert desk.approve("carla", "owner")[0] == (5 if finished else 2)
    assert desk.verify()[0] == 5
    code, out, _ = desk.verify("--json")
    assert (code, json.loads(out)["exit_code"], json.loads(out)["policy"]["allowed"]) == (5, 5, False)


def test_further_files_in_the_run_are_found(desk: Desk) -> None:
    desk.signed()
    (desk.run / "approvals" / "note.txt").write_text("x")
    assert "integrity: " in desk.denied()


@pytest.mark.parametrize(
    ("rule", "said"),
    [
        ("thresholds: [{metric: accuracy, min_improvement: 0.05}]", "what the gate calls accuracy is accuracy; if that is meant"),
        (
            "metrics: [{accuracy: {labels: [positive, negative]}}]\n    thresholds: [{metric: accuracy, min_improvement: 0.2}]",
            "threshold metric:accuracy min_improvement 0.2",
        ),
        (
            "metrics: [{accuracy: {labels: [positive, negative]}}]\n    thresholds: [{metric: accuracy, min: 0.5}]",
            "the gate has no such threshold",
        ),
        ("detectors: [pii]", "detector pii: the gate does not run it"),
        (f"baselines: ['sha256:{'0' * 64}']", "baseline: compared with sentiment@1, sha256:"),
        ("models: [{provider: openai, name: other}]", "model of the candidate: {"),
        ("seeds: [99]", "seed: the seed is"),
        ("resamples: 1000000", "resamples: 10000 resamples, the policy asks at least 1000000"),
        ("engines: ['99']", "engine: made by evalgate"),
        ("evidence: [live]", "evidence: the answers are replay"),
        ("confidence: 0.99", "confidence: the gate decides at 0.95"),
        ("gates: [other]", "tier: no tier is for gate first-gate"),
        ("signers: [owner]", "attestation: signed by ci, who is not owner"),
        (
            f"datasets: {{reviews@2: {{content: 'sha256:{'0' * 64}', card: 'sha256:{'0' * 64}'}}}}",
            "dataset: judged on reviews@1.0.0",
        ),
        (
            f"datasets: {{reviews@1.0.0: {{content: 'sha256:{'0' * 64}', card: 'sha256:{'0' * 64}'}}}}",
            "dataset: reviews@1.0.0 is sha256:",
        ),
    ],
)
def test_a_gate_that_does_not_ask_enough(desk: Desk, rule: str, said: str) -> None:
    policy = f"policy: p\ntiers:\n  a:\n    approvals: {{min: 0}}\n    {rule}\n"
    assert said in desk.signed().denied(policy=policy)
    assert desk.decide("policy: p\ntiers:\n  a: {approvals: {min: 0}}\n").allowed


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"tier": "none"}, "the policy has no tier 'none'"),
        ({"subject": Path("nowhere")}, "does not exist"),
        ({"trusted_keys": Path("nowhere")}, "there is no such folder"),
        ({"policy": "policy: [p]\n"}, "policy must be a text"),
    ],
)
def test_a_question_that_makes_no_sense_is_bad_input(desk: Desk, change: dict[str, Any], said: str) -> None:
    with pytest.raises(BadInput, match=said):
        desk.signed().decide(**change)


def test_trusted_keys_that_cannot_be_trusted(desk: Desk) -> None:
    desk.signed()
    trusted = desk.ring.trusted
    listed = (trusted / "keys.yaml").read_text()
    for name, data, said in (
        ("eve.pem", (trusted / "ana.pem").read_bytes(), "a key that keys.yaml does not list"),
        ("boris.pem", (trusted / "ana.pem").read_bytes(), "is the same key as ana.pem"),
        ("boris.pem", desk.ring.file("boris").read_bytes(), "a private key lies among the trusted keys"),
        ("boris.pem", b"text", "not a key in PEM"),
        ("keys.yaml", listed.replace("boris.pem", "bella.pem").encode(), "does not exist"),
        ("keys.yaml", b"keys: {}\n", "keys is empty"),
    ):
        before = (trusted / name).read_bytes() if (trusted / name).exists() else None
        (trusted / name).write_bytes(data)
        with pytest.raises(BadInput, match=said):
            desk.decide()
        (trusted / name).unlink() if before is None else (trusted / name).write_bytes(before)
    assert desk.decide().allowed


@pytest.mark.parametrize(
    ("more", "said"),
    [
        (("--role", "owner", "--reason", "  "), "say why"),
        (("--role", "owner", "--reason", "x" * 2_001), "say why"),
        (("--role", "The Owner", "--reason", "x"), "not a role"),
        (("--role", "../owner", "--reason", "x"), "not a role"),
        (("--role", "owner", "--reason", "x", "--by", "a\nb"), "write a name, on one line"),
        (("--role", "owner", "--reason", "x", "--by", "\udc80"), "write a name, on one line"),
        (("--role", "owner", "--reason", "a\udc80"), "say why"),
        (("--role", "owner", "--reason", "a\x1b[2J"), "say why"),
    ],
)
def test_an_approval_without_a_reason_or_role_is_refused(desk: Desk, more: tuple[str, ...], said: str) -> None:
    code, _, err = desk.call("approve", desk.run, "--key", desk.ring.file("ana"), *more)
    assert code == 2
    assert said in err
    assert not (desk.run / "approvals").exists()


def test_a_key_approves_once_in_a_role(desk: Desk) -> None:
    assert desk.approve("carla", "owner")[0] == 0
    code, _, err = desk.approve("carla", "owner")
    assert code == 2
    assert "this key approved as owner already" in err
    assert desk.approve("carla", "risk")[0] == 0


def test_an_approval_of_another_prompt_is_refused(desk: Desk) -> None:
    code, _, err = desk.attest("ci", "--prompt", str(desk.prompt.with_name("1.prompt.yml")))
    assert code == 2
    assert "is not the prompt that the run judged" in err
    desk.prompt.unlink()
    code, _, err = desk.approve("ana", "owner")
    assert code == 2
    assert "is not found from here" in err


def test_a_run_that_judged_no_prompt_is_not_attested(desk: Desk, tmp_path: Path) -> None:
    for name in ("a", "b", "r"):
        field = "reference" if name == "r" else "output"
        (tmp_path / f"{name}.jsonl").write_text("".join(f'{{"id": "{i}", "{field}": "x"}}\n' for i in range(20)))
    files = [tmp_path / "a.jsonl", tmp_path / "b.jsonl", "--references", tmp_path / "r.jsonl"]
    assert desk.call("compare", *files, "--metric", "exact_match", "--out", tmp_path / "out", "--quiet")[0] == 0
    code, _, err = desk.call("attest", tmp_path / "out", "--key", desk.ring.file("ci"))
    assert code == 2
    assert "no prompt was judged" in err


def test_a_passphrase_comes_from_a_named_variable_alone(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    from cryptography.hazmat.primitives.serialization import BestAvailableEncryption, Encoding, PrivateFormat

    secret = "correct horse battery"
    locked = desk.ring.keys["ci"].private_bytes(Encoding.PEM, PrivateFormat.PKCS8, BestAvailableEncryption(secret.encode()))
    desk.ring.file("ci").write_bytes(locked)
    code, _, err = desk.attest()
    assert (code, "there is no passphrase" in err) == (2, True)
    code, _, err = desk.attest("ci", "--passphrase-env", "SIGNING_PASSPHRASE")
    assert (code, "SIGNING_PASSPHRASE is not set" in err) == (2, True)
    monkeypatch.setenv("SIGNING_PASSPHRASE", "wrong horse battery")
    code, out, err = desk.attest("ci", "--passphrase-env", "SIGNING_PASSPHRASE")
    assert (code, "check the passphrase" in err) == (2, True)
    assert "horse" not in out + err
    monkeypatch.setenv("SIGNING_PASSPHRASE", secret)
    assert desk.attest("ci", "--passphrase-env", "SIGNING_PASSPHRASE")[0] == 0
    assert "horse" not in desk.attestation.read_text()


def test_signing_changes_no_file_of_the_run(desk: Desk) -> None:
    before = {path: path.read_bytes() for path in desk.run.rglob("*") if path.is_file()}
    assert desk.attest()[0] == desk.approve("ana", "owner")[0] == desk.approve("boris", "risk")[0] == 0
    assert all(path.read_bytes() == data for path, data in before.items())
    code, out, _ = desk.call("verify", desk.run)
    assert code == 0, out


def test_the_attestation_goes_where_it_is_wanted(desk: Desk, tmp_path: Path) -> None:
    code, out, err = desk.attest("ci", "--out", "-")
    assert (code, desk.attestation.exists()) == (0, False)
    assert statement_of(out)["predicate"]["result"] == "PASSED"
    assert "PASSED" in err
    place = tmp_path / "elsewhere.json"
    assert desk.attest("ci", "--out", str(place))[0] == 0
    desk.approve("ana", "owner")
    desk.approve("boris", "risk")
    assert not desk.decide().allowed
    assert desk.decide(attestation=place).allowed


@pytest.mark.parametrize("name", ["verdict.json", "other.json", "approvals/x.dsse.json", "shards/../report.html"])
def test_no_file_of_a_run_is_replaced_by_an_attestation(desk: Desk, name: str) -> None:
    before = {path: path.read_bytes() for path in desk.run.rglob("*") if path.is_file()}
    code, _, err = desk.attest("ci", "--out", str(desk.run / name))
    assert (code, "is evidence" in err) == (2, True)
    assert {path: path.read_bytes() for path in desk.run.rglob("*") if path.is_file()} == before
    assert desk.attest("ci", "--out", str(desk.run / "shards" / ".." / "attestation.dsse.json"))[0] == 0


def test_a_run_made_again_is_signed_again_since_its_reports_are_other_files(desk: Desk) -> None:
    desk.signed()
    config = desk.shop / "configs" / "first-gate.yaml"
    assert desk.call("run", config, "--out", desk.run, "--fresh", "--quiet")[0] == 0
    assert "statement: is about another run: files of the run differ" in desk.denied()
    config.write_text(config.read_text().replace("seed: 1", "seed: 2"))
    assert desk.call("run", config, "--out", desk.run, "--quiet")[0] == 0
    found = desk.denied()
    assert "statement: is about another run: run, root, files of the run differ" in found
    assert "is about something else: run, root, files of the run differ" in found


def test_check_reads_policies_and_lists_of_keys(desk: Desk) -> None:
    desk.decide()
    code, out, _ = desk.call("check", desk.shop / "policy.yaml", desk.ring.trusted / "keys.yaml")
    assert code == 0
    assert "tiers: high" in out
    assert "4 keys" in out
    (desk.shop / "policy.yaml").write_text(POLICY.replace("approvals:", "aprovals:"))
    code, _, err = desk.call("check", desk.shop)
    assert code == 2
    assert "policy.yaml:4" in err


def statement_of(text: str) -> dict[str, Any]:
    found: dict[str, Any] = json.loads(base64.b64decode(json.loads(text)["payload"]))
    return found


def test_half_a_question_is_refused(desk: Desk) -> None:
    for more in (["--policy", "p"], ["--subject", "p"], ["--tier", "a"], ["--policy", "p", "--trusted-keys", "k"]):
        code, _, err = desk.call("verify", desk.run, *more)
        assert code == 2
        assert "must be named too" in err


def test_the_answer_as_json(desk: Desk) -> None:
    code, out, err = desk.signed().verify("--json")
    found = json.loads(out)["policy"]
    assert (code, found["allowed"], found["tier"], json.loads(out)["exit_code"]) == (0, True, "high", 0)
    assert "may be deployed" in err
    desk.approval("owner").unlink()
    code, out, _ = desk.verify("--json")
    found = json.loads(out)
    assert (code, found["policy"]["allowed"], found["exit_code"]) == (5, False, 5)
    assert [one["name"] for one in found["policy"]["checks"] if one["result"] == "denied"] == ["approvals"]


def test_quiet_says_what_is_denied_alone(desk: Desk) -> None:
    assert desk.signed().verify("--quiet") == (0, "", "")
    desk.approval("owner").unlink()
    code, out, _ = desk.verify("--quiet")
    assert code == 5
    assert out == "denied  approvals: nobody (else) approved as owner\n"


def test_a_failed_run_is_attested_as_failed_and_never_deployed(desk: Desk) -> None:
    """Baseline and candidate change places: the candidate is worse."""
    config = desk.shop / "configs" / "first-gate.yaml"
    text = config.read_text()
    config.write_text(text.replace("sentiment@1", "sentiment@x").replace("sentiment@2", "sentiment@1").replace("@x", "@2"))
    run = desk.shop / "worse"
    assert desk.call("run", config, "--out", run, "--quiet")[0] == 1
    shutil.rmtree(desk.run)
    run.rename(desk.run)
    assert desk.attest()[0] == 0
    code, _, err = desk.approve("ana", "owner")
    assert code == 0
    assert "an approval does not change it" in err
    desk.approve("boris", "risk")
    said = statement(desk.attestation)
    assert said["predicate"]["result"] == "FAILED"
    assert said["predicate"]["https://evalgate.example/run/v1"]["verdict"] == "fail"
    assert said["predicate"]["failedTests"]
    first = desk.prompt.with_name("1.prompt.yml")
    assert "verdict: the run's verdict is fail; accepted: pass" in desk.denied(subject=first)


def test_without_the_package_for_signatures_nothing_is_signed_or_allowed(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    desk.signed()
    monkeypatch.setitem(sys.modules, "cryptography", None)
    for code, _, err in (desk.attest(), desk.approve("carla", "owner"), desk.verify()):
        assert code == 3
        assert "evalgate-engine[sign]" in err


@pytest.mark.skipif(
    any(shutil.which(name) is None for name in ("bash", "jq", "openssl", "base64")), reason="bash, jq or openssl is not installed"
)
def test_the_documented_way_without_evalgate(desk: Desk, repository: Path) -> None:
    text = (repository / "docs" / "approval.md").read_text(encoding="utf-8")
    block = next(part for part in text.split("```bash\n")[1:] if "pkeyutl" in part).partition("```")[0]
    recipe = "set -euo pipefail\n" + block.replace("configs/prompts/recommend/2.prompt.yml", str(desk.prompt))
    place = desk.shop / "elsewhere"
    place.mkdir()
    shutil.copy(desk.ring.trusted / "ci.pem", place)
    shutil.copy(desk.signatures / "attestation.dsse.json", place)
    done = subprocess.run(["bash", "-c", recipe], cwd=place, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    assert hashlib.sha256(desk.prompt.read_bytes()).hexdigest() in done.stdout
    changed = json.loads((place / "attestation.dsse.json").read_text())
    body = base64.b64decode(changed["payload"]).replace(b'"result":"PASSED"', b'"result":"WARNED"')
    desk.rewrite(place / "attestation.dsse.json", payload=base64.b64encode(body).decode())
    assert subprocess.run(["bash", "-c", recipe], cwd=place, capture_output=True, check=False).returncode != 0


def test_the_judge_of_a_real_run_is_held_against_the_policy(repository: Path, tmp_path: Path) -> None:
    evalgate.run(repository / "configs" / "help-bot-judged.yaml", out=tmp_path / "run")
    facts = run_facts(tmp_path / "run")
    prompt = facts.materials["prompt:apology@1"]

    def denied(*judges: JudgePin) -> list[str]:
        tier = Tier("high", ApprovalRule(0), judges=judges)
        return [one.name for one in demanded_comparison(tier, facts) if one.mark is Mark.DENIED]

    assert denied(JudgePin("apology", prompt), JudgePin("other", prompt)) == []
    assert denied(JudgePin("apology", facts.prompt_digest)) == ["prompt of the judge apology"]
    assert denied(JudgePin("other", prompt)) == ["prompt of the judge apology"]
