"""A finished run as a signature may speak of it: intact, with its facts and with the file of its candidate's prompt."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from datetime import date, datetime
from pathlib import Path
from typing import Any

from evalgate.core.errors import BadInput, EvidenceMismatch, Problem
from evalgate.core.files import open_for_reading
from evalgate.core.record_file import RECORD
from evalgate.evidence.statements import PromptFile, RunFacts
from evalgate.pipeline.prompt_reading import read_prompt
from evalgate.pipeline.verify_folder import APPROVALS, RunFolder, document, open_finished
from evalgate.pipeline.verify_integrity import check_integrity
from evalgate.pipeline.waiving import DAY
from evalgate.pipeline.workspace import PLAN
from evalgate.stats.draws import default_resamples

ATTESTATION = "attestation.dsse.json"
ENDING = ".dsse.json"
MAX_PROMPT = 4 << 20
HINT = "restore the folder as the run left it, or run the gate again"


def run_facts(folder: Path) -> RunFacts:
    """What may be signed of a run: nothing, unless its folder is what it was when the run ended.

    Raises:
        BadInput: no finished run, or a manifest or verdict that cannot be understood.
        EvidenceMismatch: a document or file is not what the run left, or is gone; each is named.
    """
    run = open_finished(folder)
    try:
        checked = check_integrity(run)
        if not checked.matched:
            problems = [Problem(one.message, str(folder / one.where), HINT) for one in checked.differences]
            raise EvidenceMismatch([*problems, *(Problem(said, str(folder), HINT) for said in checked.undecided)])
        return _facts(run, run.document(PLAN), run.document("run.json"))
    except (KeyError, TypeError, ValueError, AttributeError) as error:
        raise EvidenceMismatch("its documents are not what evalgate writes", where=str(folder), hint=HINT) from error


def prompt_file(folder: Path, facts: RunFacts, given: Path | None) -> PromptFile:
    """The file of the candidate's prompt, proven to be the prompt that was judged.

    `given`: where it is; None: where the run's record says, from the current folder or one above the run.
    Raises: BadInput when the run judged no prompt, its file is not found, or says another thing than the one that was judged.
    """
    name = _prompt_path(folder)
    path = given or _found(name, folder)
    data = bytes_of(path, MAX_PROMPT)
    prompt = read_prompt(path, str(path))
    if prompt.digest != facts.prompt_digest:
        said = f"is not the prompt that the run judged: its digest is {prompt.digest}, not {facts.prompt_digest}"
        hint = "check out the version that was judged, or run the gate again with this one"
        raise BadInput(said, where=str(path), hint=hint)
    blob = hashlib.sha1(b"blob %d\0" % len(data) + data, usedforsecurity=False).hexdigest()
    return PromptFile(name, hashlib.sha256(data).hexdigest(), blob)


def signed_files(folder: Path) -> list[Path]:
    """The approvals that lie in a run folder, in the order of their names."""
    place = folder / APPROVALS
    return sorted(path for path in place.iterdir() if path.name.endswith(ENDING)) if place.is_dir() else []


def bytes_of(path: Path, limit: int) -> bytes:
    """The bytes of a small file.

    Raises: BadInput when it is missing, unreadable or larger than the limit.
    """
    with open_for_reading(path, str(path)) as handle:
        data: bytes = handle.read(limit + 1)
    if len(data) > limit:
        raise BadInput(f"larger than {limit:,} bytes", where=str(path))
    return data


def _facts(run: RunFolder, plan: Mapping[str, Any], environment: Mapping[str, Any]) -> RunFacts:
    verdict, materials = run.verdict, run.materials
    candidate = verdict["variants"]["candidate"]
    return RunFacts(
        gate=str(verdict["gate"]),
        run_id=str(verdict["run_id"]),
        root=str(run.sealed["root"]),
        verdict=str(verdict["verdict"]),
        mode=str(verdict["mode"]),
        engine=str(materials["engine"]["evalgate"]),
        prompt=str(candidate["prompt"]),
        prompt_digest=str(candidate["prompt_digest"]),
        plan=plan,
        document=verdict,
        materials={**materials["inputs"], "plan": materials["plan"]},
        products=run.products,
        resamples=plan["resamples"] or default_resamples(int(plan["dataset"]["cases"]), float(plan["confidence"])),
        times=(_time(environment["started"]), _time(environment["ended"])),
        day=date.fromisoformat(environment[DAY]) if DAY in environment else None,
    )


def _time(text: str) -> datetime:
    time = datetime.fromisoformat(text)
    if time.tzinfo is None:
        raise ValueError("a time of no zone")
    return time


def _prompt_path(folder: Path) -> str:
    """Where the candidate's prompt is, as the run's record says it."""
    try:
        prompts = document(folder / RECORD)["prompts"]
        if prompts:
            return str(prompts["candidate"]["path"])
    except (KeyError, TypeError) as error:
        raise EvidenceMismatch("the record does not say what was judged", where=str(folder / RECORD), hint=HINT) from error
    said = "the run compared outputs that existed: no prompt was judged, so none can be attested"
    raise BadInput(said, where=str(folder), hint="attest a run of a gate: evalgate run")


def _found(name: str, folder: Path) -> Path:
    places = [Path.cwd(), *folder.resolve().parents]
    found = next((place / name for place in places if (place / name).is_file()), None)
    if found is None:
        raise BadInput(f"the candidate's prompt {name} is not found from here", where=str(folder), hint="name it: --prompt FILE")
    return found
