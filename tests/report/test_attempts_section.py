"""Attempts in the reports: which one it is, what changed, and what was loosened along, on every surface."""

from __future__ import annotations

import io
import re
from dataclasses import replace

import pytest
from rich.console import Console

from evalgate.core.attempts import Attempt, Attempts, Change
from evalgate.report.junit import render_junit
from evalgate.report.page import render_html
from evalgate.report.page_attempts import attempt_line, attempts, attempts_summary, loosened_line
from evalgate.report.summary import render_markdown
from evalgate.report.terminal import print_summary

EARLIER = (
    Attempt(1, "a" * 12, "2026-01-02T03:04:05+00:00", "fail"),
    Attempt(2, "b" * 12, "2026-01-03T03:04:05+00:00", "inconclusive"),
)
PROMPT = Change("candidate prompt", "p@2 (abc)", "p@3 (def)")
LESS = Change("threshold", "metric:m min 0.9", "metric:m min 0.8", looser=True)


def with_attempts(record, found: Attempts | None):
    return replace(record, attempts=found)


def printed(record) -> str:
    stream = io.StringIO()
    print_summary(record, Console(file=stream, width=400, force_terminal=False))
    return stream.getvalue()


def surfaces(record) -> list[str]:
    return [render_html(record), render_markdown(record), printed(record), render_junit(record)]


def test_a_first_attempt_is_named_and_no_more(record) -> None:
    first = with_attempts(record("text"), Attempts(1))
    page, said, shown, junit = surfaces(first)
    for surface in (page, said, shown):
        assert "Attempt 1 of this gate on this dataset" in surface
        assert "Loosened" not in surface
        assert "independent attempts" not in surface
    assert '<property name="evalgate.attempt" value="1"/>' in junit
    assert "evalgate.loosened" not in junit
    assert "<summary>Attempts</summary>" not in said
    assert 'href="#attempts"' in page


def test_without_a_history_nothing_is_said(record) -> None:
    none = with_attempts(record("text"), None)
    assert attempts(none) == attempts_summary(none) == attempt_line(none) == loosened_line(none) == ""
    for surface in surfaces(none):
        plain = re.sub(r"<style>.*?</style>", "", surface, flags=re.DOTALL)
        # the audit part is never blank: it says that nothing of this kind was provided
        assert "ttempt" not in re.sub(r"<dt>attempt</dt><dd>not provided \([^<]*\)</dd>", "", plain)


def test_a_loosened_threshold_is_pointed_out_everywhere(record) -> None:
    made = with_attempts(record("text"), Attempts(3, EARLIER, (PROMPT, LESS), (LESS,), loosened_since=2, made=3))
    told = "less is asked than in attempt 2, while the candidate prompt changed too: metric:m min 0.9 → metric:m min 0.8"
    assert loosened_line(made) == told
    page, said, shown, junit = surfaces(made)
    assert page.count(told) == 2, "in the banner and in its section"
    assert page.index(told) < page.index('id="thresholds"')
    assert f"Loosened: {told}" in shown
    assert f'<property name="evalgate.loosened" value="{told}"/>' in junit
    assert said.index("**Loosened**") < said.index("<summary>Thresholds</summary>")


def test_what_changed_and_the_earlier_attempts_are_listed(record) -> None:
    made = with_attempts(record("text"), Attempts(3, EARLIER, (PROMPT, LESS), (LESS,), loosened_since=2, made=3))
    page, said = attempts(made), attempts_summary(made)
    assert "What changed since attempt 2" in page
    assert page.index("asks less</span>") < page.index("p@3 (def)"), "what asks less comes first"
    assert page.index("b" * 12) < page.index("a" * 12), "the last attempt comes first"
    assert "INCONCLUSIVE" in page
    assert "- candidate prompt: p@" in said
    assert said.count("**asks less**") == 1
    assert "at least one of 3 independent attempts with up to 14.3" in said.replace("\\", "")


def test_an_earlier_attempt_made_again_says_so(record) -> None:
    made = with_attempts(record("text"), Attempts(1, made=4))
    assert attempt_line(made) == "Attempt 1 of this gate on this dataset, made again after attempt 4"
    assert "at least one of 4 independent attempts" in attempts(made)


def test_a_note_is_shown(record) -> None:
    made = with_attempts(record("text"), Attempts(1, note="the history is damaged from line 3 on"))
    for surface in surfaces(made)[:3]:
        assert "the history is damaged from line 3 on" in surface


def test_nothing_remembered_changed(record) -> None:
    made = with_attempts(record("text"), Attempts(3, EARLIER, made=3))
    assert "Nothing of what is remembered changed since attempt 2" in attempts(made)
    assert "nothing of what is remembered" in attempts_summary(made)


def test_long_histories_and_texts_are_cut(record) -> None:
    many = tuple(Attempt(number, f"{number:012d}", "2026-01-02T03:04:05+00:00", "fail") for number in range(1, 5001))
    changes = tuple(Change("threshold", f"{number} {'y' * 900}", "less", looser=True) for number in range(500))
    made = with_attempts(record("text"), Attempts(5001, many, (PROMPT, *changes), changes, loosened_since=5000, made=5001))
    page = attempts(made)
    assert "4,980 earlier ones are in attempts.json" in page
    assert "451 more are in attempts.json" in page
    assert page.count("<tr>") < 80
    assert "y" * 301 not in page
    assert "and 490 more" in loosened_line(made)
    assert len(attempts_summary(made)) < 10_000


@pytest.mark.parametrize("text", ["<img src=x onerror=alert(1)>", "\u202e|[x](http://evil)", "\x1b[2J", '"/><x a="'])
def test_hostile_texts_stay_text(record, text: str) -> None:
    change = Change(text, text, text, looser=True)
    earlier = (Attempt(1, text, text, text),)
    page, said, shown, junit = surfaces(with_attempts(record("t"), Attempts(2, earlier, (change,), (change,), 1, text, 2)))
    assert "<img" not in page + said + junit
    assert "](http://" not in said
    assert '"/><x' not in page + junit
    for surface in (page, said, shown, junit):
        assert "\u202e" not in surface
        assert "\x1b" not in surface
