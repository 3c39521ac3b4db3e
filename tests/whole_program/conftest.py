"""A small real project on disk, and a way to run evalgate on it."""

from __future__ import annotations

import contextlib
import json
import os
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest

from evalgate.cli.main import main
from evalgate.proxy.request import canonical_request, request_key

PROMPT = "messages:\n  - {{role: user, content: '{text} {{{{question}}}}'}}\n"

NURSERY = """
import importlib, json, os, sys
for name in ("evalgate.cli.run_command", "evalgate.pipeline.api", "evalgate.pipeline.run", "evalgate.pipeline.gather", "aiohttp", "numpy",
             "pydantic", "yaml", "evalgate.proxy.upstream.http_provider", "evalgate.pipeline.show", "pyarrow.parquet", "joblib", "rich.console"):
    importlib.import_module(name)
from evalgate.cli.main import entry
leave = os._exit  # while it still is what it was
print("ready", flush=True)
for line in sys.stdin:
    order = json.loads(line)
    child = os.fork()
    if child == 0:
        os.setsid()
        out = os.open(order["out"], os.O_WRONLY | os.O_CREAT | os.O_APPEND)
        os.dup2(out, 1)
        os.dup2(out, 2)
        os.dup2(os.open(os.devnull, os.O_RDONLY), 0)
        os.environ.update(order["environment"])
        sys.path[:0] = filter(None, order["environment"].get("PYTHONPATH", "").split(os.pathsep))
        for name, value in order["patches"].items():
            module, _, attribute = name.rpartition(".")
            setattr(importlib.import_module(module), attribute, value)
        exec(order["prepare"])
        sys.argv = ["evalgate", *order["arguments"]]
        try:
            entry()
        except SystemExit as stop:
            sys.stdout.flush()
            sys.stderr.flush()
            leave(stop.code or 0)
    print(child, flush=True)
    print(os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]), flush=True)
"""


@dataclass
class Child:
    """A run under way, alone in its session with whatever it starts."""

    pid: int
    said: Path
    _source: Any

    def wait(self) -> int:
        """The exit code, or minus the number of the signal."""
        return int(self._source.readline())

    def kill(self, number: int = signal.SIGKILL) -> None:
        # The nursery may have reaped it, but it starts no other child before it was waited for: the number is not in use.
        with contextlib.suppress(ProcessLookupError):
            os.kill(self.pid, number)

    @property
    def text(self) -> str:
        return self.said.read_text(encoding="utf-8")


@dataclass
class Nursery:
    """A process that has everything imported, and makes a child of itself for every run: hundreds of runs are cheap."""

    process: subprocess.Popen[str]

    def start(
        self,
        arguments: list[str],
        said: Path,
        environment: dict[str, str] | None = None,
        patches: dict[str, Any] | None = None,
        prepare: str = "",
    ) -> Child:
        """Start `evalgate ARGUMENTS`; one at a time.

        `patches`: name of an attribute, with `__` for dots → its value; `prepare`: code that the child runs first.
        """
        order = {
            "arguments": arguments,
            "environment": environment or {},
            "patches": {name.replace("__", "."): value for name, value in (patches or {}).items()},
            "prepare": prepare,
            "out": str(said),
        }
        assert self.process.stdin is not None and self.process.stdout is not None
        self.process.stdin.write(json.dumps(order) + "\n")
        self.process.stdin.flush()
        return Child(int(self.process.stdout.readline()), said, self.process.stdout)


@pytest.fixture(scope="module")
def nursery() -> Iterator[Nursery]:
    environment = {**os.environ, "OPENBLAS_NUM_THREADS": "1", "OMP_NUM_THREADS": "1"}
    command = [sys.executable, "-c", NURSERY]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, env=environment) as process:
        assert process.stdout is not None and process.stdin is not None
        assert process.stdout.readline() == "ready\n"
        yield Nursery(process)
        process.stdin.close()


@dataclass
class Ran:
    """What a run left behind."""

    code: int
    out: str
    err: str

    @property
    def document(self) -> Any:
        return json.loads(self.out)


