"""How long `evalgate check` of a whole repository takes: `python benchmarks/repository_check.py [--gates N] [--folder DIR]`.

1,000 prompts, a locked dataset of 100,000 cases (JSON lines) and one gate, then five gates over the same dataset. Each check is a
process of its own; what counts is its CPU time, which a busy machine changes little. Prints the seconds
and the limit, and ends with 1 when a check failed or was slower.
"""

from __future__ import annotations

import argparse
import json
import os
import random
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

LIMIT_SECONDS = 10.0
PROMPTS, CASES = 1_000, 100_000
STARTER = Path(__file__).resolve().parent.parent / "evalgate" / "starter" / "datasets" / "recordings" / "first-gate"
WORDS = "order customer parcel refund please account delivery week return policy size color invoice damaged late support".split()
PROMPT = """name: p{number:04}
description: Answers questions about topic {number}.
metadata: {{owner: shop, version: "1"}}
messages:
  - role: system
    content: You are a shop assistant. {text}.
  - role: user
    content: '{{{{question}}}}'
"""
CARD = """name: big
version: 1.0.0
license: CC0-1.0
source: generated
data: cases.jsonl
id: id
inputs: [question]
reference: answer
slices: [language]
"""
GATE = """gate: gate-{number}
dataset: big@1.0.0
variants:
  baseline: {{prompt: p{number:04}@1, model: m}}
  candidate: {{prompt: p{other:04}@1, model: m}}
models:
  m: {{provider: openai, name: smollm2-135m-instruct, parameters: {{temperature: 0, max_tokens: 8, seed: 7}}}}
proxy: {{mode: replay, recording: first-gate}}
metrics: [token_f1]
safety: [degenerate]
slices: [language]
thresholds:
  - {{metric: token_f1, max_regression: 0.02}}
  - {{safety: any, max_increase: 0}}
confidence: 0.95
seed: 1
"""


def write_project(root: Path, gates: int, prompts: int = PROMPTS, cases: int = CASES) -> None:
    """A project of made-up sentences, the same each time; its dataset is locked by `evalgate dataset lock`."""
    draw = random.Random(1)
    for number in range(prompts):
        folder = root / "configs" / "prompts" / f"p{number:04}"
        folder.mkdir(parents=True)
        text = " ".join(draw.choices(WORDS, k=60))
        (folder / "1.prompt.yml").write_text(PROMPT.format(number=number, text=text), encoding="utf-8")
    _write_dataset(root / "datasets" / "big" / "1.0.0", cases, draw)
    shutil.copytree(STARTER, root / "datasets" / "recordings" / "first-gate")
    write_gates(root, gates)
    subprocess.run([*_evalgate(), "dataset", "lock", "big@1.0.0", "--quiet"], cwd=root, check=True)


def write_gates(root: Path, gates: int) -> None:
    """Gates over the one dataset, each with prompts of its own."""
    for number in range(gates):
        text = GATE.format(number=2 * number, other=2 * number + 1)
        (root / "configs" / f"gate-{number}.yaml").write_text(text, encoding="utf-8")


def _write_dataset(folder: Path, cases: int, draw: random.Random) -> None:
    folder.mkdir(parents=True)
    words = ["".join(draw.choices("abcdefghijklmnopqrstuvwxyz", k=draw.randint(3, 9))) for _ in range(20_000)]
    with (folder / "cases.jsonl").open("w", encoding="utf-8") as handle:
        for number in range(cases):
            texts = {"question": " ".join(draw.choices(words, k=20)), "answer": " ".join(draw.choices(words, k=12))}
            row = {"id": f"c{number}", **texts, "language": draw.choice(("en", "de", "fr"))}
            handle.write(json.dumps(row) + "\n")
    (folder / "dataset.yaml").write_text(CARD, encoding="utf-8")


def check_seconds(root: Path) -> tuple[float, str]:
    """CPU seconds (user and system) of `evalgate check` on a project, and what it printed.

    Raises: RuntimeError when the check found a fault.
    """
    before = os.times()
    done = subprocess.run([*_evalgate(), "check"], cwd=root, capture_output=True, text=True, check=False)
    after = os.times()
    if done.returncode != 0:
        raise RuntimeError(f"exit code {done.returncode}: {done.stderr[:2000]}")
    spent = (after.children_user - before.children_user) + (after.children_system - before.children_system)
    return spent, done.stdout


def _evalgate() -> list[str]:
    return [sys.executable, "-c", "import sys; from evalgate.cli.main import main; sys.exit(main(sys.argv[1:]))"]


def main() -> int:
    """Measure, print, and judge."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--gates", type=int, nargs="*", default=[1, 5])
    parser.add_argument("--folder", type=Path, help="where to write the project (default: a temporary folder)")
    options = parser.parse_args()
    slow = False
    with tempfile.TemporaryDirectory(dir=options.folder) as name:
        root = Path(name)
        write_project(root, 0)
        for gates in sorted(options.gates):
            write_gates(root, gates)
            seconds, printed = check_seconds(root)
            looked_at = printed.count("ok  ")
            print(f"{gates} gates: {seconds:.1f} s CPU, limit {LIMIT_SECONDS:.0f} s; {looked_at} files and folders are right")
            slow |= seconds > LIMIT_SECONDS
    return int(slow)


if __name__ == "__main__":
    sys.exit(main())
