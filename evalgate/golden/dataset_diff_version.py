"""Which version number a changed dataset deserves, and whether it has it.

A corrected label is a patch, new cases are a minor version, and whatever makes earlier figures incomparable (cases gone,
inputs changed, columns that mean something else) is a major version.

Source: Semantic Versioning 2.0.0, https://semver.org, applied to data.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

from evalgate.golden.dataset_diff import DatasetDiff

LEVELS = ("none", "patch", "minor", "major")
_NUMBER = r"(0|[1-9][0-9]{0,8})"
_IDENTIFIER = r"(?:0|[1-9][0-9]*|[0-9]*[A-Za-z-][0-9A-Za-z-]*)"
_VERSION = re.compile(
    rf"{_NUMBER}\.{_NUMBER}\.{_NUMBER}(-{_IDENTIFIER}(?:\.{_IDENTIFIER})*)?(\+[0-9A-Za-z-]+(?:\.[0-9A-Za-z-]+)*)?"
)


@dataclass(frozen=True, slots=True)
class Reason:
    """One reason for a version number."""

    level: str
    text: str


@dataclass(frozen=True, slots=True)
class VersionAdvice:
    """What the changes ask for, and what the cards say."""

    suggested: str
    """One of LEVELS."""
    reasons: tuple[Reason, ...]
    """The gravest first."""
    next: str | None
    """The version number that would do; None where the first version is no semantic version."""
    actual: str
    """The step from the first card to the second: one of LEVELS, `backwards` or `not comparable`."""
    satisfied: bool
    """Whether the second card's version is a step that is large enough."""


def advise(diff: DatasetDiff) -> VersionAdvice:
    """The smallest version step that tells the truth about the changes."""
    reasons = tuple(sorted(_reasons(diff), key=lambda reason: -LEVELS.index(reason.level)))
    suggested = reasons[0].level if reasons else "none"
    before, after = diff.before.card, diff.after.card
    actual = "not comparable" if before.name != after.name else _step(before.version, after.version)
    satisfied = actual in LEVELS and LEVELS.index(actual) >= LEVELS.index(suggested)
    if suggested == "none" and before.version == after.version:
        satisfied = True
    return VersionAdvice(suggested, reasons, next_version(before.version, suggested), actual, satisfied)


def next_version(version: str, level: str) -> str | None:
    """The version after a step of a level; None for what is no semantic version."""
    found = _VERSION.fullmatch(version)
    if found is None:
        return None
    major, minor, patch = (int(number) for number in found.group(1, 2, 3))
    if level == "none":
        return version
    if found.group(4):
        return f"{major}.{minor}.{patch}"
    steps = {"major": (major + 1, 0, 0), "minor": (major, minor + 1, 0), "patch": (major, minor, patch + 1)}
    return ".".join(str(number) for number in steps[level])


def release_order(version: str) -> tuple[int, int, int] | None:
    """Major, minor and patch of a semantic version, for finding the highest; None for anything else."""
    found = _VERSION.fullmatch(version)
    return None if found is None else (int(found.group(1)), int(found.group(2)), int(found.group(3)))


def _step(before: str, after: str) -> str:
    old, new = _VERSION.fullmatch(before), _VERSION.fullmatch(after)
    if old is None or new is None:
        return "not comparable"
    first, second = release_order(before), release_order(after)
    assert first is not None and second is not None
    if first == second:
        earlier, later = _pre_release_order(old.group(4)), _pre_release_order(new.group(4))
        if earlier == later:
            return "none"
        # Before its release a version may still become anything; afterwards it may not become unreleased again.
        return "major" if earlier < later else "backwards"
    if second < first:
        return "backwards"
    place = next(number for number in range(3) if first[number] != second[number])
    return ("major", "minor", "patch")[place]


def _pre_release_order(pre_release: str | None) -> tuple[tuple[int, int, str], ...]:
    """What compares as the pre-releases of one version do; the release itself comes after all of them.

    Source: Semantic Versioning 2.0.0, section 11: numbers before texts, by value; texts by ASCII; more identifiers later. Build
    metadata (section 10) does not count.
    """
    if pre_release is None:
        return ((2, 0, ""),)
    parts = pre_release.removeprefix("-").split(".")
    return tuple((0, len(part), part) if part.isdigit() else (1, 0, part) for part in parts)


def _reasons(diff: DatasetDiff) -> list[Reason]:
    found = _card_reasons(diff)
    inputs = sum(change.touches("input") for change in diff.changed)
    labels = sum(change.touches("reference") for change in diff.changed)
    groups = sum(change.touches("group") for change in diff.changed)
    rest = sum(all(f.role in ("slice", "other") for f in change.fields) for change in diff.changed)
    counted = (
        ("major", len(diff.removed), "removed: earlier figures were measured on them"),
        ("major", inputs, "ask something else: an input changed"),
        ("major", groups, "belong to another group: what counts as independent changed"),
        ("minor", len(diff.added), "added"),
        ("patch", labels, "with another label"),
        ("patch", rest, "with other slices or other columns, inputs and labels as before"),
        ("patch", len(diff.moved), "moved: the order is part of the digest"),
    )
    found += [Reason(level, f"{_cases(count)} {text}") for level, count, text in counted if count]
    return found


def _card_reasons(diff: DatasetDiff) -> list[Reason]:
    found = []
    for change in diff.card:
        if change.key == "name":
            found.append(Reason("major", "another dataset: the name changed"))
        elif change.key == "slices":
            gone = set(change.before or ()) - set(change.after or ())
            found.append(Reason("major" if gone else "minor", "slices were taken away" if gone else "new slices"))
        elif change.structure:
            found.append(Reason("major", f"the card's {change.key} changed: the data is read in another way"))
    notes = [change.key for change in diff.card if not change.structure]
    if notes:
        found.append(Reason("patch", f"the card says something else under {', '.join(notes)}"))
    return found


def _cases(count: int) -> str:
    return f"{count:,} case" if count == 1 else f"{count:,} cases"