@dataclass
class Project:
    """A gate about sums; the candidate answers `right` of its cases correctly, the baseline `base`."""

    root: Path
    capsys: pytest.CaptureFixture[str]
    cases: int = 40
    base: int = 20
    right: int = 36
    extra: str = ""
    thresholds: tuple[str, ...] = ("{metric: exact_match, min_improvement: 0.05}",)
    metrics: str = "[exact_match]"
    safety: str = "[]"
    slices: str = "[level]"
    answers: dict[tuple[str, int], str] = field(default_factory=dict)

    def write(self) -> Project:
        """Write configuration, prompts, dataset and recording."""
        prompts = self.root / "configs" / "prompts" / "sum"
        data = self.root / "datasets" / "sums" / "1.0.0"
        tape = self.root / "datasets" / "recordings" / "sums"
        for folder in (prompts, data, tape):
            folder.mkdir(parents=True, exist_ok=True)
        for version, text in ((1, "Sum:"), (2, "Add:")):
            (prompts / f"{version}.prompt.yml").write_text(PROMPT.format(text=text), encoding="utf-8")
        rows = [self.case(i) for i in range(self.cases)]
        (data / "cases.jsonl").write_text("".join(json.dumps(r) + "\n" for r in rows), encoding="utf-8")
        card = "name: sums\nversion: 1.0.0\ndata: cases.jsonl\nid: id\ninputs: [question]\nreference: answer\nslices: [level]\n"
        (data / "dataset.yaml").write_text(card, encoding="utf-8")
        lines = [self.line(arm, i) for i in range(self.cases) for arm in ("Sum:", "Add:")]
        (tape / "0001.jsonl").write_text("".join(json.dumps(line) + "\n" for line in lines), encoding="utf-8")
        self.config.write_text(self.text(), encoding="utf-8")
        return self

    def case(self, i: int) -> dict[str, Any]:
        return {"id": f"c{i}", "question": f"{i} + 1", "answer": str(i + 1), "level": "even" if i % 2 == 0 else "odd"}

    def line(self, arm: str, i: int) -> dict[str, Any]:
        correct = i < (self.base if arm == "Sum:" else self.right)
        text = self.answers.get((arm, i), str(i + 1) if correct else "no idea")
        request = canonical_request(
            model="m", messages=[{"role": "user", "content": f"{arm} {i} + 1"}], parameters={"temperature": 0}
        )
        response = {"status": "ok", "text": text, "finish": "stop", "usage": {"prompt_tokens": 5, "completion_tokens": 1}}
        return {"v": 1, "key": request_key(request), "request": request, "response": response, "latency_ms": 10.0 + i}

    def text(self) -> str:
        rules = "".join(f"  - {threshold}\n" for threshold in self.thresholds)
        return (
            "gate: sums\ndataset: sums@1.0.0\nvariants:\n  baseline: {prompt: sum@1, model: m}\n"
            "  candidate: {prompt: sum@2, model: m}\nmodels:\n  m: {provider: openai, name: m, parameters: {temperature: 0}}\n"
            f"proxy: {{mode: replay, recording: sums}}\nmetrics: {self.metrics}\nsafety: {self.safety}\nslices: {self.slices}\n"
            f"thresholds:\n{rules}seed: 7\n{self.extra}"
        ).replace("safety: []\n", "")

    @property
    def config(self) -> Path:
        return self.root / "configs" / "sums.yaml"

    @property
    def data(self) -> Path:
        return self.root / "datasets" / "sums" / "1.0.0" / "cases.jsonl"

    @property
    def tape(self) -> Path:
        return self.root / "datasets" / "recordings" / "sums" / "0001.jsonl"

    def run(self, *arguments: str) -> Ran:
        """`evalgate run` on this project."""
        return self.call("run", str(self.config), *arguments)

    def call(self, *arguments: str) -> Ran:
        """Any command, in this process."""
        self.capsys.readouterr()
        try:
            code = main(arguments)
        except SystemExit as stop:
            code = int(stop.code or 0)
        captured = self.capsys.readouterr()
        return Ran(code, captured.out, captured.err)

    def written(self) -> list[str]:
        """Names of everything under reports/."""
        return sorted(str(p.relative_to(self.root)) for p in (self.root / "reports").rglob("*"))


@pytest.fixture
def project(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> Callable[..., Project]:
    """Make a project: `project(right=20)`."""

    def make(**changes: Any) -> Project:
        return Project(tmp_path, capsys, **changes).write()

    return make
