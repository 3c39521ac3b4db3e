"""The work that all benchmarks share: `python benchmarks/workload.py CASES FOLDER [--gate]`.

English-like texts, always the same for a seed: words by a Zipf law from a vocabulary of 20,000, references of 30 to 50 words, and
two variants that drop, replace or insert words at random, so that their BLEU is about 40 and 43. Cases are made one by one, so a
million of them need no memory. `--gate` writes a whole project instead: dataset, prompts, recording and configuration.
"""

from __future__ import annotations

import argparse
import itertools
import json
import random
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

SEED = 20260901
VOCABULARY = 20_000
LETTERS = "etaoinshrdlucmfwypvbgkjqxz"
EDITED = {"baseline": 0.38, "candidate": 0.355}
"""Variant → share of the words that are dropped, replaced or followed by another one, in equal parts."""
EXACT = 0.02
"""Share of the outputs that are the reference itself."""
METRICS = ("bleu", "chrf", "rouge", "exact_match", "token_f1")
SHARED = Path(__file__).resolve().parents[2] / "shared" / "data"
"""Real outputs of real systems, read where they lie; most machines do not have them."""


@dataclass(frozen=True, slots=True)
class Files:
    """The three files of a comparison."""

    name: str
    references: Path
    baseline: Path
    candidate: Path
    reference_field: str = "reference"

    def arguments(self) -> list[str]:
        """What `evalgate compare` is told of them."""
        files = [str(self.baseline), str(self.candidate), "--references", str(self.references)]
        return [*files, "--reference-field", self.reference_field]


