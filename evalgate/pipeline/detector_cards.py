"""Detector cards with their figures: read, written, and as documents show them."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from evalgate.core.detector_card import DetectorCard, Tally
from evalgate.evidence.verdict_document import published
from evalgate.safety import card_file
from evalgate.stats.detector_quality import Rate, quality


def figures(tally: Tally, level: float) -> dict[str, Any]:
    """Precision, recall and F1 of a tally (for outputs specificity too), each with its interval; null without a base."""
    found = quality(tally, level)
    named = {"precision": found.precision, "recall": found.recall, "f1": found.f1}
    if tally.clean is not None:
        named["specificity"] = found.specificity
    return {name: _rate(rate) for name, rate in named.items()}


def load_card(path: Path, shown: str | None = None) -> DetectorCard:
    """Read a card.

    Raises: BadInput naming the file when it is no card or contradicts itself.
    """
    return card_file.read_card(path, figures, shown)


def save_card(path: Path, card: DetectorCard) -> None:
    """Write a card.

    Raises: BadInput when it contradicts itself; Incomplete when the disk refuses.
    """
    card_file.write_card(path, card, figures)


def card_document(card: DetectorCard) -> dict[str, Any]:
    """The content of a card's file."""
    return card_file.card_document(card, figures)


def card_digest(card: DetectorCard) -> str:
    """`sha256:<hex>` of what a card says."""
    return card_file.card_digest(card, figures)


def _rate(rate: Rate | None) -> dict[str, float | None] | None:
    if rate is None:
        return None
    ends = rate.interval
    return {"value": published(rate.value), "low": published(ends.low), "high": published(ends.high)}
