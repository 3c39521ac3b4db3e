"""Rules about the file itself: can it be read, and does every reader see the same in it?"""

from __future__ import annotations

from collections.abc import Iterator

from evalgate.core.errors import Problem
from evalgate.core.lint_report import LintSeverity
from evalgate.core.visible import HIDDEN, belongs
from evalgate.prompts.lint.fixes import (
    with_final_newline,
    with_quoted_words,
    without_carriage_returns,
    without_mark,
    without_old_names,
    without_trailing_space,
)
from evalgate.prompts.lint.patterns import OLD_TOKENS, doubtful_words, old_token_lines
from evalgate.prompts.lint.problem_kinds import DUPLICATE, UNREADABLE, line_in, of_kind
from evalgate.prompts.lint.problem_kinds import HIDDEN as HIDDEN_PROBLEM
from evalgate.prompts.lint.readings import spotted
from evalgate.prompts.lint.skeleton import github
from evalgate.prompts.lint.values import Hit, Rule, Source

_DIRECTION = frozenset("\u202a\u202b\u202c\u202d\u202e\u2066\u2067\u2068\u2069\u200e\u200f\u061c")


def _unreadable(source: Source) -> Iterator[Hit]:
    return _said(source, UNREADABLE)


def _duplicate(source: Source) -> Iterator[Hit]:
    return _said(source, DUPLICATE)


def _said(source: Source, kind: str) -> Iterator[Hit]:
    for problem in of_kind(source, kind):
        yield _hit(problem)


def _hit(problem: Problem) -> Hit:
    return Hit(line_in(problem), 1, problem.message, problem.hint or "")


def _trailing_space(source: Source) -> Iterator[Hit]:
    for number, line in enumerate(source.lines, start=1):
        bare = line.rstrip("\r")
        stripped = bare.rstrip(" \t")
        if len(stripped) < len(bare):
            yield Hit(number, len(stripped) + 1, "the line ends in white space", "remove it: nobody sees it, the model may")


def _carriage_returns(source: Source) -> Iterator[Hit]:
    count = source.text.count("\r")
    if count:
        line = source.text[: source.text.index("\r")].count("\n") + 1
        said = f"{count} line {'end is' if count == 1 else 'ends are'} written with a carriage return"
        yield Hit(line, len(source.lines[line - 1].rstrip("\r")) + 1, said, "save the file with LF line ends")


def _mark(source: Source) -> Iterator[Hit]:
    if source.text.startswith("\ufeff"):
        yield Hit(1, 1, "the file begins with a byte order mark", "save it as UTF-8 without one")


def _final_newline(source: Source) -> Iterator[Hit]:
    if source.text and not source.text.endswith(("\n", "\r")):
        hint = "end the last line with a line feed"
        yield Hit(len(source.lines), len(source.lines[-1]) + 1, "the last line has no end", hint)


def _norway(source: Source) -> Iterator[Hit]:
    for line, column, word in doubtful_words(source):
        said = f"{word} without quotes is a text here and true or false for readers of YAML 1.1"
        yield Hit(line, column, said, f'write "{word}", or true or false')


def _hidden(source: Source) -> Iterator[Hit]:
    found_any = False
    for kind, line, column in spotted(source, _unseen):
        if (line, column) == (1, 1) and kind.startswith("U+FEFF"):
            continue
        found_any = True
        yield Hit(line, column, kind, "remove it: a reviewer does not see what the model reads")
    if not found_any:
        yield from _said(source, HIDDEN_PROBLEM)


def _unseen(text: str) -> Iterator[tuple[str, int, int]]:
    for found in HIDDEN.finditer(text):
        at, end = found.span()
        # A carriage return at the end of a line has a rule of its own.
        if belongs(text, at) or (found.group() == "\r" and text[end : end + 1] in ("", "\n", "\r")):
            continue
        kind = "turns the direction of the text" if found.group() in _DIRECTION else "cannot be seen"
        yield f"U+{ord(found.group()):04X} {kind}", at, end


