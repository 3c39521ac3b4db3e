"""`evalgate prompt test`: prompts are rendered with chosen inputs and held against what their test files say."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from evalgate.config.strict_yaml import read_document
from evalgate.core.errors import BadInput, Problem
from evalgate.core.strict_json import parse_json
from evalgate.core.template_report import PromptOutcomes, TemplateOutcome, TemplateReport
from evalgate.core.text_changes import LineChange, changed_lines
from evalgate.metrics.json_form import JsonForm, compile_form
from evalgate.pipeline.prompt_places import files_of_path, require_inside
from evalgate.pipeline.prompt_reading import read_prompt
from evalgate.pipeline.prompt_snapshots import SnapshotFile, orphaned_files, remove_snapshot
from evalgate.prompts.expectations import failures_of
from evalgate.prompts.locate import NAMED_ENDINGS, files_of
from evalgate.prompts.snapshots import section_text
from evalgate.prompts.template import render
from evalgate.prompts.template_tests import TEST_ENDINGS, SampleAnswer, TemplateCase, TemplateTests, parse_template_tests
from evalgate.prompts.values import Message, Prompt


@dataclass(frozen=True, slots=True)
class _Found:
    tests: tuple[Path, ...]
    prompts: tuple[Path, ...]
    orphans: tuple[Path, ...]
    problems: tuple[Problem, ...]


def run_template_tests(paths: Sequence[Path], *, update: bool = False) -> TemplateReport:
    """Run the test files and the embedded test data of prompts, in files and folders.

    `update`: write the snapshots instead of holding the prompts against them.

    Raises: BadInput when a path does not exist, or when no test was found.
    Side effects: with `update`, writes and removes files in `__snapshots__`.
    """
    found = _found(paths)
    notes = _Notes([], [str(path) for path in found.orphans])
    tested: set[Path] = set()
    outcomes = [_of_test_file(path, update, notes, tested) for path in found.tests]
    outcomes += [PromptOutcomes(str(one.where), str(one.where), (_unreadable(str(one.where), [one]),)) for one in found.problems]
    for path in found.prompts:
        embedded = _of_test_data(path)
        if embedded.outcomes:
            outcomes.append(embedded)
            tested.add(path.resolve())
    if update:
        for path in found.orphans:
            remove_snapshot(path)
            notes.written.append(str(path))
    report = TemplateReport(
        tuple(outcomes),
        tuple(str(path) for path in found.prompts if path.resolve() not in tested),
        () if update else tuple(notes.orphans),
        tuple(notes.written),
    )
    if report.total == 0:
        hint = "write VERSION.test.yml beside VERSION.prompt.yml: cases: [{name: …, inputs: {…}, expect: [{contains: …}]}]"
        raise BadInput("no test was found", where=", ".join(map(str, paths)), hint=hint)
    return report


def check_tests(path: Path) -> int:
    """Run the tests of one test file; how many there are.

    Raises: BadInput with everything that fails, each at its `file:line`.
    """
    outcomes = _of_test_file(path, False, _Notes([], []), set()).outcomes
    failed = [Problem(f"{outcome.name}: {said}", outcome.place) for outcome in outcomes for said in outcome.failures]
    if failed:
        raise BadInput(failed)
    return len(outcomes)


@dataclass(frozen=True, slots=True)
class _Notes:
    written: list[str]
    orphans: list[str]


def _found(paths: Sequence[Path]) -> _Found:
    tests: dict[Path, None] = {}
    prompts: dict[Path, None] = {}
    orphans: dict[Path, None] = {}
    problems: list[Problem] = []
    for path in paths:
        under = files_of_path(path, "name test files, prompts, or folders with them")
        problems += under.problems
        if path.is_dir():
            for child in under.files:
                if child.name.endswith(TEST_ENDINGS):
                    tests[child] = None
                elif child.name.endswith(NAMED_ENDINGS):
                    prompts[child] = None
            orphans.update(dict.fromkeys(orphaned_files(under.files)))
        elif path.name.endswith(TEST_ENDINGS):
            tests[path] = None
        else:
            prompts[path] = None
            beside = (path.with_name(_stem(path) + ending) for ending in TEST_ENDINGS)
            tests.update({test: None for test in beside if test.is_file()})
    return _Found(tuple(tests), tuple(prompts), tuple(orphans), tuple(dict.fromkeys(problems)))


def _stem(path: Path) -> str:
    endings = (*TEST_ENDINGS, *NAMED_ENDINGS)
    ending = next((ending for ending in endings if path.name.endswith(ending)), path.suffix)
    return path.name[: len(path.name) - len(ending)]


def _of_test_file(path: Path, update: bool, notes: _Notes, tested: set[Path]) -> PromptOutcomes:
    named = str(path)
    try:
        tests = parse_template_tests(read_document(_in_project(path)))
        file = _prompt_file(path, tests)
        tested.add(file.resolve())
        named = str(file)
        prompt = read_prompt(file, named)
        subject = _Subject(prompt, _input_forms(prompt), SnapshotFile.of(path, _stem(path)))
    except BadInput as error:
        return PromptOutcomes(str(path), named, (_unreadable(str(path), error.problems),))
    snapshot = subject.snapshot
    outcomes = [_case(subject, case, update) for case in tests.cases]
    outcomes += [_answer(prompt, sample) for sample in tests.answers]
    wanted = [case.name for case in tests.cases if case.snapshot]
    notes.orphans.extend(f"{snapshot.path}: {name}" for name in snapshot.sections if name not in wanted)
    if update and snapshot.write(wanted):
        notes.written.append(str(snapshot.path))
    return PromptOutcomes(str(path), named, tuple(outcomes))


def _unreadable(place: str, problems: Iterable[Problem]) -> TemplateOutcome:
    return TemplateOutcome("the tests and their prompt can be read", place, tuple(map(str, problems)))


def _prompt_file(path: Path, tests: TemplateTests) -> Path:
    twins = [path.with_name(_stem(path) + ending) for ending in TEST_ENDINGS]
    if all(twin.is_file() for twin in twins):
        raise BadInput(f"{twins[0].name} and {twins[1].name} stand side by side", where=str(path), hint="keep one of them")
    if tests.prompt is not None:
        file = path.with_name(tests.prompt)
        if not file.is_file():
            raise BadInput(f"there is no prompt {tests.prompt!r} beside the test file", where=str(path))
        return _in_project(file)
    files = files_of(path.parent, _stem(path))
    if len(files) == 1:
        return _in_project(files[0])
    names = ", ".join(file.name for file in files)
    said = f"several prompts have this name: {names}" if files else f"there is no prompt {_stem(path)!r} beside the test file"
    raise BadInput(said, where=str(path), hint="name the file: `prompt: FILE`")


def _in_project(file: Path) -> Path:
    """The file itself.

    Raises: BadInput for a symbolic link that leads out of the project.
    """
    require_inside(file)
    return file


@dataclass(frozen=True, slots=True)
class _Subject:
    prompt: Prompt
    forms: Mapping[str, JsonForm]
    snapshot: SnapshotFile

    def rendered(self, inputs: Mapping[str, Any]) -> tuple[Message, ...]:
        """The messages for some inputs.

        Raises: BadInput when the prompt's input schema or its template refuses them.
        """
        refused = [
            Problem(f"variable {name!r} is not what the prompt declares", str(self.prompt.path))
            for name, form in self.forms.items()
            if name in inputs and not form.fits(inputs[name])
        ]
        if refused:
            raise BadInput(refused)
        return render(self.prompt, inputs)


def _input_forms(prompt: Prompt) -> Mapping[str, JsonForm]:
    declared = (item for item in prompt.declared or () if item.schema)
    return {item.name: compile_form(item.schema, where=f"{prompt.path}: variable {item.name}") for item in declared}


def _case(subject: _Subject, case: TemplateCase, update: bool) -> TemplateOutcome:
    try:
        messages = subject.rendered(case.inputs)
    except BadInput as error:
        return TemplateOutcome(case.name, case.place, _refusal_failures(case, error))
    if case.raises is not None:
        return TemplateOutcome(case.name, case.place, ("the prompt was to refuse these inputs, and it renders them",))
    failures = [said for expectation in case.expect for said in failures_of(expectation, messages)]
    changes: tuple[LineChange, ...] = ()
    if case.messages is not None and messages != case.messages:
        failures.append("the messages are not the expected ones")
        changes = changed_lines(_plain(case.messages), _plain(messages))
    if case.snapshot:
        section = section_text(messages)
        if update:
            subject.snapshot.taken[case.name] = section
        else:
            said, moved = subject.snapshot.judge(case.name, section)
            failures += said
            changes = changes or moved
    return TemplateOutcome(case.name, case.place, tuple(failures), changes)


def _refusal_failures(case: TemplateCase, error: BadInput) -> tuple[str, ...]:
    said = "; ".join(problem.message for problem in error.problems)
    if case.raises is None:
        return (f"it cannot be rendered: {said}",)
    return () if case.raises in said else (f"the error was to say {case.raises!r}, but it is: {said}",)


def _plain(messages: Iterable[Message]) -> str:
    return "\n".join(f"{message.role}:\n{message.content}" for message in messages)


def _answer(prompt: Prompt, sample: SampleAnswer) -> TemplateOutcome:
    if prompt.output_schema is None:
        return TemplateOutcome(sample.name, sample.place, ("the prompt has no output schema, so nothing can be refused",))
    try:
        form = compile_form(prompt.output_schema, where=str(prompt.path))
        accepted = _accepts(form, sample.answer)
    except BadInput as error:
        return TemplateOutcome(sample.name, sample.place, tuple(map(str, error.problems)))
    if accepted == sample.accepted:
        return TemplateOutcome(sample.name, sample.place)
    failure = "the output schema refuses this answer" if sample.accepted else "the output schema accepts this answer"
    return TemplateOutcome(sample.name, sample.place, (failure,))


def _accepts(form: JsonForm, answer: Any) -> bool:
    if not isinstance(answer, str):
        return form.fits(answer)
    try:
        return form.fits(parse_json(answer))
    except ValueError:
        return False


def _of_test_data(path: Path) -> PromptOutcomes:
    """The samples in a prompt file, each of which must render."""
    named = str(path)
    try:
        prompt = read_prompt(_in_project(path), named)
        subject = _Subject(prompt, _input_forms(prompt), SnapshotFile(path, {}, {}))
    except BadInput as error:
        return PromptOutcomes(named, named, (_unreadable(named, error.problems),))
    outcomes = []
    for number, inputs in enumerate(prompt.test_data, start=1):
        case = TemplateCase(f"test data {number}", inputs, named)
        try:
            subject.rendered(inputs)
        except BadInput as error:
            outcomes.append(TemplateOutcome(case.name, named, _refusal_failures(case, error)))
        else:
            outcomes.append(TemplateOutcome(case.name, named))
    return PromptOutcomes(named, named, tuple(outcomes))
