"""Hosts of addresses as a browser takes them: decoded, folded, and with every way to write an IPv4 address.

Source: the URL Standard of the WHATWG, "host parsing" and "IPv4 parser"; for scripts, Unicode Technical Standard 39.
"""

from __future__ import annotations

import ipaddress
import re
import unicodedata
from dataclasses import dataclass
from functools import lru_cache
from urllib.parse import unquote

LONGEST_LABEL = 63
LONGEST = 1_000
"""Characters of a host that are decoded: more than any name that resolves can take, every character escaped."""
_IGNORED = re.compile("[\u00ad\u034f\u200b\u2060\u2064\ufe00-\ufe0f\ufeff]")
_DOTS = re.compile("[\u3002\uff0e\uff61]")
_NUMBER = re.compile(r"(?:0[xX][0-9A-Fa-f]*|[0-9]+)\Z")
_TOGETHER = (
    frozenset(("LATIN", "CJK", "HIRAGANA", "KATAKANA")),
    frozenset(("LATIN", "CJK", "HANGUL")),
    frozenset(("LATIN", "CJK", "BOPOMOFO")),
)
"""Scripts that are written together. Source: UTS 39, "highly restrictive"."""
_LOOK_LATIN = frozenset("асԁеһіјӏорԛѕтԝхуъгвкмнԍ" + "αονρτυικχγ")
"""Letters of other scripts that a reader takes for Latin ones."""
_PRIVATE_NAMES = (".localhost", ".local", ".internal", ".lan", ".intranet", ".corp", ".home", ".home.arpa")

Address = ipaddress.IPv4Address | ipaddress.IPv6Address


@dataclass(frozen=True, slots=True)
class Host:
    """A host, and what is odd about the way it is written."""

    name: str
    """Lower case, decoded, punycode as its letters, without the dot at the end; canonical for an IP address."""
    address: Address | None = None
    disguised: bool = False
    """An IPv4 address that is not written as four decimal numbers."""
    encoded: bool = False
    """Percent escapes, wide letters, invisible characters or other dots inside."""
    punycode: bool = False

    @property
    def private(self) -> bool:
        """Whether it is of this machine or a network without the world outside."""
        if self.address is not None:
            return not self.address.is_global
        return self.name == "localhost" or self.name.endswith(_PRIVATE_NAMES)

    @property
    def lookalike(self) -> bool:
        """Whether a label mixes scripts that do not belong together, or is of another script and all Latin to the eye."""
        return not self.name.isascii() and any(_lookalike(label) for label in self.name.split("."))


@lru_cache(maxsize=4096)
def read_host(written: str) -> Host:
    """A host as it is written in an address, without user and port."""
    if written.startswith("["):
        return _version_six(written)
    if len(written) > LONGEST:
        return Host(written.lower(), encoded=True)
    plain = unquote(written) if "%" in written else written
    folded = _DOTS.sub(".", _IGNORED.sub("", unicodedata.normalize("NFKC", plain))).lower()
    encoded = folded != written.lower()
    name = folded.removesuffix(".")
    number = _version_four(name)
    if number is not None:
        address = ipaddress.IPv4Address(number)
        return Host(str(address), address, disguised=str(address) != name, encoded=encoded)
    labels = name.split(".")
    letters = [_letters(label) for label in labels]
    return Host(".".join(letters), encoded=encoded, punycode=any(label.startswith("xn--") for label in labels))


def is_host(entry: object) -> bool:
    """Whether an entry of a list is a host, or `.suffix` for a host and all below it."""
    if not isinstance(entry, str) or not entry.strip("."):
        return False
    return re.search(r"[\s/\\@?#*]" if entry.startswith("[") else r"[\s/\\@?#*:]", entry) is None


def host_entry(entry: str) -> str:
    """An entry of a list in the form that `within` compares."""
    return "." + read_host(entry[1:]).name if entry.startswith(".") else read_host(entry).name


def within(name: str, entries: tuple[str, ...]) -> bool:
    """Whether a host's name is one of the entries, or below one that begins with a dot."""
    return any(name == entry.removeprefix(".") or (entry[0] == "." and name.endswith(entry)) for entry in entries)


def _version_six(written: str) -> Host:
    inside = written[1:].partition("]")[0]
    try:
        address = ipaddress.IPv6Address(inside)
    except ValueError:
        return Host(written.lower())
    return Host(str(address), address.ipv4_mapped or address, disguised=address.ipv4_mapped is not None)


def _version_four(name: str) -> int | None:
    """The number behind an IPv4 address in any form that a browser takes: `0x7f.1`, `2130706433`, `0177.0.0.1`."""
    parts = name.split(".")
    if len(name) > LONGEST_LABEL or len(parts) > 4 or not all(_NUMBER.match(part) for part in parts):
        return None
    try:
        numbers = [_number(part) for part in parts]
    except ValueError:
        return None
    last = numbers.pop()
    if any(number > 255 for number in numbers) or last >= 256 ** (4 - len(numbers)):
        return None
    return int(sum(number << 8 * (3 - place) for place, number in enumerate(numbers)) + last)


def _number(part: str) -> int:
    if part[:2] in ("0x", "0X"):
        return int(part[2:] or "0", 16)
    return int(part, 8) if len(part) > 1 and part[0] == "0" else int(part)


def _letters(label: str) -> str:
    if not label.startswith("xn--") or len(label) > LONGEST_LABEL:
        return label
    try:
        return label[4:].encode("ascii").decode("punycode")
    except (UnicodeError, ValueError, OverflowError):
        return label


def _lookalike(label: str) -> bool:
    letters = [character for character in label if character.isalpha()]
    scripts = {unicodedata.name(character, "NONE").split()[0] for character in letters}
    if len(scripts) > 1:
        return not any(scripts <= together for together in _TOGETHER)
    return scripts != {"LATIN"} and bool(letters) and all(character in _LOOK_LATIN for character in letters)
