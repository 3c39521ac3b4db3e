"""evalgate: the evaluation gate for LLM prompts. May this candidate replace that baseline?

The Python API is three names: `run`, `compare` and the `RunResult` that both return. Nothing heavy is imported
before one of them is used.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

__version__ = "0.1.0"

if TYPE_CHECKING:
    from evalgate.pipeline.api import RunResult, compare, run

__all__ = ["RunResult", "__version__", "compare", "run"]


def __getattr__(name: str) -> Any:
    if name in {"run", "compare", "RunResult"}:
        from evalgate.pipeline import api

        return getattr(api, name)
    raise AttributeError(f"module 'evalgate' has no attribute {name!r}")
