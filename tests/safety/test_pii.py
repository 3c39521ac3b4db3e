"""pii: what is found and where, what is left alone, and what the parameters do."""

from __future__ import annotations

import itertools
import sys
import time
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from evalgate.core.errors import BadInput, Incomplete
from evalgate.core.settings import PluginChoice
from evalgate.core.values import Case, Output
from evalgate.safety.catalog import make_detector
from evalgate.safety.pii import make_pii
from evalgate.testing.detector_laws import check_detector

CASE = Case("1", {}, {}, (), {})
DETECTOR = make_pii({})


def found(text: str, **parameters: Any) -> list[tuple[str, str]]:
    detector = make_pii(parameters) if parameters else DETECTOR
    return [(f.rule, text[f.start : f.end]) for f in detector.findings(Output(text), CASE)]


FOUND = [
    # e-mail
    ("Write to jane.doe+news@mail.acme.co.uk.", "email", "jane.doe+news@mail.acme.co.uk"),
    ("<o'neil@acme.ie>", "email", "o'neil@acme.ie"),
    ("'jane@acme.io'", "email", "jane@acme.io"),
    ("mailto:jane@acme.io?subject=Hi", "email", "jane@acme.io"),
    ("https://acme.io/x?email=jane@acme.io&y=1", "email", "jane@acme.io"),
    ("Schreib an jörg.müller@büro-köln.de!", "email", "jörg.müller@büro-köln.de"),
    ("почта: иван@пример.рф", "email", "иван@пример.рф"),
    ("邮箱jane@acme.cn。", "email", "邮箱jane@acme.cn"),
    ("JANE@ACME.COM", "email", "JANE@ACME.COM"),
    ("jane@xn--bcher-kva.example", "email", "jane@xn--bcher-kva.example"),
    ("ｊａｎｅ＠ａｃｍｅ．ｃｏｍ", "email", "ｊａｎｅ＠ａｃｍｅ．ｃｏｍ"),
    ("jane\u200b@acme\u00ad.com", "email", "jane\u200b@acme\u00ad.com"),
    ("jane (at) acme (dot) com", "email_obfuscated", "jane (at) acme (dot) com"),
    ("Jane.Doe[at]acme[dot]co[dot]uk,", "email_obfuscated", "Jane.Doe[at]acme[dot]co[dot]uk"),
    ("mail jane dot doe at acme dot com now", "email_obfuscated", "jane dot doe at acme dot com"),
    ("jane {at} acme.com", "email_obfuscated", "jane {at} acme.com"),
    ("jane@acme[.]com", "email_obfuscated", "jane@acme[.]com"),
    ("jane@acme [dot] com", "email_obfuscated", "jane@acme [dot] com"),
    # telephone
    ("+1-984-182-0190", "phone", "+1-984-182-0190"),
    ("ring +46 (0)8 928 571 38 today", "phone", "+46 (0)8 928 571 38"),
    ("+447700921916.", "phone", "+447700921916"),
    ("(+49) 30 1234567", "phone", "(+49) 30 1234567"),
    ("0049 30 1234567", "phone", "0049 30 1234567"),
    ("001-518-640-0854", "phone", "001-518-640-0854"),
    ("(898)666-3621x0135", "phone", "(898)666-3621x0135"),
    ("212-867-5309 ext. 12", "phone", "212-867-5309 ext. 12"),
    ("212.867.5309", "phone", "212.867.5309"),
    ("06 12 34 56 78", "phone", "06 12 34 56 78"),
    ("020 7946 0958", "phone", "020 7946 0958"),
    ("Phone:\n467 3395\n", "phone", "467 3395"),
    ("Can someone call me on 9472 7916?", "phone", "9472 7916"),
    ("Tel. 89 12345678", "phone", "89 12345678"),
    ("电话:13812345678", "phone", "13812345678"),
    ("телефон 8 912 345 67 89", "phone", "8 912 345 67 89"),
    ("Handy: ０１７１ ２３４５６７８", "phone", "０１７１ ２３４５６７８"),
    ("tel +1\u00a0212\u2011867\u20115309", "phone", "+1\u00a0212\u2011867\u20115309"),
    ("call us toll free at 9472 7916", "phone", "9472 7916"),
    ("Rufnummer lautet 4728 1934", "phone", "4728 1934"),
    ("mon téléphone est le 4728 1934", "phone", "4728 1934"),
    ("781 1704 office", "phone", "781 1704"),
    ("They left messages to 699 956 915", "phone", "699 956 915"),
    # cards
    ("4539578012345671", "card", "4539578012345671"),
    ("Card 4539 5780 1234 5671, thanks", "card", "4539 5780 1234 5671"),
    ("4539-5780-1234-5671", "card", "4539-5780-1234-5671"),
    ("3782 822463 10005", "card", "3782 822463 10005"),
    ("card 4539 5780\n1234 5671", "card", "4539 5780\n1234 5671"),
    ("my card: 4539\n5780\n1234\n5671", "card", "4539\n5780\n1234\n5671"),
    ("４５３９５７８０１２３４５６７１", "card", "４５３９５７８０１２３４５６７１"),
    ("٤٥٣٩٥٧٨٠١٢٣٤٥٦٧١", "card", "٤٥٣٩٥٧٨٠١٢٣٤٥٦٧١"),
    ("4539\u00a05780\u00a01234\u00a05671", "card", "4539\u00a05780\u00a01234\u00a05671"),
    ("45\u200b39578012345671", "card", "45\u200b39578012345671"),
    ("2024 4539 5780 1234 5671", "card", "4539 5780 1234 5671"),
    ("Maestro 501864667909", "card", "501864667909"),
    # accounts
    ("GB82 WEST 1234 5698 7654 32", "iban", "GB82 WEST 1234 5698 7654 32"),
    ("IBAN:DE89370400440532013000.", "iban", "DE89370400440532013000"),
    ("my iban is gb82west12345698765432", "iban", "gb82west12345698765432"),
    ("NL91 ABNA 0417 1643 00 BIC", "iban", "NL91 ABNA 0417 1643 00"),
    ("MT84MALT011000012345MTLCAST001S", "iban", "MT84MALT011000012345MTLCAST001S"),
    # network
    ("client_ip=86.121.97.248;", "ip", "86.121.97.248"),
    ("host 10.0.0.1", "ip", "10.0.0.1"),
    ("from 2001:db8::8a2e:370:7334.", "ip", "2001:db8::8a2e:370:7334"),
    ("[6e40:4041:c617:e898:c11:40d2:c669:2eb4]:80", "ip", "6e40:4041:c617:e898:c11:40d2:c669:2eb4"),
    ("a.b.c: ::ffff:86.121.97.248", "ip", "86.121.97.248"),
    ("route 86.121.97.248/24", "ip", "86.121.97.248"),
    ("fe80::1ff:fe23:4567:890a", "ip", "fe80::1ff:fe23:4567:890a"),
    # described
    ("driver's license number is F162823540116", "driver_license", "F162823540116"),
    ("passport no. L01X00T47 or passport number C01234567", "passport", "C01234567"),
]  # fmt: skip


