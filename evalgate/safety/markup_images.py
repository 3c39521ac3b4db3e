"""Images that tell another host something as soon as they are shown, and addresses that are programs.

Source: "image Markdown exfiltration" of chat systems, the reference form (CVE-2025-32711) included.
"""

from __future__ import annotations

import html
import re
from collections.abc import Callable, Iterator

from evalgate.safety.markup_tags import TAG
from evalgate.safety.rule_places import Place
from evalgate.safety.url_parts import ATTRIBUTE, DEFINITION, MARKDOWN_TARGET, Link, read_link, targets

_BRACKETS = re.compile(r"\\.|!\[|\[|\](?:\(|\[([^\[\]\n]{0,500})\])?|\n[ \t\r]*\n", re.DOTALL)
_SHOWING = frozenset(
    (
        "img",
        "image",
        "source",
        "video",
        "audio",
        "track",
        "input",
        "body",
        "table",
        "td",
        "th",
        "embed",
        "object",
        "link",
        "picture",
    )
)
_PAYLOAD = re.compile(r"\?.|[A-Za-z0-9+=_%-]{40}")
_PROGRAMS = ("javascript", "vbscript", "data")
_PICTURE = re.compile(r"[\x00-\x20]*data:image/(?:png|jpe?g|gif|webp|avif|bmp|x-icon)[;,]", re.IGNORECASE)


def program_places(text: str) -> Iterator[Place]:
    """Targets of links whose scheme runs something; pictures that are written out are none."""
    for start, end in targets(text):
        link = read_link(text, start, end)
        if link is not None and link.scheme in _PROGRAMS and not _PICTURE.match(html.unescape(text[start:end])):
            yield "script_url", start, end


def image_places(text: str, own: Callable[[Link], bool]) -> Iterator[Place]:
    """Targets of images on a host that is not one's own, with a query or a long piece that can carry data."""
    for start, end in {*_markdown_images(text), *_html_images(text)}:
        link = read_link(text, start, end)
        if link is None or link.host is None or link.scheme not in ("http", "https") or own(link):
            continue
        if _PAYLOAD.search(html.unescape(text[start:end]).translate({9: None, 10: None, 13: None})):
            yield "image_payload", start, end


def _html_images(text: str) -> Iterator[tuple[int, int]]:
    for tag in TAG.finditer(text) if "<" in text else ():
        if tag[1].lower().rpartition(":")[2] in _SHOWING:
            yield from (match.span(match.lastindex or 0) for match in ATTRIBUTE.finditer(text, *tag.span(2)))


def _markdown_images(text: str) -> Iterator[tuple[int, int]]:
    """Inline images, and the definitions that images refer to."""
    if "![" not in text:
        return
    names = set()
    opened: list[tuple[bool, int]] = []
    for match in _BRACKETS.finditer(text):
        mark = match[0]
        if mark in ("[", "!["):
            opened.append((mark == "![", match.end()))
        elif mark[0] == "\n":
            opened.clear()
        elif mark[0] == "]" and opened:
            image, start = opened.pop()
            if image and mark == "](":
                target = MARKDOWN_TARGET.match(text, match.start())
                if target is not None:
                    yield target.span(target.lastindex or 0)
            elif image:
                names.add(_label(match[1] or text[start : match.start()][:500]))
    if names and "]:" in text:
        yield from (match.span(2) for match in DEFINITION.finditer(text) if _label(match[1]) in names)


def _label(text: str) -> str:
    return " ".join(text.split()).casefold()
