"""Rows of Arrow and Parquet files: their size is known before they are made, and a row or a file that is too large is refused."""

from __future__ import annotations

import random
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import given
from hypothesis import strategies as st

from evalgate.core.errors import BadInput
from evalgate.golden import arrow_files
from evalgate.golden.arrow_files import BATCH_BYTES, MAX_ROW_BYTES
from evalgate.golden.arrow_sizes import counts_every_value, row_sizes
from evalgate.golden.tables import read_rows


def size_of(value: Any) -> int:
    """Bytes of the texts in a value."""
    if isinstance(value, str):
        return len(value.encode("utf-8"))
    if isinstance(value, bytes):
        return len(value)
    if isinstance(value, dict):
        return sum(map(size_of, value.values()))
    return sum(map(size_of, value)) if isinstance(value, (list, tuple)) else 0


TYPES: dict[str, pa.DataType] = {
    "string": pa.string(), "large": pa.large_string(), "view": pa.string_view(), "binary": pa.binary(),
    "dictionary": pa.dictionary(pa.int8(), pa.string()), "list": pa.list_(pa.string()), "large list": pa.large_list(pa.string()),
    "fixed list": pa.list_(pa.string(), 2), "lists": pa.list_(pa.list_(pa.string())), "view list": pa.list_view(pa.string()),
    "struct": pa.struct([("a", pa.string()), ("b", pa.list_(pa.string()))]), "map": pa.map_(pa.string(), pa.string()),
    "list of structs": pa.list_(pa.struct([("a", pa.string())])), "number": pa.int64(), "truth": pa.bool_(), "null": pa.null(),
}  # fmt: skip


def made(kind: str, draw: random.Random) -> Any:
    text = "ä" * draw.randrange(200)
    if draw.random() < 0.2:
        return None
    values: dict[str, Callable[[], Any]] = {
        "binary": lambda: text.encode(), "fixed list": lambda: [text, None], "number": lambda: 7, "truth": lambda: True,
        "lists": lambda: [[text] * draw.randrange(3)] * draw.randrange(3), "map": lambda: [(text, text + "b")],
        "struct": lambda: {"a": text, "b": [text] * draw.randrange(4)}, "list of structs": lambda: [{"a": text}, {"a": None}],
        "null": lambda: None,
    }  # fmt: skip
    if kind in values:
        return values[kind]()
    return [text] * draw.randrange(4) if "list" in kind else text


@pytest.mark.parametrize("kind", TYPES)
@given(seed=st.integers(0, 1 << 30), start=st.integers(0, 9), length=st.integers(0, 12))
def test_sizes_are_those_of_the_values(kind: str, seed: int, start: int, length: int) -> None:
    draw = random.Random(seed)
    column = pa.array([made(kind, draw) for _ in range(12)], TYPES[kind])
    batch = pa.record_batch({"v": column}).slice(start, length)
    sizes = row_sizes(batch).tolist()
    assert len(sizes) == batch.num_rows
    for size, row in zip(sizes, batch.to_pylist(), strict=True):
        assert size_of(row) <= size <= size_of(row) + 8 * 40


def test_a_run_and_a_dictionary_count_for_every_row() -> None:
    text = "x" * 1000
    runs = pa.RunEndEncodedArray.from_arrays([3, 10], pa.array([text, "y"]))
    assert [size > 900 for size in row_sizes(pa.record_batch({"v": runs}).slice(1, 5)).tolist()] == [
        True,
        True,
        False,
        False,
        False,
    ]
    same = pa.DictionaryArray.from_arrays(pa.array([0] * 9 + [None]), pa.array([text]))
    assert (row_sizes(pa.record_batch({"v": same}))[:9] >= 1000).all()


@pytest.mark.parametrize("kind", TYPES)
def test_only_plain_columns_are_measured_by_their_bytes(kind: str) -> None:
    plain = kind not in ("dictionary", "view", "view list", "fixed list")
    assert counts_every_value(pa.schema([("v", TYPES[kind])])) is plain
    shared = pa.list_(pa.struct([("a", pa.dictionary(pa.int8(), pa.string()))]))
    assert not counts_every_value(pa.schema([("v", TYPES[kind]), ("w", shared)]))
    column = pa.array([made(kind, random.Random(seed)) for seed in range(12)], TYPES[kind])
    batch = pa.record_batch({"v": column})
    assert not plain or batch.nbytes >= sum(map(size_of, batch.to_pylist()))


