"""Personal data and secrets: found by form and check digits, and ordinary texts of many languages left alone."""

from __future__ import annotations

import base64
import random
import time

import pytest

from evalgate.core.health import HealthSeverity
from evalgate.core.personal_data import KINDS, iban_holds, luhn, personal_data

KEY = "sk-" + "proj-Ab3dEf6hIj9kLm2nOp5q"
PEM = "-----BEGIN RSA PRIVATE KEY-----\n" + base64.b64encode(bytes(range(120))).decode() + "\n-----END RSA PRIVATE KEY-----"
FOUND = [
    ("e-mail address", "Write to Mara.Quell+shop@mail.firm.co.uk, please."),
    ("e-mail address", "<a@b.ch>"),
    ("phone number", "Rufen Sie +49 30 901820 an."),
    ("phone number", "call (212) 736-5000 now"),
    ("phone number", "212-736-5000"),
    ("phone number", "Tel.: +33-1-42-68-53-00"),
    ("payment card number", "my card 4539 1488 0343 6467 was charged"),
    ("payment card number", "6011-0009-9013-9475 is it" if luhn("6011000990139475") else "5425233430109903"),
    ("payment card number", "3714 496353 98456" if luhn("371449635398456") else "card 5425233430109903."),
    ("IBAN", "IBAN: DE75 5121 0800 1245 1261 99, danke"),
    ("IBAN", "NL91ABNA0417164300"),
    ("IBAN", "account GB33BUKB20201555555555 please"),
    ("IP address", "from 84.17.52.101 at noon"),
    ("IP address", "[2a00:1450:4001:81b::200e]"),
    ("US social security number", "SSN 536-22-8714"),
]
NOT_FOUND = [
    "Reply to support@example.com or anna@shop.example, 555-0100-7000, (212) 555-0147.",
    "Clone git@github.com:org/project.git, then see @handle and a@b.",
    "Version 1.2.3.4 of section 10.4.2.1, on 127.0.0.1, 192.168.0.12, 10.99.88.77 or 203.0.113.9.",
    "fe80::1 and ::1 and 2001:db8::17 are for documentation; the time is 12:30:45:10; std::vector::size",
    "Test cards: 4111 1111 1111 1111, 4242424242424242, 5555-5555-5555-4444.",
    "Order 4539148803436468, invoice 1234567890123456, ISBN 978-3-16-148410-0, EAN 4006381333931.",
    "IBAN DE75 5121 0800 1245 1261 98 is mistyped; DE89 3704 0044 0532 0130 00 is the sample of the standard.",
    "SSN 000-12-3456, 666-12-3456, 900-12-3456, 123-00-4567, 123-45-0000, 078-05-1120.",
    "On 2026-11-25 between 10:00 and 11:30 we sold 1,234,567.89 for 12.50 €, 30 % off.",
    "Der Zug fährt am 25.11.2026 um 18:45 Uhr von Gleis 7, Wagen 21-24, Preis 1.299,00 Euro.",
    "Le 14 juillet 1789, il y avait environ 954 personnes; le code postal est 75001.",
    "El pedido 300 400-5000 llega el 3/4; temperatura -12 a +35 grados.",
    "電話番号は教えません。2026年11月25日、東京は12.5度です。",
    "Температура +25, давление 760 мм, рейс SU 1234 в 18:30.",
    "السعر ١٢٣٤ ريال وموعد التسليم ٢٥/١١/٢٠٢٦",
    "x+12345678y, 1+23456789012, UUID 550e8400-e29b-41d4-a716-446655440000, sha 2fd4e1c67a2d28fced849ee1bb76e7391b93eb12",
    "The ratio 3:2:1 and the verse 1:2:3:4 and 0xdeadbeef and AB12 CDEF GHIJ KLMN words IN CAPITALS HERE.",
    "+1 +2 +3 +4, (123) 456-7890, 123-456-7890",
]
KEYS = [
    KEY,
    "token: ghp_" + "a1B2c3D4e5F6g7H8i9J0k1L2m3N4o5P6q7R8",
    "AKIA" + "J5Q2MZ7WX3TR8VYB",
    "AIza" + "SyD3f7Gh1jK5lM9nP2qR6sT0uV4wX8yZ_ab",
    "Authorization: Bearer " + "abc123DEF456ghi789JKL",
    "eyJhbGciOiJIUzI1NiJ9" + ".eyJzdWIiOiJtYXJhIn0.dBjftJeZ4CVPmB92K27u",
    "hf_" + "AbCdEfGhIjKlMnOpQrStUvWxYz012345",
    PEM,
    "sk_live_51H8xQ2eZvKYlo2C0aQ",
    "glpat-x1y2z3a4b5c6d7e8f9g0",
    "npm_" + "a1B2c3D4e5F6" * 3,
    "password=hunter2024",
    "https://shop:hunter2@host.example/",
    "Authorization: Basic YWxpY2U6c3cwcmRmaXNo",
]
NO_KEYS = [
    "Install sk-learn-compatible-estimators with pip.",
    "Set OPENAI_API_KEY=sk-your-key-goes-here-please or sk-xxxxxxxxxxxxxxxxxxxxxxxx.",
    "AWS documents AKIAIOSFODNN7EXAMPLE as a sample.",
    "What does -----BEGIN PRIVATE KEY----- mean at the top of a file?",
    "The bearer transportation/communications department; Bearer of-good-news-everyone",
    "ghp_ is how the tokens of GitHub begin; hf_ those of Hugging Face, xoxb- those of Slack.",
    "eyJ is Base64 for an opening brace.",
    "the ASIA region and AIza",
    "password: please never ask for it; secret: my-company-secret-santa-2024",
]


