"""Thresholds as checks: a name for each that is its own and stays the same from run to run, whatever was measured."""

from __future__ import annotations

import hashlib
import re
from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import PurePath
from urllib.parse import quote

from evalgate.core.record import RunRecord
from evalgate.core.settings import Level
from evalgate.core.verdict import Decision, ThresholdResult
from evalgate.core.visible import terminal_line
from evalgate.report import phrases

_RANK = {Decision.FAIL: 0, Decision.INCONCLUSIVE: 1, Decision.PASS: 2}
_LINE = re.compile(r"(?P<file>.+):(?P<line>[1-9][0-9]{0,8})")


@dataclass(frozen=True, slots=True)
class Check:
    """One threshold on one set of cases."""

    name: str
    """`rougeL [language=de] min_improvement`: no figure in it, on one line, no other check of the run has it."""
    result: ThresholdResult

    @property
    def warns(self) -> bool:
        """Whether it did not pass, and blocks nothing."""
        return self.result.threshold.level is Level.WARN and self.result.decision is not Decision.PASS

    @property
    def blocks(self) -> bool:
        """Whether it did not pass, and the gate with it."""
        return self.result.threshold.level is Level.BLOCK and self.result.decision is not Decision.PASS

    def fingerprint(self, record: RunRecord) -> str:
        """32 hexadecimal digits: gate and name, so that tools know the same finding again in the next run."""
        told = f"{record.identity.gate}\0{self.name}".encode("utf-8", "surrogatepass")
        return hashlib.sha256(told).hexdigest()[:32]


def checks(record: RunRecord) -> tuple[Check, ...]:
    """Every threshold with its name, in the order of the gate."""
    results = record.verdict.thresholds
    wanted = (f"{phrases.target(one)} {one.threshold.bound.value}{_level(one)}" for one in results)
    return tuple(Check(name, result) for name, result in zip(told_apart(wanted), results, strict=True))


def worst_first(record: RunRecord) -> tuple[Check, ...]:
    """The checks that did not pass: broken ones that block, then undecided ones, then warnings."""
    bad = [one for one in checks(record) if one.result.decision is not Decision.PASS]
    return tuple(sorted(bad, key=lambda one: (one.warns, _RANK[one.result.decision])))


def unexplained(record: RunRecord) -> bool:
    """Whether the gate did not pass although no threshold says why (nothing was declared, or a value is missing)."""
    return record.verdict.decision is not Decision.PASS and not any(one.blocks for one in checks(record))


def told_apart(names: Iterable[str]) -> list[str]:
    """Names on one line as they are shown; the second of the same name gets ` (2)`."""
    given: list[str] = []
    seen: Counter[str] = Counter()
    taken: set[str] = set()
    for name in map(terminal_line, names):
        new = name
        while new in taken:
            seen[name] += 1
            new = f"{name} ({seen[name] + 1})"
        taken.add(new)
        given.append(new)
    return given


def prompt_place(record: RunRecord) -> tuple[str, int]:
    """File and line that a finding is shown at: where the candidate's prompt changed; without prompts, the candidate's file."""
    prompt = record.prompts.get("candidate")
    if prompt is None:
        return _path(record.identity.candidate.prompt), 1
    return _path(prompt.path), max(prompt.line, 1)


def declared_place(place: str) -> tuple[str, int] | None:
    """File and line of `file:line`; None for a place of another kind, such as an option."""
    found = _LINE.fullmatch(place)
    return (found["file"], int(found["line"])) if found else None


def uri(path: str) -> str:
    """A path as a relative reference of RFC 3986, or as a `file:` address where it is absolute."""
    pure = PurePath(path)
    written = quote(pure.as_posix().encode("utf-8", "surrogatepass"))
    return f"file://{written}" if pure.is_absolute() else written


def _level(result: ThresholdResult) -> str:
    return " (warn)" if result.threshold.level is Level.WARN else ""


def _path(path: str) -> str:
    return terminal_line(path).strip() or "evalgate"
