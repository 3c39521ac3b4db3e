"""Repairs of a file's text. Each gives candidates; whoever applies them proves that the prompt still means the same."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator

from evalgate.prompts.lint.patterns import OLD_TOKENS, doubtful_words, old_token_lines
from evalgate.prompts.lint.values import Source

_TRAILING = re.compile(r"[ \t]+(?=\r?\Z)")


def without_trailing_space(source: Source) -> Iterator[str]:
    """All lines stripped; where that changes a message, only the lines outside of texts."""
    yield _joined(source, (_TRAILING.sub("", line) for line in source.lines))
    kept = (line if number in source.quiet else _TRAILING.sub("", line) for number, line in enumerate(source.lines, start=1))
    yield _joined(source, kept)


def without_carriage_returns(source: Source) -> Iterator[str]:
    """LF line ends."""
    yield source.text.replace("\r\n", "\n").replace("\r", "\n")


def without_mark(source: Source) -> Iterator[str]:
    """No byte order mark."""
    yield source.text.removeprefix("\ufeff")


def with_final_newline(source: Source) -> Iterator[str]:
    """One line feed at the end."""
    yield source.text + "\n"


def with_quoted_words(source: Source) -> Iterator[str]:
    """`no` as `"no"`."""
    lines = list(source.lines)
    for number, column, word in sorted(doubtful_words(source), reverse=True):
        line = lines[number - 1]
        lines[number - 1] = f'{line[: column - 1]}"{word}"{line[column - 1 + len(word) :]}'
    yield _joined(source, lines)


def without_old_names(source: Source) -> Iterator[str]:
    """`maxTokens` as `maxCompletionTokens`; the older versions of Prompty are left to a human."""
    lines = list(source.lines)
    for number in old_token_lines(source):
        lines[number - 1] = OLD_TOKENS.sub(_new_name, lines[number - 1])
    yield _joined(source, lines)


def _new_name(found: re.Match[str]) -> str:
    return found.group().replace("maxTokens", "maxCompletionTokens")


def _joined(source: Source, lines: Iterable[str]) -> str:
    """Lines as a file that ends as the source does."""
    return "\n".join(lines) + ("\n" if source.text.endswith("\n") else "")
