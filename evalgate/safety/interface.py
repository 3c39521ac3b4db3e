"""What every detector is: a stateless function from one output to its findings."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Protocol, runtime_checkable

from evalgate.core.values import Case, DetectorSpec, Finding, Output


@runtime_checkable
class Detector(Protocol):
    """Finds safety violations in one output; deterministic, no network, spans inside the text."""

    @property
    def spec(self) -> DetectorSpec:
        """The facts of this detector with its parameters."""
        ...

    def findings(self, output: Output, case: Case) -> tuple[Finding, ...]:
        """All violations in one output, sorted by start.

        Raises: BadInput naming the case when the case lacks what the detector needs (a planted canary, say).
        """
        ...


class DetectorFactory(Protocol):
    """What the catalog (or an entry point of `evalgate.detectors`) names: parameters → a detector.

    Raises: BadInput for an unknown parameter or a wrong value, with a suggestion.
    """

    def __call__(self, parameters: Mapping[str, Any]) -> Detector:
        """Build the detector."""
        ...
