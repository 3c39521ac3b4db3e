"""A card counts for the detector, version and parameters that were measured, and for nothing else."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from evalgate.config.load import load_settings
from evalgate.core.detector_card import DetectorCard, LabelledData, Tally
from evalgate.core.errors import BadInput
from evalgate.core.settings import GateSettings, PluginChoice
from evalgate.core.values import DetectorSpec
from evalgate.pipeline import cited_cards
from evalgate.pipeline.cited_cards import UNMEASURED, Cited
from evalgate.pipeline.cited_cards import cited_cards as cite
from evalgate.pipeline.detector_cards import card_digest, save_card
from evalgate.pipeline.instruments import Instruments
from evalgate.pipeline.judge_cards import judge_card_digest, save_judge_card

SPEC = DetectorSpec("blocklist", "rude", "1", "terms:2|version:1")
CARD = DetectorCard(
    "rude", "blocklist", "1", SPEC.signature, "outputs", LabelledData("insults v1", "sha256:00", 10), Tally(4, 1, 2, 3), {}
)
DOCUMENT = {"verdict": "pass", "safety": {"rude": {"candidate": 0}, "any": {"candidate": 1}}}


@pytest.fixture
def settings(tmp_path: Path, repository: Path, monkeypatch: pytest.MonkeyPatch) -> GateSettings:
    monkeypatch.setattr(cited_cards, "SHIPPED", tmp_path / "shipped")
    return replace(load_settings(repository / "configs" / "product-recommendations.yaml"), root=tmp_path)


def built(spec: DetectorSpec = SPEC, **more: Any) -> Instruments:
    return Instruments((), (), ((PluginChoice("blocklist"), spec),), **more)


def own(settings: GateSettings, card: DetectorCard = CARD, name: str = "rude") -> Path:
    path = settings.root / "configs" / "detectors" / f"{name}.json"
    save_card(path, card)
    return path


def test_the_card_of_the_project_is_cited_with_its_figures(settings: GateSettings) -> None:
    own(settings)
    cited = cite(settings, built())
    assert cited.missing == {} and cited.cards["rude"].total == CARD.total
    document = cited.added_to(DOCUMENT)
    card = document["safety"]["rude"]["card"]
    assert card["digest"] == cited.digests["rude"] == card_digest(CARD) and card["source"] == "configs/detectors/rude.json"
    assert (card["found"], card["missed"], card["false_alarms"], card["clean"], card["unit"]) == (4, 2, 1, 3, "outputs")
    assert card["precision"]["value"] == 0.8 and card["data"]["name"] == "insults v1" and document["verdict"] == "pass"
    assert document["safety"]["rude"]["candidate"] == 0 and "card" not in DOCUMENT["safety"]["rude"]
    assert document["safety"]["any"] == {"candidate": 1}
    assert Cited({}, {"rude": "why"}).added_to(DOCUMENT)["safety"]["rude"] == {"candidate": 0, "card": None, "card_reason": "why"}
    json.dumps(document, allow_nan=False)


def test_types_of_which_nothing_is_found_are_named(settings: GateSettings) -> None:
    rules = {"mail": Tally(4, 0, 1), "name": Tally(0, 0, 9), "street": Tally(0, 2, 3), "phone": Tally(0, 1, 0)}
    own(settings, replace(CARD, unit="spans", rules=rules, total=Tally(4, 3, 13)))
    document = cite(settings, built()).added_to(DOCUMENT)
    assert document["safety"]["rude"]["card"]["never_found"] == ["name", "street"]


def test_without_a_card_it_is_said_that_nobody_has_measured(settings: GateSettings) -> None:
    assert cite(settings, built()) == Cited({}, {"rude": "nobody has measured this detector"})


@pytest.mark.parametrize(
    ("card", "said"),
    [
        (replace(CARD, detector="regex"), "is of the detector regex"),
        (replace(CARD, version="2"), "version 2, and this is version 1"),
        (replace(CARD, signature="terms:3|version:1"), "other parameters"),
    ],
)
def test_a_stale_card_counts_for_nothing_and_is_named(settings: GateSettings, card: DetectorCard, said: str) -> None:
    own(settings, card)
    cited = cite(settings, built())
    assert cited.cards == {} and said in cited.missing["rude"] and "configs/detectors/rude.json" in cited.missing["rude"]


def test_the_card_that_comes_along_counts_where_the_project_has_none_that_fits(settings: GateSettings) -> None:
    save_card(settings.root / "shipped" / "blocklist.json", replace(CARD, category="blocklist"))
    assert cite(settings, built()).cards["rude"].source == "evalgate/safety/cards/blocklist.json"
    own(settings, replace(CARD, version="0"))
    assert cite(settings, built()).cards["rude"].source == "evalgate/safety/cards/blocklist.json"
    own(settings)
    assert cite(settings, built()).cards["rude"].source == "configs/detectors/rude.json"


def test_where_a_gate_has_its_labels_makes_no_difference_to_the_card_that_comes_along(settings: GateSettings) -> None:
    signature = "field:{}|unsafe:{}|partial:{}|severity:{}|version:1"
    card = replace(CARD, signature=signature.format("kind", "00", "neither", "medium"))
    save_card(settings.root / "shipped" / "blocklist.json", card)
    same = replace(SPEC, signature=signature.format("label", "11", "neither", "high"))
    assert cite(settings, built(same)).cards["rude"].total == card.total
    other = replace(SPEC, signature=signature.format("kind", "00", "answer", "medium"))
    assert "other parameters" in cite(settings, built(other)).missing["rude"]
    own(settings, card)
    (settings.root / "shipped" / "blocklist.json").unlink()
    assert "other parameters" in cite(settings, built(same)).missing["rude"], "a card of the project's own holds exactly"


def test_an_extension_never_gets_the_card_of_a_built_in(settings: GateSettings) -> None:
    save_card(settings.root / "shipped" / "mine.json", CARD)
    extension = Instruments((), (), ((PluginChoice("mine"), SPEC),))
    assert cite(settings, extension).missing["rude"] == UNMEASURED


def test_the_card_of_a_judge_in_another_gate_is_no_fault_of_this_one(settings: GateSettings) -> None:
    path = own(settings)
    save_judge_card(path, replace(CARD, detector="judge"))
    assert "is of the detector judge" in cite(settings, built()).missing["rude"]


def test_a_broken_card_is_refused_and_not_passed_over(settings: GateSettings) -> None:
    path = own(settings)
    path.write_text(path.read_text().replace('"found": 4', '"found": 40'))
    with pytest.raises(BadInput, match="trusted") as caught:
        cite(settings, built())
    assert caught.value.problems[0].where == "configs/detectors/rude.json"


@pytest.mark.parametrize("category", ["../rude", "/etc/rude", "a/b", ".", "", "x" * 300])
def test_a_category_is_no_path(settings: GateSettings, category: str) -> None:
    own(settings)
    save_card(settings.root / "configs" / "rude.json", CARD)
    assert cite(settings, built(replace(SPEC, category=category))).cards == {}


def test_a_judge_has_its_own_card_or_the_reason_why_it_may_not_decide(settings: GateSettings) -> None:
    own(settings)
    judged = replace(CARD, detector="judge", source="cards/judge.json")
    cited = cite(settings, built(judged={"rude": judged}))
    entry = cited.added_to(DOCUMENT)["safety"]["rude"]["card"]
    assert cited.cards == {"rude": judged} and cited.digests["rude"] == judge_card_digest(judged) == entry["digest"]
    assert entry["kappa"]["value"] == pytest.approx(0.4), "agreement 7 of 10, expected by chance 5 of 10"
    refused = cite(settings, built(distrust={"rude": "it has no calibration card"}))
    assert refused.cards == {} and refused.missing == {"rude": "it has no calibration card"}
