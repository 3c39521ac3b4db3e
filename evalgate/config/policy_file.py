"""Read a policy file and the list of trusted keys: strictly, and everything that is wrong at once.

A policy is a gate of its own: a key that nobody knows, a tier that asks nothing by mistake or a threshold that could never be
held is an error, never a shorter list of demands.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Mapping
from datetime import timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

from evalgate.config.choices import read_choices
from evalgate.config.faults import MAX_FAULTS, Faults, key_text, shown
from evalgate.config.strict_yaml import read_document
from evalgate.config.thresholds import read_thresholds
from evalgate.core.canonical import canonical_json, digest_file
from evalgate.core.document import Document, KeyPath
from evalgate.core.errors import BadInput
from evalgate.core.policy import ApprovalRule, DatasetPin, JudgePin, KeyList, ListedKey, ModelPin, Policy, Tier
from evalgate.core.settings import Level

if TYPE_CHECKING:
    from pydantic import BaseModel

    from evalgate.config.policy_models import KeysFile, TierEntry

_Model = TypeVar("_Model", bound="BaseModel")
_UNITS = {"m": "minutes", "h": "hours", "d": "days", "w": "weeks"}
_DATASET = re.compile(r"[A-Za-z0-9][A-Za-z0-9._/-]{0,127}@[A-Za-z0-9][A-Za-z0-9._+-]{0,63}")
_DIGEST = re.compile(r"sha256:[0-9a-f]{64}")
_FILE = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,99}\.pem")
_EXAMPLE = "policy: NAME, and below tiers: {high: {approvals: {min: 2, roles: [owner, risk]}}}"
_MISSING = {
    "policy": "policy: the name of this policy",
    "tiers": "tiers: {high: {approvals: {min: 2, roles: [owner, risk]}}}",
    "approvals": "say how many must approve: approvals: {min: 2, roles: [owner, risk]}, or {min: 0} for nobody",
    "min": "min: 2, the number of people who must approve; 0 for nobody",
    "keys": "keys: {ci.pem: {name: ci, roles: [gate]}}",
    "name": "name: the person or the job whose key it is",
    "roles": "roles: [gate] for the job that attests, or what a reviewer is: [owner]",
}
_FREE = frozenset({"datasets", "engines", "baselines", "models", "judges", "also", "people"})
"""Keys whose texts are no names of evalgate's."""
_AGE = "write a whole number and m, h, d or w: 12h, 7d"
_PIN = "name@version: {content: sha256:…, card: sha256:…}, as `dataset:` and `dataset card:` stand in a run's manifest.json"
_PROMPT = "write sha256:…, as `variants.baseline.prompt_digest` stands in a run's verdict.json"
_JUDGE = "write sha256:…, as `judges.NAME.prompt_digest` stands in a run's plan.json"
_NAME = "small letters, digits, dots, dashes and underscores, at most 64, such as high"


def read_policy(path: Path) -> Policy:
    """Read a policy file.

    Raises: BadInput with every fault of it, each with `file:line` and what to try.
    """
    document = read_document(path)
    faults = Faults(document)
    raw = _mapping(document, "a policy", _EXAMPLE)
    from evalgate.config.policy_models import PolicyFile

    file = _shape(PolicyFile, raw, faults)
    raw_tiers = raw.get("tiers")
    listed: Mapping[str, Any] = raw_tiers if isinstance(raw_tiers, dict) else {}
    tiers = {name: _lists(entry, ("tiers", name), faults) for name, entry in listed.items() if isinstance(entry, dict)}
    _check_gates(listed, faults)
    faults.raise_if_any()
    if file is None:
        raise AssertionError("a policy without a shape has faults")
    made = {name: _tier(name, entry, tiers[name], document) for name, entry in file.tiers.items()}
    return Policy(file.policy, made, digest_file(path), str(path))


def read_key_list(path: Path) -> KeyList:
    """Read the list of trusted keys, and of the people who have none.

    Raises: BadInput with every fault of it.
    """
    document = read_document(path)
    faults = Faults(document)
    raw = _mapping(document, "a list of keys", _MISSING["keys"])
    from evalgate.config.policy_models import KeysFile

    file = _shape(KeysFile, raw, faults)
    if file is not None:
        _check_keys(file, faults)
    faults.raise_if_any()
    if file is None:
        raise AssertionError("a list without a shape has faults")
    keys = {name: ListedKey(entry.name, tuple(entry.roles), tuple(entry.also or ())) for name, entry in file.keys.items()}
    return KeyList(keys, tuple(file.people or ()))


