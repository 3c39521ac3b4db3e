"""`evalgate recording show`: what a recording holds."""

from __future__ import annotations

import math
from array import array
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from evalgate.core.errors import BadInput, Problem
from evalgate.core.files import read_text
from evalgate.core.strict_json import parse_json
from evalgate.pipeline.recordings import Named, line_at, opened_despite_torn_tails, scanned, torn_tails, unsealed_lines
from evalgate.proxy.exchange import Exchange
from evalgate.proxy.recording import Recording

SCHEMA = "evalgate.recording/1"


def show_recording(named: Named) -> dict[str, Any]:
    """Everything about a recording that fits on a page.

    A torn tail is told, not refused: it is how a crash leaves a recording, and the next writer repairs it.

    Raises: BadInput when anything else is wrong with a line.
    """
    torn = torn_tails(named)
    recording = opened_despite_torn_tails(named, torn)
    figures = _figures(recording, torn)
    unsealed = unsealed_lines(named, torn)
    return {
        "schema": SCHEMA,
        "recording": named.name,
        "folder": str(named.folder),
        "exchanges": len(recording),
        "errors": recording.index.errors,
        **figures,
        "segments": [
            {"name": s.name, "bytes": s.size, "digest": s.digest, "unsealed_lines": unsealed.get(s.name, 0)}
            for s in recording.index.segments
        ],
        "digest": recording.digest,
        "timed_digest": recording.timed_digest,
        "torn": [{"segment": name, "at": at, "bytes": _size(named, name) - at} for name, at in torn.items()],
        "provenance": _provenance(named),
    }


def show_exchange(named: Named, prefix: str) -> dict[str, Any]:
    """One line of a recording in full.

    Raises: BadInput when no key, or more than one, begins like this.
    """
    recording = opened_despite_torn_tails(named, torn_tails(named))
    wanted = prefix.lower()
    if not wanted or any(c not in "0123456789abcdef" for c in wanted):
        raise BadInput(f"{prefix[:80]!r} is not the beginning of a key", where=named.name, hint="hexadecimal digits")
    found = [at for at in range(len(recording)) if recording.index.key(at).startswith(wanted)]
    if len(found) != 1:
        some = ", ".join(recording.index.key(at)[: len(wanted) + 8] for at in found[:5])
        hint = f"such as {some}" if found else "`recording show` without --key says what is there"
        said = f"{len(found)} keys begin with {wanted}" if found else f"no key begins with {wanted}"
        raise BadInput(said, where=named.name, hint=hint)
    line: dict[str, Any] = line_at(recording, recording.index.place(found[0]))
    return line


def _figures(recording: Recording, torn: Mapping[str, int]) -> dict[str, Any]:
    """Counts over the exchanges that count; one pass through the segments, line by line."""
    counters: dict[str, Counter[str]] = {name: Counter() for name in ("models", "endpoints", "samples", "imported")}
    tokens: Counter[str] = Counter()
    latencies, times = array("d"), _Span()
    named, names = Named(recording.name, recording.folder), tuple(s.name for s in recording.index.segments)
    for number, found in scanned(named, names, torn):
        if isinstance(found, Problem):
            raise BadInput("the recording changed while it was in use", where=recording.name, hint="run again")
        exchange = found.exchange
        place = recording.index.find(exchange.key)
        if place is None or (place.segment, place.offset) != (number, found.line.offset):
            continue
        _count(exchange, found.line.value, counters)
        tokens.update(prompt=exchange.prompt_tokens or 0, completion=exchange.completion_tokens or 0)
        if exchange.latency_ms is not None and exchange.status == "ok":
            latencies.append(exchange.latency_ms)
        times.take(exchange.recorded_at)
    return {
        **{name: dict(sorted(counter.items())) for name, counter in counters.items()},
        "tokens": {name: tokens[name] for name in ("prompt", "completion")},
        "latency_ms": _quantiles(latencies),
        "recorded_at": {"first": times.first, "last": times.last},
    }


def _count(exchange: Exchange, line: Any, counters: Mapping[str, Counter[str]]) -> None:
    request = exchange.request
    for name, field in (("models", "model"), ("endpoints", "endpoint"), ("samples", "sample")):
        counters[name][str(request.get(field))[:200]] += 1
    imported = line["response"].get("imported")
    if isinstance(imported, str):
        counters["imported"][imported[:40]] += 1


@dataclass(slots=True)
class _Span:
    """The first and the last of some times; ISO texts in UTC sort as times do."""

    first: str | None = None
    last: str | None = None

    def take(self, time: str | None) -> None:
        if time is not None:
            self.first = time if self.first is None else min(self.first, time)
            self.last = time if self.last is None else max(self.last, time)


def _quantiles(values: array[float]) -> dict[str, Any]:
    """Nearest-rank quantiles: each is a latency that really occurred."""
    ordered = sorted(values)
    found: dict[str, Any] = {"count": len(ordered)}
    for name, share in (("p50", 0.5), ("p95", 0.95), ("p99", 0.99), ("max", 1.0)):
        found[name] = ordered[math.ceil(share * len(ordered)) - 1] if ordered else None
    return found


def _size(named: Named, segment: str) -> int:
    return (named.folder / segment).stat().st_size


def _provenance(named: Named) -> Any:
    path = named.folder / "provenance.json"
    if not path.is_file():
        return None
    try:
        return parse_json(read_text(path, f"{named.name}/provenance.json"))
    except ValueError as error:
        raise BadInput(f"not valid JSON: {error}", where=f"{named.name}/provenance.json") from error
