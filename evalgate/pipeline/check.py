"""`evalgate check`: everything that can be proven wrong before a model is asked, all of it at once."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

from evalgate.config.policy_file import read_key_list, read_policy
from evalgate.config.strict_yaml import read_document
from evalgate.config.waivers import read_waivers
from evalgate.core.errors import BadInput
from evalgate.core.settings import GateSettings
from evalgate.golden.card import Card, parse_card
from evalgate.pipeline.check_datasets import CheckedDatasets
from evalgate.pipeline.check_files import Found, files_under
from evalgate.pipeline.evaluate import check_slices
from evalgate.pipeline.faults import Faults
from evalgate.pipeline.prompt_lint import Project, lint_problems, prompt_problems
from evalgate.pipeline.prompt_reading import place_of_prompt, read_prompt
from evalgate.pipeline.prompt_releases import check_releases, require_release
from evalgate.pipeline.prompt_test import check_tests
from evalgate.pipeline.subject import Resolved, resolve
from evalgate.pipeline.waiving import require_in_force, today_utc, waiver_warnings
from evalgate.prompts.values import Prompt
from evalgate.proxy.recording import open_recording


@dataclass(frozen=True, slots=True)
class Checked:
    """What was looked at."""

    path: str
    kind: str
    """configuration, prompt, prompt tests, releases, waivers, policy, trusted keys, dataset or recording."""
    note: str
    """What is worth knowing: number of cases, an unlocked dataset."""
    health: tuple[str, ...] = ()
    """What looks wrong in a dataset, or will stop a gate soon, a line each."""


def check_paths(paths: Sequence[Path]) -> tuple[Checked, ...]:
    """Validate files and folders.

    Every file is read first; then each dataset is proven once, however many gates use it.

    Raises: BadInput with every fault of every file, or when there is nothing to check.
    """
    faults = Faults()
    found = list(dict.fromkeys(one for path in paths for one in files_under(path, faults)))
    if not found and not faults.problems:
        where, hint = ", ".join(map(str, paths)), "name a configuration, a prompt, a dataset card or a recording"
        faults.add("nothing to check", where, hint)
    check = _Check(faults)
    steps = [faults.attempt(lambda one=one: check.opened(one)) for one in found]  # type: ignore[misc]
    checked = [faults.attempt(step) for step in steps if step is not None]
    check.lint_prompts_of_gates()
    faults.raise_if_any()
    return tuple(one for one in checked if one is not None)


class _Check:
    """One check: what its files share."""

    def __init__(self, faults: Faults) -> None:
        self._faults = faults
        self._project = Project()
        self._datasets = CheckedDatasets()
        self._gates: list[tuple[GateSettings, list[Prompt]]] = []
        self._linted: set[Path] = set()

    def opened(self, found: Found) -> Callable[[], Checked]:
        """Read a file; what has to wait until every file was read is what this returns.

        Raises: BadInput with what is wrong with it.
        """
        path = found.path
        match found.kind:
            case "configuration":
                return self._configuration(path)
            case "dataset":
                card = parse_card(read_document(path), path.parent)
                self._datasets.announce(card)
                return lambda: self._dataset(path, card)
        checked = self._prompt(found) if found.kind == "prompt" else _checked(found)
        return lambda: checked

    def lint_prompts_of_gates(self) -> None:
        """Hold the rules against the prompts of the gates, wherever they stand and whatever their format."""
        for settings, prompts in self._gates:
            for prompt in prompts:
                self._faults.attempt(lambda settings=settings, prompt=prompt: self._lint(settings, prompt.reference))  # type: ignore[misc]

    def _lint(self, settings: GateSettings, reference: str) -> None:
        base = settings.path.parent if settings.path is not None else settings.root
        place = place_of_prompt(reference, settings.root, base).resolve()
        if place not in self._linted:
            self._linted.add(place)
            self._faults.problems.extend(prompt_problems(reference, settings.root, base, self._project))

    def _prompt(self, found: Found) -> Checked:
        path = found.path
        prompt = read_prompt(path, str(path))
        self._linted.add(path.resolve())
        self._faults.problems.extend(lint_problems(path, self._project))
        if found.named:
            # Of a whole folder, the list of releases is looked at by itself.
            self._faults.attempt(lambda: require_release(read_prompt(path, str(path))))
        variables = ", ".join(prompt.placeholders) or "none"
        return Checked(str(path), "prompt", f"{len(prompt.messages)} messages, variables: {variables}")

    def _configuration(self, path: Path) -> Callable[[], Checked]:
        today = today_utc()
        resolved = resolve(path, today=today)
        warned: tuple[str, ...] = ()
        if resolved.allowed is not None:
            require_in_force(resolved.allowed)
            warned = waiver_warnings(resolved.allowed, today, resolved.built.categories)
        self._gates.append((resolved.settings, _prompts(resolved)))
        view = self._datasets.announce_gate(resolved)

        def finished() -> Checked:
            dataset = self._datasets.proven(resolved.card)
            faults = Faults()
            faults.attempt(lambda: check_slices(resolved.settings, dataset.slices))
            faults.attempt(view.trial.require)
            health = faults.attempt(lambda: self._datasets.health(resolved.card, view)) or ()
            faults.raise_if_any()
            return Checked(str(path), "configuration", _gate_note(resolved, dataset.rows), health + warned)

        return finished

    def _dataset(self, path: Path, card: Card) -> Checked:
        dataset = self._datasets.proven(card)
        note = f"{dataset.rows} cases" + ("" if card.digest else "; not locked")
        return Checked(str(path), "dataset", note, self._datasets.health(card))


def _prompts(resolved: Resolved) -> list[Prompt]:
    return [*resolved.prompts.values(), *(stage.prompt for stage in resolved.judges.values())]


def _gate_note(resolved: Resolved, rows: int) -> str:
    locked = "" if resolved.card.digest else "; the dataset is not locked: run `evalgate dataset lock`"
    same = {prompt.digest for prompt in resolved.prompts.values()}
    alike = "; both prompts are the same" if len(same) == 1 else ""
    unproven = "".join(f"; no threshold may decide on {name}: {why}" for name, why in resolved.built.distrust.items())
    unproven += "".join(f"; no blocking threshold may decide on {name}: {why}" for name, why in resolved.built.doubts.items())
    return f"{rows} cases, {len(resolved.settings.thresholds)} thresholds{locked}{alike}{unproven}"


def _checked(found: Found) -> Checked:
    path = found.path
    match found.kind:
        case "recording":
            index = open_recording(path, path.name)
            return Checked(str(path), "recording", f"{len(index)} exchanges")
        case "prompt tests":
            return Checked(str(path), "prompt tests", f"{check_tests(path)} tests pass")
        case "releases":
            return Checked(str(path), "releases", f"{len(check_releases(path))} versions as released")
        case "waivers":
            return _waivers(path)
        case "policy":
            return Checked(str(path), "policy", f"tiers: {', '.join(read_policy(path).tiers)}")
        case "trusted keys":
            return Checked(str(path), "trusted keys", f"{len(read_key_list(path).keys)} keys")
    hint = "a .yaml, a prompt, dataset.yaml or a recording folder"
    raise BadInput("no kind of file that evalgate checks", where=str(path), hint=hint)


def _waivers(path: Path) -> Checked:
    today = today_utc()
    allowed = read_waivers(path, today)
    require_in_force(allowed)
    return Checked(str(path), "waivers", f"{len(allowed.waivers)} waivers in force", waiver_warnings(allowed, today))
