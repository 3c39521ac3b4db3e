"""The same work in DeepEval: every figure a metric class of its own, one evaluation a variant, nothing printed or sent."""

from __future__ import annotations

import os

os.environ.update(DEEPEVAL_TELEMETRY_OPT_OUT="1", DEEPEVAL_UPDATE_WARNING_OPT_IN="0", DEEPEVAL_DISABLE_DOTENV="1")

from typing import Any

from deepeval import evaluate
from deepeval.evaluate import AsyncConfig, CacheConfig, DisplayConfig
from deepeval.metrics import BaseMetric
from deepeval.test_case import LLMTestCase
from scoring import NAMES, ROUGE, Scoring, arguments, cases, exact_match, means_of, token_f1, write_means


class Figure(BaseMetric):
    """One figure of one output."""

    def __init__(self, name: str, function: Any) -> None:
        self.name, self.function = name, function
        self.threshold, self.async_mode, self.include_reason = 0.0, False, False
        self.score, self.success, self.error, self.reason = None, None, None, None

    def measure(self, test_case: LLMTestCase, *args: Any, **kwargs: Any) -> float:
        self.score = self.function(test_case.expected_output, test_case.actual_output)
        self.success = True
        return self.score

    async def a_measure(self, test_case: LLMTestCase, *args: Any, **kwargs: Any) -> float:
        return self.measure(test_case)

    def is_successful(self) -> bool:
        return bool(self.success)

    @property
    def __name__(self) -> str:
        return self.name


def figures() -> list[BaseMetric]:
    """The seven figures; ROUGE three times, each with the one kind it needs."""
    scoring = Scoring()
    scorers = {name: Scoring((name,)).rouge for name in ROUGE}
    functions = {name: lambda r, o, n=name: scorers[n].score(r, o)[n].fmeasure for name in ROUGE}
    functions["bleu"] = lambda r, o: scoring.bleu.sentence_score(o, [r]).score
    functions["chrf"] = lambda r, o: scoring.chrf.sentence_score(o, [r]).score
    functions.update(exact_match=exact_match, token_f1=token_f1)
    return [Figure(name, functions[name]) for name in NAMES]


def main() -> None:
    """Evaluate both variants."""
    options = arguments()
    means = {}
    for arm, found in cases(options).items():
        tests = [LLMTestCase(input=name, actual_output=output, expected_output=reference) for name, reference, output in found]
        result = evaluate(
            test_cases=tests,
            metrics=figures(),
            async_config=AsyncConfig(run_async=False),
            display_config=DisplayConfig(show_indicator=False, print_results=False),
            cache_config=CacheConfig(write_cache=False, use_cache=False),
        )
        means[arm] = means_of([{m.name: float(m.score) for m in one.metrics_data} for one in result.test_results])
    write_means(options.out, means)


if __name__ == "__main__":
    main()
