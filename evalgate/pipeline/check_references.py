"""Whether the metrics of a gate can compare with every reference: `check` refuses what `run` would refuse later."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from evalgate.core.canonical import json_line
from evalgate.core.errors import BadInput, Incomplete, Problem
from evalgate.core.values import ARMS, Case, Output
from evalgate.golden.cases import references_of
from evalgate.golden.health.references import has_content
from evalgate.pipeline.instruments import Instruments
from evalgate.runner.measure import MetricTool, metric_rows

_SHORT = 4
"""Characters of a text that normalising may leave nothing of: an article, a mark."""
_MOST = 500
"""Different references that are tried with one metric."""


class ReferenceTrial:
    """Holds every case against the metrics that need references.

    Tried with the metric itself are objects, and references that say nothing or little enough for normalising to take it away.
    """

    def __init__(self, built: Instruments) -> None:
        self.problems: list[Problem] = []
        instruments = [one for one in built.metrics if one.spec.needs_reference]
        self._tools = [MetricTool(one.metric, one.spec, one.task.reference) for one in instruments]
        self._tried: dict[str, set[str]] = {tool.spec.name: set() for tool in self._tools}

    def add(self, case: Case) -> None:
        """Take in the next case; of a metric's problems only those of the first faulty case are kept."""
        for tool in self._tools:
            references = case.references
            if tool.reference is not None:
                references = references_of({tool.reference: case.fields.get(tool.reference)}, (tool.reference,))
            if not (references and all(map(_says_enough, references))) and self._is_new(tool, references):
                self._try(tool, case)

    def _is_new(self, tool: MetricTool, references: tuple[Any, ...]) -> bool:
        only = references[0] if len(references) == 1 else None
        text = only if isinstance(only, str) else json_line(references)
        tried = self._tried[tool.spec.name]
        if text in tried or len(tried) >= _MOST:
            return False
        tried.add(text)
        return True

    def _try(self, tool: MetricTool, case: Case) -> None:
        answers = ((Output(text=""),),)
        try:
            metric_rows(tool, dict.fromkeys(ARMS, answers), [case])
        except BadInput as error:
            self.problems += error.problems
            self._tools = [other for other in self._tools if other is not tool]
        except Incomplete:
            return  # about the made-up answer, not about the reference

    def require(self) -> None:
        """Refuse a dataset with which a metric cannot work.

        Raises: BadInput with the first case of each metric.
        """
        if self.problems:
            raise BadInput(self.problems)


def _says_enough(reference: Any) -> bool:
    if isinstance(reference, str):
        return len(reference) > _SHORT and any(map(str.isalnum, reference))
    if isinstance(reference, Sequence):
        return bool(reference) and all(map(_says_enough, reference))
    return not isinstance(reference, Mapping) and has_content(reference)
