"""What an import would write, held outside the recording until everything is known to be right."""

from __future__ import annotations

import tempfile
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from evalgate.core.canonical import json_line
from evalgate.core.errors import BadInput, Incomplete, Problem
from evalgate.core.files import MAX_LINE_BYTES, parse_line
from evalgate.core.strict_json import parse_json
from evalgate.proxy.exchange import Exchange, parse_exchange, sealed_line
from evalgate.proxy.redaction import Redactor
from evalgate.proxy.request import EMBEDDINGS, request_key
from evalgate.proxy.transfer.interface import Entries, Found, Reason, Skipped

IN_MEMORY = 32 << 20
SHOWN_PROBLEMS = 100
CONFLICT_HINT = "keep one of them; for repeats of one request use --repeats, and `samples:` in the gate"


@dataclass(frozen=True, slots=True)
class Entry:
    """One line that may be written."""

    key: str
    answer: bytes
    """Digest of what it answers."""
    is_error: bool
    where: str


class Staging:
    """Takes what a reader found; everything stands in a temporary file, only keys and digests in memory."""

    def __init__(self, origin: str | None, *, repeats: bool) -> None:
        self.entries: list[Entry] = []
        self.counts = dict.fromkeys(Reason, 0)
        self.skipped: list[Problem] = []
        """The first of what is not taken, with reasons."""
        self.same = 0
        """Exchanges that stand in the file more than once."""
        self.redacted = 0
        """Answers out of which secrets were taken."""
        self._origin, self._repeats = origin, repeats
        self._redactor = Redactor()
        self._latest: dict[str, Entry] = {}
        self._occurrences: dict[str, int] = {}
        self._problems: list[Problem] = []
        self._spool = tempfile.SpooledTemporaryFile(IN_MEMORY)  # noqa: SIM115 - closed by `close`

    def take_all(self, entries: Entries) -> None:
        """Take everything that a reader gives.

        Raises: BadInput when the file is malformed, answers one request twice and differently, or would record the value of
            a secret in a request; Incomplete when there is no room for a temporary file.
        """
        try:
            for entry in entries:
                if isinstance(entry, Skipped):
                    self._skip(entry)
                else:
                    self._take(entry)
                if len(self._problems) >= SHOWN_PROBLEMS:
                    break
        except OSError as error:
            hint = f"make room in {tempfile.gettempdir()}"
            raise Incomplete(f"no temporary file can be written: {error.strerror}", hint=hint) from error
        if self._problems:
            raise BadInput(self._problems)

    def lines(self) -> Iterator[tuple[Entry, Any]]:
        """Every entry with its sealed line."""
        self._spool.seek(0)
        for entry in self.entries:
            yield entry, parse_json(self._spool.readline().decode("utf-8"))

    def close(self) -> None:
        """Remove the temporary file."""
        self._spool.close()

    def _skip(self, skipped: Skipped) -> None:
        self.counts[skipped.reason] += 1
        if len(self.skipped) < SHOWN_PROBLEMS:
            self.skipped.append(Problem(f"{skipped.reason}: {self._redactor.message(skipped.message)}", skipped.where))

    def _take(self, found: Found) -> None:
        request = dict(found.request)
        if self._redactor.holds_secret(request):
            hint = "a request is recorded as it was sent: take the secret out of the prompt and record again"
            self._problems.append(Problem("the request holds the value of a secret", found.where, hint))
            return
        if self._repeats:
            key = request_key(request)
            request["sample"] = self._occurrences[key] = self._occurrences.get(key, -1) + 1
        try:
            data, exchange = self._proven(found, request)
        except BadInput as error:
            self._skip(Skipped(found.where, Reason.UNUSABLE, error.problems[0].message))
            return
        self._stage(data, Entry(exchange.key, exchange.answer_digest(), exchange.status != "ok", found.where))

    def _proven(self, found: Found, request: dict[str, Any]) -> tuple[bytes, Exchange]:
        """The bytes of the sealed line, and what they are when they are read again.

        A body that holds what JSON readers do not agree on, or is nested too deep to be read back, is left out.

        Raises: BadInput when there is no line that could be read back.
        """
        response = self._redactor.response(found.response)
        self.redacted += response != found.response
        if self._origin is not None:
            response["imported"] = self._origin
        try:
            return _line(found, request, response)
        except BadInput:
            # The vectors of an embedding stand in its body alone.
            if "body" not in response or request.get("endpoint") == EMBEDDINGS:
                raise
            return _line(found, request, {name: value for name, value in response.items() if name != "body"})

    def _stage(self, data: bytes, entry: Entry) -> None:
        """Keep what is new: an answer replaces an error, a later error an earlier one, and nothing an answer."""
        earlier = self._latest.get(entry.key)
        if earlier is not None and (entry.is_error or not earlier.is_error):
            if entry.answer == earlier.answer or (entry.is_error and not earlier.is_error):
                self.same += 1
                return
            if not entry.is_error:
                said = f"another answer to the request that {earlier.where} already answers"
                self._problems.append(Problem(said, entry.where, CONFLICT_HINT))
                return
        self._latest[entry.key] = entry
        self.entries.append(entry)
        self._spool.write(data)


def _line(found: Found, request: dict[str, Any], response: dict[str, Any]) -> tuple[bytes, Exchange]:
    key = request_key(request)
    line = sealed_line(request, response, key=key, latency_ms=found.latency_ms, recorded_at=found.recorded_at)
    try:
        data = json_line(line).encode("utf-8")
    except ValueError as error:
        raise BadInput(f"cannot be written as JSON: {error}", where=found.where) from error
    if len(data) > MAX_LINE_BYTES:
        raise BadInput(f"the line would be longer than {MAX_LINE_BYTES >> 20} MiB", where=found.where)
    return data, parse_exchange(parse_line(data.rstrip(b"\n"), found.where), found.where)
