"""`evalgate verify RUN --policy`: whether a prompt may be deployed. Files are read here; the rules are in `evidence`."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from evalgate.config.policy_file import read_policy
from evalgate.core.errors import BadInput, EvidenceMismatch
from evalgate.core.policy import Check, Mark, Policy, PolicyReport, TrustedKey
from evalgate.evidence.dsse import MAX_BYTES, Envelope, read_envelope, verified_by
from evalgate.evidence.policy_rules import Presented, SignedApproval, SignedAttestation, decide, tier_for
from evalgate.evidence.statements import PAYLOAD_TYPE, RunFacts, read_approved, read_attested
from evalgate.pipeline.signed_run import ATTESTATION, HINT, MAX_PROMPT, bytes_of, run_facts, signed_files
from evalgate.pipeline.trusted_keys import TrustedKeys, read_trusted_keys

MAX_APPROVALS = 200


@dataclass(frozen=True, slots=True)
class PolicyRequest:
    """What a deploy job asks."""

    policy: Path
    trusted_keys: Path
    subject: Path
    """The file of the prompt that is to be deployed."""
    tier: str | None = None
    attestation: Path | None = None
    """Where it is; None: in the run's folder."""


@dataclass(frozen=True, slots=True)
class _Opened:
    """A signed file, as far as it can be trusted."""

    payload: bytes | None = None
    keys: tuple[TrustedKey, ...] = ()
    fault: str | None = None
    stranger: str | None = None


def check_policy(run: Path, request: PolicyRequest, now: datetime | None = None) -> PolicyReport:
    """Decide whether a prompt may be deployed on the evidence of a run.

    `now`: the time to judge by; None: the clock.
    Raises:
        BadInput: policy, keys or subject cannot be used, there is no such folder, or several tiers could be meant.
        Incomplete: the package for signatures is missing.
    """
    policy, keys = read_policy(request.policy), read_trusted_keys(request.trusted_keys)
    sha256 = hashlib.sha256(bytes_of(request.subject, MAX_PROMPT)).hexdigest()
    if not run.is_dir():
        raise BadInput("there is no such folder", where=str(run), hint="name the folder of a finished run")
    try:
        facts = run_facts(run)
    except (BadInput, EvidenceMismatch) as error:
        denied = tuple(Check("integrity", Mark.DENIED, str(problem)) for problem in error.problems)
        return _report(policy, None, request, sha256, denied)
    tier, chosen = tier_for(policy, facts.gate, request.tier)
    checks = [Check("integrity", Mark.HOLDS, f"root {facts.root}"), chosen]
    if tier is not None:
        attestation = _attestation(request.attestation or run / ATTESTATION, keys)
        presented = Presented(facts, sha256, attestation, _approvals(run, keys), now or datetime.now(UTC), keys.known)
        try:
            checks += decide(tier, presented)
        except (KeyError, TypeError, ValueError, AttributeError) as error:
            said = f"its documents are not what evalgate writes ({type(error).__name__}: {str(error)[:100]}); {HINT}"
            checks.append(Check("documents", Mark.DENIED, said))
    return _report(policy, facts, request, sha256, tuple(checks))


def policy_document(report: PolicyReport) -> dict[str, Any]:
    """The report as JSON."""
    return {
        "schema": "evalgate.policy-report/1",
        "allowed": report.allowed,
        "policy": {"name": report.policy, "digest": report.policy_digest},
        "tier": report.tier,
        "gate": report.gate,
        "run_id": report.run_id,
        "subject": {"file": report.subject, "digest": report.subject_digest},
        "checks": [{"name": one.name, "result": str(one.mark), "said": one.said} for one in report.checks],
    }


def policy_lines(report: PolicyReport) -> list[str]:
    """The report as lines of text, what is denied last."""
    ordered = sorted(report.checks, key=lambda one: one.mark is Mark.DENIED)
    lines = [f"{one.mark!s:<7} {one.name}: {one.said}" for one in ordered]
    tier = f", tier {report.tier}" if report.tier is not None else ""
    verdict = "may be deployed" if report.allowed else "may not be deployed"
    return [*lines, f"policy {report.policy}{tier}: {report.subject} {verdict}"]


def _report(
    policy: Policy, facts: RunFacts | None, request: PolicyRequest, sha256: str, checks: tuple[Check, ...]
) -> PolicyReport:
    tier = next((one.said for one in checks if one.name == "tier" and one.mark is Mark.HOLDS), None)
    return PolicyReport(
        policy=policy.name,
        policy_digest=policy.digest,
        tier=tier,
        gate=facts.gate if facts is not None else "",
        run_id=facts.run_id if facts is not None else "",
        subject=str(request.subject),
        subject_digest=f"sha256:{sha256}",
        checks=checks,
    )


def _attestation(path: Path, keys: TrustedKeys) -> SignedAttestation:
    if not path.is_file():
        return SignedAttestation(None, fault=f"there is none: {path.name} is missing (evalgate attest makes it)")
    opened = _opened(path, keys)
    if opened.payload is None:
        return SignedAttestation(None, fault=opened.fault or opened.stranger)
    try:
        return SignedAttestation(read_attested(opened.payload), opened.keys)
    except ValueError as error:
        return SignedAttestation(None, fault=f"not an attestation: {error}")


def _approvals(run: Path, keys: TrustedKeys) -> tuple[SignedApproval, ...]:
    files = signed_files(run)
    if len(files) > MAX_APPROVALS:
        return (SignedApproval(f"{len(files)} files", None, fault=f"more than {MAX_APPROVALS}"),)
    return tuple(_approval(path, keys) for path in files)


def _approval(path: Path, keys: TrustedKeys) -> SignedApproval:
    opened = _opened(path, keys)
    if opened.payload is None:
        return SignedApproval(path.name, None, fault=opened.fault, stranger=opened.stranger)
    try:
        return SignedApproval(path.name, read_approved(opened.payload), opened.keys)
    except ValueError as error:
        return SignedApproval(path.name, None, fault=f"not an approval: {error}")


def _opened(path: Path, keys: TrustedKeys) -> _Opened:
    """A signed file verified: first the signature, then the type, and only then is the payload looked at."""
    try:
        envelope = read_envelope(bytes_of(path, MAX_BYTES))
    except (ValueError, BadInput) as error:
        return _Opened(fault=f"not a signed envelope: {error}")
    found = verified_by(envelope, tuple(keys.owners), keys.verify)
    if envelope.payload_type != PAYLOAD_TYPE:
        return _Opened(fault=f"its payload type is {envelope.payload_type[:100]!r}, not {PAYLOAD_TYPE}")
    if not found:
        return _unverified(envelope, keys)
    return _Opened(envelope.payload, tuple(keys.owners[keyid] for keyid in found))


def _unverified(envelope: Envelope, keys: TrustedKeys) -> _Opened:
    """Key ids are hints that nobody signed: here they only choose the words."""
    named = [keys.owners[one.keyid].name for one in envelope.signatures if one.keyid in keys.owners]
    if named:
        said = f"the signature is not that of {', '.join(named)}: payload, type or signature were changed"
        return _Opened(fault=said)
    shown = ", ".join(f"{one.keyid[:16]}…" if one.keyid else "(not named)" for one in envelope.signatures)
    return _Opened(stranger=f"signed with a key that is not trusted: {shown}")
