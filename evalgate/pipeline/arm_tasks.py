"""Who is asked what: a prompt and a model of a configuration, found, read and put together for the workers."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from evalgate.core.settings import GateSettings, VariantChoice
from evalgate.pipeline.prompt_reading import read_prompt as read_prompt_file
from evalgate.pipeline.prompt_releases import require_release
from evalgate.prompts.locate import prompt_path
from evalgate.prompts.template import optional_values
from evalgate.prompts.values import Prompt
from evalgate.runner.job import ArmTask


def read_prompt(choice: VariantChoice, root: Path, base: Path) -> Prompt:
    """Find and read the prompt of a variant or a judge; a released version must be what was released."""
    path = prompt_path(choice.prompt, root=root, base=base, where=choice.place or None)
    prompt = read_prompt_file(path, choice.prompt, root=root)
    require_release(prompt)
    return prompt


def arm_task(settings: GateSettings, choice: VariantChoice, prompt: Prompt) -> ArmTask:
    """How a variant or a judge asks."""
    model = settings.models[choice.model]
    parameters: dict[str, Any] = {**model.parameters, **prompt.parameters}
    messages = tuple((m.role, m.content) for m in prompt.messages)
    path = project_path(prompt.path, settings.root)
    return ArmTask(
        messages,
        prompt.reference,
        path,
        parameters,
        model,
        engine=prompt.engine,
        optional=optional_values(prompt.declared),
        variables=() if prompt.engine == "plain" else prompt.placeholders,
    )


def project_path(path: Path, root: Path) -> str:
    """A path as the project sees it: evidence must not depend on where a checkout stands."""
    resolved = path.resolve()
    return str(resolved.relative_to(root.resolve())) if resolved.is_relative_to(root.resolve()) else path.name
