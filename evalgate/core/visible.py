"""Untrusted text on a terminal or in a CI log: every control, bidirectional and invisible character made visible."""

from __future__ import annotations

import re
import unicodedata

_INVISIBLE_CATEGORIES = frozenset(("Cc", "Cf", "Cs", "Co", "Zl", "Zp"))
_PLAIN = re.compile(r"[\x20-\x7e]*")


def visible(text: str) -> str:
    r"""One line of text that cannot move the cursor, hide, reorder, or be read as a workflow command.

    Line breaks become a visible `\n`; `##[` and a leading `::`, which CI runners take for commands, are broken up.
    """
    if not _PLAIN.fullmatch(text):
        text = "".join(_visible_character(c) for c in text)
    text = text.replace("##[", "# #[")
    return ": :" + text.lstrip()[2:] if text.lstrip().startswith("::") else text


def _visible_character(character: str) -> str:
    if character == "\n":
        return "\\n"
    if character == "\t":
        return "\\t"
    if unicodedata.category(character) in _INVISIBLE_CATEGORIES:
        code = ord(character)
        return f"\\u{code:04x}" if code <= 0xFFFF else f"\\U{code:08x}"
    return character
