"""`evalgate check`: everything that can be proven wrong before a model is asked, all of it at once."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from evalgate.config.strict_yaml import read_document
from evalgate.config.waivers import read_waivers
from evalgate.core.errors import BadInput
from evalgate.golden.card import Card, parse_card
from evalgate.golden.health.survey import HealthSurvey
from evalgate.golden.locate import CARD
from evalgate.pipeline.evaluate import check_slices
from evalgate.pipeline.faults import Faults
from evalgate.pipeline.health import dataset_survey, gate_survey, health_of, lines_of, require_healthy
from evalgate.pipeline.prompt_lint import Project, lint_problems
from evalgate.pipeline.prompt_reading import read_prompt
from evalgate.pipeline.prompt_releases import check_releases, is_list_of_releases, require_release
from evalgate.pipeline.prompt_test import check_tests
from evalgate.pipeline.subject import prove_dataset, read_card, resolve
from evalgate.pipeline.waiving import is_allow_file, require_in_force, today_utc, waiver_warnings
from evalgate.prompts.locate import version_of
from evalgate.prompts.template_tests import TEST_ENDINGS
from evalgate.proxy.recording import open_recording

_PROMPT_ENDINGS = (".prompt.yml", ".prompt.yaml", ".prompty", ".prompt")


@dataclass(frozen=True, slots=True)
class Checked:
    """What was looked at."""

    path: str
    kind: str
    """configuration, prompt, prompt tests, releases, waivers, dataset or recording."""
    note: str
    """What is worth knowing: number of cases, an unlocked dataset."""
    health: tuple[str, ...] = ()
    """What looks wrong in a dataset, or will stop a gate soon, a line each."""


def check_paths(paths: Sequence[Path]) -> tuple[Checked, ...]:
    """Validate files and folders.

    Raises: BadInput with every fault of every file, or when there is nothing to check.
    """
    faults = Faults()
    checked: list[Checked] = []
    surveyed: set[Path] = set()
    project = Project()
    for path in paths:
        for found in faults.attempt(lambda path=path: tuple(_expand(path))) or ():  # type: ignore[misc]
            one = faults.attempt(lambda found=found: _check(found, surveyed))  # type: ignore[misc]
            if one is not None:
                checked.append(one)
            if one is not None and one.kind == "prompt":
                faults.problems.extend(lint_problems(found, project))
            if one is not None and one.kind == "prompt" and found == path:
                # Of a whole folder, the list of releases is looked at by itself.
                faults.attempt(lambda found=found: require_release(read_prompt(found, str(found))))  # type: ignore[misc]
    if not checked and not faults.problems:
        faults.add(
            "nothing to check",
            ", ".join(map(str, paths)),
            "name a configuration, a prompt, a dataset card or a recording",
        )
    faults.raise_if_any()
    return tuple(checked)


def _expand(path: Path) -> Iterator[Path]:
    if not path.exists():
        raise BadInput("does not exist", where=str(path))
    if path.is_file() or _is_recording(path):
        yield path
        return
    for child in sorted(path.rglob("*")):
        if (child.is_dir() and _is_recording(child)) or (
            child.is_file() and not any(_is_recording(parent) for parent in child.parents) and _kind(child) is not None
        ):
            yield child


def _is_recording(path: Path) -> bool:
    return path.parent.name == "recordings" and path.is_dir()


def _is_version(path: Path) -> bool:
    """Whether the name is that of a version of a prompt, in a folder of prompts."""
    return version_of(path) not in (None, "README")


def _kind(path: Path) -> str | None:
    if path.is_dir():
        return "recording"
    if path.name == CARD:
        return "dataset"
    if path.name.endswith(_PROMPT_ENDINGS) or (path.absolute().parent.parent.name == "prompts" and _is_version(path)):
        return "prompt"
    if is_list_of_releases(path):
        return "releases"
    if path.suffix in (".yaml", ".yml") and is_allow_file(path):
        return "waivers"
    if path.name.endswith(TEST_ENDINGS):
        return "prompt tests"
    if path.suffix in (".yaml", ".yml") and not any(part.startswith(".") for part in path.parts):
        return "configuration"
    return None


def _check(path: Path, surveyed: set[Path]) -> Checked:
    match _kind(path):
        case "recording":
            return _recording(path)
        case "dataset":
            return _dataset(path, surveyed)
        case "prompt":
            prompt = read_prompt(path, str(path))
            return Checked(
                str(path),
                "prompt",
                f"{len(prompt.messages)} messages, variables: {', '.join(prompt.placeholders) or 'none'}",
            )
        case "prompt tests":
            return Checked(str(path), "prompt tests", f"{check_tests(path)} tests pass")
        case "releases":
            return Checked(str(path), "releases", f"{len(check_releases(path))} versions as released")
        case "waivers":
            return _waivers(path)
        case "configuration":
            return _configuration(path, surveyed)
        case _:
            if path.suffix in (".txt", ".md", ".json"):
                prompt = read_prompt(path, str(path))
                return Checked(str(path), "prompt", f"variables: {', '.join(prompt.placeholders) or 'none'}")
            raise BadInput(
                "no kind of file that evalgate checks",
                where=str(path),
                hint="a .yaml, a prompt, dataset.yaml or a recording folder",
            )


def _configuration(path: Path, surveyed: set[Path]) -> Checked:
    today = today_utc()
    resolved = resolve(path, today=today)
    warned: tuple[str, ...] = ()
    if resolved.allowed is not None:
        require_in_force(resolved.allowed)
        warned = waiver_warnings(resolved.allowed, today, resolved.built.categories)
    survey = gate_survey(resolved, whole=_is_new(resolved.card, surveyed))
    dataset = prove_dataset(resolved.card, watch=survey.add)
    check_slices(resolved.settings, dataset.slices)
    card = read_card(resolved.settings, path.parent)
    locked = "" if card.digest else "; the dataset is not locked: run `evalgate dataset lock`"
    same = {prompt.digest for prompt in resolved.prompts.values()}
    alike = "; both prompts are the same" if len(same) == 1 else ""
    return Checked(
        str(path),
        "configuration",
        f"{dataset.rows} cases, {len(resolved.settings.thresholds)} thresholds{locked}{alike}",
        _healthy(survey, resolved.card) + warned,
    )


def _waivers(path: Path) -> Checked:
    today = today_utc()
    allowed = read_waivers(path, today)
    require_in_force(allowed)
    return Checked(str(path), "waivers", f"{len(allowed.waivers)} waivers in force", waiver_warnings(allowed, today))


def _dataset(path: Path, surveyed: set[Path]) -> Checked:
    card = parse_card(read_document(path), path.parent)
    survey = dataset_survey(card) if _is_new(card, surveyed) else None
    dataset = prove_dataset(card, watch=survey.add if survey else None)
    health = _healthy(survey, card) if survey else ()
    return Checked(str(path), "dataset", f"{dataset.rows} cases" + ("" if card.digest else "; not locked"), health)


def _is_new(card: Card, surveyed: set[Path]) -> bool:
    """Whether the health of a card's dataset was not looked at before; from now on it was."""
    place = (card.path or card.data).resolve()
    if place in surveyed:
        return False
    surveyed.add(place)
    return True


def _healthy(survey: HealthSurvey, card: Card) -> tuple[str, ...]:
    report = health_of(survey, card)
    require_healthy(report, card)
    return lines_of(report)


def _recording(path: Path) -> Checked:
    index = open_recording(path, path.name)
    return Checked(str(path), "recording", f"{len(index)} exchanges")
