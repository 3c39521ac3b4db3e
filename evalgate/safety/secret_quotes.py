"""Quoted secrets as detect-secrets sees them: behind a telling name, or random-looking.

The names, the alphabets and the limits are those of the library. Its patterns for names take more than linear time, so
the same is asked of RE2 here.
Source: detect-secrets 1.5, plugins keyword and high_entropy_strings.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from functools import lru_cache
from typing import Any

from evalgate.safety.plain_bytes import SPACE, WORD, as_bytes, byte_pattern
from evalgate.safety.rule_places import Place
from evalgate.safety.secret_formats import load

NAMED = "secret_keyword"
RANDOM = {
    "base64_high_entropy_string": ("high_entropy_strings.Base64HighEntropyString", 23),
    "hex_high_entropy_string": ("high_entropy_strings.HexHighEntropyString", 9),
}
"""Rule → plugin, and the fewest characters that can hold the entropy asked for: more than 4.5 bits needs 23 different ones,
more than 3 bits needs 9."""
_QUOTED_RUN = re.compile(r"['\"][A-Za-z0-9+/\\_=-]{9}")
_ASSIGNED = re.compile(r"['\"`](?:;|\s*[!=])|[:=>]\s*['\"`]")
_NAMES = ("key", "pass", "pwd", "secret", "contrase")


def may_be_random(text: str) -> bool:
    """Whether a quoted random string is possible; no is certain."""
    return ("'" in text or '"' in text) and _QUOTED_RUN.search(text) is not None


def may_be_named(text: str, folded: str) -> bool:
    """Whether a quoted secret behind a name is possible; no is certain."""
    if "'" not in text and '"' not in text and "`" not in text:
        return False
    return any(name in folded for name in _NAMES) and _ASSIGNED.search(text) is not None


def random_places(line: str) -> Iterator[Place]:
    """Quoted strings of hexadecimal or Base64 letters with a high entropy."""
    for rule, (name, shortest) in RANDOM.items():
        plugin = load(name)
        for match in plugin.regex.finditer(line):
            start, end = match.span(2)
            if end - start >= shortest and plugin.calculate_shannon_entropy(match[2]) > plugin.entropy_limit:
                yield rule, start, end


def named_places(line: str) -> Iterator[Place]:
    """Quoted values that are assigned to, or compared with, something whose name says that it is secret."""
    subject = as_bytes(line, True)
    for pattern in _assignments():
        for match in pattern.finditer(subject):
            group = match.lastindex
            yield NAMED, match.start(group), match.end(group)


@lru_cache(maxsize=1)
def _assignments() -> tuple[Any, ...]:
    from detect_secrets.plugins.keyword import DENYLIST

    value = rf"{WORD}(?:[^\x0b'\"]*[^\x0b,'\"`])?"
    quoted = rf"(?:'({value})'|\"({value})\"|`({value})`)"
    name = f"(?:{'|'.join(DENYLIST)}){WORD}*"
    closing, space = r"[\]'\"]{0,2}", f"{SPACE}*"
    forms = (
        f"{name}{closing}:{space}{quoted}",
        f"{quoted}{space}[!=]{{2,3}}{space}{WORD}*{name}",
        f"{name}{closing}{space}(?:={{1,3}}|!==?){space}{quoted}",
        rf"{name}[^\t-\r\x1c-\x20\x85]{{0,50}}?{space}{quoted};",
        f"{name}{closing}{space}=>?{space}{quoted}",
    )
    return tuple(byte_pattern(form, True) for form in forms)
