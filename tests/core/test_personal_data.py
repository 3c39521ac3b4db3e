"""Check digits, issuers and reserved values that the detector, dataset health and prompt lint share."""

from __future__ import annotations

import pytest

from evalgate.core.personal_data import KINDS, card_network, iban_holds, impersonal, luhn, personal_data, reserved, ssn_issued

IBANS = [
    "AD1200012030200359100100", "BE68539007547034", "BR1800360305000010009795493C1", "BY13NBRB3600900000002Z00AB00",
    "CH9300762011623852957", "DE89370400440532013000", "EG380019000500000000263180002", "FR1420041010050500013M02606",
    "GB29NWBK60161331926819", "IQ98NBIQ850123456789012", "LC55HEMM000100010012001200023015", "MT84MALT011000012345MTLCAST001S",
    "NO9386011117947", "SC18SSCB11010000000000001497USD", "SV62CENR00000000000000700025", "XK051212012345678906",
]  # fmt: skip
"""Examples of the IBAN registry of SWIFT."""


@pytest.mark.parametrize("iban", IBANS)
def test_ibans_of_the_registry_hold_and_no_neighbour_does(iban: str) -> None:
    assert iban_holds(iban)
    assert not iban_holds(iban[:-1])
    assert not iban_holds(iban + "0")
    assert not iban_holds(iban[:2] + f"{(int(iban[2:4]) + 1) % 100:02}" + iban[4:])
    assert not iban_holds("ZZ" + iban[2:])


@pytest.mark.parametrize(
    ("digits", "known"),
    [
        ("4111111111111111", True), ("4222222222222", True), ("5555555555554444", True), ("2223003122003222", True),
        ("378282246310005", True), ("30569309025904", True), ("38520000023237", True), ("6011111111111117", True),
        ("6450000000000000", True), ("6200000000000005", True), ("3530111333300000", True), ("180016070420458", True),
        ("213176828496175", True), ("4131034282458809939", True),
        ("1111111111111117", False), ("9999999999999995", False), ("2721000000000000", False), ("5600000000000000", False),
        ("411111111111111", False), ("37828224631000", False), ("3056930902590", False), ("55555555555544444", False),
    ],
)  # fmt: skip
def test_networks_by_prefix_and_length(digits: str, known: bool) -> None:
    assert card_network(digits) is known


def test_luhn() -> None:
    assert luhn("79927398713")
    assert not any(luhn(f"7992739871{digit}") for digit in "012456789")


@pytest.mark.parametrize(
    ("digits", "issued"),
    [
        ("536904399", True),
        ("000904399", False),
        ("666904399", False),
        ("900904399", False),
        ("536004399", False),
        ("536900000", False),
    ],
)
def test_social_security_numbers(digits: str, issued: bool) -> None:
    assert ssn_issued(digits) is issued


RESERVED = [
    ("e-mail address", "jane@example.com", "jane@examples.com"),
    ("e-mail address", "jane@mail.shop.test", "jane@test.shop"),
    ("phone number", "(212) 555-0142", "(212) 555-1142"),
    ("phone number", "+1 212 555 0199", "+1 212 555 0200"),
    ("payment card number", "4111 1111 1111 1111", "4539578012345671"),
    ("IBAN", "GB82 WEST 1234 5698 7654 32", "GB29NWBK60161331926818"),
    ("IP address", "192.168.0.1", "86.121.97.248"),
    ("IP address", "2001:db8::1", "2a00:1450::1"),
    ("US social security number", "078-05-1120", "536-90-4399"),
]


def test_every_kind_has_reserved_values() -> None:
    assert {kind for kind, _, _ in RESERVED} == set(KINDS)


@pytest.mark.parametrize(("kind", "nobody", "somebody"), RESERVED)
def test_reserved_values_are_told_from_others(kind: str, nobody: str, somebody: str) -> None:
    assert reserved(kind, nobody)
    assert not reserved(kind, somebody)
    assert list(personal_data(kind, f"so: {nobody} there")) == []


def test_addresses_of_programs() -> None:
    assert impersonal("git@github.com")
    assert impersonal("No-Reply@acme.io")
    assert not impersonal("legit@acme.io")
