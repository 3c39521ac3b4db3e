"""Text of unknown origin on a terminal or in a CI log: what would be hidden is shown, what would be a command is not one."""

from __future__ import annotations

import re
import unicodedata

_UNSEEN = (
    r"\u00ad\u034f\u061c\u115f\u1160\u17b4\u17b5\u180b-\u180f\u200b-\u200f\u2028-\u202e\u2060-\u206f\u2800\u3164"
    r"\ufe00-\ufe0f\ufeff\uffa0\ufff0-\ufffb\ufffe\uffff\ud800-\udfff"
    r"\U0001bca0-\U0001bca3\U0001d173-\U0001d17a\U000e0000-\U000e0fff"
)
_CONTROL = r"\x00-\x08\x0b-\x1f\x7f-\x9f"
HIDDEN = re.compile(f"[{_CONTROL}{_UNSEEN}]")
"""Controls except tab and line feed, and every character that has no width or turns the direction of text."""
_IGNORED = _UNSEEN + r"\u0600-\u0605\u06dd\u070f\u0890\u0891\u08e2\U000110bd\U000110cd\U00013430-\U0001345f"
"""Characters that a comparison of texts by language passes over: GitHub's runner looks for its commands with one."""
_COMMAND_ANYWHERE = re.compile(rf"#(?=[{_IGNORED}]*#[A-Za-z{_IGNORED}]*\[)")
_COMMAND_AT_START = re.compile(rf"^((?:[^\S\n]|[{_IGNORED}])*):(?=[{_IGNORED}]*:)", re.MULTILINE)


def terminal(text: str) -> str:
    r"""Text of several lines: hidden characters as `\u001b`, and no line that a CI runner takes for a command."""
    return without_commands(shown(text))


def shown(text: str, *, short: bool = False) -> str:
    r"""Text with its hidden characters as `\u001b`, or `\x1b` where `short` is wanted; those that spelling needs stay."""

    def write(match: re.Match[str]) -> str:
        return match.group() if belongs(text, match.start()) else backslash(ord(match.group()), short=short)

    return HIDDEN.sub(write, text)


def belongs(text: str, position: int) -> bool:
    """Whether a hidden character is part of correct spelling where it stands.

    Joiners and variation selectors are: inside an emoji (`⚠️`), between Arabic or Indic letters.
    """
    character = text[position]
    if character not in "\u200c\u200d\ufe0e\ufe0f" or position == 0:
        return False
    before = text[position - 1]
    if character in "\ufe0e\ufe0f":
        return unicodedata.category(before) in {"So", "Sm"}
    after = text[position + 1 : position + 2]
    if not after:
        return False
    if unicodedata.category(before) in {"Lo", "Mn", "Mc"} and unicodedata.category(after) in {"Lo", "Mn", "Mc"}:
        return True
    emoji = unicodedata.category(before) in {"So", "Sk"} or before == "\ufe0f"
    return character == "\u200d" and emoji and unicodedata.category(after) == "So"


def terminal_line(text: str) -> str:
    r"""Like `terminal`, on one line: line feeds and tabs as `\n` and `\t`."""
    return terminal(text.replace("\n", "\\n").replace("\t", "\\t"))


def without_commands(text: str) -> str:
    """Break up what CI runners read as workflow commands: `##[` and `##vso[` anywhere, `::` at the start of a line."""
    return _COMMAND_AT_START.sub(r"\1\\:", _COMMAND_ANYWHERE.sub(r"#\\", text))


def json_without_commands(text: str) -> str:
    r"""The text of a JSON document that no CI runner reads a command in: `##[` becomes `\u0023#[`, which JSON reads as the same.

    Nothing else is needed: lines of such a document begin with a bracket, a brace, a quotation mark or a number.
    """
    return _COMMAND_ANYWHERE.sub(r"\\u0023", text) if "#" in text else text


def entities_without_commands(text: str) -> str:
    """Markup of HTML that no CI runner reads a command in; its readers see the same text."""
    return _COMMAND_AT_START.sub(r"\1&#58;", _COMMAND_ANYWHERE.sub("&#35;", text))


def backslash(code: int, *, short: bool = False) -> str:
    r"""A character by its code point: `\u202e`, or `\x1b` where `short` is wanted."""
    if short and code < 0x100:
        return f"\\x{code:02x}"
    return f"\\u{code:04x}" if code < 0x10000 else f"\\U{code:08x}"
