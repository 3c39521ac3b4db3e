"""`evalgate prompt lint`: hold the rules against prompt files, with what the project knows about each of them."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from evalgate.config.load import project_root
from evalgate.config.strict_yaml import parse_document
from evalgate.core.document import Document
from evalgate.core.errors import BadInput, Problem
from evalgate.core.files import write_whole
from evalgate.core.lint_report import LintFinding, LintReport, LintSeverity, in_order
from evalgate.core.strict_json import parse_json
from evalgate.pipeline.prompt_gates import GatesOfPrompts, gates_of_prompts
from evalgate.pipeline.prompt_releases import read_releases
from evalgate.prompts.chat_file import parse_chat
from evalgate.prompts.dotprompt_file import parse_dotprompt
from evalgate.prompts.front_matter import split_front_matter
from evalgate.prompts.lint.catalog import RULES, chosen_rules
from evalgate.prompts.lint.engine import Linted, lint, repaired
from evalgate.prompts.lint.outline import ENDINGS, TEXT_ENDINGS, YAML_ENDINGS, outline, quiet_lines, yaml_text
from evalgate.prompts.lint.suppressions import SIDECAR_ENDING
from evalgate.prompts.lint.values import Rule, Sample, Source, Surroundings
from evalgate.prompts.prompt_file import parse_plain, parse_prompt
from evalgate.prompts.prompty_file import parse_prompty
from evalgate.prompts.releases import FILE, Release, release_of, version_of
from evalgate.prompts.values import Prompt

MAX_BYTES = 4 << 20
_FOUND_BY_CHECK = ("EP104", "EP504")
"""A gate without the column, an edited release."""
_RULES_OF_CHECK = tuple(rule for rule in RULES if rule.code not in _FOUND_BY_CHECK and rule.severity is LintSeverity.ERROR)
_FRONT = "begin it with ---, the front matter, and --- again"
_WITH_NAMES = (".prompt.yml", ".prompt.yaml", ".prompty", ".prompt")
"""Endings that mean a prompt wherever the file stands; others only as prompts/NAME/VERSION."""


@dataclass(frozen=True, slots=True)
class LintChoice:
    """What to run."""

    select: tuple[str, ...] = ()
    ignore: tuple[str, ...] = ()
    fix: bool = False
    tokens: Callable[[str], int] | None = None
    """Counts tokens with a real vocabulary; None: an estimate is used."""


def lint_paths(paths: Sequence[Path], choice: LintChoice) -> LintReport:
    """Hold the chosen rules against every prompt file under some paths.

    Raises: BadInput for a path that does not exist, an unknown rule, or when there is no prompt file at all.
    Side effects: with `fix`, files are written again, whole or not at all.
    """
    rules = chosen_rules(choice.select, choice.ignore)
    files = list(dict.fromkeys(found for path in paths for found in prompt_files(path)))
    if not files:
        shown = ", ".join(map(str, paths))
        raise BadInput("there is no prompt to look at", where=shown, hint=f"a prompt file ends in {', '.join(_WITH_NAMES)}")
    project = Project(choice.tokens)
    fixed: list[str] = []
    findings: list[LintFinding] = []
    suppressed = 0
    for path in files:
        if choice.fix and project.fix(path, rules):
            fixed.append(str(path))
        linted = project.lint(path, rules)
        findings += linted.findings
        suppressed += linted.suppressed
    notes = tuple(rule.note() for rule in rules)
    return LintReport(in_order(findings), tuple(map(str, files)), notes, suppressed, tuple(fixed))


def lint_file(path: Path, root: Path) -> tuple[LintFinding, ...]:
    """Every finding in one prompt file of a project."""
    return Project(root=root).lint(path, RULES).findings


def lint_problems(path: Path, project: Project) -> tuple[Problem, ...]:
    """What `check` reports of a prompt that can be read: the errors, without those that `check` finds by itself."""
    return tuple(
        Problem(f"{one.message} [{one.code} {one.name}]", f"{one.path}:{one.line}", one.hint or None)
        for one in project.lint(path, _RULES_OF_CHECK).findings
        if one.severity is LintSeverity.ERROR
    )


def prompt_files(path: Path) -> Iterator[Path]:
    """The prompt files under a path, in order.

    Raises: BadInput when it does not exist, or is a file of no format that prompts are written in.
    """
    if not path.exists():
        raise BadInput("does not exist", where=str(path))
    if path.is_file():
        if not path.name.endswith(ENDINGS):
            raise BadInput("is no prompt file", where=str(path), hint=f"known endings: {', '.join(ENDINGS)}")
        yield path
        return
    for child in sorted(path.rglob("*"), key=_order):
        hidden = any(part.startswith(".") for part in child.relative_to(path).parts)
        if not hidden and _is_prompt(child) and child.is_file():
            yield child


def _is_prompt(path: Path) -> bool:
    if path.name.endswith(_WITH_NAMES):
        return True
    placed = path.absolute().parent.parent.name == "prompts" and path.name.lower() not in ("readme.md", "changelog.md")
    return placed and path.suffix in (*TEXT_ENDINGS, ".json")


class Project:
    """A project while its prompts are looked at: gates, releases and earlier versions are read once."""

    def __init__(self, tokens: Callable[[str], int] | None = None, root: Path | None = None) -> None:
        self._tokens = tokens
        self._root = root
        self._gates: dict[Path, GatesOfPrompts] = {}
        self._releases: dict[Path, Mapping[str, Release]] = {}
        self._folders: dict[Path, list[Path]] = {}
        self._prompts: dict[Path, Prompt | None] = {}

    def lint(self, path: Path, rules: Sequence[Rule]) -> Linted:
        """What some rules say about a file."""
        text, problem = read_raw(path)
        if problem is not None:
            source = Source(str(path), "", ("",), frozenset(), outline(str(path), ("",), None), problems=(problem,))
            return lint(source, [rule for rule in rules if rule.code == "EP001"])
        return lint(self.source(path, text), rules, _sidecar(path))

    def fix(self, path: Path, rules: Sequence[Rule]) -> bool:
        """Repair a file where that provably leaves its meaning as it is; whether it was changed."""
        text, problem = read_raw(path)
        if problem is not None:
            return False
        new = repaired(self.source(path, text), rules, lambda candidate: self.source(path, candidate), _sidecar(path))
        if new == text:
            return False
        write_whole(path, new)
        return True

    def source(self, path: Path, text: str) -> Source:
        """A text as the file it stands in."""
        source = source_of(str(path), text)
        self._prompts[path] = source.prompt
        root = self._root or project_root(path)
        gates = self._gates.get(root)
        if gates is None:
            gates = self._gates[root] = gates_of_prompts(root)
        version = version_of(path)
        release = self._released(path.parent).get(version) if version else None
        around = Surroundings(gates.of(path), gates.cover(path), release, self._previous(path), self._tokens)
        return replace(source, around=around)

    def _released(self, folder: Path) -> Mapping[str, Release]:
        if folder not in self._releases:
            try:
                self._releases[folder] = read_releases(folder / FILE) if (folder / FILE).is_file() else {}
            except BadInput:
                # `check` speaks of a faulty list; nothing can be held against it here.
                self._releases[folder] = {}
        return self._releases[folder]

    def _previous(self, path: Path) -> Prompt | None:
        folder = path.parent
        if folder.parent.name != "prompts" or version_of(path) is None:
            return None
        if folder not in self._folders:
            self._folders[folder] = sorted((one for one in folder.iterdir() if _is_prompt(one)), key=_order)
        versions = self._folders[folder]
        index = versions.index(path) if path in versions else 0
        return self._read(versions[index - 1]) if index > 0 else None

    def _read(self, path: Path) -> Prompt | None:
        if path not in self._prompts:
            text, problem = read_raw(path)
            self._prompts[path] = None if problem is not None else source_of(str(path), text).prompt
        return self._prompts[path]


def read_raw(path: Path) -> tuple[str, Problem | None]:
    """The text of a file as it stands, or what is wrong with its bytes."""
    shown = str(path)
    try:
        if path.is_symlink() and not path.resolve().is_relative_to(project_root(path).resolve()):
            hint = "copy the file into the project"
            return "", Problem("a symbolic link that leads out of the project is not read", f"{shown}:1", hint)
        with path.open("rb") as handle:
            data = handle.read(MAX_BYTES + 1)
    except OSError as error:
        return "", Problem(f"the file cannot be read: {error.strerror}", f"{shown}:1", "check its permissions")
    if len(data) > MAX_BYTES:
        return "", Problem(f"the file is larger than {MAX_BYTES >> 20} MiB", f"{shown}:1", "keep data in a dataset file")
    try:
        return data.decode("utf-8"), None
    except UnicodeDecodeError as error:
        line = data.count(b"\n", 0, error.start) + 1
        return "", Problem("the file is not UTF-8", f"{shown}:{line}", "save it as UTF-8")


def source_of(path: str, text: str) -> Source:
    """A text as a rule sees it, with nothing known about the project around it."""
    lines = tuple(text.split("\n"))
    if len(lines) > 1 and not lines[-1]:
        lines = lines[:-1]
    quiet = quiet_lines(path, lines)
    document, problems = _document(path, lines)
    chat = _chat(path, text, problems)
    prompt = None if problems else _prompt(path, text, document, problems)
    seen = outline(path, lines, document, chat)
    if prompt is not None and prompt.declared is not None:
        seen = replace(seen, declared=prompt.declared)
    return Source(path, text, lines, quiet, seen, document, prompt, tuple(problems))


def sample_source(sample: Sample) -> Source:
    """A sample of a rule as a rule sees it."""
    source = source_of(sample.path, sample.text)
    around = sample.around
    if sample.released_as is not None:
        released = source_of(sample.path, sample.released_as).prompt
        assert released is not None
        around = replace(around, release=release_of(released, "1", released="2026-11-25"))
    if sample.previous is not None:
        before = source_of(re.sub(r"/\d+(?=\.)", "/1", sample.path), sample.previous).prompt
        around = replace(around, previous=before)
    return replace(source, around=around)


def _document(path: str, lines: tuple[str, ...]) -> tuple[Document | None, list[Problem]]:
    text = yaml_text(path, lines)
    if text is None:
        return None, []
    try:
        return parse_document(text, path), []
    except BadInput as error:
        return None, list(error.problems)


def _chat(path: str, text: str, problems: list[Problem]) -> Any:
    if not path.endswith(".json"):
        return None
    try:
        return parse_json(text.removeprefix("\ufeff"))
    except ValueError as error:
        problems.append(Problem(f"this is not valid JSON: {error}", f"{path}:1", "a chat is a list of {role, content}"))
        return None


def _prompt(path: str, text: str, document: Document | None, problems: list[Problem]) -> Prompt | None:
    try:
        if path.endswith(YAML_ENDINGS):
            assert document is not None
            return parse_prompt(document, reference=path)
        if path.endswith(TEXT_ENDINGS):
            return parse_plain(text, Path(path), reference=path)
        if path.endswith(".json"):
            return parse_chat(text, Path(path), reference=path)
        split = split_front_matter(text, path, comments=path.endswith(".prompt"))
        if path.endswith(".prompty"):
            if document is None:
                raise BadInput("a .prompty file begins with its front matter", where=f"{path}:1", hint=_FRONT)
            return parse_prompty(document, split, reference=path)
        return parse_dotprompt(document or Document({}, {}, path), split, reference=path)
    except BadInput as error:
        problems.extend(error.problems)
        return None


def _sidecar(path: Path) -> str | None:
    beside = path.with_name(path.name + SIDECAR_ENDING)
    if not beside.is_file():
        return None
    text, problem = read_raw(beside)
    return text if problem is None else None


def _order(path: Path) -> list[tuple[int, int, str]]:
    """Version 2 before version 10."""
    parts = re.split(r"(\d+)", str(path))
    return [(0, int(part), "") if part.isdecimal() else (1, 0, part) for part in parts if part]
