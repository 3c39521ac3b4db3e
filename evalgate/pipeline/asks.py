"""Every request of a gate, case by case, both variants side by side."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping

from evalgate.core.errors import BadInput, Problem
from evalgate.core.values import ARMS, Case
from evalgate.prompts.template import render
from evalgate.prompts.values import Prompt
from evalgate.proxy.replay import Ask
from evalgate.runner.job import ArmTask


def asks_of(cases: Iterable[Case], arms: Mapping[str, ArmTask], prompts: Mapping[str, Prompt], samples: int) -> Iterator[Ask]:
    """Every request in the order in which they are asked.

    Both variants ask about the same case at the same time, and take turns in who goes first, so that a provider's good and
    bad minutes fall on both alike.

    Raises: BadInput naming the case when a variable is missing.
    """
    for number, case in enumerate(cases):
        order = ARMS if number % 2 == 0 else ARMS[::-1]
        messages = {arm: _rendered(case, prompts[arm]) for arm in order}
        for sample in range(samples):
            for arm in order:
                task = arms[arm]
                yield Ask(case.id, str(arm), task.model, messages[arm], task.parameters, sample)


def _rendered(case: Case, prompt: Prompt) -> tuple[tuple[str, str], ...]:
    try:
        return tuple((message.role, message.content) for message in render(prompt, case.inputs))
    except BadInput as error:
        raise BadInput([Problem(p.message, f"case {case.id} ({case.place})", p.hint) for p in error.problems]) from error
