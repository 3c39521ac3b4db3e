"""A small real project on disk, and a way to run evalgate on it."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest

from evalgate.cli.main import main
from evalgate.proxy.request import canonical_request, request_key

PROMPT = "messages:\n  - {{role: user, content: '{text} {{{{question}}}}'}}\n"


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
