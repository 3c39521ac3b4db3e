"""What a reader does not see: terminal sequences, controls, turned directions, invisible characters."""

from __future__ import annotations

import re
from collections.abc import Iterator

from evalgate.core.visible import belongs
from evalgate.safety.rule_places import Place

SPREAD = 16
"""Single invisible characters that one text may hold; more of them carry a message."""
LOOKED_AT = 8
"""Characters of a run that are asked whether they belong where they stand; an emoji joins fewer."""
_SEEN = re.compile(
    r"[\t\n\x20-\x7e\xa0-\xac\xae-\u034e\u0350-\u061b\u061d-\u115e\u1161-\u17b3\u17b6-\u180a\u1810-\u1fff\u2010-\u2027\u2030-\u205f]*\Z"
)
"""Characters among which nothing is hidden: most texts are done with one look."""
_COMMAND = re.compile(
    r"((?:\x1b\[|\x9b)[0-?]{0,64}[ -/]{0,8}[@-~]?"
    r"|(?:\x1b[\]PX^_]|[\x90\x98\x9d-\x9f])[^\x07\x1b\x9c\n]{0,500}(?:\x07|\x1b\\|\x9c)?|\x1b[ -~]?)"
    r"|[\x00-\x08\x0b\x0c\x0e-\x1a\x1c-\x1f\x7f-\x8f\x91-\x97\x99\x9a\x9c]+|\r(?!\n)"
)
"""Control sequences, control strings and escapes; then the controls that stand alone. Source: ECMA-48, section 5."""
_BIDI = re.compile("[\u202a-\u202e\u2066-\u2069]+")
_TAGS = re.compile("(\U0001f3f4[\U000e0030-\U000e0039\U000e0061-\U000e007a]{1,8}\U000e007f)|[\U000e0000-\U000e007f]+")
_UNSEEN = re.compile(
    "[\u00ad\u034f\u115f\u1160\u17b4\u17b5\u180b-\u180f\u200b-\u200d\u2060-\u2065\u206a-\u206f\u2800\u3164\ufe00-\ufe0f\ufeff\uffa0"
    "\ufff9-\ufffb\U0001bca0-\U0001bca3\U0001d173-\U0001d17a\U000e0080-\U000e0fff]+"
)

_UNSPACED = re.compile("[\u0e00-\u0eff\u1000-\u109f\u1780-\u17ff]")
"""Scripts that mark words by a space without width."""


def hidden_places(text: str) -> Iterator[Place]:
    """Everything in a text that a reader would not see or that moves what is seen."""
    if _SEEN.match(text):
        return
    for match in _COMMAND.finditer(text):
        yield "ansi_escape" if match[1] is not None else "control", *match.span()
    yield from (("bidi", *match.span()) for match in _BIDI.finditer(text))
    yield from (("tag_characters", *match.span()) for match in _TAGS.finditer(text) if match[1] is None)
    yield from _invisible(text)


def _invisible(text: str) -> Iterator[Place]:
    single: list[int] = []
    for match in _UNSEEN.finditer(text):
        start, end = match.span()
        if end - start == 1:
            if len(single) <= SPREAD and start and not _spells(text, start):
                single.append(start)
        elif sum(not _spells(text, place) for place in range(start, min(end, start + LOOKED_AT))) > 1:
            yield "zero_width", start, end
    if len(single) > SPREAD:
        yield "zero_width", single[0], single[-1] + 1


def _spells(text: str, place: int) -> bool:
    """Whether an invisible character is part of correct spelling: in emoji, between Arabic, Indic, Thai or Khmer letters."""
    if text[place] == "\ufe0f" and text[place + 1 : place + 2] == "\u20e3":
        return True
    return belongs(text, place) or (text[place] == "\u200b" and _UNSPACED.match(text, place - 1 if place else 0) is not None)
