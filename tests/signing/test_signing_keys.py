"""Keys: one Ed25519 key in PEM, and nothing of it in any message."""

from __future__ import annotations

import pytest
from cryptography.hazmat.primitives.asymmetric import ec, rsa, x25519
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.serialization import (
    BestAvailableEncryption,
    Encoding,
    NoEncryption,
    PrivateFormat,
    PublicFormat,
)

from evalgate.core.errors import BadInput
from evalgate.evidence.signing import read_private_key, read_public_key

KEY = Ed25519PrivateKey.from_private_bytes(bytes(range(32)))
PRIVATE = KEY.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
PUBLIC = KEY.public_key().public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo)
LOCKED = KEY.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, BestAvailableEncryption(b"open sesame"))


def no_passphrase() -> None:
    return None


def test_a_key_signs_and_shows_nothing_of_itself() -> None:
    key = read_private_key(PRIVATE, "key.pem", no_passphrase)
    assert key.keyid == read_public_key(PUBLIC, "public.pem").keyid
    assert repr(key) == f"PrivateKey({key.keyid[:12]})"


def test_an_encrypted_key_asks_for_its_passphrase_and_a_plain_one_does_not() -> None:
    def never() -> str:
        raise AssertionError("asked")

    assert read_private_key(LOCKED, "key.pem", lambda: "open sesame").keyid == read_private_key(PRIVATE, "k", never).keyid
    for wrong in ("open", "open sesame ", "", None):
        with pytest.raises(BadInput, match=r"passphrase|cannot be read"):
            read_private_key(LOCKED, "key.pem", lambda wrong=wrong: wrong)  # type: ignore[misc]


OTHERS = {
    "rsa": rsa.generate_private_key(65537, 1024),
    "ec": ec.generate_private_key(ec.SECP256R1()),
    "x25519": x25519.X25519PrivateKey.generate(),
}


@pytest.mark.parametrize("name", OTHERS)
def test_other_kinds_of_keys_are_refused_by_name(name: str) -> None:
    other = OTHERS[name]
    private = other.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
    public = other.public_key().public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo)
    with pytest.raises(BadInput, match="not an Ed25519 key"):
        read_private_key(private, "key.pem", no_passphrase)
    with pytest.raises(BadInput, match="not an Ed25519 key"):
        read_public_key(public, "public.pem")


BODY = PRIVATE.splitlines()[1]


@pytest.mark.parametrize(
    "data",
    [
        b"",
        b"text",
        PUBLIC,
        PRIVATE + PRIVATE,
        PRIVATE + PUBLIC,
        PRIVATE[:-30],
        PRIVATE.replace(BODY, BODY[:-4]),
        PRIVATE.replace(BODY, BODY[:-4] + b"!!!!"),
        PRIVATE.replace(b"PRIVATE KEY", b"RSA PRIVATE KEY"),
        KEY.private_bytes(Encoding.PEM, PrivateFormat.OpenSSH, NoEncryption()),
        KEY.private_bytes(Encoding.DER, PrivateFormat.PKCS8, NoEncryption()),
        PRIVATE + b" " * (64 << 10),
    ],
)
def test_what_is_no_private_key_is_refused_without_a_part_of_it_in_the_message(data: bytes) -> None:
    with pytest.raises(BadInput) as refused:
        read_private_key(data, "key.pem", no_passphrase)
    said = str(refused.value)
    assert "key.pem" in said
    assert BODY.decode()[8:24] not in said
    assert BODY.decode()[-16:] not in said


@pytest.mark.parametrize("data", [b"", b"text", PUBLIC + PUBLIC, PUBLIC[:-30], PUBLIC.replace(b"PUBLIC", b"RSA PUBLIC"), b"\xff"])
def test_what_is_no_public_key_is_refused(data: bytes) -> None:
    with pytest.raises(BadInput, match=r"public\.pem"):
        read_public_key(data, "public.pem")


@pytest.mark.parametrize("data", [PRIVATE, LOCKED])
def test_a_private_key_among_public_ones_is_named_and_not_shown(data: bytes) -> None:
    with pytest.raises(BadInput, match="a private key lies among the trusted keys") as refused:
        read_public_key(data, "ana.pem")
    assert BODY.decode()[8:24] not in str(refused.value)
