"""A small project with recordings, and a way to call evalgate in it."""

from __future__ import annotations

import base64
import json
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import quote

import pytest

from evalgate.cli.main import main
from evalgate.core import credentials
from evalgate.core.canonical import json_line
from evalgate.proxy.exchange import sealed_line
from evalgate.proxy.recording import Recording, open_recording
from evalgate.proxy.request import canonical_request, request_key

ARMS = {"baseline": "Sum:", "candidate": "Add:"}


@dataclass
class Ran:
    """What a command left behind."""

    code: int
    out: str
    err: str

    @property
    def document(self) -> Any:
        return json.loads(self.out)


@dataclass
class Project:
    """A gate about sums over a few cases."""

    root: Path
    capsys: pytest.CaptureFixture[str]
    cases: int = 4
    samples: int = 1

    def write(self) -> Project:
        """Write everything but the recording."""
        prompts, data = self.root / "configs" / "prompts" / "sum", self.root / "datasets" / "sums" / "1.0.0"
        for folder in (prompts, data):
            folder.mkdir(parents=True)
        for version, text in ((1, "Sum:"), (2, "Add:")):
            body = f"messages:\n  - {{role: user, content: '{text} {{{{question}}}}'}}\n"
            (prompts / f"{version}.prompt.yml").write_text(body, encoding="utf-8")
        rows = [{"id": f"c{i}", "question": f"{i} + 1", "answer": str(i + 1)} for i in range(self.cases)]
        (data / "cases.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows), encoding="utf-8")
        card = "name: sums\nversion: 1.0.0\ndata: cases.jsonl\nid: id\ninputs: [question]\nreference: answer\n"
        (data / "dataset.yaml").write_text(card, encoding="utf-8")
        self.gate()
        return self

    def gate(self, name: str = "sums", recording: str = "sums", samples: int | None = None, **changes: str) -> Path:
        """Write a gate and give its path."""
        text = (
            f"gate: {name}\ndataset: sums@1.0.0\nvariants:\n  baseline: {{prompt: sum@1, model: m}}\n"
            f"  candidate: {{prompt: {changes.get('candidate', 'sum@2')}, model: m}}\n"
            "models:\n  m: {provider: openai, name: m, parameters: {temperature: 0}}\n"
            f"proxy: {{mode: replay, recording: {recording}}}\nmetrics: [exact_match]\nthresholds:\n  - {{metric: exact_match, min: 0.1}}\n"
            f"seed: 7\nsamples: {self.samples if samples is None else samples}\n"
        )
        path = self.root / "configs" / f"{name}.yaml"
        path.write_text(text, encoding="utf-8")
        return path

    @property
    def config(self) -> str:
        return str(self.root / "configs" / "sums.yaml")

    def folder(self, name: str = "sums") -> Path:
        return self.root / "datasets" / "recordings" / name

    def line(self, arm: str, i: int, sample: int = 0, text: str | None = None, **changes: Any) -> dict[str, Any]:
        """The sealed line of one answer of the gate; `error=…` for one that failed."""
        request = asked(f"{ARMS[arm]} {i} + 1", sample)
        usage = {"prompt_tokens": 5 + i, "completion_tokens": 1}
        response = {"status": "ok", "text": str(i + 1) if text is None else text, "finish": "stop", "usage": usage}
        if "error" in changes:
            response = {"status": "error", "error": changes["error"]}
        latency = changes.get("latency_ms", 10.5 + i)
        return sealed_line(
            request, response, key=request_key(request), latency_ms=latency, recorded_at="2026-01-02T03:04:05+00:00"
        )

    def lines(self) -> list[dict[str, Any]]:
        """Every line of the gate, in the order in which it asks."""
        return [self.line(arm, i, sample) for i in range(self.cases) for sample in range(self.samples) for arm in ARMS]

    def record(self, *lines: dict[str, Any] | str, name: str = "sums", segment: str = "0001.jsonl") -> Path:
        """Write a segment; without lines, the whole recording of the gate."""
        folder = self.folder(name)
        folder.mkdir(parents=True, exist_ok=True)
        text = "".join(x if isinstance(x, str) else json_line(x) for x in lines or self.lines())
        (folder / segment).write_text(text, encoding="utf-8", newline="")
        return folder / segment

    def open(self, name: str = "sums") -> Recording:
        return open_recording(self.folder(name), name)

    def file(self, name: str, content: Any) -> str:
        """Write a file to import: text, bytes, a list as JSON lines, or another value as JSON."""
        path = self.root / name
        if isinstance(content, bytes):
            path.write_bytes(content)
        elif isinstance(content, list):
            path.write_text("".join(json.dumps(row) + "\n" for row in content), encoding="utf-8")
        else:
            path.write_text(content if isinstance(content, str) else json.dumps(content, indent=1), encoding="utf-8")
        return str(path)

    def call(self, *arguments: str) -> Ran:
        """Any command, in this process."""
        self.capsys.readouterr()
        try:
            code = main(arguments)
        except SystemExit as stop:
            code = int(stop.code or 0)
        captured = self.capsys.readouterr()
        return Ran(code, captured.out, captured.err)

    def recording(self, *arguments: str) -> Ran:
        """`evalgate recording …`."""
        return self.call("recording", *arguments)

    def bring(self, file: str, *arguments: str, into: str = "new") -> Ran:
        """`evalgate recording import … --json`."""
        return self.recording("import", file, "--into", into, "--json", *arguments)

    def snapshot(self) -> dict[str, bytes]:
        """Every file of the project with its bytes."""
        return snapshot(self.root)

    def texts(self, name: str = "new") -> dict[str, str]:
        """Last question → answer of a recording; repeats as `question#1`, errors as `ERROR …`."""
        found = {}
        for exchange in self.open(name).exchanges():
            content = exchange.request.get("messages", exchange.request.get("input"))
            last = content[-1]["content"] if isinstance(content, list) and isinstance(content[-1], dict) else str(content)
            sample = exchange.request["sample"]
            found[f"{last}#{sample}" if sample else last] = (
                exchange.text if exchange.status == "ok" else f"ERROR {exchange.error}"
            )
        return found

    def no_secret(self, canary: str, *given: str, said: str = "") -> None:
        """No form of a secret stands in what was said or in any file, but for those that were given."""
        for name, data in [*self.snapshot().items(), ("what was said", said.encode())]:
            if str(self.root / name) not in given:
                assert [form for form in forms(canary) if form in data] == [], name

    def refuse(self, file: str, *said: str, options: tuple[str, ...] = (), code: int = 2, into: str = "new") -> Ran:
        """An import that must fail, say why, and write nothing."""
        before = self.snapshot()
        ran = self.bring(file, *options, into=into)
        assert ran.code == code, ran.out + ran.err
        for part in said:
            assert part in ran.err, ran.err
        assert self.snapshot() == before
        return ran


def asked(question: str, sample: int = 0) -> dict[str, Any]:
    """The canonical request of a question, as the gate asks it."""
    return canonical_request(
        model="m", messages=[{"role": "user", "content": question}], parameters={"temperature": 0}, sample=sample
    )


def snapshot(root: Path) -> dict[str, bytes]:
    """Every file with its bytes."""
    return {str(path.relative_to(root)): path.read_bytes() for path in sorted(root.rglob("*")) if path.is_file()}


def forms(canary: str) -> tuple[bytes, ...]:
    """A secret as it may stand somewhere: plain, URL-encoded, hexadecimal, in Base64 at any alignment."""
    data = canary.encode()
    encoded = [base64.b64encode(b"x" * lead + data).decode()[4:-4] for lead in range(3)]
    return tuple(form.encode() for form in (canary, quote(canary, safe=""), data.hex(), *encoded))


@pytest.fixture
def project(tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> Callable[..., Project]:
    """Make a project and work in it: `project(cases=3)`."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("OPENAI_API_KEY", raising=False)
    monkeypatch.setattr(credentials, "_known", set())
    return lambda **changes: Project(tmp_path, capsys, **changes).write()
