"""`evalgate prompt lint`: hold the rules against prompt files, with what the project knows about each of them."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from evalgate.config.load import project_root
from evalgate.core.errors import BadInput, Problem
from evalgate.core.files import write_whole
from evalgate.core.lint_report import LintFinding, LintReport, LintSeverity, in_order
from evalgate.pipeline.prompt_gates import GatesOfPrompts, gates_of_prompts
from evalgate.pipeline.prompt_places import FolderFiles, files_of_path
from evalgate.pipeline.prompt_reading import PromptfooEntry, promptfoo_entry
from evalgate.pipeline.prompt_releases import from_here, places_of_release, read_releases
from evalgate.pipeline.prompt_sources import entry_source, read_raw, source_of
from evalgate.prompts.lint.catalog import RULES, chosen_rules
from evalgate.prompts.lint.engine import Linted, lint, repaired
from evalgate.prompts.lint.outline import TEXT_ENDINGS, outline
from evalgate.prompts.lint.suppressions import SIDECAR_ENDING
from evalgate.prompts.lint.values import Rule, Source, Surroundings
from evalgate.prompts.locate import ENDINGS, NAMED_ENDINGS, prompt_path, version_of
from evalgate.prompts.promptfoo_file import SCHEME
from evalgate.prompts.releases import Release
from evalgate.prompts.values import Prompt

_UNREADABLE = next(rule for rule in RULES if rule.code == "EP001")
_FOUND_BY_CHECK = ("EP104", "EP504")
"""A gate without the column, an edited release."""
_RULES_OF_CHECK = tuple(rule for rule in RULES if rule.code not in _FOUND_BY_CHECK and rule.severity is LintSeverity.ERROR)


@dataclass(frozen=True, slots=True)
class LintChoice:
    """What to run."""

    select: tuple[str, ...] = ()
    ignore: tuple[str, ...] = ()
    fix: bool = False
    tokens: Callable[[str], int] | None = None
    """Counts tokens with a real vocabulary; None: an estimate is used."""


def lint_paths(paths: Sequence[Path | str], choice: LintChoice) -> LintReport:
    """Hold the chosen rules against every prompt file under some paths, and against prompts of promptfoo by reference.

    Raises: BadInput for a path that does not exist, an unknown rule, or when there is no prompt at all.
    Side effects: with `fix`, files are written again, whole or not at all.
    """
    rules = chosen_rules(choice.select, choice.ignore)
    subjects, problems = _subjects(paths)
    if not subjects and not problems:
        shown = ", ".join(map(str, paths))
        raise BadInput("there is no prompt to look at", where=shown, hint=f"a prompt file ends in {', '.join(NAMED_ENDINGS)}")
    project = Project(choice.tokens)
    fixed: list[str] = []
    findings = [_unreadable(problem) for problem in problems if _UNREADABLE in rules]
    suppressed = 0
    for subject in subjects:
        if isinstance(subject, PromptfooEntry):
            linted = project.lint_entry(subject, rules)
        else:
            if choice.fix and project.fix(subject, rules):
                fixed.append(str(subject))
            linted = project.lint(subject, rules)
        findings += linted.findings
        suppressed += linted.suppressed
    notes = tuple(rule.note() for rule in rules)
    return LintReport(in_order(findings), tuple(map(_shown, subjects)), notes, suppressed, tuple(fixed))


def _subjects(paths: Sequence[Path | str]) -> tuple[list[Path | PromptfooEntry], list[Problem]]:
    """Files and entries to look at, each once, and what cannot be looked at."""
    found: dict[Path, Path | PromptfooEntry] = {}
    problems: list[Problem] = []
    for path in paths:
        if str(path).startswith(SCHEME):
            config = from_here(prompt_path(str(path), root=Path.cwd(), base=Path.cwd()))
            entry = promptfoo_entry(config, str(path), Path.cwd())
            found.setdefault(entry.place, entry if entry.file is None else from_here(entry.file))
            continue
        files = prompt_files(Path(path))
        problems += files.problems
        for file in files.files:
            found.setdefault(file, file)
    return list(found.values()), list(dict.fromkeys(problems))


def _shown(subject: Path | PromptfooEntry) -> str:
    return str(subject.place if isinstance(subject, PromptfooEntry) else subject)


def _unreadable(problem: Problem) -> LintFinding:
    rule = _UNREADABLE
    hint = problem.hint or ""
    return LintFinding(problem.where or "", 1, 1, rule.code, rule.name, rule.severity, problem.message, hint, False)


def lint_file(path: Path, root: Path) -> tuple[LintFinding, ...]:
    """Every finding in one prompt file of a project."""
    return Project(root=root).lint(path, RULES).findings


def lint_prompt(
    reference: str, root: Path, *, base: Path | None = None, project: Project | None = None, rules: Sequence[Rule] = RULES
) -> tuple[LintFinding, ...]:
    """What some rules say about the prompt that a reference means: `name@version`, a path, `promptfoo://CONFIG#LABEL`.

    `base` is the folder that relative paths begin at (default: `root`); `project` keeps what is read for several prompts.
    Raises: BadInput when there is no such prompt. A prompt that cannot be read is a finding.
    """
    project = project or Project(root=root)
    path = from_here(prompt_path(reference, root=root, base=base or root))
    if not reference.startswith(SCHEME):
        return project.lint(path, rules).findings
    return project.lint_entry(promptfoo_entry(path, reference, root), rules).findings


def lint_problems(path: Path, project: Project) -> tuple[Problem, ...]:
    """What `check` reports of a prompt file that can be read: the errors, without those that `check` finds by itself."""
    return _problems(project.lint(path, _RULES_OF_CHECK).findings)


def prompt_problems(reference: str, root: Path, base: Path, project: Project) -> tuple[Problem, ...]:
    """The same of the prompt that a reference of a gate means, in any format.

    Raises: BadInput when there is no such prompt.
    """
    return _problems(lint_prompt(reference, root, base=base, project=project, rules=_RULES_OF_CHECK))


def _problems(findings: Sequence[LintFinding]) -> tuple[Problem, ...]:
    return tuple(
        Problem(f"{one.message} [{one.code} {one.name}]", f"{one.path}:{one.line}", one.hint or None)
        for one in findings
        if one.severity is LintSeverity.ERROR
    )


def prompt_files(path: Path) -> FolderFiles:
    """The prompt files under a path, in order, and what cannot be looked at.

    Raises: BadInput when it does not exist, leads out of the project, or is a file of no format that prompts are written in.
    """
    found = files_of_path(path)
    if path.is_file():
        if not path.name.endswith(ENDINGS):
            raise BadInput("is no prompt file", where=str(path), hint=f"known endings: {', '.join(ENDINGS)}")
        return found
    return FolderFiles(tuple(sorted((child for child in found.files if _is_prompt(child)), key=_order)), found.problems)


def _is_prompt(path: Path) -> bool:
    if path.name.endswith(NAMED_ENDINGS):
        return True
    placed = path.absolute().parent.parent.name == "prompts" and version_of(path) is not None
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

    def lint_entry(self, entry: PromptfooEntry, rules: Sequence[Rule]) -> Linted:
        """What some rules say about an entry of a promptfoo configuration: about the file it names, or the text it holds."""
        if entry.file is not None:
            return self.lint(from_here(entry.file), rules)
        gates = self._gates_of(entry.config)
        around = Surroundings(gates.of(entry.place), gates.cover(entry.place), None, None, self._tokens)
        return lint(replace(entry_source(entry), around=around), rules)

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
        gates = self._gates_of(path)
        held = (self._released(listed).get(version) for listed, version in places_of_release(path))
        release = next((release for release in held if release is not None), None)
        around = Surroundings(gates.of(path), gates.cover(path), release, self._previous(path), self._tokens)
        return replace(source, around=around)

    def _gates_of(self, path: Path) -> GatesOfPrompts:
        root = self._root or project_root(path)
        gates = self._gates.get(root)
        if gates is None:
            gates = self._gates[root] = gates_of_prompts(root)
        return gates

    def _released(self, path: Path) -> Mapping[str, Release]:
        if path not in self._releases:
            try:
                self._releases[path] = read_releases(path)
            except BadInput:
                # `check` speaks of a faulty list; nothing can be held against it here.
                self._releases[path] = {}
        return self._releases[path]

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
