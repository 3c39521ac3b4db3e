"""toxicity: word lists whole and disguised, the classifier where it is installed, and never the lists in its place."""

from __future__ import annotations

import importlib.util
import sys
import time
from collections import Counter
from collections.abc import Iterator
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from evalgate.core.errors import BadInput, Incomplete
from evalgate.core.values import Case, Output, Severity
from evalgate.safety import toxicity, toxicity_classifier
from evalgate.safety.toxicity import make_toxicity
from evalgate.safety.toxicity_lists import KINDS, LANGUAGES, toxic_words
from evalgate.testing.detector_laws import check_detector

SAMPLES = Path(__file__).parent / "samples"
CASE = Case("1", {}, {}, (), {})
LISTS: dict[str, object] = {}
CLASSIFIER = {"model": "classifier"}
INSTALLED = importlib.util.find_spec("profanity_check") is not None
needs_classifier = pytest.mark.skipif(not INSTALLED, reason="alt-profanity-check (extra toxicity) is not installed")


def samples(name: str) -> Iterator[tuple[str, bool, str]]:
    for line in (SAMPLES / f"toxicity_{name}.tsv").read_text("utf-8").splitlines():
        if not line.startswith("#"):
            language, label, text = line.split("\t")
            yield language, label == "toxic", text


def found(text: str, **parameters: Any) -> list[tuple[str, str]]:
    detector = make_toxicity({**LISTS, **parameters})
    return [(f.rule, text[f.start : f.end]) for f in detector.findings(Output(text), CASE)]


@pytest.fixture
def scored(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """A stand-in for the classifier: a sentence with `bad` in it scores 0.95, any other 0.2."""
    seen: list[str] = []

    def score(texts: Any) -> list[float]:
        seen.extend(texts)
        return [0.95 if "bad" in text else 0.2 for text in texts]

    monkeypatch.setattr(toxicity_classifier, "load_scorer", lambda: score)
    monkeypatch.setattr(toxicity, "load_scorer", lambda: score)
    monkeypatch.setattr(toxicity, "classifier_version", lambda: "0.0.1")
    return seen


def test_the_held_out_samples_meet_the_stated_rates() -> None:
    """Written before the lists and never tuned on; the first measurement was 51 of 51, and 0 of 58 clean ones."""
    counts = Counter((toxic, bool(toxic_words(text, LANGUAGES, KINDS))) for _, toxic, text in samples("held_out"))
    assert counts[True, True] + counts[True, False] == 51
    assert counts[False, True] + counts[False, False] == 58
    assert counts[True, True] >= 49
    assert counts[False, True] <= 1


def test_every_development_sample_is_read_as_labelled() -> None:
    wrong = [text for _, toxic, text in samples("development") if bool(toxic_words(text, LANGUAGES, KINDS)) is not toxic]
    assert wrong == []
    assert not {text for *_, text in samples("held_out")} & {text for *_, text in samples("development")}


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("What a load of bullshit.", [("profanity", "bullshit")]),
        ("Stupid BITCH!", [("insult", "BITCH")]),
        ("sh1t and b1tch", [("profanity", "sh1t"), ("insult", "b1tch")]),
        ("@sshole", [("insult", "@sshole")]),
        ("so fuuuuuck it", [("profanity", "fuuuuuck")]),
        ("asssshole", [("insult", "asssshole")]),
        ("oh f u c k this", [("profanity", "f u c k")]),
        ("F-U-C-K", [("profanity", "F-U-C-K")]),
        ("s h 1 t", [("profanity", "s h 1 t")]),
        ("fu\u200bck", [("profanity", "fu\u200bck")]),
        ("ｆｕｃｋ", [("profanity", "ｆｕｃｋ")]),
        ("f**k", [("profanity", "f**k")]),
        ("Now kill yourself.", [("self_harm", "Now kill yourself")]),
        ("OK. Kill yourself.", [("self_harm", "Kill yourself")]),
        ("Mátate ya", [("self_harm", "Mátate")]),
        ("eine Scheiße ist das", [("profanity", "Scheiße")]),
    ],
)
def test_words_are_found_however_they_are_written(text: str, expected: list[tuple[str, str]]) -> None:
    assert found(text) == expected


@pytest.mark.parametrize(
    "text",
    [
        "",
        "Scunthorpe, Penistone and Cockermouth",
        "The pen is here.",
        "a s s e s s",
        "assassin, classic, shiitake, cockpit, Dickens, basement, passhit",
        "U S A, E U, U K and so on",
        "He works as shift lead.",
        "w h y  n o t",
        "If you want to kill yourself, talk to somebody now.",
        "en retard, con leche, Troia, il computer, negro como el carbón, der dicke Hund",
        "Fuckuoka is a misspelling of Fukuoka.",
        "455 8008 1337",
    ],
)
def test_harmless_words_stay_clean(text: str) -> None:
    assert found(text) == []


def test_each_rule_has_its_severity_unless_told_otherwise() -> None:
    text = "Go kill yourself. I will kill you. Those faggots. You bitch. Fuck."
    kinds = {f.rule: f.severity for f in make_toxicity(LISTS).findings(Output(text), CASE)}
    assert kinds == {
        "self_harm": Severity.CRITICAL,
        "threat": Severity.HIGH,
        "slur": Severity.HIGH,
        "insult": Severity.MEDIUM,
        "profanity": Severity.LOW,
    }
    same = make_toxicity({**LISTS, "severity": "low", "category": "tone"}).findings(Output(text), CASE)
    assert {(f.category, f.severity) for f in same} == {("tone", Severity.LOW)}