def _check_keys(file: KeysFile, faults: Faults) -> None:
    for name, entry in file.keys.items():
        if not _FILE.fullmatch(name):
            faults.add(("keys", name), f"{key_text(('keys', name))} is no file of this folder", "write its name: ana.pem")
        if any(_is_hidden(one) for one in (entry.name, *(entry.also or ()))):
            faults.add(("keys", name, "name"), f"{key_text(('keys', name))}: the name has hidden characters", "type it anew")
        _refuse_twice(entry.roles, ("keys", name, "roles"), faults)
    for place, one in enumerate(file.people or ()):
        if _is_hidden(one):
            faults.add(("people", place), f"people[{place}]: the name has hidden characters", "type it anew")


def _is_hidden(name: str) -> bool:
    return any(unicodedata.category(one) in ("Cf", "Cc") for one in name)


def _mapping(document: Document, what: str, example: str) -> dict[str, Any]:
    if not isinstance(document.value, dict):
        raise BadInput(f"{what} must be a mapping, not {shown(document.value)}", where=document.place(), hint=f"write {example}")
    return document.value


def _shape(model: type[_Model], raw: dict[str, Any], faults: Faults) -> _Model | None:
    from pydantic import ValidationError

    from evalgate.config.wording import note_error

    try:
        return model.model_validate(raw)
    except ValidationError as error:
        for found in error.errors(include_url=False)[:MAX_FAULTS]:
            if not _noted(found, faults):
                note_error(found, faults, model)
        return None


def _noted(error: Mapping[str, Any], faults: Faults) -> bool:
    """Faults whose advice is another than in a gate."""
    path: KeyPath = tuple(part for part in error["loc"] if part != "[key]")
    kind, last = str(error["type"]), str(path[-1]) if path else ""
    if len(path) > 3 and path[2] == "datasets":
        return True
    if kind == "missing" and last in _MISSING:
        faults.add(path[:-1], f"{key_text(path)} is missing", _MISSING[last])
    elif kind == "string_pattern_mismatch" and last == "max_age":
        faults.add(path, f"{key_text(path)} is no length of time: {shown(error.get('input'))}", _AGE)
    elif kind == "string_pattern_mismatch" and not _FREE.intersection(map(str, path)) and last != "name":
        faults.add(path, f"{key_text(path)} is not a name: {shown(error.get('input'))}", _NAME)
    else:
        return False
    return True


def _lists(entry: Mapping[str, Any], path: KeyPath, faults: Faults) -> dict[str, Any]:
    """What a tier lists in the words of a gate, and what pydantic cannot see."""
    thresholds = read_thresholds(entry["thresholds"], (*path, "thresholds"), faults) if "thresholds" in entry else ()
    for one in thresholds:
        if one.level is Level.WARN:
            faults.add_at(one.place, f"threshold {one.subject} only warns, which protects nothing", "remove level: warn")
    chosen = {key: read_choices(entry[key], (*path, key), faults) if key in entry else () for key in ("metrics", "detectors")}
    for key in chosen:
        if entry.get(key) == []:
            faults.add((*path, key), f"{key_text((*path, key))} is empty", f"name one, or leave {key} out")
    approvals: Any = entry.get("approvals")
    if isinstance(approvals, dict):
        _check_approvals(approvals, (*path, "approvals"), faults)
    datasets: Any = entry.get("datasets")
    if isinstance(datasets, dict):
        for name, pin in datasets.items():
            if not _DATASET.fullmatch(name) or not _is_pin(pin):
                where = (*path, "datasets", name)
                faults.add(where, f"{key_text(where)} is not a version of a dataset with its two digests", _PIN)
    for key in ("gates", "verdicts", "evidence", "signers", "engines", "baselines", "seeds"):
        _refuse_twice(entry.get(key), (*path, key), faults)
    _check_comparison(entry, path, faults)
    return {"thresholds": thresholds, **chosen}


def _is_pin(pin: Any) -> bool:
    """The rows alone do not say what they test: the card names the reference."""
    return (
        isinstance(pin, dict)
        and set(pin) == {"content", "card"}
        and all(isinstance(one, str) and _DIGEST.fullmatch(one) for one in pin.values())
    )