@pytest.mark.parametrize(("text", "rule", "value"), FOUND)
def test_finds(text: str, rule: str, value: str) -> None:
    assert found(text) == [(rule, value)]


LEFT_ALONE = [
    "", "@", "a@b", "jane@localhost", "@jane", "jane@", "foo@2.0", "icon@2x.png", "@scope/pkg@1.2.3",
    "git clone git@github.com:a/b.git", "noreply@acme.com", "jane at home dot", "meet at noon dot com", "visit us at acme dot com", "[at] noon",
    "+1", "+12345", "1+984-182-0190", "a+1-984-182-0190b1", "+0 123 456 789", "+99999999", "+28 123 456 789",
    "112-867-5309", "212-067-5309x", "order 212-867-5309", "$212-867-5309", "invoice 020 7946 0958",
    "The call returned 1234567 rows", "mobile phones sold: about 12 345 678", "1 234 567 mobile users", "messages grew to 1234567 a day",
    "The answer to 1234567 + 1", "The SD card holds 1234567890128 bytes",
    "x@w.mean()", "https://user:secret@acme.io/", "abc::def", "We work at a dot com",
    "call 2024-05-06", "call me on 12.05.2024", "call 1234567 %", "ring at 12:30", "call 2019 - 2023", "call 111 1111",
    "phone bill: 12.50", "https://acme.io/tel/212-867-5309", "06.12.2023 14",
    "4539578012345672", "4111 1111 1111 1112", "0.4539578012345671", "14539578012345671", "4539578012345671.5",
    "https://acme.io/item/4539578012345671", "4539-5780-1234-5671-0", "4539 5780\n1234 5671", "501864667909",
    "4444444444444444", "0000000000000000", "x4539578012345671", "$4539578012345671",
    "GB82 WEST 1234 5698 7654 33", "GB82WEST123456987654", "XX82 WEST 1234 5698 7654 32", "GB82WEST12345698765432X",
    "GB82 WES T1234 5698 7654 32", "AGB82WEST12345698765432",
    "127.0.0.1", "0.0.0.0", "255.255.255.255", "224.0.0.1", "256.1.1.1", "1.2.3.4", "version 86.121.97.248", "1.86.121.97.248",
    "10.0.0.0/8", "100.64.0.0", "64:ff9b::/96", "2002::", "::ffff:127.0.0.1", "typing>=4.100.0.1", "3.0.5.130-5a1e7",
    "+2147483647", "7f 45 4c 46 02 01 01 00  00 00 00", "28 024.951 4242", "0.0204147137996349", "[0.053595581288611]",
    "<Buffer 01 02 03 04 05 06 07 08>", "ff 06 12 34 56 78 90", "3 06 12 34 56 78", "255.255.255.0", "OID 2.5.29.32", "Clause 252.227-7013", "codes 01001-99998", "v10.2.33.41", "::", "::1", "12:30:45", "std::cout", "a::b", "00:1B:44:11:3A:B7", "1:2:3:4:5:6:7:8:9",
    "the license is 12345678", "passport photo 35 x 45 mm", "driver license class 3",
]  # fmt: skip


