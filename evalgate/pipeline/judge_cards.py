"""Calibration cards of judges: kappa beside a detector's figures, and whether a card lets a judge decide anything."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from pathlib import Path
from typing import Any

from evalgate.core.detector_card import DetectorCard, Tally
from evalgate.core.values import DetectorSpec
from evalgate.evidence.verdict_document import published
from evalgate.pipeline.detector_cards import figures
from evalgate.safety import card_file
from evalgate.safety.judge import NAME as JUDGE
from evalgate.stats.detector_quality import quality
from evalgate.stats.kappa import Kappa, cohens_kappa

UNIT = "outputs"
SURE = 0.95
"""The least level at which a card has to show more than chance, whatever level its own figures were asked for."""


def distrust_of(
    name: str, spec: DetectorSpec, binding: Mapping[str, str], card: DetectorCard | None, level: float = SURE
) -> str | None:
    """Why no threshold may decide on what a judge says; None where its card shows that it may.

    A card counts for the judge that was measured and for no other: the same labels and form of answer, prompt and model. It
    has to show agreement with people that is better than chance, and surely so: the lower ends of sensitivity and
    specificity add up to more than 1, and that of kappa lies above 0, at `level` (of the gate), or at SURE where that is higher.
    """
    judge = f"the judge of {name}"
    if card is None:
        return f"{judge} has no calibration card"
    if (card.category, card.detector, card.unit) != (spec.category, spec.name, UNIT):
        return f"{judge} has the card of something else ({card.detector} of {card.category}, by {card.unit})"
    if card.signature != spec.signature:
        return f"{judge} was calibrated with other labels, or another form of answer"
    return _other_than(judge, binding, card) or _too_weak(judge, card, level)


def score_distrust_of(
    name: str, signatures: Collection[str], binding: Mapping[str, str], card: DetectorCard | None, level: float = SURE
) -> str | None:
    """Why no blocking threshold may decide on the scores of a judge; None where its card shows that it may.

    `signatures`: of the detectors that the same labels would make, whichever of the two is called the violating one: to agree
    with people about one of two labels is to agree about the other. Empty where there are not two labels.
    """
    judge = f"the judge of {name}"
    if not signatures:
        return f"{judge} tells more than two labels apart, and a calibration card holds two"
    if card is None:
        return f"{judge} has no calibration card"
    if (card.detector, card.unit) != (JUDGE, UNIT):
        return f"{judge} has the card of something else ({card.detector} of {card.category}, by {card.unit})"
    if card.signature not in signatures:
        return f"{judge} was calibrated with other labels, or another form of answer"
    return _other_than(judge, binding, card) or _too_weak(judge, card, level)


def judge_figures(tally: Tally, level: float) -> dict[str, Any]:
    """A detector's figures (its recall is the judge's sensitivity) with Cohen's kappa of the judge and people."""
    kappa = agreement(tally)
    if kappa is None:
        return {**figures(tally, level), "kappa": None}
    ends = kappa.interval(level)
    entry = {"value": published(kappa.value), "low": published(ends.low), "high": published(ends.high)}
    return {**figures(tally, level), "kappa": entry}


def load_judge_card(path: Path, shown: str | None = None) -> DetectorCard:
    """Read a judge's card.

    Raises: BadInput naming the file when it is no card of a judge or contradicts itself.
    """
    return card_file.read_card(path, judge_figures, shown)


def save_judge_card(path: Path, card: DetectorCard) -> None:
    """Write a judge's card.

    Raises: Incomplete when the disk refuses.
    """
    card_file.write_card(path, card, judge_figures)


def judge_card_document(card: DetectorCard) -> dict[str, Any]:
    """The content of a judge's card's file."""
    return card_file.card_document(card, judge_figures)


def judge_card_digest(card: DetectorCard) -> str:
    """`sha256:<hex>` of what a judge's card says."""
    return card_file.card_digest(card, judge_figures)


def agreement(tally: Tally) -> Kappa | None:
    """Kappa of a judge and people; None where one label was all there was."""
    return cohens_kappa(((tally.found, tally.false_alarms), (tally.missed, tally.clean or 0)))


def _other_than(judge: str, binding: Mapping[str, str], card: DetectorCard) -> str | None:
    changed = [key.removesuffix("_digest") for key, value in sorted(binding.items()) if card.binding.get(key) != value]
    return f"{judge} was calibrated with another {' and another '.join(changed)}" if changed else None


def _too_weak(judge: str, card: DetectorCard, level: float) -> str | None:
    level = max(SURE, level)
    shares, kappa = quality(card.total, level), agreement(card.total)
    found, spared = shares.recall, shares.specificity
    if found is None or spared is None or kappa is None:
        return f"{judge} was calibrated without both kinds of outputs, violating and clean"
    said = f"kappa {kappa.value:.2f}, sensitivity {found.value:.2f}, specificity {spared.value:.2f}"
    if kappa.interval(level).low <= 0 or found.interval.low + spared.interval.low <= 1:
        return f"{judge} is not surely better than chance by its card ({said} on {card.data.outputs} outputs)"
    return None
