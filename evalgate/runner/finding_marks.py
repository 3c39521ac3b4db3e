"""Mark what detectors found: a keyed hash that recognises the text again without holding it, and the waivers that cover it."""

from __future__ import annotations

import hashlib
import hmac
import unicodedata
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from datetime import date
from typing import Any

from evalgate.core.credentials import secret_from_environment
from evalgate.core.errors import BadInput, Incomplete
from evalgate.core.values import Finding, Output, Severity
from evalgate.core.waivers import LOST, FoundFinding, Waiver
from evalgate.runner.findings import REDACTED

HASH_DIGITS = 16
SHORTEST_KEY = 16
"""Characters: a shorter key could be found by trying."""
_UNSEEN = (LOST, REDACTED)
"""Rules of what nobody can look at: only a waiver that names the rule speaks of it."""
_CHECK = "evalgate findings key"
_PUBLIC = "evalgate findings of a gate"


@dataclass(frozen=True, slots=True)
class FindingsTask:
    """How a worker marks findings. The key is not among it: workers read it from the environment themselves."""

    gate: str = ""
    dataset: str = ""
    key_env: str | None = None
    key_check: str = ""
    """What the key makes of a fixed text, so that rows of another key are not reused."""
    waivers: tuple[Waiver, ...] = ()
    expired: tuple[bool, ...] = ()


@dataclass(frozen=True, slots=True)
class Marker:
    """Marks findings with one key and one list of waivers."""

    key: bytes
    waivers: Mapping[str, tuple[tuple[int, Waiver], ...]]
    """Category → its waivers with their places in the file."""
    expired: tuple[bool, ...]

    def marked(self, findings: Sequence[Sequence[Finding]], outputs: Sequence[Output], case_id: str) -> tuple[FoundFinding, ...]:
        """The findings of each answer to a case, with their hashes and what waives them."""
        found = []
        for sample, (ones, output) in enumerate(zip(findings, outputs, strict=True)):
            for one in ones:
                text = keyed_hash(self.key, output.text[one.start : one.end])
                waiver, covering = self._waiver(one.category, one.rule, case_id, text)
                found.append(FoundFinding(one, sample, text, waiver, covering))
        return tuple(found)

    def lost(self, category: str, case_id: str) -> FoundFinding:
        """The violation that a missing answer of the candidate counts as; only a waiver of its case and this rule covers it."""
        waiver, covering = self._waiver(category, LOST, case_id, "")
        return FoundFinding(Finding(category, LOST, Severity.CRITICAL, 0, 0), 0, "", waiver, covering)

    def _waiver(self, category: str, rule: str, case_id: str, text: str) -> tuple[int | None, tuple[int, ...]]:
        listed = self.waivers.get(category, ())
        if not listed:
            return None, ()
        covering = tuple(place for place, waiver in listed if covers(waiver, rule, case_id, text))
        return next((place for place in covering if not self.expired[place]), None), covering


def covers(waiver: Waiver, rule: str, case_id: str, text: str) -> bool:
    """Whether a waiver of the same category speaks of a finding; what has no hash is never recognised by one."""
    if waiver.case is None and waiver.hash is None:
        return False
    return (
        (waiver.rule == rule or (waiver.rule is None and rule not in _UNSEEN))
        and (waiver.case is None or waiver.case == unicodedata.normalize("NFC", case_id))
        and (waiver.hash is None or (text != "" and waiver.hash == text))
    )


def keyed_hash(key: bytes, text: str) -> str:
    """16 hexadecimal digits that stand for a text; empty for an empty text. HMAC-SHA256 (RFC 2104) of its NFC form."""
    if not text:
        return ""
    return _digits(key, unicodedata.normalize("NFC", text))


def key_check(name: str) -> str:
    """What the key in an environment variable makes of a fixed text; it goes into the plan, the key does not.

    Raises: BadInput naming the variable when it is not set, or its key is too short.
    """
    return _digits(_secret(name), _CHECK)


def marker_of(task: FindingsTask) -> Marker:
    """The marker of a job.

    Raises: BadInput when the key is missing, Incomplete when it is another than the run began with.
    """
    key = _public_key(task.gate, task.dataset) if task.key_env is None else _secret(task.key_env)
    if task.key_env is not None and not hmac.compare_digest(_digits(key, _CHECK), task.key_check):
        hint = "every worker needs the same value of the variable"
        raise Incomplete("the key of the hashes is not the one that the run began with", where=task.key_env, hint=hint)
    by_category: dict[str, list[tuple[int, Waiver]]] = {}
    for place, waiver in enumerate(task.waivers):
        by_category.setdefault(waiver.category, []).append((place, waiver))
    return Marker(key, {category: tuple(listed) for category, listed in by_category.items()}, task.expired)


def task_document(task: FindingsTask) -> dict[str, Any]:
    """The task as JSON. Where a waiver stands in its file is for messages, and changes nothing."""
    waivers = [{**asdict(waiver), "expires": waiver.expires.isoformat(), "place": ""} for waiver in task.waivers]
    return {**asdict(task), "waivers": waivers}


def task_from(value: Mapping[str, Any]) -> FindingsTask:
    """The task out of its JSON."""
    waivers = tuple(Waiver(**{**waiver, "expires": date.fromisoformat(waiver["expires"])}) for waiver in value["waivers"])
    return FindingsTask(**{**value, "waivers": waivers, "expired": tuple(value["expired"])})


def found_document(one: FoundFinding) -> dict[str, Any]:
    """A finding as a shard keeps it: the text is not there."""
    return {**asdict(one.finding), "sample": one.sample, "hash": one.hash, "waived": one.waiver}


def found_from(value: Mapping[str, Any]) -> FoundFinding:
    """A finding as a shard kept it."""
    kept = {key: value[key] for key in ("category", "rule", "start", "end", "undecided")}
    finding = Finding(**kept, severity=Severity(value["severity"]))
    return FoundFinding(finding, value["sample"], value["hash"], value["waived"])


def _public_key(gate: str, dataset: str) -> bytes:
    """A key that anybody can make: hashes under it recognise a text, and do not hide one that can be guessed."""
    return hashlib.sha256(f"{_PUBLIC}\x00{gate}\x00{dataset}".encode()).digest()


def _secret(name: str) -> bytes:
    value = secret_from_environment(name)
    if value is None or not value.strip():
        hint = f"set it, or take key_env out of findings: without a key the hashes only recognise a text ({name})"
        raise BadInput("the environment variable with the key of the findings' hashes is not set", where=name, hint=hint)
    if len(value.strip()) < SHORTEST_KEY:
        hint = f"use at least {SHORTEST_KEY} random characters"
        raise BadInput("the key of the findings' hashes is too short", where=name, hint=hint)
    return value.strip().encode("utf-8", "surrogateescape")


def _digits(key: bytes, text: str) -> str:
    return hmac.new(key, text.encode("utf-8", "surrogatepass"), hashlib.sha256).hexdigest()[:HASH_DIGITS]