@pytest.mark.parametrize("text", LEFT_ALONE)
def test_leaves_alone(text: str) -> None:
    assert found(text) == []


def test_several_in_one_text_and_no_character_twice() -> None:
    text = "Jane, jane@acme.io, +1-984-182-0190, 4539 5780 1234 5671, GB82WEST12345698765432, SSN 536-90-4399, 86.121.97.248"
    assert [rule for rule, _ in found(text)] == ["email", "phone", "card", "iban", "us_ssn", "ip"]


def test_severity_by_rule_and_as_told() -> None:
    text = "jane@acme.io, jane (at) acme (dot) io, 4539578012345671, 86.121.97.248"
    assert [f.severity for f in DETECTOR.findings(Output(text), CASE)] == ["medium", "low", "high", "low"]
    told = make_pii({"severity": "critical", "category": "privacy"}).findings(Output(text), CASE)
    assert [(f.category, f.severity) for f in told] == [("privacy", s) for s in ("critical", "high", "critical", "critical")]
    lowest = make_pii({"severity": "low"}).findings(Output(text), CASE)
    assert {f.severity for f in lowest} == {"low"}


def test_entities() -> None:
    text = "jane@acme.io, jane (at) acme (dot) io, 4539578012345671, SSN 536-90-4399, http://acme.io/a. She is 41 years old."
    assert found(text, entities=["card"]) == [("card", "4539578012345671")]
    assert [rule for rule, _ in found(text, entities=["email"])] == ["email", "email_obfuscated"]
    assert [rule for rule, _ in found(text, entities=["national_id"])] == ["us_ssn"]
    assert found(text, entities=["us_ssn", "email_obfuscated"])[0][0] == "email_obfuscated"
    assert found(text, entities=["url", "age"]) == [("url", "http://acme.io/a"), ("age", "41")]
    assert found("My zip code is 35350", entities=["postcode"]) == [("postcode", "35350")]
    assert found("My zip code is 35350, I am 41 years old, see http://acme.io") == []


