"""The page over many runs: what is drawn and said, and that hostile runs change nothing of its structure."""

from __future__ import annotations

import base64
import hashlib
import re
from collections import Counter
from dataclasses import replace

import html5lib
import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from evalgate.core.settings import Bound, Level, TargetKind, Threshold
from evalgate.core.verdict import Decision, Interval, ThresholdResult
from evalgate.report.history import PastRun, RunState, by_gate, newest_first, series_of
from evalgate.report.history_chart import SHOWN, chart, said
from evalgate.report.history_page import SHOWN_RUNS, render_history

FINITE = st.floats(allow_nan=False, allow_infinity=False)
PAYLOADS = [
    "<script>alert(1)</script>", "</style><script>alert(1)</script>", '"><img src=x onerror=alert(1)>', "' onload='alert(1)", "</title><b>", "<!--", "]]>", "</svg><script>x</script>",
    "javascript:alert(1)", "\u202eSSAP", "a\x00b\x1b[2J", "##[error]x", "\n::error::x", "<section id=gates>", "a" * 5000, "日本語 👩‍👩‍👧",
]  # fmt: skip


def result(
    observed: float | None = 0.2, *, t: str = "m", value: float = 0.05, decision: Decision = Decision.PASS
) -> ThresholdResult:
    threshold = Threshold(TargetKind.METRIC, t, Bound.MIN_IMPROVEMENT, value, False, f"{value:g}")
    ends = None if observed is None else Interval(observed - abs(observed) / 4, observed + abs(observed) / 4)
    return ThresholdResult(threshold, None, observed, ends, decision, f"because {t}")


def past(number: int, t: str = "m", **changes) -> PastRun:
    at = f"2026-01-{number % 28 + 1:02d}T00:{number // 28:02d}:00+00:00"
    run = PastRun(
        f"{t}/{number:012x}", f"gate {t}", RunState.FINISHED, link=f"./g/{number}/report.html", run_id=f"{number:012x}", at=at, verdict="pass",
        reason=f"because {t}", candidate=t, model=t, dataset=t, mode=t, attempt=number, thresholds=((result(t=t), "0-1"),),
    )  # fmt: skip
    return replace(run, **changes)


def folder(t: str) -> list[PastRun]:
    broken = [
        replace(past(0, t), place=f"{t}/{state}", state=state, note=t, at=None, link=None, thresholds=())
        for state in (RunState.DAMAGED, RunState.UNFINISHED)
    ]
    return [*(past(number, t) for number in range(1, 5)), *broken]


def tree(page: str):
    return html5lib.parse(page, treebuilder="etree", namespaceHTMLElements=False)


@pytest.mark.parametrize("payload", PAYLOADS, ids=range(len(PAYLOADS)))
def test_hostile_runs_give_the_structure_of_harmless_ones(payload: str) -> None:
    def shape(page: str) -> Counter:
        return Counter((str(e.tag), tuple(sorted(e.attrib))) for e in tree(page).iter() if e.get("class") != "unseen")

    page = render_history(folder(payload), payload)
    assert shape(page) == shape(render_history(folder("harmless"), "harmless"))
    assert "<script" not in page
    for element in tree(page).iter():
        for name, value in element.attrib.items():
            assert not name.startswith("on") and name not in ("src", "style", "action")
            assert name != "href" or re.fullmatch(r"#gates|#gate-\d+|\./g/\d+/report\.html", value)
    assert not re.search("[\x00-\x08\x0b-\x1f\x7f-\x9f\u202a-\u202e\u2066-\u2069\ufeff]", page)


def test_the_policy_allows_the_style_inside_and_nothing_else() -> None:
    page = render_history(folder("x"), "reports")
    style = re.search("<style>(.*?)</style>", page, re.DOTALL)
    assert style is not None
    digest = base64.b64encode(hashlib.sha256(style[1].encode()).digest()).decode()
    assert f"content=\"default-src 'none'; style-src 'sha256-{digest}'; base-uri 'none'; form-action 'none'\"" in page
    assert "url(" not in style[1] and "@import" not in style[1]
    assert page.index("Content-Security-Policy") < page.index("<style")


def test_the_order_in_which_runs_are_found_changes_nothing() -> None:
    runs = folder("x")
    assert render_history(runs, "reports") == render_history(runs[::-1], "reports")


def test_newest_first_and_what_is_unfinished_before_all() -> None:
    undated = past(9, at=None)
    order = newest_first([past(1), undated, past(3), past(7, at=None, state=RunState.UNFINISHED), past(2)])
    assert [run.attempt for run in order] == [7, 3, 2, 1, 9]


def test_no_run_is_left_out() -> None:
    runs = [past(number) for number in range(SHOWN_RUNS * 3)] + [past(99, state=RunState.DAMAGED, note="torn", at=None)]
    page = render_history(runs, "reports")
    listed = [row for t in tree(page).iter("table") if t.get("class") == "runs" for row in t.find("tbody")]
    assert len(listed) == len(runs)
    assert "torn" in page and "61 runs, 1 damaged" in page


