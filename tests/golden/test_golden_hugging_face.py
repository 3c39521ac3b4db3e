"""Data of the Hugging Face hub, against a hub of our own: pinned, the same in every format, and never code."""

from __future__ import annotations

import hashlib
import io
import json
import os
import subprocess
import sys
import threading
import urllib.parse
from collections.abc import Iterator, Mapping
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any, ClassVar

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from evalgate.core.errors import BadInput
from evalgate.golden.cases import ContentDigest
from evalgate.golden.hugging_face import parse_reference
from evalgate.golden.locate import card_path

COMMIT = "0123456789abcdef" * 2 + "01234567"
ROWS: list[dict[str, Any]] = [
    {"id": "a", "question": "When? 2024-01-01", "answer": ["x", "y"], "n": 1},
    {"id": "b", "question": "007", "answer": ["é"], "n": 2},
    {"id": "c", "question": '"quoted", too', "answer": ["z"], "n": 3},
]
SCHEMA = "schema: {id: string, question: string, answer: list, n: integer}\n"


def jsonl(rows: list[dict[str, Any]]) -> bytes:
    return "".join(json.dumps(row) + "\n" for row in rows).encode()


def csv(rows: list[dict[str, Any]]) -> bytes:
    def cell(value: Any) -> str:
        return '"' + (value if isinstance(value, str) else json.dumps(value)).replace('"', '""') + '"'

    return "\n".join([",".join(rows[0]), *(",".join(map(cell, row.values())) for row in rows), ""]).encode()


def parquet(rows: list[dict[str, Any]]) -> bytes:
    out = io.BytesIO()
    pq.write_table(pa.Table.from_pylist(rows), out)
    return out.getvalue()


def arrow(rows: list[dict[str, Any]]) -> bytes:
    out, table = io.BytesIO(), pa.Table.from_pylist(rows)
    with pa.ipc.new_stream(out, table.schema) as writer:
        writer.write_table(table)
    return out.getvalue()


KINDS = {"jsonl": jsonl, "csv": csv, "parquet": parquet, "arrow": arrow}


def readme(**configs: Mapping[str, str]) -> bytes:
    lines = ["---", "configs:"]
    for name, splits in configs.items():
        lines += [f"- config_name: {name}", "  data_files:"]
        for split, path in splits.items():
            lines += [f"  - split: {split}", f"    path: {json.dumps(path)}"]
    return "\n".join([*lines, "---", ""]).encode()


def formats() -> dict[str, bytes]:
    """One configuration for each format, its test split in two files."""
    files = {"README.md": readme(**{kind: {"test": f"{kind}/test-*.{kind}"} for kind in KINDS})}
    for kind, write in KINDS.items():
        files[f"{kind}/test-00000-of-00002.{kind}"] = write(ROWS[:2])
        files[f"{kind}/test-00001-of-00002.{kind}"] = write(ROWS[2:])
    return files


REPOSITORIES: dict[str, dict[str, bytes]] = {
    "o/formats": formats(),
    "o/script": {"script.py": b"print('EXECUTED')\n", "data.jsonl": jsonl(ROWS)},
    "o/elsewhere": {"README.md": readme(default={"test": "https://example.org/data.jsonl"}), "a.jsonl": jsonl(ROWS)},
    "o/above": {"README.md": readme(default={"test": "../formats/data.jsonl"}), "a.jsonl": jsonl(ROWS)},
    "o/other": {"README.md": readme(default={"test": "data.json"}), "data.json": json.dumps(ROWS).encode()},
    "o/damaged": {"README.md": readme(default={"test": "a.parquet"}), "a.parquet": parquet(ROWS)[:-20]},
    "o/empty": {"README.md": b"# nothing\n"},
}


