"""Keys, and a finished run that may be signed."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.serialization import (
    BestAvailableEncryption,
    Encoding,
    NoEncryption,
    PrivateFormat,
    PublicFormat,
    load_pem_private_key,
)


def private_pem(key: Ed25519PrivateKey, passphrase: str | None = None) -> bytes:
    """As `openssl genpkey` writes it."""
    encryption = NoEncryption() if passphrase is None else BestAvailableEncryption(passphrase.encode())
    return key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, encryption)


def public_pem(key: Ed25519PrivateKey) -> bytes:
    """As `openssl pkey -pubout` writes it."""
    return key.public_key().public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo)


@dataclass
class Ring:
    """People with keys, some of them trusted."""

    folder: Path
    keys: dict[str, Ed25519PrivateKey] = field(default_factory=dict)

    @property
    def trusted(self) -> Path:
        return self.folder / "trusted"

    def add(self, name: str, *roles: str) -> Path:
        """A new key of a person; without roles nobody trusts it."""
        self.trusted.mkdir(parents=True, exist_ok=True)
        key = self.keys[name] = Ed25519PrivateKey.generate()
        path = self.folder / f"{name}.key.pem"
        path.write_bytes(private_pem(key))
        if roles:
            (self.trusted / f"{name}.pem").write_bytes(public_pem(key))
            with (self.trusted / "keys.yaml").open("a", encoding="utf-8") as listed:
                start = "keys:\n" if listed.tell() == 0 else ""
                listed.write(f"{start}  {name}.pem: {{name: {name}, roles: [{', '.join(roles)}]}}\n")
        return path

    def file(self, name: str) -> Path:
        return self.folder / f"{name}.key.pem"


@pytest.fixture(scope="session")
def signed_project(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """`shop`, a project with the finished run `run`, which passes, is signed and approved; `keys`, who did that. Made once."""
    from evalgate.cli.main import main

    root = tmp_path_factory.mktemp("signed")
    shop, run, ring = root / "shop", root / "shop" / "run", Ring(root / "keys")
    people = {"ci": ["gate"], "ana": ["owner"], "boris": ["risk"], "carla": ["owner", "risk"], "mallory": []}
    for name, roles in people.items():
        ring.add(name, *roles)
    with (ring.trusted / "keys.yaml").open("a", encoding="utf-8") as listed:
        listed.write("people: [dora]\n")
    reason = ["--reason", "read the worst twelve", "--quiet"]
    for command in (
        ["init", str(shop), "--quiet"],
        ["run", str(shop / "configs" / "first-gate.yaml"), "--out", str(run), "--quiet"],
        ["attest", str(run), "--key", str(ring.file("ci")), "--author", "dora", "--quiet"],
        ["approve", str(run), "--key", str(ring.file("ana")), "--role", "owner", *reason],
        ["approve", str(run), "--key", str(ring.file("boris")), "--role", "risk", *reason],
    ):
        assert main(command) == 0, command
    return root


@pytest.fixture
def ring(signed_project: Path, tmp_path: Path) -> Ring:
    """`ci` attests, `ana` owns, `boris` is for risk, `carla` may both; nobody knows `mallory`."""
    folder = Path(shutil.copytree(signed_project / "keys", tmp_path / "keys"))
    keys = {path.name.partition(".")[0]: load_pem_private_key(path.read_bytes(), None) for path in folder.glob("*.key.pem")}
    return Ring(folder, keys)  # type: ignore[arg-type]


@pytest.fixture
def shop(signed_project: Path, tmp_path: Path) -> Path:
    """The project with its run, nothing signed."""
    signatures = shutil.ignore_patterns("attestation.dsse.json", "approvals")
    return Path(shutil.copytree(signed_project / "shop", tmp_path / "shop", ignore=signatures))


@pytest.fixture
def evalgate(capsys: pytest.CaptureFixture[str]) -> Callable[..., tuple[int, str, str]]:
    """Any command, in this process: exit code, standard output, standard error."""
    from evalgate.cli.main import main

    def call(*arguments: str | Path) -> tuple[int, str, str]:
        capsys.readouterr()
        try:
            code = main([str(one) for one in arguments])
        except SystemExit as stop:
            code = int(stop.code or 0)
        captured = capsys.readouterr()
        return code, captured.out, captured.err

    return call
