"""Ordinary sentences full of numbers hold no personal data: several hundred from our own templates, drawn by a seed."""

from __future__ import annotations

import random
import string

from evalgate.core.values import Case, Output
from evalgate.safety.pii import make_pii

CASE = Case("1", {}, {}, (), {})
TEMPLATES = (
    "Order {order} was shipped on {date} and should arrive by {date}.",
    "Invoice no. {order} over {price} is due on {date}; the customer number is {plain9}.",
    "Please upgrade from version {version} to {version} before {date}.",
    "The meeting on {date} starts at {time} and ends at {time}.",
    "In {year} the city had {big} inhabitants, up from {big} in {year}.",
    "The budget grew from {price} to {price}, that is {percent}.",
    "Tracking number {tracking}, parcel {small} of {small}.",
    "ISBN {isbn13} is the paperback, {isbn10} the old edition.",
    "Build {hash} of {date} fixes #{small}, #{small} and #{plain5}.",
    "The trace id was {uuid} and the span {hex16}.",
    "Between {year}-{year} sales rose by {percent}, then fell by {percent}.",
    "Pi is {decimal}, e is {decimal}, and the ratio {decimal}/{decimal}.",
    "The part {part} replaces {part}; the serial number is {serial}.",
    "See section {section} and table {section} on page {small}.",
    "Coordinates: {lat}, {lat}, at {small} m.",
    "| {plain5} | {plain5} | {plain5} |\n| {plain5} | {plain5} | {plain5} |",
    "Scores: {small}-{small}, {small}-{small}, {small}-{small} after {small} minutes.",
    "x = {big} + {big} - {plain9} * {plain5} / {small}",
    "The file backup_{stamp}.tar.gz has {plain9} bytes; md5 {hash}.",
    "Unix time {epoch} is {date} {time} UTC, in milliseconds {epoch}000.",
    "Article {section} of directive {year}/{small}/EU, OJ L {small}, {small}.{small}.{year}.",
    "The doi is 10.{plain4}/s{plain5}-{small}-{plain5}-{small}, the arXiv id {plain4}.{plain5}.",
    "Pay {price} or {price} per month for {small} months at {percent}.",
    "git clone git@github.com:team/project.git, then pip install package=={version}",
    "Use logo@2x.png and logo@3x.png, or the npm package @scope/name@{version}.",
    "Listen on 127.0.0.1:{plain4}, mask 255.255.255.255, or on 0.0.0.0 and ::1.",
    "std::vector<int> v; a::b::c(); at {time}:{small} the clock stopped.",
    "We met at home, at dot com parties, and at {time} we left.",
    "The room is {small}-{small}, the extension of the building {small} m by {small} m.",
    "In {year}, {year} and {year} the winners were teams {small}, {small} and {small}.",
    "Ticket {order}: the account {plain9} was closed on {date}.",
    "https://shop.invalid/p/{order}?ref={plain9}&t={epoch}",
    "Patent US {big} B{small} was granted on {date}.",
    "The recipe needs {small} g of flour, {small} g of sugar and {small}.{small} l of milk.",
    "Table: {plain4} {plain4} {plain4} / {small} {small} {small} {small}",
    "Bus {small} leaves at {time}, {time}, {time} and {time}.",
)


def digits(draw: random.Random, size: int) -> str:
    return str(draw.randint(1, 9)) + "".join(draw.choices("0123456789", k=size - 1))


def isbn13(draw: random.Random) -> str:
    body = "978" + digits(draw, 9)
    check = -sum(int(d) * (1 + 2 * (place % 2)) for place, d in enumerate(body)) % 10
    return f"{body[:3]}-{body[3]}-{body[4:8]}-{body[8:12]}-{check}"


def date(draw: random.Random) -> str:
    year, month, day = draw.randint(1950, 2029), draw.randint(1, 12), draw.randint(1, 28)
    forms = (f"{year}-{month:02}-{day:02}", f"{day:02}.{month:02}.{year}", f"{month}/{day}/{year}", f"{day:02}/{month:02}/{year}")
    return draw.choice((*forms, f"{day} March {year}", f"{year}{month:02}{day:02}"))