def texts(count: int, seed: int = SEED) -> Iterator[tuple[str, str, str, str]]:
    """`count` cases, one after the other: id, reference, baseline's output, candidate's output.

    A longer workload begins with the shorter one of the same seed.
    """
    words, cumulative = _vocabulary(seed)
    rng = random.Random(seed)
    for number in range(count):
        sentence = rng.choices(words, cum_weights=cumulative, k=rng.randint(30, 50))
        sentence[0] = sentence[0].capitalize()
        sentence[len(sentence) // 2] += ","
        # A pool of other words a case: drawing one at a time costs more than all the rest.
        spare = iter(rng.choices(words, cum_weights=cumulative, k=2 * len(sentence)))
        outputs = [_edited(rng, sentence, share, spare) for share in EDITED.values()]
        yield (f"c{number:07d}", " ".join(sentence) + ".", *outputs)  # type: ignore[misc]


def write_files(folder: Path, count: int, seed: int = SEED) -> Files:
    """Write ref.jsonl, base.jsonl and cand.jsonl; files of the same size and seed that are there already are kept."""
    folder.mkdir(parents=True, exist_ok=True)
    files = Files(f"generated, {count:,} cases", *(folder / f"{name}.jsonl" for name in ("ref", "base", "cand")))
    stamp = folder / "workload.json"
    made = json.dumps({"cases": count, "seed": seed, "edited": EDITED, "exact": EXACT})
    if stamp.is_file() and stamp.read_text("utf-8") == made:
        return files
    with (
        files.references.open("w", encoding="utf-8") as reference_file,
        files.baseline.open("w", encoding="utf-8") as baseline_file,
        files.candidate.open("w", encoding="utf-8") as candidate_file,
    ):
        for name, reference, baseline, candidate in texts(count, seed):
            reference_file.write(json.dumps({"id": name, "reference": reference}) + "\n")
            baseline_file.write(json.dumps({"id": name, "output": baseline}) + "\n")
            candidate_file.write(json.dumps({"id": name, "output": candidate}) + "\n")
    stamp.write_text(made, encoding="utf-8")
    return files


def write_gate(root: Path, count: int, metrics: str = "bleu, chrf, rougeL", seed: int = SEED) -> Path:
    """Write a project whose gate replays the workload from a recording. Returns the configuration."""
    from evalgate.proxy.request import canonical_request, request_key

    prompts, data, tape = root / "configs/prompts/p", root / "datasets/d/1.0.0", root / "datasets/recordings/r"
    for folder in (prompts, data, tape):
        folder.mkdir(parents=True)
    for version in (1, 2):
        (prompts / f"{version}.prompt.yml").write_text(f"messages:\n  - {{role: user, content: 'v{version} {{{{question}}}}'}}\n")
    (data / "dataset.yaml").write_text("name: d\nversion: 1.0.0\ndata: cases.jsonl\ninputs: [question]\nreference: answer\n")
    with (data / "cases.jsonl").open("w") as cases, (tape / "0001.jsonl").open("w") as exchanges:
        for name, reference, *outputs in texts(count, seed):
            cases.write(json.dumps({"id": name, "question": name, "answer": reference}) + "\n")
            for version, output in enumerate(outputs, start=1):
                messages = [{"role": "user", "content": f"v{version} {name}"}]
                request = canonical_request(model="m", messages=messages, parameters={})
                response = {"status": "ok", "text": output, "finish": "stop"}
                line = {"v": 1, "key": request_key(request), "request": request, "response": response, "latency_ms": 5.0}
                exchanges.write(json.dumps(line) + "\n")
    config = root / "configs" / "g.yaml"
    config.write_text(
        "gate: g\ndataset: d@1.0.0\nvariants:\n  baseline: {prompt: p@1, model: m}\n  candidate: {prompt: p@2, model: m}\n"
        f"models: {{m: {{provider: openai, name: m}}}}\nproxy: {{mode: replay, recording: r}}\nmetrics: [{metrics}]\n"
        "thresholds:\n  - {metric: bleu, max_regression: 1.0}\nreports: [html, junit, markdown]\n"
    )
    return config


def real_files(folder: Path = SHARED) -> list[Files]:
    """The real comparisons that are there; none where the folder is absent."""
    known = (
        ("bbh_codex", "code-davinci-002-direct", "code-davinci-002-cot", "reference"),
        ("gsm8k", "6b_verification", "175b_finetuning", "reference_solution"),
        ("xsum_halluc", "PtGen", "TConvS2S", "reference"),
    )
    found = []
    for name, baseline, candidate, column in known:
        home = folder / name
        if (home / "golden.jsonl").is_file():
            outputs = (home / "outputs" / f"{system}.jsonl" for system in (baseline, candidate))
            found.append(Files(name, home / "golden.jsonl", *outputs, column))
    return found


def read_texts(files: Files) -> tuple[list[str], dict[str, list[str]]]:
    """References, and the outputs of both variants in the same order."""
    golden = {row["id"]: row[files.reference_field] for row in _lines(files.references)}
    outputs = {}
    for arm, path in (("baseline", files.baseline), ("candidate", files.candidate)):
        found = {row["id"]: row["output"] for row in _lines(path)}
        outputs[arm] = [found[name] for name in golden]
    return list(golden.values()), outputs


def _lines(path: Path) -> list[dict[str, str]]:
    return [json.loads(line) for line in path.read_text("utf-8").split("\n") if line]


def _vocabulary(seed: int) -> tuple[list[str], list[float]]:
    """Words, short ones of frequent letters first, and the cumulative weights of 1, 1/2, 1/3 …"""
    rng = random.Random(f"words of {seed}")
    words: dict[str, None] = {}
    while len(words) < VOCABULARY:
        rank = len(words)
        length = 2 + min(rank // 400, 5) + rng.randrange(4)
        words["".join(rng.choice(LETTERS[: 12 + min(rank // 200, 14)]) for _ in range(length))] = None
    return list(words), list(itertools.accumulate(1 / (rank + 1) for rank in range(VOCABULARY)))


def _edited(rng: random.Random, sentence: list[str], share: float, spare: Iterator[str]) -> str:
    if rng.random() < EXACT:
        return " ".join(sentence) + "."
    kept = []
    for word in sentence:
        draw = rng.random()
        if draw >= share:
            kept.append(word)
        elif draw >= share * 2 / 3:
            kept += [word, next(spare)]
        elif draw >= share / 3:
            kept.append(next(spare))
    return " ".join(kept) + "."


def main() -> None:
    """Write a workload."""
    arguments = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    arguments.add_argument("cases", type=int)
    arguments.add_argument("folder", type=Path)
    arguments.add_argument("--seed", type=int, default=SEED)
    arguments.add_argument("--gate", action="store_true", help="a whole project with a recording, for `evalgate run`")
    options = arguments.parse_args()
    if options.gate:
        print(write_gate(options.folder, options.cases, seed=options.seed))
    else:
        print(write_files(options.folder, options.cases, options.seed).name)


if __name__ == "__main__":
    main()
