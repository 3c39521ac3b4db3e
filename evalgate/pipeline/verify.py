"""`evalgate verify`: is a finished run what it says, and does its verdict follow from it?"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace
from types import MappingProxyType

from evalgate.core.errors import EvalgateError, Incomplete
from evalgate.evidence.verification import Assurance, Checked, Difference, Verification
from evalgate.pipeline.evidence_archive import PROJECT, RUN, unpacked
from evalgate.pipeline.verify_decision import check_decision
from evalgate.pipeline.verify_folder import RunFolder, VerifyRequest, files_in, open_finished
from evalgate.pipeline.verify_integrity import check_integrity
from evalgate.pipeline.verify_replay import check_replay
from evalgate.pipeline.verify_scores import check_scores

SHARDS = "shards/"
_DAMAGE = (ValueError, TypeError, KeyError, AttributeError, IndexError, ArithmeticError, OSError, AssertionError)
"""What derivations stumble over when a document is not what evalgate writes."""


def verify_run(request: VerifyRequest) -> Verification:
    """Verify a finished run, or the archive of one, up to a level; each level includes those before it.

    Raises: BadInput when there is no finished run, or another version wrote it; EvidenceMismatch when manifest or verdict of a
        finished run are gone or damaged, or an archive is not as it was written.
    Side effects: none in the run's folder; archives are unpacked, and `replay` runs the gate again, in a temporary one.
    """
    if not request.run.is_file():
        return _verified(request, str(request.run))
    with unpacked(request.run) as content:
        project = content / PROJECT if (content / PROJECT).is_dir() else None
        inside = replace(request, run=content / RUN, project=request.project or project)
        return _verified(inside, str(request.run))


def _verified(request: VerifyRequest, name: str) -> Verification:
    run = open_finished(request.run)
    wanted = list(Assurance)[: list(Assurance).index(request.level) + 1]
    levels: list[Checked] = []
    for level in wanted:
        found = [each for one in levels for each in one.differences]
        if levels and any(kind not in ("file", "folder") for _, kind in files_in(run.folder)):
            levels.append(Checked(level, (), undecided=("not looked at: the folder holds more than regular files",)))
            continue
        if any(each.where.startswith(SHARDS) for each in found):
            levels.append(Checked(level, (), undecided=("not looked at: the shards are not those of the run",)))
            continue
        if levels and levels[0].undecided:
            levels.append(Checked(level, (), undecided=("not looked at: another version of evalgate wrote the documents",)))
            continue
        levels.append(_checked(level, CHECKS[level], run, request, edited=bool(found)))
    verdict, run_id = (str(run.verdict.get(name))[:40] for name in ("verdict", "run_id"))
    return Verification(name, run_id, str(run.sealed["root"]), verdict, tuple(levels))


Check = Callable[[RunFolder, VerifyRequest], Checked]
CHECKS: Mapping[Assurance, Check] = MappingProxyType(
    {
        Assurance.INTEGRITY: lambda run, _: check_integrity(run),
        Assurance.DECISION: lambda run, _: check_decision(run),
        Assurance.SCORES: lambda run, _: check_scores(run),
        Assurance.REPLAY: check_replay,
    }
)


def _checked(level: Assurance, check: Check, run: RunFolder, request: VerifyRequest, *, edited: bool) -> Checked:
    """One level; what cannot be derived from an intact folder is a difference, from an edited one it is not looked at."""
    try:
        return check(run, request)
    except Incomplete as error:
        said = [str(problem) for problem in error.problems]
    except (EvalgateError, *_DAMAGE) as error:
        told = str(error)[:500] if isinstance(error, EvalgateError) else f"{type(error).__name__}: {str(error)[:300]}"
        said = [f"cannot be derived: {told}"]
        if not edited:
            return Checked(level, (), differences=tuple(Difference(str(level), one) for one in said))
    return Checked(level, (), undecided=tuple(said))
