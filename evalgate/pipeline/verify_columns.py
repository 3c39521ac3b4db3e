"""What stands in a shard's columns and follows from its texts and rows: held against them, cheaply."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from evalgate.core.values import ARMS, Arm, Status
from evalgate.core.waivers import waived
from evalgate.evidence.verification import Difference
from evalgate.pipeline.rederived import Stated
from evalgate.pipeline.scorers import scorer
from evalgate.runner.finding_marks import found_from
from evalgate.runner.findings import worst_rank
from evalgate.runner.shard_file import ShardNumbers, column_names, read_details, read_outputs, shard_path
from evalgate.stats.draws import case_keys

Details = Sequence[Mapping[str, Any]]
TOLERANCE = 1e-12


@dataclass(slots=True)
class _Groups:
    """Numbers of clusters by their first appearance, over all shards."""

    numbers: dict[str, int] = field(default_factory=dict)

    def of(self, details: Details) -> Any:
        """(n,) cluster numbers; None where a case has none."""
        names = [detail["group"] for detail in details]
        found = [None if one is None else self.numbers.setdefault(one, len(self.numbers)) for one in names]
        return None if None in found else np.array(found, dtype=np.int64)


def column_differences(said: Stated) -> Iterator[Difference]:
    """Columns that are not what the texts, findings and rows of the same shard give.

    The digest under the root is over ids, texts, findings, rows and severities; this covers everything else.
    """
    groups = _Groups()
    for shard in range(len(said.receipts)):
        path = shard_path(said.run.folder, shard)
        ids, details = read_details(path)
        if further := sorted(Counter(column_names(path)) - Counter(_written(said))):
            told = f"has columns that no run writes: {', '.join(map(repr, further[:5]))}"
            yield Difference(f"shards/{shard:05d}.parquet", told)
        numbers, outputs = said.store.numbers(shard), read_outputs(path)
        derived = {**_plain(ids, details, said), "group": groups.of(details)}
        for name, wrong in _compared(numbers, outputs, derived):
            yield _named(f"shards/{shard:05d}.parquet", name, ids, wrong)
        yield from _scores(said, numbers, ids, shard)


def _written(said: Stated) -> Iterator[str]:
    """Every column that a shard of this run may have, each once."""
    yield from ("id", "key", "group", "identical", "details")
    yield from (f"slice.{name}" for name in said.gate.settings.slices)
    kept = ["output", "lost", "rows", "scores", "violations", "undecided"]
    kept += ["waived"] if said.gate.findings.waivers else []
    yield from (f"{arm}.{name}" for arm in ARMS for name in kept)


def _plain(ids: Sequence[str], details: Details, said: Stated) -> dict[str, Any]:
    lost = {arm: np.array([one[arm]["status"] != Status.OK for one in details], dtype=bool) for arm in ARMS}
    same = [_answers(one[Arm.BASELINE]) == _answers(one[Arm.CANDIDATE]) for one in details]
    return {
        "key": case_keys(ids),
        "identical": np.array(same, dtype=bool) & ~lost[Arm.BASELINE] & ~lost[Arm.CANDIDATE],
        **{f"{arm}.lost": lost[arm] for arm in ARMS},
        **{f"{arm}.output": [one[arm]["text"] for one in details] for arm in ARMS},
        **{f"slice.{name}": np.array([one["slices"][name] for one in details]) for name in said.gate.settings.slices},
        **({f"{arm}.waived": _waived(details, arm, said) for arm in ARMS} if said.gate.findings.waivers else {}),
    }


def _answers(side: Mapping[str, Any]) -> list[Any]:
    return [side["text"], side["value"], side["more"]]


def _waived(details: Details, arm: Arm, said: Stated) -> Any:
    table = np.zeros((len(details), len(said.gate.built.categories)), dtype=np.int64)
    for row, detail in enumerate(details):
        found = [found_from(one) for one in detail[arm]["findings"]]
        for column, category in enumerate(said.gate.built.categories):
            taken = waived([one for one in found if one.finding.category == category])
            table[row, column] = max(worst_rank(taken, undecided=undecided) for undecided in (False, True))
    return table


def _compared(
    numbers: ShardNumbers, outputs: Mapping[Arm, Sequence[str]], derived: Mapping[str, Any]
) -> Iterator[tuple[str, Sequence[int]]]:
    kept: dict[str, Any] = {"key": numbers.keys, "identical": numbers.identical, "group": numbers.groups}
    for arm in ARMS:
        kept |= {f"{arm}.lost": numbers.lost[arm], f"{arm}.output": outputs[arm]}
    kept |= {f"slice.{name}": values for name, values in numbers.slices.items()}
    kept |= {f"{arm}.waived": values for arm, values in numbers.waived.items()}
    for name in dict.fromkeys((*derived, *kept)):
        one, other = derived.get(name), kept.get(name)
        if one is None and other is None:
            continue
        if one is None or other is None or len(one) != len(other):
            yield name, ()
        elif wrong := [row for row in range(len(one)) if np.any(np.asarray(one[row] != other[row]))]:
            yield name, wrong


def _scores(said: Stated, numbers: ShardNumbers, ids: Sequence[str], shard: int) -> Iterator[Difference]:
    start = 0
    for place, instrument in enumerate(said.gate.built.metrics):
        stop = start + instrument.spec.columns
        for arm in ARMS:
            with np.errstate(all="ignore"):
                scores = scorer(instrument)(numbers.rows[arm][:, start:stop])
            scores = np.where(np.isfinite(scores), scores, np.nan)
            kept = numbers.scores[arm][:, place]
            wrong = np.flatnonzero(~np.isclose(scores, kept, rtol=TOLERANCE, atol=TOLERANCE, equal_nan=True)).tolist()
            if wrong:
                yield _named(f"shards/{shard:05d}.parquet", f"{arm}.scores of {instrument.spec.name}", ids, wrong)
        start = stop


def _named(file: str, column: str, ids: Sequence[str], wrong: Sequence[int]) -> Difference:
    cases = ", ".join(repr(ids[row]) for row in wrong[:3])
    more = f" and {len(wrong) - 3} more" if len(wrong) > 3 else ""
    where = f", case {cases}{more}" if wrong else ""
    return Difference(f"{file}{where}", f"the column {column} does not follow from the texts and rows beside it")
