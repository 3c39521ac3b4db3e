"""What detectors found is masked before any report sees it, wherever it stands in a case."""

from __future__ import annotations

import json
import unicodedata
from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from evalgate.core.record import ArmRecord, CaseRecord, PromptRecord
from evalgate.core.settings import PluginChoice
from evalgate.core.values import Finding, Severity, Status
from evalgate.core.waivers import FoundFinding
from evalgate.report.masking import Policy, masked_cases, masked_choices, masked_prompts
from evalgate.report.word_diff import with_masks, word_diff

PII = Policy(frozenset({"pii"}))
SHOWN = Policy(frozenset({"pii"}), shown=True)
MAIL = "ana@example.com"
HASH = "3fa9c1d2e3f40516"


def found(text: str, what: str, category: str = "pii", rule: str = "email", sample: int = 0) -> tuple[FoundFinding, str]:
    start = text.index(what)
    return FoundFinding(Finding(category, rule, Severity.HIGH, start, start + len(what)), sample, HASH), what


def arm(text: str, *pairs: tuple[FoundFinding, str], error: str | None = None) -> ArmRecord:
    return ArmRecord(
        messages=(("user", f"mail {MAIL} please"),),
        text=text,
        status=Status.OK,
        error=error,
        request_key=None,
        latency_ms=None,
        scores={},
        findings=tuple(one.finding for one, _ in pairs),
        found=tuple(one for one, _ in pairs),
        found_texts=tuple(what for _, what in pairs),
    )


def case(candidate: ArmRecord, **changes: Any) -> CaseRecord:
    inputs = changes.pop("inputs", {"q": f"to {MAIL}", "n": [1, {"deep": MAIL.upper()}]})
    fields: dict[str, Any] = {"references": (MAIL, {"k": [MAIL]}), "baseline": arm(f"{MAIL}, twice {MAIL}", error=f"lost {MAIL}")}
    return CaseRecord(
        id="c1", movement="unchanged", newly_violating=True, change=None, slices={"s": MAIL}, group=MAIL,
        inputs=inputs, candidate=candidate, **(fields | changes),
    )  # fmt: skip


def masked_one(record: CaseRecord, policy: Policy) -> CaseRecord:
    (shown,) = masked_cases([record], policy)
    return shown


def everything(record: CaseRecord) -> str:
    """Every text that any report could show of a case."""
    texts: list[str] = [json.dumps([record.inputs, record.references, dict(record.slices), record.group], ensure_ascii=False)]
    for side in (record.baseline, record.candidate):
        texts += [side.text, side.error or "", *(content for _, content in side.messages), *side.found_texts]
        texts += [one.rule for one in side.findings] + [mark.label for mark in side.marks]
    return "\n".join(texts)


def test_a_text_is_masked_wherever_it_stands() -> None:
    text = f"write to {MAIL} now"
    shown = masked_one(case(arm(text, found(text, MAIL))), PII)
    assert shown.candidate.text == "write to [email #3fa9c1] now"
    assert shown.baseline.text == "[email #3fa9c1], twice [email #3fa9c1]"
    assert shown.inputs == {"q": "to [email #3fa9c1]", "n": [1, {"deep": "[email #3fa9c1]"}]}
    assert shown.references == ("[email #3fa9c1]", {"k": ["[email #3fa9c1]"]})
    assert shown.masks == ("[email #3fa9c1]",)
    assert MAIL not in everything(shown).casefold()
    (mark,) = shown.candidate.marks
    assert shown.candidate.text[mark.start : mark.end] == "[email #3fa9c1]" and mark.masked


def test_what_the_policy_shows_is_highlighted() -> None:
    text = f"write to {MAIL} now"
    shown = masked_one(case(arm(text, found(text, MAIL))), SHOWN)
    assert shown.candidate.text == text and shown.inputs["q"] == f"to {MAIL}"
    (mark,) = shown.candidate.marks
    assert text[mark.start : mark.end] == MAIL and not mark.masked and mark.label == "pii: email (high)"


@pytest.mark.parametrize(
    ("error", "kinds"),
    [
        ("boom … zzz@mail.de", ""),
        ("zzz@mail.de: HTTP 503 from the model of zzz", "HTTP 503; "),
        ("the recorded exchange is an error: Timeout: zzz waited", "timeout; "),
        ("rate_limit of zzz, HTTP 429, HTTP 429", "rate_limit, HTTP 429; "),
        ("HTTP 4012888888881881 zzz", ""),
    ],
)
def test_the_message_of_a_lost_answer_is_withheld_since_no_detector_looked_at_it(error: str, kinds: str) -> None:
    record = case(arm("", error=error), baseline=arm("fine", error=error))
    shown = masked_one(record, PII)
    assert shown.candidate.error == shown.baseline.error == f"{kinds}the message is withheld, as no detector looked at it"
    assert masked_one(record, SHOWN).candidate.error == error
    assert masked_one(record, Policy(frozenset())).candidate.error == error, "where nothing is masked, nothing is withheld"


