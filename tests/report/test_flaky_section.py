"""Flaky cases in the reports: counted, listed in part, linked where the case is shown, absent where nothing is known."""

from __future__ import annotations

from dataclasses import replace

from evalgate.core.settings import Bound, TargetKind, Threshold
from evalgate.core.verdict import CaseList, Decision, ThresholdResult
from evalgate.report import phrases
from evalgate.report.escape import anchor
from evalgate.report.page import render_html
from evalgate.report.page_flaky import flaky, flaky_summary
from evalgate.report.summary import render_markdown


def with_flaky(record, found: dict[str, CaseList]):
    return replace(record, verdict=replace(record.verdict, flaky=found))


def test_the_page_counts_and_links_the_cases(record) -> None:
    page = render_html(record("text"))
    assert 'href="#flaky"' in page
    assert "7 flaky cases by m" in page
    assert f'<a href="#{anchor("case", "text-0")}">text-0</a>' in page
    assert f'id="{anchor("case", "text-0")}"' in page
    assert "<li>text</li>" in page
    assert "5 more; the Parquet files" in page
    names = ("answers a case", "stable", "flaky", "newly failing", "newly passing")
    told = zip(names, (3, 93, 7, 3, 1), strict=True)
    assert "".join(f'<td role="cell" data-label="{name}">{number}</td>' for name, number in told) in page


def test_the_summary_names_the_first_cases(record) -> None:
    said = render_markdown(record("text"))
    assert "- m: 7 of 100 cases flaky in the baseline, not counted as newly failing: text-0, text and 5 more" in said
    many = CaseList(50, tuple(f"case {number}" for number in range(50)))
    assert flaky_summary(with_flaky(record("t"), {"m": many})).endswith("case 9 and 40 more")


def test_where_each_case_was_asked_once_there_is_no_section(record) -> None:
    once = with_flaky(record("text"), {})
    assert flaky(once) == "" == flaky_summary(once)
    assert "Flaky" not in render_markdown(once)
    page = render_html(once)
    assert "flaky" not in page[: page.rindex("<script>")]


def test_asked_several_times_and_none_flaky_is_said_and_lists_nothing(record) -> None:
    steady = with_flaky(record("text"), {"m": CaseList(0, ()), "gone": CaseList(2, ("a", "b"))})
    page = flaky(steady)
    assert "0 flaky cases" not in page
    assert "2 flaky cases by gone" in page
    assert "n/a" in page
    assert "- m:" not in flaky_summary(steady)


def test_hostile_ids_stay_text_and_long_ones_are_cut(record) -> None:
    hostile = "<img src=x onerror=alert(1)>\u202e[x](http://evil)|" + "y" * 500
    found = with_flaky(record("text"), {"m": CaseList(1, (hostile,))})
    page, said = flaky(found), flaky_summary(found)
    assert "<img" not in page
    assert "<img" not in said
    assert "](http://" not in said
    assert "\u202e" not in page + said
    assert "y" * 200 not in page + said


def test_a_share_of_the_stable_cases_is_shown_as_one(record) -> None:
    asked = Threshold(TargetKind.METRIC, "m", Bound.MAX_NEWLY_FAILING, 0.02, False, "2%")
    for threshold, observed, shown in ((asked, 0.0125, "1.2"), (replace(asked, value=3.0, text="3"), 2.0, "2")):
        result = ThresholdResult(threshold, None, observed, None, Decision.PASS, "why")
        found = phrases.observed(record("t"), result)
        assert found.startswith(shown)
        assert found.endswith("%") == (threshold is asked)


def test_the_scores_of_a_case_without_an_answer_say_what_they_count(record) -> None:
    page = render_html(record("text"))
    page = page[: page.rindex("<script>")]
    assert page.count("The scores count the missing answer against the candidate.") == 1
