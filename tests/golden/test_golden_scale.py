"""Large datasets stay within bounded memory, whatever a file says about its size."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

LIMIT_MB = 500
SCRIPT = """
import itertools, pathlib, sys
from evalgate.golden.tables import read_rows
print(sum(1 for _ in itertools.islice(read_rows(pathlib.Path(sys.argv[1])), int(sys.argv[2]))))
status = pathlib.Path("/proc/self/status").read_text()
print(int(next(line for line in status.splitlines() if line.startswith("VmHWM")).split()[1]) // 1024)
"""


@pytest.mark.skipif(not Path("/proc/self/status").exists(), reason="the peak of a process is read from /proc")
@pytest.mark.parametrize("ending", ["parquet", "arrow"])
def test_a_small_file_of_huge_rows(ending: str, tmp_path: Path) -> None:
    """One text that is kept once for 20,000 rows: 200 KB on disk, 8 GB as rows."""
    rows, text = 20_000, "x" * 400_000
    column = pa.DictionaryArray.from_arrays(pa.array([0] * rows, pa.int32()), pa.array([text]))
    table = pa.table({"id": pa.array([str(number) for number in range(rows)]), "v": column})
    path = tmp_path / f"a.{ending}"
    if ending == "parquet":
        pq.write_table(table, path)
    else:
        with pa.ipc.new_stream(path, table.schema) as writer:
            writer.write_table(table)
    assert path.stat().st_size < 1 << 20
    done = subprocess.run([sys.executable, "-c", SCRIPT, str(path), "20"], capture_output=True, text=True, check=True)
    read, peak = map(int, done.stdout.split())
    assert read == 20
    assert peak < LIMIT_MB


@pytest.mark.slow
@pytest.mark.parametrize("form", ["parquet", "jsonl", "csv", "arrow"])
def test_a_hundred_thousand_cases(form: str, tmp_path: Path, repository: Path) -> None:
    """Locked, verified in 5 s, read, and a change explained, each in less than 500 MB: the benchmark fails otherwise."""
    asked = [sys.executable, str(repository / "benchmarks" / "dataset_scale.py"), "--cases", "100000", "--format", form]
    done = subprocess.run([*asked, "--folder", str(tmp_path)], capture_output=True, text=True, check=False, cwd=repository)
    assert done.returncode == 0, done.stdout + done.stderr
    assert done.stdout.count("100000") >= 4


@pytest.mark.slow
def test_a_whole_repository_is_checked_within_its_limit(repository: Path) -> None:
    """1,000 prompts and 100,000 cases, with one gate and with five: the benchmark fails otherwise."""
    asked = [sys.executable, str(repository / "benchmarks" / "repository_check.py")]
    done = subprocess.run(asked, capture_output=True, text=True, check=False, cwd=repository)
    assert done.returncode == 0, done.stdout + done.stderr
    assert done.stdout.count("s CPU") == 2
