"""The two rules about suppressions; they are applied after all others and cannot be suppressed."""

from __future__ import annotations

from collections.abc import Iterator

from evalgate.core.lint_report import LintSeverity
from evalgate.prompts.lint.skeleton import github
from evalgate.prompts.lint.values import Hit, Rule, Source

FAULTY = "EP002"
UNUSED = "EP003"


def _afterwards(source: Source) -> Iterator[Hit]:
    """Said by the engine, which alone knows what was suppressed."""
    return iter(())


_LOOSE = ("temperature: 0", "temperature: 0.7")
_LINE = ("modelParameters:", "# evalgate: ignore EP404 -- answers are meant to vary\nmodelParameters:")

RULES = (
    Rule(
        FAULTY,
        "faulty-suppression",
        LintSeverity.ERROR,
        "A suppression without a reason, of an unknown rule, or where it cannot be one.",
        "Whoever reads it later must be able to tell whether it still holds.",
        _afterwards,
        github(("name: sample\n", "name: sample # evalgate: ignore EP502\n")),
        github(_LOOSE, _LINE),
    ),
    Rule(
        UNUSED,
        "unused-suppression",
        LintSeverity.WARNING,
        "A suppression that suppresses nothing.",
        "It outlived its finding, and would hide the next one.",
        _afterwards,
        github(_LINE),
        github(_LOOSE, _LINE),
    ),
)
