"""Every rule of the linter, by code."""

from __future__ import annotations

import re
from collections.abc import Iterable

from evalgate.core.errors import BadInput
from evalgate.core.plugins import suggestion
from evalgate.prompts.lint import (
    rules_about,
    rules_file,
    rules_model,
    rules_private,
    rules_schemas,
    rules_suppression,
    rules_template,
    rules_variables,
)
from evalgate.prompts.lint.values import Rule

RULES: tuple[Rule, ...] = tuple(
    sorted(
        (
            *rules_suppression.RULES,
            *rules_file.RULES,
            *rules_variables.RULES,
            *rules_schemas.RULES,
            *rules_template.RULES,
            *rules_private.RULES,
            *rules_model.RULES,
            *rules_about.RULES,
        ),
        key=lambda rule: rule.code,
    )
)
"""In the order of their codes. Retired codes, never to be used again: none so far."""
GROUPS = {
    "EP0": "The file",
    "EP1": "Variables",
    "EP2": "Schemas",
    "EP3": "Safety",
    "EP4": "The model",
    "EP5": "About the prompt",
}
"""What the first digit of a code stands for."""
_PREFIX = re.compile(r"EP\d{0,3}\Z")


def chosen_rules(select: Iterable[str] = (), ignore: Iterable[str] = ()) -> tuple[Rule, ...]:
    """The rules to run: all, or those selected, without those ignored.

    A choice is a code (`EP101`), the beginning of one (`EP3`), or a name (`secret`); several may be joined by commas.
    Raises: BadInput for a choice that means no rule, or when none is left.
    """
    wanted = _matching(select, "--select")
    dropped = _matching(ignore, "--ignore") or set()
    rules = tuple(rule for rule in RULES if (wanted is None or rule.code in wanted) and rule.code not in dropped)
    if not rules:
        raise BadInput("no rule is left to run", where="--select/--ignore", hint="select more, or ignore less")
    return rules


def _matching(choices: Iterable[str], flag: str) -> set[str] | None:
    given = [one.strip() for choice in choices for one in choice.split(",")]
    if not given:
        return None
    found: set[str] = set()
    for one in given:
        codes = {rule.code for rule in RULES if one == rule.name or (_PREFIX.match(one) and rule.code.startswith(one))}
        if not codes:
            known = [name for rule in RULES for name in (rule.code, rule.name)]
            raise BadInput(f"there is no rule {one!r}", where=flag, hint=suggestion(one, known))
        found |= codes
    return found
