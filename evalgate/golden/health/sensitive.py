"""Personal data and secrets inside a dataset: where and how many, never the text itself."""

from __future__ import annotations

from bisect import bisect_right
from collections import defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field

from evalgate.core.health import HealthFinding, amount
from evalgate.core.patterns import encodable
from evalgate.core.personal_data import KINDS, personal_data
from evalgate.core.secret_texts import WRITTEN, secrets_in
from evalgate.core.values import Case
from evalgate.golden.health.duplicates import listed
from evalgate.golden.health.folding import texts_in

_BLOCK = 1 << 18
"""Characters that are searched at a time: one search over many texts is many times faster than one for each."""
_SHORTEST = 6
"""Characters of the shortest address: `a@b.ch`."""
_SHORTEST_PRIVATE_KEY = 100
_BRANDS = {
    "openai_key": "OpenAI key",
    "github_token": "GitHub token",
    "aws_key": "AWS key",
    "google_key": "Google key",
    "slack_token": "Slack token",
    "huggingface_token": "Hugging Face token",
    "json_web_token": "JSON Web Token",
    "url_password": "password in an address",
    "basic_credentials": "user name with its password",
    "named_key": "key or token",
}
_PLACEHOLDER = ("EXAMPLE", "example", "XXXX", "xxxx", "your", "YOUR", "...", "0000000", "1234567890")


@dataclass(slots=True)
class _Column:
    """Texts of one column that wait to be searched."""

    texts: list[str] = field(default_factory=list)
    places: list[int] = field(default_factory=list)
    characters: int = 0


@dataclass(slots=True)
class SensitiveCheck:
    """Finds personal data (`personal-data`) and secrets (`secret`) in every column, nested texts included."""

    waiting: dict[str, _Column] = field(default_factory=dict)
    found: dict[tuple[str, str, str], dict[int, int]] = field(default_factory=lambda: defaultdict(lambda: defaultdict(int)))
    """(code, kind, column) → place of the case → how often."""
    cases: int = 0

    def add(self, case: Case) -> None:
        """Take in the next case."""
        for name, value in case.fields.items():
            if isinstance(value, str):
                if len(value) >= _SHORTEST:
                    self._wait(name, value)
            elif isinstance(value, (list, dict)):
                for text in texts_in(value):
                    if len(text) >= _SHORTEST:
                        self._wait(name, text)
        self.cases += 1

    def findings(self, ids: Sequence[str]) -> list[HealthFinding]:
        """One finding for each kind and column."""
        for name, waiting in self.waiting.items():
            self._search(name, waiting)
        self.waiting.clear()
        found = []
        for (code, kind, column), places in sorted(self.found.items()):
            times = sum(places.values())
            cases = amount(len(places), "case holds", "cases hold")
            said = f"{cases} what looks like {_article(kind)} in column {column!r} ({amount(times, 'time', 'times')})"
            named = listed([[ids[place]] for place in places])
            found.append(HealthFinding(code, said, len(places), named, column))
        return found

    def _wait(self, name: str, text: str) -> None:
        column = self.waiting.get(name)
        if column is None:
            column = self.waiting[name] = _Column()
        column.texts.append(text)
        column.places.append(self.cases)
        column.characters += len(text)
        if column.characters >= _BLOCK:
            self._search(name, column)
            self.waiting[name] = _Column()

    def _search(self, name: str, column: _Column) -> None:
        whole = encodable("\0".join(column.texts))
        spans = [*_secrets(whole), *_personal(whole)]
        if not spans:
            return
        ends, total = [], 0
        for text in column.texts:
            total += len(text) + 1
            ends.append(total)
        for code, kind, start in spans:
            self.found[(code, kind, name)][column.places[bisect_right(ends, start)]] += 1


def _personal(text: str) -> Iterator[tuple[str, str, int]]:
    for kind in KINDS:
        for _, end in personal_data(kind, text):
            yield "personal-data", kind, end - 1


def _secrets(text: str) -> Iterator[tuple[str, str, int]]:
    for kind, start, end in secrets_in(text):
        if kind in WRITTEN or _is_key(kind, text[start:end]):
            yield "secret", _BRANDS.get(kind, kind.replace("_", " ")), start


def _is_key(kind: str, found: str) -> bool:
    """Whether it is more than the mention of a key: placeholders, samples of documentation and words are not."""
    if kind == "private_key":
        return len(found) >= _SHORTEST_PRIVATE_KEY
    body = found.split()[-1]
    return not any(mark in body for mark in _PLACEHOLDER) and len(set(body)) >= 10


def _article(kind: str) -> str:
    vowel = kind[0] in "aeioAO" or kind in ("IBAN", "IP address")
    return f"{'an' if vowel else 'a'} {kind}"
