"""A model as judge: what it is asked about an answer, and its recorded answers brought to the outputs that they judge."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

from evalgate.core.errors import BadInput, Problem
from evalgate.core.values import Case, Output, Status
from evalgate.prompts.template import render
from evalgate.prompts.values import Prompt
from evalgate.proxy.nearest import Miss
from evalgate.proxy.recording import Recording
from evalgate.proxy.replay import Ask, replay
from evalgate.runner.job import ArmTask

JUDGED = "output"
"""The variable of a judge's prompt that holds the answer to be judged."""
REFERENCE = "reference"
"""The variable that holds the first reference of the case, where there is one."""
OWN = (JUDGED, REFERENCE)

Judges = Mapping[str, tuple[ArmTask, Prompt]]
"""Name of a judge → how it is asked."""


def judge_ask(judge: tuple[str, ArmTask, Prompt], case: Case, arm: str, output: Output) -> Ask:
    """The request that asks a judge about one answer. The same answer to the same case is the same request, in both variants
    and in every repeat.

    Raises: BadInput naming the case: a variable is missing, or the case has an input of the same name as the judge's own.
    """
    name, task, prompt = judge
    try:
        messages = tuple((m.role, m.content) for m in render(prompt, _inputs(case, prompt, output)))
    except BadInput as error:
        raise BadInput([Problem(p.message, f"case {case.id} ({case.place})", p.hint) for p in error.problems]) from error
    return Ask(case.id, f"{arm}'s judge {name}", task.model, messages, task.parameters)


def judged(
    case: Case, arm: str, outputs: Sequence[Output], judges: Judges, recording: Recording, misses: list[Miss]
) -> tuple[Output, ...]:
    """The answers of one variant to one case with their judgements; a request that nothing answers is added to `misses`.

    Lost answers are not judged.
    """
    return tuple(
        output
        if output.status is Status.ERROR
        else replace(output, judgements=_judgements(case, arm, output, judges, recording, misses))
        for output in outputs
    )


def _judgements(
    case: Case, arm: str, output: Output, judges: Judges, recording: Recording, misses: list[Miss]
) -> dict[str, Output]:
    found: dict[str, Output] = {}
    for name, (task, prompt) in judges.items():
        answer = replay(judge_ask((name, task, prompt), case, arm, output), recording)
        if isinstance(answer, Miss):
            misses.append(answer)
        else:
            found[name] = answer
    return found


def _inputs(case: Case, prompt: Prompt, output: Output) -> dict[str, Any]:
    taken = [name for name in OWN if name in case.inputs and name in prompt.placeholders]
    if taken:
        said = f"prompt {prompt.reference} is given {taken[0]!r} by the judge, and the case has an input of that name"
        raise BadInput(said, where=str(prompt.path), hint=f"name the inputs of the dataset's card, without {taken[0]}")
    own: dict[str, Any] = {JUDGED: output.text if output.value is None else output.value}
    if case.references:
        own[REFERENCE] = case.references[0]
    return {**case.inputs, **own}
