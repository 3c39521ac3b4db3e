"""Which card speaks for each detector of a gate: how good it was measured to be, or why nobody can say."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from evalgate.core.canonical import digest
from evalgate.core.detector_card import DetectorCard
from evalgate.core.errors import BadInput
from evalgate.core.files import NAME
from evalgate.core.settings import GateSettings, PluginChoice
from evalgate.core.values import DetectorSpec
from evalgate.pipeline.detector_cards import card_document, load_card
from evalgate.pipeline.instruments import Instruments
from evalgate.pipeline.judge_cards import judge_card_document, load_judge_card
from evalgate.safety.card_file import SHIPPED
from evalgate.safety.catalog import BUILTINS
from evalgate.safety.judge import NAME as JUDGE

FOLDER = Path("configs", "detectors")
UNMEASURED = "nobody has measured this detector"
WIRING = ("field:", "target_field:", "unsafe:", "severity:")
"""Parts of a built-in detector's signature that say where labels stand and what a finding is called, not what is found."""


@dataclass(frozen=True, slots=True)
class Cited:
    """The cards of a gate."""

    cards: Mapping[str, DetectorCard] = field(default_factory=dict)
    """Safety category → the card of its detector, as it is used here."""
    missing: Mapping[str, str] = field(default_factory=dict)
    """Safety category → why there is none."""

    @property
    def digests(self) -> dict[str, str]:
        """Safety category → digest of its card."""
        return {category: digest(_document(card)) for category, card in self.cards.items()}

    def added_to(self, document: Mapping[str, Any]) -> dict[str, Any]:
        """The content of verdict.json with the card of each safety category."""
        safety = {name: {**entry, **self._entry(name)} for name, entry in document["safety"].items()}
        return {**document, "safety": safety}

    def _entry(self, category: str) -> dict[str, Any]:
        card = self.cards.get(category)
        if card is None:
            # `any` is all categories together: it has no detector of its own
            reason = self.missing.get(category)
            return {} if reason is None else {"card": None, "card_reason": reason}
        told = _document(card)
        shown = {key: told[key] for key in ("unit", "confidence", "undecided")}
        blind = {"never_found": never_found(card)} if card.rules else {}
        return {"card": {"digest": digest(told), "source": card.source, "data": told["data"], **shown, **blind, **told["total"]}}


def shipped_cards(name: str) -> list[str]:
    """The cards of a built-in detector that come with evalgate, as their paths are shown."""
    if name not in BUILTINS:
        return []
    found = sorted((*SHIPPED.glob(f"{name}.json"), *SHIPPED.glob(f"{name}-*.json")))
    return [f"evalgate/safety/cards/{path.name}" for path in found]


def never_found(card: DetectorCard) -> list[str]:
    """The labelled types of which it found nothing at all: a count of 0 says nothing about them."""
    return sorted(rule for rule, tally in card.rules.items() if tally.found == 0 and tally.missed > 0)


def cited_cards(settings: GateSettings, built: Instruments) -> Cited:
    """The card of every detector: of a judge the one it was calibrated with; else the project's own in
    `configs/detectors/<category>.json`; else the one that comes with evalgate.

    A card counts only for the detector, version and signature (parameters) that were measured; for one that comes with evalgate
    it does not matter in which columns the gate has its labels.

    Raises: BadInput when a card that is there is none, or contradicts itself.
    """
    cards: dict[str, DetectorCard] = dict(built.judged)
    missing: dict[str, str] = {}
    for choice, spec in built.detectors:
        if spec.category in cards:
            continue
        if spec.category in built.distrust:
            missing[spec.category] = built.distrust[spec.category]
            continue
        reasons = []
        for path, shown in _places(settings, choice, spec):
            card = _loaded(path, shown)
            reason = _stale(card, spec, shipped=path.parent == SHIPPED)
            if reason is None:
                cards[spec.category] = card
                break
            reasons.append(reason)
        else:
            missing[spec.category] = "; ".join(reasons) or UNMEASURED
    return Cited(cards, missing)


def _loaded(path: Path, shown: str) -> DetectorCard:
    """A card of any kind: that of a judge in another gate may have the same name, and is no fault of this one."""
    try:
        return load_card(path, shown)
    except BadInput as error:
        with suppress(BadInput):
            return load_judge_card(path, shown)
        raise error


def _document(card: DetectorCard) -> dict[str, Any]:
    """The content of the card's file; that of a judge has kappa too."""
    return judge_card_document(card) if card.detector == JUDGE else card_document(card)


def _places(settings: GateSettings, choice: PluginChoice, spec: DetectorSpec) -> Iterator[tuple[Path, str]]:
    """Where cards stand that may be of this detector, nearest first."""
    if NAME.fullmatch(spec.category):
        own = FOLDER / f"{spec.category}.json"
        if (settings.root / own).is_file():
            yield settings.root / own, own.as_posix()
    yield from ((SHIPPED / Path(shown).name, shown) for shown in shipped_cards(choice.name))


def _stale(card: DetectorCard, spec: DetectorSpec, *, shipped: bool) -> str | None:
    """Why a card says nothing about a detector; None when it does."""
    if card.detector != spec.name:
        return f"the card {card.source} is of the detector {card.detector}"
    if card.version != spec.version:
        return f"the card {card.source} is of version {card.version}, and this is version {spec.version}: measure again"
    same = _recipe(card.signature) == _recipe(spec.signature) if shipped else card.signature == spec.signature
    return None if same else f"the card {card.source} was measured with other parameters than this gate has"


def _recipe(signature: str) -> list[str]:
    return [part for part in signature.split("|") if not part.startswith(WIRING)]
