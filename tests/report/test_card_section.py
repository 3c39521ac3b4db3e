"""Reports say how good the detectors are, and of what they find nothing; a hostile name on a card harms no report."""

from __future__ import annotations

import html
import io
import re
from dataclasses import replace
from typing import Any

import pytest
from rich.console import Console

from evalgate.core.detector_card import DetectorCard, LabelledData, Tally
from evalgate.core.record import RunRecord
from evalgate.pipeline.cited_cards import Cited
from evalgate.report.page import render_html
from evalgate.report.summary import render_markdown
from evalgate.report.terminal import print_summary

HOSTILE = "<img src=x onerror=alert(1)>|\n@everyone \x1b[31m"


@pytest.fixture
def cited(record: Any) -> Any:
    """A record whose first category is measured, with one type that is never found; the next has a reason instead."""

    def made(kind: str = "PERSON") -> tuple[RunRecord, str]:
        base = record("harmless")
        name, *_ = (category for category in base.verdict.results.safety if category != "any")
        rules = {"MAIL": Tally(48, 2, 1), kind: Tally(0, 0, 857)}
        card = DetectorCard(
            name, name, "1", "s", "spans", LabelledData("letters v2", "sha256:00", 1500), Tally(48, 2, 858), rules
        )
        known = Cited({name: card}, {})
        return replace(base, cards=known.cards, document=known.added_to({**base.document, "safety": {name: {}}})), name

    return made


def surfaces(record: RunRecord) -> dict[str, str]:
    stream = io.StringIO()
    print_summary(record, Console(file=stream, width=400))
    page = re.sub(r"\s+", " ", html.unescape(re.sub(r"<[^>]+>", " ", render_html(record))))
    told = {"page": page, "summary": render_markdown(record).replace("\\", ""), "terminal": stream.getvalue()}
    return {name: text.replace("\u00a0", " ").replace("\u200b", "") for name, text in told.items()}


def test_every_surface_says_how_good_a_detector_is_and_of_what_it_finds_nothing(cited: Any) -> None:
    record, _ = cited()
    for surface, text in surfaces(record).items():
        assert "precision 0.960 (0.865 to 0.989), recall 0.053 (0.040 to 0.070)" in text, surface
        assert ("letters v2, 1,500 outputs; intervals at 95 %" in text) is (surface != "terminal"), surface
        assert "found nothing that is labelled PERSON: the count says nothing about those" in text, surface
    assert "By type" in surfaces(record)["page"]
    assert re.search(r"type labelled found false alarms MAIL 49 48 2 PERSON 857 0 0", surfaces(record)["page"])


def test_a_hostile_name_on_a_card_harms_no_report(cited: Any) -> None:
    record, _ = cited(HOSTILE)
    page, summary = render_html(record), render_markdown(record)
    assert "<img" not in page and "<img" not in summary and "\x1b" not in page + summary
    assert "\n@everyone" not in summary and "\x1b[31m" not in surfaces(record)["terminal"]


def test_many_types_are_counted_and_not_listed(cited: Any) -> None:
    record, name = cited()
    document = {
        "safety": {name: {"card": {**record.document["safety"][name]["card"], "never_found": [f"T{i:02}" for i in range(40)]}}}
    }
    text = surfaces(replace(record, document={**record.document, **document}))["terminal"]
    assert "T11 and 28 more" in text and "T12" not in text


def test_the_reason_why_there_is_no_card_is_told(cited: Any) -> None:
    record, name = cited()
    document = {"safety": {name: {"card": None, "card_reason": "the card is of version 1"}}}
    for surface, text in surfaces(replace(record, cards={}, document={**record.document, **document})).items():
        assert "the card is of version 1" in text and "By type" not in text, surface
