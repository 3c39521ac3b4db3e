"""Get the answers of one shard: from the cases file, or through the proxy."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from functools import lru_cache
from pathlib import Path

from evalgate.core.errors import BadInput, Incomplete, Problem
from evalgate.core.values import ARMS, Output
from evalgate.prompts.template import render
from evalgate.prompts.values import Input, Message, Prompt
from evalgate.proxy.nearest import Miss
from evalgate.proxy.recording import Recording
from evalgate.proxy.replay import Ask, replay
from evalgate.runner.case_lines import CaseLine
from evalgate.runner.job import RECORDING_FILE, ArmTask, Job
from evalgate.runner.judgements import judged

Answers = Mapping[str, tuple[tuple[Output, ...], ...]]
"""Arm → case → sample."""


def answers_of(folder: Path, job: Job, lines: Sequence[CaseLine]) -> tuple[Answers, tuple[Miss, ...]]:
    """Answers of both variants to every case, and every request that nothing answers."""
    if not job.arms:
        return {arm: tuple(line.outputs[arm] for line in lines) for arm in ARMS}, ()
    recording = _recording(folder / RECORDING_FILE, job.recording)
    misses: list[Miss] = []
    answers: dict[str, tuple[tuple[Output, ...], ...]] = {}
    judges = {name: (task, prompt_of(task)) for name, task in job.judges.items()}
    for arm in ARMS:
        task = job.arms[arm]
        prompt = prompt_of(task)
        given = (_case_answers(line, arm, job, (task, prompt), recording, misses) for line in lines)
        pairs = zip(lines, given, strict=True)
        answers[arm] = tuple(
            judged(line.case, arm, outputs, judges, recording, misses) if judges else outputs for line, outputs in pairs
        )
    return answers, tuple(misses)


def rendered(line: CaseLine, prompt: Prompt) -> tuple[tuple[str, str], ...]:
    """The messages of one case as (role, content).

    Raises: BadInput naming the case when a variable is missing.
    """
    try:
        return tuple((m.role, m.content) for m in render(prompt, line.case.inputs))
    except BadInput as error:
        at_case = [Problem(p.message, f"case {line.case.id} ({line.case.place})", p.hint) for p in error.problems]
        raise BadInput(at_case) from error


def prompt_of(task: ArmTask) -> Prompt:
    """The prompt of an arm as the prompts room renders it."""
    from evalgate.prompts.template import placeholders_of

    messages = tuple(Message(role, content) for role, content in task.messages)
    return Prompt(
        task.prompt_reference,
        Path(task.prompt_path),
        messages,
        task.parameters,
        placeholders_of(messages) if task.engine == "plain" else task.variables,
        "",
        engine=task.engine,
        declared=tuple(Input(name, required=False, default=value) for name, value in task.optional.items()),
    )


def _case_answers(
    line: CaseLine,
    arm: str,
    job: Job,
    how: tuple[ArmTask, Prompt],
    recording: Recording,
    misses: list[Miss],
) -> tuple[Output, ...]:
    task, prompt = how
    messages = rendered(line, prompt)
    found: list[Output] = []
    for sample in range(job.samples):
        answer = replay(Ask(line.case.id, arm, task.model, messages, task.parameters, sample), recording)
        if isinstance(answer, Miss):
            misses.append(answer)
        else:
            found.append(replace(answer, messages=messages))
    return tuple(found)


@lru_cache(maxsize=2)
def _recording(path: Path, seal: str) -> Recording:
    recording = Recording.load(path)
    if recording.seal != seal:
        raise Incomplete("the recording changed during the run", where=recording.name, hint="run again")
    return recording
