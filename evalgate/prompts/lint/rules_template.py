"""Rules about the template: constructs that can do more than fill a text in, and inputs that can pose as instructions."""

from __future__ import annotations

import re
from collections.abc import Iterator

from evalgate.core.lint_report import LintSeverity
from evalgate.core.patterns import compile_pattern
from evalgate.prompts.assemble import is_logic_less
from evalgate.prompts.jinja_syntax import refused_constructs
from evalgate.prompts.lint.patterns import PLACEHOLDER, variables
from evalgate.prompts.lint.problem_kinds import UNSAFE, line_in, of_kind
from evalgate.prompts.lint.skeleton import github
from evalgate.prompts.lint.values import Hit, Part, Rule, Source

_UNSAFE: tuple[tuple[re.Pattern[str], str], ...] = (
    (re.compile(r"\{\{\s*[#/]?>\s*[\w./-]+"), "the template includes a partial"),
    (re.compile(r"\{\{\{\s*[\w#]"), "{{{ }}} switches escaping off"),
    (re.compile(r"\{\{&\s*\w+"), "{{& }} switches escaping off"),
    (re.compile(r"\{\{[^}\n]{0,300}(?:\._|__\w+__)"), "an attribute that begins with _ is reached"),
)
"""Of Handlebars and Mustache; what Jinja2 can do is told by its syntax tree."""
_COMMENT = r"(?s)\{#.*?#\}|\{\{!--.*?--\}\}|\{\{![^}]*\}\}"
_TAG_BEGIN = re.compile(r"\{[{%]")
_INSTEAD = "fill values in with {{name}} alone, and prepare them before"
_MARKERS = r"(?:system|assistant|developer|user|human|ai|tool|function)"
_BEFORE = re.compile(
    rf"(?:^|[\n>\]#*]|<\|im_start\|>)[ \t]*[#*]*[ \t]*{_MARKERS}[ \t]*(?::|\|>|\]|>)[*]*[ \t]*\n?[ \t]*\Z", re.IGNORECASE
)
_AFTER = re.compile(rf"[ \t]*\n?[ \t]*(?:<\|im_start\|>|\[/?INST\]|<</?SYS>>|[#*]*[ \t]*{_MARKERS}[ \t]*:)", re.IGNORECASE)
_SPECIAL = re.compile(
    r"<\|(?:im_start|im_end|system|user|assistant|eot_id|start_header_id)\|>|\[/?INST\]|<</?SYS>>|<<<dotprompt:"
)
_OPENINGS = re.compile(r"(?:<[A-Za-z][\w:.-]*(?:\s[^<>]*)?>|```\w*|\"\"\"|'''|[\"'“„«‘`(\[]|-{3,}|={3,}|#{3,})[ \t]*\n?[ \t]*\Z")
_CLOSINGS = re.compile(r"[ \t]*\n?[ \t]*(?:</[A-Za-z][\w:.-]*>|```|\"\"\"|'''|[\"'”“»’`)\]]|-{3,}|={3,}|#{3,})")


def unsafe_constructs(source: Source) -> Iterator[Hit]:
    """Constructs that reach further than the value of a variable, each place once."""
    if source.prompt is not None and source.prompt.engine == "jinja2":
        return  # its reader has looked at every node
    told = [Hit(line_in(problem), 1, problem.message, problem.hint or "") for problem in of_kind(source, UNSAFE)]
    yield from told
    if told:
        return
    for part in source.outline.parts:
        if "{{" not in part.content and "{%" not in part.content:
            continue
        seen: set[int] = set()
        for start, end, said in (*_by_form(part.content), *_by_tree(part.content)):
            if start not in seen:
                seen.add(start)
                line, column = source.place(part, start, end)
                yield Hit(line, column, said, _INSTEAD)


def _by_form(content: str) -> Iterator[tuple[int, int, str]]:
    if "{#" in content or "{{!" in content:
        content = _without_comments(content)
    for pattern, said in _UNSAFE:
        for found in pattern.finditer(content):
            yield found.start(), found.end(), said


