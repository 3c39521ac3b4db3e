"""The shape of a policy file and of the list of trusted keys as pydantic models."""

from __future__ import annotations

from typing import Annotated, Any, Literal

from pydantic import Field, StringConstraints

from evalgate.config.schema_models import GateName
from evalgate.config.strict_model import StrictModel, Text

Name = Annotated[str, StringConstraints(pattern=r"^[a-z0-9][a-z0-9._-]{0,63}$")]
_LEFT_OUT: Any = None
Seed = Annotated[int, Field(ge=0)]
AGE = Annotated[str, StringConstraints(pattern=r"^[1-9][0-9]{0,4}[mhdw]$")]


class ApprovalsEntry(StrictModel):
    """Who has to approve."""

    min: int = Field(ge=0, le=100, description="Distinct people with distinct keys; 0 asks nobody.")
    roles: list[Name] = Field(default=[], description="Each of them must approve, each by another person.")
    not_author: bool = Field(default=True, description="The author and whoever attested cannot approve.")
    max_age: AGE = Field(default=_LEFT_OUT, description="How old an approval may be: 30m, 12h, 7d, 4w.")


class DatasetEntry(StrictModel):
    """One version of a dataset."""

    content: Text = Field(description="Digest of its rows.")
    card: Text = Field(description="SHA-256 of its card, which says what the columns mean.")


class ModelPinEntry(StrictModel):
    """A model, with exactly the parameters that are sent to it."""

    provider: Text = Field(description="Who answers.")
    name: Text = Field(description="The model's name, as the provider calls it.")
    parameters: dict[str, Any] = Field(default={}, description="The model's parameters with the prompt's own on top.")
    endpoint: Literal["chat/completions", "responses"] = Field(default="chat/completions", description="What is called.")


class JudgePinEntry(StrictModel):
    """A model as judge, with the prompt that it is asked with."""

    judge: Text = Field(description="The safety category that it judges, or `metric NAME`.")
    prompt: Text = Field(description="Digest of its prompt: `prompt_digest` under `judges` in plan.json.")


class TierEntry(StrictModel):
    """What is asked of a run of this tier."""

    approvals: ApprovalsEntry
    gates: list[GateName] = Field(default=_LEFT_OUT, min_length=1, description="Gates that belong to this tier alone.")
    verdicts: list[Literal["pass", "inconclusive"]] = Field(default=["pass"], min_length=1, description="Accepted verdicts.")
    evidence: list[Literal["replay", "live"]] = Field(default=["replay"], min_length=1, description="Accepted modes.")
    signers: list[Name] = Field(default=["gate"], min_length=1, description="Roles that may sign the attestation.")
    max_age: AGE = Field(default=_LEFT_OUT, description="How old the attestation may be.")
    confidence: float = Field(default=0.95, gt=0.5, lt=1, description="The least confidence of the gate.")
    waivers: bool = Field(default=False, description="Whether waived findings are accepted.")
    thresholds: Any = Field(default=_LEFT_OUT, description="The gate must have each, at least as strict, blocking, passed.")
    metrics: Any = Field(default=_LEFT_OUT, description="The gate must measure each.")
    detectors: Any = Field(default=_LEFT_OUT, description="The gate must run each.")
    datasets: dict[Text, DatasetEntry] = Field(default=_LEFT_OUT, min_length=1, description="name@version: its digests.")
    engines: list[Text] = Field(default=_LEFT_OUT, min_length=1, description="Accepted versions of evalgate.")
    baselines: list[Text] = Field(default=_LEFT_OUT, min_length=1, description="Digests of prompts to compare with.")
    models: list[ModelPinEntry] = Field(default=_LEFT_OUT, min_length=1, description="Every model that the run asks.")
    judges: list[JudgePinEntry] = Field(default=_LEFT_OUT, min_length=1, description="Every judge, with its prompt.")
    resamples: int = Field(default=_LEFT_OUT, ge=100, le=1_000_000, description="The least number of resamples.")
    seeds: list[Seed] = Field(default=_LEFT_OUT, min_length=1, description="Accepted seeds of the resampling.")


class PolicyFile(StrictModel):
    """What is asked before a prompt may be deployed."""

    policy: Name = Field(description="Name of the policy.")
    description: str | None = Field(default=None, max_length=10_000, description="For readers; changes nothing.")
    tiers: Annotated[dict[Name, TierEntry], Field(min_length=1, description="Risk tiers.")]


class KeyEntry(StrictModel):
    """Whose key it is."""

    name: Text = Field(description="The person or the job behind it.")
    roles: list[Name] = Field(min_length=1, description="What it may sign.")
    also: list[Text] = Field(default=_LEFT_OUT, min_length=1, description="Other names of the same person: their account.")


class KeysFile(StrictModel):
    """Trusted public keys, by the names of their files."""

    keys: Annotated[dict[Text, KeyEntry], Field(min_length=1, description="FILE.pem: {name, roles}.")]
    people: list[Text] = Field(default=_LEFT_OUT, min_length=1, description="Authors of prompts who have no key.")
