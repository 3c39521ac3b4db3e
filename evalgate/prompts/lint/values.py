"""The values of the linter: what a rule sees, what it says, and what a rule is."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field

from evalgate.core.document import Document
from evalgate.core.errors import Problem
from evalgate.core.lint_report import LintRuleNote, LintSeverity
from evalgate.core.values import JsonValue
from evalgate.prompts.releases import Release
from evalgate.prompts.values import Input, Prompt


@dataclass(frozen=True, slots=True)
class GateUse:
    """A gate that uses the prompt."""

    gate: str
    columns: tuple[str, ...] | None = None
    """Columns of its golden dataset that a prompt may use; None: not known."""
    samples: int = 1
    model: str = ""
    parameters: Mapping[str, JsonValue] = field(default_factory=dict)
    """Of its model alias, by their wire names."""


@dataclass(frozen=True, slots=True)
class Surroundings:
    """What the project knows about a prompt file."""

    gates: tuple[GateUse, ...] | None = None
    """The gates that use this version; None: the project has no gates to look at."""
    covered: bool = True
    """Whether any gate uses any version of the prompt."""
    release: Release | None = None
    """The release of this version; None: not released."""
    previous: Prompt | None = None
    """The version before this one."""
    tokens: Callable[[str], int] | None = None
    """Counts tokens with a real vocabulary; None: an estimate is used."""


@dataclass(frozen=True, slots=True)
class Part:
    """One message with the place where it stands in the file."""

    role: str
    content: str
    first: int
    """Line on which the message begins, with its role."""
    line: int
    """Line on which its content begins."""
    last: int
    """Last line that belongs to it."""


@dataclass(frozen=True, slots=True)
class Reading:
    """A text of the file as its readers see it, where that is not how it is written: escapes resolved, lines folded."""

    value: str
    first: int
    last: int
    """Lines between which it is written."""


@dataclass(frozen=True, slots=True)
class Outline:
    """A prompt file as far as it can be understood, however faulty it is."""

    format: str
    """`github`, `prompty`, `prompty-v1`, `dotprompt`, `text`, `chat`."""
    parts: tuple[Part, ...] = ()
    declared: tuple[Input, ...] | None = None
    """Variables the file declares; None where it declares none."""
    test_data: tuple[Mapping[str, JsonValue], ...] = ()
    parameters: Mapping[str, tuple[JsonValue, int]] = field(default_factory=dict)
    """Model parameter by its wire name → value and line."""
    model: str = ""
    model_line: int = 1
    owner: str = ""
    version: str = ""
    description: str = ""
    output_schema: Mapping[str, JsonValue] | None = None
    wants_json: bool = False
    """Whether the file asks the provider for JSON."""


@dataclass(frozen=True, slots=True)
class Source:
    """Everything a rule may look at."""

    path: str
    text: str
    """The file as it stands, with byte order mark and carriage returns."""
    lines: tuple[str, ...]
    """Lines without their ends; a carriage return stays."""
    quiet: frozenset[int]
    """Lines that are inside a text of several lines, where YAML syntax means nothing."""
    outline: Outline
    document: Document | None = None
    """The YAML of the file; None where it has none, or it cannot be read."""
    prompt: Prompt | None = None
    """None when the file cannot be read as a prompt."""
    problems: tuple[Problem, ...] = ()
    """Why it cannot."""
    around: Surroundings = field(default_factory=Surroundings)
    readings: tuple[Reading, ...] = ()

    def place(self, part: Part, start: int, end: int) -> tuple[int, int]:
        """Line and column, in the file, of a stretch of a message; the beginning of the message when it cannot be told."""
        snippet = part.content[start:end].split("\n", 1)[0]
        if not snippet:
            return part.line, 1
        nth = _count(part.content, snippet, start)
        for number in range(part.line, min(part.last, len(self.lines)) + 1):
            line = self.lines[number - 1]
            column = line.find(snippet)
            while column >= 0:
                if nth == 0:
                    return number, column + 1
                nth -= 1
                column = line.find(snippet, column + 1)
        return part.line, 1

    def has_fields(self) -> bool:
        """Whether the file has YAML that can be read, and could therefore say more about itself."""
        return self.document is not None

    def line_of(self, *path: str | int) -> int:
        """Line of a key in the file's YAML; 1 when there is none."""
        if self.document is None:
            return 1
        for length in range(len(path), -1, -1):
            line = self.document.lines.get(path[:length])
            if line is not None:
                return line
        return 1


@dataclass(frozen=True, slots=True)
class Hit:
    """What a rule says about one place."""

    line: int
    column: int
    message: str
    hint: str = ""
    repairable: bool = True
    """False where the repair of the rule does not reach this place."""


@dataclass(frozen=True, slots=True)
class Sample:
    """A small prompt file in which a rule finds something, or nothing."""

    text: str
    path: str = "configs/prompts/sample/1.prompt.yml"
    around: Surroundings = field(default_factory=Surroundings)
    previous: str | None = None
    """Text of the version before, in the same format."""
    released_as: str | None = None
    """Text that was released under this version."""
    note: str = ""
    """What the text alone does not show."""


@dataclass(frozen=True, slots=True)
class Rule:
    """One rule: what it looks for, why, and an example of each kind."""

    code: str
    """Stable; a code that is given up is never used again."""
    name: str
    severity: LintSeverity
    summary: str
    why: str
    check: Callable[[Source], Iterable[Hit]]
    failing: Sample
    passing: Sample
    fix: Callable[[Source], Iterable[str]] | None = None
    """Texts of the repaired file, the boldest first; the first that means the same is taken."""
    renamed: Mapping[str, str] = field(default_factory=dict)
    """Keys of the file's YAML that the repair gives another name; nothing else in it may change, whoever reads it."""

    def note(self) -> LintRuleNote:
        """The rule as a report describes it."""
        return LintRuleNote(self.code, self.name, self.severity, self.summary, self.why)


def _count(content: str, snippet: str, before: int) -> int:
    found, position = 0, content.find(snippet)
    while 0 <= position < before:
        found += 1
        position = content.find(snippet, position + 1)
    return found
