"""What is signed about a run: the result of its tests, and a reviewer's approval, as in-toto statements.

Sources: in-toto Statement v1 and test-result v0.1 (https://github.com/in-toto/attestation). The predicate of an approval and
the extension of the test result are evalgate's own; their URIs are names and lead nowhere.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, date, datetime
from typing import Any

from evalgate.core.canonical import canonical_json, digest
from evalgate.core.strict_json import parse_json

PAYLOAD_TYPE = "application/vnd.in-toto+json"
STATEMENT = "https://in-toto.io/Statement/v1"
TEST_RESULT = "https://in-toto.io/attestation/test-result/v0.1"
APPROVAL = "https://evalgate.example/approval/v1"
RUN = "https://evalgate.example/run/v1"
"""Member of the test result that says which run it is about, and its exact verdict."""
MAX_TEXT = 2_000
MAX_AUTHORS = 100
_HEX = re.compile(r"[0-9a-f]{64}")
_DIGEST = re.compile(r"sha256:[0-9a-f]{64}")
_TIME = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ", re.ASCII)
_MARKS = {"pass": "passedTests", "warn": "warnedTests", "fail": "failedTests"}


@dataclass(frozen=True, slots=True)
class PromptFile:
    """The tested thing: the file of the candidate's prompt."""

    name: str
    sha256: str
    """Of its bytes, 64 hexadecimal digits."""
    git_blob: str
    """What Git calls a file with these bytes, 40 hexadecimal digits."""


@dataclass(frozen=True, slots=True)
class RunFacts:
    """What of a finished run goes into a statement, and what a policy is held against."""

    gate: str
    run_id: str
    root: str
    """Root digest of the manifest."""
    verdict: str
    mode: str
    engine: str
    prompt: str
    prompt_digest: str
    """Of the candidate, its meaning and not its bytes."""
    plan: Mapping[str, Any]
    document: Mapping[str, Any]
    """verdict.json."""
    materials: Mapping[str, str]
    """Name → digest: configuration, dataset, recording, plan …"""
    products: Mapping[str, str]
    """File of the run → digest."""
    resamples: int = 0
    """How many were drawn at least: as the plan says it, else evalgate's own number for as many cases."""
    times: tuple[datetime, datetime] | None = None
    """When it began and ended, as run.json says it; None: it does not."""
    day: date | None = None
    """On which its waivers were judged; None: it has no allow file."""


@dataclass(frozen=True, slots=True)
class Attested:
    """What an attestation says, once its signature was verified."""

    sha256: str
    result: str
    gate: str
    run_id: str
    root: str
    verdict: str
    prompt_digest: str
    time: datetime
    authors: tuple[str, ...]
    products: str
    """Digest of the list of the run's files: none can be exchanged after the signature."""


@dataclass(frozen=True, slots=True)
class Approved:
    """What an approval says, once its signature was verified."""

    sha256: str
    gate: str
    run_id: str
    root: str
    verdict: str
    prompt_digest: str
    time: datetime
    role: str
    reason: str
    by: str | None
    products: str
    """Digest of the list of the run's files."""


@dataclass(frozen=True, slots=True)
class Signing:
    """What whoever signs adds to the facts."""

    time: datetime
    authors: tuple[str, ...] = ()
    """Of an attestation: who wrote the prompt."""
    url: str | None = None
    """Of an attestation: the page of the CI run."""
    role: str = ""
    reason: str = ""
    by: str | None = None
    """Of an approval: who approves."""


def test_result(facts: RunFacts, prompt: PromptFile, signing: Signing) -> bytes:
    """The attestation of a run. Only a pass is PASSED: whoever reads WARNED as good enough must not meet an inconclusive run."""
    tests: dict[str, list[str]] = {name: [] for name in _MARKS.values()}
    for one in facts.document["thresholds"]:
        tests[_MARKS[_mark(one)]].append(test_name(one))
    predicate: dict[str, Any] = {
        "result": "PASSED" if facts.verdict == "pass" else "FAILED",
        "configuration": _configuration(facts),
        **tests,
        RUN: {
            **_about(facts, signing.time),
            "mode": facts.mode,
            "engine": {"name": "evalgate", "version": facts.engine},
            **_authors(signing.authors),
        },
    }
    if signing.url is not None:
        predicate["url"] = signing.url
    return _statement(prompt, TEST_RESULT, predicate)


def approval(facts: RunFacts, prompt: PromptFile, signing: Signing) -> bytes:
    """A reviewer's statement about a run; it changes no verdict."""
    said = {"role": signing.role, "reason": signing.reason, **({} if signing.by is None else {"by": signing.by})}
    return _statement(prompt, APPROVAL, {**_about(facts, signing.time), **said})


def test_name(threshold: Mapping[str, Any]) -> str:
    """A threshold of verdict.json by a name that stays the same from run to run: `metric:rougeL min_improvement 5%`."""
    where = f" [{threshold['slice']}]" if threshold["slice"] is not None else ""
    severity = f" ({threshold['severity']} or worse)" if threshold.get("severity") else ""
    return f"{threshold['target']}{severity}{where} {threshold['bound']} {threshold['value']}"


