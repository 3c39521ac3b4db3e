"""`evalgate recording prune`: keep what some gates ask for, and nothing else."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from itertools import chain
from pathlib import Path
from typing import Any

from evalgate.config.load import load_settings
from evalgate.core.errors import BadInput, Incomplete, Problem
from evalgate.core.lock import locked
from evalgate.core.settings import GateSettings
from evalgate.pipeline.recording_export import unanswered
from evalgate.pipeline.recording_gates import Gate
from evalgate.pipeline.recording_rewrite import Rewrite, clear, told
from evalgate.pipeline.recordings import Named, torn_tails
from evalgate.proxy.exchange import Exchange
from evalgate.proxy.key_index import IndexBuilder, index_from
from evalgate.proxy.recording import Recording, open_recording, place_of_recording
from evalgate.proxy.recording_writer import LOCK
from evalgate.proxy.request import CONTENT_FIELD, request_key
from evalgate.proxy.segments import read_segment, repair_tails

SCHEMA = "evalgate.recording-prune/1"
SHOWN_EXAMPLES = 5
KINDS = ("unneeded", "duplicates", "replaced_errors")


@dataclass(slots=True)
class Pruning:
    """What a pruning drops and keeps."""

    recording: str
    gates: tuple[str, ...]
    keys: int = 0
    """Requests of the gates, each of which stays answered."""
    kept: int = 0
    """Lines."""
    dropped: dict[str, int] = field(default_factory=lambda: dict.fromkeys(KINDS, 0))
    examples: list[dict[str, str]] = field(default_factory=list)
    bytes: int = 0
    """Size of what is dropped."""
    aside: Path | None = None
    """Where the dropped lines stand now; None when nothing was changed."""
    repaired: tuple[Problem, ...] = ()
    others: tuple[str, ...] = ()
    """Gates of the project that ask the same recording and were not named: they would miss what goes."""

    @property
    def drops(self) -> int:
        """Number of lines that go."""
        return sum(self.dropped.values())

    def document(self) -> dict[str, Any]:
        """As JSON."""
        return {
            "schema": SCHEMA,
            "recording": self.recording,
            "gates": list(self.gates),
            "gates_not_named": list(self.others),
            "applied": self.aside is not None,
            "requests": self.keys,
            "kept": self.kept,
            "dropped": self.dropped,
            "bytes": self.bytes,
            "examples": self.examples,
            "aside": None if self.aside is None else str(self.aside),
            "repaired": [{"where": p.where, "message": p.message} for p in self.repaired],
        }


def prune(named: Named, gates: Sequence[Gate], *, apply: bool = False) -> Pruning:
    """Say what the gates do not need, and with `apply` take it out.

    Raises: BadInput when the recording is damaged, in use, or is not that of a gate; Incomplete when it does not answer a
        gate, in which case nothing is dropped, or when the disk refuses.
    Side effects: with `apply` cuts torn tails, rewrites segments, writes a folder beside the recording.
    """
    _check(named, gates)
    others = _others(named, gates)
    if not apply:
        for name, at in torn_tails(named).items():
            hint = "with --apply it is cut off and kept aside first"
            raise BadInput("the last line was torn by a crash", where=f"{named.name}/{name}, byte {at}", hint=hint)
        pruning, _ = _planned(named, gates)
        pruning.others = others
        return pruning
    if others:
        hint = "name it with --config too, or remove it"
        raise BadInput([Problem(f"this gate asks recording {named.name!r} too", other, hint) for other in others])
    with told(named), locked(named.folder / LOCK, "wait for it; one recording has one writer at a time"):
        clear(named)
        repaired = repair_tails(named.folder, named.name)
        pruning, rewrite = _planned(named, gates)
        pruning.repaired = repaired
        if rewrite.drops:
            rewrite.prepare()
            pruning.aside = rewrite.put_aside()
            rewrite.replace()
        return pruning


def _check(named: Named, gates: Sequence[Gate]) -> None:
    if not gates:
        raise BadInput("no gate is named", hint="--config GATE says which requests are still asked")
    for gate in gates:
        if _place(gate.settings) != named.folder.resolve():
            hint = f"this gate asks recording {gate.settings.proxy.recording!r}"
            raise BadInput(f"the gate does not ask recording {named.name!r}", where=str(gate.config), hint=hint)


def _others(named: Named, gates: Sequence[Gate]) -> tuple[str, ...]:
    """Other gates under configs/ that ask the recording; what cannot be read as a gate is none."""
    known = {gate.config.resolve() for gate in gates}
    folder = gates[0].settings.root / "configs"
    found: list[str] = []
    for path in sorted(p for p in folder.rglob("*") if p.suffix in (".yaml", ".yml") and ".prompt." not in p.name):
        with suppress(BadInput):
            if path.resolve() not in known and _place(load_settings(path)) == named.folder.resolve():
                found.append(str(path))
    return tuple(found)


def _place(settings: GateSettings) -> Path:
    return place_of_recording(settings.proxy.recording, settings.root).resolve()


def _planned(named: Named, gates: Sequence[Gate]) -> tuple[Pruning, Rewrite]:
    recording = open_recording(named.folder, named.name)
    needed = _needed(named, gates, recording)
    pruning = Pruning(named.name, tuple(str(gate.config) for gate in gates), keys=len(needed))
    rewrite = Rewrite(named, recording)
    builder = IndexBuilder(named.name)
    for number, segment in enumerate(recording.index.segments):
        kept = 0
        for line, exchange in read_segment(named.folder / segment.name, f"{named.name}/{segment.name}"):
            kind = _kind(recording, needed, exchange, (number, line.offset))
            if kind is None:
                kept += 1
                builder.add(number, line, exchange)
            else:
                rewrite.drops.setdefault(segment.name, set()).add(line.offset)
                _note(pruning, kind, exchange, line.length + 1)
        pruning.kept += kept
        if not kept and segment.name in rewrite.drops:
            rewrite.emptied.add(segment.name)
    rewrite.answers = index_from(builder.image(recording.index.segments), named.name).answers
    return pruning, rewrite


def _needed(named: Named, gates: Sequence[Gate], recording: Recording) -> set[bytes]:
    """Keys of everything that the gates ask for.

    Raises: Incomplete when something of it is not recorded: a gate that has drifted must not cost the answers it had.
    """
    needed: set[bytes] = set()
    for gate in gates:
        misses: list[str] = []
        for ask in chain(gate.asks(), gate.judge_asks(recording)):
            key = request_key(ask.request())
            needed.add(bytes.fromhex(key))
            if key not in recording:
                misses.append(f"case {ask.case_id}, {ask.arm} of {gate.config}")
        if misses:
            raise Incomplete(unanswered(misses, named.name, f"evalgate run {gate.config} --mode record"))
        # What a judge's card was measured on stays; that it is recorded elsewhere, or no more, is no fault of this gate.
        needed |= {bytes.fromhex(request_key(ask.request())) for ask in gate.calibration_asks()}
    return needed


def _kind(recording: Recording, needed: set[bytes], exchange: Exchange, at: tuple[int, int]) -> str | None:
    """Why a line goes, or None."""
    if bytes.fromhex(exchange.key) not in needed:
        return "unneeded"
    place = recording.index.find(exchange.key)
    if place is None or (place.segment, place.offset) == at:
        return None
    return "replaced_errors" if exchange.status != "ok" and not place.is_error else "duplicates"


def _note(pruning: Pruning, kind: str, exchange: Exchange, size: int) -> None:
    pruning.dropped[kind] += 1
    pruning.bytes += size
    if sum(example["kind"] == kind for example in pruning.examples) < SHOWN_EXAMPLES:
        pruning.examples.append({"kind": kind, "key": exchange.key[:12], "asked": _asked(exchange)})


def _asked(exchange: Exchange) -> str:
    """The end of a request, which tells one case from another."""
    request = exchange.request
    content = request.get(CONTENT_FIELD.get(str(request.get("endpoint")), "messages"))
    last = content[-1] if isinstance(content, list) and content else content
    text = last.get("content") if isinstance(last, dict) else last
    words = " ".join(str(text).split())
    return f"{str(request.get('model'))[:40]}: {'…' if len(words) > 60 else ''}{words[-60:]}"
