"""`evalgate prompt diff`: two prompts side by side, filled with real cases of the dataset that they are judged on."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from itertools import islice
from pathlib import Path

from evalgate.config.load import load_settings
from evalgate.config.strict_yaml import read_document
from evalgate.core.errors import BadInput
from evalgate.core.prompt_changes import PromptChanges
from evalgate.core.settings import GateSettings
from evalgate.golden.card import Card, parse_card
from evalgate.golden.cases import read_cases
from evalgate.golden.locate import card_path
from evalgate.golden.sources import card_rows
from evalgate.pipeline.faults import Faults
from evalgate.pipeline.prompt_reading import read_prompt
from evalgate.pipeline.subject import prove_dataset
from evalgate.prompts.locate import prompt_path
from evalgate.prompts.prompt_diff import case_rendering, prompt_changes
from evalgate.prompts.values import Prompt

CONFIGS = "configs"


@dataclass(frozen=True, slots=True)
class _Data:
    card: Card | None
    note: str = ""


def diff_prompts(before: str, after: str, root: Path, *, dataset: str | None = None, cases: int = 3) -> PromptChanges:
    """Compare two prompts, and what they become with the first cases of a dataset.

    Without `dataset` it is the one of the gates under `configs/` that use these prompts, when they name only one.
    Raises: BadInput when a prompt or the dataset cannot be read, or the dataset is not what it was locked to.
    """
    faults = Faults()
    old, new = (faults.attempt(lambda reference=reference: _prompt(reference, root)) for reference in (before, after))  # type: ignore[misc]
    card = faults.attempt(lambda: _card(dataset, root, root)) if dataset is not None else None
    faults.raise_if_any()
    assert old is not None and new is not None
    changes = prompt_changes(old, new)
    if cases == 0:
        return replace(changes, note="no case was asked for")
    found = _Data(card) if card is not None else _dataset_of_gates(old, new, root)
    if found.card is None:
        return replace(changes, note=found.note)
    proven = prove_dataset(found.card)
    rows = islice(read_cases(found.card, card_rows(found.card)), cases)
    here = f"{root.resolve()}/"
    return replace(
        changes,
        dataset=f"{found.card.name}@{found.card.version}",
        dataset_digest=proven.digest,
        cases=tuple(case_rendering(old, new, replace(case, place=case.place.removeprefix(here))) for case in rows),
    )


def _prompt(reference: str, root: Path) -> Prompt:
    return read_prompt(prompt_path(reference, root=root, base=root), reference, root=root)


def _card(reference: str, root: Path, base: Path) -> Card:
    path = card_path(reference, root=root, base=base)
    return parse_card(read_document(path), path.parent)


def _dataset_of_gates(old: Prompt, new: Prompt, root: Path) -> _Data:
    """The dataset of the gates that use both prompts; where there is none, of those that use one of them."""
    wanted = {old.path.resolve(), new.path.resolve()}
    using = [(settings, wanted & _prompts(settings)) for settings in _gates(root)]
    fullest = max((len(used) for _, used in using), default=0)
    if fullest == 0:
        return _Data(None, f"no gate under {CONFIGS}/ uses these prompts: name a dataset with --dataset")
    cards: dict[Path, Card] = {}
    for settings, used in using:
        if len(used) == fullest and settings.path is not None:
            card = _card(settings.dataset, settings.root, settings.path.parent)
            cards[(card.path or card.data).resolve()] = card
    if len(cards) > 1:
        names = ", ".join(sorted(f"{card.name}@{card.version}" for card in cards.values()))
        return _Data(None, f"several datasets are used with these prompts: choose one with --dataset ({names})")
    return _Data(next(iter(cards.values())))


def _gates(root: Path) -> Iterator[GateSettings]:
    """Configurations that can be read; what is wrong with another is no matter of this command."""
    for path in sorted((root / CONFIGS).glob("*.y*ml")):
        try:
            yield load_settings(path)
        except BadInput:
            continue


def _prompts(settings: GateSettings) -> set[Path]:
    found = set()
    for choice in (settings.baseline, settings.candidate):
        base = settings.path.parent if settings.path is not None else settings.root
        try:
            found.add(prompt_path(choice.prompt, root=settings.root, base=base).resolve())
        except BadInput:
            continue
    return found