@pytest.mark.parametrize(("kind", "text"), FOUND)
def test_found(case, health, kind: str, text: str) -> None:
    (finding,) = health([case("a", "nothing here"), case("b", text)])["personal-data"]
    assert kind in finding.message
    assert (finding.count, finding.cases, finding.column) == (1, (("b",),), "question")
    assert finding.severity is HealthSeverity.WARNING


@pytest.mark.parametrize("text", NOT_FOUND)
def test_not_found(text: str) -> None:
    assert {kind: [text[a:b] for a, b in personal_data(kind, text)] for kind in KINDS} == {kind: [] for kind in KINDS}


@pytest.mark.parametrize("text", KEYS)
def test_secrets_are_errors_and_never_quoted(case, health, text: str) -> None:
    (finding,) = health([case("a", f"here: {text} and so on")])["secret"]
    assert finding.refuses
    assert text.split()[-1] not in repr(finding)


@pytest.mark.parametrize("text", NO_KEYS)
def test_talk_about_secrets_is_none(case, health, text: str) -> None:
    assert "secret" not in health([case("a", text)])


def test_every_column_and_nested_text_is_looked_at(case, health) -> None:
    row = case("a", {"q": "hello"}, {"deep": [{"er": "to mara@firm.org"}]})
    row.fields["note"] = ["x", {"mara@firm.org": 1}]  # type: ignore[index]
    found = health([row])["personal-data"]
    assert [f.column for f in found] == ["note", "reference"]


def test_texts_do_not_run_into_each_other(case, health) -> None:
    rows = [
        case("a", "call +49 30"),
        case("b", "901820 now"),
        case("c", "mara@"),
        case("d", "firm.org"),
        case("e", "is 4539 1488"),
        case("f", "0343 6467"),
    ]
    assert "personal-data" not in health(rows)


def test_each_finding_belongs_to_its_own_case(case, health) -> None:
    rows = [case(f"c{n:03}", f"\0{'ä' * (n % 7)} mara{n}@firm.org" if n % 3 == 0 else "😀 none") for n in range(60)]
    (finding,) = health(rows)["personal-data"]
    assert finding.count == 20
    assert finding.cases == tuple((f"c{n:03}",) for n in range(0, 60, 3))


def test_a_case_with_two_counts_once_and_says_twice(case, health) -> None:
    (finding,) = health([case("a", "a@firm.org b@firm.org")])["personal-data"]
    assert finding.count == 1
    assert "2 times" in finding.message


def test_check_digits() -> None:
    assert luhn("4539148803436467") and luhn("0")
    assert not any(luhn(f"453914880343646{d}") for d in "012345689")
    assert iban_holds("DE75512108001245126199")
    assert not iban_holds("DE7551210800124512619") and not iban_holds("XX75512108001245126199")


@pytest.mark.parametrize(
    "piece",
    [
        "a@" * 40,
        "a.a.a.a.",
        "1-1-1-1-",
        "1111 ",
        "+1(1)1/",
        "AA11",
        "1:1:1:",
        "ffff:",
        "-----BEGIN PRIVATE KEY-----",
        "sk-sk-",
        "eyJ.eyJ.",
        "\ud800a@b.c",
        "%_+.",
    ],
)
def test_hostile_texts_cost_no_more_than_their_length(case, health, piece: str) -> None:
    text = piece * (200_000 // len(piece))
    start = time.process_time()
    health([case("a", "x", text)], prompts=())
    assert time.process_time() - start < 10.0


def test_random_digits_are_rarely_taken_for_numbers_of_people() -> None:
    draw = random.Random(5)
    text = "\n".join("order " + "".join(draw.choices("0123456789", k=draw.randint(5, 18))) for _ in range(3000))
    assert sum(1 for kind in KINDS for _ in personal_data(kind, text)) <= 25
