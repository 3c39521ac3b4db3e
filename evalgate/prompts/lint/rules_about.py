"""Rules about what a prompt says of itself, and about its versions."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import replace

from evalgate.core.lint_report import LintSeverity
from evalgate.prompts.lint.skeleton import AROUND, GATE, GITHUB, github
from evalgate.prompts.lint.values import Hit, Rule, Sample, Source, Surroundings
from evalgate.prompts.locate import version_of
from evalgate.prompts.releases import edited, suggested_bump

_SEMANTIC = re.compile(r"(\d+)\.(\d+)\.(\d+)(?:[-+].*)?\Z")


def _no_owner(source: Source) -> Iterator[Hit]:
    released = source.around.release.owner if source.around.release is not None else ""
    if not source.outline.owner and not released and source.has_fields():
        yield Hit(1, 1, "nobody is named as the owner of the prompt", "add metadata: {owner: NAME}")


def _no_description(source: Source) -> Iterator[Hit]:
    if not source.outline.description and source.has_fields():
        yield Hit(1, 1, "the file does not say what the prompt is for", "add description: one sentence")


def _no_version(source: Source) -> Iterator[Hit]:
    if not source.outline.version:
        hint = "keep it as configs/prompts/NAME/VERSION.prompt.yml, or add metadata: {version: VERSION}"
        yield Hit(1, 1, "the prompt has no version", hint)


def _edited(source: Source) -> Iterator[Hit]:
    release = source.around.release
    problem = edited(release, source.prompt) if source.prompt is not None and release is not None else None
    if problem is not None:
        yield Hit(1, 1, problem.message, problem.hint or "")


def _bump(source: Source) -> Iterator[Hit]:
    prompt, previous = source.prompt, source.around.previous
    if prompt is None or previous is None:
        return
    if prompt.digest == previous.digest:
        said = f"version {source.outline.version} asks the model the same as {previous.path.name}"
        yield Hit(1, 1, said, "remove it, or make the change it was meant for")
        return
    old, new = _SEMANTIC.match(version_of(previous.path) or ""), _SEMANTIC.match(source.outline.version)
    if not old or not new:
        return
    bump = suggested_bump(previous, prompt)
    before, after = ([int(part) for part in found.groups()] for found in (old, new))
    kept = {"major": 1, "minor": 2, "patch": 3}[bump.level]
    if after[:kept] <= before[:kept]:
        said = f"{'; '.join(bump.reasons)}: that is a {bump.level} change, and {source.outline.version} says otherwise"
        yield Hit(1, 1, said, f"after {'.'.join(map(str, before))} the next {bump.level} version is meant")


def _no_dataset(source: Source) -> Iterator[Hit]:
    if source.around.gates is not None and not source.around.covered:
        yield Hit(1, 1, "no gate uses any version of this prompt", "measure it: write a gate with a golden dataset for it")


_NEXT = GITHUB.replace("Name one product.", "Name the one product that fits.")

RULES = (
    Rule(
        "EP501",
        "no-owner",
        LintSeverity.WARNING,
        "Nobody is named as the owner of the prompt.",
        "When a gate fails somebody has to decide; `metadata: {owner: NAME}` says who, and other tools pass over it.",
        _no_owner,
        github(("metadata: {owner: shop team}\n", "")),
        github(),
    ),
    Rule(
        "EP502",
        "no-description",
        LintSeverity.WARNING,
        "The file does not say what the prompt is for.",
        "Whoever changes it next has to know what it must keep doing.",
        _no_description,
        github(("description: Names one product for a customer.\n", "")),
        github(),
    ),
    Rule(
        "EP503",
        "no-version",
        LintSeverity.WARNING,
        "The prompt has no version.",
        "A verdict speaks of one version; without a number nobody can say of which.",
        _no_version,
        Sample(GITHUB, "prompts/sample.prompt.yml", AROUND, note="The file stands as `prompts/sample.prompt.yml`."),
        github(),
    ),
    Rule(
        "EP504",
        "edited-after-release",
        LintSeverity.ERROR,
        "A version was changed after it was released.",
        "Recordings and verdicts speak of what was released; the same number must not mean two prompts.",
        _edited,
        Sample(GITHUB, around=AROUND, released_as=_NEXT, note="`versions.yaml` lists the version with another text."),
        Sample(GITHUB, around=AROUND, released_as=GITHUB),
    ),
    Rule(
        "EP505",
        "version-does-not-match-change",
        LintSeverity.WARNING,
        "A new version that changes nothing, or one that breaks its callers without a new major version.",
        "A number is a promise: a patch keeps the variables and the form of the answer.",
        _bump,
        Sample(
            GITHUB,
            "configs/prompts/sample/2.prompt.yml",
            AROUND,
            previous=GITHUB,
            note="It is version 2, and version 1 has the same text.",
        ),
        Sample(_NEXT, "configs/prompts/sample/2.prompt.yml", AROUND, previous=GITHUB),
    ),
    Rule(
        "EP506",
        "no-golden-dataset",
        LintSeverity.WARNING,
        "No gate measures any version of the prompt.",
        "A prompt that nothing measures changes in the dark.",
        _no_dataset,
        replace(github(around=Surroundings(gates=(), covered=False)), note="The gates of the project use other prompts."),
        github(around=Surroundings(gates=(GATE,))),
    ),
)
