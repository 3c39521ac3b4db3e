"""The shape of a gate configuration as pydantic models: what is checked, and what editors are told.

Thresholds, metrics and detectors are read by their own modules, which `evalgate compare` shares.
"""

from __future__ import annotations

from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field, StringConstraints

Text = Annotated[str, StringConstraints(min_length=1, max_length=500, pattern=r"^[^\x00-\x1f\x7f]+$")]
GateName = Annotated[str, StringConstraints(pattern=r"^[a-z0-9][a-z0-9._-]{0,63}$")]
Price = Annotated[float, Field(ge=0, le=1_000_000, allow_inf_nan=False)]
Report = Literal["html", "junit", "markdown"]
Mode = Literal["replay", "record", "refresh", "mock", "live"]


class _Strict(BaseModel):
    """No unknown key, no conversion: `"5"` is not 5."""

    model_config = ConfigDict(extra="forbid", strict=True, frozen=True)


class PriceEntry(_Strict):
    """What calls of a model cost."""

    input: Price = Field(description="US dollars per million prompt tokens.")
    output: Price = Field(description="US dollars per million completion tokens.")


class ModelEntry(_Strict):
    """What a model alias stands for."""

    provider: Text = Field(description="Who answers: openai for every OpenAI-compatible server.")
    name: Text = Field(description="The model's name, as the provider calls it.")
    parameters: dict[str, Any] = Field(default={}, description="Sampling parameters sent with every request.")
    price: PriceEntry | None = Field(default=None, description="The price of its tokens, for the metric cost.")


class VariantEntry(_Strict):
    """One side of the comparison."""

    prompt: Text = Field(description="name@version under configs/prompts/, or a path.")
    model: Text = Field(description="An alias from `models`.")


class VariantEntries(_Strict):
    """The two sides of the comparison."""

    baseline: VariantEntry = Field(description="What is in use today.")
    candidate: VariantEntry = Field(description="What may replace it.")


class ProxyEntry(_Strict):
    """Where answers come from."""

    mode: Mode = Field(default="replay", description="replay needs no key and no network.")
    recording: Text = Field(description="Name under datasets/recordings/, or a path.")


class GateFile(_Strict):
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
    slices: list[Text] = Field(default=[], description="Columns of the dataset to judge apart.")
    thresholds: Any = Field(description="The conditions under which the candidate may pass.")
    confidence: float = Field(default=0.95, gt=0.5, lt=1, description="One-sided, for each threshold.")
    seed: int = Field(default=0, ge=0, description="Seed of the resampling.")
    resamples: int | None = Field(default=None, ge=100, le=1_000_000, description="Bootstrap replicates.")
    reports: list[Report] = Field(default=["html", "junit", "markdown"], description="Reports to write.")
