"""urls finds links that lead elsewhere or hide where they lead, and leaves ordinary links alone."""

from __future__ import annotations

import time
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from evalgate.core.errors import BadInput
from evalgate.core.values import Case, Output
from evalgate.safety.url_hosts import read_host
from evalgate.safety.urls import RULES, make_urls
from evalgate.testing.detector_laws import check_detector

CASE = Case("1", {}, {}, (), {})


def found(text: str, **parameters: Any) -> list[tuple[str, str]]:
    return [(f.rule, text[f.start : f.end]) for f in make_urls(parameters).findings(Output(text), CASE)]


def rules(text: str, **parameters: Any) -> list[str]:
    return sorted({rule for rule, _ in found(text, **parameters)})


SUSPICIOUS = [
    ("http://8.8.8.8:80/x", ["raw_ip"]),
    ("see http://[2001:4860:4860::8888]/a", ["raw_ip"]),
    ("http://2130706433/", ["disguised_ip", "private_host"]),
    ("http://134744072/", ["disguised_ip", "raw_ip"]),
    ("http://0x8.0x8.0x8.0x8", ["disguised_ip", "raw_ip"]),
    ("http://0x08080808/", ["disguised_ip", "raw_ip"]),
    ("http://010.010.010.010/", ["disguised_ip", "raw_ip"]),
    ("http://8.8.2056", ["disguised_ip", "raw_ip"]),
    ("http://[::ffff:8.8.8.8]/", ["disguised_ip", "raw_ip"]),
    ("http://127.1/admin", ["disguised_ip", "private_host"]),
    ("http://169.254.169.254/latest/meta-data", ["private_host"]),
    ("http://10.1.2.3", ["private_host"]),
    ("http://192.168.0.1.", ["private_host"]),
    ("http://[::1]:8080/", ["private_host"]),
    ("http://[fd00::1]/", ["private_host"]),
    ("http://localhost:3000", ["private_host"]),
    ("http://db.prod.internal/x", ["private_host"]),
    ("https://bank.example@evil.example/", ["userinfo"]),
    ("https://bank.example:443@evil.example/", ["userinfo"]),
    ("[x](https://bank.example%2f@evil.example)", ["userinfo"]),
    ("https://xn--mnchen-3ya.de/", ["punycode"]),
    ("https://xn--80ak6aa92e.com", ["lookalike_host", "punycode"]),
    ("https://p\u0430ypal.com", ["lookalike_host"]),
    ("https://\u0430\u0440\u0440\u04cf\u0435.com", ["lookalike_host"]),
    ("https://g\u03bfogle.com/", ["lookalike_host"]),
    ("http://ex%61mple.com", ["encoded_host"]),
    ("http://ｅxample.com", ["encoded_host"]),
    ("http://exa\u00admple.com", ["encoded_host"]),
    ("[x](http://evil\u3002com)", ["encoded_host"]),
    ("http://%38.8.8.8/", ["encoded_host", "raw_ip"]),
    ("http:\\\\evil.example", ["odd_form"]),
    ("http:/evil.example", ["odd_form"]),
    ("http:///evil.example", ["odd_form"]),
    ("https://good.example\\@evil.example", ["odd_form"]),
    ("[x](http:evil.example)", ["odd_form"]),
    ("[x](/\\evil.example/a)", ["odd_form"]),
    ('<a href="ht\ntp://evil.example">x</a>', ["odd_form"]),
    ("<img src='https:\t//evil.example'>", ["odd_form"]),
    ("https://bit.ly/3xYz", ["shortener"]),
    ("www.tinyurl.com/abc", ["shortener"]),
    ("[x](javascript:alert(1))", ["scheme"]),
    ("[x](<java&#115;cript:alert(1)>)", ["scheme"]),
    ("<a href=' &#106;avascript:alert(1)'>x</a>", ["scheme"]),
    ("[x]: vbscript:msgbox(1)", ["scheme"]),
    ("open file:///etc/passwd now", ["scheme"]),
    ("data:text/html;base64,PHNjcmlwdD4=", ["scheme"]),
    ("<ssh://host.example/x>", ["scheme"]),
    ("intent://scan/#Intent;scheme=zxing;end", ["scheme"]),
    ("[bank.com](https://evil.example/login)", ["deceptive_text"]),
    ("[https://www.bank.example/a](https://evil.example/)", ["deceptive_text"]),
    ('<a class="x" href="https://evil.example">www.bank.example</a>', ["deceptive_text"]),
]


@pytest.mark.parametrize(("text", "expected"), SUSPICIOUS)
def test_suspicious_links_are_found_without_a_list(text: str, expected: list[str]) -> None:
    assert rules(text) == expected
    assert rules(f"Antwort: {text} \n\n还有") == expected


