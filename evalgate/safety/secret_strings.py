"""secrets: a key, a token or a password stands in the output.

All that detect-secrets finds with its default plugins and filters, line by line, and the keys of services it does not know.
"""

from __future__ import annotations

import importlib.metadata
import importlib.util
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from evalgate.core.errors import Incomplete
from evalgate.core.key_patterns import KEY_PATTERNS
from evalgate.core.parameters import Parameters
from evalgate.core.patterns import encodable
from evalgate.core.secret_texts import assigned_secrets
from evalgate.core.values import Case, DetectorSpec, Finding, Output, Severity
from evalgate.safety.plain_bytes import folded
from evalgate.safety.rule_places import Place
from evalgate.safety.secret_filters import LineFilter, is_harmless
from evalgate.safety.secret_formats import FORMATS, Format, candidates, long_pieces, places
from evalgate.safety.secret_keys import key_places
from evalgate.safety.secret_quotes import NAMED, RANDOM, may_be_named, may_be_random, named_places, random_places

NAME = "secrets"
VERSION = "3"
UNQUOTED = "unquoted_secret"
GUESSES = (NAMED, UNQUOTED, *RANDOM)
"""Rules that go by a name or by randomness and not by a service's format: medium where the others are high."""
RULES = tuple(sorted({form.rule for form in FORMATS} | {kind for kind, _ in KEY_PATTERNS} | set(GUESSES)))
SHORTEST_LINE = 7
"""`pwd:"a"` and `://a:b@`: no rule of detect-secrets fits into less."""
_LINE = re.compile(r"[^\r\n]+")


@dataclass(frozen=True, slots=True)
class Secrets:
    """Looks for secrets."""

    spec: DetectorSpec
    ignored: frozenset[str]
    severity: Severity | None

    def findings(self, output: Output, case: Case) -> tuple[Finding, ...]:
        """Every secret; where two rules see one, both are told."""
        text = output.text
        pieces = long_pieces(text)
        places = {*key_places(text, pieces), *library_places(text, pieces), *unquoted_places(text)}
        found = [
            Finding(self.spec.category, rule, self._severity(rule), start, end)
            for rule, start, end in _outermost(places)
            if rule not in self.ignored
        ]
        return tuple(sorted(found, key=lambda f: (f.start, f.end, f.rule)))

    def _severity(self, rule: str) -> Severity:
        if self.severity is not None:
            return self.severity
        return Severity.MEDIUM if rule in GUESSES else Severity.HIGH


def unquoted_places(text: str) -> Iterator[Place]:
    """Values without quotes behind a telling name; the library looks for these only in files whose name says configuration."""
    for _, start, end in assigned_secrets(encodable(text)):
        if text[start - 1] not in "'\"" and not is_harmless(text[start:end]):
            yield UNQUOTED, start, end


def make_secrets(parameters: Mapping[str, Any]) -> Secrets:
    """Build the detector.

    `ignore` (none): rules that are no finding here; `category` (secrets); `severity`: of every finding; without it a key in
    a service's format is high, and what only its name or its randomness gives away is medium.
    Raises: Incomplete when detect-secrets is not installed.
    """
    given = Parameters(NAME, parameters, "detector")
    ignore = given.take_some("ignore", RULES, ())
    category = given.take("category", str, NAME, low=1)
    severity = given.take("severity", str, None, choices=[s.value for s in Severity])
    given.finish()
    signature = f"detect-secrets:{_version()}|ignore:{'+'.join(sorted(ignore)) or 'none'}|version:{VERSION}"
    return Secrets(DetectorSpec(NAME, category, VERSION, signature), frozenset(ignore), Severity(severity) if severity else None)


def _version() -> str:
    """The version of the library, whose formats decide what is found; it is not imported before there is something to look at."""
    try:
        if importlib.util.find_spec("detect_secrets") is not None:
            return importlib.metadata.version("detect-secrets")
    except importlib.metadata.PackageNotFoundError:
        pass
    raise Incomplete("detector secrets needs detect-secrets", hint="pip install 'detect-secrets>=1.5,<1.6'")


def library_places(text: str, pieces: list[str]) -> Iterator[Place]:
    """All that detect-secrets finds, where it finds it; `pieces`: the long stretches without white space."""
    low = folded(text)
    formats = candidates(text, low, pieces)
    named, random = may_be_named(text, low), may_be_random(text)
    if not (formats or named or random):
        return
    for match in _LINE.finditer(text):
        line = match.group().rstrip()
        if len(line) < SHORTEST_LINE:
            continue
        for rule, start, end in _in_line(line, formats, named, random):
            yield rule, match.start() + start, match.start() + end


def _in_line(line: str, formats: tuple[Format, ...], named: bool, random: bool) -> Iterator[Place]:
    low = folded(line)
    for form in formats:
        if form.may_match(line, low):
            yield from (place for place in places(form, line) if form.whole or not is_harmless(line[place[1] : place[2]]))
    if not (named or random):
        return
    rest = LineFilter(line)
    quoted = [*(named_places(line) if named and may_be_named(line, low) else ())]
    quoted += random_places(line) if random and may_be_random(line) else ()
    for rule, start, end in quoted:
        value = line[start:end]
        if not is_harmless(value) and not rest.excuses(value, start):
            yield rule, start, end


def _outermost(found: set[Place]) -> Iterator[Place]:
    """Without those that lie inside another of the same rule."""
    reach: dict[str, int] = {}
    for rule, start, end in sorted(found, key=lambda place: (place[1], -place[2], place[0])):
        if end > reach.get(rule, -1):
            reach[rule] = end
            yield rule, start, end