def read_attested(payload: bytes) -> Attested:
    """Read the payload of a verified attestation.

    Raises: ValueError for anything that is not a test result of evalgate.
    """
    subject, predicate = _parsed(payload, TEST_RESULT)
    own = _mapping(predicate, RUN)
    result = _text(predicate, "result")
    attested = Attested(subject, result, **_read_about(own), authors=_read_authors(own))
    if result != ("PASSED" if attested.verdict == "pass" else "FAILED"):
        raise ValueError(f"it says {result} of the verdict {attested.verdict!r}")
    return attested


def read_approved(payload: bytes) -> Approved:
    """Read the payload of a verified approval.

    Raises: ValueError for anything that is not an approval of evalgate.
    """
    subject, predicate = _parsed(payload, APPROVAL)
    role, reason = _text(predicate, "role"), _text(predicate, "reason")
    if not reason.strip():
        raise ValueError("reason is empty")
    return Approved(subject, **_read_about(predicate), role=role, reason=reason, by=_text_or_none(predicate, "by"))


def _authors(names: tuple[str, ...]) -> dict[str, Any]:
    """One author is a text, as it always was; an evalgate that knows of one alone finds none in a list, and denies."""
    return {"author": names[0]} if len(names) == 1 else {"authors": list(names)} if names else {}


def _read_authors(value: Mapping[str, Any]) -> tuple[str, ...]:
    one = _text_or_none(value, "author")
    several = value.get("authors", [])
    valid = isinstance(several, list) and len(several) <= MAX_AUTHORS and ("authors" not in value or (several and one is None))
    if not valid or any(not isinstance(name, str) or not name.strip() or len(name) > MAX_TEXT for name in several):
        raise ValueError("authors is not a list of names, or stands beside author")
    return tuple(several) if one is None else (one,)


def _about(facts: RunFacts, time: datetime) -> dict[str, Any]:
    return {
        "gate": facts.gate,
        "runId": facts.run_id,
        "root": facts.root,
        "verdict": facts.verdict,
        "prompt": facts.prompt,
        "promptDigest": facts.prompt_digest,
        "products": digest(dict(facts.products)),
        "time": time.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ"),
    }


def _read_about(value: Mapping[str, Any]) -> dict[str, Any]:
    said = {name: _text(value, key) for name, key in (("gate", "gate"), ("run_id", "runId"), ("verdict", "verdict"))}
    for name, key in (("root", "root"), ("prompt_digest", "promptDigest"), ("products", "products")):
        said[name] = _text(value, key)
        if not _DIGEST.fullmatch(said[name]):
            raise ValueError(f"{key} is no digest")
    return {**said, "time": _read_time(_text(value, "time"))}


def _read_time(text: str) -> datetime:
    if not _TIME.fullmatch(text):
        raise ValueError("time is not of the form 2026-12-31T23:59:59Z")
    return datetime.strptime(text, "%Y-%m-%dT%H:%M:%SZ").replace(tzinfo=UTC)


def _statement(prompt: PromptFile, kind: str, predicate: Mapping[str, Any]) -> bytes:
    digests = {"sha256": prompt.sha256, "gitBlob": prompt.git_blob}
    subject = [{"name": prompt.name, "digest": digests}]
    return canonical_json({"_type": STATEMENT, "subject": subject, "predicateType": kind, "predicate": predicate})


def _configuration(facts: RunFacts) -> list[dict[str, Any]]:
    """What the run was made from, by digests; of the products the reports that people read."""
    named = {**facts.materials, "root": facts.root}
    shown = {
        name: found
        for name, found in facts.products.items()
        if name in ("report.html", "verdict.json", "plan.json", "record.json")
    }
    entries = [*sorted(named.items()), *sorted(shown.items())]
    return [{"name": name, "digest": {"sha256": found.removeprefix("sha256:")}} for name, found in entries]


def _mark(threshold: Mapping[str, Any]) -> str:
    if threshold["verdict"] == "pass":
        return "pass"
    return "warn" if threshold["level"] == "warn" else "fail"


def _parsed(payload: bytes, kind: str) -> tuple[str, Mapping[str, Any]]:
    """SHA-256 of the only subject, and the predicate."""
    value = parse_json(payload.decode("utf-8"))
    if not isinstance(value, dict) or value.get("_type") != STATEMENT:
        raise ValueError("not an in-toto Statement v1")
    if value.get("predicateType") != kind:
        raise ValueError(f"its predicate is {str(value.get('predicateType'))[:100]!r}, not {kind}")
    subjects = value.get("subject")
    if not isinstance(subjects, list) or len(subjects) != 1 or not isinstance(subjects[0], dict):
        raise ValueError("it must have one subject")
    found = _text(_mapping(subjects[0], "digest"), "sha256")
    if not _HEX.fullmatch(found):
        raise ValueError("the digest of its subject is not SHA-256")
    return found, _mapping(value, "predicate")


def _mapping(value: Mapping[str, Any], key: str) -> Mapping[str, Any]:
    found = value.get(key)
    if not isinstance(found, dict):
        raise ValueError(f"{key} is missing or not an object")
    return found


def _text(value: Mapping[str, Any], key: str) -> str:
    found = value.get(key)
    if not isinstance(found, str) or not found or len(found) > MAX_TEXT:
        raise ValueError(f"{key} is missing, empty, too long or not a text")
    return found


def _text_or_none(value: Mapping[str, Any], key: str) -> str | None:
    return None if key not in value else _text(value, key)
