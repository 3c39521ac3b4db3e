"""Every rule of the linter fires on exactly its own sample; the page of rules is made of the rules."""

from __future__ import annotations

import importlib.util
from pathlib import Path

import pytest

from evalgate.core.errors import BadInput
from evalgate.core.lint_report import LintSeverity
from evalgate.pipeline.prompt_sources import sample_source
from evalgate.prompts.lint.catalog import GROUPS, RULES, chosen_rules
from evalgate.prompts.lint.engine import lint, repaired, same_meaning
from evalgate.prompts.lint.skeleton import github, prompty
from evalgate.prompts.lint.values import Rule, Sample

IDS = [rule.code for rule in RULES]
FIXABLE = [rule for rule in RULES if rule.fix is not None]


def codes(sample: Sample) -> set[str]:
    return {finding.code for finding in lint(sample_source(sample), RULES).findings}


@pytest.mark.parametrize("rule", RULES, ids=IDS)
def test_a_rule_fires_on_its_own_sample_and_no_other_rule_does(rule: Rule) -> None:
    assert codes(rule.failing) == {rule.code}


@pytest.mark.parametrize("rule", RULES, ids=IDS)
def test_no_rule_fires_on_a_passing_sample(rule: Rule) -> None:
    assert codes(rule.passing) == set()


@pytest.mark.parametrize("sample", [github(), prompty()], ids=["github", "prompty"])
def test_the_clean_files_are_clean_and_read(sample: Sample) -> None:
    source = sample_source(sample)
    assert lint(source, RULES).findings == ()
    assert source.problems == ()


def test_codes_are_unique_ordered_and_in_a_group() -> None:
    assert sorted(set(IDS)) == IDS
    assert len({rule.name for rule in RULES}) == len(RULES)
    assert all(rule.code[:3] in GROUPS for rule in RULES)
    assert all(text.endswith(".") and "\n" not in text for rule in RULES for text in (rule.summary, rule.why))


# A code that was published keeps its meaning: a change of this list is a change of other people's suppressions.
PUBLISHED = {
    "EP001": "unreadable", "EP002": "faulty-suppression", "EP003": "unused-suppression", "EP004": "trailing-whitespace",
    "EP005": "carriage-return", "EP006": "byte-order-mark", "EP007": "no-final-newline", "EP008": "duplicate-key",
    "EP009": "yaml-norway", "EP010": "hidden-character", "EP011": "deprecated-field", "EP101": "undeclared-variable",
    "EP102": "unused-input", "EP103": "misspelt-variable", "EP104": "unknown-column", "EP105": "input-without-test-value",
    "EP106": "value-contradicts-type", "EP107": "no-variable", "EP108": "stray-braces", "EP201": "input-without-schema",
    "EP202": "answer-without-schema", "EP203": "schema-required", "EP204": "schema-invalid", "EP301": "input-in-system-role",
    "EP302": "role-marker-at-variable", "EP303": "no-delimiter", "EP304": "unsafe-template", "EP305": "secret",
    "EP306": "personal-data", "EP307": "internal-address", "EP308": "inline-credential-or-endpoint",
    "EP401": "parameter-not-taken", "EP402": "unpinned-model", "EP403": "samples-are-copies", "EP404": "no-seed",
    "EP405": "no-answer-limit", "EP406": "token-budget", "EP407": "parameter-invalid", "EP501": "no-owner",
    "EP502": "no-description", "EP503": "no-version", "EP504": "edited-after-release", "EP505": "version-does-not-match-change",
    "EP506": "no-golden-dataset",
}  # fmt: skip


def test_published_codes_keep_their_names() -> None:
    assert {rule.code: rule.name for rule in RULES} == PUBLISHED


@pytest.mark.parametrize("rule", FIXABLE, ids=[rule.code for rule in FIXABLE])
def test_a_repair_removes_the_finding_keeps_the_meaning_and_is_done_once(rule: Rule) -> None:
    source = sample_source(rule.failing)

    def read(text: str) -> object:
        return sample_source(Sample(text, rule.failing.path, rule.failing.around))

    text = repaired(source, (rule,), read)  # type: ignore[arg-type]
    after = sample_source(Sample(text, rule.failing.path, rule.failing.around))
    assert text != source.text
    assert after.prompt is not None and source.prompt is not None
    assert after.prompt.digest == source.prompt.digest
    assert same_meaning(source.prompt, after.prompt)
    assert lint(after, RULES).findings == ()
    assert repaired(after, RULES, read) == text  # type: ignore[arg-type]


def test_the_page_of_rules_is_fresh(repository: Path) -> None:
    path = repository / "scripts" / "build_lint_rules.py"
    spec = importlib.util.spec_from_file_location("build_lint_rules", path)
    assert spec is not None and spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    page = (repository / "docs" / "lint-rules.md").read_text(encoding="utf-8")
    assert page == module.page(), "run python scripts/build_lint_rules.py"
    assert all(f"### {rule.code} {rule.name}" in page for rule in RULES)


@pytest.mark.parametrize(
    ("select", "ignore", "count"),
    [
        ((), (), len(RULES)),
        (("EP101",), (), 1),
        (("EP3",), (), 8),
        (("secret,EP1",), (), 9),
        ((), ("EP3",), len(RULES) - 8),
        (("EP3",), ("EP303",), 7),
    ],
)
def test_rules_are_chosen_by_code_beginning_and_name(select: tuple[str, ...], ignore: tuple[str, ...], count: int) -> None:
    assert len(chosen_rules(select, ignore)) == count


@pytest.mark.parametrize(
    ("select", "ignore"),
    [(("EP999",), ()), (("secrets",), ()), (("",), ()), ((), ("EP9",)), (("EP101",), ("EP1",)), (("ep101",), ())],
)
def test_a_choice_that_means_nothing_is_refused(select: tuple[str, ...], ignore: tuple[str, ...]) -> None:
    with pytest.raises(BadInput):
        chosen_rules(select, ignore)


def test_errors_are_what_stops_a_prompt_and_nothing_less() -> None:
    errors = {rule.code for rule in RULES if rule.severity is LintSeverity.ERROR}
    assert {"EP001", "EP008", "EP010", "EP101", "EP103", "EP203", "EP204", "EP304", "EP305", "EP504"} <= errors
    assert not errors & {"EP004", "EP303", "EP404", "EP501", "EP506"}
