"""Detector cards on disk: JSON for people to read, of which only the counts are believed."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, NoReturn

from evalgate.core.canonical import MAX_SAFE_INTEGER, digest, pretty_json
from evalgate.core.detector_card import SCHEMA, DetectorCard, LabelledData, Tally
from evalgate.core.errors import BadInput
from evalgate.core.files import read_text, write_whole
from evalgate.core.strict_json import parse_json

Figures = Callable[[Tally, float], Mapping[str, Any]]
"""Tally and two-sided level → what follows from it: numbers, null, and mappings of them."""

SHIPPED = Path(__file__).parent / "cards"
"""Cards of built-in detectors that come with evalgate: `<detector>.json`; with other parameters `<detector>-<variant>.json`."""
LIMIT = 1 << 20
"""Bytes of a card."""
MOST_RULES = 1000
TEXT = 2000
"""Characters of any text of a card."""
UNITS = ("spans", "outputs")
SAME = 1e-9
"""Relative: figures are published with 12 digits, and the last bits differ between processors."""

_TEXTS = ("engine", "category", "detector", "version", "signature")
_KEYS = {*_TEXTS, "schema", "unit", "data", "confidence", "undecided", "binding", "total", "rules"}
_DATA = {"name", "digest", "outputs"}
_COUNTS = ("found", "missed", "false_alarms")


def card_document(card: DetectorCard, figures: Figures) -> dict[str, Any]:
    """The content of a card's file: its counts, and the figures that follow from them."""

    def entry(tally: Tally) -> dict[str, Any]:
        counts = {"found": tally.found, "missed": tally.missed, "false_alarms": tally.false_alarms, "clean": tally.clean}
        return {**counts, **figures(tally, card.confidence)}

    return {
        "schema": SCHEMA,
        "engine": card.engine,
        "category": card.category,
        "detector": card.detector,
        "version": card.version,
        "signature": card.signature,
        "unit": card.unit,
        "data": {"name": card.data.name, "digest": card.data.digest, "outputs": card.data.outputs},
        "confidence": card.confidence,
        "undecided": card.undecided,
        "binding": dict(card.binding),
        "total": entry(card.total),
        "rules": {rule: entry(tally) for rule, tally in card.rules.items()},
    }


def card_digest(card: DetectorCard, figures: Figures) -> str:
    """`sha256:<hex>` of what a card says."""
    return digest(card_document(card, figures))


def write_card(path: Path, card: DetectorCard, figures: Figures) -> None:
    """Write a card whole or not at all.

    Raises: BadInput when the card contradicts itself; Incomplete when the disk refuses.
    """
    text = pretty_json(card_document(card, figures))
    parse_card(text, str(path), figures)
    write_whole(path, text)


def read_card(path: Path, figures: Figures, shown: str | None = None) -> DetectorCard:
    """Read a card and check everything on it; figures are derived again from its counts and must be the ones it states.

    Raises: BadInput naming the file: unreadable, larger than a MiB, not a card, or in contradiction with itself.
    """
    name = shown or str(path)
    return parse_card(read_text(path, name, LIMIT), name, figures)


def parse_card(text: str, shown: str, figures: Figures) -> DetectorCard:
    """Like `read_card` for the text of a card."""
    try:
        value = parse_json(text)
    except ValueError as error:
        raise BadInput(f"not a detector card: {error}", where=shown) from error
    return _Reader(shown, figures).card(value)


