"""Hashes of what was found, and which waivers cover it."""

from __future__ import annotations

import hashlib
import hmac
import json
import unicodedata
from dataclasses import replace
from datetime import date

import pytest
from hypothesis import given
from hypothesis import strategies as st

from evalgate.core.errors import BadInput, Incomplete
from evalgate.core.values import Finding, Output, Severity
from evalgate.core.waivers import LOST, FoundFinding, Waiver, counting, waived
from evalgate.runner.finding_marks import (
    FindingsTask,
    covers,
    found_document,
    found_from,
    key_check,
    keyed_hash,
    marker_of,
    task_document,
    task_from,
)
from evalgate.runner.job import Job

KEY = "a key that nobody knows 123"
DAY = date(2026, 12, 31)
EMAIL = Finding("pii", "email", Severity.HIGH, 9, 24)
OUTPUT = Output(text="write to ana@example.com!")


def waiver(**scope: str) -> Waiver:
    return Waiver("pii", "ana", "made up", DAY, **scope)


def task(*waivers: Waiver, expired: tuple[bool, ...] | None = None) -> FindingsTask:
    return FindingsTask("gate", "data", waivers=waivers, expired=expired or (False,) * len(waivers))


def marks(given: FindingsTask, finding: Finding = EMAIL, case: str = "c1") -> FoundFinding:
    (found,) = marker_of(given).marked([[finding]], [OUTPUT], case)
    return found


def test_the_hash_is_the_hmac_of_rfc_2104_over_the_nfc_text() -> None:
    key = b"key of the test"
    expected = hmac.new(key, unicodedata.normalize("NFC", "e\u0301").encode(), hashlib.sha256).hexdigest()[:16]
    assert keyed_hash(key, "e\u0301") == keyed_hash(key, "é") == expected
    assert keyed_hash(key, "") == ""


@given(st.binary(min_size=1, max_size=40), st.text(max_size=50), st.text(max_size=50))
def test_equal_texts_have_equal_hashes_and_others_do_not(key: bytes, one: str, other: str) -> None:
    same = unicodedata.normalize("NFC", one) == unicodedata.normalize("NFC", other)
    assert (keyed_hash(key, one) == keyed_hash(key, other)) == same


def test_a_lone_surrogate_has_a_hash() -> None:
    assert len(keyed_hash(b"k", "\ud800")) == 16


def test_hashes_of_another_gate_dataset_or_key_differ(monkeypatch: pytest.MonkeyPatch) -> None:
    plain = task()
    monkeypatch.setenv("FINDINGS_KEY", KEY)
    secret = replace(plain, key_env="FINDINGS_KEY", key_check=key_check("FINDINGS_KEY"))
    found = {marks(one).hash for one in (plain, replace(plain, gate="other"), replace(plain, dataset="other"), secret)}
    assert len(found) == 4
    assert marks(secret).hash == hmac.new(KEY.encode(), b"ana@example.com", hashlib.sha256).hexdigest()[:16]


@pytest.mark.parametrize("value", [None, "", "   ", "short"])
def test_a_missing_or_short_key_is_refused_without_its_value(monkeypatch: pytest.MonkeyPatch, value: str | None) -> None:
    monkeypatch.delenv("FINDINGS_KEY", raising=False)
    if value is not None:
        monkeypatch.setenv("FINDINGS_KEY", value)
    with pytest.raises(BadInput, match="FINDINGS_KEY") as refused:
        key_check("FINDINGS_KEY")
    assert "short" not in str(refused.value).replace("too short", "")