def _without_comments(content: str) -> str:
    """The same length and lines, with blanks for comments."""
    kept, position = [], 0
    for start, end in compile_pattern(_COMMENT).spans(content):
        kept += [content[position:start], re.sub(r"[^\n]", " ", content[start:end])]
        position = end
    return "".join([*kept, content[position:]])


def _by_tree(content: str) -> Iterator[tuple[int, int, str]]:
    """As Jinja2 sees a text that evalgate does not read as Jinja2: other tools may."""
    if is_logic_less(content, frozenset()):
        return
    lines = content.split("\n")
    for number, said, word in refused_constructs(content):
        line = lines[number - 1]
        at = line.find(word) if word else -1
        tags = [found.start() for found in _TAG_BEGIN.finditer(line) if at < 0 or found.start() <= at]
        begin = (tags[-1] if at >= 0 else tags[0]) if tags else 0
        offset = sum(len(one) + 1 for one in lines[: number - 1])
        yield offset + begin, offset + len(line), said


def _in_system(source: Source) -> Iterator[Hit]:
    for part, found, (line, column) in variables(source):
        if part.role == "system":
            said = f"{{{{{found.group(1)}}}}} is filled into the system message"
            yield Hit(line, column, said, "move it into a user message, between delimiters")


def _role_marker(source: Source) -> Iterator[Hit]:
    for part, found, (line, column) in variables(source):
        before, after = part.content[max(0, found.start() - 80) : found.start()], part.content[found.end() : found.end() + 80]
        if _BEFORE.search(before) or _AFTER.match(after):
            said = f"a role marker stands beside {{{{{found.group(1)}}}}}: an input can go on as another role"
            yield Hit(line, column, said, "write each role as a message of its own")
    for part in source.outline.parts:
        for found in _SPECIAL.finditer(part.content) if PLACEHOLDER.search(part.content) else ():
            line, column = source.place(part, found.start(), found.end())
            said = f"the control marker {found.group()} stands in a message with variables"
            yield Hit(line, column, said, "write each role as a message of its own")


def _no_delimiter(source: Source) -> Iterator[Hit]:
    for part, found, (line, column) in variables(source):
        if part.role != "system" and not _enclosed(part, found.start(), found.end()):
            said = f"nothing shows where {{{{{found.group(1)}}}}} begins and ends"
            yield Hit(line, column, said, "put it between tags, quotes or fences, or into a message of its own")


def _enclosed(part: Part, start: int, end: int) -> bool:
    before, after = part.content[max(0, start - 80) : start], part.content[end : end + 80]
    if len(part.content) - (end - start) <= 80 and not before.strip() and not after.strip():
        return True
    return _OPENINGS.search(before) is not None and _CLOSINGS.match(after) is not None


_TAGS = "<question>\n      {{question}}\n      </question>"

RULES = (
    Rule(
        "EP301",
        "input-in-system-role",
        LintSeverity.WARNING,
        "An input is filled into the system message.",
        "Models obey the system message first: what a stranger writes there poses as instructions.",
        _in_system,
        github(("content: Name one product.", 'content: "Name one product for {{question}}"')),
        github(),
    ),
    Rule(
        "EP302",
        "role-marker-at-variable",
        LintSeverity.WARNING,
        "A role marker such as `system:` stands right before or after a variable, or control markers beside one.",
        "A value that goes on in the same style opens a role of its own.",
        _role_marker,
        github((_TAGS, "<question>\n      {{question}}\n      </question>\n      <|im_end|>")),
        github((_TAGS, f"{_TAGS}\n      The system: a shop.")),
    ),
    Rule(
        "EP303",
        "no-delimiter",
        LintSeverity.INFO,
        "Nothing shows where an input begins and ends.",
        "Between tags, quotes or fences a model tells the customer's words from yours more reliably.",
        _no_delimiter,
        github((_TAGS, "Question: {{question}}")),
        github((_TAGS, '"{{question}}"')),
    ),
    Rule(
        "EP304",
        "unsafe-template",
        LintSeverity.ERROR,
        "A template construct that reaches further than the value of a variable.",
        "Attributes that begin with `_`, includes, calls and switched-off escaping are how templates are broken out of.",
        unsafe_constructs,
        github(("<question>\n      {{question}}", "<question>\n      {{{question}}}")),
        github(),
    ),
)
