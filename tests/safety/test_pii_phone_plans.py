"""pii: the example numbers of every numbering plan of the world, as libphonenumber writes them."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from evalgate.core.values import Case, Output
from evalgate.safety.pii import make_pii

phones = pytest.importorskip("phonenumbers")
CASE = Case("1", {}, {}, (), {})
DETECTOR = make_pii({"entities": ["phone"]})


def written(style: int) -> Iterator[str]:
    for region in sorted(phones.SUPPORTED_REGIONS):
        for kind in (phones.PhoneNumberType.FIXED_LINE, phones.PhoneNumberType.MOBILE):
            example = phones.example_number_for_type(region, kind)
            if example is not None:
                yield phones.format_number(example, style)


def missed(numbers: list[str], sentence: str) -> list[str]:
    found = []
    for number in numbers:
        text = sentence.format(number)
        found.append([text[f.start : f.end] for f in DETECTOR.findings(Output(text), CASE)])
    return [number for number, spans in zip(numbers, found, strict=True) if spans != [number]]


@pytest.mark.parametrize("style", ["INTERNATIONAL", "E164"])
def test_numbers_with_a_country_code_need_no_word(style: str) -> None:
    least = 8 if style == "INTERNATIONAL" else 9
    numbers = [n for n in written(getattr(phones.PhoneNumberFormat, style)) if sum(map(str.isdigit, n)) >= least]
    assert len(numbers) > 450
    assert missed(numbers, "Our {} is new") == []


@pytest.mark.parametrize("sentence", ["My phone number is {}.", "Call me on {}", "Fax: {}\n", "Teléfono {}"])
def test_national_numbers_need_a_word(sentence: str) -> None:
    numbers = [n for n in written(phones.PhoneNumberFormat.NATIONAL) if sum(map(str.isdigit, n)) >= 7]
    assert len(numbers) > 450
    assert missed(numbers, sentence) == []


def test_regions_need_none() -> None:
    for region in ("DE", "FR", "GB", "US", "BR", "JP", "IN"):
        example = phones.format_number(phones.example_number(region), phones.PhoneNumberFormat.NATIONAL)
        text = f"Here: {example} then"
        findings = make_pii({"region": region}).findings(Output(text), CASE)
        assert [text[f.start : f.end] for f in findings] == [example]
