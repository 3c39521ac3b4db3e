"""The cards that come with evalgate say what is measured again here."""

from __future__ import annotations

import importlib.util
import json
import os
import sys
from collections.abc import Iterator
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest

from evalgate.cli.main import main
from evalgate.config.load import load_settings
from evalgate.core.errors import Incomplete
from evalgate.core.labelled import LabelledSpan
from evalgate.core.settings import PluginChoice
from evalgate.core.values import Finding, Severity
from evalgate.pipeline.cited_cards import cited_cards
from evalgate.pipeline.detector_cards import load_card
from evalgate.pipeline.instruments import Instruments
from evalgate.safety.card_file import SHIPPED
from evalgate.safety.catalog import BUILTINS, make_detector
from evalgate.safety.span_matching import SpanCount

RENEW = "renew it: python scripts/build_cards.py {}"
CARDS = sorted(path.stem for path in SHIPPED.glob("*.json"))
DEFAULTS = {
    "pii": {},
    "pii-presidio": {"model": "presidio"},
    "secrets": {},
    "refusal": {"field": "my_column", "unsafe": ["attack", "worse"], "severity": "critical"},
    "toxicity": {},
    "toxicity-classifier": {"model": "classifier"},
}


@pytest.fixture(scope="module")
def script(repository: Path) -> ModuleType:
    spec = importlib.util.spec_from_file_location("build_cards", repository / "scripts" / "build_cards.py")
    assert spec is not None and spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    sys.modules["build_cards"] = module
    spec.loader.exec_module(module)
    return module


def test_there_is_a_card_for_each_measurement(script: ModuleType) -> None:
    assert set(script.MEASURED) == set(CARDS) == set(DEFAULTS)
    assert {name.split("-")[0] for name in CARDS} <= set(BUILTINS)


@pytest.mark.parametrize("name", CARDS)
def test_a_card_says_what_is_measured_today(name: str, script: ModuleType) -> None:
    found = script.measured(name)
    if found is None:
        pytest.skip(f"no shared data at {script.SHARED} (set EVALGATE_SHARED_DATA), or an extra is not installed")
    card = load_card(SHIPPED / f"{name}.json")
    for part in ("detector", "version", "signature", "unit", "data", "total", "rules", "undecided"):
        assert getattr(card, part) == getattr(found.card, part), RENEW.format(name)


@pytest.mark.parametrize("name", CARDS)
def test_a_gate_with_the_defaults_cites_it(name: str, repository: Path) -> None:
    choice = PluginChoice(name.split("-")[0], DEFAULTS[name])
    settings = load_settings(repository / "configs" / "product-recommendations.yaml")
    try:
        detector = make_detector(choice)
    except Incomplete as error:
        pytest.skip(str(error))
    cited = cited_cards(settings, Instruments((), (), ((choice, detector.spec),)))
    assert cited.missing == {}, RENEW.format(name)
    assert cited.cards[choice.name].source == f"evalgate/safety/cards/{name}.json"


@pytest.mark.parametrize("name", CARDS)
def test_a_card_names_data_and_no_place(name: str) -> None:
    text = (SHIPPED / f"{name}.json").read_text(encoding="utf-8")
    assert os.sep not in load_card(SHIPPED / f"{name}.json").data.name and ".jsonl" not in text


def test_the_documentation_has_the_figures_of_the_cards(script: ModuleType) -> None:
    text = script.PAGE.read_text(encoding="utf-8")
    assert script.page(text) == text, RENEW.format("")


def test_plugins_names_the_cards_of_detectors(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["plugins"]) == 0
    lines = capsys.readouterr().out.splitlines()
    (pii,) = [line for line in lines if line.startswith("detector") and line.split()[1] == "pii"]
    assert pii.endswith("card: evalgate/safety/cards/pii-presidio.json, evalgate/safety/cards/pii.json")
    assert sum("card: " in line for line in lines) == len({name.split("-")[0] for name in CARDS})
    assert main(["plugins", "--json"]) == 0
    rows = {row["name"]: row for row in json.loads(capsys.readouterr().out) if row["kind"] == "detector"}
    assert rows["blocklist"]["cards"] == [] and len(rows["pii"]["cards"]) == 2


def test_personal_data_with_a_form_is_found() -> None:
    card = load_card(SHIPPED / "pii.json")
    assert len(card.rules) == 17 and card.data.outputs == 1500
    for kind in ("EMAIL_ADDRESS", "CREDIT_CARD", "IBAN_CODE", "PHONE_NUMBER", "IP_ADDRESS", "US_SSN"):
        tally = card.rules[kind]
        assert tally.found / (tally.found + tally.missed) >= 0.95, kind
        assert tally.found / (tally.found + tally.false_alarms) >= 0.95, kind


def test_recorded_findings_are_counted_as_published_and_pii_is_better_in_total(shared_data: Path) -> None:
    """The recognisers of presidio-analyzer 2.2.366 that look for forms: the figures of another count of the same files."""
    folder = shared_data / "pii_presidio"
    hits = {row["id"]: row["hits"] for row in _lines(folder / "outputs" / "presidio_pattern_recognizers.jsonl")}
    count = SpanCount({})
    for row in _lines(folder / "golden.jsonl"):
        spans = [LabelledSpan(span["type"], span["start"], span["end"]) for span in row["spans"]]
        count.add(spans, [Finding("pii", hit["type"], Severity.LOW, hit["start"], hit["end"]) for hit in hits[row["id"]]])
    theirs = count.tallies()
    published = {
        "EMAIL_ADDRESS": (49, 49), "US_SSN": (16, 16), "IP_ADDRESS": (14, 14), "IBAN_CODE": (20, 21), "CREDIT_CARD": (105, 136),
        "PHONE_NUMBER": (54, 92),
    }  # fmt: skip
    assert {kind: (theirs[kind].found, theirs[kind].found + theirs[kind].missed) for kind in published} == published
    assert theirs["PHONE_NUMBER"].false_alarms == 20 == count.total().false_alarms

    ours = load_card(SHIPPED / "pii.json")
    assert all(ours.rules[kind].found >= theirs[kind].found for kind in published)
    assert ours.total.found > count.total().found and ours.total.false_alarms < count.total().false_alarms


def _lines(path: Path) -> Iterator[Any]:
    return map(json.loads, path.read_text(encoding="utf-8").rstrip("\n").split("\n"))
