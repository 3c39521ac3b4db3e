"""Links that show one address and lead to another: `[bank.com](https://elsewhere.example)`."""

from __future__ import annotations

import re
from collections.abc import Iterator

from evalgate.safety.url_hosts import read_host
from evalgate.safety.url_parts import ATTRIBUTE, MARKDOWN_TARGET, read_link

_SHOWN = re.compile(r"\[([^\[\]\n]{1,300})" + MARKDOWN_TARGET.pattern)
_ANCHOR = re.compile(r"<a\s([^<>]{0,2000})>([^<>]{1,300})</a", re.IGNORECASE)
_ADDRESS = re.compile(
    r"\W*(?:(?:https?:[/\\]+|www\.)((?:[\w-]+\.)+\w{2,24})|((?:[\w-]+\.)+(?:com|org|edu|gov)))(?:[:/?#]\S*)?\W*\Z", re.IGNORECASE
)
"""A text that is nothing but an address. Without a scheme only the endings that are no file's."""


def deceptive_links(text: str) -> Iterator[tuple[int, int]]:
    """The whole of every Markdown or HTML link whose text is an address of another host than its target."""
    if "](" in text:
        for match in _SHOWN.finditer(text):
            group = 2 if match[2] is not None else 3
            if _differs(match[1], text, *match.span(group)):
                yield match.span()
    if "</" in text:
        for match in _ANCHOR.finditer(text):
            target = ATTRIBUTE.search(match[1])
            if target is None:
                continue
            start, end = target.span(target.lastindex or 0)
            if _differs(match[2], text, match.start(1) + start, match.start(1) + end):
                yield match.span()


def _differs(shown: str, text: str, start: int, end: int) -> bool:
    address = _ADDRESS.match(shown)
    link = read_link(text, start, end)
    if address is None or link is None or link.host is None:
        return False
    said, meant = (name.removeprefix("www.") for name in (read_host(address[1] or address[2]).name, link.host.name))
    return said != meant and not said.endswith("." + meant) and not meant.endswith("." + said)
