"""The report in a real browser: nothing leaves it, nothing runs in it but its own script, and everybody can use it."""

from __future__ import annotations

import importlib.util
import re
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from evalgate.core.record import CaseRecord, DeltaHistogram, RunRecord, TextMark
from evalgate.report import page_cases
from evalgate.report.page import render_html

pytestmark = pytest.mark.slow
HARMLESS = "harmless words"
OWNED = "document.title='owned'"
HOSTILE = [
    f"<script>{OWNED}</script>", f"</script><script>{OWNED}</script>", f"</style><script>{OWNED}</script>", f"</title><script>{OWNED}</script>",
    f"<img src=x onerror={OWNED}>", f"\"><img src=x onerror={OWNED}>", f"'><img src=x onerror={OWNED}>", f"`><img src=x onerror={OWNED}>",
    f"<svg onload={OWNED}>", f"<svg><script>{OWNED}</script></svg>", f"<svg><animate onbegin={OWNED} attributeName=x dur=1s>",
    f"<svg><a xlink:href=\"javascript:{OWNED}\"><text>x</text></a>", f"<svg><use href=\"data:image/svg+xml,<svg onload={OWNED}>\"/>",
    f"<math><mtext></form><form><mglyph><style></math><img src onerror={OWNED}>", f"<math><a xlink:href=\"javascript:{OWNED}\">x",
    f"<noscript><p title=\"</noscript><img src=x onerror={OWNED}>\">", f"<iframe srcdoc=\"<script>parent.{OWNED}</script>\">",
    f"<iframe src=\"javascript:parent.{OWNED}\">", f"<object data=\"data:text/html,<script>{OWNED}</script>\">", f"<embed src=\"javascript:{OWNED}\">",
    "<base href=https://example.com/>", "<link rel=stylesheet href=https://example.com/x.css>", "<link rel=prefetch href=https://example.com/>",
    "<meta http-equiv=refresh content=\"0;url=https://example.com/\">", "<meta http-equiv=Content-Security-Policy content=\"default-src *\">",
    "<form action=https://example.com/><input name=a autofocus onfocus=document.forms[0].submit()>", f"<input autofocus onfocus={OWNED}>",
    f"<select autofocus onfocus={OWNED}>", f"<textarea autofocus onfocus={OWNED}>", f"<details open ontoggle={OWNED}>x</details>",
    f"<video><source onerror={OWNED}></video>", f"<audio src=x onerror={OWNED}>", f"<body onload={OWNED}>", f"<marquee onstart={OWNED}>x</marquee>",
    f"<a href=\"javascript:{OWNED}\">x</a>", f"<a href=\"java\tscript:{OWNED}\">x</a>", f"<a href=\"data:text/html,<script>{OWNED}</script>\">x</a>",
    "<style>@import 'https://example.com/x.css';</style>", "<style>*{background:url(https://example.com/x)}</style>",
    "<div style=\"background:url(https://example.com/x)\">", "<img srcset=\"https://example.com/x 1x\">", "<picture><source srcset=https://example.com/x><img></picture>",
    "<template><script>1</script></template>", "<table><tr><td>", "</td></tr></table></div></section></main>", "</details></div></section>",
    "<!--", f"--><script>{OWNED}</script>", f"<!--><script>{OWNED}</script>-->", f"<![CDATA[<script>{OWNED}</script>]]>", "<plaintext>", "<xmp>", "<textarea>",
    "&lt;script&gt;", "&#60;script&#62;", f"' onmouseover='{OWNED}", f"\" autofocus onfocus=\"{OWNED}", f"` onfocus=`{OWNED}",
    "\u202e\u2066<b>x</b>\u2069", "a\u200bb\ufeff\u2028\u2029\x01U+0041\x02", "\ud83d<script>", "${alert(1)} {{constructor.constructor('alert(1)')()}}",
    "__proto__", "constructor", "toString", f"<x onclick={OWNED} id=case-list class=case>x", "<form class=filter id=search>", "case-data", "[\"\\u003cscript\\u003e\"]",
]  # fmt: skip
_SHAPE = """(skip) => {
  const counts = {};
  for (const one of document.querySelectorAll('*')) {
    if (skip.includes(one.localName)) continue;
    const key = one.localName + ' ' + Array.from(one.attributes, (a) => a.name).sort().join(',');
    counts[key] = (counts[key] || 0) + 1;
  }
  return counts;
}"""
_WORDS = ["span", "ins", "del", "mark", "em", "option"]


