"""A recording of a million exchanges: `python benchmarks/recording_size.py [--exchanges N]`.

Writes the recording once (kept under --folder for the next time), builds its index in a process of its own, then measures in
a fresh process what an indexed open and 10,000 look-ups take, and the most memory that process ever had.
"""

from __future__ import annotations

import argparse
import json
import resource
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from evalgate.core.canonical import json_line
from evalgate.proxy.exchange import sealed_line
from evalgate.proxy.recording import INDEX, open_recording
from evalgate.proxy.request import canonical_request, request_key

LOOK_UPS = 10_000
SEGMENT_LINES = 40_000


def write(folder: Path, exchanges: int) -> None:
    """Exchanges of the usual shape: a prompt of 30 words, an answer of 20, usage, and a small body."""
    folder.mkdir(parents=True, exist_ok=True)
    for first in range(0, exchanges, SEGMENT_LINES):
        path = folder / f"{first // SEGMENT_LINES + 1:04d}.jsonl"
        with path.open("w", encoding="utf-8") as out:
            for number in range(first, min(first + SEGMENT_LINES, exchanges)):
                request = wanted(number)
                usage = {"prompt_tokens": 40, "completion_tokens": 25}
                text = f"Answer {number}: " + "the quick brown fox jumps over the lazy dog " * 2
                body = {"id": f"chatcmpl-{number}", "object": "chat.completion", "model": "m", "usage": usage}
                response = {"status": "ok", "text": text, "finish": "stop", "usage": usage, "body": body}
                key, when = request_key(request), "2026-01-01T00:00:00Z"
                line = sealed_line(request, response, key=key, latency_ms=50.5, recorded_at=when)
                out.write(json_line(line))


def wanted(number: int) -> dict[str, object]:
    """The request of one number."""
    content = f"Question {number}: " + "which of these words is the odd one out here " * 3
    return canonical_request(model="m", messages=[{"role": "user", "content": content}], parameters={"temperature": 0})


def measure(folder: Path, exchanges: int) -> None:
    """In this process: open, look up, report."""
    keys = [request_key(wanted(number * 7919 % exchanges)) for number in range(LOOK_UPS)]
    started = time.perf_counter()
    recording = open_recording(folder, "million")
    opened = time.perf_counter()
    found = sum(recording.lookup(key) is not None for key in keys)
    looked = time.perf_counter()
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    print(
        json.dumps(
            {
                "exchanges": len(recording),
                "open_s": round(opened - started, 3),
                "look_ups": found,
                "look_ups_s": round(looked - opened, 3),
                "peak_mib": round(peak),
            }
        )
    )


def main() -> None:
    """Write, index, measure."""
    arguments = argparse.ArgumentParser(description=__doc__)
    arguments.add_argument("--exchanges", type=int, default=1_000_000)
    arguments.add_argument("--folder", type=Path, default=Path(tempfile.gettempdir()) / "evalgate-million")
    arguments.add_argument("--measure", action="store_true", help=argparse.SUPPRESS)
    options = arguments.parse_args()
    if options.measure:
        measure(options.folder, options.exchanges)
        return
    if not any(options.folder.glob("*.jsonl")):
        started = time.perf_counter()
        write(options.folder, options.exchanges)
        print(f"written in {time.perf_counter() - started:.0f} s")
    again = [sys.executable, __file__, "--measure", "--folder", str(options.folder), "--exchanges", str(options.exchanges)]
    (options.folder / INDEX).unlink(missing_ok=True)
    size = sum(path.stat().st_size for path in options.folder.glob("*.jsonl")) / 1e6
    print(f"{size:.0f} MB of segments")
    for name in ("building the index", "indexed", "indexed", "indexed"):
        done = subprocess.run(again, capture_output=True, text=True, check=True)
        print(f"{name:20} {done.stdout.strip()}", flush=True)


if __name__ == "__main__":
    main()
