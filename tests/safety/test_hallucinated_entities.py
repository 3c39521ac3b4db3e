"""hallucinated_entities: numbers and names that no source knows, whatever their notation, and what is left alone."""

from __future__ import annotations

import json
import time
from collections import Counter
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from evalgate.core.errors import BadInput
from evalgate.core.values import Case, Output
from evalgate.safety.hallucinated_entities import make_hallucinated_entities
from evalgate.testing.detector_laws import check_detector

SOURCE = (
    "The museum in Vienna opened in 1912. Anna Berger, 47, sold 1,200 paintings for €3.5 million on 12 May 2020. "
    'The United Nations sent twelve envoys to Germany. The film "The Long Way Home" starts at 3 pm and costs 10.25 euros.'
)


def case(source: Any = SOURCE, references: tuple[Any, ...] = ()) -> Case:
    return Case("case-9", {}, {"text": source}, references, {}, place="cases.jsonl:9")


def found(text: str, where: Case | None = None, **parameters: Any) -> list[tuple[str, str]]:
    detector = make_hallucinated_entities(parameters)
    return [(f.rule, text[f.start : f.end]) for f in detector.findings(Output(text), where or case())]


@pytest.mark.parametrize(
    "text",
    [
        "",
        "Anna Berger sold 1.200 paintings for 3,500,000 euros.",
        "It was 1 200 or 1'200 paintings, twelve hundred in words.",
        "It was 3.5m, 3,5 Millionen, or 3500000 euros.",
        "On 2020-05-12, 12.05.2020, 05/12/2020 or May 12th, 2020 it was sold.",
        "On the 12th of May the UN sent 12 German envoys.",
        "The forty-seven-year-old seller; siebenundvierzig; cuarenta y siete; quarante-sept.",
        "The film “The Long Way Home” starts at 15:00.",
        "It costs 10.3 euros, about 10 euros.",
        "Vienna's museum and BERGER's house.",
        "Yesterday was fine. Museums are open on Monday and in July.",
        "Key Points:\n1. Vienna is old\n2. It opened in 1912\n3. Berger sold paintings [4]",
        "Step 5: open the door.",
        "A Guide To The Great Museum",
        "I think that Dr. Berger is OK.",
        "Two people and one dog went there once.",
        "B2B and A4 are no numbers.",
    ],
)
def test_what_a_source_knows_is_left_alone(text: str) -> None:
    assert found(text, kinds=["number"]) == []
    assert [f for f in found(text) if f[1] not in ("B2B", "A4", "Millionen")] == []


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("Berger, aged 48, sold them in Salzburg.", [("number", "48"), ("name", "Salzburg")]),
        ("She sold 12,000 paintings.", [("number", "12,000")]),
        ("She sold them for 3.6 million.", [("number", "3.6")]),
        ("She sold them for 3.5 billion.", [("number", "3.5")]),
        ("The sale was on 12 June 2020.", [("number", "June")]),
        ("The sale was on 12 May 2021.", [("number", "2021")]),
        ("It starts at 16:00.", [("number", "16")]),
        ("It grew by 35%.", [("number", "35")]),
        ("Seventeen people came.", [("number", "Seventeen")]),
        ("Two hundred and five people came.", [("number", "Two hundred and five")]),
        ("Siebzehn kamen, einundneunzig gingen.", [("number", "Siebzehn"), ("number", "einundneunzig")]),
        ("Anna Berger met Barack Obama in Vienna.", [("name", "Barack Obama")]),
        ("The BBC said so, and IBM's boss too.", [("name", "BBC"), ("name", "IBM's")]),
        ("Her film “The Short Way Home” won.", [("name", "The Short Way Home")]),
        ("Obama came. They saw Obama.", [("name", "Obama"), ("name", "Obama")]),
        ("Das Museum in Wien wurde eröffnet und ist nicht das Haus von Angela Merkel.", [("name", "Angela Merkel")]),
        ("She lives in Zürich.", [("name", "Zürich")]),
        ("１７ people", [("number", "１７")]),
    ],
)
def test_what_no_source_knows_is_found(text: str, expected: list[tuple[str, str]]) -> None:
    assert found(text) == expected


def test_sources_and_kinds_can_be_chosen() -> None:
    detector = make_hallucinated_entities({"sources": ["prompt"]})
    output = Output("Obama is 48.", messages=(("system", "Answer."), ("user", "Is he 48?")))
    assert detector.findings(output, case()) == ()
    assert found("He met Obama, 48.", case("none", ("He met Obama.",))) == [("number", "48")]
    assert found("He met Obama, 48.", case("none", ({"who": ["Obama"], "age": 48},))) == []
    assert found("He met Obama, 48.", case(48)) == [("name", "Obama")]
    assert found("He met Obama, 48.", case("Obama"), sources=["references", "inputs"]) == [("number", "48")]
    assert found("He met Obama, 48.", kinds=["name"]) == [("name", "Obama")]
    assert found("He met Obama, 48.", allow=["Barack Obama", "48"]) == []


