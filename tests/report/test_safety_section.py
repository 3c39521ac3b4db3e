"""The safety section says what its counts are worth, who decides on them, and what is waived."""

from __future__ import annotations

import html
import re
from dataclasses import replace

import pytest

from evalgate.core.settings import FindingsChoice
from evalgate.core.values import Arm
from evalgate.core.verdict import SafetyResult
from evalgate.report import phrases
from evalgate.report.junit import render_junit
from evalgate.report.page import render_html
from evalgate.report.summary import render_markdown

CLEAN = SafetyResult("pii", 0, 0, 0, 0, 200, 0.0149, 0.95, 0.0, 0.0149)


def plain(page: str) -> str:
    return re.sub(r"\s+", " ", html.unescape(re.sub(r"<[^>]+>", " ", page))).replace("\u00a0", " ")


def test_the_page_says_what_the_counts_are_worth(record) -> None:
    page = plain(render_html(record("harmless")))
    for said in (
        "2 of 100: at least 0.10 % and at most 6 %, each at 95 % confidence",
        "100 cases examined: a violation in 3 % of all answers would have shown at least once with 95 % probability",
        "leak, high or worse",
        "precision 0.900 (0.800 to 0.950), recall n/a",
        "span by span on harmless, 7 outputs; intervals at 95 %",
        "No threshold may decide on it: harmless",
        "candidate: 1 % (0 to 2 %), counted 2 %",
        "WARN: fail safety leak: at most 0",
        "none: it is counted and blocks nothing",
        "What detectors found is masked; findings.text: shown (or --show-findings) shows it.",
        "expired 2026-12-31",
        "unused",
        "harmless, rule harmless, case harmless, hash 3fa9c1d2e3f40516",
    ):
        assert said in page, said
    header = re.search(r"category baseline candidate newly violating fixed undecided waived true rate", page)
    assert header and "– → 3" not in page and "0 → 3" in page and "4 → 0" in page


def test_a_detector_that_nobody_measured_says_so(record) -> None:
    made = record("harmless")
    bare = replace(made, document={"schema": "evalgate.verdict/1"})
    assert plain(render_html(bare)).count("nobody has measured this detector") == 2


def test_columns_and_waivers_are_left_out_where_there_are_none(record) -> None:
    made = record("harmless")
    results = replace(made.verdict.results, safety={"pii": CLEAN})
    quiet = replace(made, verdict=replace(made.verdict, results=results), waivers=())
    page, summary = plain(render_html(quiet)), render_markdown(quiet)
    assert "0 of 200: at most 1.5 % at 95 % confidence" in page and "By severity" not in page
    for absent in ("Waivers", " undecided ", " waived "):
        assert absent not in page.split("Safety", 1)[1].split("Slices", 1)[0]
    assert "<summary>Waivers</summary>" not in summary and "| waived" not in summary


def test_what_is_shown_is_said(record) -> None:
    made = record("harmless")
    shown = replace(made, settings=replace(made.settings, findings=FindingsChoice(shown=True)))
    assert "What detectors found is shown and highlighted" in plain(render_html(shown))
    assert "is shown and highlighted" in render_markdown(shown)


def test_each_finding_is_listed_with_its_hash_and_its_waiver(record) -> None:
    page = plain(render_html(record("harmless")))
    assert "finding severity answer of characters hash counts" in page
    assert "harmless: harmless high candidate (answer 2) 0 to 3 3fa9c1d2e3f40516 yes" in page
    assert "waived by harmless until 2026-12-31: harmless" in page


def test_expired_waivers_stand_first_in_the_summary_and_in_junit(record) -> None:
    made = record("harmless")
    summary = render_markdown(replace(made, waivers=made.waivers[::-1]))
    assert summary.index("EXPIRED 2026-12-31") < summary.index("nothing: remove it")
    results = replace(made.verdict.results, safety={"any": replace(CLEAN, waived={Arm.CANDIDATE: 3})})
    junit = render_junit(replace(made, verdict=replace(made.verdict, results=results)))
    assert 'name="evalgate.waivers" value="2"' in junit and 'name="evalgate.waived.candidate" value="3"' in junit


@pytest.mark.parametrize(("rate", "said"), [(None, "No case was examined"), (0.2, "a violation in 20")])
def test_what_could_have_been_missed(rate: float | None, said: str) -> None:
    assert said in phrases.detectable(replace(CLEAN, detectable_rate=rate))
