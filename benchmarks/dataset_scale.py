"""A golden dataset of a million cases: `python benchmarks/dataset_scale.py [--cases N] [--format parquet|jsonl|csv|arrow]`.

Writes the data once (kept under --folder for the next time), then locks, verifies and iterates it, each in a process of its
own, and reports the time and the most memory that process ever had.
"""

from __future__ import annotations

import argparse
import json
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

CARD = """name: scale
version: 1.0.0
data: cases.{ending}
inputs: [question, context]
reference: answer
slices: [topic]
group: source
schema: {{id: string, question: string, context: string, answer: string, topic: string, source: string, turns: integer}}
"""
STEPS = ("lock", "verify", "iterate", "explain")
LIMIT_MB, LIMIT_S = 500, 5.0


def rows(cases: int) -> Iterator[dict[str, Any]]:
    """Cases of the usual shape, some 330 bytes each."""
    for number in range(cases):
        yield {
            "id": f"case-{number:08d}",
            "question": f"Question {number}: which of these words is the odd one out here?",
            "context": f"Text {number * 7919 % 1_000_003}: " + "the quick brown fox jumps over the lazy dog " * 4,
            "answer": f"answer {number % 97}",
            "topic": f"topic {number % 12}",
            "source": f"source {number // 5}",
            "turns": number % 9,
        }


def write(folder: Path, ending: str, cases: int) -> None:
    """One row group or record batch for 100,000 rows, as the libraries write them."""
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / f"cases.{ending}"
    (folder / "dataset.yaml").write_text(CARD.format(ending=ending), encoding="utf-8")
    if path.exists():
        return
    if ending in ("jsonl", "csv"):
        with path.open("w", encoding="utf-8") as out:
            for number, row in enumerate(rows(cases)):
                if ending == "csv" and number == 0:
                    out.write(",".join(row) + "\n")
                out.write(json.dumps(row) + "\n" if ending == "jsonl" else ",".join(map(str, row.values())) + "\n")
        return
    import pyarrow as pa
    import pyarrow.parquet as pq

    every = rows(cases)
    writer: Any = None
    for first in range(0, cases, 100_000):
        table = pa.Table.from_pylist([next(every) for _ in range(min(100_000, cases - first))])
        if writer is None:
            writer = pq.ParquetWriter(path, table.schema) if ending == "parquet" else pa.ipc.new_file(path, table.schema)
        writer.write_table(table)
    writer.close()


def measure(folder: Path, step: str) -> None:
    """In this process: one step, its time and its peak."""
    from evalgate.config.strict_yaml import read_document
    from evalgate.core.errors import BadInput
    from evalgate.golden.card import parse_card
    from evalgate.golden.cases import read_cases
    from evalgate.golden.sources import card_rows
    from evalgate.pipeline.lock import lock_dataset, verify_dataset

    started = time.perf_counter()
    if step == "lock":
        found = lock_dataset(".", folder)[1].rows
    elif step == "verify":
        found = verify_dataset(".", folder)[1].rows
    elif step == "explain":
        card = folder / "dataset.yaml"
        text = card.read_text(encoding="utf-8")
        # Another order of all cases is the costliest change to explain; here the lock itself is what was turned round.
        found = _explained(folder, card, text, BadInput)
    else:
        card_path = folder / "dataset.yaml"
        card = parse_card(read_document(card_path), folder)  # type: ignore[assignment]
        found = sum(1 for _ in read_cases(card, card_rows(card)))  # type: ignore[arg-type]
    seconds = time.perf_counter() - started
    # Not ru_maxrss: a process inherits that of the one that started it.
    status = Path("/proc/self/status").read_text(encoding="ascii")
    peak = int(next(line for line in status.splitlines() if line.startswith("VmHWM")).split()[1]) / 1024
    print(json.dumps({"step": step, "cases": found, "seconds": round(seconds, 2), "peak_mb": round(peak)}))


def _explained(folder: Path, card: Path, text: str, refusal: type[Exception]) -> int:
    """Time the summary of a dataset whose cases were all turned round, by turning round its lock."""
    import hashlib

    from evalgate.pipeline.lock import verify_dataset

    lock = folder / "dataset.lock"
    whole = lock.read_bytes()
    lines = whole.splitlines(keepends=True)
    count = len(lines) - 1
    header = json.loads(lines[0])
    body = b"".join(reversed(lines[1:]))
    digest = "sha256:" + "0" * 64
    header.update(cases="sha256:" + hashlib.sha256(body).hexdigest(), digest=digest)
    lock.write_bytes(json.dumps(header).encode() + b"\n" + body)
    card.write_text("".join(f"digest: {digest}\n" if one.startswith("digest:") else one + "\n" for one in text.splitlines()))
    del whole, lines, body
    try:
        verify_dataset(".", folder)
    except refusal as error:
        assert "moved" in str(error), error
    else:
        raise AssertionError("not refused")
    finally:
        lock.unlink()
        card.write_text(text, encoding="utf-8")
    return count


def main() -> int:
    """Run every step; exit 1 when a limit is broken."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--cases", type=int, default=1_000_000)
    parser.add_argument("--format", choices=["parquet", "jsonl", "csv", "arrow"], default="parquet")
    parser.add_argument("--folder", type=Path, default=Path(tempfile.gettempdir()) / "evalgate-dataset-scale")
    parser.add_argument("--step", choices=STEPS)
    options = parser.parse_args()
    folder = options.folder / f"{options.format}-{options.cases}"
    if options.step:
        measure(folder, options.step)
        return 0
    write(folder, options.format, options.cases)
    broken = False
    for step in STEPS:
        # A fresh process for each: its peak is its own.
        asked = [sys.executable, __file__, "--cases", str(options.cases), "--format", options.format]
        done = subprocess.run(
            [*asked, "--folder", str(options.folder), "--step", step], check=True, stdout=subprocess.PIPE, text=True
        )
        figures = json.loads(done.stdout)
        slow = step == "verify" and figures["seconds"] > LIMIT_S * max(1.0, figures["cases"] / 100_000)
        broken |= figures["peak_mb"] > LIMIT_MB or slow
        print(f"{options.format} {figures}", flush=True)
    return int(broken)


if __name__ == "__main__":
    sys.exit(main())