def _check_comparison(entry: Mapping[str, Any], path: KeyPath, faults: Faults) -> None:
    """What pydantic cannot see of the pins of a comparison."""
    baselines: Any = entry.get("baselines")
    for index, one in enumerate(baselines if isinstance(baselines, list) else []):
        if isinstance(one, str) and not _DIGEST.fullmatch(one):
            where = (*path, "baselines", index)
            faults.add(where, f"{key_text(where)} is no digest of a prompt: {shown(one)}", _PROMPT)
    _check_judges(entry.get("judges"), (*path, "judges"), faults)
    models: Any = entry.get("models")
    for index, one in enumerate(models if isinstance(models, list) else []):
        parameters: Any = one.get("parameters") if isinstance(one, dict) else None
        if isinstance(parameters, dict):
            try:
                canonical_json(parameters)
            except (ValueError, TypeError):
                where = (*path, "models", index, "parameters")
                faults.add(where, f"{key_text(where)} holds what JSON cannot say", "write finite numbers, texts, lists, mappings")


def _check_judges(judges: Any, path: KeyPath, faults: Faults) -> None:
    known = []
    for index, one in enumerate(judges if isinstance(judges, list) else []):
        if not isinstance(one, dict):
            continue
        prompt = one.get("prompt")
        if isinstance(prompt, str) and not _DIGEST.fullmatch(prompt):
            where = (*path, index, "prompt")
            faults.add(where, f"{key_text(where)} is no digest of a prompt: {shown(prompt)}", _JUDGE)
        if one in known:
            faults.add((*path, index), f"{key_text((*path, index))} is listed twice", "remove one of them")
        known.append(one)


def _check_approvals(entry: Mapping[str, Any], path: KeyPath, faults: Faults) -> None:
    least, roles = entry.get("min"), entry.get("roles", [])
    _refuse_twice(roles, (*path, "roles"), faults)
    if type(least) is not int or not isinstance(roles, list):
        return
    if least < len(roles):
        hint = f"each role must approve, so write min: {len(roles)} or more, or remove a role"
        faults.add((*path, "min"), f"{key_text((*path, 'min'))} is less than the number of roles", hint)
    if least > 0 and not roles:
        hint = "name who may approve: roles: [owner]; their keys get these roles in keys.yaml"
        faults.add(path, f"{key_text(path)}.roles is missing: nobody could approve", hint)


def _refuse_twice(listed: Any, path: KeyPath, faults: Faults) -> None:
    for index, one in enumerate(listed if isinstance(listed, list) else []):
        if isinstance(one, (str, int)) and one in listed[:index]:
            faults.add((*path, index), f"{key_text((*path, index))}: {str(one)[:60]!r} is listed twice", "remove one of them")


def _check_gates(tiers: Mapping[str, Any], faults: Faults) -> None:
    """A gate belongs to one tier: otherwise whoever deploys could choose the easier one."""
    seen: dict[str, str] = {}
    for name, entry in tiers.items():
        gates: Any = entry.get("gates") if isinstance(entry, dict) else None
        for index, gate in enumerate(gates if isinstance(gates, list) else []):
            if not isinstance(gate, str):
                continue
            if seen.setdefault(gate, name) != name:
                where = ("tiers", name, "gates", index)
                faults.add(where, f"{key_text(where)}: gate {gate[:60]!r} is in tier {seen[gate]!r} already", "remove one")


def _tier(name: str, entry: TierEntry, lists: Mapping[str, Any], document: Document) -> Tier:
    rule = entry.approvals
    return Tier(
        name=name,
        approvals=ApprovalRule(rule.min, tuple(rule.roles), rule.not_author, _age(rule.max_age)),
        gates=tuple(entry.gates or ()),
        verdicts=tuple(entry.verdicts),
        evidence=tuple(entry.evidence),
        signers=tuple(entry.signers),
        max_age=_age(entry.max_age),
        confidence=entry.confidence,
        waivers=entry.waivers,
        datasets={name: DatasetPin(pin.content, pin.card) for name, pin in (entry.datasets or {}).items()},
        engines=tuple(entry.engines or ()),
        baselines=tuple(entry.baselines or ()),
        models=tuple(ModelPin(one.provider, one.name, one.parameters, one.endpoint) for one in entry.models or ()),
        judges=tuple(JudgePin(one.judge, one.prompt) for one in entry.judges or ()),
        resamples=entry.resamples,
        seeds=tuple(entry.seeds or ()),
        place=document.place("tiers", name),
        **lists,
    )


def _age(text: str | None) -> timedelta | None:
    return None if text is None else timedelta(**{_UNITS[text[-1]]: int(text[:-1])})