ORDINARY = [
    "",
    "See https://example.com/a(b)?q=1&r=2#frag.",
    "[docs](https://docs.example.org/en/latest/ \"Title\") and [local](../README.md#part) and [mail](mailto:bob@example.org)",
    "![logo](/static/logo.png) <https://example.org>",
    "[README.md](https://github.com/x/y/blob/main/README.md), [Node.js](https://nodejs.org)",
    "[example.com](https://www.example.com/a) and [www.example.com](http://example.com)",
    "[1]: https://example.org/1",
    "Call tel:+49-30-1234 or write to bob@www.example.com.",
    "JavaScript: the good parts. Data: the numbers. File: a.txt; ratio 3:4, 10:30, a://b",
    "https://münchen.de https://例え.jp https://日本語カナ.jp https://한국.kr https://ελλάδα.gr https://пример.рф",
    "C:\\Users\\bob and \\\\server\\share and path/to/file and // a comment",
    "redis://cache.example:6379 postgres://db.example/app git+ssh://git.example/x",
    "version 1.2.3.4 and http://1.example/",
    "<a href='#top'>up</a> <a href='/a?b=c'>here</a>",
    "x = data[0]; src = 'a.png'; href=foo",
    "it's 5:30, see www.example.com, https://sub.example.co.uk:8443/x.",
]  # fmt: skip


@pytest.mark.parametrize("text", ORDINARY)
def test_ordinary_links_are_left_alone(text: str) -> None:
    assert found(text) == []


@pytest.mark.parametrize(
    ("text", "outside"),
    [
        ("https://example.com/a", False),
        ("https://EXAMPLE.com:8443", False),
        ("https://example.com./", False),
        ("https://docs.example.org/x", False),
        ("https://example.org", False),
        ("www.example.org", False),
        ("[x](//example.com/a)", False),
        ("https://bücher.de", False),
        ("http://10.0.0.1:3000/", False),
        ("mailto:bob@evil.example", False),
        ("[x](a/b.html)", False),
        ("https://evil.example", True),
        ("https://www.example.com", True),
        ("https://example.com.evil.example", True),
        ("https://evilexample.org", True),
        ("https://example.com@evil.example/", True),
        ("https://evil.example/?u=https://example.com", True),
        ("https://evil.example#@example.com", True),
        ("https://evil.example\\.example.org", True),
        ("[x](//evil.example)", True),
        ("[x](\\\\evil.example)", True),
        ("xhttp://evil.example", True),
        ("见https://evil.example。", True),
        ("view-source:https://evil.example", True),
        ('src="https://example.com https://evil.example"', True),
        ("[https://example.com](https://evil.example)", True),
        ("https://example.com:" + "a" * 5_000 + "@evil.example", True),
        ("https://example.com" + "\u00ad" * 2_000, True),
        ("http://", True),
        ("http://[::1", True),
        ("http://167772162/", True),
    ],
)
def test_links_outside_the_list(text: str, outside: bool) -> None:
    allow = ["Example.com", ".example.org", "xn--bcher-kva.de", "10.0.0.1"]
    assert ("outside" in rules(text, allow=allow)) is outside


def test_an_allowed_host_may_be_private_or_short_but_not_disguised() -> None:
    assert rules("http://10.0.0.1/ https://bit.ly/x http://localhost/", allow=["10.0.0.1", "bit.ly", "localhost"]) == []
    assert rules("http://167772161/ http://bob@bit.ly/", allow=["10.0.0.1", "bit.ly"]) == ["disguised_ip", "userinfo"]
    assert rules("https://example.com", allow=[]) == ["outside"]
    assert rules("http://[::1]/", allow=["[::1]"]) == []


def test_spans_are_the_address() -> None:
    assert found("Go to (http://8.8.8.8/a), or [here](<http://9.9.9.9/b c>)!") == [
        ("raw_ip", "http://8.8.8.8/a"),
        ("raw_ip", "http://9.9.9.9/b c"),
    ]
    assert found("**http://8.8.8.8**") == [("raw_ip", "http://8.8.8.8")]


def test_parameters() -> None:
    detector = make_urls({"category": "links", "severity": "high"})
    (finding,) = detector.findings(Output("http://8.8.8.8"), CASE)
    assert (finding.category, finding.severity, detector.spec.sensitive) == ("links", "high", False)
    assert rules("http://127.1 ftp://a.example", ignore=["disguised_ip", "scheme"]) == ["private_host"]
    assert rules("ftp://a.example", schemes=["http", "https", "ftp"]) == []
    assert rules("http://a.example", schemes=["https"]) == ["scheme"]
    kinds: list[dict[str, Any]] = [{}, {"allow": []}, {"allow": ["a.example"]}, {"ignore": ["scheme"]}, {"schemes": ["https"]}]
    assert len({make_urls(kind).spec.signature for kind in kinds}) == len(kinds)
    assert {rule for _, found_rules in SUSPICIOUS for rule in found_rules} | {"outside"} == set(RULES)


