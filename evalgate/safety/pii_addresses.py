"""Addresses of the network: e-mail as written and as spelled out, IP, web addresses."""

from __future__ import annotations

import ipaddress
import re
from collections.abc import Iterator
from functools import lru_cache

from evalgate.core.personal_data import impersonal
from evalgate.safety.pii_numbers import Found, in_web_address
from evalgate.safety.pii_plain import Plain

_LONGEST_NAME = 64
"""Characters of a local part. Source: RFC 5321, 4.5.3.1.1."""
_NAME_MARKS = frozenset("._%+-'&~=#!*/^{|}`$?")
_DOMAIN = r"(?:[^\W_](?:[\w-]{0,61}[^\W_])?\.){1,8}(?:xn--[A-Za-z0-9-]{2,59}|[^\W\d_]{2,24})(?![\w-])"
_FILES = frozenset(("png", "jpg", "jpeg", "gif", "svg", "webp", "css", "js", "ts", "json", "html", "woff", "py", "md", "txt"))
"""`logo@2x.png` is a picture for sharp screens."""
_TOP_LEVEL = (
    "com|org|net|edu|gov|io|co|info|biz|me|dev|app|ai|"
    "uk|de|fr|es|it|nl|ch|at|be|eu|us|ca|au|in|jp|cn|br|ru|pl|se|no|dk|fi|pt|cz|hu|gr|ie"
)
_NO_NAMES = frozenset(
    (
        *("us", "me", "it", "is", "are", "was", "be", "meet", "visit", "look", "shop", "buy"),
        *("here", "online", "available", "found", "sold"),
    )
)
"""What stands before a web site that is read aloud: `visit us at acme dot com`."""
_LABEL = r"[^\W_](?:[\w-]{0,61}[^\W_])?"
_SPELLED = (
    r"(?<![\w.])[\w.+-]{1,64} ?[\[({<] ?(?:at|@) ?[\])}>] ?LABEL"
    r"(?: ?[\[({<] ?(?:dot|\.|punkt|point|punto) ?[\])}>] ?LABEL|\.LABEL| dot LABEL){1,4}(?!\w)"
    r"|(?<![\w.])[\w.+-]{1,64}(?: dot [\w+-]{1,32}){0,2} at (?!(?:a|an|the|this|that|our|your|their|any|every|each|one)\b)LABEL"
    r"(?: dot LABEL){0,3} dot (?:TOP)(?!\w)"
    r"|(?<![\w.])[\w.+-]{1,64}@LABEL(?: ?[\[({<] ?(?:dot|\.) ?[\])}>] ?LABEL){1,4}(?!\w)"
)
_IPV4 = r"(?<![\w.])(?:[0-9]{1,3}\.){3}[0-9]{1,3}(?![\w]|\.[0-9]|-\w)"
_IPV6 = r"(?<![\w:.])[0-9A-Fa-f]{0,4}:[0-9A-Fa-f:]{1,36}(?:(?<=:)[0-9]{1,3}(?:\.[0-9]{1,3}){3})?(?![\w:]|\.[0-9])"
_URL = r"https?://[^\s<>\"']{1,2000}"


@lru_cache(maxsize=16)
def _compiled(pattern: str, flags: int = 0) -> re.Pattern[str]:
    return re.compile(pattern, flags)


def email_findings(view: Plain) -> Iterator[Found]:
    """Every `name@domain`; programs' addresses (`git@`, `noreply@`) apart. At most 320 characters are read for each @ sign."""
    text, domain = view.text, _compiled(_DOMAIN)
    at, last = text.find("@"), 0
    while at >= 0:
        match = domain.match(text, at + 1)
        if match is not None and match.group().rpartition(".")[2].lower() not in _FILES:
            start = _name_start(text, at, last)
            if start < at and not (_is_code(text, start, match.end()) or impersonal(text[start : match.end()])):
                yield Found("email", start, match.end())
                last = match.end()
        at = text.find("@", at + 1)


