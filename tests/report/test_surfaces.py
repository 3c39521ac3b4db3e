"""Every report with hostile text in every field: the same structure as with harmless text, and nothing gets out."""

from __future__ import annotations

import base64
import hashlib
import io
import re
import shutil
import subprocess
import xml.etree.ElementTree as ET
from collections import Counter
from dataclasses import replace
from itertools import pairwise
from pathlib import Path

import html5lib
import pytest
from hypothesis import given
from hypothesis import strategies as st
from rich.console import Console

from evalgate.core.record import TextMark
from evalgate.core.verdict import Decision
from evalgate.report.escape import markdown, markdown_block, xml, xml_attribute
from evalgate.report.junit import render_junit
from evalgate.report.page import render_html
from evalgate.report.summary import COMMENT_LIMIT, SUMMARY_LIMIT, marker, render_comment, render_markdown
from evalgate.report.terminal import print_summary
from evalgate.report.word_diff import marked, word_diff

PAYLOADS = [
    "<script>document.title='owned'</script>", "</script><script>document.title='owned'</script>", "</style><script>document.title='owned'</script>",
    "<img src=x onerror=document.title='owned'>", "<svg/onload=document.title='owned'>", "\"><img src=x onerror=document.title='owned'>",
    "' onmouseover='document.title=1", "` onfocus=`document.title=1", "</title><script>document.title='owned'</script>", "<iframe srcdoc='x'>",
    "<base href='https://example.com/'>", "<meta http-equiv=refresh content='0;url=https://example.com'>", "<link rel=stylesheet href=https://example.com/x.css>",
    "<form action=https://example.com><input name=a>", "<a href=javascript:document.title='owned'>x</a>", "<details open ontoggle=document.title='owned'>",
    "<!--", "--><script>document.title='owned'</script>", "<![CDATA[ x ]]>", "]]>", "<?xml version='1.0'?>", "<!DOCTYPE a [<!ENTITY b 'c'>]>&b;", "&lt;script&gt;",
    "&#x3c;script&#x3e;", "<style>*{display:none}</style>", "<div id=thresholds class='banner pass'>PASS</div>", "<plaintext>", "<textarea>", "<noscript>",
    "<template>", "<table><tr><td>", "</td></tr></table>", "</section></main>", "<math><mtext></form><form><mglyph><style></math><img src onerror=document.title=1>",
    "\x1b[2J\x1b[31mPASS", "\x1b]8;;https://example.com\x07link\x1b]8;;\x07", "\u202eSSAP", "a\u2066b\u2069", "zero\u200bwidth", "\ufeffbom", "\x00nul", "\x0b\x0c", "\x85next",
    "\u2028line\u2029para", "\U000e0041tag", "\ufffe", "lone \ud800"[:5], "::error file=a,line=1::x", "\n::set-output name=verdict::pass", "##[error]x", "\r::add-mask::pass",
    "@everyone @org/team #123 GH-4", "fixes #1", "![x](https://example.com/a.png)", "[x](javascript:alert(1))", "| a | b |", "```\n# owned\n```", "````", "</details>",
    "<!-- evalgate:marker -->", "=HYPERLINK(\"https://example.com\")", "{{7*7}} ${7*7} <%= 7 %>", "a" * 5000, "Grüße 日本語 👩‍👩‍👧 ok", "-" * 80, "# heading", "%0A::error::x",
]  # fmt: skip


def _shape(page: str) -> Counter[tuple[str, tuple[str, ...]]]:
    tree = html5lib.parse(page, treebuilder="etree", namespaceHTMLElements=False)
    ignored = {"span", "ins", "del", "mark", "em"}
    return Counter((str(e.tag), tuple(sorted(e.attrib))) for e in tree.iter() if e.tag not in ignored)


@pytest.mark.parametrize("payload", PAYLOADS, ids=range(len(PAYLOADS)))
def test_html_has_the_structure_of_harmless_data(record, payload: str) -> None:
    page = render_html(record(payload))
    assert _shape(page) == _shape(render_html(record("harmless words")))
    tree = html5lib.parse(page, treebuilder="etree", namespaceHTMLElements=False)
    assert [script.get("type") for script in tree.iter("script")] == ["application/json", None]
    for element in tree.iter():
        for name, value in element.attrib.items():
            assert not name.startswith("on")
            assert name not in ("src", "srcdoc", "action", "style")
            if name == "href":
                assert re.fullmatch(r"#([a-z-]+|case-[0-9a-f]{16})", value)
    assert not re.search("[\x00-\x08\x0b-\x1f\x7f-\x9f\u202a-\u202e\u2066-\u2069\ufeff]", page)


