"""Rows on disk: one Parquet file a shard, columnar, written whole or not at all."""

from __future__ import annotations

import hashlib
import io
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from evalgate.core.canonical import json_line
from evalgate.core.errors import Incomplete
from evalgate.core.files import write_whole
from evalgate.core.values import ARMS, Arm
from evalgate.runner.job import SHARDS_FOLDER

Floats = NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class ShardNumbers:
    """The numbers of one shard, which statistics need.

    Shapes: n cases; D columns of all metrics side by side; C detectors.
    """

    rows: Mapping[Arm, Floats]
    """(n, D)."""
    scores: Mapping[Arm, Floats]
    """(n, M) scores of single cases; NaN where undefined (in memory only; null on disk)."""
    violations: Mapping[Arm, NDArray[np.int64]]
    """(n, C) findings per detector; a lost candidate answer counts as one in each."""
    lost: Mapping[Arm, NDArray[np.bool_]]
    """(n,) whether an answer is missing."""
    identical: NDArray[np.bool_]
    """(n,) whether both outputs are byte-identical."""
    keys: NDArray[np.uint64]
    """(n,) digests of the case ids, for the draws of resampling."""
    groups: NDArray[np.int64] | None
    """(n,) cluster numbers, or None."""
    slices: Mapping[str, NDArray[np.str_]]
    """Slice column → (n,) values."""


@dataclass(frozen=True, slots=True)
class ShardRows:
    """One shard with its texts."""

    numbers: ShardNumbers
    ids: Sequence[str]
    details: Sequence[Mapping[str, Any]]
    """Per case: inputs, references, group, both arms' outputs and findings."""

    def digest(self) -> str:
        """Digest of the content: independent of the Parquet writer's version and of how long answers took."""
        state = hashlib.sha256()
        tables = [self.numbers.rows[arm] for arm in ARMS] + [self.numbers.violations[arm] for arm in ARMS]
        for i, (case_id, detail) in enumerate(zip(self.ids, self.details, strict=True)):
            state.update(json_line([case_id, _timeless(detail), [table[i].tolist() for table in tables]]).encode("utf-8"))
        return "sha256:" + state.hexdigest()


def _timeless(detail: Mapping[str, Any]) -> dict[str, Any]:
    """Latencies count where a metric measures them, and then stand in its rows: the same answers are the same evidence,
    however long they took."""
    arms = {str(arm): {k: v for k, v in detail[str(arm)].items() if k != "latency_ms"} for arm in ARMS if str(arm) in detail}
    return {**detail, **arms}


def shard_path(folder: Path, shard: int) -> Path:
    """The file of a shard."""
    return folder / SHARDS_FOLDER / f"{shard:05d}.parquet"


def write_shard(path: Path, shard: ShardRows) -> str:
    """Write a shard; returns the digest of the file.

    Raises: Incomplete when the disk refuses.
    """
    import pyarrow as pa
    import pyarrow.parquet as pq

    numbers = shard.numbers
    columns: dict[str, Any] = {"id": pa.array(shard.ids, pa.string()), "key": pa.array(numbers.keys, pa.uint64())}
    if numbers.groups is not None:
        columns["group"] = pa.array(numbers.groups, pa.int64())
    columns |= {f"slice.{name}": pa.array(values.tolist(), pa.string()) for name, values in numbers.slices.items()}
    columns["identical"] = pa.array(numbers.identical)
    for arm in ARMS:
        columns[f"{arm}.output"] = pa.array([detail[arm]["text"] for detail in shard.details], pa.string())
        columns[f"{arm}.lost"] = pa.array(numbers.lost[arm])
        columns |= _matrix(f"{arm}.rows", numbers.rows[arm], pa.float64())
        columns |= _matrix(f"{arm}.scores", numbers.scores[arm], pa.float64())
        columns |= _matrix(f"{arm}.violations", numbers.violations[arm], pa.int64())
    columns["details"] = pa.array([json_line(detail) for detail in shard.details], pa.string())
    buffer = io.BytesIO()
    pq.write_table(pa.table(columns), buffer, compression="zstd")
    payload = buffer.getvalue()
    write_whole(path, payload)
    return "sha256:" + hashlib.sha256(payload).hexdigest()


