"""The same work in lm-evaluation-harness: a model that gives recorded outputs, a task with seven figures.

BLEU and chrF are its own corpus aggregations (sacrebleu), with its bootstrap; `--no-intervals` leaves the bootstrap out.
"""

from __future__ import annotations

import os
import sys

os.environ.update(HF_HUB_OFFLINE="1", HF_DATASETS_OFFLINE="1")

from typing import Any

from lm_eval.api.model import LM
from lm_eval.api.task import ConfigurableTask
from lm_eval.evaluator import simple_evaluate
from scoring import ROUGE, Scoring, arguments, cases, exact_match, token_f1, write_means

from datasets import Dataset

MEANS = (*ROUGE, "exact_match", "token_f1")


class Recorded(LM):
    """Gives the output that belongs to an id."""

    def __init__(self, outputs: dict[str, str]) -> None:
        super().__init__()
        self.outputs = outputs

    def generate_until(self, requests: Any) -> list[str]:
        return [self.outputs[request.args[0]] for request in requests]

    def loglikelihood(self, requests: Any) -> Any:
        raise NotImplementedError

    def loglikelihood_rolling(self, requests: Any) -> Any:
        raise NotImplementedError


def task(arm: str, found: list[tuple[str, str, str]]) -> ConfigurableTask:
    """One variant as a task."""
    scoring = Scoring()

    def process(document: dict[str, str], results: list[str]) -> dict[str, Any]:
        reference, output = document["reference"], results[0]
        each = {name: score.fmeasure for name, score in scoring.rouge.score(reference, output).items()}
        each.update(exact_match=exact_match(reference, output), token_f1=token_f1(reference, output))
        return {**each, "bleu": (reference, output), "chrf": (reference, output)}

    rows = [{"id": name, "reference": reference} for name, reference, _ in found]
    metrics = [{"metric": name, "aggregation": "mean", "higher_is_better": True} for name in MEANS]
    metrics += [{"metric": name, "aggregation": name, "higher_is_better": True} for name in ("bleu", "chrf")]
    return ConfigurableTask(
        config={
            "task": arm,
            "custom_dataset": lambda **_: {"test": Dataset.from_list(rows)},
            "test_split": "test",
            "output_type": "generate_until",
            "doc_to_text": "{{id}}",
            "doc_to_target": "{{reference}}",
            "process_results": process,
            "generation_kwargs": {"until": ["\n\n"]},
            "metric_list": metrics,
        }
    )


def main() -> None:
    """Evaluate both variants."""
    more = {"bootstrap_iters": 0} if "--no-intervals" in sys.argv else {}
    sys.argv = [word for word in sys.argv if word != "--no-intervals"]
    options = arguments()
    means = {}
    for arm, found in cases(options).items():
        model = Recorded({name: output for name, _, output in found})
        results = simple_evaluate(model=model, tasks=[task(arm, found)], **more)["results"][arm]
        means[arm] = {name: results[f"{name},none"] for name in MEANS}
        means[arm].update({f"corpus.{name}": results[f"{name},none"] for name in ("bleu", "chrf")})
    write_means(options.out, means)


if __name__ == "__main__":
    main()