class Hub(BaseHTTPRequestHandler):
    """As much of the hub's interface as reading a dataset asks for."""

    protocol_version = "HTTP/1.1"
    asked: ClassVar[list[str]] = []

    def log_message(self, *_: Any) -> None:
        return

    def do_GET(self) -> None:
        self.asked.append(f"{self.command} {self.path}")
        length = int(self.headers.get("content-length") or 0)
        self.rfile.read(length)
        parts = urllib.parse.urlsplit(self.path).path.strip("/").split("/")
        api, parts = parts[0] == "api", parts[1:] if parts[0] == "api" else parts
        files = REPOSITORIES.get("/".join(parts[1:3])) if parts[0] == "datasets" else None
        if files is None:
            self._send(404, b"", {"X-Error-Code": "RepoNotFound"})
        elif api and parts[3:4] == ["tree"]:
            self._send(200, json.dumps(list(self._tree(files, "/".join(parts[5:])))).encode())
        elif api:
            found = {
                "id": "/".join(parts[1:3]),
                "sha": COMMIT,
                "private": False,
                "tags": [],
                "siblings": [{"rfilename": f} for f in files],
            }
            self._send(200, json.dumps(found).encode())
        else:
            self._file(files, urllib.parse.unquote("/".join(parts[5:])))

    do_HEAD = do_POST = do_GET

    def _tree(self, files: Mapping[str, bytes], folder: str) -> Iterator[dict[str, Any]]:
        before = f"{folder}/" if folder else ""
        inside = [name.removeprefix(before) for name in files if name.startswith(before)]
        for name in sorted({name.split("/")[0] for name in inside}):
            body = files.get(before + name)
            kind = (
                {"type": "directory", "size": 0, "oid": "0" * 40}
                if body is None
                else {"type": "file", "size": len(body), "oid": oid(body)}
            )
            yield {"path": before + name, **kind}

    def _file(self, files: Mapping[str, bytes], name: str) -> None:
        common = {"X-Repo-Commit": COMMIT}
        if name not in files:
            self._send(404, b"", {"X-Error-Code": "EntryNotFound", **common})
        else:
            self._send(200, files[name], {"ETag": f'"{oid(files[name])}"', **common})

    def _send(self, status: int, body: bytes, headers: Mapping[str, str] | None = None) -> None:
        self.send_response(status)
        for key, value in {"content-type": "application/json", "content-length": str(len(body)), **(headers or {})}.items():
            self.send_header(key, value)
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(body)


def oid(body: bytes) -> str:
    return hashlib.sha1(b"blob %d\0" % len(body) + body).hexdigest()


SCRIPT = """
import json, pathlib, sys
from evalgate.config.strict_yaml import parse_document
from evalgate.core.errors import BadInput
from evalgate.golden.card import parse_card
from evalgate.golden.cases import ContentDigest, read_cases
from evalgate.golden.sources import card_rows
assert "datasets" not in sys.modules
found = {}
for data in json.loads(sys.argv[1]):
    text = f"name: d\\nversion: 1.0.0\\ndata: {json.dumps(data)}\\ninputs: [question]\\nreference: answer\\n" + sys.argv[2]
    content = ContentDigest()
    try:
        card = parse_card(parse_document(text, "dataset.yaml"), pathlib.Path.cwd())
        ids = []
        for case in read_cases(card, card_rows(card)):
            content.add(case.fields)
            ids.append(case.id)
        found[data] = [ids, content.hexdigest()]
    except BadInput as error:
        found[data] = str(error)
print("FOUND" + json.dumps(found))
"""


