"""The cases of the page: which are there as HTML, which as data, within which limits; and the twelve groups of the audit part."""

from __future__ import annotations

import json
import re
from dataclasses import replace
from typing import Any

import html5lib
import pytest
from hypothesis import given
from hypothesis import strategies as st

from evalgate.core.record import DeltaHistogram, RunRecord, TextMark
from evalgate.core.visible import HIDDEN, belongs
from evalgate.report.page import render_html
from evalgate.report.page_audit import audit
from evalgate.report.page_case_data import CaseData, places, visible
from evalgate.report.page_case_words import directions, moved, score_words
from evalgate.report.page_cases import cases
from evalgate.report.page_pictures import histograms, slice_panels

HOSTILE = "</script><script>alert(1)</script><!-- & \u2028\u2029 ]]> \u202e \x01U+0041\x02 <b>"


def many(record: RunRecord, count: int) -> RunRecord:
    """The cases of a record again and again, each with an id of its own."""
    made = tuple(replace(record.cases[n % 4], id=f"{record.cases[n % 4].id}/{n}") for n in range(count))
    return replace(
        record, cases=made, cases_omitted=0, verdict=replace(record.verdict, cases=replace(record.verdict.cases, total=count))
    )


def data_of(page: str) -> dict[str, Any]:
    """What the page's script reads."""
    found = re.search(r'<script type="application/json" id="case-data">(.*?)</script>', page, re.DOTALL)
    assert found is not None
    assert not set(found.group(1)) & set("<>&\u2028\u2029")
    read: dict[str, Any] = json.loads(found.group(1))
    return read


def test_every_case_is_there_once(record) -> None:
    made = many(record("text"), 30)
    page = cases(made, as_html=7)
    data = data_of(page)
    assert page.count('class="case"') == 7
    assert (len(data["heads"]), len(data["bodies"])) == (30, 23)
    assert [head[1] for head in data["heads"]] == [case.id for case in made.cases]
    assert len({head[0] for head in data["heads"]}) == 30
    assert "The first 7 can be read without scripts; 23 more are in this file" in page
    assert "not in this file" not in page


def test_hostile_data_ends_no_script_and_reads_back(record) -> None:
    data = data_of(cases(many(record(HOSTILE), 8), as_html=0))
    body = data["bodies"][0]
    assert body[4][1] == visible(f"{HOSTILE} out 0")
    assert data["slices"] == [visible(f"language={HOSTILE}")]
    shape = [(tag.tag, sorted(tag.attrib)) for tag in html5lib.parse(cases(record(HOSTILE), as_html=0)).iter()]
    assert shape == [(tag.tag, sorted(tag.attrib)) for tag in html5lib.parse(cases(record("x"), as_html=0)).iter()]


def test_data_stays_within_its_bytes_and_says_what_is_left_out(record, monkeypatch: pytest.MonkeyPatch) -> None:
    made = many(record("日本語 <b>" * 50), 40)
    whole = cases(made, as_html=2)
    limit = len(whole.encode()) // 2
    monkeypatch.setattr(CaseData.__init__, "__defaults__", (limit, *(CaseData.__init__.__defaults__ or ())[1:]))
    page = cases(made, as_html=2)
    data = data_of(page)
    there = len(data["heads"])
    assert 2 < there < 40
    assert f"{there} of 40 cases" in page
    assert f"The other {40 - there} are not in this file" in page
    block = re.search(r'id="case-data">(.*?)</script>', page, re.DOTALL)
    assert block is not None and len(block.group(1).encode()) <= limit + 2_000


def test_one_long_case_is_there_as_html_whatever_it_takes(record) -> None:
    made = many(record("x"), 4)
    long = replace(made.cases[0].baseline, text="word " * 700_000)
    page = cases(replace(made, cases=(replace(made.cases[0], baseline=long), *made.cases[1:])))
    assert page.count('class="case"') == 1
    assert len(data_of(page)["bodies"]) == 3


