"""Counting by overlap: examples, and the same counts as comparing every pair."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from evalgate.core.detector_card import Tally
from evalgate.core.labelled import LabelledSpan
from evalgate.core.values import Finding, Severity
from evalgate.safety.span_matching import SpanCount


def seen(rule: str, start: int, end: int) -> Finding:
    return Finding("pii", rule, Severity.HIGH, start, end)


def counted(spans, findings, mapping=None, types=()) -> SpanCount:
    count = SpanCount(mapping or {}, frozenset(types))
    count.add([LabelledSpan(*span) for span in spans], [seen(*finding) for finding in findings])
    return count


def test_one_character_in_common_is_enough_and_touching_is_not() -> None:
    count = counted([("mail", 5, 9)], [("mail", 8, 20), ("mail", 0, 5), ("mail", 9, 12)])
    assert count.tallies() == {"mail": Tally(1, 2, 0)} and count.total() == Tally(1, 2, 0)


def test_two_findings_in_one_span_are_one_and_one_over_two_spans_finds_both() -> None:
    assert counted([("mail", 0, 9)], [("mail", 0, 3), ("mail", 4, 9)]).total() == Tally(1, 0, 0)
    assert counted([("mail", 0, 3), ("mail", 5, 9)], [("mail", 0, 9)]).total() == Tally(2, 0, 0)


def test_another_rule_does_not_find_it_and_is_a_false_alarm() -> None:
    assert counted([("mail", 0, 9)], [("phone", 0, 9)]).tallies() == {"mail": Tally(0, 0, 1), "phone": Tally(0, 1, 0)}


def test_a_type_is_looked_for_by_the_rules_that_it_is_mapped_to() -> None:
    mapping = {"PHONE": ("mobile", "landline")}
    count = counted([("PHONE", 0, 5), ("PHONE", 6, 9)], [("landline", 0, 5), ("mobile", 20, 25), ("phone", 6, 9)], mapping)
    assert count.tallies() == {"PHONE": Tally(1, 1, 1), "phone": Tally(0, 1, 0)}


def test_a_rule_of_two_types_is_one_false_alarm_in_all() -> None:
    mapping = {"CITY": ("place",), "STREET": ("place",)}
    count = counted([("CITY", 0, 5)], [("place", 0, 5), ("place", 9, 12)], mapping)
    assert count.tallies() == {"CITY": Tally(1, 1, 0), "STREET": Tally(0, 1, 0)}
    assert count.total() == Tally(1, 1, 0)


def test_types_leave_everything_else_out() -> None:
    spans, findings = [("mail", 0, 3), ("name", 4, 9)], [("mail", 0, 3), ("name", 20, 22), ("phone", 4, 9)]
    assert counted(spans, findings, types=["mail"]).tallies() == {"mail": Tally(1, 0, 0)}


def test_an_empty_finding_counts_where_it_stands() -> None:
    assert counted([("mail", 3, 5)], [("mail", 3, 3)]).total() == Tally(1, 0, 0)
    assert counted([("mail", 3, 5)], [("mail", 5, 5)]).total() == Tally(0, 1, 1)


STRETCH = st.tuples(st.sampled_from("ab"), st.integers(0, 30), st.integers(1, 6)).map(lambda t: (t[0], t[1], t[1] + t[2]))


@given(st.lists(STRETCH, max_size=9), st.lists(STRETCH, max_size=9))
def test_counts_are_those_of_comparing_every_pair(spans, findings) -> None:
    def meet(one, other) -> bool:
        return one[0] == other[0] and bool(set(range(*one[1:])) & set(range(*other[1:])))

    found = sum(any(meet(span, finding) for finding in findings) for span in spans)
    false = sum(not any(meet(span, finding) for span in spans) for finding in findings)
    assert counted(spans, findings).total() == Tally(found, false, len(spans) - found)
