"""Addresses in a text, and their parts as a browser takes them: backslashes, missing slashes, white space inside.

Source: the URL Standard of the WHATWG, "basic URL parser"; CommonMark 0.31 and the GitHub flavour for where links stand.
"""

from __future__ import annotations

import html
import re
from collections.abc import Iterator
from dataclasses import dataclass

from evalgate.safety.url_hosts import Host, read_host

SPECIAL = frozenset(("http", "https", "ws", "wss", "ftp"))
RISKY = (
    "javascript", "vbscript", "data", "file", "ftp", "gopher", "intent", "jar", "ldap", "smb", "view-source", "chrome", "ms-msdt",
)  # fmt: skip
"""Schemes that start something on the reader's machine, and matter in running text too."""
_END = "\\s<>\"'`\u3001\u3002\uff01\uff08\uff09\uff0c\uff1a\uff1b\uff1f\u300c-\u3011\u2018-\u201d"
_RUNNING = re.compile(
    rf"(?:(?:https?|wss?):(?:[/\\]+|(?=[A-Za-z0-9-]{{1,63}}\.[A-Za-z]))|(?<![A-Za-z0-9])(?:{'|'.join(RISKY)}):[/\\]+"
    rf"|(?<![A-Za-z0-9])(?:javascript|vbscript|data):(?=[^{_END}]{{0,100}}[(,;])|(?<![A-Za-z0-9_.@/-])www\.)[^{_END}]+",
    re.IGNORECASE,
)
_BALANCED = r"[^\s<>()]*(?:\([^\s<>()]*\)[^\s<>()]*)*"
MARKDOWN_TARGET = re.compile(rf"\]\([ \t\n]*(?:<([^<>\n]*)>|({_BALANCED}))")
DEFINITION = re.compile(r"^ {0,3}\[([^\]\n]{1,500})\]:[ \t]*\n?[ \t]*<?([^\s<>]+)", re.MULTILINE)
_AUTOLINK = re.compile(r"<([A-Za-z][A-Za-z0-9+.-]{1,31}:[^\s<>]*)>")
ATTRIBUTE = re.compile(
    r"\b(?:href|src|action|formaction|poster|data|background|ping|srcset)\s*=\s*(?:\"([^\"]*)\"|'([^']*)'|([^\s\"'<>`]+))",
    re.IGNORECASE,
)
_OPEN_HOST = re.compile(r"(?:[A-Za-z]+:[/\\]*|www\.)[^/\\?#]*", re.IGNORECASE)
_ON = re.compile(
    '(?:[\'`\u2018-\u201d][^\\s,;<>"/\\\\?#]{0,64}@|[\u3002\uff0e\uff61](?=[A-Za-z0-9-]{1,63}\\.[A-Za-z]))[^\\s<>"/\\\\?#]*'
)
_SCHEME = re.compile(r"([A-Za-z][A-Za-z0-9+.-]*):")
_INSIDE = str.maketrans("", "", "\t\n\r")
_AROUND = "".join(map(chr, range(0x21)))


@dataclass(frozen=True, slots=True)
class Link:
    """An address in a text."""

    start: int
    end: int
    scheme: str
    host: Host | None
    user: bool
    """Whether something stands before an @ in front of the host."""
    odd: bool
    """Whether only a browser's leniency makes it an address: backslashes, missing slashes, line breaks inside."""


def links(text: str) -> Iterator[Link]:
    """Every address with a scheme or host: targets of Markdown and HTML, autolinks, and running text."""
    seen = set()
    for start, end in {*targets(text)}:
        link = read_link(text, start, end)
        if link is not None:
            seen.add(start)
            yield link
    for match in _RUNNING.finditer(text):
        if match.start() not in seen:
            end = _read_on(text, match.start(), match.end())
            link = read_link(text, match.start(), match.start() + len(text[match.start() : end].rstrip(".,;:!?)]}*_~|")))
            if link is not None:
                yield link


def _read_on(text: str, start: int, end: int) -> int:
    """Where an address in running text ends for a browser, which stops at no quotation mark and no ideographic full stop
    while it reads a host: `https://good.com'@evil.com`, `https://good.com\u3002evil.com`."""
    if _OPEN_HOST.fullmatch(text, start, end) is None:
        return end
    more = _ON.match(text, end)
    return end if more is None else more.end()


def read_link(text: str, start: int, end: int) -> Link | None:
    """The parts of the address in `text[start:end]`; None for a relative one, which has neither scheme nor host."""
    written = text[start:end]
    if "&" in written:
        written = html.unescape(written)
    around = written.strip(_AROUND)
    address = around.translate(_INSIDE)
    odd = address != around
    match = _SCHEME.match(address)
    if match is None:
        return _without_scheme(start, end, address, odd)
    scheme, rest = match[1].lower(), address[match.end() :]
    if scheme in SPECIAL:
        authority = rest.lstrip("/\\")
        slashes = rest[: len(rest) - len(authority)]
        return _with_host(start, end, scheme, authority, odd or slashes != "//")
    if rest.startswith("//"):
        return _with_host(start, end, scheme, rest[2:], odd)
    return Link(start, end, scheme, None, False, odd)


def _without_scheme(start: int, end: int, address: str, odd: bool) -> Link | None:
    if address[:4].lower() == "www.":
        return _with_host(start, end, "http", address, odd)
    if len(address) > 2 and address[0] in "/\\" and address[1] in "/\\":
        return _with_host(start, end, "https", address.lstrip("/\\"), odd or "\\" in address[:2])
    return None


def _with_host(start: int, end: int, scheme: str, rest: str, odd: bool) -> Link:
    authority = re.split(r"[/\\?#]", rest, maxsplit=1)[0]
    odd = odd or rest[len(authority) : len(authority) + 1] == "\\"
    user, at, place = authority.rpartition("@")
    closing = place.rfind("]")
    colon = place.find(":", closing + 1)
    return Link(start, end, scheme, read_host(place if colon < 0 else place[:colon]), bool(at and user), odd)


def targets(text: str) -> Iterator[tuple[int, int]]:
    """Where Markdown and HTML have the target of a link."""
    if "](" in text:
        yield from (match.span(match.lastindex or 0) for match in MARKDOWN_TARGET.finditer(text))
    if "]:" in text:
        yield from (match.span(2) for match in DEFINITION.finditer(text))
    if "<" in text:
        yield from (match.span(1) for match in _AUTOLINK.finditer(text))
    if "=" in text:
        yield from (match.span(match.lastindex or 0) for match in ATTRIBUTE.finditer(text))
