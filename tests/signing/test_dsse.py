"""The envelope, against its specification, two other implementations, and whoever tampers with it."""

from __future__ import annotations

import base64
import json
import shutil
import subprocess
from pathlib import Path
from typing import Any

import pytest
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat, PublicFormat, load_pem_public_key
from hypothesis import given
from hypothesis import strategies as st

from evalgate.evidence.dsse import Envelope, Signature, envelope_text, read_envelope, signed_bytes, verified_by
from evalgate.evidence.signing import PublicKey, read_private_key, read_public_key

TYPE = "application/vnd.in-toto+json"
SEED = Ed25519PrivateKey.from_private_bytes(bytes(range(32)))
PRIVATE = SEED.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
PUBLIC = SEED.public_key().public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo)
PAYLOAD = b'{"_type":"https://in-toto.io/Statement/v1","text":"\xc3\xbc?>~"}'


def key() -> PublicKey:
    return read_public_key(PUBLIC, "public.pem")


def envelope() -> Envelope:
    return read_private_key(PRIVATE, "key.pem", lambda: None).signed(PAYLOAD, TYPE)


def document(**changes: Any) -> dict[str, Any]:
    return json.loads(envelope_text(envelope())) | changes


def accepts(data: bytes) -> tuple[str, bytes] | None:
    """Type and payload that a verifier with the one trusted key would go on with; None: refused."""
    try:
        found = read_envelope(data)
    except ValueError:
        return None
    trusted = key()
    if not verified_by(found, [trusted.keyid], lambda _, sig, message: trusted.verifies(sig, message)):
        return None
    return found.payload_type, found.payload


def test_the_vector_of_the_specification() -> None:
    assert (
        signed_bytes("http://example.com/HelloWorld", b"hello world") == b"DSSEv1 29 http://example.com/HelloWorld 11 hello world"
    )
    published = (
        '{"payload": "aGVsbG8gd29ybGQ=",\n "payloadType": "http://example.com/HelloWorld",\n "signatures": [{"sig": '
        '"A3JqsQGtVsJ2O2xqrI5IcnXip5GToJ3F+FnZ+O88SjtR6rDAajabZKciJTfUiHqJPcIAriEGAHTVeCUjW2JIZA=="}]}'
    )
    found = read_envelope(published.encode())
    assert (found.payload, found.payload_type, found.signatures[0].keyid) == (b"hello world", "http://example.com/HelloWorld", "")
    # The vector is signed with ECDSA over P-256, r and s side by side: its own key says that these bytes were signed.
    from cryptography.hazmat.primitives import hashes
    from cryptography.hazmat.primitives.asymmetric import ec
    from cryptography.hazmat.primitives.asymmetric.utils import encode_dss_signature

    x = 46950820868899156662930047687818585632848591499744589407958293238635476079160
    y = 5640078356564379163099075877009565129882514886557779369047442380624545832820
    public = ec.EllipticCurvePublicNumbers(x, y, ec.SECP256R1()).public_key()
    sig = found.signatures[0].sig
    der = encode_dss_signature(int.from_bytes(sig[:32], "big"), int.from_bytes(sig[32:], "big"))
    public.verify(der, signed_bytes(found.payload_type, found.payload), ec.ECDSA(hashes.SHA256()))


def test_lengths_are_those_of_bytes() -> None:
    assert signed_bytes("ü", "é€".encode()) == "DSSEv1 2 ü 5 é€".encode()
    assert signed_bytes("", b"") == b"DSSEv1 0  0 "


TYPES = st.text(st.characters(codec="utf-8"), max_size=20)
BODIES = st.binary(max_size=40)


@given(TYPES, BODIES, TYPES, BODIES)
def test_two_messages_never_have_the_same_signed_bytes(kind: str, body: bytes, other: str, another: bytes) -> None:
    assert (signed_bytes(kind, body) == signed_bytes(other, another)) is ((kind, body) == (other, another))


def test_verified_by_cryptography_alone() -> None:
    """Ten lines from the specification, nothing of evalgate."""
    found = json.loads(envelope_text(envelope()))
    body, kind = base64.b64decode(found["payload"]), found["payloadType"].encode()
    message = b" ".join([b"DSSEv1", str(len(kind)).encode(), kind, str(len(body)).encode(), body])
    public = load_pem_public_key(PUBLIC)
    public.verify(base64.b64decode(found["signatures"][0]["sig"]), message)  # type: ignore[call-arg, union-attr]
    with pytest.raises(InvalidSignature):
        public.verify(base64.b64decode(found["signatures"][0]["sig"]), message + b" ")  # type: ignore[call-arg, union-attr]