def _record(text: str) -> RunRecord:
    """The record of the report tests, with pictures of how cases moved."""
    path = Path(__file__).parents[1] / "report" / "conftest.py"
    spec = importlib.util.spec_from_file_location("report_records", path)
    assert spec is not None and spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    made: RunRecord = module.make_record(text)
    return replace(made, deltas=(DeltaHistogram("m", 0.5, (3, 0, 1, 2), 5, 1),))


def _many(record: RunRecord, count: int) -> RunRecord:
    cases = tuple(replace(record.cases[n % 4], id=f"{record.cases[n % 4].id}/{n:05d}", change=n / count) for n in range(count))
    total = replace(record.verdict.cases, total=count)
    return replace(record, cases=cases, cases_omitted=0, verdict=replace(record.verdict, cases=total))


def _written(tmp_path: Path, record: RunRecord, as_html: int | None = None) -> Path:
    path = tmp_path / f"report-{as_html}-{len(list(tmp_path.iterdir()))}.html"
    old = page_cases.cases.__defaults__
    try:
        if as_html is not None:
            page_cases.cases.__defaults__ = (as_html,)
        text = render_html(record)
    finally:
        page_cases.cases.__defaults__ = old
    path.write_text(text, encoding="utf-8", errors="backslashreplace")
    return path


def _open_every_case(page: Any) -> None:
    for _ in range(2):  # what is made when a case opens has parts that open, too
        page.evaluate("document.querySelectorAll('details').forEach((one) => { one.open = true; })")
        page.wait_for_timeout(200)


@pytest.mark.parametrize("as_html", [None, 0], ids=["cases as HTML", "cases as data"])
def test_nothing_is_asked_for_refused_or_said(opened, tmp_path: Path, as_html: int | None) -> None:
    path = _written(tmp_path, _record(HARMLESS), as_html)
    found = opened(path)
    _open_every_case(found.page)
    found.page.fill("#search", "harmless")
    assert found.requests == [path.as_uri()]
    assert found.violations() == []
    assert found.said == []
    assert found.page.locator("#case-list > details.case").count() == 4


@pytest.mark.parametrize("as_html", [None, 0], ids=["cases as HTML", "cases as data"])
def test_hostile_text_gives_the_structure_of_harmless_text_and_runs_nothing(opened, tmp_path: Path, as_html: int | None) -> None:
    harmless = opened(_written(tmp_path, _record(HARMLESS), as_html)).page
    _open_every_case(harmless)
    wanted = harmless.evaluate(_SHAPE, _WORDS)
    for text in [*HOSTILE, " ".join(HOSTILE)]:
        path = _written(tmp_path, _record(text), as_html)
        found = opened(path)
        _open_every_case(found.page)
        title = found.page.title()
        found.page.fill("#search", text[:40])
        assert found.page.locator("#case-list > details.case").count() <= 4, text
        found.page.fill("#search", "")
        assert found.page.evaluate(_SHAPE, _WORDS) == wanted, text
        assert title.startswith("FAIL: gate"), text
        assert found.page.title() == title, text
        assert (found.requests, found.violations(), found.said) == ([path.as_uri()], [], []), text
        found.page.context.close()


@pytest.mark.parametrize("dark", [False, True], ids=["light", "dark"])
@pytest.mark.parametrize("width", [1280, 390], ids=["desk", "phone"])
def test_axe_finds_nothing(opened, axe: str, tmp_path: Path, dark: bool, width: int) -> None:
    found = opened(_written(tmp_path, _record("words that are there"), 2), dark=dark, width=width)
    _open_every_case(found.page)
    found.page.evaluate(axe)
    tags = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"]
    result = found.page.evaluate("(tags) => axe.run(document, {runOnly: tags})", tags)
    assert result["passes"]
    assert [(one["id"], [node["target"] for node in one["nodes"]][:5]) for one in result["violations"]] == []
    assert found.page.evaluate("document.documentElement.scrollWidth") <= width


def test_with_scripts_off_everything_that_is_promised_can_be_read(opened, tmp_path: Path) -> None:
    found = opened(_written(tmp_path, _many(_record("words"), 40), 30), scripts=False)
    page = found.page
    assert page.locator("details.case").count() == 30
    assert "The first 30 can be read without scripts; 10 more are in this file" in page.inner_text("#cases")
    assert not page.locator("form.filter").is_visible()
    case = page.locator("details.case").nth(5)
    case.locator("summary").first.click()
    assert case.locator("pre").first.is_visible()
    assert page.locator("#audit h3").count() == 12
    assert found.said == [] and len(found.requests) == 1


