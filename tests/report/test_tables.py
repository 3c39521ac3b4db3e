"""The tables of the pages: what makes them cards on a phone and keeps them tables for those who do not see them."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import html5lib
import pytest

from evalgate.core.record import RunRecord
from evalgate.core.settings import Bound, TargetKind, Threshold
from evalgate.core.verdict import Decision, Interval, ThresholdResult
from evalgate.report.history import PastRun, RunState
from evalgate.report.history_page import render_history
from evalgate.report.markup import table
from evalgate.report.page import render_html
from evalgate.report.page_style import asset, source_hash, style

STYLES = ("report.css", "history.css")
ROOM = {1: "few", 3: "few", 4: "some", 5: "some", 6: "more", 7: "many", 9: "many"}


def _tree(page: str) -> Any:
    return html5lib.parse(page, treebuilder="etree", namespaceHTMLElements=False)


@pytest.fixture
def pages(record: Callable[..., RunRecord]) -> list[str]:
    """Both pages."""
    threshold = Threshold(TargetKind.METRIC, "m", Bound.MIN_IMPROVEMENT, 0.05, False, "0.05")
    result = ThresholdResult(threshold, None, 0.2, Interval(0.1, 0.3), Decision.PASS, "because")
    runs = [
        PastRun(f"g/{n}", "gate", RunState.FINISHED, link=f"./g/{n}/report.html", run_id=f"{n:012x}", at=f"2026-01-01T00:{n:02d}:00+00:00", verdict="pass", reason="because", thresholds=((result, "0-1"),))
        for n in range(25)
    ]  # fmt: skip
    return [render_html(record("words")), render_history(runs, "reports")]


def test_every_cell_has_its_header_beside_it_and_every_part_its_role(pages: list[str]) -> None:
    for page in pages:
        found = list(_tree(page).iter("table"))
        assert len(found) > 3
        for one in found:
            assert one.get("role") == "table"
            assert {part.get("role") for part in (one.find("thead"), one.find("tbody"))} == {"rowgroup"}
            header = ["".join(cell.itertext()) for cell in one.find("thead").iter("th")]
            assert all(cell.get("role") == "columnheader" for cell in one.find("thead").iter("th"))
            for row in one.find("tbody").findall("tr"):
                first, *rest = list(row)
                assert (row.get("role"), first.tag, first.get("role")) == ("row", "th", "rowheader")
                assert [cell.get("role") for cell in rest] == ["cell"] * (len(header) - 1)
                assert [cell.get("data-label") for cell in rest] == header[1:]


def test_a_frame_says_how_much_room_its_table_needs(pages: list[str]) -> None:
    for columns, room in ROOM.items():
        assert f'<div class="scroll {room}" ' in table("about", ["x"] * columns, [["y"] * columns])
    assert '<div class="scroll told" ' in table("about", ["x"] * 7, [], told=True)
    frames = [one.get("class") for page in pages for one in _tree(page).iter("div") if "scroll" in (one.get("class") or "")]
    assert set(frames) == {f"scroll {room}" for room in ("few", "some", "more", "many", "told")}
    rules = asset("tables.css")
    assert all(f".scroll.{room} " in rules for room in ("some", "more", "many", "told"))


def test_rows_with_a_sentence_end_in_it(pages: list[str]) -> None:
    for page in pages:
        told = [one for one in _tree(page).iter("div") if one.get("class") == "scroll told"]
        assert told
        for row in (row for one in told for row in one.iter("tr") if row.find("td") is not None):
            assert [part.get("class") for part in row[-1]] == ["why"]
            assert row[-1].get("data-label") == "why"


@pytest.mark.parametrize("name", STYLES)
def test_both_pages_have_the_tables_style_and_the_policy_names_the_whole(pages: list[str], name: str) -> None:
    page = pages[STYLES.index(name)]
    found = re.findall("<style>(.*?)</style>", page, re.DOTALL)
    assert found == [style(name)] == [asset("tables.css") + asset(name)]
    assert f"style-src '{source_hash(found[0])}'" in page
    assert "url(" not in found[0] and "@import" not in found[0]


@pytest.mark.parametrize("name", STYLES)
def test_a_dark_screen_prints_in_the_light_colours(name: str) -> None:
    light, dark, *rest = re.findall(r":root \{(.*?)\}", asset(name), re.DOTALL)
    paper = dict(re.findall(r"--([\w-]+): ([^;]+);", "".join(rest)))
    assert set(re.findall(r"--([\w-]+):", dark)) <= set(paper)
    assert {key: paper[key] for key in ("pass", "fail", "hold")} == {
        key: value for key, value in re.findall(r"--([\w-]+): ([^;]+);", light) if key in ("pass", "fail", "hold")
    }
    assert "color-scheme: light;" in "".join(rest)


def test_a_long_unit_stands_beside_the_name_of_a_metric_alone(record: Callable[..., RunRecord]) -> None:
    made = record("words")
    results = made.verdict.results
    measured = replace(results.metrics["m"], unit="characters")
    verdict = replace(made.verdict, results=replace(results, metrics={"m": measured}))
    page = render_html(replace(made, verdict=verdict))
    row = page.partition("Quality of both variants</caption>")[2].partition("</tbody>")[0]
    assert row.count("characters") == 1
    assert "<small> characters, higher is better</small>" in row
