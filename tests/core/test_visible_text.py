"""What spelling needs stays; whatever else would not be seen is shown, in a terminal as in XML."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from evalgate.core.visible import HIDDEN, belongs, shown, terminal, terminal_line

KEPT = [
    "⚠\ufe0f INCONCLUSIVE",
    "\U0001f469\u200d\U0001f52c works",
    "❤\ufe0f\u200d\U0001f525",
    "\u0645\u06cc\u200c\u062e\u0648\u0627\u0647\u0645",
    "\u0915\u094d\u200d\u0937",
]


@pytest.mark.parametrize("text", KEPT)
def test_what_spelling_needs_stays(text: str) -> None:
    assert terminal_line(text) == terminal(text) == shown(text) == text


SHOWN = [
    ("\ufe0f", "\\ufe0f"),
    ("a\ufe0f", "a\\ufe0f"),
    ("PASS\u200d", "PASS\\u200d"),
    ("⚠\ufe0f\ufe0f", "⚠\ufe0f\\ufe0f"),
    ("a\u200db", "a\\u200db"),
    ("⚠\u200dPASS", "⚠\\u200dPASS"),
    ("⚠\u200b", "⚠\\u200b"),
    ("⚠\u202e", "⚠\\u202e"),
    ("\n\u200c:", "\n\\u200c:"),
]


@pytest.mark.parametrize(("text", "written"), SHOWN)
def test_what_would_not_be_seen_is_shown(text: str, written: str) -> None:
    assert terminal(text) == written


def test_short_code_points_for_xml() -> None:
    assert shown("\x1b⚠\ufe0fa\ufe0f", short=True) == "\\x1b⚠\ufe0fa\\ufe0f"


@given(st.text(st.sampled_from("a⚠\U0001f469\u0645\ufe0f\ufe0e\u200c\u200d\u200b\u202e\x1b\n:#[")))
def test_only_joiners_and_selectors_ever_stay(text: str) -> None:
    found = shown(text)
    assert set(HIDDEN.findall(found)) <= set("\u200c\u200d\ufe0e\ufe0f")
    kept = [character for place, character in enumerate(text) if HIDDEN.match(character) and belongs(text, place)]
    assert HIDDEN.findall(found) == kept