def read(folder: Path, references: list[str], **environment: str) -> dict[str, Any]:
    """In a process of its own: the libraries read their environment once, when they are imported."""
    settings = {"HF_HOME": str(folder / "home"), "NO_PROXY": "*", "HF_HUB_DISABLE_TELEMETRY": "1", **environment}
    done = subprocess.run(
        [sys.executable, "-c", SCRIPT, json.dumps(references), SCHEMA],
        capture_output=True, text=True, check=False, cwd=folder, timeout=60,
        env={**{k: v for k, v in os.environ.items() if not k.startswith("HF_")}, **settings},
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    assert "EXECUTED" not in done.stdout
    found: dict[str, Any] = json.loads(done.stdout.split("FOUND")[1])
    return found


@pytest.fixture(scope="module")
def hub() -> Iterator[str]:
    server = ThreadingHTTPServer(("127.0.0.1", 0), Hub)
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    yield f"http://127.0.0.1:{server.server_port}"
    server.shutdown()
    server.server_close()
    thread.join()


def pinned(name: str, split: str = "test") -> str:
    return f"hf://{name}@{COMMIT}#{split}"


REFUSED = {
    "hf://o/formats#parquet/test": f"now that is hf://o/formats@{COMMIT}#parquet/test",
    "hf://o/formats@main#parquet/test": "'main', which can move",
    "hf://o/formats@v1.0#parquet/test": f"hf://o/formats@{COMMIT}",
    f"hf://o/formats@{COMMIT[:12]}#parquet/test": "not pinned",
    f"hf://o/formats@{COMMIT}": "names no split",
    "hf://o/nowhere#test": "the hub could not be asked",
    pinned("o/nowhere"): "cannot be read from the hub",
    pinned("o/formats", "parquet/train"): "no split 'train'",
    pinned("o/formats", "test"): "available configs",
    pinned("o/formats", "orc/test"): "orc",
    pinned("o/script"): "loading script",
    pinned("o/elsewhere"): "outside the pinned revision: https://example.org",
    pinned("o/above"): "outside the pinned revision: ../formats",
    pinned("o/other"): "another kind: data.json",
    pinned("o/damaged"): "not a readable Parquet file",
    pinned("o/empty"): "any data files",
}


@pytest.fixture(scope="module")
def answers(hub: str, tmp_path_factory: pytest.TempPathFactory) -> dict[str, Any]:
    """One process reads everything: loading the libraries takes most of the time."""
    wanted = [*(pinned("o/formats", f"{kind}/test") for kind in KINDS), *REFUSED]
    return read(tmp_path_factory.mktemp("hub"), wanted, HF_ENDPOINT=hub)


def test_the_hub_gives_the_same_cases_and_digest_in_every_format(answers: dict[str, Any]) -> None:
    content = ContentDigest()
    for row in ROWS:
        content.add(row)
    for kind in KINDS:
        assert answers[pinned("o/formats", f"{kind}/test")] == [["a", "b", "c"], content.hexdigest()], kind


@pytest.mark.parametrize("reference", REFUSED)
def test_what_the_hub_may_not_give(reference: str, answers: dict[str, Any]) -> None:
    found = answers[reference]
    assert isinstance(found, str), found
    assert REFUSED[reference] in found
    assert ("o/damaged/a.parquet" if "damaged" in reference else "dataset.yaml") in found


def test_a_script_is_not_even_downloaded(answers: dict[str, Any]) -> None:
    assert any(one.startswith("GET") and "/resolve/" in one for one in Hub.asked)
    assert not [one for one in Hub.asked if one.startswith("GET") and "script.py" in one]


def test_offline_is_said(tmp_path: Path) -> None:
    wanted = [pinned("o/formats", "parquet/test"), "hf://o/formats@main#parquet/test"]
    found = read(tmp_path, wanted, HF_HUB_OFFLINE="1", HF_ENDPOINT="http://127.0.0.1:9")
    assert all("offline" in found[data] for data in wanted)
    assert "not pinned" in found[wanted[1]]


SAVE = """
import json, sys, datasets
rows = json.loads(sys.argv[1])
whole = datasets.Dataset.from_list(rows)
whole.save_to_disk("saved", num_shards=2)
whole.select([2, 0, 1]).save_to_disk("picked")
datasets.DatasetDict({"train": whole, "test": whole}).save_to_disk("dict")
assert [dict(row) for row in datasets.load_from_disk("picked")] == [rows[2], rows[0], rows[1]]
"""


def test_folders_saved_by_the_library(tmp_path: Path) -> None:
    done = subprocess.run(
        [sys.executable, "-c", SAVE, json.dumps(ROWS)], cwd=tmp_path, capture_output=True, text=True, check=False,
        env={**os.environ, "HF_HOME": str(tmp_path / "home"), "HF_HUB_OFFLINE": "1"},
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    (tmp_path / "plain.jsonl").write_bytes(jsonl(ROWS))
    found = read(tmp_path, ["plain.jsonl", "saved", "picked", "dict", "dict/train"])
    assert found["saved"] == found["plain.jsonl"] == found["dict/train"]
    assert found["picked"][0] == ["c", "a", "b"]
    assert "several splits" in found["dict"]
    assert "data: folder/train" in found["dict"]


def test_a_gate_names_hub_data_by_the_card_that_has_it(tmp_path: Path) -> None:
    reference = pinned("o/formats", "parquet/test")
    card = tmp_path / "datasets" / "d" / "1.0.0" / "dataset.yaml"
    with pytest.raises(BadInput, match="no card"):
        card_path(reference, root=tmp_path, base=tmp_path)
    card.parent.mkdir(parents=True)
    for line in (f"data: {reference}", f'data: "{reference}"  # the test split', f"data: '{reference}'\r"):
        card.write_text(f"name: d\n{line}\nversion: 1.0.0\n", encoding="utf-8")
        assert card_path(reference, root=tmp_path, base=tmp_path) == card
    card.write_text(f"name: d\n# data: {reference}\ndata: {reference}x\n", encoding="utf-8")
    with pytest.raises(BadInput, match="no card"):
        card_path(reference, root=tmp_path, base=tmp_path)
    for version in ("1.0.0", "1.0.1"):
        twice = tmp_path / "datasets" / "d" / version / "dataset.yaml"
        twice.parent.mkdir(exist_ok=True)
        twice.write_text(f"data: {reference}\n", encoding="utf-8")
    with pytest.raises(BadInput, match="several cards"):
        card_path(reference, root=tmp_path, base=tmp_path)


def test_parts_of_a_reference() -> None:
    found = parse_reference(f"hf://org/na.me@{COMMIT}#main/test")
    assert (found.name, found.revision, found.config, found.split) == ("org/na.me", COMMIT, "main", "test")
    found = parse_reference("hf://org/name")
    assert (found.revision, found.config, found.split) == (None, None, None)
