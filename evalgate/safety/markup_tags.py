"""HTML that does something, read as leniently as a browser reads it.

Source: the HTML Standard, section 13.2.5 (tokenization); OWASP, XSS filter evasion.
"""

from __future__ import annotations

import html
import re
from collections.abc import Iterator, Mapping
from types import MappingProxyType

from evalgate.safety.rule_places import Place

TAG = re.compile(r"</?([A-Za-z][^\s/><]*)((?:[^>=]|=(?:\s*(?:\"[^\"]*\"|'[^']*'))?)*)(>?)")
"""Name, attributes, and whether the tag ends. A quote means something only behind an equals sign."""
_RULE_OF: Mapping[str, str] = MappingProxyType(
    {
        "script": "script",
        **dict.fromkeys(("iframe", "frame", "frameset", "object", "embed", "applet", "portal", "fencedframe"), "embed"),
        **dict.fromkeys(("svg", "math"), "svg"),
        **dict.fromkeys(("base", "link", "plaintext", "xmp", "noscript", "template"), "document"),
        **dict.fromkeys(("form", "input", "button", "textarea", "select", "isindex"), "form"),
    }
)
_EVENT = re.compile(r"(?:^|[\s/\"'])on[a-z]{2,40}\s*=", re.IGNORECASE)
_STYLE = re.compile(r"(?:url|expression|image-set|src)\s*\(|@import|-moz-binding|behavior\s*:|javascript\s*:", re.IGNORECASE)
_STYLE_ATTRIBUTE = re.compile(r"(?:^|[\s/\"'])style\s*=\s*(\"[^\"]*\"|'[^']*'|[^\s>]+)", re.IGNORECASE)
_OPEN_ADDRESS = re.compile(
    r"(?:^|[\s/\"'])(?:src|href|action|formaction|background|content|poster|data)\s*=\s*[\"']", re.IGNORECASE
)
_HTTP_EQUIV = re.compile(r"http-equiv", re.IGNORECASE)
_STYLE_ELEMENT = re.compile(r"<style\b[^>]*>", re.IGNORECASE)
_STYLE_END = re.compile(r"</style", re.IGNORECASE)


def tag_places(text: str) -> Iterator[Place]:
    """Every tag that runs, loads, submits or takes over something."""
    if "<" not in text:
        return
    for match in TAG.finditer(text):
        name = match[1].lower().rpartition(":")[2]
        for rule in {*_of_name(name, match[2]), *_of_attributes(match[2], bool(match[3]))}:
            yield rule, *match.span()
    yield from _style_sheets(text)


def _of_name(name: str, attributes: str) -> Iterator[str]:
    rule = _RULE_OF.get(name)
    if rule is not None:
        yield rule
    if name == "meta" and _HTTP_EQUIV.search(attributes):
        yield "document"


def _of_attributes(attributes: str, ended: bool) -> Iterator[str]:
    if "=" not in attributes:
        return
    if _EVENT.search(attributes):
        yield "event_handler"
    if any(_acts(match[1]) for match in _STYLE_ATTRIBUTE.finditer(attributes)):
        yield "style"
    if not ended and _OPEN_ADDRESS.search(attributes):
        yield "dangling"


def _style_sheets(text: str) -> Iterator[Place]:
    place = 0
    while (begin := _STYLE_ELEMENT.search(text, place)) is not None:
        end = _STYLE_END.search(text, begin.end())
        place = len(text) if end is None else end.start()
        if _acts(text[begin.end() : place]):
            yield "style", begin.start(), place


def _acts(style: str) -> bool:
    """Whether a style loads or runs something, its comments and escapes read as a browser reads them."""
    plain = html.unescape(style) if "&" in style else style
    closed = plain.rfind("*/") + 2
    if closed > 1:  # every comment up to here has an end to be found
        plain = re.sub(r"/\*.*?\*/", "", plain[:closed], flags=re.DOTALL) + plain[closed:]
    if "\\" in plain:
        plain = re.sub(r"\\([0-9A-Fa-f]{1,6})\s?", _unescaped, plain)
    return _STYLE.search(plain) is not None


def _unescaped(match: re.Match[str]) -> str:
    number = int(match[1], 16)
    return chr(number) if number < 0x110000 else "\ufffd"
