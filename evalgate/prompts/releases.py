"""Releases of a prompt: once `versions.yaml` lists a version with its digest, its meaning may not change any more."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any, Literal

from evalgate.core.canonical import canonical_json, digest
from evalgate.core.document import Document
from evalgate.core.errors import BadInput, Problem
from evalgate.core.plugins import suggestion
from evalgate.prompts.locate import ENDINGS
from evalgate.prompts.values import Input, Prompt

FILE = "versions.yaml"
PARTS = ("messages", "parameters", "output_schema", "inputs")
KEYS = ("digest", "released", "owner", "note", "parts")
_VERSION = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]*")
_DIGEST = re.compile(r"sha256:[0-9a-f]{64}")
_PART_DIGEST = re.compile(r"[0-9a-f]{16}")
_DATE = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}")

Level = Literal["major", "minor", "patch"]


@dataclass(frozen=True, slots=True)
class Release:
    """One version that was released."""

    version: str
    digest: str
    """`Prompt.digest` on the day of the release."""
    released: str
    """Day of the release, `2026-11-25`."""
    owner: str = ""
    note: str = ""
    parts: Mapping[str, str] | None = None
    """Short digests of messages, parameters, output schema and declared variables, by which an edit is told apart."""
    place: str = ""
    """`file:line` of the entry."""


@dataclass(frozen=True, slots=True)
class Bump:
    """Which part of a semantic version a change asks for, and why."""

    level: Level
    reasons: tuple[str, ...]
    """Empty: nothing changed."""


def parse_releases(document: Document) -> Mapping[str, Release]:
    """Check a parsed `versions.yaml`; releases by version, in the order of the file.

    Raises:
        BadInput: every fault of the file at once, each with `file:line`.
    """
    value = document.value
    listed = value.get("versions") if isinstance(value, dict) else None
    if not isinstance(value, dict) or not isinstance(listed, dict):
        hint = 'versions: {"1": {digest: "sha256:…", released: 2026-11-25}}; `evalgate prompt release NAME@VERSION` writes it'
        raise BadInput("a list of releases is a mapping with the key versions", where=document.place("versions"), hint=hint)
    problems = [
        Problem(f"unknown key {key!r}", document.place(key), suggestion(str(key), ("versions",)))
        for key in value
        if key != "versions"
    ]
    if not listed:
        hint = "remove the file, or release a version: evalgate prompt release NAME@VERSION"
        problems.append(Problem("no release is listed", document.place("versions"), hint))
    found = {version: _release(document, version, problems) for version in listed}
    if problems:
        raise BadInput(problems)
    return {version: release for version, release in found.items() if release is not None}


def _release(document: Document, version: str, problems: list[Problem]) -> Release | None:
    path = ("versions", version)
    place = document.place(*path)
    given = document.value["versions"][version]
    if not _VERSION.fullmatch(version):
        problems.append(Problem(f"{version!r} is not a version", place, "letters, digits, '.', '_' and '-'"))
    if not isinstance(given, dict):
        problems.append(Problem("a release is a mapping with digest and released", place))
        return None
    before = len(problems)
    problems += [
        Problem(f"unknown key {key!r}", document.place(*path, key), suggestion(str(key), KEYS))
        for key in given
        if key not in KEYS
    ]
    problems += [Problem(f"{key} is missing", place) for key in ("digest", "released") if key not in given]
    for key, wanted, accepts in _RULES:
        if key in given and not accepts(given[key]):
            problems.append(Problem(f"{key} must be {wanted}, not {given[key]!r}", document.place(*path, key)))
    if len(problems) > before:
        return None
    texts = {key: given[key].strip() for key in ("owner", "note") if key in given}
    return Release(version, given["digest"], given["released"], parts=given.get("parts"), place=place, **texts)


def _is_date(value: Any) -> bool:
    if not isinstance(value, str) or not _DATE.fullmatch(value):
        return False
    try:
        date.fromisoformat(value)
    except ValueError:
        return False
    return True


def _are_parts(value: Any) -> bool:
    return (
        isinstance(value, dict)
        and set(value) == set(PARTS)
        and all(isinstance(part, str) and _PART_DIGEST.fullmatch(part) for part in value.values())
    )


_RULES = (
    ("digest", "sha256: and 64 hexadecimal digits", lambda value: isinstance(value, str) and _DIGEST.fullmatch(value)),
    ("released", "a day such as 2026-11-25", _is_date),
    ("owner", "a text", lambda value: isinstance(value, str) and bool(value.strip())),
    ("note", "a text", lambda value: isinstance(value, str) and bool(value.strip())),
    ("parts", f"short digests of {', '.join(PARTS)}, in quotes", _are_parts),
)


def release_of(prompt: Prompt, version: str, *, released: str, owner: str = "", note: str = "") -> Release:
    """The entry that pins a prompt as it is now."""
    return Release(version, prompt.digest, released, owner or prompt.owner, note, part_digests(prompt))


def part_digests(prompt: Prompt) -> Mapping[str, str]:
    """Short digests (64 bits) of messages, parameters, output schema and declared variables: which of them was edited."""
    parts = (
        [{"role": message.role, "content": message.content} for message in prompt.messages],
        prompt.parameters,
        prompt.output_schema,
        None if prompt.declared is None else [list(told) for told in _inputs(prompt)],
    )
    return {name: digest(part)[7:23] for name, part in zip(PARTS, parts, strict=True)}


def edited(release: Release, prompt: Prompt) -> Problem | None:
    """What is wrong when a released prompt is no longer what was released: its meaning, or the variables it declares."""
    now = part_digests(prompt)
    moved = [] if release.parts is None else [name for name in PARTS if now[name] != release.parts[name]]
    if prompt.digest == release.digest and not moved:
        return None
    said = (
        f"{prompt.path} was edited after version {release.version} was released ({release.released}): "
        f"{_changed(release, moved)}; digest {prompt.digest}"
    )
    said += f" instead of {release.digest}" if prompt.digest != release.digest else ", as released"
    ending = next((ending for ending in ENDINGS if prompt.path.name.endswith(ending)), "")
    hint = f"put the released text back, and make the change in a new version: NEW{ending} beside it"
    return Problem(said, release.place, hint)


def _changed(release: Release, moved: Sequence[str]) -> str:
    if release.parts is None:
        return "the entry does not say of which parts it is made"
    if not moved:
        return f"none of {_listed(PARTS)}, but another part"
    same = [name for name in PARTS if name not in moved]
    return f"{_listed(moved)} changed" + (f", {_listed(same)} did not" if same else "")


def _listed(names: Sequence[str]) -> str:
    words = [name.replace("_", " ") for name in names]
    return words[0] if len(words) == 1 else f"{', '.join(words[:-1])} and {words[-1]}"


def releases_text(releases: Mapping[str, Release]) -> str:
    """A whole `versions.yaml`, in the order given."""
    return "versions:\n" + "".join(entry_text(release) for release in releases.values())


def entry_text(release: Release, indent: int = 2) -> str:
    """One entry of `versions.yaml`, with its line ends."""
    outer, inner = " " * indent, " " * (indent + 2)
    lines = [f"{outer}{_quoted(release.version)}:", f"{inner}digest: {release.digest}", f"{inner}released: {release.released}"]
    lines += [f"{inner}{key}: {_quoted(text)}" for key, text in (("owner", release.owner), ("note", release.note)) if text]
    if release.parts is not None:
        lines.append(f"{inner}parts: {{{', '.join(f'{name}: {_quoted(part)}' for name, part in release.parts.items())}}}")
    return "\n".join(lines) + "\n"


def _quoted(text: str) -> str:
    """A text as a double-quoted YAML scalar: JSON's escapes are YAML's."""
    return canonical_json(text).decode("utf-8").replace("\x7f", "\\x7f").replace("\x85", "\\N").replace("\ufeff", "\\uFEFF")


def suggested_bump(old: Prompt, new: Prompt) -> Bump:
    """Which part of a semantic version must rise from one version of a prompt to the next.

    Major: whoever fills it or reads its answers has to change something (variables, their schemas, output schema).
    Minor: the model is asked otherwise (messages, parameters, template language). Patch: only what it says about itself.
    """
    for level, reasons in (("major", _major(old, new)), ("minor", _minor(old, new)), ("patch", _patch(old, new))):
        if reasons:
            return Bump(level, tuple(reasons))  # type: ignore[arg-type]
    return Bump("patch", ())


def _major(old: Prompt, new: Prompt) -> list[str]:
    reasons = []
    if not _same(old.output_schema, new.output_schema):
        reasons.append("the output schema " + _movement(old.output_schema, new.output_schema))
    before, after = _required(old), _required(new)
    gone = [name for name in _variables(old) if name not in _variables(new)]
    come = [name for name in after if name not in before]
    if gone:
        reasons.append(f"variables are no longer used: {', '.join(gone)}")
    if come:
        reasons.append(f"variables are needed that were not: {', '.join(come)}")
    was = {declared.name: declared for declared in old.declared or ()}
    reasons += [
        f"the schema of variable {declared.name} changed"
        for declared in new.declared or ()
        if declared.name in was and not _same(was[declared.name].schema, declared.schema)
    ]
    return reasons


def _minor(old: Prompt, new: Prompt) -> list[str]:
    reasons = []
    if old.messages != new.messages:
        reasons.append("the messages changed")
    names = sorted({*old.parameters, *new.parameters})
    moved = [name for name in names if not _same(old.parameters.get(name), new.parameters.get(name))]
    if moved:
        reasons.append(f"parameters changed: {', '.join(moved)}")
    if old.engine != new.engine:
        reasons.append(f"the template language changed from {old.engine} to {new.engine}")
    if _inputs(old) != _inputs(new):
        reasons.append("the declared variables changed")
    if old.digest != new.digest and not reasons:
        reasons.append("the meaning of the file changed")
    return reasons


def _patch(old: Prompt, new: Prompt) -> list[str]:
    about = ("description", "name", "owner", "version", "model", "format")
    moved = [key for key in about if getattr(old, key) != getattr(new, key)]
    moved += [key for key in ("metadata", "test_data") if not _same(getattr(old, key), getattr(new, key))]
    return [f"only what the file says about itself changed: {', '.join(moved)}"] if moved else []


def _variables(prompt: Prompt) -> list[str]:
    return list(dict.fromkeys((*prompt.placeholders, *(declared.name for declared in prompt.declared or ()))))


def _required(prompt: Prompt) -> list[str]:
    optional = {declared.name for declared in prompt.declared or () if not declared.required or declared.default is not None}
    return [name for name in _variables(prompt) if name not in optional]


def _inputs(prompt: Prompt) -> list[tuple[str, str, bool, str]]:
    def told(declared: Input) -> tuple[str, str, bool, str]:
        return declared.name, _written(declared.schema), declared.required, _written(declared.default)

    return [told(declared) for declared in prompt.declared or ()]


def _movement(before: Any, after: Any) -> str:
    if before is None:
        return "is new"
    return "was removed" if after is None else "changed"


def _same(before: Any, after: Any) -> bool:
    return _written(before) == _written(after)


def _written(value: Any) -> str:
    return canonical_json(list(value) if isinstance(value, tuple) else value).decode("utf-8")
