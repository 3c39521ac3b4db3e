"""Which attempt a run says it was, held against the history of its gate: where that is there."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

from evalgate.core.attempts import Attempts
from evalgate.core.canonical import pretty_json
from evalgate.core.verdict import Decision
from evalgate.evidence.attempt_entry import Entry
from evalgate.evidence.attempt_file import History, known_history, standing_of, stands_in
from evalgate.evidence.verification import Difference, differing, short
from evalgate.pipeline.attempts import HISTORY, STANDING, Tried, attempts_document, attempts_in, entry_of_run
from evalgate.pipeline.rederived import Stated
from evalgate.pipeline.waiving import in_force

MOST = 200
"""States of a history that are looked at: it grows, and only its end is read again after a run that was made again."""
UNKNOWN = "number and changes of the attempt, not verified: "


def attempts_told(said: Stated) -> tuple[list[Difference], str | None]:
    """Differences between attempts.json and the history of the gate; why it was not looked at, where it was not.

    The history is the one in the folder of the run, if the run left it there, else the one beside the folder.
    """
    sealed = HISTORY in said.run.products
    path = said.run.folder / HISTORY if sealed else said.run.folder.resolve().parent / HISTORY
    told = said.record.attempts
    if told is None and said.gate.is_gate:
        return [Difference(STANDING, "is not there: every run of a gate says which attempt it is")], None
    if not sealed and not (path.exists() or path.is_symlink()):
        return [], None if told is None else f"{UNKNOWN}no history ({HISTORY}) in the folder or beside it"
    try:
        history = known_history(path)
    except OSError as error:
        refused = f"the history cannot be read: {error.strerror or 'the system refused'}"
        return ([Difference(HISTORY, refused)], None) if sealed else ([], f"{UNKNOWN}{refused}")
    entry = _entry(said)
    known = [place for place, one in enumerate(history.entries, start=1) if (one.of, one.run_id) == (entry.of, entry.run_id)]
    if told is None:
        return [Difference(STANDING, f"is not there, and {HISTORY} knows the run")] if known else [], None
    if not known:
        return _stranger(told, history, sealed=sealed)
    found = list(_compared(said, entry, history, known[0]))
    if found and not history.whole:
        return [], f"{UNKNOWN}the history is too long to be read from its beginning, and its end gives something else"
    return found, None


def _entry(said: Stated) -> Entry:
    """The entry of the run as its documents give it."""
    gate = said.gate
    run_id = str(said.run.verdict["run_id"])
    identity = gate.identity(run_id, "")
    waived = in_force(gate.findings.waivers, gate.findings.expired) if "waivers" in gate.plan.get("findings", {}) else None
    variants = {"baseline": identity.baseline, "candidate": identity.candidate}
    tried = Tried(gate.plan, gate.settings, run_id, gate.mode, variants, said.record.dataset_card, waived)
    ended = datetime.fromisoformat(str(said.record.environment["ended"])).astimezone(UTC)
    return entry_of_run(tried, Decision(said.run.verdict["verdict"]), ended, str(said.run.materials["engine"]["evalgate"]))


def _stranger(told: Attempts, history: History, *, sealed: bool) -> tuple[list[Difference], str | None]:
    """A history that does not know the run: the run left it so only where it says that it could not be written."""
    if sealed and told.note is None and history.whole:
        return [Difference(HISTORY, "does not hold this run: lines were removed, or it is another one")], None
    why = f"the history does not hold the run{f' ({told.note[:200]})' if told.note else ''}"
    return [], f"{UNKNOWN}{why}"


def _compared(said: Stated, entry: Entry, history: History, first: int) -> Iterator[Difference]:
    """What attempts.json says otherwise than every state of the history that has the run in it."""
    if not stands_in(standing_of(history, entry), history):
        yield Difference(HISTORY, "says something else of this run than its verdict and its plan: the line is not of this run")
    told = _document(said, said.record.attempts)
    closest: Any = None
    for derived in _states(entry, history, first, int(told["made"])):
        closest = _document(said, derived)
        if closest == told:
            return
    if closest is None:
        closest = _document(said, attempts_in(standing_of(history, entry)))
    for place, here, there in differing(closest, told):
        yield Difference(f"{STANDING}: {place}", f"says {short(there)}, the history of the gate {short(here)}")


def _states(entry: Entry, history: History, first: int, made: int) -> Iterator[Attempts]:
    """The run among the attempts of each state of the history in which `made` of them had been made.

    A run that was made again is told with what was known by then, and the run of another attempt may be made again later.
    """
    entries, seen, highest, tried = history.entries, set[str](), 0, 0
    mine = [place for place, one in enumerate(entries, start=1) if one.of == entry.of]
    for place, following in zip(mine, [*mine[1:], len(entries) + 1], strict=True):
        one = entries[place - 1]
        if one.run_id not in seen:
            seen.add(one.run_id)
            highest = max(highest, one.number)
        if place < first or highest != made:
            continue
        tried += 1
        if tried > MOST:
            return
        found = attempts_in(standing_of(History(entries[:place]), entry))
        # Damage that came later was not known then.
        if place <= history.sound:
            yield found
        if following > history.sound and history.note is not None:
            yield replace(found, note=history.note)


def _document(said: Stated, attempts: Attempts | None) -> Any:
    assert attempts is not None
    return json.loads(pretty_json(attempts_document(said.record, attempts)))
