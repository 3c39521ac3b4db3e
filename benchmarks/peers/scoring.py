"""The figures of one case by the reference libraries, for every peer that runs Python: sacrebleu, rouge-score, and SQuAD's F1."""

from __future__ import annotations

import argparse
import json
import re
import string
from collections import Counter
from pathlib import Path
from typing import Any

NAMES = ("bleu", "chrf", "rouge1", "rouge2", "rougeL", "exact_match", "token_f1")
ROUGE = ("rouge1", "rouge2", "rougeL")
_ARTICLES = re.compile(r"\b(a|an|the)\b")
_PUNCTUATION = str.maketrans("", "", string.punctuation)


class Scoring:
    """Figures of single outputs; each library is loaded once."""

    def __init__(self, rouge: tuple[str, ...] = ROUGE) -> None:
        from rouge_score.rouge_scorer import RougeScorer
        from sacrebleu.metrics.bleu import BLEU
        from sacrebleu.metrics.chrf import CHRF

        self.bleu, self.chrf, self.rouge = BLEU(effective_order=True), CHRF(), RougeScorer(list(rouge))

    def of(self, reference: str, output: str) -> dict[str, float]:
        """All seven figures of one output."""
        found = {name: score.fmeasure for name, score in self.rouge.score(reference, output).items()}
        found["bleu"] = self.bleu.sentence_score(output, [reference]).score
        found["chrf"] = self.chrf.sentence_score(output, [reference]).score
        return {**found, "exact_match": exact_match(reference, output), "token_f1": token_f1(reference, output)}


def exact_match(reference: str, output: str) -> float:
    """1 for the same text, else 0."""
    return float(output == reference)


def token_f1(reference: str, output: str) -> float:
    """F1 of the words both have in common, after SQuAD's normalisation."""
    wanted, given = _words(reference), _words(output)
    if not wanted or not given:
        return float(wanted == given)
    common = sum((Counter(wanted) & Counter(given)).values())
    if common == 0:
        return 0.0
    precision, recall = common / len(given), common / len(wanted)
    return 2 * precision * recall / (precision + recall)


def _words(text: str) -> list[str]:
    return _ARTICLES.sub(" ", text.lower().translate(_PUNCTUATION)).split()


def arguments() -> argparse.Namespace:
    """What every adapter is told."""
    parser = argparse.ArgumentParser()
    for name in ("--references", "--baseline", "--candidate", "--out"):
        parser.add_argument(name, type=Path, required=True)
    parser.add_argument("--reference-field", default="reference")
    return parser.parse_args()


def rows(path: Path) -> list[dict[str, Any]]:
    """The lines of a JSON lines file."""
    with path.open(encoding="utf-8") as file:
        return [json.loads(line) for line in file]


def cases(options: argparse.Namespace) -> dict[str, list[tuple[str, str, str]]]:
    """Variant → (id, reference, output) of every case."""
    references = rows(options.references)
    found = {}
    for arm in ("baseline", "candidate"):
        outputs = {row["id"]: row["output"] for row in rows(getattr(options, arm))}
        found[arm] = [(row["id"], row[options.reference_field], outputs[row["id"]]) for row in references]
    return found


def write_means(folder: Path, means: dict[str, dict[str, float]]) -> None:
    """Variant → figure → mean over cases (or the corpus's figure), for the check that everybody did the same work."""
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "means.json").write_text(json.dumps(means), encoding="utf-8")


def means_of(found: list[dict[str, float]]) -> dict[str, float]:
    """The mean of every figure."""
    return {name: sum(each[name] for each in found) / len(found) for name in NAMES}
