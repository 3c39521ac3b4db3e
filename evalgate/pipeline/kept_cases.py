"""The cases of a finished run as its shards keep them, with their answers: what can be measured again."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from evalgate.core.values import ARMS
from evalgate.pipeline.rederived import Stated
from evalgate.runner.answers import Answers, rendered
from evalgate.runner.case_lines import CaseLine
from evalgate.runner.kept_answers import line_in
from evalgate.runner.repeats import repeats_in
from evalgate.runner.shard_file import read_details, shard_path


@dataclass(slots=True)
class CaseKeeper:
    """Reads the cases of a run with their answers, shard by shard."""

    said: Stated
    groups: dict[str, int] = field(default_factory=dict)

    def shards(self) -> Iterator[tuple[int, list[CaseLine], Answers, Sequence[Mapping[str, Any]]]]:
        """(shard, cases, answers, details)."""
        for shard in range(len(self.said.receipts)):
            ids, details = read_details(shard_path(self.said.run.folder, shard))
            lines = [line_in(one, detail, self._group(detail["group"])) for one, detail in zip(ids, details, strict=True)]
            yield shard, lines, self._answers(lines), details

    def _group(self, label: str | None) -> int | None:
        return None if label is None else self.groups.setdefault(label, len(self.groups))

    def _answers(self, lines: Sequence[CaseLine]) -> Answers:
        """With the prompt that each answers, rendered again from the plan."""
        found = {str(arm): tuple(line.outputs[arm] for line in lines) for arm in ARMS}
        for arm, prompt in self.said.gate.prompts.items():
            asked = [rendered(line, prompt) for line in lines]
            pairs = zip(found[arm], asked, strict=True)
            found[arm] = tuple(tuple(replace(one, messages=messages) for one in outputs) for outputs, messages in pairs)
        return found


def repeats_of(said: Stated) -> Mapping[str, Mapping[str, float]]:
    """How often the same answer was given, where a detector of the run asks for it; else nothing."""
    asked = [spec.repeated for _, spec in said.gate.built.detectors if spec.repeated is not None]
    if not asked:
        return {}
    pairs = ((lines, answers) for _, lines, answers, _ in CaseKeeper(said).shards())
    return repeats_in(pairs, said.gate.settings.samples if said.gate.is_gate else 1, min(asked))
