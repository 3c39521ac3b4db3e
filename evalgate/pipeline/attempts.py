"""Which attempt a run is: its entry in the history of its gate, and what changed since the attempt before."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from evalgate import __version__
from evalgate.core.attempts import Attempt, Attempts, Change
from evalgate.core.canonical import canonical_json, digest
from evalgate.core.record import RunRecord
from evalgate.core.settings import GateSettings
from evalgate.core.values import ARMS
from evalgate.core.verdict import Decision, VariantIdentity, Verdict
from evalgate.evidence.attempt_changes import changes_between, loosened_along
from evalgate.evidence.attempt_entry import Entry, Side
from evalgate.evidence.attempt_file import Standing, remember
from evalgate.pipeline.waiving import FIGURE

if TYPE_CHECKING:
    from evalgate.pipeline.evaluate import Subject

SCHEMA = "evalgate.attempts/1"
HISTORY = "attempts.jsonl"
STANDING = "attempts.json"


@dataclass(frozen=True, slots=True)
class Tried:
    """What the history keeps of a run comes from this: known when it is made, and read again from its folder."""

    plan: Mapping[str, Any]
    settings: GateSettings
    run_id: str
    mode: str
    variants: Mapping[str, VariantIdentity]
    card: Mapping[str, Any]
    """Of the dataset."""
    waivers: Mapping[str, str] | None
    """Those in force; None: the gate has no allow file."""


def attempts_of(subject: Subject, verdict: Verdict) -> Attempts | None:
    """Remember a run that has a verdict, and say where it stands among the attempts of its gate on its dataset.

    None where no history is kept. A history that is damaged or cannot be written is said in the note; it changes neither
    the verdict nor the exit code.

    Side effects: appends a line to the history, unless this very run stands there.
    """
    if subject.ledger is None:
        return None
    card = subject.dataset.get("card", {})
    tried = Tried(
        subject.plan, subject.settings, subject.run_id, subject.mode, subject.variants, card, subject.findings.in_force()
    )
    return attempts_in(remember(subject.ledger, entry_of_run(tried, verdict.decision, datetime.now(UTC), __version__)))


def attempts_in(standing: Standing) -> Attempts:
    """Where a run stands, as reports tell it."""
    mine = standing.entry
    earlier = [one for one in standing.others if one.number < mine.number]
    changes = changes_between(earlier[-1], mine) if earlier else ()
    since, loosened = _loosened(earlier, mine)
    return Attempts(
        number=mine.number,
        earlier=tuple(Attempt(one.number, one.run_id, one.at, str(one.verdict)) for one in earlier),
        changes=changes,
        loosened=loosened,
        loosened_since=since,
        note=standing.note,
        made=max([mine.number, *(one.number for one in standing.others)]),
    )


def attempts_document(record: RunRecord, attempts: Attempts) -> dict[str, Any]:
    """The content of attempts.json: what was known of the gate's attempts when this run was judged."""
    identity = record.identity
    return {
        "schema": SCHEMA,
        "gate": identity.gate,
        "dataset": identity.dataset_name,
        "run_id": identity.run_id,
        "number": attempts.number,
        "made": attempts.made,
        "earlier": [
            {"number": one.number, "run_id": one.run_id, "at": one.at, "verdict": one.verdict} for one in attempts.earlier
        ],
        "changes": [_change(one) for one in attempts.changes],
        "loosened": [_change(one) for one in attempts.loosened],
        "loosened_since": attempts.loosened_since,
        "note": attempts.note,
    }


def _loosened(earlier: Sequence[Entry], mine: Entry) -> tuple[int | None, tuple[Change, ...]]:
    """What asks less than an earlier attempt, and which.

    Looking at the attempt before alone could be evaded in two steps: the threshold first, then the prompt. A pass ends the
    search, so that an accepted threshold is not brought up for ever.
    """
    for one in reversed(earlier):
        if found := loosened_along(changes_between(one, mine)):
            return one.number, found
        if one.verdict is Decision.PASS:
            break
    return None, ()


def _change(change: Change) -> dict[str, Any]:
    return {"what": change.what, "before": change.before, "after": change.after, "looser": change.looser}


def entry_of_run(tried: Tried, verdict: Decision, at: datetime, engine: str) -> Entry:
    """The entry of a run in the history of its gate; which attempt it is, the history says.

    `engine`: version of evalgate.
    """
    plan, settings = tried.plan, tried.settings
    dataset = plan["dataset"]
    return Entry(
        number=1,
        run_id=tried.run_id,
        at=at.isoformat(timespec="seconds"),
        engine=engine,
        gate=settings.gate,
        dataset_name=str(dataset["name"]),
        dataset_version=str(dataset["version"]),
        dataset_digest=dataset["digest"],
        mode=tried.mode,
        variants={str(arm): _side(tried, arm) for arm in ARMS},
        recording=plan["proxy"]["recording_digest"] if "proxy" in plan else None,
        metrics={one["name"]: digest(one) for one in plan["metrics"]},
        safety={one["category"]: digest(one) for one in plan["safety"]},
        group=_group(tried),
        slices=tuple(settings.slices),
        samples=settings.samples,
        confidence=settings.confidence,
        seed=settings.seed,
        resamples=settings.resamples,
        # The one on expired waivers comes and goes with the allow file, whose content is told by itself.
        thresholds=tuple(one for one in settings.thresholds if one.name != FIGURE),
        verdict=verdict,
        waivers=tried.waivers,
    )


def _group(tried: Tried) -> str | None:
    """The column of groups: of the command line in `compare`, else of the dataset's card."""
    found = tried.plan["dataset"].get("group") or tried.card.get("group")
    return None if found is None else str(found)


def _side(tried: Tried, arm: str) -> Side:
    identity, planned = tried.variants[arm], tried.plan["variants"][arm]
    model: Mapping[str, Any] = planned.get("model", {})
    asked = {
        "provider": model.get("provider"),
        "name": model.get("name", identity.model),
        "endpoint": model.get("endpoint"),
        "parameters": planned.get("parameters", {}),
    }
    parameters = canonical_json(asked["parameters"]).decode("utf-8")
    shown = f"{asked['provider']}: {asked['name']} {parameters}" if model else identity.model
    return Side(identity.prompt, identity.prompt_digest, shown, digest(asked))
