"""What a detector's card says, in words: how good the detector was that counted, or why nobody can say."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from evalgate.core.record import RunRecord
from evalgate.report import figures

UNMEASURED = "nobody has measured this detector"
SHOWN_TYPES = 12


def quality_line(record: RunRecord, category: str) -> str:
    """The same in one line, without the data that it was measured on."""
    rates, *more = quality_lines(record, category)
    return "; ".join((rates, *more[1:]))


def quality_lines(record: RunRecord, category: str) -> tuple[str, ...]:
    """What the detector's card says, as the verdict document cites it; why there is none where there is none."""
    entry: Any = record.document.get("safety", {}).get(category, {})
    card = entry.get("card") if isinstance(entry, Mapping) else None
    if not isinstance(card, Mapping):
        reason = entry.get("card_reason") if isinstance(entry, Mapping) else None
        return (str(reason or UNMEASURED),)
    data, level = card["data"], figures.level(card["confidence"])
    rates = [f"{name} {_rate(card[name])}" for name in ("precision", "recall", "kappa") if name in card]
    unit = "span by span" if card["unit"] == "spans" else "output by output"
    measured = f"{unit} on {data['name']}, {figures.counted(data['outputs'], 'output')}; intervals at {level}"
    return (", ".join(rates), measured, *_blind(card.get("never_found") or ()))


def _blind(types: Any) -> tuple[str, ...]:
    if not types:
        return ()
    shown = ", ".join(types[:SHOWN_TYPES])
    more = f" and {len(types) - SHOWN_TYPES} more" if len(types) > SHOWN_TYPES else ""
    return (f"found nothing that is labelled {shown}{more}: the count says nothing about those",)


def _rate(figure: Mapping[str, float] | None) -> str:
    if figure is None:
        return figures.NOT_AVAILABLE
    return f"{figure['value']:.3f} ({figure['low']:.3f} to {figure['high']:.3f})"
