"""Rules about variables: what the text uses against what is declared, tried out, and offered by datasets."""

from __future__ import annotations

import difflib
import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from functools import lru_cache

from evalgate.core.lint_report import LintSeverity
from evalgate.prompts.lint.patterns import PLACEHOLDER, variables
from evalgate.prompts.lint.problem_kinds import BRACES, line_in, of_kind
from evalgate.prompts.lint.rules_template import unsafe_constructs
from evalgate.prompts.lint.skeleton import github, prompty
from evalgate.prompts.lint.values import GateUse, Hit, Rule, Source, Surroundings

_MOST_NAMES = 200
"""Names that a misspelling is looked for among."""
_TAG = re.compile(r"\{[{%#].*?[}%#]\}", re.DOTALL)


@dataclass(frozen=True, slots=True)
class _Use:
    """A variable at one place of the text."""

    name: str
    line: int
    column: int


def uses(source: Source) -> Iterator[_Use]:
    """Every variable of the messages with its place; a dotted name counts by its first part."""
    prompt = source.prompt
    seen: set[str] = set()
    for _, found, (line, column) in variables(source):
        name = found.group(1)
        seen.update((name, name.split(".")[0]))
        yield _Use(name, line, column)
    for name in prompt.placeholders if prompt is not None else ():
        if name not in seen:
            yield _Use(name, *_first(source, name))


def _first(source: Source, name: str) -> tuple[int, int]:
    """Where a variable is first named inside the logic of a template."""
    word = re.compile(rf"(?<![\w.]){re.escape(name)}(?!\w)")
    for part in source.outline.parts:
        for tag in _TAG.finditer(part.content):
            found = word.search(tag.group())
            if found:
                start = tag.start() + found.start()
                return source.place(part, start, start + len(name))
    return (source.outline.parts[0].line, 1) if source.outline.parts else (1, 1)


def _undeclared(source: Source) -> Iterator[Hit]:
    declared = source.outline.declared
    if declared is None:
        return
    names = [one.name for one in declared]
    told = _misspellings(source)
    for use in uses(source):
        if not _known(use.name, names) and use.name not in told:
            yield Hit(use.line, use.column, f"{{{{{use.name}}}}} is not declared", f"declared: {', '.join(names) or 'nothing'}")


def _misspelt(source: Source) -> Iterator[Hit]:
    meant = _misspellings(source)
    for use in uses(source):
        if use.name in meant:
            yield Hit(use.line, use.column, f"{{{{{use.name}}}}} is known nowhere", f"did you mean {{{{{meant[use.name]}}}}}?")


def _misspellings(source: Source) -> dict[str, str]:
    """Variables that nothing offers → the name each of them looks like; the other rules say nothing about these."""
    names = _names(source)
    if names is None:
        return {}
    found = {}
    used = {use.name: None for use in uses(source)}
    standing = {part for name in used for part in (name, name.split(".")[0])}
    unused = [name for name in names if name not in standing]
    for name in used:
        # A name that stands in the text already is not what another one was meant to be.
        close = [] if _known(name, names) else _near(name, unused)
        if close:
            found[name] = close[0]
    return found


def _no_column(source: Source) -> Iterator[Hit]:
    told = _misspellings(source)
    for gate in source.around.gates or ():
        if gate.columns is None:
            continue
        for use in uses(source):
            if not _known(use.name, gate.columns) and use.name not in told:
                said = f"gate {gate.gate} uses this prompt, and its dataset has no input {use.name!r}"
                yield Hit(use.line, use.column, said, f"inputs of the dataset: {', '.join(gate.columns) or 'none'}")


def _unused(source: Source) -> Iterator[Hit]:
    used = {use.name.split(".")[0] for use in uses(source)} | {use.name for use in uses(source)}
    if not source.outline.parts:
        return
    for one in source.outline.declared or ():
        if one.name not in used and not _meant(one.name, source):
            yield Hit(one.line or 1, 1, f"the input {one.name!r} is declared and never used", "use it, or remove it")
    given = {name: index for index, row in reversed(list(enumerate(source.outline.test_data))) for name in row}
    for name, index in given.items():
        if name not in used and name != "expected" and not _meant(name, source):
            line = source.line_of("testData", index, name)
            yield Hit(line, 1, f"test data gives {name!r}, which the prompt never uses", "use it, or remove it")


def _no_test_value(source: Source) -> Iterator[Hit]:
    outline = source.outline
    rows = outline.test_data
    if outline.declared is not None:
        for one in outline.declared:
            has = one.example is not None or one.default is not None or any(one.name in row for row in rows)
            if one.required and not has:
                yield Hit(one.line or 1, 1, f"the required input {one.name!r} has no test value", "give it an example")
        return
    if outline.format != "github" or not rows:
        return
    told = _misspellings(source)
    for name in dict.fromkeys(use.name for use in uses(source)):
        if not any(_known(name, row) for row in rows) and name not in told:
            hint = "give it a value in testData"
            yield Hit(source.line_of("testData"), 1, f"no test data gives a value for {name!r}", hint)