def test_what_harms_nobody_is_highlighted_beside_what_is_masked() -> None:
    text = f"I cannot help, {MAIL}, with that"
    pairs = (found(text, MAIL), found(text, text, "refusal", "refused"), found(text, "cannot help", "refusal", "phrase"))
    shown = masked_one(case(arm(text, *pairs)), PII).candidate
    assert shown.text == "I cannot help, [email #3fa9c1], with that"
    assert [(shown.text[m.start : m.end], m.masked) for m in shown.marks] == [
        ("I cannot help, ", False), ("[email #3fa9c1]", True), (", with that", False),
    ]  # fmt: skip


def test_a_short_text_is_masked_where_it_was_found_and_not_elsewhere() -> None:
    text = "call 007 or 007"
    shown = masked_one(case(arm(text, found(text, "007", rule="phone")), inputs={"q": "007"}), PII)
    assert shown.candidate.text == "call [phone #3fa9c1] or 007" and shown.inputs == {"q": "007"}


def test_overlapping_findings_are_one_mark() -> None:
    text = "x ana@example.com y"
    pairs = (found(text, MAIL), found(text, "example.com", rule="host"))
    shown = masked_one(case(arm(text, *pairs)), PII).candidate
    assert shown.text == "x [email #3fa9c1] y" and len(shown.marks) == 1


def test_a_rule_that_is_the_text_does_not_name_it() -> None:
    text = "you badword you"
    shown = masked_one(case(arm(text, found(text, "badword", rule="badword"))), PII)
    assert shown.candidate.text == "you [pii #3fa9c1] you"
    assert shown.candidate.findings[0].rule == "masked"
    assert "badword" not in everything(shown)


def test_a_text_is_masked_in_the_other_cases_of_the_run_too() -> None:
    text = f"write to {MAIL} now"
    other = case(arm(f"nothing but {MAIL}"), inputs={"q": MAIL})
    first, second = masked_cases([case(arm(text, found(text, MAIL))), other], PII)
    assert MAIL not in everything(first).casefold() and MAIL not in everything(second).casefold()
    assert second.candidate.text == "nothing but [email #3fa9c1]" and second.candidate.marks[0].masked


def test_numbers_and_printed_values_are_masked_too() -> None:
    card = "4111111111111111"
    text = f"card {card}"
    made = case(arm(text, found(text, card, rule="card")), inputs={"n": int(card), "d": {card: True}, "none": None})
    assert masked_one(made, PII).inputs == {"n": "[card #3fa9c1]", "d": {"[card #3fa9c1]": True}, "none": None}
    quoted = '{"k": "v"}'
    printed = case(arm(quoted, found(quoted, quoted, rule="json")), inputs={"j": {"k": "v"}})
    assert masked_one(printed, PII).inputs == {"j": "[json #3fa9c1]"}


def test_a_text_of_another_answer_is_masked_in_the_case() -> None:
    one, what = found(f"later {MAIL}", MAIL, sample=1)
    shown = masked_one(case(arm("nothing here", (one, what))), PII)
    assert shown.candidate.text == "nothing here" and MAIL not in everything(shown).casefold()


def test_other_normal_forms_and_cases_are_the_same_text() -> None:
    name = "José Ángel"
    text = f"ask {name}"
    inputs = {"a": unicodedata.normalize("NFD", name), "b": name.upper()}
    assert set(masked_one(case(arm(text, found(text, name, rule="name")), inputs=inputs), PII).inputs.values()) == {
        "[name #3fa9c1]"
    }


@pytest.mark.parametrize(
    ("what", "other"),
    [
        ("müller-groß@firma.de", "MÜLLER-GROSS@FIRMA.DE"),
        ("MÜLLER-GROSS@FIRMA.DE", "müller-groß@firma.de"),
        ("müller-groß@firma.de", unicodedata.normalize("NFD", "MÜLLER-GROẞ@FIRMA.DE")),
        ("maria@firma.de", "ＭＡＲＩＡ@firma.de"),
        ("ＭＡＲＩＡ@firma.de", "Maria@firma.de"),
        ("4012888888881881", "４０１２８８８８８８８８１８８１"),
        ("office@firma.de", "oﬃce@ﬁrma.de"),
        ("ali.kilic@firma.de", "ALİ.KILIÇ@FİRMA.DE".replace("Ç", "C")),
        ("Ἀχιλλεύς", "ἈΧΙΛΛΕΎΣ"),
        ("한국어다라", unicodedata.normalize("NFD", "한국어다라")),
        ("q\u0307\u0323abc", "Q\u0323\u0307ABC"),
    ],
)
def test_no_letter_case_and_no_unicode_form_lets_a_text_through(what: str, other: str) -> None:
    text = f"ask {what} now"
    record = case(arm(text, found(text, what)), inputs={"q": f"ß {other} ﬁ!"}, references=(other,), baseline=arm(f"ﬁ {other}."))
    elsewhere = case(arm(f"ﬃ {other}"), inputs={"q": other}, baseline=arm(other.upper()))
    shown, second = masked_cases([record, elsewhere], PII)
    mark = "[email #3fa9c1]"
    assert shown.candidate.text == f"ask {mark} now" and shown.inputs == {"q": f"ß {mark} ﬁ!"}
    assert shown.references == (mark,) and shown.baseline.text == f"ﬁ {mark}."
    assert second.candidate.text == f"ﬃ {mark}" and second.inputs == {"q": mark} and second.baseline.text == mark