@pytest.mark.parametrize("payload", PAYLOADS, ids=range(len(PAYLOADS)))
def test_junit_is_well_formed_and_counts_are_right(record, payload: str) -> None:
    root = ET.fromstring(render_junit(record(payload)).encode("utf-8"))
    cases = list(root.iter("testcase"))
    assert int(root.get("tests", "")) == len(cases)
    assert int(root.get("failures", "")) == len(list(root.iter("failure"))) >= 1
    assert int(root.get("errors", "")) == len(list(root.iter("error")))
    assert len({c.get("name") for c in cases}) == len(cases)
    if not set(payload) & set("\n\r\x0b\x0c\x85\u2028\u2029"):
        assert cases[0].get("line") == "7"


@pytest.mark.parametrize("payload", PAYLOADS, ids=range(len(PAYLOADS)))
def test_markdown_stays_text(record, payload: str) -> None:
    fenced = re.compile(r"^(`{3,})text\n.*?^\1$", re.MULTILINE | re.DOTALL)
    tag = re.compile(r"(?<!\\)<[^>\n]*>")
    for render in (render_markdown, render_comment):
        text = render(record(payload))
        outside = fenced.sub("", text)
        head = [line for line in text.splitlines() if line and not line.startswith("<!--")]
        assert len(text) <= COMMENT_LIMIT
        assert head[0].startswith("## ❌ FAIL")
        # its own folds and marker, and nothing else
        found = [one for one in tag.findall(outside) if not one.startswith("<!-- evalgate")]
        assert found == ["<details>", "<summary>", "</summary>", "</details>"] * (len(found) // 4)
        assert len(found) == len(tag.findall(fenced.sub("", render_markdown(record("harmless words")))))
        assert not re.search(r"(?<!\\)!\[", outside)
        assert not re.search(r"(?<![\w\\])@\w", outside)
        assert not re.search("[\x00-\x08\x0b-\x1f\x7f-\x9f\u202a-\u202e]", text)
        for line in outside.splitlines():
            assert not line.lstrip().startswith("::")
            assert "##[" not in line


@pytest.mark.parametrize("payload", ["x", "<!-- evalgate other -->", "-->\n<!-- evalgate x -->", "a" * 300])
def test_a_comment_begins_with_the_mark_of_its_gate(record, payload: str) -> None:
    made = record(payload)
    first = render_comment(made).splitlines()[0]
    assert first == marker(made)
    assert re.fullmatch(r"<!-- evalgate [A-Za-z0-9._-]+ -->", first)
    assert first != marker(record("another"))


def test_the_lines_above_the_fold_are_ten(record) -> None:
    made = record("x")
    many = replace(made, verdict=replace(made.verdict, thresholds=made.verdict.thresholds * 20), attempts=None)
    head = render_comment(many).split("<details>")[0].splitlines()
    assert len([line for line in head if line.strip() and not line.startswith("<!--")]) <= 11


@pytest.mark.parametrize(
    ("render", "size", "limit"),
    [(render_comment, len, COMMENT_LIMIT), (render_markdown, lambda t: len(t.encode()), SUMMARY_LIMIT)],
)
def test_what_is_too_long_is_cut_and_the_verdict_stays(record, render, size, limit: int) -> None:
    made = record("日本語|" * 60)
    many = replace(made, verdict=replace(made.verdict, thresholds=made.verdict.thresholds * 800))
    text = render(many)
    assert size(text) <= limit
    assert "❌ FAIL" in text[:200] and many.identity.manifest_digest in text
    assert "left out for length" in text and text.count("<details>") == text.count("</details>")


@pytest.mark.parametrize("payload", PAYLOADS, ids=range(len(PAYLOADS)))
def test_the_terminal_gets_no_control(record, payload: str) -> None:
    stream = io.StringIO()
    print_summary(record(payload), Console(file=stream, width=120, force_terminal=False))
    text = stream.getvalue()
    assert "FAIL" in text
    assert not re.search("[\x00-\x09\x0b-\x1f\x7f-\x9f\u200b\u202a-\u202e\u2066-\u2069\u2028\u2029]", text)
    assert "##[" not in text
    assert not any(line.strip().startswith("::") for line in text.splitlines())


def test_the_policy_names_exactly_what_is_inside(record) -> None:
    page = render_html(record("x"))
    policy = re.search(r'http-equiv="Content-Security-Policy" content="([^"]+)"', page)
    assert policy is not None
    assert page.index("Content-Security-Policy") < page.index("<style") < page.index("<script")
    for tag in ("style", "script"):
        inside = re.search(rf"<{tag}>(.*?)</{tag}>", page, re.DOTALL)
        assert inside is not None
        digest = base64.b64encode(hashlib.sha256(inside.group(1).encode()).digest()).decode()
        assert f"{tag}-src 'sha256-{digest}'" in policy.group(1)
    assert policy.group(1).startswith("default-src 'none'")
    assert not re.search(r"https?://|url\(|@import", re.sub(r"<(style|script)>.*?</\1>", "", page, flags=re.DOTALL))
    assert "url(" not in page


def test_the_page_says_everything_an_auditor_asks(record) -> None:
    page = render_html(record("words"))
    for said in (
        "FAIL",
        "exit code 1",
        "because words",
        "no model was called",
        "not provided",
        "UNSIGNED",
        "sha256:" + "1" * 64,
        "0123456789ab",
        "at most 6",
        "4 of 100",
    ):
        assert said in page, said
    headings = [int(level) for level in re.findall(r"<h([1-6])", page)]
    assert headings[0] == 1
    assert headings.count(1) == 1
    assert all(b <= a + 1 for a, b in pairwise(headings))
    assert page.count("<table") == page.count("<caption>")
    assert '<html lang="en">' in page


@pytest.mark.parametrize("decision", list(Decision))
def test_every_verdict_is_said_in_words(record, decision: Decision) -> None:
    made = record("x", decision)
    word = decision.value.upper()
    assert f"<strong>{word}</strong>" in render_html(made)
    assert word in render_markdown(made).splitlines()[0]
    assert f'value="{word}"' in render_junit(made)


def test_a_gate_that_passed_has_no_failures_in_junit(record) -> None:
    root = ET.fromstring(render_junit(record("x", Decision.PASS)))
    assert list(root.iter("failure")) == []


def test_same_bytes_every_time(record) -> None:
    for render in (render_html, render_junit, render_markdown):
        assert render(record("x")) == render(record("x"))


@given(st.text(max_size=60))
def test_xml_text_survives_a_parser(text: str) -> None:
    root = ET.fromstring(f'<a b="{xml_attribute(text)}">{xml(text)}</a>')
    if text.isprintable() and text.isascii() and "::" not in text and "##[" not in text:
        assert (root.text or "") == text
        assert root.get("b") == text


@given(st.text(max_size=60))
def test_markdown_is_one_cell_and_a_fence_holds(text: str) -> None:
    cell = markdown(text)
    assert "\n" not in cell
    assert not re.search(r"(?<!\\)(\\\\)*\|", cell)
    block = markdown_block(text)
    fence = block.split("text\n", 1)[0]
    assert fence not in block[len(fence) :].rsplit("\n", 1)[0]


@pytest.mark.parametrize("text", [":white_check_mark: PASS", "a :x: b", ":+1:", ":a:b:", ":100:"])
def test_no_text_makes_an_emoji(text: str) -> None:
    assert not re.search(r":[a-z0-9_+-]+:", markdown(text).replace("\\", ""))
    assert markdown(text).replace("\u200b", "").replace("\\", "") == text


@given(st.text(max_size=80), st.text(max_size=80))
def test_a_word_diff_loses_nothing(before: str, after: str) -> None:
    def plain(markup: str) -> str:
        return "".join(html5lib.parseFragment(markup, treebuilder="etree", namespaceHTMLElements=False).itertext())

    old, new = word_diff(before, after)
    if before.isprintable() and after.isprintable():
        assert plain(old) == before
        assert plain(new) == after


def test_marks_may_overlap() -> None:
    assert (
        marked("abcdef", [TextMark(1, 3, "x", masked=False), TextMark(3, 5, "y", masked=True)])
        == 'a<mark title="x">bc</mark><mark class="masked" title="masked: y">de</mark>f'
    )


CHROMIUM = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")


@pytest.mark.skipif(CHROMIUM is None, reason="no Chromium on this machine")
def test_in_a_real_browser_nothing_runs_and_the_filter_works(record, tmp_path: Path) -> None:
    page = tmp_path / "report.html"
    page.write_text(render_html(record(" ".join(PAYLOADS[:40]))), encoding="utf-8")
    flags = [
        "--headless",
        "--no-sandbox",
        "--disable-gpu",
        "--no-first-run",
        "--disable-background-networking",
        "--disable-component-update",
        "--disable-sync",
    ]
    command = [
        str(CHROMIUM),
        *flags,
        f"--user-data-dir={tmp_path / 'profile'}",
        "--enable-logging=stderr",
        "--v=0",
        "--dump-dom",
        page.as_uri(),
    ]
    done = subprocess.run(command, capture_output=True, text=True, timeout=120, check=True)
    assert "<title>FAIL: gate" in done.stdout
    assert "owned</title>" not in done.stdout
    assert "Content Security Policy" not in done.stderr
    # the one script that may run has made the filter visible and counted the cases
    assert re.search(r'<form class="filter" role="search" aria-label="Cases">', done.stdout)
    assert "4 of 4 cases</output>" in done.stdout


def test_two_variants_that_are_the_same_are_pointed_out(record) -> None:
    from dataclasses import replace

    made = record("x")
    assert "Both variants are the same" not in render_html(made)
    same = replace(made, prompts={"baseline": made.prompts["baseline"], "candidate": made.prompts["baseline"]})
    assert "Both variants are the same" in render_html(same)
