"""A job belongs to the bytes of its recording: rows measured on others are not reused, and workers read no others."""

from __future__ import annotations

import hashlib
import json
from pathlib import Path
from typing import Any

import pytest

from evalgate.core.errors import Incomplete
from evalgate.proxy.exchange import sealed_line
from evalgate.proxy.recording import open_recording
from evalgate.proxy.recording_writer import RecordingWriter
from evalgate.proxy.request import canonical_request, request_key
from evalgate.runner.answers import _recording
from evalgate.runner.job import Job, ShardTask
from evalgate.runner.receipt import Receipt, valid_receipt, write_receipt
from evalgate.runner.shard_file import shard_path


def line(text: str, latency_ms: float = 1.0) -> dict[str, Any]:
    request = canonical_request(model="m", messages=[{"role": "user", "content": "q"}], parameters={})
    return sealed_line(request, {"status": "ok", "text": text}, key=request_key(request), latency_ms=latency_ms, recorded_at=None)


def write(folder: Path, *lines: dict[str, Any]) -> None:
    for old in folder.glob("*.jsonl"):
        old.unlink()
    with RecordingWriter(folder, "rec") as writer:
        for one in lines:
            writer.append(one)


def test_a_worker_reads_no_recording_but_its_jobs(tmp_path: Path) -> None:
    write(tmp_path / "rec", line("a"))
    recording = open_recording(tmp_path / "rec", "rec")
    recording.save(tmp_path / "pointer.json")
    assert _recording(tmp_path / "pointer.json", recording.seal).seal == recording.seal
    write(tmp_path / "rec", line("b"))
    changed = open_recording(tmp_path / "rec", "rec")
    with pytest.raises(Incomplete, match="changed during the run"):
        _recording(tmp_path / "pointer.json", changed.seal)


def job(recording: str) -> Job:
    return Job("1", (), (), {}, 1, (), recording)


def test_rows_of_other_bytes_are_not_reused(tmp_path: Path) -> None:
    """The same answers after other waiting times are the same plan, but not the same rows."""
    seals = []
    for latency in (1.0, 2.0):
        write(tmp_path / "rec", line("a", latency))
        recording = open_recording(tmp_path / "rec", "rec")
        seals.append((recording.digest, recording.seal))
    (first, one), (second, other) = seals
    assert first == second
    assert one != other
    shard = shard_path(tmp_path, 0)
    shard.parent.mkdir()
    shard.write_bytes(b"rows")
    digest, task = "sha256:" + hashlib.sha256(b"rows").hexdigest(), ShardTask(0, 0, 1, "sha256:c")
    write_receipt(tmp_path, Receipt(0, 1, job(one).digest(), "sha256:c", "sha256:x", digest, {}))
    assert valid_receipt(tmp_path, task, job(one).digest()) is not None
    assert valid_receipt(tmp_path, task, job(other).digest()) is None
    assert valid_receipt(tmp_path, ShardTask(0, 0, 1, "sha256:d"), job(one).digest()) is None
    assert json.loads(shard.with_suffix(".json").read_text())["job"] == job(one).digest()