def test_languages_and_kinds_can_be_chosen() -> None:
    text = "You bitch. Arschloch. Fuck."
    assert found(text) == [("insult", "bitch"), ("insult", "Arschloch"), ("profanity", "Fuck")]
    assert found(text, languages=["de"]) == [("insult", "Arschloch")]
    assert found(text, languages=["en"], kinds=["profanity"]) == [("profanity", "Fuck")]


def test_what_overlaps_something_graver_is_not_said_twice() -> None:
    assert found("You are a fucking retard.") == [("slur", "fucking retard")]
    assert [rule for rule, _ in found("I will fucking kill you")] == ["threat"]


def test_the_classifier_marks_whole_sentences(scored: list[str]) -> None:
    text = "This is fine. This one is bad.\nbad word\nYou bad bad bitch of a bug! 12 34 56 bad"
    detector = make_toxicity(CLASSIFIER)
    findings = [(f.rule, text[f.start : f.end]) for f in detector.findings(Output(text), CASE)]
    assert findings == [("classifier", "This one is bad."), ("insult", "bitch")]
    assert scored == ["This is fine.", "This one is bad.", "You bad bad bitch of a bug!"]
    assert "model:alt-profanity-check-0.0.1|threshold:0.9|" in detector.spec.signature
    assert [f.rule for f in make_toxicity({**CLASSIFIER, "threshold": 0.96}).findings(Output(text), CASE)] == ["insult"]
    everything = make_toxicity({**CLASSIFIER, "threshold": 0.1}).findings(Output(text), CASE)
    assert [f.rule for f in everything] == ["classifier", "classifier", "insult"]


def test_long_texts_are_scored_in_pieces(scored: list[str]) -> None:
    text = "so bad " * 1000
    findings = make_toxicity(CLASSIFIER).findings(Output(text), CASE)
    assert len(findings) == len(scored) == 4
    assert max(map(len, scored)) <= 2000


def test_a_missing_classifier_is_no_verdict(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "profanity_check", None)
    toxicity_classifier.load_scorer.cache_clear()
    with pytest.raises(Incomplete, match="alt-profanity-check") as caught:
        make_toxicity(CLASSIFIER)
    assert "evalgate-engine[toxicity]" in str(caught.value)
    assert found("You bitch.") == [("insult", "bitch")]
    with pytest.raises(Incomplete):
        toxicity_classifier.toxic_sentences("One two three.", 0.5)
    toxicity_classifier.load_scorer.cache_clear()


def test_a_broken_model_file_is_no_verdict(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    (tmp_path / "profanity_check.py").write_text("raise ValueError('node array has an incompatible dtype')")
    monkeypatch.syspath_prepend(tmp_path)
    monkeypatch.delitem(sys.modules, "profanity_check", raising=False)
    toxicity_classifier.load_scorer.cache_clear()
    with pytest.raises(Incomplete, match="incompatible dtype"):
        make_toxicity(CLASSIFIER)
    toxicity_classifier.load_scorer.cache_clear()


@needs_classifier
def test_the_real_classifier_on_the_samples() -> None:
    detector = make_toxicity(CLASSIFIER)
    counts = Counter((toxic, bool(detector.findings(Output(text), CASE))) for _, toxic, text in samples("held_out"))
    assert counts[True, True] >= 49
    assert counts[False, True] <= 5
    assert make_toxicity({**CLASSIFIER, "threshold": 0.99}).findings(Output("Have a nice day, my friend."), CASE) == ()


@pytest.mark.parametrize(
    ("parameters", "said"),
    [
        ({"model": "bert"}, "none, classifier"),
        ({**LISTS, "threshold": 0.5}, "threshold"),
        ({"threshold": 1.5}, "at most 1"),
        ({"threshold": "high"}, "a number"),
        ({**LISTS, "languages": []}, "length"),
        ({**LISTS, "languages": ["xx"]}, "'xx'"),
        ({**LISTS, "languages": "de"}, "must be a list"),
        ({**LISTS, "kinds": ["insults"]}, "'insults'"),
        ({**LISTS, "severity": "bad"}, "severity"),
        ({**LISTS, "language": ["de"]}, "did you mean languages"),
    ],
)
def test_bad_parameters_are_refused(parameters: dict[str, Any], said: str) -> None:
    with pytest.raises(BadInput, match=said):
        make_toxicity(parameters)


def test_the_signature_says_every_parameter() -> None:
    changes = ({}, {"languages": ["de"]}, {"kinds": ["slur"]}, {"severity": "low"})
    assert len({make_toxicity({**LISTS, **change}).spec.signature for change in changes}) == len(changes)
    assert make_toxicity(LISTS).spec.sensitive


@given(st.text(st.sampled_from("fuckshit 15@$-.*\u200b\u0301é\nÄß"), max_size=60))
def test_spans_lie_inside_any_text_and_are_sorted(text: str) -> None:
    places = toxic_words(text, LANGUAGES, KINDS)
    assert list(places) == sorted(places, key=lambda p: (p[1], p[2], p[0]))
    assert all(0 <= start < end <= len(text) for _, start, end in places)
    assert all(first[2] <= second[1] for first, second in pairwise(places))


def test_laws(scored: list[str]) -> None:
    check_detector(make_toxicity(CLASSIFIER), [Output("You bitch."), Output("this is bad"), Output("")], [CASE] * 3)


@pytest.mark.parametrize("piece", ["a", "f u ", "fuck ", "1a", "you are ", "*", "\u0301", "go and ", "."])
def test_hostile_texts_take_no_time(piece: str, scored: list[str]) -> None:
    started = time.process_time()
    make_toxicity(CLASSIFIER).findings(Output((piece * 100_000)[:100_000]), CASE)
    assert time.process_time() - started < 1