def test_verified_by_securesystemslib() -> None:
    dsse = pytest.importorskip("securesystemslib.dsse", reason="securesystemslib is not installed")
    from securesystemslib.exceptions import VerificationError
    from securesystemslib.signer import SSlibKey

    raw = SEED.public_key().public_bytes(Encoding.Raw, PublicFormat.Raw).hex()
    other = SSlibKey(key().keyid, "ed25519", "ed25519", {"public": raw})
    theirs = dsse.Envelope.from_dict(document())
    assert set(theirs.verify([other], 1)) == {key().keyid}
    for changed in (document(payloadType="text/plain"), document(payload=base64.b64encode(PAYLOAD + b" ").decode())):
        with pytest.raises(VerificationError):
            dsse.Envelope.from_dict(changed).verify([other], 1)
        assert accepts(json.dumps(changed).encode()) is None


def test_what_securesystemslib_signs_is_verified_here() -> None:
    dsse = pytest.importorskip("securesystemslib.dsse", reason="securesystemslib is not installed")
    from securesystemslib.signer import CryptoSigner

    theirs = dsse.Envelope(PAYLOAD, TYPE, {})
    theirs.sign(CryptoSigner(SEED))
    assert accepts(json.dumps(theirs.to_dict()).encode()) == (TYPE, PAYLOAD)


@pytest.mark.skipif(shutil.which("openssl") is None, reason="openssl is not installed")
@pytest.mark.parametrize("tampered", [False, True])
def test_verified_by_openssl_alone(tmp_path: Path, tampered: bool) -> None:
    found = envelope()
    (tmp_path / "pae").write_bytes(signed_bytes(found.payload_type, found.payload) + (b" " if tampered else b""))
    (tmp_path / "sig").write_bytes(found.signatures[0].sig)
    (tmp_path / "public.pem").write_bytes(PUBLIC)
    command = ["openssl", "pkeyutl", "-verify", "-rawin", "-pubin", "-inkey", "public.pem", "-sigfile", "sig", "-in", "pae"]
    done = subprocess.run(command, cwd=tmp_path, capture_output=True, check=False)
    assert (done.returncode == 0) is not tampered, done.stderr


@pytest.mark.skipif(shutil.which("openssl") is None, reason="openssl is not installed")
def test_keys_that_openssl_makes_are_read_and_named_as_openssl_names_them(tmp_path: Path) -> None:
    import hashlib

    def openssl(*arguments: str) -> bytes:
        return subprocess.run(["openssl", *arguments], cwd=tmp_path, capture_output=True, check=True).stdout

    openssl("genpkey", "-algorithm", "ed25519", "-out", "key.pem")
    openssl("pkey", "-in", "key.pem", "-pubout", "-out", "public.pem")
    private = read_private_key((tmp_path / "key.pem").read_bytes(), "key.pem", lambda: None)
    public = read_public_key((tmp_path / "public.pem").read_bytes(), "public.pem")
    der = openssl("pkey", "-pubin", "-in", "public.pem", "-outform", "DER")
    assert private.keyid == public.keyid == hashlib.sha256(der).hexdigest()


def test_every_flipped_bit_is_found_or_harmless() -> None:
    """Payload, type and signature: no bit can change. What nobody signed (key id, white space) cannot change what is read."""
    text = envelope_text(envelope()).encode()
    hint = range(text.index(b'"keyid"'), text.index(b'"sig"'))
    harmless = 0
    for position in range(len(text)):
        for bit in range(8):
            changed = text[:position] + bytes([text[position] ^ (1 << bit)]) + text[position + 1 :]
            found = accepts(changed)
            if found is not None:
                assert found == (TYPE, PAYLOAD)
                assert position in hint or chr(text[position]).isspace(), position
                harmless += 1
    assert 0 < harmless < 8 * 90


@pytest.mark.parametrize(
    "changed",
    [
        {"payloadType": "application/vnd.in-toto.test-result+json"},
        {"payloadType": "application/json"},
        {"payloadType": TYPE.upper()},
        {"payloadType": ""},
        {"payload": base64.b64encode(b"{}").decode()},
        {"payload": ""},
        {"signatures": [{"keyid": "", "sig": ""}]},
        {"signatures": [{"keyid": "", "sig": base64.b64encode(bytes(64)).decode()}]},
        {"signatures": [{"keyid": "", "sig": base64.b64encode(SEED.sign(PAYLOAD)).decode()}]},
        {"signatures": [{"keyid": "", "sig": base64.b64encode(SEED.sign(signed_bytes("", PAYLOAD))).decode()}]},
    ],
)
def test_a_signature_is_of_this_payload_and_this_type(changed: dict[str, Any]) -> None:
    assert accepts(json.dumps(document()).encode()) == (TYPE, PAYLOAD)
    assert accepts(json.dumps(document(**changed)).encode()) is None


