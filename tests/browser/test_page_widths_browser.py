"""Both pages in a real browser at every width, on paper and by keyboard: nothing is cut off, and nothing is out of reach."""

from __future__ import annotations

import importlib.util
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest

from evalgate.core.record import DeltaHistogram
from evalgate.report.page import render_html

pytestmark = pytest.mark.slow
WIDTHS = (320, 360, 390, 600, 704, 768, 900, 1000, 1100, 1280, 1440, 1920)
PAGES = ("report", "history")
WORDS = "some words that are there"
UNBROKEN = "prompts/" + "unbroken_identifier_" * 6
PAPER = 673
"""Width of the text on A4 with the page's margins, in CSS pixels."""

_TABLES = """() => Array.from(document.querySelectorAll('.scroll'))
  .filter((one) => one.scrollWidth > one.clientWidth + 1).map((one) => one.getAttribute('aria-label') + ' ' + one.scrollWidth)"""
_OUTSIDE = """() => Array.from(document.querySelectorAll('header *, nav *, main *, footer *')).filter((one) => {
  if (one.closest('.scroll, svg') && !one.matches('.scroll, svg')) return false;
  const box = one.getBoundingClientRect();
  return box.width > 1 && box.right > document.documentElement.clientWidth + 1;
}).map((one) => one.outerHTML.slice(0, 80)).slice(0, 5)"""
_FOCUS = """() => {
  const one = document.activeElement;
  if (one === document.body) return null;
  (window.reached ||= new Set()).add(one);
  const box = one.getBoundingClientRect();
  const bar = document.querySelector('nav');
  const stuck = bar && !bar.contains(one) && bar.getBoundingClientRect().top <= 0 && getComputedStyle(bar).position === 'sticky';
  const seen = box.bottom > (stuck ? bar.getBoundingClientRect().bottom : 0) && box.top < innerHeight;
  return { name: one.outerHTML.slice(0, 80), seen, ring: parseFloat(getComputedStyle(one).outlineWidth) };
}"""
_STOPS = """() => Array.from(document.querySelectorAll('a[href], button, input, select, summary, [tabindex="0"]'))
  .filter((one) => one.checkVisibility({ visibilityProperty: true, contentVisibilityAuto: true })).length"""


def _module(name: str) -> ModuleType:
    path = Path(__file__).parents[1] / "report" / f"{name}.py"
    spec = importlib.util.spec_from_file_location(f"report_{name}", path)
    assert spec is not None and spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@pytest.fixture
def page_of(tmp_path: Path) -> Callable[[str, str], Path]:
    """`page_of("report" or "history", text)`: the file of a page with that text in every field."""

    def make(kind: str, text: str) -> Path:
        path = tmp_path / f"{kind}.html"
        if kind == "report":
            deltas = (DeltaHistogram("m", 0.5, (3, 0, 1, 2), 5, 1),)
            path.write_text(render_html(replace(_module("conftest").make_record(text), deltas=deltas)), encoding="utf-8")
        else:
            module = _module("test_history_page")
            runs = [*module.folder(text), *(module.past(number, text) for number in range(10, 40))]
            path.write_text(module.render_history(runs, text), encoding="utf-8")
        return path

    return make


def _open_everything(page: Any) -> None:
    for _ in range(2):  # what is made when a case opens has parts that open, too
        page.evaluate("document.querySelectorAll('details').forEach((one) => { one.open = true; })")
        page.wait_for_timeout(100)


@pytest.mark.parametrize("kind", PAGES)
def test_no_table_scrolls_at_any_width(opened, page_of, kind: str) -> None:
    page = opened(page_of(kind, WORDS)).page
    _open_everything(page)
    for width in WIDTHS:
        page.set_viewport_size({"width": width, "height": 900})
        assert (width, page.evaluate(_TABLES)) == (width, [])
        assert (width, page.evaluate(_OUTSIDE)) == (width, [])
        assert page.evaluate("document.documentElement.scrollWidth") <= width


@pytest.mark.parametrize("scripts", [True, False], ids=["scripts", "no scripts"])
@pytest.mark.parametrize("kind", PAGES)
def test_names_without_a_space_never_widen_the_page(opened, page_of, kind: str, scripts: bool) -> None:
    for width in WIDTHS:
        page = opened(page_of(kind, UNBROKEN), scripts=scripts, width=width).page
        if scripts:
            _open_everything(page)
            assert (width, page.evaluate(_OUTSIDE)) == (width, [])
        assert page.evaluate("document.documentElement.scrollWidth") <= width
        page.context.close()