def test_every_picture_has_words_and_a_table() -> None:
    page = tree(render_history(folder("x"), "reports"))
    figures = list(page.iter("figure"))
    assert len(figures) == 1
    (picture,) = [e for e in figures[0].iter() if str(e.tag).endswith("svg")]
    assert picture.get(
        "role"
    ) == "img" and "4 runs, 0 failed, 0 inconclusive. Newest: +0.2000, interval +0.1500 to +0.2500, pass" in picture.get(
        "aria-label"
    )
    assert len(figures[0].find(".//tbody")) == 4
    assert all(cell.get("scope") for cell in page.iter("th"))
    assert [h.tag for h in page.iter() if h.tag in ("h1", "h2", "h3")] == ["h1", "h2", "h3", "h3"]


def test_regions_have_names_of_their_own() -> None:
    twice = tuple((one, "0-1") for one in (result(), result()))
    runs = [past(number, t, thresholds=twice) for t in ("a", "b") for number in range(SHOWN_RUNS + 5)]
    names = [e.get("aria-label") for e in tree(render_history(runs, "reports")).iter("div") if e.get("role") == "region"]
    assert len(names) == len(set(names)) == 9


def test_a_bound_that_moved_is_a_step() -> None:
    runs = [past(2, thresholds=((result(value=0.1), "0-1"),)), past(1)]
    (series,) = series_of(runs)
    assert [point[1].threshold.value for point in series.points] == [0.05, 0.1]
    heights = re.search('class="bound" d="([^"]+)"', chart(series))
    assert heights is not None and len(set(re.findall(r"[ML][\d.]+ ([\d.]+)", heights[1]))) == 2


def test_a_warning_that_blocked_before_is_the_same_threshold() -> None:
    softer = replace(result().threshold, level=Level.WARN)
    runs = [past(2, thresholds=((replace(result(decision=Decision.FAIL), threshold=softer), "0-1"),)), past(1)]
    (series,) = series_of(runs)
    assert len(series.points) == 2
    assert "WARN: fail" in render_history(runs, "reports")


def test_what_is_asked_of_something_else_is_another_picture() -> None:
    sliced = replace(result(), slice="language=de")
    other = replace(result(), threshold=replace(result().threshold, bound=Bound.MAX_REGRESSION))
    runs = [past(1, thresholds=(*((one, "0-1") for one in (result(), result(), sliced, other)), (result(), "share")))]
    assert [len(series.points) for series in series_of(runs)] == [1, 1, 1, 1, 1]


def test_only_the_newest_runs_are_drawn_and_the_table_says_so() -> None:
    runs = [past(number) for number in range(SHOWN + 5)]
    (series,) = series_of(newest_first(runs))
    assert chart(series).count('class="mark') == SHOWN
    assert f"the newest {SHOWN} of {SHOWN + 5} runs" in render_history(runs, "reports")


@pytest.mark.parametrize(
    ("decision", "shape"), [(Decision.PASS, "<circle"), (Decision.FAIL, "<rect"), (Decision.INCONCLUSIVE, "l5 9h-10z")]
)
def test_outcomes_differ_in_shape_and_not_in_colour_alone(decision: Decision, shape: str) -> None:
    (series,) = series_of([past(1, thresholds=((result(decision=decision), "0-1"),))])
    shapes = [s for s in ("<circle", "<rect", "l5 9h-10z") if s in chart(series)]
    assert shapes == [shape]
    assert decision.value in said(series)


def test_without_a_figure_there_is_a_sentence() -> None:
    (series,) = series_of([past(1, thresholds=((result(None), "0-1"),))])
    assert "No run has a figure" in chart(series)


@given(
    st.lists(st.tuples(st.none() | FINITE, FINITE, FINITE), min_size=1, max_size=6),
    st.sampled_from(["0-1", "share", "count", "ms", "x"]),
)
@example([(5e-324, 0.0, 0.0)], "0-1")
@example([(0.0, 0.0, 1e-300)], "x")
@example([(1e100, -1e100, 0.0)], "count")
def test_any_finite_figures_give_a_picture_inside_its_frame(figures, unit: str) -> None:
    runs = []
    for number, (observed, value, width) in enumerate(figures):
        low = 0.0 if observed is None else observed
        one = replace(result(observed, value=value), interval=Interval(min(low, width), max(low, width)))
        runs.append(past(number, thresholds=((one, unit),)))
    (series,) = series_of(newest_first(runs))
    drawn = chart(series)
    assert "nan" not in drawn and "inf" not in drawn.replace("information", "")
    for x, y in re.findall(r'c?x="(-?[\d.]+)" c?y="(-?[\d.]+)"', drawn):
        assert 0 <= float(x) <= 420 and -1 <= float(y) <= 190


def test_gates_are_apart_and_sorted() -> None:
    assert list(by_gate([past(1, "b"), past(2, "a"), past(3, "b")])) == ["gate a", "gate b"]