def _constant(source: Source) -> Iterator[Hit]:
    if source.outline.parts and not any(PLACEHOLDER.search(part.content) for part in source.outline.parts):
        first = source.outline.parts[0]
        if not any("{{" in part.content or "{%" in part.content for part in source.outline.parts):
            yield Hit(
                first.line, 1, "the prompt has no variable: it is the same for every case", "put an input into it: {{name}}"
            )


def _braces(source: Source) -> Iterator[Hit]:
    unsafe = {hit.line for hit in unsafe_constructs(source)}
    for problem in of_kind(source, BRACES):
        line = line_in(problem)
        near = next((part for part in source.outline.parts if part.first <= line <= part.last), None)
        inside = range(near.first, near.last + 1) if near else range(line, line + 1)
        if not unsafe & set(inside):
            yield Hit(line, 1, problem.message, problem.hint or "")


def _known(name: str, names: Iterable[str]) -> bool:
    known = set(names)
    return name in known or name.split(".")[0] in known


def _near(name: str, names: Iterable[str]) -> list[str]:
    return list(_close(name, tuple(names)[:_MOST_NAMES]))


@lru_cache(maxsize=4096)
def _close(name: str, names: tuple[str, ...]) -> tuple[str, ...]:
    return tuple(difflib.get_close_matches(name[:100], names, n=1, cutoff=0.75))


def _names(source: Source) -> list[str] | None:
    """Every name that anything offers; None when nothing offers names."""
    found = [one.name for one in source.outline.declared or ()]
    if source.outline.declared is None:
        found += [name for row in source.outline.test_data for name in row if name != "expected"]
    found += [column for gate in source.around.gates or () for column in gate.columns or ()]
    return list(dict.fromkeys(found)) or None


def _meant(name: str, source: Source) -> bool:
    """Whether a variable of the text is a misspelling of this name, which another rule says."""
    return name in _misspellings(source).values()


_QUESTION = ("<question>\n{{question}}\n</question>", "<question>\n{{question}}\n</question>\n<country>\n{{country}}\n</country>")
_QUESTION_YAML = (
    "<question>\n      {{question}}\n      </question>",
    "<question>\n      {{question}}\n      </question>\n      <country>\n      {{country}}\n      </country>",
)
_BOTH = Surroundings(gates=(GateUse("sample-gate", ("question", "country"), 1, "gpt-4o-2024-08-06", {}),))
_COUNTRY = ("template:\n", "  country: {kind: string, description: Where the customer lives, example: Peru}\ntemplate:\n")
_IN_TEST_DATA = ("small?}", "small?, country: Peru}")

RULES = (
    Rule(
        "EP101",
        "undeclared-variable",
        LintSeverity.ERROR,
        "The text uses a variable that the file does not declare.",
        "Who fills the prompt goes by its declaration; an undeclared variable stays empty or stops the run.",
        _undeclared,
        prompty(_QUESTION, around=_BOTH),
        prompty(_QUESTION, _COUNTRY, around=_BOTH),
    ),
    Rule(
        "EP102",
        "unused-input",
        LintSeverity.WARNING,
        "An input is declared or tested, and the text never uses it.",
        "A value that nobody reads hides that the prompt forgot it.",
        _unused,
        prompty(_COUNTRY),
        prompty(_COUNTRY, _QUESTION, around=_BOTH),
    ),
    Rule(
        "EP103",
        "misspelt-variable",
        LintSeverity.ERROR,
        "A variable is known nowhere, and one that is known looks much like it.",
        "A typing error in a name leaves the question out of the prompt.",
        _misspelt,
        github(("{{question}}", "{{qestion}}")),
        github(),
    ),
    Rule(
        "EP104",
        "unknown-column",
        LintSeverity.ERROR,
        "A gate uses the prompt with a dataset that has no such input.",
        "The run stops at its first case: the dataset cannot fill the prompt.",
        _no_column,
        github(_QUESTION_YAML, _IN_TEST_DATA),
        github(_QUESTION_YAML, _IN_TEST_DATA, around=_BOTH),
    ),
    Rule(
        "EP105",
        "input-without-test-value",
        LintSeverity.WARNING,
        "A required input has no example, default or test value.",
        "Without one nobody can render the prompt to look at it, and its tests cannot run.",
        _no_test_value,
        prompty((", example: Which pump is small?", "")),
        prompty(),
    ),
    Rule(
        "EP107",
        "no-variable",
        LintSeverity.WARNING,
        "The prompt has no variable.",
        "It is the same for every case, so a gate would measure one answer many times.",
        _constant,
        github(("{{question}}", "Which pump is small?"), ("testData:\n  - {question: Which pump is small?}\n", "")),
        github(),
    ),
    Rule(
        "EP108",
        "stray-braces",
        LintSeverity.ERROR,
        "Double braces that are not a variable.",
        "They reach the model as they stand: almost always a typing error.",
        _braces,
        github(("Name one product.", '"Name one {{ product."')),
        github(("Name one product.", '"Name one { { product."')),
    ),
)