class _Reader:
    def __init__(self, shown: str, figures: Figures) -> None:
        self._shown = shown
        self._figures = figures

    def card(self, value: Any) -> DetectorCard:
        found = self._mapping(value, "the card", _KEYS)
        if found["schema"] != SCHEMA:
            self._refuse(f"its schema is {str(found['schema'])[:80]!r}, not {SCHEMA!r}")
        engine, category, detector, version, signature = (self._text(found[key], key) for key in _TEXTS)
        if found["unit"] not in UNITS:
            self._refuse(f"unit is {' or '.join(UNITS)}")
        confidence = found["confidence"]
        if not isinstance(confidence, float) or not 0.5 <= confidence < 1:
            self._refuse("confidence is a number from 0.5 to below 1")
        rules = self._rules(found, confidence)
        card = DetectorCard(
            category=category,
            detector=detector,
            version=version,
            signature=signature,
            unit=found["unit"],
            data=self._data(found["data"]),
            total=self._tally(found["total"], "total", found["unit"], confidence),
            rules=rules,
            undecided=self._count(found["undecided"], "undecided"),
            binding=self._binding(found["binding"]),
            source=self._shown,
            confidence=confidence,
            engine=engine,
        )
        self._add_up(card)
        return card

    def _rules(self, found: Mapping[str, Any], confidence: float) -> dict[str, Tally]:
        rules = found["rules"]
        if not isinstance(rules, dict) or len(rules) > MOST_RULES:
            self._refuse(f"rules is a mapping of at most {MOST_RULES} tallies")
        return {self._text(rule, "a rule"): self._tally(rules[rule], rule, found["unit"], confidence) for rule in rules}

    def _data(self, value: Any) -> LabelledData:
        found = self._mapping(value, "data", _DATA)
        outputs = self._count(found["outputs"], "data.outputs")
        if outputs == 0:
            self._refuse("it was measured on 0 outputs")
        return LabelledData(self._text(found["name"], "data.name"), self._text(found["digest"], "data.digest"), outputs)

    def _binding(self, value: Any) -> dict[str, str]:
        if not isinstance(value, dict) or len(value) > MOST_RULES:
            self._refuse("binding is a mapping of texts")
        return {self._text(key, "a key of binding"): self._text(item, f"binding.{key}") for key, item in value.items()}

    def _tally(self, value: Any, what: str, unit: str, confidence: float) -> Tally:
        if not isinstance(value, dict) or not {*_COUNTS, "clean"} <= value.keys():
            self._refuse(f"{what[:80]} needs the counts {', '.join(_COUNTS)} and clean")
        found, missed, false_alarms = (self._count(value[key], f"{what[:80]}.{key}") for key in _COUNTS)
        clean = value["clean"]
        if (clean is None) != (unit == "spans"):
            self._refuse(f"{what[:80]}.clean is a count for outputs, and null for spans")
        if clean is not None:
            clean = self._count(clean, f"{what[:80]}.clean")
        tally = Tally(found, false_alarms, missed, clean)
        derived = {**{key: value[key] for key in (*_COUNTS, "clean")}, **self._figures(tally, confidence)}
        if not _same(value, derived):
            hint = "a card is written by evalgate detectors measure, never by hand"
            self._refuse(f"the figures of {what[:80]} are not the ones that follow from its counts", hint)
        return tally

    def _add_up(self, card: DetectorCard) -> None:
        total, outputs = card.total, card.data.outputs
        if card.undecided > outputs:
            self._refuse(f"{card.undecided} undecided of {outputs} outputs")
        for rule, tally in (("total", total), *card.rules.items()):
            counted = tally.found + tally.missed + tally.false_alarms
            if tally.clean is not None and counted + tally.clean + card.undecided != outputs:
                said = f"{counted + tally.clean} counted and {card.undecided} undecided"
                self._refuse(f"the counts of {rule[:80]} do not add up: {said} of {outputs} outputs")
        if card.unit != "spans" or not card.rules:
            return
        tallies = card.rules.values()
        false_alarms = [tally.false_alarms for tally in tallies]
        # A finding that is a false alarm of two types is one false alarm in all.
        if (
            total.found != sum(tally.found for tally in tallies)
            or total.missed != sum(tally.missed for tally in tallies)
            or not max(false_alarms) <= total.false_alarms <= sum(false_alarms)
        ):
            self._refuse("the total is not that of its rules")

    def _mapping(self, value: Any, what: str, keys: set[str]) -> dict[str, Any]:
        if not isinstance(value, dict):
            self._refuse(f"{what} is a mapping")
        missing, unknown = sorted(keys - value.keys()), sorted(value.keys() - keys)
        if missing or unknown:
            parts = [f"no {', '.join(missing)}"] if missing else []
            parts += [f"unknown {', '.join(repr(key[:80]) for key in unknown[:5])}"] if unknown else []
            self._refuse(f"{what} has {' and '.join(parts)}")
        return value

    def _text(self, value: Any, what: str) -> str:
        if not isinstance(value, str) or not 0 < len(value) <= TEXT:
            self._refuse(f"{what[:80]} is a text of 1 to {TEXT} characters")
        return value

    def _count(self, value: Any, what: str) -> int:
        if not isinstance(value, int) or isinstance(value, bool) or not 0 <= value <= MAX_SAFE_INTEGER:
            self._refuse(f"{what} is a count, not {str(value)[:40]!r}")
        return value

    def _refuse(self, message: str, hint: str | None = None) -> NoReturn:
        raise BadInput(f"not a detector card that can be trusted: {message}", where=self._shown, hint=hint)


def _same(stated: Any, derived: Any) -> bool:
    if isinstance(derived, Mapping):
        if not isinstance(stated, dict) or stated.keys() != derived.keys():
            return False
        return all(_same(stated[key], item) for key, item in derived.items())
    if isinstance(derived, float):
        known = isinstance(stated, (int, float)) and not isinstance(stated, bool)
        return known and math.isclose(stated, derived, rel_tol=SAME, abs_tol=SAME)
    return type(stated) is type(derived) and bool(stated == derived)