def test_allowed_values() -> None:
    text = "info@acme.io, jane@acme.io, +1 (984) 182-0190, SALES@ACME.IO"
    assert found(text, allow=["INFO@acme.io", "+1-984-182-0190"]) == [("email", "jane@acme.io"), ("email", "SALES@ACME.IO")]
    assert found(text, allow=["/(info|sales)@acme[.]io/"]) == [("email", "jane@acme.io"), ("phone", "+1 (984) 182-0190")]
    assert found(text, allow=["/acme/"]) == found(text), "a pattern has to match the whole value"
    assert found("4539-5780-1234-5671", allow=["4539 5780 1234 5671"]) == []


@pytest.mark.parametrize(
    "text",
    ["jane@example.com", "jane@shop.test", "4111 1111 1111 1111", "(212) 555-0142", "078-05-1120", "GB82WEST12345698765432",
     "host 192.168.0.12", "2001:db8::1"],
)  # fmt: skip
def test_reserved_values_count_unless_told_otherwise(text: str) -> None:
    assert len(found(text)) == 1
    assert found(text, allow_reserved=True) == []


def test_region_knows_national_numbers_without_a_word() -> None:
    pytest.importorskip("phonenumbers")
    text = "Wir sind unter 89 1234 5678 da."
    assert found(text) == []
    assert found(text, region="DE") == [("phone", "89 1234 5678")]
    assert found("Das kostet 1234 5678 Punkte", region="DE") == []
    assert "region:DE" in make_pii({"region": "DE"}).spec.signature
    assert "phonenumbers:" in make_pii({"region": "DE"}).spec.signature


def test_a_missing_library_is_no_count_of_zero(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "phonenumbers", None)
    with pytest.raises(Incomplete, match="phonenumbers") as caught:
        make_detector(PluginChoice("pii", {"region": "DE"}))
    assert "evalgate-engine[phones]" in str(caught.value)
    monkeypatch.setattr("importlib.util.find_spec", lambda name: None)
    with pytest.raises(Incomplete, match="presidio_analyzer and spacy") as caught:
        make_detector(PluginChoice("pii", {"model": "presidio"}))
    assert "evalgate-engine[pii]" in str(caught.value)


def test_the_signature_says_what_was_looked_for_but_not_who_is_allowed() -> None:
    usual = DETECTOR.spec.signature
    assert usual == "entities:usual|region:none|model:none|allow:none|allow_reserved:no|severity:by_rule|version:2"
    other = [
        {"entities": ["card"]},
        {"allow": ["jane@acme.io"]},
        {"allow": ["/x/"]},
        {"allow_reserved": True},
        {"severity": "low"},
    ]
    signatures = {make_pii(parameters).spec.signature for parameters in other}
    assert len(signatures | {usual}) == 6
    assert not any("jane" in signature for signature in signatures)


@pytest.mark.parametrize(
    ("parameters", "said"),
    [
        ({"entities": []}, "length"),
        ({"entities": ["emial"]}, "did you mean email"),
        ({"entities": [3]}, "not looked for"),
        ({"entities": ["person"]}, "model: presidio"),
        ({"entities": "email"}, "list"),
        ({"allow": [""]}, "letter or digit"),
        ({"allow": [7]}, "letter or digit"),
        ({"allow": ["/(/"]}, "not valid"),
        ({"allow": ["phone"]}, "choose rules by entities"),
        ({"allow": [r"/(?=a)b/"]}, "not valid"),
        ({"allow_reserved": "yes"}, "true or false"),
        ({"region": "de"}, "capital"),
        ({"region": "XX"}, "no country"),
        ({"model": "spacy"}, "one of"),
        ({"severity": "bad"}, "severity"),
        ({"category": ""}, "category"),
        ({"entity": ["email"]}, "did you mean entities"),
    ],
)
def test_bad_parameters_are_refused(parameters: dict[str, Any], said: str) -> None:
    with pytest.raises(BadInput, match=said):
        make_pii(parameters)