def test_both_alphabets_are_read_but_not_mixed() -> None:
    plain = base64.b64encode(bytes([0xFB, 0xEF, 0xBE, 0xFF, 0xFF, 0xFF])).decode()
    assert plain == "+++++///" or ("+" in plain and "/" in plain)
    web = plain.translate(str.maketrans("+/", "-_"))
    body = base64.b64decode(plain)
    signed = read_private_key(PRIVATE, "key.pem", lambda: None).signed(body, TYPE)
    sig = base64.urlsafe_b64encode(signed.signatures[0].sig).decode()
    for text in (plain, web):
        made = {"payload": text, "payloadType": TYPE, "signatures": [{"sig": sig}]}
        assert accepts(json.dumps(made).encode()) == (TYPE, body)
    mixed = {"payload": web[0] + plain[1:], "payloadType": TYPE, "signatures": [{"sig": sig}]}
    assert accepts(json.dumps(mixed).encode()) is None


@pytest.mark.parametrize(
    "text",
    [
        "YQ", "YQ=", "YR==", "YQ==\\n", " YQ==", "YQ==YQ==", "Y Q==", "YQ===", "Ym8", "ü", "YQ==\\u0000", "=", "====",
    ],
)  # fmt: skip
def test_a_value_has_one_base64_text(text: str) -> None:
    with pytest.raises(ValueError, match="Base64"):
        read_envelope(f'{{"payload": "{text}", "payloadType": "t", "signatures": [{{"sig": "YQ=="}}]}}'.encode())


@pytest.mark.parametrize(
    "data",
    [
        b"",
        b"null",
        b"[]",
        b'"text"',
        b"{}",
        b"{",
        b"\xff\xfe",
        b'{"payload": "YQ==", "payloadType": "t"}',
        b'{"payload": "YQ==", "payloadType": "t", "signatures": []}',
        b'{"payload": "YQ==", "payloadType": "t", "signatures": {"sig": "YQ=="}}',
        b'{"payload": "YQ==", "payloadType": "t", "signatures": ["YQ=="]}',
        b'{"payload": "YQ==", "payloadType": "t", "signatures": [{}]}',
        b'{"payload": "YQ==", "payloadType": "t", "signatures": [{"sig": null}]}',
        b'{"payload": "YQ==", "payloadType": "t", "signatures": [{"sig": "YQ==", "keyid": 1}]}',
        b'{"payload": "YQ==", "payloadType": 1, "signatures": [{"sig": "YQ=="}]}',
        b'{"payload": null, "payloadType": "t", "signatures": [{"sig": "YQ=="}]}',
        b'{"payloadType": "t", "signatures": [{"sig": "YQ=="}]}',
        b'{"payload": "YQ==", "payload": "Yg==", "payloadType": "t", "signatures": [{"sig": "YQ=="}]}',
        b'{"payload": "YQ==", "payloadType": "t", "signatures": [{"sig": "YQ==", "sig": "Yg=="}]}',
        b'{"payload": "YQ==", "payloadType": "t", "signatures": [{"sig": "YQ=="}]} {}',
        b'{"payload": "YQ==", "payloadType": "t", "signatures": [{"sig": "YQ=="}]}\x00',
        b'\xef\xbb\xbf{"payload": "YQ==", "payloadType": "t", "signatures": [{"sig": "YQ=="}]}',
        b'{"payload": "YQ==", "payloadType": "\\ud800", "signatures": [{"sig": "YQ=="}]}',
        b" " * (4 << 20) + b"{}",
    ],
)
def test_what_is_no_envelope_is_refused(data: bytes) -> None:
    with pytest.raises(ValueError):
        read_envelope(data)


def test_too_many_signatures_are_refused() -> None:
    with pytest.raises(ValueError, match="1 to 64"):
        read_envelope(json.dumps(document(signatures=[{"sig": "YQ=="}] * 65)).encode())


def test_unknown_members_and_unset_key_ids_are_as_the_specification_says() -> None:
    changed = document(extra=1)
    changed["signatures"] = [{"sig": changed["signatures"][0]["sig"], "keyid": None, "cert": "x"}]
    assert accepts(json.dumps(changed).encode()) == (TYPE, PAYLOAD)


def test_several_signatures_count_distinct_keys_whatever_they_call_themselves() -> None:
    others = [Ed25519PrivateKey.generate() for _ in range(3)]
    message = signed_bytes(TYPE, PAYLOAD)
    made = Envelope(
        PAYLOAD,
        TYPE,
        (
            Signature(bytes(64), "b"),
            Signature(others[0].sign(message), "c"),
            Signature(others[0].sign(message), "a"),
            Signature(others[2].sign(message), "somebody"),
        ),
    )
    publics = {name: one.public_key() for name, one in zip("abc", others, strict=True)}

    def verify(name: str, sig: bytes, text: bytes) -> bool:
        try:
            publics[name].verify(sig, text)
        except InvalidSignature:
            return False
        return True

    assert verified_by(read_envelope(envelope_text(made).encode()), "abc", verify) == ("a", "c")


@given(st.binary(max_size=200), st.text(st.characters(codec="utf-8"), max_size=30))
def test_what_is_written_is_read_back(payload: bytes, kind: str) -> None:
    made = Envelope(payload, kind, (Signature(b"\x00\xff" * 32, "id"), Signature(b"x")))
    assert read_envelope(envelope_text(made).encode()) == made
