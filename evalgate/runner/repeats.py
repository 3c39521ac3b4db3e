"""The same answer to different inputs: no shard can see it alone, so all answers are counted before the first is measured."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import replace
from pathlib import Path

from evalgate.core.values import ARMS, Output, Status
from evalgate.runner.answers import Answers, answers_of
from evalgate.runner.case_lines import CaseLine, read_shard_cases
from evalgate.runner.job import Job, ShardTask
from evalgate.safety.identical_outputs import AnswerCounts, answer_key, count_answers, repeated_answers

Repeats = Mapping[str, Mapping[str, float]]
"""Arm → digest of an answer → the share of cases, with different inputs, to which it was given."""


def count_repeats(folder: Path, job: Job, tasks: Sequence[ShardTask], share: float) -> Repeats:
    """Find the answers that a variant gave to different inputs in more than `share` of all cases.

    Reads every answer once more, in this process; memory grows with the number of different answers. Requests that nothing
    answers are left to the shards, which name them.
    """
    asked = replace(job, judges={})

    def shards() -> Iterator[tuple[Sequence[CaseLine], Answers]]:
        for task in tasks:
            lines = read_shard_cases(folder, task)
            answers, misses = answers_of(folder, asked, lines)
            if not misses:
                yield lines, answers

    return repeats_in(shards(), job.samples if job.arms else 1, share)


def repeats_in(shards: Iterable[tuple[Sequence[CaseLine], Answers]], samples: int, share: float) -> Repeats:
    """The same for cases and answers that are at hand, one shard after the other."""
    counts = dict.fromkeys(map(str, ARMS), AnswerCounts())
    for lines, answers in shards:
        for arm in counts:
            for sample in range(samples):
                given = [(line.case, _text(outputs[sample])) for line, outputs in zip(lines, answers[arm], strict=True)]
                found = count_answers(given)
                # The repeats of a case are one case.
                counts[arm] = counts[arm].merge(found if sample == 0 else replace(found, cases=0))
    return {
        arm: {one.answer: one.inputs / count.cases for one in repeated_answers(count, share=share)}
        for arm, count in counts.items()
    }


def with_shares(answers: Answers, repeats: Repeats) -> Answers:
    """The same answers, each knowing the share of cases to which it was given."""
    if not any(repeats.values()):
        return answers
    return {
        arm: tuple(tuple(_with_share(output, repeats[arm]) for output in outputs) for outputs in answers[arm]) for arm in answers
    }


def _with_share(output: Output, shares: Mapping[str, float]) -> Output:
    share = shares.get(answer_key(_text(output)) or "", 0.0)
    return replace(output, shared=share) if share else output


def _text(output: Output) -> str:
    return "" if output.status is Status.ERROR else output.text
