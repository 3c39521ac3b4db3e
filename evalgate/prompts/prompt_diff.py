"""Two prompts side by side: templates, parameters, schemas, and what becomes of them with real cases."""

from __future__ import annotations

import difflib
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from evalgate.core.canonical import canonical_json, pretty_json
from evalgate.core.errors import BadInput
from evalgate.core.prompt_changes import CaseRendering, MessageChange, NamedChange, PromptChanges, PromptSide
from evalgate.core.text_changes import LineChange, changed_lines, whole_text
from evalgate.core.values import Case
from evalgate.prompts.releases import suggested_bump
from evalgate.prompts.template import render
from evalgate.prompts.values import Message, Prompt

MOST_PAIRS = 10_000
"""Pairs of messages beyond which only messages at the same place are compared."""
_ABOUT = ("name", "description", "owner", "version", "model", "format", "engine")


def prompt_changes(old: Prompt, new: Prompt) -> PromptChanges:
    """Everything that differs between two prompts before they are filled."""
    bump = suggested_bump(old, new)
    return PromptChanges(
        before=_side(old),
        after=_side(new),
        level=bump.level,
        reasons=bump.reasons,
        messages=message_changes(old.messages, new.messages),
        parameters=_named(old.parameters, new.parameters),
        about=_named(_about(old), _about(new)),
        output_schema=_json_lines(old.output_schema, new.output_schema),
        inputs=_json_lines(_declared(old), _declared(new)),
    )


def case_rendering(old: Prompt, new: Prompt, case: Case) -> CaseRendering:
    """What differs when both prompts are filled with one case; a prompt that refuses it says why."""
    before, after = _rendered(old, case), _rendered(new, case)
    if isinstance(before, str) or isinstance(after, str):
        errors = (before if isinstance(before, str) else None, after if isinstance(after, str) else None)
        return CaseRendering(case.id, case.place, (), errors)
    return CaseRendering(case.id, case.place, message_changes(before, after))


def message_changes(before: Sequence[Message], after: Sequence[Message]) -> tuple[MessageChange, ...]:
    """Messages that went, came or changed; equal messages are left out."""
    codes = difflib.SequenceMatcher(None, before, after, autojunk=False).get_opcodes()
    return tuple(
        change for tag, a, b, c, d in codes if tag != "equal" for change in _replaced(before[a:b], after[c:d], a + 1, c + 1)
    )


def _replaced(old: Sequence[Message], new: Sequence[Message], first_old: int, first_new: int) -> Iterator[MessageChange]:
    """Messages of one role that are most alike, in their order, are taken for one message that changed."""
    a = c = 0
    for i, j in (*_pairs(old, new), (len(old), len(new))):
        for index in range(a, i):
            yield MessageChange("removed", old[index].role, first_old + index, whole_text("gone", old[index].content))
        for index in range(c, j):
            yield MessageChange("added", new[index].role, first_new + index, whole_text("come", new[index].content))
        if i < len(old) and j < len(new):
            yield MessageChange("changed", new[j].role, first_new + j, changed_lines(old[i].content, new[j].content))
        a, c = i + 1, j + 1


def _pairs(old: Sequence[Message], new: Sequence[Message]) -> list[tuple[int, int]]:
    """The pairs of messages that keep most words, found as a longest common subsequence with weights."""
    if len(old) * len(new) > MOST_PAIRS:
        return [(i, i) for i in range(min(len(old), len(new))) if old[i].role == new[i].role and old[i] != new[i]]
    words = [[Counter(message.content.split()) for message in side] for side in (old, new)]
    best = [[0.0] * (len(new) + 1) for _ in range(len(old) + 1)]
    for i in reversed(range(len(old))):
        for j in reversed(range(len(new))):
            taken = best[i + 1][j + 1] + _alike(words[0][i], words[1][j]) if old[i].role == new[j].role else 0.0
            best[i][j] = max(best[i + 1][j], best[i][j + 1], taken)
    found = []
    i = j = 0
    while i < len(old) and j < len(new):
        if best[i][j] == best[i + 1][j]:
            i += 1
        elif best[i][j] == best[i][j + 1]:
            j += 1
        else:
            found.append((i, j))
            i, j = i + 1, j + 1
    return found


def _alike(one: Counter[str], other: Counter[str]) -> float:
    """Share of words in common, and a little for the same role alone."""
    return 0.01 + 2 * (one & other).total() / max(1, one.total() + other.total())


def _rendered(prompt: Prompt, case: Case) -> tuple[Message, ...] | str:
    try:
        return render(prompt, case.inputs)
    except BadInput as error:
        return "; ".join(problem.message for problem in error.problems)


def _side(prompt: Prompt) -> PromptSide:
    return PromptSide(prompt.reference, str(prompt.path), prompt.digest)


def _about(prompt: Prompt) -> Mapping[str, Any]:
    told = {key: getattr(prompt, key) for key in _ABOUT if getattr(prompt, key)}
    return {**told, **{f"metadata.{key}": value for key, value in prompt.metadata.items()}}


def _declared(prompt: Prompt) -> Any:
    if prompt.declared is None:
        return None
    told = prompt.declared
    return {item.name: {"schema": item.schema, "required": item.required, "default": item.default} for item in told}


def _named(before: Mapping[str, Any], after: Mapping[str, Any]) -> tuple[NamedChange, ...]:
    sides = [(name, _text(before, name), _text(after, name)) for name in sorted({*before, *after})]
    return tuple(NamedChange(name, old, new) for name, old, new in sides if old != new)


def _text(values: Mapping[str, Any], name: str) -> str | None:
    return canonical_json(values[name]).decode("utf-8") if name in values else None


def _json_lines(before: Any, after: Any) -> tuple[LineChange, ...]:
    if before is None and after is None:
        return ()
    if before is None or after is None:
        return whole_text("gone" if after is None else "come", pretty_json(before if after is None else after).rstrip("\n"))
    return changed_lines(pretty_json(before), pretty_json(after))
