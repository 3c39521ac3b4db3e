"""Load a gate configuration: from a YAML file to frozen settings, or to everything that is wrong with it."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

from evalgate.config.choices import read_choices
from evalgate.config.execution import check_execution, execution_choice
from evalgate.config.faults import MAX_FAULTS, Faults, clipped, key_text, shown
from evalgate.config.findings import check_findings, findings_choice
from evalgate.config.model_entries import check_models, model_choice, upstream_of
from evalgate.config.proxy_entry import check_proxy, proxy_choice
from evalgate.config.standing import with_standing_thresholds
from evalgate.config.strict_yaml import read_document
from evalgate.config.threshold_rules import check_together
from evalgate.config.thresholds import read_thresholds
from evalgate.core.document import Document
from evalgate.core.errors import BadInput
from evalgate.core.plugins import suggestion
from evalgate.core.settings import (
    GateSettings,
    PluginChoice,
    TargetKind,
    Threshold,
    VariantChoice,
)

if TYPE_CHECKING:
    from evalgate.config.schema_models import GateFile

__all__ = ["load_settings", "settings_from", "with_standing_thresholds"]


def load_settings(path: Path) -> GateSettings:
    """Read and judge a configuration file.

    Raises:
        BadInput: every fault of the file at once, each with `file:line` and what to try.
    """
    return settings_from(read_document(path), path)


def settings_from(document: Document, path: Path) -> GateSettings:
    """Judge a parsed configuration; `path` is where it stands, which decides where the project is.

    Raises:
        BadInput: every fault at once.
    """
    faults = Faults(document)
    raw = document.value
    if not isinstance(raw, dict):
        hint = "a gate begins with gate: NAME; `evalgate init` writes one to start from"
        raise BadInput(f"a configuration must be a mapping, not {shown(raw)}", where=document.place(), hint=hint)
    file = _shape(raw, faults)
    metrics = read_choices(raw["metrics"], ("metrics",), faults) if "metrics" in raw else ()
    safety = read_choices(raw["safety"], ("safety",), faults) if "safety" in raw else ()
    if raw.get("metrics", []) == [] and raw.get("safety", []) == []:
        faults.add((), "the gate measures nothing: neither metrics nor safety is there", "add metrics: [exact_match]")
    thresholds = read_thresholds(raw["thresholds"], ("thresholds",), faults) if "thresholds" in raw else ()
    _check_thresholds(thresholds, raw, faults)
    _check_names(raw, faults)
    check_models(raw.get("models"), faults)
    check_proxy(raw, faults)
    check_findings(raw.get("findings"), faults)
    check_execution(raw.get("execution"), faults)
    faults.raise_if_any()
    if file is None:
        raise AssertionError("a configuration without a shape has faults")
    return _settings(file, (metrics, safety, thresholds), document, path)


def project_root(path: Path) -> Path:
    """The folder of `datasets/`, `configs/` and `reports/`: above the nearest `configs`, else the file's own."""
    folder = path.absolute().parent
    for place in (folder, *folder.parents):
        if place.name == "configs":
            return place.parent
    return folder


def _shape(raw: dict[str, Any], faults: Faults) -> GateFile | None:
    """The configuration as its model, or None with every fault of its shape noted."""
    from pydantic import ValidationError

    from evalgate.config.schema_models import GateFile
    from evalgate.config.wording import note_error

    try:
        return GateFile.model_validate(raw)
    except ValidationError as error:
        for found in error.errors(include_url=False)[:MAX_FAULTS]:
            note_error(found, faults)
        return None


def _check_thresholds(thresholds: tuple[Threshold, ...], raw: dict[str, Any], faults: Faults) -> None:
    slices = raw.get("slices")
    names = [one for one in slices if isinstance(one, str)] if isinstance(slices, list) else []
    for problem in check_together(with_standing_thresholds(thresholds), names):
        faults.add_at(problem.where or "", problem.message, problem.hint)
    for one in thresholds:
        if one.kind is TargetKind.SAFETY and not raw.get("safety"):
            hint = "add safety: [blocklist] or another detector, or remove the threshold"
            faults.add_at(one.place, f"threshold {one.target} can never fail: no detector is named", hint)


def _check_names(raw: dict[str, Any], faults: Faults) -> None:
    """Names that have to be known elsewhere in the file, and lists that must not repeat themselves."""
    models, variants = raw.get("models"), raw.get("variants")
    if isinstance(models, dict) and models and isinstance(variants, dict):
        for variant, entry in variants.items():
            alias: Any = entry.get("model") if isinstance(entry, dict) else None
            if isinstance(alias, str) and alias and alias not in models:
                path = ("variants", variant, "model")
                message = f"{key_text(path)}: there is no model {clipped(alias)!r}"
                faults.add(path, message, suggestion(alias, list(models)))
    for key in ("slices", "reports"):
        listed = raw.get(key)
        names = listed if isinstance(listed, list) and not faults.too_many((key,), listed) else []
        for index, name in enumerate(names):
            if isinstance(name, str) and name in names[:index]:
                where = (key, index)
                faults.add(where, f"{key_text(where)}: {clipped(name)!r} is listed twice", "remove one of them")


def _settings(
    file: GateFile,
    lists: tuple[tuple[PluginChoice, ...], tuple[PluginChoice, ...], tuple[Threshold, ...]],
    document: Document,
    path: Path,
) -> GateSettings:
    metrics, safety, thresholds = lists
    sides = {"baseline": file.variants.baseline, "candidate": file.variants.candidate}
    chosen = {name: VariantChoice(side.prompt, side.model, document.place("variants", name)) for name, side in sides.items()}
    return GateSettings(
        gate=file.gate,
        dataset=file.dataset,
        baseline=chosen["baseline"],
        candidate=chosen["candidate"],
        models={alias: model_choice(alias, entry) for alias, entry in file.models.items()},
        proxy=proxy_choice(file.proxy, document.place("proxy")),
        metrics=metrics,
        safety=safety,
        slices=tuple(file.slices),
        thresholds=thresholds,
        samples=file.samples,
        confidence=float(file.confidence),
        seed=file.seed,
        resamples=file.resamples,
        reports=tuple(file.reports),
        path=path,
        root=project_root(path),
        dataset_place=document.place("dataset"),
        upstreams={alias: upstream_of(entry) for alias, entry in file.models.items()},
        findings=findings_choice(file.findings, document),
        execution=execution_choice(file.execution),
    )
