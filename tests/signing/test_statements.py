"""Statements: written as in-toto has them, and read so that no signed nonsense is more than a refusal."""

from __future__ import annotations

import copy
import json
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta, timezone
from typing import Any

import pytest

from evalgate.core.canonical import digest
from evalgate.evidence.statements import (
    Approved,
    Attested,
    PromptFile,
    RunFacts,
    Signing,
    approval,
    read_approved,
    read_attested,
    test_name,
    test_result,
)

test_name.__test__ = test_result.__test__ = False  # type: ignore[attr-defined]
ROOT, PROMPT = f"sha256:{'1' * 64}", f"sha256:{'2' * 64}"
NOW = datetime(2026, 11, 25, 12, 0, 1, tzinfo=UTC)
FILE = PromptFile("configs/prompts/p/2.prompt.yml", "3" * 64, "4" * 40)


def threshold(verdict: str, level: str = "block", **changes: Any) -> dict[str, Any]:
    made = {"target": "metric:bleu", "bound": "min", "value": "20", "slice": None, "severity": None}
    return {**made, "verdict": verdict, "level": level, **changes}


def facts(verdict: str, *thresholds: dict[str, Any]) -> RunFacts:
    return RunFacts(
        "shop", "0" * 12, ROOT, verdict, "replay", "0.1.0", "p@2", PROMPT, {}, {"thresholds": list(thresholds)}, {}, {}
    )  # fmt: skip


ATTESTATION = test_result(facts("pass", threshold("pass")), FILE, Signing(NOW, authors=("Ana",), url="https://ci.example/1"))
APPROVAL = approval(facts("pass"), FILE, Signing(NOW, role="owner", reason="read\nall of it", by="Ana"))


def test_what_is_written_is_read_back() -> None:
    assert read_attested(ATTESTATION) == Attested(
        "3" * 64, "PASSED", "shop", "0" * 12, ROOT, "pass", PROMPT, NOW, ("Ana",), digest(dict(facts("pass").products))
    )
    assert read_approved(APPROVAL) == Approved(
        "3" * 64, "shop", "0" * 12, ROOT, "pass", PROMPT, NOW, "owner", "read\nall of it", "Ana", digest(dict(facts("pass").products))
    )  # fmt: skip


RUN_MEMBER = "https://evalgate.example/run/v1"


def test_several_authors_are_all_read_back() -> None:
    made = test_result(facts("pass"), FILE, Signing(NOW, authors=("Ana", "Boris")))
    assert read_attested(made).authors == ("Ana", "Boris")
    assert "author" not in json.loads(made)["predicate"][RUN_MEMBER], "an evalgate that reads one alone finds none, and denies"


@pytest.mark.parametrize("authors", [[], None, "Ana", {}, [""], [" "], [1], ["Ana", None], ["x" * 2_001], ["Ana"] * 101])
def test_authors_that_are_no_list_of_names_are_refused(authors: Any) -> None:
    said = json.loads(test_result(facts("pass"), FILE, Signing(NOW)))
    said["predicate"][RUN_MEMBER]["authors"] = authors
    with pytest.raises(ValueError, match="authors is not a list of names"):
        read_attested(json.dumps(said).encode())


def test_one_author_beside_several_is_refused() -> None:
    said = json.loads(ATTESTATION)
    said["predicate"][RUN_MEMBER]["authors"] = ["Boris"]
    with pytest.raises(ValueError, match="stands beside author"):
        read_attested(json.dumps(said).encode())


def test_the_same_statement_has_the_same_bytes() -> None:
    elsewhere = Signing(NOW.astimezone(timezone(timedelta(hours=5))), authors=("Ana",), url="https://ci.example/1")
    assert test_result(facts("pass", threshold("pass")), FILE, elsewhere) == ATTESTATION


@pytest.mark.parametrize(("verdict", "result"), [("pass", "PASSED"), ("fail", "FAILED"), ("inconclusive", "FAILED")])
def test_only_a_pass_is_passed(verdict: str, result: str) -> None:
    made = test_result(facts(verdict), FILE, Signing(NOW))
    assert json.loads(made)["predicate"]["result"] == result
    assert (read_attested(made).verdict, read_attested(made).authors) == (verdict, ())


def test_each_threshold_stands_in_one_list() -> None:
    made = test_result(
        facts(
            "fail",
            threshold("pass"),
            threshold("fail", target="safety:pii", bound="max", value="0", severity="high"),
            threshold("inconclusive", slice="language=de"),
            threshold("fail", "warn", value="21"),
            threshold("inconclusive", "warn", value="22"),
        ),
        FILE,
        Signing(NOW),
    )
    predicate = json.loads(made)["predicate"]
    assert predicate["passedTests"] == ["metric:bleu min 20"]
    assert predicate["failedTests"] == ["safety:pii (high or worse) max 0", "metric:bleu [language=de] min 20"]
    assert predicate["warnedTests"] == ["metric:bleu min 21", "metric:bleu min 22"]


JUNK: tuple[Any, ...] = (None, "", "x", 0, -1.5, True, [], ["x"], [{}], {}, {"sha256": 5}, "9" * 3_000, "\n")


def places(value: Any, path: tuple[Any, ...] = ()) -> Iterator[tuple[Any, ...]]:
    yield path
    items = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    for key, item in items:
        yield from places(item, (*path, key))


@pytest.mark.parametrize(("payload", "read"), [(ATTESTATION, read_attested), (APPROVAL, read_approved)])
def test_signed_nonsense_is_refused_or_harmless(payload: bytes, read: Callable[[bytes], Any]) -> None:
    whole, meant = json.loads(payload), read(payload)
    refused = 0
    for path in places(whole):
        for junk in (*JUNK, ...):
            changed = copy.deepcopy(whole)
            place = changed
            for key in path[:-1]:
                place = place[key]
            if not path:
                changed = None if junk is ... else junk
            elif junk is ...:
                del place[path[-1]]
            else:
                place[path[-1]] = junk
            try:
                found = read(json.dumps(changed).encode())
            except ValueError:
                refused += 1
                continue
            free = {"author", "by", "gate", "runId", "verdict", "role", "reason"}
            assert found == meant or path[-1] in free, (path, junk)
    assert refused > 150


@pytest.mark.parametrize(
    "payload", [b"", b"\xff", b"[]", b"null", b"{}", ATTESTATION[:-1], ATTESTATION + b"{}", b"\xef\xbb\xbf" + ATTESTATION]
)
def test_what_is_no_statement_is_refused(payload: bytes) -> None:
    for read in (read_attested, read_approved):
        with pytest.raises(ValueError):
            read(payload)


def test_one_kind_is_not_taken_for_the_other() -> None:
    with pytest.raises(ValueError, match="its predicate is"):
        read_attested(APPROVAL)
    with pytest.raises(ValueError, match="its predicate is"):
        read_approved(ATTESTATION)


def test_several_subjects_are_refused() -> None:
    changed = json.loads(ATTESTATION)
    changed["subject"] *= 2
    with pytest.raises(ValueError, match="one subject"):
        read_attested(json.dumps(changed).encode())