def fill(draw: random.Random, template: str) -> str:
    makers = {
        "order": lambda: draw.choice((digits(draw, 7), digits(draw, 8), digits(draw, 10), f"A-{digits(draw, 6)}", f"{digits(draw, 3)}-{digits(draw, 7)}")),
        "date": lambda: date(draw),
        "price": lambda: draw.choice((f"${draw.randint(1, 9999)}.{draw.randint(10, 99)}", f"{draw.randint(1, 99)},{digits(draw, 3)}.00 EUR", f"€ {digits(draw, 4)},50")),
        "version": lambda: ".".join(str(draw.randint(0, 31)) for _ in range(draw.choice((3, 3, 4)))),
        "time": lambda: f"{draw.randint(0, 23):02}:{draw.randint(0, 59):02}",
        "year": lambda: str(draw.randint(1900, 2030)),
        "big": lambda: draw.choice((f"{draw.randint(1, 99)},{digits(draw, 3)},{digits(draw, 3)}", digits(draw, 7), f"{draw.randint(1, 9)}.{digits(draw, 3)}.{digits(draw, 3)}")),
        "percent": lambda: f"{draw.randint(1, 99)}.{draw.randint(1, 9)} %",
        "tracking": lambda: draw.choice((f"1Z{digits(draw, 6)}{digits(draw, 10)}", f"RR{digits(draw, 9)}DE")),
        "small": lambda: str(draw.randint(1, 99)),
        "isbn13": lambda: isbn13(draw),
        "isbn10": lambda: f"0-{digits(draw, 3)}-{digits(draw, 5)}-{draw.randint(0, 9)}",
        "hash": lambda: "".join(draw.choices("0123456789abcdef", k=32)),
        "hex16": lambda: "".join(draw.choices("0123456789abcdef", k=16)),
        "uuid": lambda: "-".join("".join(draw.choices("0123456789abcdef", k=k)) for k in (8, 4, 4, 4, 12)),
        "plain4": lambda: digits(draw, 4),
        "plain5": lambda: digits(draw, 5),
        "plain9": lambda: digits(draw, 9),
        "decimal": lambda: f"{draw.randint(0, 99)}.{digits(draw, draw.randint(5, 16))}",
        "part": lambda: f"{digits(draw, 4)}-{''.join(draw.choices(string.ascii_uppercase, k=2))}-{digits(draw, 3)}",
        "serial": lambda: f"{''.join(draw.choices(string.ascii_uppercase, k=3))}{digits(draw, 9)}",
        "section": lambda: ".".join(str(draw.randint(1, 19)) for _ in range(draw.choice((2, 3, 4)))),
        "lat": lambda: f"{draw.choice(('-', ''))}{draw.randint(1, 89)}.{digits(draw, 6)}",
        "stamp": lambda: f"{draw.randint(2000, 2029)}{draw.randint(1, 12):02}{draw.randint(10, 28)}_{draw.randint(100000, 235959)}",
        "epoch": lambda: str(draw.randint(1_000_000_000, 1_900_000_000)),
    }  # fmt: skip
    text = template
    for name, make in makers.items():
        while f"{{{name}}}" in text:
            text = text.replace(f"{{{name}}}", make(), 1)
    return text


def test_ordinary_sentences_hold_no_personal_data() -> None:
    draw = random.Random(2024)
    detector = make_pii({})
    sentences = [fill(draw, template) for template in TEMPLATES for _ in range(60)]
    assert len(sentences) > 2000
    wrong = [(f.rule, s[f.start : f.end], s) for s in sentences for f in detector.findings(Output(s), CASE)]
    assert wrong == []


def test_an_ordinary_text_with_one_card_is_found_in_any_company() -> None:
    draw = random.Random(7)
    detector = make_pii({})
    for template in TEMPLATES:
        text = f"{fill(draw, template)} Card: 4539 5780 1234 5671. {fill(draw, template)}"
        assert [text[f.start : f.end] for f in detector.findings(Output(text), CASE)] == ["4539 5780 1234 5671"], text
