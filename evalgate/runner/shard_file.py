"""Rows on disk: one Parquet file a shard, columnar, written whole or not at all."""

from __future__ import annotations

import hashlib
import io
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
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
ANSWERS, LATENCY = "answers", "latency_ms"
"""In the details of a variant: what is kept of its answers beside their texts, and how long the first one took."""


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
    """(n, C) severity (1 to 4) of the worst finding of each detector, 0 for none; a lost candidate answer has the worst."""
    undecided: Mapping[Arm, NDArray[np.int64]]
    """(n, C) the same of findings about which the detector could not tell."""
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
    waived: Mapping[Arm, NDArray[np.int64]] = field(default_factory=dict)
    """(n, C) severity of the worst finding that a waiver takes out of the counts; empty where the gate has no waivers."""


@dataclass(frozen=True)
class ShardRows:
    """One shard with its texts."""

    numbers: ShardNumbers
    ids: Sequence[str]
    details: Sequence[Mapping[str, Any]]
    """Per case: inputs, references, group, both arms' outputs and findings."""

    @cached_property
    def texts(self) -> list[str]:
        """The details as JSON lines."""
        return [json_line(detail) for detail in self.details]

    def digest(self) -> str:
        """Digest of the content: independent of the Parquet writer's version and of how long answers took."""
        numbers = self.numbers
        tables = [table[arm] for table in (numbers.rows, numbers.violations, numbers.undecided) for arm in ARMS]
        state = hashlib.sha256(json_line([list(self.ids), [list(table.shape) for table in tables]]).encode("utf-8"))
        for detail, text in zip(self.details, self.texts, strict=True):
            same = _timeless(detail)
            state.update((text if same is detail else json_line(same)).encode("utf-8"))
        for table in tables:
            state.update(np.ascontiguousarray(table, dtype="<f8" if table.dtype.kind == "f" else "<i8").tobytes())
        return "sha256:" + state.hexdigest()


def _timeless(detail: Mapping[str, Any]) -> Mapping[str, Any]:
    """Latencies count where a metric measures them, and then stand in its rows: the same answers are the same evidence,
    however long they took. What has none stays the same object."""
    sides = {str(arm): _without_latency(detail[str(arm)]) for arm in ARMS if str(arm) in detail}
    return detail if all(side is detail[arm] for arm, side in sides.items()) else {**detail, **sides}


def _without_latency(side: Mapping[str, Any]) -> Mapping[str, Any]:
    answers = side.get(ANSWERS, ())
    if side.get(LATENCY) is None and all(one.get(LATENCY) is None for one in answers):
        return side
    kept = {**side, LATENCY: None}
    if answers:
        kept[ANSWERS] = [{**one, LATENCY: None} if LATENCY in one else one for one in answers]
    return kept


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
    columns: dict[str, Any] = {"id": _text_column(shard.ids), "key": _numbers(numbers.keys, pa.uint64())}
    if numbers.groups is not None:
        columns["group"] = _numbers(numbers.groups, pa.int64())
    columns |= {f"slice.{name}": _text_column(values.tolist()) for name, values in numbers.slices.items()}
    columns["identical"] = _flag_column(numbers.identical)
    for arm in ARMS:
        columns[f"{arm}.output"] = _text_column([detail[arm]["text"] for detail in shard.details])
        columns[f"{arm}.lost"] = _flag_column(numbers.lost[arm])
        columns |= _matrix(f"{arm}.rows", numbers.rows[arm], pa.float64())
        columns |= _matrix(f"{arm}.scores", numbers.scores[arm], pa.float64())
        columns |= _matrix(f"{arm}.violations", numbers.violations[arm], pa.int64())
        columns |= _matrix(f"{arm}.undecided", numbers.undecided[arm], pa.int64())
        if arm in numbers.waived:
            columns |= _matrix(f"{arm}.waived", numbers.waived[arm], pa.int64())
    columns["details"] = _text_column(shard.texts)
    buffer = io.BytesIO()
    pq.write_table(pa.table(columns), buffer, compression="zstd")
    payload = buffer.getvalue()
    write_whole(path, payload)
    return "sha256:" + hashlib.sha256(payload).hexdigest()


def read_numbers(path: Path) -> ShardNumbers:
    """Read the numbers of a shard; texts stay on disk.

    Raises: Incomplete when the file is gone or damaged.
    """
    names = [n for n in column_names(path) if n not in ("details", "id") and not n.endswith(".output")]
    table = _read(path, names)
    if "key" not in names:
        raise Incomplete("shard was written by another version", where=str(path), hint="run again with --fresh")
    count = table.num_rows
    return ShardNumbers(
        rows={arm: _from_matrix(table, f"{arm}.rows", count, np.float64) for arm in ARMS},
        scores={arm: _from_matrix(table, f"{arm}.scores", count, np.float64) for arm in ARMS},
        violations={arm: _from_matrix(table, f"{arm}.violations", count, np.int64) for arm in ARMS},
        undecided={arm: _from_matrix(table, f"{arm}.undecided", count, np.int64) for arm in ARMS},
        lost={arm: _flags(table, f"{arm}.lost") for arm in ARMS},
        identical=_flags(table, "identical"),
        keys=_plain(table.column("key"), np.uint64),
        groups=_plain(table.column("group"), np.int64) if "group" in names else None,
        slices={n.removeprefix("slice."): _texts(table, n) for n in names if n.startswith("slice.")},
        waived={
            arm: _from_matrix(table, f"{arm}.waived", count, np.int64) for arm in ARMS if f"{arm}.waived" in table.column_names
        },
    )