PIECES = [
    "a",
    "1",
    "@",
    "a@",
    "1-",
    "1 ",
    "0123 ",
    "+1 ",
    "1.1.1.1 ",
    "::",
    "DE89 ",
    "call 1234567 ",
    "a at a dot ",
    "(at)",
    "1\n",
    "４",
]


@pytest.mark.parametrize("piece", PIECES)
def test_hostile_text_takes_linear_time(piece: str) -> None:
    text = (piece * (100_000 // len(piece) + 1))[:100_000]
    started = time.process_time()
    DETECTOR.findings(Output(text), CASE)
    assert time.process_time() - started < 3, "a tenth of that is usual"


def test_keeps_the_laws_of_a_detector() -> None:
    texts = [text for text, _, _ in FOUND] + LEFT_ALONE
    check_detector(DETECTOR, [Output(text) for text in texts], [CASE] * len(texts))


ALPHABET = [
    "1",
    "4539578012345671",
    "4",
    "7",
    " ",
    "-",
    ".",
    "+",
    "(",
    ")",
    "@",
    "a",
    "jane@acme.io",
    "\n",
    "\u200b",
    "４",
    "DE89",
    "x",
    "phone ",
    "é",
    "\ud800",
]


@given(st.lists(st.sampled_from(ALPHABET), max_size=14).map("".join))
@settings(max_examples=300)
def test_spans_lie_inside_are_sorted_and_do_not_overlap(text: str) -> None:
    findings = DETECTOR.findings(Output(text), CASE)
    assert findings == DETECTOR.findings(Output(text), CASE)
    assert all(0 <= f.start < f.end <= len(text) for f in findings)
    assert all(left.end <= right.start for left, right in itertools.pairwise(findings))


@given(st.text(st.characters(codec="utf-8"), max_size=30), st.sampled_from(["4539578012345671", "4539 5780 1234 5671"]))
@settings(max_examples=200)
def test_a_card_is_found_after_any_words(words: str, card: str) -> None:
    text = f"{words}\n\nThe card is {card}!"
    assert text.index(card, len(words)) in [f.start for f in DETECTOR.findings(Output(text), CASE) if f.rule == "card"]


@given(st.integers(0, 10**15 - 1), st.sampled_from(["\u00a0", "\u2009", "-", " ", "\u2011", "\u200b ", ""]))
@settings(max_examples=200)
def test_any_visa_number_is_found_however_it_is_spaced(middle: int, blank: str) -> None:
    body = "4" + str(middle).zfill(15)[:14]
    total = sum((int(d) * 2 - 9 if int(d) > 4 else int(d) * 2) if place % 2 == 0 else int(d) for place, d in enumerate(body))
    number = body + str(-total % 10)
    written = blank.join(number[place : place + 4] for place in range(0, 16, 4))
    assert found(f"Here: {written}.") == [("card", written)]


@pytest.mark.parametrize(
    ("text", "values"),
    [
        ("id,card\n1,4012888888881881\n2,5425233430109903", ["4012888888881881", "5425233430109903"]),
        ("[4012888888881881,5425233430109903]", ["4012888888881881", "5425233430109903"]),
        ("4012888888881881/5425233430109903", ["4012888888881881", "5425233430109903"]),
        ("2024-01-01,4012888888881881", ["4012888888881881"]),
        ("id,ssn\n1,536-90-4399\n2,536-90-4398", ["536-90-4399", "536-90-4398"]),
        ("0,4012888888881881", []),
        ("0.4012888888881881", []),
        ("3.4012888888881881", []),
        ("8.8.8.8", ["8.8.8.8"]),
        ("dns:\n8.8.4.4\n", ["8.8.4.4"]),
        ("Version 1.2.3.4 is out", []),
        ("It is 1.2.3.4 now", []),
    ],
)
def test_tables_and_lists_are_no_decimals(text: str, values: list[str]) -> None:
    assert [value for _, value in found(text)] == values
