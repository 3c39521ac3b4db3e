"""What becomes of findings in a run: the key of their hashes, the allow file of the gate, and what was used of it."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any

from evalgate.config.waivers import read_waivers
from evalgate.core.canonical import digest
from evalgate.core.errors import BadInput, Problem
from evalgate.core.plugins import suggestion
from evalgate.core.settings import Bound, FindingsChoice, GateSettings, TargetKind, Threshold
from evalgate.core.waivers import Waiver, WaiverList, WaiverUse
from evalgate.runner.finding_marks import FindingsTask, key_check
from evalgate.runner.receipt import Receipt

FIGURE = "expired_waivers"
"""The run figure that is held against 0 wherever there is an allow file."""
SOON = timedelta(days=30)
_STANDING = Threshold(
    TargetKind.RUN, FIGURE, Bound.MAX, 0.0, relative=False, text="0", implicit=True, place="always in force with waivers"
)
DAY = "waivers_judged_on"
"""Member of run.json: the day on which the waivers of the allow file were judged."""
_LIST = re.compile(rb"^waivers[ \t]*:", re.MULTILINE)
_GATE = re.compile(rb"^gate[ \t]*:", re.MULTILINE)


@dataclass(frozen=True, slots=True)
class Findings:
    """How findings are marked in a run, and what is waived."""

    task: FindingsTask
    allowed: WaiverList | None
    """None: no allow file."""
    plan: dict[str, Any]
    """What of it can change the outcome, for plan.json; empty where nothing was configured."""

    @property
    def expired(self) -> int:
        """Waivers whose day has passed."""
        return self.allowed.expired_count if self.allowed is not None else 0

    def inputs(self) -> dict[str, str]:
        """The allow file for the manifest."""
        return {f"waivers:{Path(self.allowed.name).name}": self.allowed.digest} if self.allowed is not None else {}

    def judged(self) -> dict[str, str]:
        """The day on which the waivers were judged, for run.json; nothing without an allow file."""
        return {DAY: self.allowed.day.isoformat()} if self.allowed is not None and self.allowed.day is not None else {}

    def in_force(self) -> dict[str, str] | None:
        """What each waiver in force is about, and until when → digest of it, for the history of the gate."""
        if self.allowed is None:
            return None
        return in_force(self.allowed.waivers, self.allowed.expired)

    def used(self, receipts: Sequence[Receipt]) -> tuple[WaiverUse, ...]:
        """What became of every waiver, in the order of the file."""
        if self.allowed is None:
            return ()
        both = zip(self.allowed.waivers, self.allowed.expired, strict=True)
        counts = [sum(receipt.waivers.get(str(place), 0) for receipt in receipts) for place in range(len(self.allowed.waivers))]
        return tuple(WaiverUse(waiver, gone, counts[place]) for place, (waiver, gone) in enumerate(both))


def in_force(waivers: Sequence[Waiver], expired: Sequence[bool]) -> dict[str, str]:
    """What each waiver in force is about, and until when → digest of it."""
    holding = [waiver for waiver, gone in zip(waivers, expired, strict=True) if not gone]
    return {f"{one.scope} until {one.expires}": digest([one.scope, one.expires.isoformat()]) for one in holding}


def today_utc() -> date:
    """The day on which waivers are judged: the same everywhere in the world."""
    return datetime.now(UTC).date()


def allow_file(settings: GateSettings, base: Path, today: date) -> WaiverList | None:
    """Read the allow file of a gate; a path is taken from the project, else from the configuration's folder.

    Raises: BadInput with everything that is wrong with it.
    """
    written = settings.findings.waivers
    if written is None:
        return None
    places = (settings.root / written, base / written)
    path = next((place for place in places if place.is_file()), None)
    if path is None:
        looked = " and ".join(dict.fromkeys(map(str, places)))
        hint = f"write it, beginning with waivers: [], or correct the path; looked for {looked}"
        raise BadInput(f"there is no allow file {written!r}", where=settings.findings.place or None, hint=hint)
    return read_waivers(path, today, name=written)


def findings_of(choice: FindingsChoice, gate: str, dataset: str, allowed: WaiverList | None) -> Findings:
    """How the findings of a run are marked.

    Raises: BadInput when the key's variable is not set.
    """
    check = key_check(choice.key_env) if choice.key_env is not None else ""
    waivers, expired = (allowed.waivers, allowed.expired) if allowed is not None else ((), ())
    plan: dict[str, Any] = {"key": check} if check else {}
    if allowed is not None:
        # Which of them have expired, and not the day itself: a run of tomorrow is the run of today until one more expires.
        gone = [place for place, is_expired in enumerate(expired) if is_expired]
        plan |= {"waivers": {"digest": allowed.digest, "expired": gone}}
    task = FindingsTask(gate, dataset, choice.key_env, check, waivers, expired)
    return Findings(task, allowed, {"findings": plan} if plan else {})


def with_waiver_threshold(thresholds: Sequence[Threshold], allowed: WaiverList | None) -> tuple[Threshold, ...]:
    """The thresholds, and the one that fails the gate for an expired waiver, which nothing can soften."""
    return (*thresholds, _STANDING) if allowed is not None else tuple(thresholds)


def unused_notices(uses: Sequence[WaiverUse]) -> tuple[str, ...]:
    """What the user should hear of waivers: those of no use any more, and those that have expired."""
    told = []
    for use in uses:
        named = f"the waiver at {use.waiver.place} ({use.waiver.scope})"
        if use.expired:
            told.append(f"{named} expired on {use.waiver.expires}: what it covers counts")
        if not use.used:
            told.append(f"{named} covers nothing: remove it")
    return tuple(told)


def waiver_warnings(allowed: WaiverList, today: date, categories: Sequence[str] | None = None) -> tuple[str, ...]:
    """What to look at before it stops a gate: waivers that expire within 30 days, and those of no known category.

    `categories`: of the gate that names the file; None where no gate is known.
    """
    told = []
    for waiver in allowed.waivers:
        named = f"warning waiver at {waiver.place}"
        if today <= waiver.expires <= today + SOON:
            told.append(f"{named} ({waiver.scope}) expires on {waiver.expires}")
        if categories is not None and waiver.category not in categories:
            hint = suggestion(waiver.category, list(categories)) if categories else "the gate has no detector"
            told.append(f"{named} is about {waiver.category!r}, which the gate does not look for ({hint})")
    return tuple(told)


def require_in_force(allowed: WaiverList) -> None:
    """Refuse a list with expired waivers.

    Raises: BadInput naming each of them.
    """
    gone = [waiver for waiver, is_expired in zip(allowed.waivers, allowed.expired, strict=True) if is_expired]
    hint = "look at the finding again: remove the waiver, or give it another last day"
    if gone:
        raise BadInput([Problem(f"the waiver ({w.scope}) expired on {w.expires}", w.place, hint) for w in gone])


def is_allow_file(path: Path) -> bool:
    """Whether a YAML file is a list of waivers and no gate."""
    try:
        with path.open("rb") as handle:
            text = handle.read(1 << 20)
    except OSError:
        return False
    return _LIST.search(text) is not None and _GATE.search(text) is None
