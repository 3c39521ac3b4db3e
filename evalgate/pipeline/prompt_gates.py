"""Which gates of a project use which prompt files."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from evalgate.config.load import load_settings
from evalgate.core.errors import BadInput
from evalgate.core.settings import GateSettings, VariantChoice
from evalgate.pipeline.judge_stage import judge_choices
from evalgate.pipeline.prompt_reading import place_of_prompt
from evalgate.pipeline.subject import read_card
from evalgate.prompts.lint.values import GateUse
from evalgate.runner.judgements import OWN

_PROMPTS = (".prompt.yml", ".prompt.yaml")


@dataclass(frozen=True, slots=True)
class GatesOfPrompts:
    """The gates of a project by the prompts they use."""

    uses: dict[Path, tuple[GateUse, ...]]
    """Real path of a prompt file → the gates that use it."""
    known: bool
    """Whether the project has any gate."""

    def of(self, path: Path) -> tuple[GateUse, ...] | None:
        """The gates that use a file; None when the project has no gate at all."""
        return self.uses.get(path.resolve(), ()) if self.known else None

    def cover(self, path: Path) -> bool:
        """Whether a gate uses the file, or another version of the same prompt."""
        real = path.resolve()
        if real in self.uses:
            return True
        return real.parent.parent.name == "prompts" and any(used.parent == real.parent for used in self.uses)


def gates_of_prompts(root: Path) -> GatesOfPrompts:
    """Read the gates under `configs/` of a project; a faulty one is passed over, since `check` speaks of it."""
    folder = root / "configs"
    uses: dict[Path, list[GateUse]] = {}
    known = False
    for path in sorted((*folder.glob("*.yaml"), *folder.glob("*.yml"))):
        if path.name.endswith(_PROMPTS) or not path.is_file():  # a pipe would be waited for
            continue
        try:
            settings = load_settings(path)
        except BadInput:
            continue
        known = True
        columns = _columns(settings, path.parent)
        for choice in dict.fromkeys((settings.baseline, settings.candidate)):
            _add(uses, settings, choice, columns)
        for choice in _judges(settings):
            _add(uses, settings, choice, columns and (*columns, *OWN))
    return GatesOfPrompts({path: tuple(found) for path, found in uses.items()}, known)


def _add(uses: dict[Path, list[GateUse]], settings: GateSettings, choice: VariantChoice, columns: tuple[str, ...] | None) -> None:
    base = settings.path.parent if settings.path is not None else settings.root
    try:
        path = place_of_prompt(choice.prompt, settings.root, base)
    except BadInput:
        return
    model = settings.models.get(choice.model)
    name, parameters = (model.name, model.parameters) if model is not None else ("", {})
    found = uses.setdefault(path.resolve(), [])
    use = GateUse(settings.gate, columns, settings.samples, name, parameters)
    if use not in found:
        found.append(use)


def _judges(settings: GateSettings) -> list[VariantChoice]:
    """Prompts of judges, which see the answer beside the inputs; a faulty judge is passed over like a faulty gate."""
    named = [(choice.parameters.get("prompt"), choice.parameters.get("model")) for choice in judge_choices(settings)]
    return [VariantChoice(prompt, model) for prompt, model in named if isinstance(prompt, str) and isinstance(model, str)]


def _columns(settings: GateSettings, base: Path) -> tuple[str, ...] | None:
    """Inputs of the gate's dataset; None when its card does not name them."""
    try:
        card = read_card(settings, base)
    except BadInput:
        return None
    return card.inputs or None
