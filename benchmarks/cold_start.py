"""CPU seconds of whole commands: `python benchmarks/cold_start.py`.

The budgets: `--help` 0.15, `check` of one gate 0.5, a 200-case replay gate with three metrics and all reports 1.0. Each figure
is the least of several runs of a fresh process, user and system time with its children.
"""

from __future__ import annotations

import json
import resource
import subprocess
import sys
import tempfile
from pathlib import Path

from costs import compile_evalgate

from evalgate.proxy.request import canonical_request, request_key

CASES = 200
WORDS = ("the quick brown fox jumps over a lazy dog while seven small boats sail slowly past the old grey harbour wall ").split()


def text(number: int, changed: int) -> str:
    """A sentence of 40 words, some of them moved."""
    words = [WORDS[(number * 7 + i * (3 + number % 5)) % len(WORDS)] for i in range(40)]
    for i in range(changed):
        words[(number + i * 5) % 40] = WORDS[(number * 3 + i) % len(WORDS)]
    return " ".join(words)


def write_gate(root: Path) -> Path:
    """A gate of 200 cases with BLEU, chrF and ROUGE-L."""
    prompts, data, tape = root / "configs/prompts/p", root / "datasets/d/1.0.0", root / "datasets/recordings/r"
    for folder in (prompts, data, tape):
        folder.mkdir(parents=True)
    for version in (1, 2):
        (prompts / f"{version}.prompt.yml").write_text(f"messages:\n  - {{role: user, content: 'v{version} {{{{question}}}}'}}\n")
    cases = [{"id": f"c{i}", "question": f"question {i}", "answer": text(i, 0)} for i in range(CASES)]
    (data / "cases.jsonl").write_text("".join(json.dumps(case) + "\n" for case in cases))
    (data / "dataset.yaml").write_text("name: d\nversion: 1.0.0\ndata: cases.jsonl\ninputs: [question]\nreference: answer\n")
    lines = []
    for i in range(CASES):
        for version in (1, 2):
            request = canonical_request(
                model="m", messages=[{"role": "user", "content": f"v{version} question {i}"}], parameters={}
            )
            response = {"status": "ok", "text": text(i, 14 - 4 * version), "finish": "stop"}
            lines.append({"v": 1, "key": request_key(request), "request": request, "response": response, "latency_ms": 5.0})
    (tape / "0001.jsonl").write_text("".join(json.dumps(line) + "\n" for line in lines))
    config = root / "configs" / "g.yaml"
    config.write_text(
        "gate: g\ndataset: d@1.0.0\nvariants:\n  baseline: {prompt: p@1, model: m}\n  candidate: {prompt: p@2, model: m}\n"
        "models: {m: {provider: openai, name: m}}\nproxy: {mode: replay, recording: r}\nmetrics: [bleu, chrf, rougeL]\n"
        "thresholds:\n  - {metric: bleu, max_regression: 1.0}\nreports: [html, junit, markdown]\n"
    )
    return config


def cpu_seconds(arguments: list[str], repeats: int) -> float:
    """Least user + system seconds of a fresh process and its children."""
    best = float("inf")
    for _ in range(repeats):
        before = resource.getrusage(resource.RUSAGE_CHILDREN)
        subprocess.run(
            [sys.executable, "-m", "evalgate", *arguments], check=True, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
        )
        after = resource.getrusage(resource.RUSAGE_CHILDREN)
        best = min(best, after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime)
    return best


def main() -> None:
    """Measure and print."""
    compile_evalgate()
    with tempfile.TemporaryDirectory() as folder:
        config = str(write_gate(Path(folder)))
        for name, budget, arguments in (
            ("evalgate --help", 0.15, ["--help"]),
            ("evalgate check GATE", 0.5, ["check", config]),
            ("evalgate run GATE (200 cases, bleu chrf rougeL, three reports)", 1.0, ["run", config, "--fresh"]),
        ):
            print(f"{cpu_seconds(arguments, 5):6.3f} s CPU of {budget:4.2f}  {name}")


if __name__ == "__main__":
    main()