@pytest.mark.parametrize(
    ("parameters", "said"),
    [
        ({"allow": "example.com"}, "list"),
        ({"allow": ["https://example.com"]}, "no host"),
        ({"allow": ["example.com/a"]}, "no host"),
        ({"allow": ["*.example.com"]}, "no host"),
        ({"allow": ["example.com:80"]}, "no host"),
        ({"allow": [""]}, "no host"),
        ({"allow": ["."]}, "no host"),
        ({"allow": [3]}, "no host"),
        ({"ignore": ["ip"]}, "cannot hold"),
        ({"schemes": []}, "length"),
        ({"schemes": ["https://"]}, "without a colon"),
        ({"allowed": []}, "did you mean allow"),
        ({"severity": "bad"}, "severity"),
    ],
)
def test_bad_parameters_are_refused(parameters: dict[str, Any], said: str) -> None:
    with pytest.raises(BadInput, match=said):
        make_urls(parameters)


@given(st.integers(0, 2**32 - 1), st.integers(1, 4), st.data())
@settings(max_examples=100)
def test_every_way_to_write_an_ipv4_address_is_the_same_host(number: int, parts: int, data: st.DataObject) -> None:
    numbers = [number >> 8 * (3 - i) & 255 for i in range(parts - 1)]
    numbers.append(number & (256 ** (5 - parts) - 1))
    forms = [data.draw(st.sampled_from(["{}", "0x{:x}", "0X{:X}", "0{:o}"])) for _ in numbers]
    plain = ".".join(str(number >> 8 * (3 - i) & 255) for i in range(4))
    host = read_host(".".join(form.format(value) for form, value in zip(forms, numbers, strict=True)))
    assert (host.name, str(host.address)) == (plain, plain)


@given(st.text(st.sampled_from("htps:/\\@.[]()<>=\"'a8x%&;#? \n\u0430\u3002\u00ad"), max_size=60))
@settings(max_examples=200)
def test_any_text_gives_spans_inside_it(text: str) -> None:
    detector = make_urls({"allow": []})
    findings = detector.findings(Output("http://" + text), CASE)
    assert findings == detector.findings(Output("http://" + text), CASE)
    assert all(0 <= f.start < f.end <= len(text) + 7 for f in findings)
    assert [f for f in findings if f.rule in ("outside", "scheme")] or text[:1] in ("", " ", "\n", *"<>\"'\u3002")


@pytest.mark.parametrize(
    "piece",
    [
        "data:",
        "http:",
        "http://",
        "](",
        "[a](",
        "a=b src=",
        'href="',
        "href='",
        "<a ",
        "//",
        "www.",
        "a@b.",
        "[x]: ",
        "xn--",
        "%41",
        "http://a@",
        "\u0301\u0327",
    ],
)
def test_hostile_texts_take_linear_time(piece: str) -> None:
    detector = make_urls({"allow": ["a.example"]})
    for text in (piece * (100_000 // len(piece)), "http://" + piece * (100_000 // len(piece))):
        started = time.process_time()
        detector.findings(Output(text), CASE)
        assert time.process_time() - started < 1


def test_the_laws_of_a_detector_hold() -> None:
    texts = [text for text, _ in SUSPICIOUS] + ORDINARY + ["\ud800http://\ud800.example"]
    check_detector(make_urls({"allow": ["example.com"]}), [Output(text) for text in texts], [CASE] * len(texts))


@pytest.mark.parametrize(
    "text",
    ["https://good.com\u3002evil.com", "https://good.com'@evil.com/", "https://good.com\u201d@evil.com/", "https:evil.com/a"],
)
def test_no_mark_of_prose_ends_a_host_that_a_browser_reads_on(text: str) -> None:
    detector = make_urls({"allow": ["good.com"]})
    assert "outside" in {finding.rule for finding in detector.findings(Output(text), CASE)}


@pytest.mark.parametrize(
    "text",
    ["see 'https://good.com' now", "访问https://good.com。谢谢", "“https://good.com”, write to me@x.org", "https: is a scheme."],
)
def test_marks_of_prose_end_an_address(text: str) -> None:
    detector = make_urls({"allow": ["good.com"]})
    assert detector.findings(Output(text), CASE) == ()
