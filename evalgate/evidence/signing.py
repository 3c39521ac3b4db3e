"""Ed25519 keys in PEM, and what they sign; the only module that loads `cryptography`.

Sources: RFC 8032 (Ed25519), RFC 8410 (its keys in PKCS #8 and SubjectPublicKeyInfo), RFC 7468 (PEM).
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from evalgate.core.errors import BadInput, Incomplete
from evalgate.evidence.dsse import Envelope, Signature, signed_bytes

if TYPE_CHECKING:
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey

MAX_BYTES = 64 << 10
_BEGIN = re.compile(rb"^-----BEGIN ([A-Z0-9 ]+)-----[ \t]*\r?$", re.MULTILINE)
_MAKE = "make one with: openssl genpkey -algorithm ed25519 -out key.pem"
_PUBLISH = "write it with: openssl pkey -in key.pem -pubout -out public.pem"


@dataclass(frozen=True, slots=True)
class PrivateKey:
    """A key that signs; it never shows itself."""

    keyid: str
    _key: Ed25519PrivateKey

    def signed(self, payload: bytes, payload_type: str) -> Envelope:
        """An envelope with one signature."""
        signature = self._key.sign(signed_bytes(payload_type, payload))
        return Envelope(payload, payload_type, (Signature(signature, self.keyid),))

    def __repr__(self) -> str:
        return f"PrivateKey({self.keyid[:12]})"


@dataclass(frozen=True, slots=True)
class PublicKey:
    """A key that verifies."""

    keyid: str
    _key: Ed25519PublicKey

    def verifies(self, signature: bytes, message: bytes) -> bool:
        """Whether it made this signature of this message."""
        from cryptography.exceptions import InvalidSignature

        try:
            self._key.verify(signature, message)
        except InvalidSignature:
            return False
        return True


def read_private_key(data: bytes, where: str, passphrase: Callable[[], str | None]) -> PrivateKey:
    """The Ed25519 key of a PEM file; `passphrase` is asked only when the key is encrypted.

    Raises:
        BadInput: not one private Ed25519 key in PKCS #8, a wrong passphrase, or none for an encrypted key. No message holds
            a part of the key.
        Incomplete: `cryptography` is not installed.
    """
    _require_cryptography()
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
    from cryptography.hazmat.primitives.serialization import load_pem_private_key

    label = _only_label(data, where, _MAKE)
    if label not in ("PRIVATE KEY", "ENCRYPTED PRIVATE KEY"):
        raise BadInput(f"not a private key in PKCS #8, but {label}", where=where, hint=_MAKE)
    secret = None
    if label.startswith("ENCRYPTED"):
        secret = passphrase()
        if not secret:
            hint = "name the environment variable that holds its passphrase: --passphrase-env NAME"
            raise BadInput("the key is encrypted, and there is no passphrase", where=where, hint=hint)
    try:
        key = load_pem_private_key(data, secret.encode("utf-8") if secret is not None else None)
    except _refused_by_library() as error:
        hint = "check the passphrase" if secret is not None else _MAKE
        raise BadInput("the private key cannot be read", where=where, hint=hint) from error
    if not isinstance(key, Ed25519PrivateKey):
        raise BadInput(f"not an Ed25519 key, but {_kind(key)}", where=where, hint=_MAKE)
    return PrivateKey(_keyid(key.public_key()), key)


def read_public_key(data: bytes, where: str) -> PublicKey:
    """The Ed25519 public key of a PEM file (SubjectPublicKeyInfo).

    Raises:
        BadInput: anything else; a private key is refused by name, since it must not lie there.
        Incomplete: `cryptography` is not installed.
    """
    _require_cryptography()
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey
    from cryptography.hazmat.primitives.serialization import load_pem_public_key

    label = _only_label(data, where, _PUBLISH)
    if "PRIVATE" in label:
        hint = f"take it away from here at once, and put the public one in its place; {_PUBLISH}"
        raise BadInput("a private key lies among the trusted keys", where=where, hint=hint)
    if label != "PUBLIC KEY":
        raise BadInput(f"not a public key, but {label}", where=where, hint=_PUBLISH)
    try:
        key = load_pem_public_key(data)
    except _refused_by_library() as error:
        raise BadInput("the public key cannot be read", where=where, hint=_PUBLISH) from error
    if not isinstance(key, Ed25519PublicKey):
        raise BadInput(f"not an Ed25519 key, but {_kind(key)}", where=where, hint=_MAKE)
    return PublicKey(_keyid(key), key)


def _only_label(data: bytes, where: str, hint: str) -> str:
    found = _BEGIN.findall(data[: MAX_BYTES + 1])
    if len(data) > MAX_BYTES or not found:
        raise BadInput("not a key in PEM", where=where, hint=hint)
    if len(found) > 1:
        raise BadInput(f"holds {len(found)} keys", where=where, hint="keep one key in a file")
    return str(found[0].decode("ascii"))


def _keyid(key: Ed25519PublicKey) -> str:
    """SHA-256 of the DER of the SubjectPublicKeyInfo: `openssl pkey -pubin -in F -outform DER | sha256sum` says the same."""
    from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

    return hashlib.sha256(key.public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)).hexdigest()


def _kind(key: Any) -> str:
    return type(key).__name__.removesuffix("PublicKey").removesuffix("PrivateKey").strip("_") or "another"


def _refused_by_library() -> tuple[type[Exception], ...]:
    from cryptography.exceptions import UnsupportedAlgorithm

    return ValueError, TypeError, UnsupportedAlgorithm


def _require_cryptography() -> None:
    try:
        import cryptography  # noqa: F401
    except ImportError as error:
        hint = "pip install 'evalgate-engine[sign]'"
        raise Incomplete("signatures need the package cryptography, which is not installed", hint=hint) from error