def test_with_too_many_texts_nothing_is_shown() -> None:
    words = [f"word{n:05}" for n in range(2_100)]
    text = " ".join(words)
    pairs = [(FoundFinding(Finding("pii", "r", Severity.LOW, 10 * n, 10 * n + 9), 0, HASH), word) for n, word in enumerate(words)]
    shown = masked_one(case(arm(text, *pairs), inputs={"q": "anything"}), PII)
    assert shown.candidate.text == "[withheld]" and shown.inputs == {"q": "[withheld]"} and "word0" not in everything(shown)


def test_prompts_and_parameters_do_not_show_it_either() -> None:
    text = "the SECRET-SYSTEM words"
    made = case(arm(text, found(text, "SECRET-SYSTEM", rule="leak")))
    prompt = PromptRecord("p@1", "p", "d", (("system", "Never say secret-system."),), {}, "m")
    shown = masked_prompts({"baseline": prompt}, [made], PII)["baseline"]
    assert shown.messages == (("system", "Never say [leak #3fa9c1]."),)
    assert masked_prompts({"baseline": prompt}, [made], SHOWN)["baseline"] == prompt
    told = replace(prompt, messages=(("user", "hello"),), use={"intended_use": "never for SECRET-SYSTEM"})
    assert masked_prompts({"candidate": told}, [made], PII)["candidate"].use == {"intended_use": "never for [leak #3fa9c1]"}
    choice = PluginChoice("blocklist", {"terms": ["secret-system", "other"], "n": 3})
    (masked,) = masked_choices([choice], [made], PII)
    assert masked.parameters == {"terms": ["[leak #3fa9c1]", "other"], "n": 3}


TEXTS = st.text(alphabet="ab1 [#…é\u0301\u0316İıßﬁmasked@", min_size=0, max_size=40)


@given(st.data(), TEXTS, TEXTS, st.sampled_from(["email", "masked", "ab", "a1"]))
def test_masking_never_leaves_the_text(data: st.DataObject, text: str, other: str, rule: str) -> None:
    spans = data.draw(st.lists(st.tuples(st.integers(0, len(text)), st.integers(0, len(text))), max_size=4))
    pairs = [(FoundFinding(Finding("pii", rule, Severity.LOW, min(s), max(s)), 0, HASH), text[min(s) : max(s)]) for s in spans]
    noted = case(arm(text, *pairs), inputs={"q": f"{other}{text}", other: [text]}, references=(other + text,))
    shown = masked_one(noted, PII)
    told = [shown.candidate.text, shown.baseline.text, *shown.candidate.found_texts]
    told += [str(v) for v in (*shown.inputs.values(), *shown.references)]
    for _, what in pairs:
        if len(what) >= 4:
            assert not any(what in one for one in told)
        if what and what in shown.candidate.text:
            assert len(what) < 4  # a shorter text may well stand elsewhere
    for mark in shown.candidate.marks:
        assert 0 <= mark.start < mark.end <= len(shown.candidate.text)
    assert all(a.end <= b.start for a, b in zip(shown.candidate.marks, shown.candidate.marks[1:], strict=False))


@given(st.data(), TEXTS)
def test_a_text_without_findings_and_a_shown_one_stay_as_they_are(data: st.DataObject, text: str) -> None:
    first = data.draw(st.integers(0, len(text)))
    pair = (FoundFinding(Finding("pii", "r", Severity.LOW, first, len(text)), 0, HASH), text[first:])
    assert masked_one(case(arm(text)), PII).candidate.text == text
    assert masked_one(case(arm(text, pair)), SHOWN).candidate.text == text
    assert masked_one(case(arm(text, pair)), Policy(frozenset({"other"}))).candidate.text == text


def test_a_mark_is_one_word_of_a_comparison() -> None:
    before, after = f"mail {MAIL} now", "mail bob@example.org now"
    pairs = (
        found(before, MAIL),
        (FoundFinding(Finding("pii", "email", Severity.HIGH, 5, 20), 0, "ffff00001111aaaa"), "bob@example.org"),
    )
    shown = masked_one(case(arm(after, pairs[1]), baseline=arm(before, pairs[0])), PII)
    old, new = word_diff(shown.baseline.text, shown.candidate.text, shown.baseline.marks, shown.candidate.marks)
    assert old.count("<mark") == new.count("<mark") == 1
    assert old.startswith('mail <del><mark class="masked"') and "<ins><mark" in new
    assert with_masks("a [x #1] <b>", ("[x #1]",)).count("<mark") == 1
