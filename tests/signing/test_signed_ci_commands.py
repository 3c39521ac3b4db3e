"""What the commands of evidence write is no command to a CI runner, and what is no file does not hold them up."""

from __future__ import annotations

import json
import os
import shutil
from collections.abc import Callable
from pathlib import Path

import pytest
from ci_readers import commands

Call = Callable[..., tuple[int, str, str]]
HOSTILE = ("\n::error file=a,line=1::x", "\r##[error]x", "\u2028::add-mask::pass", "\n\u200b::stop-commands::t", "::set-output name=verdict::pass", "\x1b[2K\n##vso[task.complete]")  # fmt: skip
POLICY = "policy: {name}\ntiers:\n  low:\n    approvals: {{min: 1, roles: [{name}], not_author: true}}\n    protected: {{}}\n"


def silent(call: Call, *arguments: str | Path) -> int:
    """The exit code of a command that writes no command, as text and as JSON where it has that."""
    code, out, err = call(*arguments)
    for stream in (out, err):
        assert not commands(stream) and not commands(stream, by_culture=True), arguments
    return code


@pytest.mark.parametrize("text", HOSTILE)
def test_names_and_reasons_make_no_command(shop: Path, ring, evalgate: Call, text: str) -> None:
    run = shop / "run"
    signed = silent(evalgate, "attest", run, "--key", ring.file("ci"), "--author", f"dora{text}", "--url", f"https://a/{text}")
    assert signed in (0, 2)
    assert silent(evalgate, "attest", run, "--key", ring.file("ci"), "--author", "dora", "--out", "-") == 0
    assert silent(evalgate, "attest", run, "--key", ring.file("ci"), "--author", "dora") in (0, 2)
    as_owner = ("approve", run, "--key", ring.file("ana"), "--role")
    assert silent(evalgate, *as_owner, "owner", "--reason", f"read{text}") in (0, 2)
    assert silent(evalgate, *as_owner, f"owner{text}", "--reason", "read") in (0, 2)
    name = json.dumps(f"shop{text}")
    (shop / "policy.yaml").write_text(POLICY.format(name=name), encoding="utf-8")
    keys = (ring.trusted / "keys.yaml").read_text("utf-8")
    (ring.trusted / "keys.yaml").write_text(keys.replace("name: ana", f"name: {name}"), encoding="utf-8")
    asked = ("--policy", shop / "policy.yaml", "--trusted-keys", ring.trusted, "--subject", run / "verdict.json")
    for flags in ((), ("--json",), ("--tier", f"high{text}"), ("--json", "--tier", f"high{text}")):
        assert silent(evalgate, "verify", run, *asked, *flags) in (2, 5)


@pytest.mark.parametrize("text", HOSTILE)
@pytest.mark.parametrize("flags", [(), ("--json",)])
def test_an_edited_run_makes_no_command(shop: Path, ring, evalgate: Call, text: str, flags: tuple[str, ...]) -> None:
    run = shop / f"run{text.replace('/', '')}"
    (shop / "run").rename(run)
    (run / f"more{text}").write_text(text, encoding="utf-8")
    document = json.loads((run / "verdict.json").read_text("utf-8"))
    document["gate"] = document["reason"] = document["run_id"] = text
    (run / "verdict.json").write_text(json.dumps(document), encoding="utf-8")
    for level in ("integrity", "scores"):
        assert silent(evalgate, "verify", run, "--level", level, *flags) == 5
    assert silent(evalgate, "verify", run / f"none{text}", *flags) == 2
    assert silent(evalgate, "attest", run, "--key", ring.file("ci")) == 5
    assert silent(evalgate, "attest", run, "--key", shop / f"none{text}") in (2, 5)
    assert silent(evalgate, "approve", run, "--key", ring.file("ana"), "--role", "owner", "--reason", text) in (2, 5)
    assert silent(evalgate, "evidence", "export", run, shop / f"out{text}.zip") == 5


def test_an_export_under_a_hostile_name_makes_no_command(shop: Path, evalgate: Call) -> None:
    assert silent(evalgate, "evidence", "export", shop / "run", shop / "out\n::error::x.zip") == 0


@pytest.mark.usefixtures("wall")
@pytest.mark.parametrize("kind", ["pipe", "device", "link"])
@pytest.mark.parametrize("name", ["shards/00000.parquet", "verdict.json", "record.json"])
def test_what_is_no_file_of_the_run_is_refused_at_once(shop: Path, ring, evalgate: Call, kind: str, name: str) -> None:
    run = shop / "run"
    path = run / name
    kept = shop / "kept"
    shutil.move(path, kept)
    if kind == "pipe":
        os.mkfifo(path)
    else:
        path.symlink_to("/dev/zero" if kind == "device" else kept)
    assert evalgate("attest", run, "--key", ring.file("ci"))[0] == 5
    assert evalgate("approve", run, "--key", ring.file("ana"), "--role", "owner", "--reason", "read")[0] == 5
    assert evalgate("evidence", "export", run, shop / "out.zip")[0] == 5
    assert not (shop / "out.zip").exists() and not (run / "attestation.dsse.json").exists()
    for level in ("integrity", "replay"):
        assert evalgate("verify", run, "--level", level)[0] == 5


@pytest.mark.usefixtures("wall")
@pytest.mark.parametrize(
    ("what", "kind"),
    [(what, kind) for what in ("keys.yaml", "attestation.dsse.json", "ci.key.pem") for kind in ("pipe", "device")]
    + [("policy.yaml", "device")],  # a policy may come through a pipe: <(git show main:policy.yaml)
)
def test_what_is_no_file_of_a_question_is_refused_at_once(
    shop: Path, ring, evalgate: Call, tmp_path: Path, what: str, kind: str
) -> None:
    run = shop / "run"
    assert evalgate("attest", run, "--key", ring.file("ci"), "--author", "dora")[0] == 0
    (shop / "policy.yaml").write_text(POLICY.format(name="shop"), encoding="utf-8")
    places = {"policy.yaml": shop, "keys.yaml": ring.trusted, "attestation.dsse.json": run, "ci.key.pem": ring.folder}
    path = places[what] / what
    path.unlink()
    if kind == "device":
        path.symlink_to("/dev/zero")
    else:
        os.mkfifo(path)
    if what == "ci.key.pem":
        assert evalgate("attest", run, "--key", path, "--out", tmp_path / "again.json")[0] == 2
        return
    asked = ("--policy", shop / "policy.yaml", "--trusted-keys", ring.trusted, "--subject", run / "verdict.json")
    assert evalgate("verify", run, *asked)[0] in (2, 5)