def test_a_worker_with_another_key_stops(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("FINDINGS_KEY", KEY)
    begun = replace(task(), key_env="FINDINGS_KEY", key_check=key_check("FINDINGS_KEY"))
    monkeypatch.setenv("FINDINGS_KEY", "another key of that length")
    with pytest.raises(Incomplete, match="not the one that the run began with"):
        marker_of(begun)


def test_the_key_is_not_in_the_job(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("FINDINGS_KEY", KEY)
    begun = replace(task(waiver(case="c1")), key_env="FINDINGS_KEY", key_check=key_check("FINDINGS_KEY"))
    written = json.dumps(task_document(begun))
    assert KEY not in written and "FINDINGS_KEY" in written
    assert task_from(json.loads(written)) == begun


def test_other_waivers_or_another_key_are_another_job() -> None:
    def digest(findings: FindingsTask) -> str:
        return Job("1", (), (), {}, 1, (), findings=findings).digest()

    one = task(waiver(case="c1"))
    others = [task(), replace(one, expired=(True,)), replace(one, key_check="x"), task(waiver(case="c2"))]
    assert len({digest(one), *map(digest, others)}) == 5
    moved = replace(one, waivers=(replace(one.waivers[0], place="elsewhere.yaml:9"),))
    assert digest(moved) == digest(one)


HASH = marks(task()).hash


@pytest.mark.parametrize(
    ("scope", "covered"),
    [
        ({"case": "c1"}, True),
        ({"hash": HASH}, True),
        ({"case": "c1", "hash": HASH}, True),
        ({"case": "c1", "rule": "email"}, True),
        ({"case": "c1", "rule": "phone"}, False),
        ({"case": "c2"}, False),
        ({"case": "c2", "hash": HASH}, False),
        ({"case": "c1", "hash": "0" * 16}, False),
        ({"hash": ""}, False),
        ({"rule": "email"}, False),
        ({}, False),
    ],
)
def test_a_waiver_covers_what_it_names_and_nothing_else(scope: dict[str, str], covered: bool) -> None:
    found = marks(task(waiver(**scope)))
    assert (found.waiver == 0) is covered and found.covering == ((0,) if covered else ())
    assert (counting([found]) == ()) is covered and (waived([found]) == (EMAIL,)) is covered


def test_another_category_is_not_covered_and_undecided_findings_are() -> None:
    given_ = task(waiver(case="c1"))
    assert marks(given_, replace(EMAIL, category="secrets")).waiver is None
    assert marks(given_, replace(EMAIL, undecided=True)).waiver == 0


def test_an_expired_waiver_covers_nothing_and_is_seen() -> None:
    first, second = waiver(case="c1"), waiver(hash=HASH)
    assert marks(task(first, expired=(True,))).waiver is None
    found = marks(task(first, second, expired=(True, False)))
    assert found.waiver == 1 and found.covering == (0, 1)


REDACTED = Finding("pii", "redacted-secret", Severity.CRITICAL, 0, 0)


def test_what_nobody_can_see_is_waived_only_by_case_and_rule() -> None:
    marker = marker_of(task(waiver(case="c1", rule=LOST)))
    assert marker.lost("pii", "c1").waiver == 0 and marker.lost("pii", "c1").finding.rule == LOST
    assert marker.lost("pii", "c2").waiver is None and marker.lost("secrets", "c1").waiver is None
    found = marks(task(waiver(case="c1", rule="redacted-secret")), REDACTED)
    assert found.waiver == 0 and found.hash == ""


@pytest.mark.parametrize(
    "scope",
    [{"case": "c1"}, {"case": "c1", "rule": "email"}, {"hash": HASH}, {"hash": ""}, {"rule": LOST}, {"rule": "redacted-secret"}],
)
def test_a_waiver_of_what_was_found_covers_nothing_that_is_missing(scope: dict[str, str]) -> None:
    marker = marker_of(task(waiver(**scope)))
    assert marker.lost("pii", "c1").waiver is None and marker.lost("pii", "c1").covering == ()
    assert marks(task(waiver(**scope)), REDACTED).waiver is None


def test_a_waiver_of_a_lost_answer_covers_no_redacted_secret_and_no_finding() -> None:
    lost = task(waiver(case="c1", rule=LOST))
    assert marks(lost).waiver is None and marks(lost, REDACTED).waiver is None
    assert marker_of(task(waiver(case="c1", rule="redacted-secret"))).lost("pii", "c1").waiver is None


def test_another_finding_without_a_text_is_waived_by_its_case_alone() -> None:
    empty = Finding("pii", "empty", Severity.LOW, 0, 0)
    assert marks(task(waiver(case="c1")), empty).waiver == 0 and marks(task(waiver(hash="")), empty).waiver is None


def test_cases_are_compared_after_normalisation() -> None:
    assert marks(task(waiver(case="é")), case="e\u0301").waiver == 0


@given(
    st.sampled_from(["email", "phone", LOST]),
    st.sampled_from(["c1", "c2"]),
    st.sampled_from(["", "a" * 16, "b" * 16]),
    st.builds(
        waiver,
        rule=st.sampled_from([None, "email", "phone", LOST]),
        case=st.sampled_from([None, "c1", "c2"]),
        hash=st.sampled_from([None, "", "a" * 16, "b" * 16]),
    ),
)
def test_every_scope_that_is_given_must_fit(rule: str, case: str, text: str, one: Waiver) -> None:
    fits = covers(one, rule, case, text)
    if fits:
        assert one.case is not None or one.hash is not None
        assert one.rule == rule or (one.rule is None and rule != LOST)
        assert one.case in (None, case) and one.hash in (None, text) and one.hash != ""
    else:
        wrong = [
            one.rule not in (None, rule),
            one.case not in (None, case),
            one.hash not in (None, text),
            one.hash == "",
            one.rule is None and rule == LOST,
        ]
        assert any(wrong) or (one.case is None and one.hash is None)


def test_a_finding_survives_the_shard_without_its_text() -> None:
    found = marks(task(waiver(case="c1")))
    written = json.loads(json.dumps(found_document(found)))
    assert written["hash"] == HASH and written["waived"] == 0 and "example.com" not in json.dumps(written)
    assert found_from(written) == replace(found, covering=())
