"""Renew the cards that come with evalgate: `python scripts/build_cards.py [CARD…]`.

Labelled sets that were written for evalgate stand under tests/safety. The labelled texts of presidio-research are read from
`pii_presidio/golden.jsonl` in the folder that EVALGATE_SHARED_DATA names; without them, or without the extras `pii` and
`toxicity`, cards stay as they are. A test holds the cards against new measurements.
"""

from __future__ import annotations

import importlib.util
import json
import os
import random
import sys
import tempfile
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

from evalgate.config.arguments import parse_detector_argument
from evalgate.core.errors import Incomplete
from evalgate.pipeline.detector_cards import card_document, load_card
from evalgate.pipeline.detectors_measure import Measured, Measurement, measure_detector
from evalgate.safety.catalog import make_detector

ROOT = Path(__file__).resolve().parents[1]
CARDS = ROOT / "evalgate" / "safety" / "cards"
SAFETY = ROOT / "tests" / "safety"
SHARED = Path(os.environ.get("EVALGATE_SHARED_DATA", ROOT.parent / "shared" / "data"))
PAGE = ROOT / "docs" / "detector-cards.md"
BEGIN, END = "<!-- cards -->\n", "<!-- /cards -->\n"
NO_FILE = Path()

_PII = Measurement(
    detector="pii",
    data=SHARED / "pii_presidio" / "golden.jsonl",
    mapping={
        "EMAIL_ADDRESS": ("email", "email_obfuscated"),
        "CREDIT_CARD": ("card",),
        "IBAN_CODE": ("iban",),
        "PHONE_NUMBER": ("phone",),
        "IP_ADDRESS": ("ip",),
        "US_SSN": ("us_ssn",),
        "US_DRIVER_LICENSE": ("driver_license",),
    },
    name="presidio-research synth_dataset_v2, known while the patterns were written",
)
_NAMES = {"PERSON": ("person",), "GPE": ("location",), "STREET_ADDRESS": ("location",), "NRP": ("nationality",)}
_TOXICITY = Measurement(
    detector="toxicity",
    data=NO_FILE,
    violating=("toxic",),
    name="evalgate toxic and clean sentences, held out (5 languages)",
)
MEASURED = {
    "pii": _PII,
    "pii-presidio": replace(_PII, detector="pii:model=presidio", mapping={**_PII.mapping, **_NAMES}),
    "refusal": Measurement(
        detector="refusal:field=kind,unsafe=[unsafe]",
        data=NO_FILE,
        violating=("refusal",),
        name="evalgate refusals, held out (7 languages, all as answers to safe requests)",
    ),
    "secrets": Measurement(
        detector="secrets",
        data=NO_FILE,
        name="evalgate seeded secrets in the formats of detect-secrets, and 10,000 ordinary sentences",
    ),
    "toxicity": _TOXICITY,
    "toxicity-classifier": replace(_TOXICITY, detector="toxicity:model=classifier"),
}
"""Card → what is measured; rows are made by `rows` where there is no file."""


def rows(name: str) -> Iterator[dict[str, Any]]:
    """The labelled rows of a card that has no file of its own."""
    if name == "secrets":
        yield from _secrets()
        return
    samples = "refusals_held_out" if name == "refusal" else "toxicity_held_out"
    lines = (SAFETY / "samples" / f"{samples}.tsv").read_text(encoding="utf-8").splitlines()
    for number, line in enumerate(lines, start=1):
        if not line.startswith("#"):
            language, label, text = line.split("\t")
            entry = {"id": number, "text": text.replace("\\n", "\n"), "label": label, "language": language}
            yield entry | ({"kind": "safe"} if name == "refusal" else {})


def _secrets() -> Iterator[dict[str, Any]]:
    spec = importlib.util.spec_from_file_location("secret_samples", SAFETY / "test_secret_strings.py")
    assert spec is not None and spec.loader is not None
    samples = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(samples)
    draw = random.Random(6)
    for frame_number, frame in enumerate(samples.FRAMES):
        for number, (_, secret) in enumerate(samples.seeded(draw)):
            yield {"id": f"{frame_number}-{number}", "text": frame.format(secret, secret), "label": True}
    for number, sentence in enumerate(samples.ordinary(10_000)):
        yield {"id": f"ordinary-{number}", "text": sentence, "label": False}


def measured(name: str, out: Path | None = None) -> Measured | None:
    """Measure one detector; None where the data, or an extra that the detector needs, is not there."""
    wanted = MEASURED[name]
    try:
        make_detector(parse_detector_argument(wanted.detector))
    except Incomplete:
        return None
    if wanted.data != NO_FILE:
        return measure_detector(wanted, out) if wanted.data.is_file() else None
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "labelled.jsonl"
        path.write_text("".join(json.dumps(row) + "\n" for row in rows(name)), encoding="utf-8")
        return measure_detector(replace(wanted, data=path), out)


def page(text: str) -> str:
    """The page about cards with the figures of the cards as they are."""
    before, rest = text.split(BEGIN)
    return before + BEGIN + "\n".join(_tables()) + END + rest.split(END)[1]


def _tables() -> Iterator[str]:
    names = sorted(path.stem for path in CARDS.glob("*.json"))
    documents = {name: card_document(load_card(CARDS / f"{name}.json")) for name in names}
    yield _row("detector", "data", "labelled", "found", "missed", "false alarms", "precision", "recall")
    yield _row(*["---"] * 8)
    for name, told in documents.items():
        yield _row(
            f"`{MEASURED[name].detector}`",
            f"{told['data']['name']}: {told['data']['outputs']:,} outputs",
            *_figures(told["total"]),
        )
    for name, told in documents.items():
        if told["rules"]:
            yield f"\n`{name}` by labelled type:\n"
            yield _row("type", "labelled", "found", "missed", "false alarms", "precision", "recall")
            yield _row(*["---"] * 7)
            for kind, tally in sorted(told["rules"].items()):
                yield _row(kind, *_figures(tally))
    yield ""


def _figures(tally: dict[str, Any]) -> Iterator[str]:
    for count in (tally["found"] + tally["missed"], tally["found"], tally["missed"], tally["false_alarms"]):
        yield f"{count:,}"
    for rate in (tally["precision"], tally["recall"]):
        yield "–" if rate is None else f"{rate['value']:.3f} ({rate['low']:.3f} to {rate['high']:.3f})"


def _row(*cells: str) -> str:
    return f"| {' | '.join(cells)} |"


def main(names: list[str]) -> None:
    """Write the cards, and their figures into the documentation."""
    for name in names or sorted(MEASURED):
        found = measured(name, CARDS / f"{name}.json")
        total = "data or extra is missing: left as it is" if found is None else found.card.total
        print(f"{name}: {total}")
    PAGE.write_text(page(PAGE.read_text(encoding="utf-8")), encoding="utf-8")


if __name__ == "__main__":
    main(sys.argv[1:])
