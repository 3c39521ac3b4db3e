"""The health of a dataset in the report: findings, cases that link, lengths, languages; nothing where no dataset is known."""

from __future__ import annotations

import re
from dataclasses import replace

from evalgate.core.health import HealthFinding, HealthReport, health_document
from evalgate.report.escape import anchor
from evalgate.report.page import render_html
from evalgate.report.page_health import health


def test_findings_are_told_with_their_place_and_reason(record) -> None:
    page = render_html(record("text"))
    assert 'href="#health"' in page
    part = health(record("text"))
    assert ">contradiction</td>" in part and ">1 text. Accepted: text</td>" in part
    assert 'role="rowheader">accepted</th>' in part and 'role="rowheader">warning</th>' in part
    assert "text: 2 text (text, line 3)." in part


def test_cases_of_a_set_stand_together_and_link_where_shown(record) -> None:
    part = health(record("text"))
    assert f'<li><a href="#{anchor("case", "text-0")}">text-0</a>, text</li>' in part
    assert "<li>1 more</li>" in part


def test_lengths_and_languages(record) -> None:
    part = health(record("text"))
    cells = re.sub(r'<td role="cell" data-label="[^"]*">', "<td>", part)
    assert 'role="rowheader">text</th><td>words</td><td>1</td><td>2.5</td><td>9</td><td>12</td>' in cells
    assert 'role="rowheader">text</th><td>text</td><td>99</td>' in cells


def test_a_healthy_dataset_says_so_and_no_dataset_says_nothing(record) -> None:
    assert "Nothing was found." in health(replace(record("text"), health=HealthReport(3)))
    without = replace(record("text"), health=None)
    assert health(without) == ""
    assert "Dataset health" not in render_html(without)


def test_hostile_text_is_text(record) -> None:
    part = health(record("<script>alert(1)</script>\x1b[31m\u202e"))
    assert "<script" not in part and "\x1b" not in part and "\u202e" not in part


def test_the_document_has_every_field_of_a_finding() -> None:
    finding = HealthFinding("secret", "1 case", 1, (("a",),), "q", "p@1", "meant so")
    (written,) = health_document(HealthReport(1, (finding,)))["findings"]
    assert written == {
        "code": "secret", "severity": "error", "message": "1 case", "count": 1, "cases": [["a"]], "column": "q", "where": "p@1", "accepted": "meant so",
    }  # fmt: skip