def read_details(path: Path, rows: Sequence[int] | None = None) -> tuple[list[str], list[dict[str, Any]]]:
    """Read ids and details of the cases of a shard, or of some of its rows, in the order asked for.

    Raises: Incomplete when the file is gone or damaged.
    """
    import json

    table = _read(path, ["id", "details"])
    ids, details = table.column("id"), table.column("details")
    if rows is None:
        return ids.to_pylist(), [json.loads(text) for text in details.to_pylist()]
    return [ids[row].as_py() for row in rows], [json.loads(details[row].as_py()) for row in rows]


def read_ids(path: Path) -> list[str]:
    """Read the ids of a shard's cases, in their order.

    Raises: Incomplete when the file is gone or damaged.
    """
    ids: list[str] = _read(path, ["id"]).column("id").to_pylist()
    return ids


def read_outputs(path: Path) -> dict[Arm, list[str]]:
    """Read the first answers of both variants, as they stand beside the details for readers of the file alone.

    Raises: Incomplete when the file is gone or damaged.
    """
    table = _read(path, [f"{arm}.output" for arm in ARMS])
    return {arm: table.column(f"{arm}.output").to_pylist() for arm in ARMS}


def _read(path: Path, names: list[str]) -> Any:
    import pyarrow as pa
    import pyarrow.parquet as pq

    try:
        # pq.read_table would load pandas on its way through pyarrow.dataset
        with pq.ParquetFile(path, memory_map=True) as file:
            return file.read(columns=names, use_threads=False)
    except (OSError, pa.ArrowInvalid) as error:
        raise Incomplete(f"shard cannot be read: {str(error)[:200]}", where=str(path), hint="run again with --fresh") from error


def column_names(path: Path) -> list[str]:
    """The columns of a shard as they stand in the file, whoever wrote them.

    Raises: Incomplete when the file is gone or damaged.
    """
    import pyarrow as pa
    import pyarrow.parquet as pq

    try:
        return list(pq.read_schema(path).names)
    except (OSError, pa.ArrowInvalid) as error:
        raise Incomplete(f"shard cannot be read: {str(error)[:200]}", where=str(path), hint="run again with --fresh") from error


def _numbers(values: NDArray[Any], kind: Any) -> Any:
    """A column of numbers, NaN as null. `pa.array` would load pandas, which costs more than measuring a small shard."""
    import pyarrow as pa

    filled = np.ascontiguousarray(values, dtype=kind.to_pandas_dtype())
    missing = np.isnan(filled) if filled.dtype.kind == "f" else np.zeros(0, dtype=bool)
    known = _bits(~missing) if missing.any() else None
    return pa.Array.from_buffers(kind, len(filled), [known, pa.py_buffer(filled)])


def _text_column(texts: Sequence[str]) -> Any:
    import pyarrow as pa

    encoded = [text.encode("utf-8") for text in texts]
    ends = np.cumsum([0, *map(len, encoded)], dtype=np.int64)
    if ends[-1] >= 1 << 31:  # more than one array of this type holds
        return pa.array(texts, pa.string())
    offsets = pa.py_buffer(ends.astype(np.int32))
    return pa.Array.from_buffers(pa.string(), len(encoded), [None, offsets, pa.py_buffer(b"".join(encoded))])


def _flag_column(values: NDArray[np.bool_]) -> Any:
    import pyarrow as pa

    return pa.Array.from_buffers(pa.bool_(), len(values), [None, _bits(values)])


def _bits(values: NDArray[np.bool_]) -> Any:
    import pyarrow as pa

    return pa.py_buffer(np.packbits(values, bitorder="little"))


def _matrix(name: str, values: NDArray[Any], kind: Any) -> dict[str, Any]:
    import pyarrow as pa

    if values.shape[1] == 0:
        return {}
    flat = _numbers(values.reshape(-1), kind)
    return {name: pa.FixedSizeListArray.from_arrays(flat, values.shape[1])}


def _from_matrix(table: Any, name: str, rows: int, kind: Any) -> NDArray[Any]:
    if name not in table.column_names:
        return np.zeros((rows, 0), dtype=kind)
    column = table.column(name).combine_chunks()
    size = column.type.list_size
    # `flatten` would load pyarrow.compute
    return _plain(column.values.slice(column.offset * size, len(column) * size), kind).reshape(rows, size)


def _plain(column: Any, kind: Any) -> NDArray[Any]:
    """Numbers of a column, null as NaN; `to_numpy` would load pandas."""
    import pyarrow as pa

    array = column.combine_chunks() if isinstance(column, pa.ChunkedArray) else column
    if not len(array):
        return np.zeros(0, dtype=kind)
    known, held = array.buffers()
    span = slice(array.offset, array.offset + len(array))
    values = np.frombuffer(held, dtype=array.type.to_pandas_dtype())[span].astype(kind)
    if array.null_count:
        values[~np.unpackbits(np.frombuffer(known, dtype=np.uint8), bitorder="little")[span].astype(bool)] = np.nan
    return values


def _flags(table: Any, name: str) -> NDArray[np.bool_]:
    array = table.column(name).combine_chunks()
    bits = np.unpackbits(np.frombuffer(array.buffers()[1], dtype=np.uint8), bitorder="little") if len(array) else np.zeros(0)
    return bits[array.offset : array.offset + len(array)].astype(bool)


def _texts(table: Any, name: str) -> NDArray[np.str_]:
    return np.array(table.column(name).to_pylist(), dtype=np.str_)
