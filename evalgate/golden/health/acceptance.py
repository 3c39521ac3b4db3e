"""What a card accepts of its dataset's health, and why: `health: {accept: [contradiction], reason: …}`."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

from evalgate.core.document import Document
from evalgate.core.errors import Problem
from evalgate.core.health import CODES, HealthFinding, HealthSeverity
from evalgate.core.plugins import suggestion

KEY = "health"


def acceptance_faults(document: Document, value: Any) -> list[Problem]:
    """What is wrong with the card's `health` key."""
    if value is None:
        return []
    place = document.place(KEY)
    if not isinstance(value, Mapping):
        return [Problem("health must be a mapping", place, "health: {accept: [near-duplicate], reason: why that is right here}")]
    found = [
        Problem(f"unknown key {name!r}", document.place(KEY, name), suggestion(str(name), ["accept", "reason"]))
        for name in value
        if name not in ("accept", "reason")
    ]
    codes, reason = value.get("accept"), value.get("reason")
    if not isinstance(codes, list) or not codes:
        found.append(Problem("accept must be a list of codes", document.place(KEY, "accept"), f"codes: {', '.join(CODES)}"))
    else:
        found += [
            Problem(f"unknown code {code!r}", document.place(KEY, "accept"), suggestion(str(code), list(CODES)))
            for code in codes
            if not isinstance(code, str) or code not in CODES
        ]
    if not isinstance(reason, str) or not reason.strip():
        said = "what is accepted needs a reason"
        found.append(Problem(said, document.place(KEY, "reason"), "say why it is right for this dataset"))
    return found


def accepted(findings: Sequence[HealthFinding], value: Any) -> tuple[HealthFinding, ...]:
    """The findings with the card's reason on those it accepts, in their order: errors, warnings, notes, accepted last."""
    codes = tuple(value["accept"]) if isinstance(value, Mapping) else ()
    reason = value["reason"].strip() if codes else None
    said = [replace(finding, accepted=reason) if finding.code in codes else finding for finding in findings]
    ranks, codes_in_order = list(HealthSeverity), list(CODES)
    return tuple(
        sorted(
            said,
            key=lambda f: (
                ranks.index(f.severity),
                f.accepted is not None,
                codes_in_order.index(f.code),
                f.column or "",
                f.where or "",
                f.message,
            ),
        )
    )
