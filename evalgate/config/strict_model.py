"""What all pydantic models of the configuration have in common."""

from __future__ import annotations

from typing import Annotated

from pydantic import BaseModel, ConfigDict, StringConstraints

Text = Annotated[str, StringConstraints(min_length=1, max_length=500, pattern=r"^[^\x00-\x1f\x7f]+$")]


class StrictModel(BaseModel):
    """No unknown key, no conversion: `"5"` is not 5."""

    model_config = ConfigDict(extra="forbid", strict=True, frozen=True)
