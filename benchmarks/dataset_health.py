"""How long the health checks of a golden dataset take: `python benchmarks/dataset_health.py [cases]`.

Cases as they are in practice: a question of some 200 characters, a reference, two slices; one in fifty almost repeats another.
Prints CPU seconds of each step and the peak of memory.
"""

from __future__ import annotations

import json
import random
import resource
import sys
import tempfile
import time
from pathlib import Path

from evalgate.config.strict_yaml import read_document
from evalgate.core.health import HealthReport
from evalgate.golden.card import Card, parse_card
from evalgate.golden.cases import read_cases
from evalgate.golden.health.leakage import PromptText
from evalgate.golden.health.survey import HealthSurvey
from evalgate.golden.tables import read_rows
from evalgate.pipeline.check import check_paths
from evalgate.pipeline.subject import prove_dataset

SYLLABLES = [consonant + vowel for consonant in "bdklmnrst" for vowel in "aeiou"]
FREQUENT = "the of and to in is that for it with as was on are this have from by not but what can how do I my".split()
CARD = "name: many\nversion: 1.0.0\ndata: cases.jsonl\nid: id\ninputs: [question]\nreference: answer\nslices: [topic, language]\n"
PROMPT = "You answer questions of customers in one sentence. " * 40


def write_dataset(folder: Path, cases: int) -> Card:
    """A dataset of made-up sentences."""
    draw = random.Random(7)
    words = ["".join(draw.choices(SYLLABLES, k=draw.randint(1, 4))) for _ in range(20_000)]
    last = ""
    with (folder / "cases.jsonl").open("w", encoding="utf-8") as handle:
        for number in range(cases):
            chosen = [draw.choice(FREQUENT) if draw.random() < 0.4 else draw.choice(words) for _ in range(draw.randint(20, 45))]
            question = f"{last[:-1]}, please?" if number % 50 == 49 else " ".join(chosen) + "?"
            last = question
            row = {"id": f"case-{number:07}", "question": question, "answer": " ".join(chosen[:8]), "topic": f"t{number % 12}"}
            handle.write(json.dumps({**row, "language": "en" if number % 3 else "de"}) + "\n")
    (folder / "dataset.yaml").write_text(CARD, encoding="utf-8")
    return parse_card(read_document(folder / "dataset.yaml"), folder)


def survey(card: Card, prompts: tuple[PromptText, ...]) -> HealthReport:
    """What a run does: one pass over the cases with the prompts of a gate."""
    found = HealthSurvey(grouped=False, prompts=prompts)
    for case in read_cases(card, read_rows(card.data)):
        found.add(case)
    return found.report()


def main() -> None:
    """Measure and print."""
    cases = int(sys.argv[1]) if len(sys.argv) > 1 else 100_000
    prompts = tuple(PromptText(f"p@{n}", (("system", PROMPT, 3), ("user", "{{question}}", 9))) for n in (1, 2))
    with tempfile.TemporaryDirectory() as name:
        card = write_dataset(Path(name), cases)
        started = time.process_time()
        prove_dataset(card)
        proven = time.process_time()
        (checked,) = check_paths([Path(name) / "dataset.yaml"])
        done = time.process_time()
        survey(card, prompts)
        surveyed = time.process_time()
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    print(f"{cases:,} cases, CPU seconds: reading and digest {proven - started:.2f}, check in all {done - proven:.2f}")
    print(f"as a run does it, with two prompts, reading included {surveyed - done:.2f}; peak of memory {peak:,.0f} MB")
    for line in checked.health:
        print(f"  {line}")


if __name__ == "__main__":
    main()