@pytest.mark.parametrize(("where", "sources"), [(case(""), ["inputs"]), (case(), ["references"]), (case(), ["prompt"])])
def test_without_any_source_nothing_looks_clean(where: Case, sources: list[str]) -> None:
    with pytest.raises(BadInput, match="case-9") as caught:
        make_hallucinated_entities({"sources": sources, "allow": ["x"]}).findings(Output("fine"), where)
    assert caught.value.problems[0].where == "cases.jsonl:9"


@pytest.mark.parametrize(
    ("parameters", "said"),
    [
        ({"kinds": []}, "length"),
        ({"kinds": ["date"]}, "'date'"),
        ({"kinds": "number"}, "must be a list"),
        ({"sources": ["web"]}, "'web'"),
        ({"allow": [48]}, "must list texts"),
        ({"allow": ["--"]}, "letter or digit"),
        ({"severity": "bad"}, "severity"),
        ({"source": ["inputs"]}, "did you mean sources"),
    ],
)
def test_bad_parameters_are_refused(parameters: dict[str, Any], said: str) -> None:
    with pytest.raises(BadInput, match=said):
        make_hallucinated_entities(parameters)


def test_the_signature_says_every_parameter() -> None:
    changes = ({}, {"kinds": ["name"]}, {"sources": ["inputs"]}, {"allow": ["x"]}, {"severity": "low"})
    assert len({make_hallucinated_entities(change).spec.signature for change in changes}) == len(changes)
    assert make_hallucinated_entities({}).spec.sensitive is False


@given(st.integers(0, 10**9))
def test_a_number_is_known_in_any_notation_and_its_neighbour_is_not(value: int) -> None:
    for written in (str(value), f"{value:,}", f"{value:,}".replace(",", "."), f"{value:,}".replace(",", " ")):
        assert found(f"There are {written}.", case(f"We counted {value} of them.")) == []
    other = value + 1001
    assert found(f"There are {other}.", case(f"We counted {value} of them.")) == [("number", str(other))]


@given(st.text(st.sampled_from("Aa 1.,'\"“”-:\n\u0301éß0"), max_size=60))
def test_a_text_is_known_to_itself(text: str) -> None:
    detector = make_hallucinated_entities({})
    assert detector.findings(Output(text), case(f"x {text}")) == ()
    spans = [(f.start, f.end) for f in detector.findings(Output(text), case("x"))]
    assert all(0 <= start < end <= len(text) for start, end in spans)
    assert spans == sorted(spans)


@pytest.mark.slow
def test_laws() -> None:
    check_detector(make_hallucinated_entities({}), [Output(SOURCE), Output("Obama, 48."), Output("")], [case()] * 3)


@pytest.mark.parametrize("piece", ["a", "A ", "A b. ", "1", "1 000 ", "1,", "May 1 ", "twenty ", '"A ', "A-", "\u0301", "a\n"])
def test_hostile_texts_take_no_time(piece: str) -> None:
    text = (piece * 100_000)[:100_000]
    started = time.process_time()
    found(text, case(text))
    found(text, case("x"))
    assert time.process_time() - started < 3


def test_numbers_against_human_labels(shared_data: Path) -> None:
    """XSum summaries are in lower case and come without their articles: only numbers, against the reference alone."""
    folder = shared_data / "xsum_halluc"
    references = {
        row["id"]: row["reference"] for row in map(json.loads, (folder / "golden.jsonl").read_text("utf-8").split("\n")[:-1])
    }
    detector = make_hallucinated_entities({"kinds": ["number"], "sources": ["references"]})
    counts: Counter[tuple[bool, bool]] = Counter()
    for system in ("PtGen", "TConvS2S", "TranS2S", "BERTS2S"):
        for line in (folder / "outputs" / f"{system}.jsonl").read_text("utf-8").split("\n")[:-1]:
            row = json.loads(line)
            where = Case(row["id"], {}, {}, (references[row["id"]],), {})
            counts[bool(detector.findings(Output(row["output"]), where)), row["hallucinated_majority"]] += 1
    assert sum(counts.values()) == 2000
    assert counts[True, True] / (counts[True, True] + counts[True, False]) >= 0.95
    assert counts[True, True] >= 340