def read_numbers(path: Path) -> ShardNumbers:
    """Read the numbers of a shard; texts stay on disk.

    Raises: Incomplete when the file is gone or damaged.
    """
    names = [n for n in _columns(path) if n not in ("details", "id") and not n.endswith(".output")]
    table = _read(path, names)
    if "key" not in names:
        raise Incomplete("shard was written by another version", where=str(path), hint="run again with --fresh")
    count = table.num_rows
    return ShardNumbers(
        rows={arm: _from_matrix(table, f"{arm}.rows", count, np.float64) for arm in ARMS},
        scores={arm: _from_matrix(table, f"{arm}.scores", count, np.float64) for arm in ARMS},
        violations={arm: _from_matrix(table, f"{arm}.violations", count, np.int64) for arm in ARMS},
        lost={arm: _flags(table, f"{arm}.lost") for arm in ARMS},
        identical=_flags(table, "identical"),
        keys=table.column("key").to_numpy().astype(np.uint64),
        groups=table.column("group").to_numpy().astype(np.int64) if "group" in names else None,
        slices={n.removeprefix("slice."): _texts(table, n) for n in names if n.startswith("slice.")},
    )


def read_details(path: Path) -> tuple[list[str], list[dict[str, Any]]]:
    """Read ids and details of a shard.

    Raises: Incomplete when the file is gone or damaged.
    """
    import json

    table = _read(path, ["id", "details"])
    return table.column("id").to_pylist(), [json.loads(text) for text in table.column("details").to_pylist()]


def read_ids(path: Path) -> list[str]:
    """Read the ids of a shard's cases, in their order.

    Raises: Incomplete when the file is gone or damaged.
    """
    ids: list[str] = _read(path, ["id"]).column("id").to_pylist()
    return ids


def _read(path: Path, names: list[str]) -> Any:
    import pyarrow as pa
    import pyarrow.parquet as pq

    try:
        return pq.read_table(path, columns=names, use_threads=False, memory_map=True)
    except (OSError, pa.ArrowInvalid) as error:
        raise Incomplete(f"shard cannot be read: {str(error)[:200]}", where=str(path), hint="run again with --fresh") from error


def _columns(path: Path) -> list[str]:
    import pyarrow as pa
    import pyarrow.parquet as pq

    try:
        return list(pq.read_schema(path).names)
    except (OSError, pa.ArrowInvalid) as error:
        raise Incomplete(f"shard cannot be read: {str(error)[:200]}", where=str(path), hint="run again with --fresh") from error


def _matrix(name: str, values: NDArray[Any], kind: Any) -> dict[str, Any]:
    import pyarrow as pa

    if values.shape[1] == 0:
        return {}
    flat = pa.array(values.reshape(-1), kind, from_pandas=True)
    return {name: pa.FixedSizeListArray.from_arrays(flat, values.shape[1])}


def _from_matrix(table: Any, name: str, rows: int, kind: Any) -> NDArray[Any]:
    if name not in table.column_names:
        return np.zeros((rows, 0), dtype=kind)
    column = table.column(name).combine_chunks()
    values = column.flatten().to_numpy(zero_copy_only=False)
    return np.ascontiguousarray(values.reshape(rows, column.type.list_size), dtype=kind)


def _flags(table: Any, name: str) -> NDArray[np.bool_]:
    return np.asarray(table.column(name).to_numpy(), dtype=bool)


def _texts(table: Any, name: str) -> NDArray[np.str_]:
    return np.array(table.column(name).to_pylist(), dtype=np.str_)
