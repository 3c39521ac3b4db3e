"""User patterns that cannot hang the gate: RE2, linear in the length of the text."""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache
from typing import Any

from evalgate.core.errors import BadInput


@dataclass(frozen=True, slots=True)
class Pattern:
    """A compiled user pattern."""

    text: str
    compiled: Any

    def spans(self, subject: str) -> tuple[tuple[int, int], ...]:
        """Character spans of all non-overlapping, non-empty matches, in order."""
        return tuple((m.start(), m.end()) for m in self.compiled.finditer(encodable(subject)) if m.end() > m.start())

    def found_in(self, subject: str) -> bool:
        """Whether the pattern matches anywhere."""
        return self.compiled.search(encodable(subject)) is not None

    def extract(self, subject: str) -> str | None:
        """Group 1 of the last match (the whole match where the pattern has no group), stripped; None: no match."""
        last = None
        for match in self.compiled.finditer(encodable(subject)):
            last = match
        if last is None:
            return None
        taken = last.group(1) if self.compiled.groups else last.group(0)
        return (taken or "").strip()


def compile_pattern(text: str, *, where: str | None = None, ignore_case: bool = False) -> Pattern:
    """Compile a user pattern.

    Raises:
        BadInput: the pattern is not valid, or uses look-around or back-references, which linear time excludes.
    Source: RE2 syntax, https://github.com/google/re2/wiki/Syntax.
    """
    try:
        compiled = _compile(text, ignore_case)
    except ValueError as error:
        hint = "patterns are RE2: no look-around and no back-references, so that no text can hang the gate"
        raise BadInput(f"pattern {text!r} is not valid: {error}", where=where, hint=hint) from error
    return Pattern(text, compiled)


def encodable(subject: str) -> str:
    """The same text with every lone surrogate as `?`: RE2 reads UTF-8, which has none; offsets stay true."""
    try:
        subject.encode("utf-8")
    except UnicodeEncodeError:
        return subject.encode("utf-8", "replace").decode("utf-8")
    return subject


@lru_cache(maxsize=256)
def _compile(text: str, ignore_case: bool) -> Any:
    import re2

    options = re2.Options()
    options.log_errors = False
    options.case_sensitive = not ignore_case
    options.max_mem = 64 << 20
    try:
        return re2.compile(text, options=options)
    except (re2.error, TypeError, UnicodeEncodeError) as error:
        said = error.args[0] if error.args else error
        raise ValueError(said.decode("utf-8", "replace") if isinstance(said, bytes) else str(said)) from error