def test_rows_are_cards_lines_or_a_table_by_the_room_there_is(opened, page_of) -> None:
    shapes = {390: ("block", "flow-root"), 900: ("grid", "block"), 1440: ("table-row", "table-cell")}
    for kind in PAGES:
        page = opened(page_of(kind, WORDS)).page
        for width, (row, cell) in shapes.items():
            page.set_viewport_size({"width": width, "height": 900})
            found = [
                page.evaluate(f"getComputedStyle(document.querySelector('.told tbody {name}')).display") for name in ("tr", "td")
            ]
            assert (kind, width, found) == (kind, width, [row, cell])
        label = "getComputedStyle(document.querySelector('.told tbody td'), '::before').content"
        assert page.evaluate(label) == "none"
        page.set_viewport_size({"width": 390, "height": 900})
        assert page.evaluate(label).startswith('"')


@pytest.mark.parametrize("dark", [False, True], ids=["light", "dark"])
@pytest.mark.parametrize("width", [1280, 390], ids=["desk", "phone"])
def test_axe_finds_nothing_on_the_history(opened, axe: str, page_of, dark: bool, width: int) -> None:
    path = page_of("history", WORDS)
    found = opened(path, dark=dark, width=width)
    _open_everything(found.page)
    found.page.evaluate(axe)
    tags = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"]
    result = found.page.evaluate("(tags) => axe.run(document, {runOnly: tags})", tags)
    assert result["passes"]
    assert [(one["id"], [node["target"] for node in one["nodes"]][:5]) for one in result["violations"]] == []
    assert (found.requests, found.violations(), found.said) == ([path.as_uri()], [], [])


@pytest.mark.parametrize("kind", PAGES)
def test_paper_is_light_opens_every_section_and_cuts_nothing(opened, page_of, kind: str) -> None:
    page = opened(page_of(kind, WORDS), dark=True).page
    page.emulate_media(media="print", color_scheme="dark")
    page.set_viewport_size({"width": PAPER, "height": 900})
    assert page.evaluate("document.documentElement.scrollWidth") <= PAPER
    assert page.evaluate(_TABLES) == []
    assert page.evaluate("getComputedStyle(document.body).backgroundColor") == "rgb(255, 255, 255)"
    colours = {
        one: page.evaluate(f"getComputedStyle(document.documentElement).getPropertyValue('--{one}').trim()")
        for one in ("pass", "fail", "hold", "accent")
    }
    assert colours == {"pass": "#17653a", "fail": "#a3211c", "hold": "#7a4a00", "accent": "#1f5f8b"}
    closed = """() => Array.from(document.querySelectorAll('section details:not([open]) > .scroll'))
      .filter((one) => !one.closest('.case, figure') && !one.checkVisibility({ contentVisibilityAuto: true }) ).length"""
    assert page.evaluate(closed) == 0
    assert page.locator("section details:not([open]) > .scroll").count() > 0


@pytest.mark.parametrize("kind", PAGES)
@pytest.mark.parametrize("width", [390, 1280])
def test_every_control_can_be_tabbed_to_and_shows_it(opened, page_of, kind: str, width: int) -> None:
    page = opened(page_of(kind, WORDS), width=width).page
    stops = page.evaluate(_STOPS)
    for key in ("Tab", "Shift+Tab"):
        for _ in range(stops):
            page.keyboard.press(key)
            found = page.evaluate(_FOCUS)
            assert found is None or (found["seen"] and found["ring"] >= 2), found
        assert page.evaluate("window.reached.size") == stops


def test_counts_and_order_are_announced_and_can_be_cleared(opened, page_of) -> None:
    page = opened(page_of("report", WORDS)).page
    shown = page.locator("#shown")
    assert shown.get_attribute("aria-live") == "polite"
    assert not page.locator("#clear").is_visible()
    page.select_option("#order", "id")
    assert shown.inner_text() == "4 of 4 cases, by id"
    page.fill("#search", "no such word")
    assert shown.inner_text() == "0 of 4 cases, by id"
    page.keyboard.press("Escape")
    assert (page.input_value("#search"), shown.inner_text()) == ("", "4 of 4 cases, by id")
    assert page.evaluate("document.activeElement.id") == "search"
    page.click("#clear")
    assert (page.input_value("#order"), shown.inner_text()) == ("", "4 of 4 cases")
    assert page.evaluate("document.activeElement.id") == "search"
    assert not page.locator("#clear").is_visible()


@pytest.mark.parametrize("scripts", [True, False], ids=["scripts", "no scripts"])
@pytest.mark.parametrize("width", [390, 1280])
def test_a_link_to_a_case_opens_it_in_sight(opened, page_of, scripts: bool, width: int) -> None:
    path = page_of("report", WORDS)
    page = opened(path, width=width).page
    last = page.locator("details.case").last.get_attribute("id")
    page = opened(path, at=f"#{last}", scripts=scripts, width=width).page
    part = page.locator(f"#{last} pre").first
    part.wait_for()
    top, bar = page.locator(f"#{last}").bounding_box()["y"], page.locator("nav").bounding_box()
    assert top >= (bar["y"] + bar["height"] if width == 1280 else 0)
    assert top < 900
    if scripts:
        assert page.evaluate("document.activeElement.parentElement.id") == last