def _name_start(text: str, at: int, low: int) -> int:
    place, low = at, max(low, at - _LONGEST_NAME)
    while place > low and (text[place - 1].isalnum() or text[place - 1] in _NAME_MARKS):
        place -= 1
    name = text[place:at]
    for mark in "=/?|{`$#!*^":  # a query, a path, a quotation leads up to the name
        name = name.rpartition(mark)[2]
    name = name.lstrip(".'-&~%+")
    return at - len(name) if name[-1:] not in (".", "") else at


def _is_code(text: str, start: int, end: int) -> bool:
    """Whether it is a call (`a@b.sum()`), or the password of a web address (`https://user:password@host`)."""
    return text[end : end + 1] == "(" or (text[start - 1 : start] == ":" and in_web_address(text, start))


def spelled_email_findings(view: Plain) -> Iterator[Found]:
    """Addresses spelled so that no `name@domain` is left: `name (at) host (dot) com`, `name at host dot com`."""
    if not _compiled(r"[\[({<] ?(?:at|@|dot|\.) ?[\])}>]| dot ", re.IGNORECASE).search(view.text):
        return
    pattern = _SPELLED.replace("LABEL", _LABEL).replace("TOP", _TOP_LEVEL)
    for match in _compiled(pattern, re.IGNORECASE).finditer(view.text):
        if match.group().partition(" ")[0].lower() not in _NO_NAMES:
            yield Found("email_obfuscated", *match.span())


def ip_findings(view: Plain) -> Iterator[Found]:
    """IPv4 and IPv6 addresses that can be somebody's: not loopback, multicast or unspecified, and no number of a version."""
    text = view.text
    for match in _compiled(_IPV4).finditer(text):
        found, (start, end) = match.group(), match.span()
        if _is_somebodys(found) and not _is_version(view, start, found) and not _is_network(text, start, end):
            yield Found("ip", start, end)
    if text.count(":") > 1:
        for match in _compiled(_IPV6).finditer(text):
            found = match.group()
            found, start = found[:-1] if found.endswith(":") and not found.endswith("::") else found, match.start()
            if _is_network(text, start, start + len(found)):
                continue
            if found.count(":") > 1 and len(found) > 5 and not found.replace(":", "").isalpha() and _is_somebodys(found):
                yield Found("ip", start, start + len(found))


def url_findings(view: Plain) -> Iterator[Found]:
    """Web addresses."""
    if "://" in view.text:
        for match in _compiled(_URL, re.IGNORECASE).finditer(view.text):
            yield Found("url", match.start(), match.start() + len(match.group().rstrip(".,;:!?)]}»”’")))


def _is_somebodys(found: str) -> bool:
    try:
        address = ipaddress.ip_address(found)
    except ValueError:
        return False
    if isinstance(address, ipaddress.IPv6Address) and address.ipv4_mapped is not None:
        address = address.ipv4_mapped
    if isinstance(address, ipaddress.IPv4Address) and (address.packed[0] == 0 or address.packed[0] >= 240):
        return False  # `0.1.2.3`, `255.255.255.0`
    return not (address.is_loopback or address.is_multicast or address.is_unspecified)


def _is_network(text: str, start: int, end: int) -> bool:
    """Whether it names a network, which is nobody's: `10.0.0.0/8`, `2001::`."""
    size = _compiled(r"/[0-9]{1,3}(?![\w.])").match(text, end)
    if size is None:
        return text.endswith(("::", ".0.0"), start, end)
    try:
        ipaddress.ip_network(text[start : size.end()])
    except ValueError:
        return False
    return True


def _is_version(view: Plain, start: int, found: str) -> bool:
    before = view.before(start, 24)
    if _compiled(
        r"(?:version|release|section|chapter|build|firmware|driver|[<>=~!]=|\^|\bv|\bver\.?|§)\s*$", re.IGNORECASE
    ).search(before):
        return True
    if _compiled(r"\boid|identifier", re.IGNORECASE).search(before):
        return True
    largest = max(int(part) for part in found.split("."))
    line = view.text[:start].rpartition("\n")[2] + view.text[start + len(found) :].partition("\n")[0]
    if not line.strip(" \t\r.`*") and largest >= 8:
        return False  # alone in its line, with a part that versions rarely reach
    return largest < 32 and not _compiled(r"\bip\b|address|host|server|ping|subnet|gateway|dns|://$", re.IGNORECASE).search(
        before
    )
