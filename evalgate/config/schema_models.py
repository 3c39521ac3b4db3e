"""The shape of a gate configuration as pydantic models: what is checked, and what editors are told.

Thresholds, metrics and detectors are read by their own modules, which `evalgate compare` shares.
"""

from __future__ import annotations

from typing import Annotated, Any, Literal

from pydantic import Field, StringConstraints

from evalgate.config.answer_models import ModelEntry, ProxyEntry
from evalgate.config.model_entries import VARIABLE
from evalgate.config.strict_model import StrictModel, Text

GateName = Annotated[str, StringConstraints(pattern=r"^[a-z0-9][a-z0-9._-]{0,63}$")]
Report = Literal["html", "junit", "markdown", "github", "gitlab", "sarif", "json", "csv"]
_LEFT_OUT: Any = None


class VariantEntry(StrictModel):
    """One side of the comparison."""

    prompt: Text = Field(description="name@version under configs/prompts/, or a path.")
    model: Text = Field(description="An alias from `models`.")


class VariantEntries(StrictModel):
    """The two sides of the comparison."""

    baseline: VariantEntry = Field(description="What is in use today.")
    candidate: VariantEntry = Field(description="What may replace it.")


class FindingsEntry(StrictModel):
    """What reports show of what detectors found, and which findings are waived."""

    text: Literal["masked", "shown"] = Field(default="masked", description="What reports show of the texts that were found.")
    key_env: str = Field(
        default=_LEFT_OUT,
        description="The name of the environment variable with the key of the hashes; never the key. Default: a public key.",
        json_schema_extra={"pattern": f"^{VARIABLE.pattern}$"},
    )
    waivers: Text = Field(default=_LEFT_OUT, description="The allow file: findings with owner, reason and last day.")


class ExecutionEntry(StrictModel):
    """Where the work is done; changes no result."""

    backend: Text = Field(default=_LEFT_OUT, description="loky, threading, sequential, dask or ray.")
    address: Text = Field(default=_LEFT_OUT, description="The cluster: tcp://scheduler:8786 for dask, head:6379 for ray.")
    storage: Text = Field(default=_LEFT_OUT, description="A store that all workers reach, such as s3://bucket/prefix.")
    jobs: int = Field(default=_LEFT_OUT, ge=1, le=1024, description="Workers.")


class GateFile(StrictModel):
    """May this candidate replace that baseline? One gate of evalgate."""

    gate: GateName = Field(description="Name of the gate: small letters, digits, dots, dashes.")
    description: str | None = Field(default=None, max_length=10_000, description="For readers; changes nothing.")
    dataset: Text = Field(description="name@version under datasets/, or a path.")
    variants: VariantEntries
    models: Annotated[dict[Text, ModelEntry], Field(min_length=1, description="Model aliases.")]
    proxy: ProxyEntry
    samples: int = Field(default=1, ge=1, le=100, description="Repeats per case.")
    metrics: Any = Field(default=None, description="What to measure: names, or {name: {parameter: value}}.")
    safety: Any = Field(default=None, description="Detectors to run: names, or {name: {parameter: value}}.")
    findings: FindingsEntry = Field(default=_LEFT_OUT, description="What becomes of the findings of detectors.")
    slices: list[Text] = Field(default=[], description="Columns of the dataset to judge apart.")
    thresholds: Any = Field(description="The conditions under which the candidate may pass.")
    confidence: float = Field(default=0.95, gt=0.5, lt=1, description="One-sided, for each threshold.")
    seed: int = Field(default=0, ge=0, description="Seed of the resampling.")
    resamples: int | None = Field(default=None, ge=100, le=1_000_000, description="Bootstrap replicates.")
    reports: list[Report] = Field(default=["html", "junit", "markdown"], description="Reports to write.")
    execution: ExecutionEntry = Field(default=_LEFT_OUT, description="Where the work is done; the command line wins.")
