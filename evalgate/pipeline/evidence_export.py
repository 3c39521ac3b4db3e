"""`evalgate evidence export`: a run and what it used, as one archive for a record system."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from evalgate.core.errors import BadInput, EvidenceMismatch, Incomplete, Problem
from evalgate.evidence.archive_readme import README, SUMS, ArchiveFacts, archive_readme
from evalgate.evidence.manifest import MANIFEST
from evalgate.evidence.verification import Assurance, Verification
from evalgate.golden.lock_file import LOCK as DATASET_LOCK
from evalgate.pipeline.cited_cards import FOLDER as CARDS
from evalgate.pipeline.evidence_archive import PROJECT, RUN, hex_digest, sums_of, write_archive
from evalgate.pipeline.rederived import Stated, stated
from evalgate.pipeline.signed_run import ATTESTATION
from evalgate.pipeline.subject import Resolved, resolve
from evalgate.pipeline.verify import verify_run
from evalgate.pipeline.verify_folder import VerifyRequest, files_in, is_signature, open_folder
from evalgate.pipeline.verify_replay import config_of, input_differences
from evalgate.pipeline.verify_waivers import day_of
from evalgate.prompts.releases import FILE as RELEASES
from evalgate.proxy.segments import segment_names


@dataclass(frozen=True, slots=True)
class ExportRequest:
    """Which run, and where the archive goes."""

    run: Path
    out: Path
    project: Path | None = None
    """The project with what the run used; None: the one around the run, else the present folder."""
    data: bool = True
    """Whether configuration, prompts, dataset and recording go with it."""


@dataclass(frozen=True, slots=True)
class Exported:
    """What was written."""

    out: Path
    files: int
    digest: str
    """SHA-256 of the archive."""
    root: str
    left_out: tuple[str, ...]


def export_evidence(request: ExportRequest) -> Exported:
    """Write the archive: stored without compression, sorted, without times, so that equal runs give equal bytes.

    Raises:
        BadInput: no finished run, or a place inside its folder.
        EvidenceMismatch: the run is not what it says, or the project no longer has what it used; nothing is written then.
        Incomplete: the disk refuses.
    """
    _require_place(request)
    said = _proven(request.run)
    entries: dict[str, Path | bytes] = dict(_run_files(request.run))
    materials, left_out = _materials(said, request)
    entries |= {f"{PROJECT}/{name}": path for name, path in materials.items()}
    facts = _facts(said, tuple(sorted(materials)), left_out, attested=f"{RUN}/{ATTESTATION}" in entries)
    entries[README] = archive_readme(facts).encode("utf-8")
    entries[SUMS] = sums_of({name: hex_digest(content) for name, content in entries.items()})
    write_archive(request.out, entries)
    return Exported(request.out, len(entries), f"sha256:{hex_digest(request.out)}", facts.root, left_out)


def _require_place(request: ExportRequest) -> None:
    out, run = request.out.resolve(), request.run.resolve()
    if out.is_dir() or run == out or run in out.parents:
        hint = "name a file outside of the run's folder: it is evidence, to which nothing is added"
        raise BadInput("is no place for an archive", where=str(request.out), hint=hint)


def _proven(folder: Path) -> Stated:
    found: Verification = verify_run(VerifyRequest(folder, Assurance.DECISION))
    differences = [each for one in found.levels for each in one.differences]
    if differences:
        raise EvidenceMismatch([Problem(each.message, str(folder / each.where)) for each in differences])
    undecided = [said for one in found.levels for said in one.undecided]
    if undecided:
        raise Incomplete([Problem(said, str(folder)) for said in undecided])
    return stated(open_folder(folder))


def _run_files(folder: Path) -> Iterator[tuple[str, Path]]:
    """The files of the run, its manifest, and signatures beside it: nothing else was found there."""
    products = open_folder(folder).products
    for name, kind in files_in(folder):
        if kind == "file" and (name in products or name == MANIFEST or is_signature(name)):
            yield f"{RUN}/{name}", folder / name


def _materials(said: Stated, request: ExportRequest) -> tuple[dict[str, Path], tuple[str, ...]]:
    """Name in the project → file, and what is not there."""
    if not request.data:
        return {}, ("what the run used: left out on request",)
    if not said.gate.is_gate:
        return {}, ("the files that were compared: the run knows their digests only",)
    asked = VerifyRequest(request.run, project=request.project)
    try:
        config = config_of(said, asked)
        differences = list(input_differences(said, config, day_of(said)))
    except Incomplete as error:
        return {}, tuple(str(problem) for problem in error.problems)
    if differences:
        hint = "check out the commit of the run, or export it with --without-data"
        raise EvidenceMismatch([Problem(one.message, one.where, hint) for one in differences])
    resolved = resolve(config, said.gate.mode, day_of(said))
    root = resolved.settings.root.resolve()
    found: dict[str, Path] = {}
    left_out = []
    for path in _used(resolved, config):
        real, named = path.resolve(), path.absolute()
        if not real.is_relative_to(root):
            left_out.append(f"{path.name}: it lies outside of the project")
            continue
        # Under the name that the configuration uses, also where that is a link.
        kept = named if named.is_relative_to(root) and ".." not in named.parts else real
        found[kept.relative_to(root).as_posix()] = real
    if resolved.card.remote is not None:
        left_out.append(f"{resolved.card.remote}: it lies on the hub, at a fixed revision")
    return found, tuple(sorted(left_out))


def _used(resolved: Resolved, config: Path) -> Iterator[Path]:
    """Files of the project that a replay reads."""
    settings, card = resolved.settings, resolved.card
    yield config
    prompts = [*resolved.prompts.values(), *(stage.prompt for stage in resolved.judges.values())]
    for prompt in prompts:
        yield from (path for path in (prompt.path, prompt.path.parent / RELEASES) if path.is_file())
    if card.path is not None:
        yield from (path for path in (card.path, card.path.parent / DATASET_LOCK) if path.is_file())
    if card.remote is None:
        yield from _under(card.data)
    if resolved.recording is not None:
        folder = resolved.recording.folder
        yield from (folder / name for name in segment_names(folder))
        yield from (path for path in (folder / "provenance.json",) if path.is_file())
    named = [choice.parameters.get(key) for choice in (*settings.metrics, *settings.safety) for key in ("schema", "card")]
    named += [settings.findings.waivers, *((CARDS / f"{spec.category}.json").as_posix() for _, spec in resolved.built.detectors)]
    for name in named:
        places = (settings.root / name, config.parent / name) if isinstance(name, str) else ()
        yield from (path for path in places if path.is_file())


def _under(data: Path) -> Iterator[Path]:
    if data.is_file():
        yield data
    else:
        yield from sorted(path for path in data.rglob("*") if path.is_file() and not path.name.startswith("."))


def _facts(said: Stated, materials: tuple[str, ...], left_out: tuple[str, ...], *, attested: bool) -> ArchiveFacts:
    run = said.run
    engine = str(run.materials["engine"]["evalgate"])
    named = (str(run.verdict["gate"]), str(run.verdict["run_id"]), str(run.sealed["root"]), str(run.verdict["verdict"]))
    lines = [" ".join(text.split()) for text in named]  # one line each, whatever a gate is called
    return ArchiveFacts(lines[0], lines[1], lines[2], lines[3], engine, materials, left_out, attested)
