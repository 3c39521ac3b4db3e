"""`evalgate attest` and `evalgate approve`: signed statements about a finished run, beside its evidence."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from evalgate.core.credentials import secret_from_environment
from evalgate.core.errors import BadInput
from evalgate.core.files import write_whole
from evalgate.evidence.dsse import envelope_text
from evalgate.evidence.signing import MAX_BYTES, PrivateKey, read_private_key
from evalgate.evidence.statements import MAX_AUTHORS, MAX_TEXT, PAYLOAD_TYPE, Signing, approval, test_result
from evalgate.pipeline.signed_run import ATTESTATION, ENDING, bytes_of, prompt_file, run_facts
from evalgate.pipeline.verify_folder import APPROVALS

_ROLE = re.compile(r"[a-z0-9][a-z0-9._-]{0,63}")
_URL = re.compile(r"https?://[!-~]{1,1000}")
_UNREADABLE = re.compile(r"[\x00-\x08\x0b-\x1f\x7f-\x9f\ud800-\udfff]")
_HIDDEN = re.compile(r"[\x00-\x1f\x7f-\x9f\u2028\u2029\ud800-\udfff]")


@dataclass(frozen=True, slots=True)
class SignRequest:
    """Which run is signed, with which key."""

    run: Path
    key: Path
    passphrase_env: str | None = None
    """Name of the environment variable that holds the passphrase of an encrypted key."""
    prompt: Path | None = None
    """Where the candidate's prompt is; None: where the run's record says."""


@dataclass(frozen=True, slots=True)
class Written:
    """A signed statement."""

    path: Path | None
    """None: it is for standard output."""
    text: str
    keyid: str
    verdict: str
    result: str


def attest(request: SignRequest, *, authors: Sequence[str] = (), url: str | None = None, out: str | None = None) -> Written:
    """Sign that a run tested a prompt, and what came of it.

    `authors`: who wrote the prompt, each by name; `url`: the page of the CI run; `out`: a file, or `-`; None: the run's folder.
    Raises:
        BadInput: no finished run, another prompt than the judged one, a key that cannot be used.
        EvidenceMismatch: the run is not what it was when it ended.
        Incomplete: the package for signatures is missing, or the disk refuses.
    """
    if len(authors) > MAX_AUTHORS:
        raise BadInput(f"more than {MAX_AUTHORS} authors", where="--author")
    for author in authors:
        _require_line(author, "--author")
    if url is not None and not _URL.fullmatch(url):
        raise BadInput("not an http(s) address", where="--url", hint="write the page of the CI run, or leave it out")
    if out is not None and out != "-":
        _refuse_inside(Path(out), request.run)
    facts = run_facts(request.run)
    prompt = prompt_file(request.run, facts, request.prompt)
    key = _key(request)
    payload = test_result(facts, prompt, Signing(_now(), authors=tuple(dict.fromkeys(authors)), url=url))
    text = envelope_text(key.signed(payload, PAYLOAD_TYPE))
    path = None if out == "-" else Path(out) if out is not None else request.run / ATTESTATION
    if path is not None:
        write_whole(path, text)
    return Written(path, text, key.keyid, facts.verdict, "PASSED" if facts.verdict == "pass" else "FAILED")


def approve(request: SignRequest, role: str, reason: str, by: str | None = None) -> Written:
    """Sign that a person accepts a run, in a role and for a reason. No verdict and no exit code of `run` changes.

    Raises: as `attest`, and BadInput for an empty reason, or when the key approved in this role already.
    """
    if not _ROLE.fullmatch(role):
        hint = "small letters, digits, dots, dashes and underscores, such as owner"
        raise BadInput("not a role", where="--role", hint=hint)
    if not reason.strip() or len(reason) > MAX_TEXT or _UNREADABLE.search(reason):
        raise BadInput("say why, in at most 2,000 characters", where="--reason", hint='--reason "read the 12 worst cases"')
    if by is not None:
        _require_line(by, "--by")
    facts = run_facts(request.run)
    prompt = prompt_file(request.run, facts, request.prompt)
    key = _key(request)
    path = request.run / APPROVALS / f"{role}-{key.keyid[:16]}{ENDING}"
    if path.exists():
        hint = "it counts once; to renew it, remove the file first"
        raise BadInput(f"this key approved as {role} already", where=str(path), hint=hint)
    payload = approval(facts, prompt, Signing(_now(), role=role, reason=reason.strip(), by=by))
    text = envelope_text(key.signed(payload, PAYLOAD_TYPE))
    write_whole(path, text)
    return Written(path, text, key.keyid, facts.verdict, role)


def _key(request: SignRequest) -> PrivateKey:
    name = request.passphrase_env

    def passphrase() -> str | None:
        if name is None:
            return None
        value = secret_from_environment(name)
        if value is None:
            raise BadInput(f"the environment variable {name} is not set", where="--passphrase-env")
        return value

    return read_private_key(bytes_of(request.key, MAX_BYTES), str(request.key), passphrase)


def _refuse_inside(place: Path, run: Path) -> None:
    """Nothing but the attestation's own file may be added to a run, and no file of it replaced."""
    resolved, folder = place.resolve(), run.resolve()
    if folder in resolved.parents and resolved != folder / ATTESTATION:
        hint = f"leave --out away for {ATTESTATION}, or name a place outside"
        raise BadInput("the folder of a run is evidence, to which nothing else is added", where="--out", hint=hint)


def _require_line(text: str, option: str) -> None:
    if not text.strip() or len(text) > 500 or _HIDDEN.search(text) or any(unicodedata.category(one) == "Cf" for one in text):
        raise BadInput("write a name, on one line and without hidden characters", where=option)


def _now() -> datetime:
    return datetime.now(UTC).replace(microsecond=0)
