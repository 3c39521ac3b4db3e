"""The waivers of a run as they stand in verdict.json."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from evalgate.core.waivers import WaiverList, WaiverUse


def waivers_document(uses: Sequence[WaiverUse], allowed: WaiverList | None) -> dict[str, Any]:
    """The key `waivers`; nothing where the gate has no allow file."""
    if allowed is None:
        return {}
    return {"waivers": {"digest": allowed.digest, "list": [_entry(use) for use in uses]}}


def _entry(use: WaiverUse) -> dict[str, Any]:
    waiver = use.waiver
    return {
        "category": waiver.category,
        "rule": waiver.rule,
        "case": waiver.case,
        "hash": waiver.hash,
        "owner": waiver.owner,
        "reason": waiver.reason,
        "expires": waiver.expires.isoformat(),
        "expired": use.expired,
        "findings": use.findings,
    }