def _old_names(source: Source) -> Iterator[Hit]:
    if source.outline.format == "github":
        for number in old_token_lines(source):
            found = OLD_TOKENS.search(source.lines[number - 1])
            if found:
                yield Hit(number, found.start(1) + 1, "maxTokens is deprecated", "write maxCompletionTokens")
    if source.outline.format == "prompty-v1":
        said = "the file is written in the first version of Prompty"
        hint = "model.configuration → model.id and provider, model.parameters → model.options, sample → inputs.NAME.example"
        yield Hit(source.line_of("model"), 1, said, hint, repairable=False)


RULES = (
    Rule(
        "EP001",
        "unreadable",
        LintSeverity.ERROR,
        "The file cannot be read as a prompt of its format.",
        "Nothing can be proven about a file that cannot be read, and a gate that names it stops.",
        _unreadable,
        github(("role: system", "role: narrator")),
        github(),
    ),
    Rule(
        "EP004",
        "trailing-whitespace",
        LintSeverity.WARNING,
        "A line ends in white space.",
        "White space at the end of a line is invisible in review, and inside a message it changes the tokens the model reads.",
        _trailing_space,
        github(("name: sample\n", "name: sample  \n")),
        github(),
        without_trailing_space,
    ),
    Rule(
        "EP005",
        "carriage-return",
        LintSeverity.WARNING,
        "Lines end with CRLF.",
        "Line ends that differ between machines make every line of a diff look changed.",
        _carriage_returns,
        github(("name: sample\n", "name: sample\r\n")),
        github(),
        without_carriage_returns,
    ),
    Rule(
        "EP006",
        "byte-order-mark",
        LintSeverity.WARNING,
        "The file begins with a byte order mark.",
        "Some readers take the mark for a part of the first key or of the first message.",
        _mark,
        github(("name: sample", "\ufeffname: sample")),
        github(),
        without_mark,
    ),
    Rule(
        "EP007",
        "no-final-newline",
        LintSeverity.WARNING,
        "The last line has no line end.",
        "Adding a line later then shows two changed lines, and tools that join files join two lines.",
        _final_newline,
        github(("small?}\n", "small?}")),
        github(),
        with_final_newline,
    ),
    Rule(
        "EP008",
        "duplicate-key",
        LintSeverity.ERROR,
        "A YAML key is given twice.",
        "Most YAML readers keep the last one without a word; which value counts depends on the tool.",
        _duplicate,
        github(("name: sample\n", "name: sample\nname: other\n")),
        github(),
    ),
    Rule(
        "EP009",
        "yaml-norway",
        LintSeverity.WARNING,
        "An unquoted `no`, `yes`, `on` or `off`.",
        "YAML 1.2 reads a text, YAML 1.1 reads true or false: two tools see two prompts (the country code NO is the classic).",
        _norway,
        github(("name: sample", "name: no")),
        github(("name: sample", 'name: "no"')),
        with_quoted_words,
    ),
    Rule(
        "EP010",
        "hidden-character",
        LintSeverity.ERROR,
        "A character that cannot be seen, or that turns the direction of text.",
        "The model reads what a reviewer cannot see: instructions can be hidden this way (Trojan Source, tag characters).",
        _hidden,
        github(("content: Name one", "content: Name\u202e one")),
        github(("content: Name one", "content: ⚠️ Name one")),
    ),
    Rule(
        "EP011",
        "deprecated-field",
        LintSeverity.WARNING,
        "A field that its format has given up.",
        "GitHub Models replaced `maxTokens` by `maxCompletionTokens`; the first version of Prompty is not read by the loader "
        "of the second.",
        _old_names,
        github(("maxCompletionTokens", "maxTokens")),
        github(),
        without_old_names,
        {"maxTokens": "maxCompletionTokens"},
    ),
)