def test_the_script_shows_cases_as_the_page_itself_does(opened, tmp_path: Path) -> None:
    record = _many(_tricky(_record("Grüße 👩‍👩‍👧 <b> a_b; c \u202e x")), 12)
    sides = [opened(_written(tmp_path, record, as_html)).page for as_html in (None, 0)]
    for page in sides:
        _open_every_case(page)
    shown = [page.evaluate("Array.from(document.querySelectorAll('details.case'), (one) => one.outerHTML)") for page in sides]
    assert len(shown[0]) == 12
    assert shown[0] == shown[1]


def _tricky(record: RunRecord) -> RunRecord:
    texts = [
        ("the quick  brown\nfox", "the slow brown\n fox!"),
        ("", "new"),
        ("a\x00b 👩‍👩‍👧 c", "a\x00c d 👩‍👩‍👧 c"),
        ("same", "same"),
    ]
    cases: list[CaseRecord] = []
    for case, (old, new) in zip(record.cases, texts, strict=True):
        marks = (TextMark(2, 3, "l\u200babel", masked=len(cases) == 2),) if len(new) > 6 else ()
        before = replace(case.baseline, text=old, marks=())
        after = replace(case.baseline, text=new, marks=marks, request_key=None)
        cases.append(replace(case, baseline=before, candidate=after, masks=("a_b", "<b>")))
    return replace(record, cases=tuple(cases))


def test_search_filter_order_keys_and_links(opened, tmp_path: Path) -> None:
    path = _written(tmp_path, _many(_record("words"), 600), 20)
    page = opened(path).page
    listed = page.locator("#case-list > details.case")
    assert page.inner_text("#shown") == "600 of 600 cases, the first 200 listed"
    page.click("#more")
    assert listed.count() == 400
    page.fill("#search", "words-2/00302")
    assert (page.inner_text("#shown"), listed.count()) == ("1 of 600 cases", 1)
    page.fill("#search", "")
    page.select_option("#kind", "improved")
    assert page.inner_text("#shown") == "150 of 600 cases"
    page.select_option("#kind", "")
    page.select_option("#moved", label="worse by m")
    assert page.inner_text("#shown") == "0 of 600 cases"
    page.select_option("#moved", "")
    page.select_option("#slice", label="language=words")
    page.select_option("#order", "best")
    assert "/00599" in listed.first.inner_text()
    page.select_option("#order", "least")
    assert "/00000" in listed.first.inner_text()

    page.keyboard.press("Escape")
    page.locator("body").click(position={"x": 2, "y": 2})
    page.keyboard.press("j")
    page.keyboard.press("j")
    focused = "document.activeElement.closest('details.case').querySelector('.case-id').textContent"
    assert page.evaluate(focused).endswith("/00001")
    page.keyboard.press("Enter")
    page.keyboard.press("k")
    assert page.evaluate(focused).endswith("/00000")
    page.keyboard.press("/")
    assert page.evaluate("document.activeElement.id") == "search"
    page.keyboard.type("j/k")
    assert page.input_value("#search") == "j/k"
    page.keyboard.press("Escape")
    assert page.input_value("#search") == ""
    page.locator("#keys summary").click()
    page.uncheck("#keys-on")
    page.keyboard.press("/")
    assert page.evaluate("document.activeElement.id") == "keys-on"

    last = re.findall(r'\["(case-[0-9a-f]{16})"', path.read_text("utf-8"))[-1]
    page = opened(path, at=f"#{last}").page
    page.locator(f"#{last} pre").first.wait_for()
    assert page.evaluate(focused).endswith("/00599")


def test_a_reader_can_tab_to_everything(opened, tmp_path: Path) -> None:
    page = opened(_written(tmp_path, _record("words"))).page
    page.keyboard.press("Tab")
    assert page.evaluate("document.activeElement.className") == "skip"
    seen = set()
    for _ in range(120):
        page.keyboard.press("Tab")
        seen.add(page.evaluate("document.activeElement.id || document.activeElement.localName"))
    assert {"a", "summary", "search", "kind", "order"} <= seen


def test_it_prints_on_a4(opened, tmp_path: Path) -> None:
    page = opened(_written(tmp_path, _record("words"))).page
    printed = page.pdf(format="A4", prefer_css_page_size=True)
    assert printed.startswith(b"%PDF")
    page.emulate_media(media="print")
    page.set_viewport_size({"width": 680, "height": 900})
    assert page.evaluate("document.documentElement.scrollWidth") <= 680
