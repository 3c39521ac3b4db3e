"""Receipts: the proof that a shard is done; only receipts travel, rows stay on disk."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

from evalgate.core.canonical import digest_file, pretty_json
from evalgate.core.errors import Incomplete, Problem
from evalgate.core.files import write_whole
from evalgate.core.strict_json import parse_json
from evalgate.core.timings import Spent
from evalgate.proxy.nearest import Miss
from evalgate.runner.job import ShardTask
from evalgate.runner.shard_file import shard_path

SCHEMA = "evalgate.receipt/2"


@dataclass(frozen=True, slots=True)
class Receipt:
    """What a finished shard says about itself."""

    shard: int
    rows: int
    job: str
    """Digest of the job it was done for."""
    cases: str
    """Digest of its case lines."""
    content: str
    """Digest of the rows' content."""
    file: str
    """Digest of the Parquet file."""
    references: Mapping[str, tuple[int, int]]
    """Metric → fewest and most references of a case, where its signature leaves their number open."""
    waivers: Mapping[str, int] = field(default_factory=dict)
    """Place of a waiver in the allow file → findings that it covers; those that cover nothing are missing."""
    unread: Mapping[str, Mapping[str, int]] = field(default_factory=dict)
    """Metric that reads judgements → variant → answers whose judgement cannot be read."""


@dataclass(frozen=True, slots=True)
class ShardOutcome:
    """What a worker returns: a receipt, or why there is none. Workers never raise what they can say."""

    shard: int
    receipt: Receipt | None
    problems: tuple[Problem, ...] = ()
    exit_code: int = 0
    """Exit code of the problems' error class."""
    misses: int = 0
    """Requests that nothing answers."""
    missed: tuple[Miss, ...] = ()
    """The first of them."""
    timings: Mapping[str, Spent] = field(default_factory=dict)
    """What the stages took; it differs from run to run, and so stands in no receipt."""


class Unanswered(Incomplete):
    """The recording does not answer everything: exit 3."""

    def __init__(self, count: int, missed: tuple[Miss, ...]) -> None:
        super().__init__(f"{count} requests are not answered by the recording")
        self.count = count
        self.missed = missed

    def __reduce__(self) -> tuple[Any, ...]:
        return type(self), (self.count, self.missed)


def write_receipt(folder: Path, receipt: Receipt) -> None:
    """Write a receipt beside its shard, after the shard is safe on disk."""
    write_whole(receipt_path(folder, receipt.shard), pretty_json({"schema": SCHEMA, **asdict(receipt)}))


def valid_receipt(folder: Path, task: ShardTask, job: str) -> Receipt | None:
    """The receipt of a shard, if it is for this job and these cases and the shard's file is what it says; else None."""
    try:
        receipt = read_receipt(folder, task.shard)
        meant = (receipt.job, receipt.cases, receipt.shard, receipt.rows) == (job, task.cases, task.shard, task.rows)
        if not meant or digest_file(shard_path(folder, task.shard)) != receipt.file:
            return None
    except (OSError, ValueError, TypeError, KeyError, AttributeError, IndexError):
        return None  # a damaged or missing receipt means: not done
    return receipt


def read_receipt(folder: Path, shard: int) -> Receipt:
    """The receipt of a shard of a finished run, whatever it is worth.

    Raises: OSError, ValueError, TypeError, KeyError or IndexError when it is none.
    """
    value = parse_json(receipt_path(folder, shard).read_text(encoding="utf-8"))
    if not isinstance(value, dict) or value.pop("schema", None) != SCHEMA:
        raise ValueError(f"{receipt_path(folder, shard).name} is not a document {SCHEMA}")
    return Receipt(**value | {"references": {k: (v[0], v[1]) for k, v in value["references"].items()}})


def receipt_path(folder: Path, shard: int) -> Path:
    """The file of a shard's receipt."""
    return shard_path(folder, shard).with_suffix(".json")