def _write(path: Path, table: pa.Table) -> Path:
    if path.suffix == ".parquet":
        pq.write_table(table, path)
    else:
        with pa.ipc.new_file(path, table.schema) as writer:
            writer.write_table(table)
    return path


@pytest.mark.parametrize("ending", ["parquet", "arrow", "feather"])
def test_a_row_that_is_too_large_is_refused_with_its_number(ending: str, tmp_path: Path) -> None:
    texts = ["small"] * 40 + ["x" * (MAX_ROW_BYTES + 1)] + ["small"] * 5
    path = _write(tmp_path / f"a.{ending}", pa.table({"id": [str(n) for n in range(len(texts))], "v": texts}))
    with pytest.raises(BadInput, match=rf"a\.{ending} row 41: the row has more than 16 MiB"):
        list(read_rows(path))


@pytest.mark.parametrize("ending", ["parquet", "arrow"])
def test_as_many_rows_as_fit_are_values_at_a_time(ending: str, tmp_path: Path) -> None:
    draw = random.Random(4)
    texts = ["x" * draw.choice((1, 100, 1 << 20, 5 << 20)) for _ in range(40)]
    table = pa.table({"v": pa.array(texts).dictionary_encode()})
    path = _write(tmp_path / f"a.{ending}", table)
    read = arrow_files.parquet_batches if ending == "parquet" else arrow_files.arrow_batches
    batches = list(read(path, "a"))
    assert [row["v"] for batch in batches for row in batch] == texts
    assert all(len(batch) == 1 or sum(len(row["v"]) for row in batch) <= BATCH_BYTES for batch in batches)


@pytest.mark.parametrize("ending", ["parquet", "arrow"])
def test_a_file_that_becomes_a_thousand_times_its_size_is_refused(
    ending: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(arrow_files, "MAX_BYTES", 1 << 20)
    column = pa.DictionaryArray.from_arrays(pa.array([0] * 500, pa.int32()), pa.array(["x" * 100_000]))
    path = _write(tmp_path / f"a.{ending}", pa.table({"v": column}))
    monkeypatch.setattr(arrow_files, "MAX_GROWTH", 10)
    with pytest.raises(BadInput, match="over 10 times its size"):
        list(read_rows(path))
    monkeypatch.setattr(arrow_files, "MAX_GROWTH", 10_000)
    assert sum(1 for _ in read_rows(path)) == 500


SCRIPT = """
import pathlib, sys
from evalgate.pipeline.lock import lock_dataset
from evalgate.golden import arrow_files
arrow_files.MAX_BYTES, arrow_files.MAX_GROWTH = 200 << 20, 1
try:
    lock_dataset(sys.argv[1], pathlib.Path(sys.argv[1]))
except Exception as error:
    print(error)
print("pandas" in sys.modules)
status = pathlib.Path("/proc/self/status").read_text()
print(int(next(line for line in status.splitlines() if line.startswith("VmHWM")).split()[1]) // 1024)
"""


@pytest.mark.skipif(not Path("/proc/self/status").exists(), reason="the peak of a process is read from /proc")
def test_a_small_file_of_two_megabytes_a_row_does_not_fill_the_memory(tmp_path: Path) -> None:
    """As a review found it: 2,000 rows of one text, 1.1 GB of memory."""
    column = pa.DictionaryArray.from_arrays(pa.array([0] * 2_000, pa.int32()), pa.array(["x" * 2_000_000]))
    table = pa.table({"id": [str(number) for number in range(2_000)], "q": column})
    assert _write(tmp_path / "a.parquet", table).stat().st_size < 1 << 18
    (tmp_path / "dataset.yaml").write_text("name: d\nversion: 1.0.0\ndata: a.parquet\ninputs: [q]\n", encoding="utf-8")
    done = subprocess.run([sys.executable, "-c", SCRIPT, str(tmp_path)], capture_output=True, text=True, check=True)
    said, pandas, peak = done.stdout.splitlines()  # the limit is lowered so that the test takes less time
    assert "of values, over 1 times its size" in said
    assert pandas == "False"
    assert int(peak) < 300