@given(st.text(max_size=40))
def test_what_is_hidden_is_shown_and_nothing_else_is_changed(text: str) -> None:
    shown = visible(text)
    assert "".join(c for c in text if not HIDDEN.match(c)) == "".join(
        c for c in re.sub("\x01U\\+[0-9A-F]{4,6}\x02", "", shown) if not HIDDEN.match(c)
    )
    assert all(belongs(text, m.start()) or f"U+{ord(m.group()):04X}" in shown for m in HIDDEN.finditer(text))


@given(st.text(min_size=2, max_size=30), st.data())
def test_a_mark_covers_the_same_text_in_units_of_the_browser(text: str, data: st.DataObject) -> None:
    start = data.draw(st.integers(0, len(text) - 1))
    end = data.draw(st.integers(start + 1, len(text)))
    [[first, last, _, _]] = places(text, [TextMark(start, end, "x", masked=False)])
    if not any("\ud800" <= c <= "\udfff" for c in text):
        units = visible(text).encode("utf-16-le")
        before, inside = units[: 2 * first].decode("utf-16-le"), units[2 * first : 2 * last].decode("utf-16-le")
        assert before + inside + units[2 * last :].decode("utf-16-le") == visible(text)
        if not HIDDEN.search(text):
            assert inside == text[start:end]


def test_a_case_says_by_which_metric_it_moved(record) -> None:
    made = record("x")
    better = directions(made)
    case = made.cases[0]
    lost = replace(case.candidate, scores={"m": None})
    for after, way, said in ((0.25, -1, "0.5 → 0.25, worse"), (0.75, 1, "0.5 → 0.75, better"), (0.5 + 1e-15, 0, "0.5 → 0.5")):
        shown = replace(case, candidate=replace(case.candidate, scores={"m": after}))
        assert (moved(shown, "m", better), score_words(shown, "m", way)) == (way, said)
        assert moved(shown, "m", {"m": -1.0}) == -way
        assert data_of(cases(replace(made, cases=(shown,))))["heads"][0][7] == [way]
    assert score_words(replace(case, candidate=lost), "m", 0) == "0.5 → n/a"


def test_the_audit_part_has_twelve_groups_and_no_blank(record) -> None:
    made = replace(record("x"), dataset_card={}, prompts={}, environment={}, health=None, attempts=None, waivers=())
    tree = html5lib.parse(audit(made), treebuilder="etree", namespaceHTMLElements=False)
    assert [h.text.partition(".")[0] for h in tree.iter("h3")] == [str(n) for n in range(1, 13)]
    for cell in (*tree.iter("dd"), *tree.iter("td"), *tree.iter("th")):
        assert "".join(cell.itertext()).strip(), "a blank"
    page = audit(made)
    assert "UNSIGNED" in page and "evalgate verify RUN" in page and "not a conformity claim" in page
    assert page.count("not provided") > 20


def test_pictures_say_in_words_what_they_show(record) -> None:
    made = replace(record("x"), deltas=(DeltaHistogram("m", 0.5, (3, 0, 1, 2), 5, 1), DeltaHistogram("gone", 1.0, (1, 1), 0, 0)))
    drawn = histograms(made)
    assert drawn.count("<svg") == 1
    assert "3 better, 3 worse, 5 unchanged, 1 without a score" in drawn
    assert drawn.count("<rect") == 3
    assert 'aria-label="Histogram of the differences of m from −0.5000 to +0.5000' in drawn
    assert "no case moved" in histograms(replace(made, deltas=(DeltaHistogram("m", 0.0, (0,) * 4, 9, 0),)))
    assert histograms(record("x")) == ""
    assert 'aria-label="language&#61;x: −0.2000, interval −0.3000 to −0.1000"' in slice_panels(made)


def test_the_page_has_the_same_bytes_again(record) -> None:
    made = many(record(HOSTILE), 25)
    assert render_html(made) == render_html(made)
