"""What a policy asks of a run before its prompt may be deployed, and whose signature counts: parsed values, nothing decided."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import timedelta
from enum import StrEnum
from typing import Any

from evalgate.core.settings import PluginChoice, Threshold

CHAT = "chat/completions"
"""The endpoint of a model for which none is written."""
GATE_ROLE = "gate"
"""The role of a key that signs attestations, unless the tier names others."""


@dataclass(frozen=True, slots=True)
class ApprovalRule:
    """Who has to approve."""

    least: int
    """Distinct people with distinct keys."""
    roles: tuple[str, ...] = ()
    """Each of them must approve, each by another person; approvals in other roles do not count."""
    not_author: bool = True
    """Whether the author of the prompt, and whoever signed the attestation, cannot approve."""
    max_age: timedelta | None = None
    """None: an approval does not expire."""


@dataclass(frozen=True, slots=True)
class DatasetPin:
    """One version of a dataset."""

    content: str
    """Digest of its rows."""
    card: str
    """Digest of its card, which says what the columns mean."""


@dataclass(frozen=True, slots=True)
class ModelPin:
    """A model as it may be asked."""

    provider: str
    name: str
    parameters: Mapping[str, Any] = field(default_factory=dict)
    """Exactly what is sent: the model's parameters with the prompt's own on top."""
    endpoint: str = CHAT


@dataclass(frozen=True, slots=True)
class JudgePin:
    """A model as judge, with what it may be told."""

    judge: str
    """As plan.json names it: the safety category, or `metric NAME`."""
    prompt: str
    """Digest of its prompt."""


@dataclass(frozen=True, slots=True)
class Tier:
    """What is asked of a run of one risk tier. Whatever is not said is the strictest."""

    name: str
    approvals: ApprovalRule
    gates: tuple[str, ...] = ()
    """Gates that belong to this tier and to no other; empty: any gate that no tier names."""
    verdicts: tuple[str, ...] = ("pass",)
    evidence: tuple[str, ...] = ("replay",)
    """Where the answers may come from: `replay`, `live`."""
    signers: tuple[str, ...] = (GATE_ROLE,)
    """Roles that may sign the attestation."""
    max_age: timedelta | None = None
    """Of the attestation. None: it does not expire."""
    confidence: float = 0.95
    """The least confidence of the gate: a lower one makes every threshold easier to pass."""
    waivers: bool = False
    """Whether waived findings are accepted."""
    thresholds: tuple[Threshold, ...] = ()
    """The gate must have each of them, at least as strict, blocking, and passed."""
    metrics: tuple[PluginChoice, ...] = ()
    """The gate must measure each of them, with exactly these parameters."""
    detectors: tuple[PluginChoice, ...] = ()
    """The gate must run each of them, with exactly these parameters."""
    datasets: Mapping[str, DatasetPin] = field(default_factory=dict)
    """`name@version` → its digests; empty: any dataset."""
    engines: tuple[str, ...] = ()
    """Versions of evalgate; empty: any."""
    baselines: tuple[str, ...] = ()
    """Digests of prompts with which a candidate may be compared; empty: any."""
    models: tuple[ModelPin, ...] = ()
    """Both variants and every judge must be answered by one of them; empty: any."""
    judges: tuple[JudgePin, ...] = ()
    """Every judge must be one of them, asked with this prompt; empty: any."""
    resamples: int | None = None
    """The least number of resamples; None: any."""
    seeds: tuple[int, ...] = ()
    """Seeds of the resampling; empty: any."""
    place: str = ""


@dataclass(frozen=True, slots=True)
class Policy:
    """A policy file."""

    name: str
    tiers: Mapping[str, Tier]
    digest: str
    """SHA-256 of the file."""
    place: str = ""


@dataclass(frozen=True, slots=True)
class TrustedKey:
    """A public key, and what its owner may sign."""

    keyid: str
    """SHA-256 of the SubjectPublicKeyInfo, 64 hexadecimal digits."""
    name: str
    """The person or the job behind it."""
    roles: tuple[str, ...]
    file: str
    also: tuple[str, ...] = ()
    """Other names of the same person, such as their account on the platform."""

    @property
    def names(self) -> tuple[str, ...]:
        """Every name under which the owner is known."""
        return (self.name, *self.also)


@dataclass(frozen=True, slots=True)
class ListedKey:
    """What a list of trusted keys says of one file."""

    name: str
    roles: tuple[str, ...]
    also: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class KeyList:
    """A list of trusted keys."""

    keys: Mapping[str, ListedKey]
    """By the names of their files."""
    people: tuple[str, ...] = ()
    """Names of people who have no key: they write prompts, and approve nothing."""


class Mark(StrEnum):
    """What became of one demand."""

    HOLDS = "holds"
    DENIED = "denied"
    NOTED = "noted"
    """Worth knowing; decides nothing."""


@dataclass(frozen=True, slots=True)
class Check:
    """One demand, held against the evidence."""

    name: str
    mark: Mark
    said: str


def check(name: str, holds: bool, said: str, otherwise: str) -> Check:
    """A demand that holds, with `said`, or is denied, with `otherwise`."""
    return Check(name, Mark.HOLDS, said) if holds else Check(name, Mark.DENIED, otherwise)


@dataclass(frozen=True, slots=True)
class PolicyReport:
    """Whether a prompt may be deployed, and why."""

    policy: str
    policy_digest: str
    tier: str | None
    """None: the policy has no tier for the run."""
    gate: str
    run_id: str
    subject: str
    """The file of the prompt that is to be deployed."""
    subject_digest: str
    checks: tuple[Check, ...]

    @property
    def allowed(self) -> bool:
        """Whether every demand holds; no demand at all is no permission."""
        marks = {one.mark for one in self.checks}
        return Mark.HOLDS in marks and Mark.DENIED not in marks

    @property
    def denials(self) -> tuple[Check, ...]:
        """What does not hold."""
        return tuple(one for one in self.checks if one.mark is Mark.DENIED)
