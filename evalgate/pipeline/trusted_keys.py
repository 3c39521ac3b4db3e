"""The folder of trusted keys: public keys in PEM, and `keys.yaml`, which says whose they are and what they may sign."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from evalgate.config.policy_file import read_key_list
from evalgate.core.errors import BadInput, Problem
from evalgate.core.policy import TrustedKey
from evalgate.evidence.signing import MAX_BYTES, PublicKey, read_public_key
from evalgate.pipeline.check_files import KEY_LIST as LIST
from evalgate.pipeline.signed_run import bytes_of

_KEY_FILES = frozenset({".pem", ".key", ".pub", ".crt", ".cer", ".der"})


@dataclass(frozen=True, slots=True)
class TrustedKeys:
    """Keys by id, with what verifies."""

    owners: Mapping[str, TrustedKey]
    keys: Mapping[str, PublicKey]
    people: tuple[str, ...] = ()
    """Names of people who have no key."""

    @property
    def known(self) -> tuple[str, ...]:
        """Every name that can be told from the others."""
        return (*(name for owner in self.owners.values() for name in owner.names), *self.people)

    def verify(self, keyid: str, signature: bytes, message: bytes) -> bool:
        """Whether a trusted key made a signature of a message."""
        return self.keys[keyid].verifies(signature, message)


def read_trusted_keys(folder: Path) -> TrustedKeys:
    """Read a folder of trusted keys.

    Raises:
        BadInput: no folder, no list, a key that is listed and missing or there and not listed, one that cannot be used, a
            private key, or the same key under two names.
        Incomplete: the package for signatures is missing.
    """
    if not folder.is_dir():
        raise BadInput("there is no such folder", where=str(folder), hint=f"it holds public keys and {LIST}")
    listed = read_key_list(folder / LIST)
    present = {path.name for path in folder.iterdir() if path.suffix in _KEY_FILES}
    problems = [
        Problem(f"is a key that {LIST} does not list", str(folder / name), "list it with name and roles, or take it away")
        for name in sorted(present - set(listed.keys))
    ]
    owners: dict[str, TrustedKey] = {}
    keys: dict[str, PublicKey] = {}
    for file, entry in listed.keys.items():
        try:
            key = read_public_key(bytes_of(folder / file, MAX_BYTES), str(folder / file))
        except BadInput as error:
            problems += error.problems
            continue
        if key.keyid in owners:
            said = f"is the same key as {owners[key.keyid].file}: one key is one person"
            problems.append(Problem(said, str(folder / file), "list it once, with all its roles"))
        owners.setdefault(key.keyid, TrustedKey(key.keyid, entry.name, entry.roles, file, entry.also))
        keys[key.keyid] = key
    if problems:
        raise BadInput(problems)
    return TrustedKeys(owners, keys, listed.people)
