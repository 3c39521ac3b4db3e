"""Text of unknown origin made safe for each place it is written to: HTML, XML, Markdown, a terminal or CI log.

Nothing is stripped: what cannot be written, or would not be seen, is shown by its code point, so that an auditor sees it.
"""

from __future__ import annotations

import hashlib
import json
import re
from typing import Any

from evalgate.core.visible import (
    HIDDEN,
    belongs,
    entities_without_commands,
    json_without_commands,
    shown,
    terminal,
    terminal_line,
    without_commands,
)

_HTML = str.maketrans({"&": "&amp;", "<": "&lt;", ">": "&gt;", '"': "&quot;", "'": "&#39;", "`": "&#96;", "=": "&#61;"})
_XML = str.maketrans({"&": "&amp;", "<": "&lt;", ">": "&gt;", '"': "&quot;", "'": "&apos;"})
_XML_SPACE = str.maketrans({"\n": "&#10;", "\t": "&#9;"})
_BACKTICKS = re.compile(r"`+")
_MARKDOWN = re.compile(r"[\\`*_{}\[\]()|!~$^]")
_AUTOLINK = re.compile(r"(://|@|#|\bGH-|\bwww(?=\.)|\bmailto:|:(?=[a-z0-9_+\\-]+:))", re.IGNORECASE)
_FORMULA = re.compile(r"\s*[=+\-@\uff1d\uff0b\uff0d\uff20]|[\t\n]")
_FORMULA_AFTER = re.compile(r"([;\t\n][^\S\n]*)(?=[=+\-@\uff1d\uff0b\uff0d\uff20])")
_FIXED = re.compile(r"(<(?:script|style)\b[^>]*>.*?</(?:script|style)>)", re.DOTALL)
_PLAIN = re.compile(r"[A-Za-z0-9:._-]{1,200}")
_LONG_HEX = re.compile(r"\b([0-9a-fA-F]{6})(?=[0-9a-fA-F])")

ZERO_WIDTH_SPACE = "\u200b"


def html(text: str) -> str:
    """Text for HTML content or a quoted attribute; use `markup.text` for content, which also shows hidden characters."""
    return text.translate(_HTML)


def html_without_commands(page: str) -> str:
    """A page for standard output, where a CI runner may read along; a browser shows the same.

    Scripts and styles are fixed texts that the page's policy names by digest; only data in one is not.
    """
    parts = _FIXED.split(page)
    for position, part in enumerate(parts):
        if position % 2 == 0:
            parts[position] = entities_without_commands(part)
        elif "application/json" in part.partition(">")[0]:
            parts[position] = json_without_commands(part)
    return "".join(parts)


def html_pieces(text: str) -> list[tuple[str, bool]]:
    """Text cut into (piece, hidden): a hidden character is replaced by its code point, `U+202E`.

    Joiners and variation selectors stay where spelling needs them: inside an emoji, between Arabic or Indic letters.
    """
    pieces: list[tuple[str, bool]] = []
    position = 0
    for match in HIDDEN.finditer(text):
        if belongs(text, match.start()):
            continue
        if match.start() > position:
            pieces.append((text[position : match.start()], False))
        pieces.append((f"U+{ord(match.group()):04X}", True))
        position = match.end()
    if position < len(text):
        pieces.append((text[position:], False))
    return pieces


def xml(text: str) -> str:
    r"""Text for XML 1.0 content: what XML forbids, and what nobody would see, as `\x1b` or `\u202e`."""
    return without_commands(shown(text, short=True)).translate(_XML)


def xml_attribute(text: str) -> str:
    """Like `xml`, for a quoted attribute: line feeds and tabs survive the parser."""
    return xml(text).translate(_XML_SPACE)


def ascii_json(value: Any) -> str:
    """A JSON document in ASCII: whatever stands in its texts, no terminal and no log runs it."""
    return json_without_commands(json.dumps(value, ensure_ascii=True, sort_keys=True, indent=2, allow_nan=False)) + "\n"


def github_data(text: str) -> str:
    """Text as the message of a workflow command; the runner reads it back exactly.

    Source: actions/toolkit, `packages/core/src/command.ts`.
    """
    return text.replace("%", "%25").replace("\r", "%0D").replace("\n", "%0A")


def github_property(text: str) -> str:
    """Text as the value of a property of a workflow command, such as `title`."""
    return github_data(text).replace(":", "%3A").replace(",", "%2C")


def csv_cell(text: str) -> str:
    """Text for a cell of a table that a spreadsheet may open: never a formula, hidden characters by their code point.

    A text that begins like a formula, also behind white space, gets an apostrophe in front; so does what begins like one
    after a semicolon, a tab or a line feed, where a spreadsheet of another locale may begin a new cell.
    Source: OWASP, CSV Injection, https://owasp.org/www-community/attacks/CSV_Injection
    """
    visible = terminal(text)
    inside = _FORMULA_AFTER.sub(r"\1'", visible)
    return f"'{inside}" if _FORMULA.match(visible) else inside


def markdown(text: str) -> str:
    """Text inside a Markdown line or table cell: shown as it is, with no markup, link, mention, issue reference or emoji code."""
    line = terminal_line(text)
    line = line.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")
    line = _MARKDOWN.sub(lambda match: "\\" + match.group(), line)
    line = _AUTOLINK.sub(_break_link, line)
    return _LONG_HEX.sub(rf"\1{ZERO_WIDTH_SPACE}", line)


def code(text: str) -> str:
    """A digest or an id in Markdown that can be copied as it is; any other text as `markdown` writes it."""
    return f"`{text}`" if _PLAIN.fullmatch(text) else markdown(text)


def markdown_block(text: str) -> str:
    """Text of several lines in a fence that is longer than any run of back-ticks inside."""
    visible = terminal(text)
    longest = max((len(run) for run in _BACKTICKS.findall(visible)), default=0)
    fence = "`" * max(3, longest + 1)
    return f"{fence}text\n{visible}\n{fence}"


def anchor(prefix: str, text: str) -> str:
    """An id for a link: a digest of the text, so that no text can choose it."""
    digest = hashlib.sha256(text.encode("utf-8", "surrogatepass")).hexdigest()
    return f"{prefix}-{digest[:16]}"


def shortened(text: str, limit: int) -> str:
    """Text cut to a number of characters, saying how many are missing."""
    if len(text) <= limit:
        return text
    return f"{text[:limit]} … ({len(text) - limit:,} more characters)"


def _break_link(match: re.Match[str]) -> str:
    found = match.group(1)
    if found == "://":
        return f":{ZERO_WIDTH_SPACE}//"
    return f"\\#{ZERO_WIDTH_SPACE}" if found == "#" else f"{found}{ZERO_WIDTH_SPACE}"
