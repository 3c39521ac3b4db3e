"""Hold rules against one file, take out what it suppresses, and repair what can be repaired without changing its meaning."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, replace
from itertools import islice
from typing import Any

from evalgate.core.canonical import canonical_json
from evalgate.core.lint_report import LintFinding, in_order
from evalgate.prompts.lint.catalog import RULES
from evalgate.prompts.lint.rules_suppression import FAULTY, UNUSED
from evalgate.prompts.lint.suppressions import suppressions
from evalgate.prompts.lint.values import Hit, Rule, Source
from evalgate.prompts.values import Prompt

MAX_HITS = 100
"""Findings of one rule in one file; a file with more is in no need of a longer list."""
_BY_CODE = {rule.code: rule for rule in RULES}


@dataclass(frozen=True, slots=True)
class Linted:
    """What the rules say about one file."""

    findings: tuple[LintFinding, ...]
    suppressed: int


def lint(source: Source, rules: Iterable[Rule], sidecar: str | None = None) -> Linted:
    """Every finding of some rules in a file; `sidecar` is the text of the suppressions kept beside it."""
    rules = tuple(rules)
    codes = {rule.code for rule in rules}
    found = [_finding(source, rule, hit) for rule in rules for hit in islice(rule.check(source), MAX_HITS)]
    held, faulty = suppressions(source, sidecar)
    kept: list[LintFinding] = []
    used: set[int] = set()
    for finding in dict.fromkeys(found):
        fitting = [i for i, one in enumerate(held) if one.code == finding.code and one.first <= finding.line <= one.last]
        used.update(fitting)
        if not fitting:
            kept.append(finding)
    suppressed = len(dict.fromkeys(found)) - len(kept)
    if FAULTY in codes:
        hits = [Hit(one.line, one.column, one.message) for one in faulty]
        hits += [Hit(one.line, one.column, f"there is no rule {one.code}") for one in held if one.code not in _BY_CODE]
        kept += [_finding(source, _BY_CODE[FAULTY], hit) for hit in hits]
    if UNUSED in codes:
        for index, one in enumerate(held):
            if index not in used and one.code in codes:
                hit = Hit(one.line, one.column, f"nothing of {one.code} is found here", "remove the suppression")
                kept.append(_finding(source, _BY_CODE[UNUSED], hit))
    return Linted(in_order(kept), suppressed)


def repaired(source: Source, rules: Iterable[Rule], read: Callable[[str], Source], sidecar: str | None = None) -> str:
    """The text of a file with every repair that provably leaves its meaning as it is.

    `read` reads a text as this file. A file that cannot be read as a prompt has no meaning to compare, and stays as it is.
    """
    for rule in rules:
        if rule.fix is None or source.prompt is None:
            continue
        linted = lint(source, (rule,), sidecar)
        # What the file keeps for a reason is not repaired around it.
        if not linted.findings or linted.suppressed:
            continue
        for text in rule.fix(source):
            candidate = read(text)
            same = same_meaning(source.prompt, candidate.prompt) and same_values(source, candidate, rule.renamed)
            if text != source.text and same:
                source = candidate
                break
    return source.text


def same_meaning(before: Prompt, after: Prompt | None) -> bool:
    """Whether two readings of a file are the same prompt: digest and all else that it says, apart from line numbers."""
    if after is None or before.digest != after.digest:
        return False
    return _unplaced(before) == _unplaced(after)


def same_values(before: Source, after: Source, renamed: Mapping[str, str]) -> bool:
    """Whether the whole YAML of a file says the same, what belongs to other tools included, apart from renamed parameters."""
    if before.document is None or after.document is None:
        return before.document is after.document
    return bool(_written(before.document.value, renamed) == _written(after.document.value, {}))


def _written(fields: Any, renamed: Mapping[str, str]) -> Any:
    if not isinstance(fields, dict) or not isinstance(fields.get("modelParameters"), dict):
        return canonical_json(fields)
    parameters = {renamed.get(key, key): value for key, value in fields["modelParameters"].items()}
    return canonical_json({**fields, "modelParameters": parameters})


def _unplaced(prompt: Prompt) -> Prompt:
    declared = None if prompt.declared is None else tuple(replace(one, line=None) for one in prompt.declared)
    return replace(prompt, declared=declared, lines=())


def _finding(source: Source, rule: Rule, hit: Hit) -> LintFinding:
    fixable = rule.fix is not None and source.prompt is not None and hit.repairable
    place = (hit.line, hit.column)
    return LintFinding(source.path, *place, rule.code, rule.name, rule.severity, hit.message, hit.hint, fixable)
