"""pii on 1,500 labelled texts: precision and recall by type, next to what another recogniser found in the same texts."""

from __future__ import annotations

import json
from collections import Counter
from pathlib import Path
from typing import Any

import pytest

from evalgate.core.values import Case, Output
from evalgate.safety.pii import make_pii

CASE = Case("1", {}, {}, (), {})
TYPES = {
    "email": "EMAIL_ADDRESS", "email_obfuscated": "EMAIL_ADDRESS", "phone": "PHONE_NUMBER", "card": "CREDIT_CARD", "iban": "IBAN_CODE",
    "ip": "IP_ADDRESS", "us_ssn": "US_SSN",
}  # fmt: skip
MORE = {"driver_license": "US_DRIVER_LICENSE", "url": "DOMAIN_NAME", "postcode": "ZIP_CODE", "age": "AGE"}
Hits = list[tuple[str, int, int]]


class Tally:
    """Labelled spans found and findings that hold, by overlap with a span of the same type and of any type."""

    def __init__(self) -> None:
        self.gold: Counter[str] = Counter()
        self.caught: Counter[str] = Counter()
        self.said: Counter[str] = Counter()
        self.right: Counter[str] = Counter()
        self.all = Counter[str]()

    def add(self, spans: list[dict[str, Any]], hits: Hits) -> None:
        for s in spans:
            over = [kind for kind, start, end in hits if start < s["end"] and s["start"] < end]
            self.gold[s["type"]] += 1
            self.caught[s["type"]] += s["type"] in over
            self.all["caught"] += bool(over)
        for kind, start, end in hits:
            under = [s["type"] for s in spans if start < s["end"] and s["start"] < end]
            self.said[kind] += 1
            self.right[kind] += kind in under
            self.all["right"] += bool(under)

    def recall(self, kinds: set[str]) -> float:
        return sum(self.caught[k] for k in kinds) / sum(self.gold[k] for k in kinds)

    def precision(self, kinds: set[str]) -> float:
        return sum(self.right[k] for k in kinds) / sum(self.said[k] for k in kinds)

    def f1(self) -> float:
        recall, precision = self.all["caught"] / self.gold.total(), self.all["right"] / self.said.total()
        return 2 * recall * precision / (recall + precision)


@pytest.fixture(scope="module")
def rows(request: pytest.FixtureRequest) -> list[dict[str, Any]]:
    folder: Path = request.getfixturevalue("shared_data") / "pii_presidio"
    recorded = [
        json.loads(line) for line in (folder / "outputs" / "presidio_pattern_recognizers.jsonl").read_text("utf-8").splitlines()
    ]
    hits = {row["id"]: row["hits"] for row in recorded}
    golden = [json.loads(line) for line in (folder / "golden.jsonl").read_text("utf-8").splitlines()]
    assert len(golden) == 1500
    return [row | {"hits": hits[row["id"]]} for row in golden]


def ours(rows: list[dict[str, Any]], **parameters: Any) -> Tally:
    detector, tally = make_pii(parameters), Tally()
    for row in rows:
        findings = detector.findings(Output(row["text"]), CASE)
        tally.add(row["spans"], [((TYPES | MORE).get(f.rule, f.rule), f.start, f.end) for f in findings])
    return tally


def theirs(rows: list[dict[str, Any]]) -> Tally:
    tally = Tally()
    for row in rows:
        tally.add(row["spans"], [(hit["type"], hit["start"], hit["end"]) for hit in row["hits"]])
    return tally


@pytest.mark.parametrize("kind", sorted(set(TYPES.values())))
def test_every_type_with_a_form_is_found_and_little_else(rows: list[dict[str, Any]], kind: str) -> None:
    tally = ours(rows)
    assert tally.recall({kind}) >= 0.95
    assert tally.precision({kind}) >= 0.95


def test_in_total_better_than_the_recorded_recogniser(rows: list[dict[str, Any]]) -> None:
    kinds = set(TYPES.values())
    mine, other = ours(rows), theirs(rows)
    assert (other.gold.total(), other.said.total(), sum(other.caught.values())) == (2863, 278, 258), "the recorded figures"
    assert mine.recall(kinds) > other.recall(kinds)
    assert mine.precision(kinds) > other.precision(kinds)
    assert mine.f1() > other.f1()
    assert mine.said.total() == sum(mine.said[k] for k in kinds | {"US_DRIVER_LICENSE"}), "nothing else is seen in these texts"


def test_types_on_request(rows: list[dict[str, Any]]) -> None:
    tally = ours(rows, entities=["url", "age", "postcode", "driver_license"])
    assert {kind: tally.precision({kind}) for kind in MORE.values()} == dict.fromkeys(MORE.values(), 1.0)
    assert [tally.recall({kind}) for kind in ("DOMAIN_NAME", "AGE", "US_DRIVER_LICENSE")] == [1, 1, 1]
    assert tally.recall({"ZIP_CODE"}) > 0.4, "only those that the text calls a postcode"
