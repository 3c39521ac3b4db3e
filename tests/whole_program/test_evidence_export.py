"""`evalgate evidence export`: an archive that has the same bytes each time, and that somebody without evalgate can check."""

from __future__ import annotations

import random
import shutil
import subprocess
import zipfile
from pathlib import Path

import pytest

import evalgate
from evalgate.cli.main import main
from evalgate.core.errors import BadInput, EvidenceMismatch
from evalgate.evidence.verification import Assurance
from evalgate.pipeline.verify import verify_run
from evalgate.pipeline.verify_folder import VerifyRequest
from tests.whole_program.conftest import Project
from tests.whole_program.tampering import edit, reseal

TOOLS = ("jq", "sha256sum", "openssl", "base64", "cmp")
SHELL = pytest.mark.skipif(any(shutil.which(tool) is None for tool in TOOLS), reason=f"needs {', '.join(TOOLS)}")


@pytest.fixture(scope="module")
def kept(tmp_path_factory: pytest.TempPathFactory) -> Path:
    root = tmp_path_factory.mktemp("export")
    made = Project(root, None, base=10, right=35, metrics="[exact_match, chrf]", safety="[pii]")  # type: ignore[arg-type]
    evalgate.run(made.write().config, out=root / "run")
    return root


@pytest.fixture
def run(kept: Path, tmp_path: Path) -> Path:
    shutil.copytree(kept, tmp_path / "project")
    return tmp_path / "project" / "run"


def export(run: Path, out: Path, *arguments: str) -> int:
    return main(["evidence", "export", str(run), str(out), *arguments, "--quiet"])


def unpacked(out: Path, place: Path) -> Path:
    with zipfile.ZipFile(out) as archive:
        archive.extractall(place)
    return place


def commands(place: Path) -> list[str]:
    lines = (place / "README.txt").read_text(encoding="utf-8").splitlines()
    return [line.removeprefix("$ ") for line in lines if line.startswith("$ ")]


def by_hand(place: Path) -> int:
    """Every command of the README, as an auditor types them; the number of the first that fails, else 0."""
    for number, command in enumerate(commands(place), start=1):
        if subprocess.run(["sh", "-c", command], cwd=place, capture_output=True, check=False).returncode:
            return number
    return 0


def test_the_archive_has_the_same_bytes_each_time(run: Path, tmp_path: Path) -> None:
    made = [tmp_path / f"{name}.zip" for name in "ab"]
    for out in made:
        assert export(run, out) == 0
        (run / "run.json").touch()
    assert made[0].read_bytes() == made[1].read_bytes()
    with zipfile.ZipFile(made[0]) as archive:
        entries = archive.infolist()
    assert [one.filename for one in entries] == sorted(one.filename for one in entries)
    assert {(one.date_time, one.external_attr, one.compress_type) for one in entries} == {
        ((1980, 1, 1, 0, 0, 0), 0o100644 << 16, 0)
    }
    names = {one.filename for one in entries}
    assert {"README.txt", "SHA256SUMS", "run/manifest.json", "run/verdict.json", "run/shards/00000.parquet"} <= names
    used = (
        "configs/sums.yaml",
        "configs/prompts/sum/1.prompt.yml",
        "datasets/sums/1.0.0/dataset.yaml",
        "datasets/sums/1.0.0/cases.jsonl",
    )
    assert {f"project/{name}" for name in (*used, "datasets/recordings/sums/0001.jsonl")} <= names


@SHELL
def test_the_commands_of_the_readme_hold(run: Path, tmp_path: Path) -> None:
    assert export(run, tmp_path / "out.zip") == 0
    place = unpacked(tmp_path / "out.zip", tmp_path / "there")
    assert len(commands(place)) >= 8
    assert by_hand(place) == 0


@SHELL
@pytest.mark.parametrize(
    "name", ["run/verdict.json", "run/manifest.json", "run/report.html", "run/plan.json", "project/configs/sums.yaml"]
)
def test_the_commands_of_the_readme_find_an_edit(run: Path, tmp_path: Path, name: str) -> None:
    assert export(run, tmp_path / "out.zip") == 0
    place = unpacked(tmp_path / "out.zip", tmp_path / "there")
    path = place / name
    path.write_bytes(path.read_bytes().replace(b"sums", b"suns", 1) + b" ")
    assert by_hand(place) == 1
    sums = place / "SHA256SUMS"
    subprocess.run(
        ["sh", "-c", "find . -type f ! -name SHA256SUMS | sed 's#^./##' | sort | xargs sha256sum > SHA256SUMS"],
        cwd=place,
        check=True,
    )
    assert sums.stat().st_size
    if name.startswith("run/"):
        assert by_hand(place) > 1, "the manifest and the root do not hold either"


@SHELL
def test_a_verdict_that_was_exchanged_with_its_digest_is_found_by_the_root(run: Path, tmp_path: Path) -> None:
    assert export(run, tmp_path / "out.zip") == 0
    place = unpacked(tmp_path / "out.zip", tmp_path / "there")
    edit(place / "run", "verdict.json", lambda v: v.update(reason="all is well"))
    from evalgate.core.canonical import digest_file

    found = digest_file(place / "run" / "verdict.json")
    edit(place / "run", "manifest.json", lambda v: v["products"].update({"verdict.json": found}))
    subprocess.run(
        ["sh", "-c", "find . -type f ! -name SHA256SUMS | sed 's#^./##' | sort | xargs sha256sum > SHA256SUMS"],
        cwd=place,
        check=True,
    )
    assert "results.verdict" in commands(place)[by_hand(place) - 1]


@SHELL
def test_a_signature_is_checked_with_openssl(run: Path, tmp_path: Path) -> None:
    key, public = tmp_path / "ci.key.pem", tmp_path / "ci.pem"
    subprocess.run(["openssl", "genpkey", "-algorithm", "ed25519", "-out", str(key)], check=True, capture_output=True)
    subprocess.run(["openssl", "pkey", "-in", str(key), "-pubout", "-out", str(public)], check=True, capture_output=True)
    key.chmod(0o600)
    prompt = run.parent / "configs" / "prompts" / "sum" / "2.prompt.yml"
    assert main(["attest", str(run), "--key", str(key), "--prompt", str(prompt), "--quiet"]) == 0
    assert export(run, tmp_path / "out.zip") == 0
    place = unpacked(tmp_path / "out.zip", tmp_path / "there")
    assert by_hand(place) == 0
    named = next(line for line in (place / "README.txt").read_text().splitlines() if line.startswith("  openssl"))
    command = named.replace("KEY.pem", str(public))
    assert subprocess.run(["sh", "-c", command], cwd=place, capture_output=True, check=False).returncode == 0
    payload = (place / "payload").read_bytes()
    (place / "signed").write_bytes((place / "signed").read_bytes().replace(payload[:9], payload[:8] + b"?"))
    assert subprocess.run(["sh", "-c", command], cwd=place, capture_output=True, check=False).returncode != 0


def test_the_archive_is_verified_on_every_level(run: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    assert export(run, tmp_path / "out.zip") == 0
    place = unpacked(tmp_path / "out.zip", tmp_path / "there")
    shutil.rmtree(run.parent)
    monkeypatch.chdir(tmp_path)
    found = verify_run(VerifyRequest(place / "run", Assurance.REPLAY, project=place / "project"))
    assert found.exit_code == 0, found


def test_the_archive_itself_is_verified(run: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    out = tmp_path / "out.zip"
    assert export(run, out) == 0
    shutil.rmtree(run.parent)
    assert main(["verify", str(out), "--level", "replay"]) == 0
    assert "replay: matches" in capsys.readouterr().out


def test_every_flipped_byte_of_an_archive_is_found(run: Path, tmp_path: Path) -> None:
    out, chance = tmp_path / "out.zip", random.Random(20260901)
    assert export(run, out) == 0
    data = out.read_bytes()
    places = [*range(40), *range(len(data) - 60, len(data)), *(chance.randrange(len(data)) for _ in range(100))]
    for at in places:
        out.write_bytes(data[:at] + bytes([data[at] ^ chance.randrange(1, 256)]) + data[at + 1 :])
        with pytest.raises((BadInput, EvidenceMismatch)):
            verify_run(VerifyRequest(out))
    for wrong in (data[:-1], data + b"x", b"x" + data, data[: len(data) // 2], b"", b"PK\x05\x06" + bytes(18)):
        out.write_bytes(wrong)
        with pytest.raises((BadInput, EvidenceMismatch)):
            verify_run(VerifyRequest(out))


@pytest.mark.parametrize("name", ["run/../../x", "/run/x", "run//x", "other/x", "run/./x", "run\\x", "../run/x"])
def test_an_archive_cannot_lead_out_of_its_folder(run: Path, tmp_path: Path, name: str) -> None:
    out = tmp_path / "out.zip"
    assert export(run, out) == 0
    with zipfile.ZipFile(out, "a") as archive:
        entry = zipfile.ZipInfo(name, (1980, 1, 1, 0, 0, 0))
        entry.external_attr = 0o100644 << 16
        archive.writestr(entry, b"x")
    with pytest.raises(BadInput):
        verify_run(VerifyRequest(out))


@pytest.mark.parametrize(("kind", "mode"), [(zipfile.ZIP_DEFLATED, 0o100644), (zipfile.ZIP_STORED, 0o120777)])
def test_compressed_entries_and_links_are_refused(run: Path, tmp_path: Path, kind: int, mode: int) -> None:
    out = tmp_path / "out.zip"
    assert export(run, out) == 0
    with zipfile.ZipFile(out, "a") as archive:
        entry = zipfile.ZipInfo("run/x", (1980, 1, 1, 0, 0, 0))
        entry.external_attr, entry.compress_type = mode << 16, kind
        archive.writestr(entry, b"0" * 9999)
    with pytest.raises(BadInput):
        verify_run(VerifyRequest(out))


@SHELL
def test_the_commands_of_the_page_hold(repository: Path, run: Path) -> None:
    page = (repository / "docs" / "evidence.md").read_text(encoding="utf-8")
    block = page.partition("## By hand")[2].partition("```bash\n")[2].partition("```")[0]
    assert block.count("test ") == 3
    done = lambda: subprocess.run(["sh", "-ec", block], cwd=run, capture_output=True, check=False).returncode  # noqa: E731
    assert done() == 0
    edit(run, "manifest.json", lambda v: v["materials"]["inputs"].update(more="x"))
    assert done() != 0


@pytest.mark.slow
@pytest.mark.parametrize("gate", ["help-bot-judged", "support-extraction", "help-bot"])
def test_shipped_gates_are_replayed_from_their_archives(repository: Path, tmp_path: Path, gate: str) -> None:
    evalgate.run(repository / "configs" / f"{gate}.yaml", out=tmp_path / "run")
    assert export(tmp_path / "run", tmp_path / "out.zip", "--project", str(repository)) == 0
    place = unpacked(tmp_path / "out.zip", tmp_path / "there")
    found = verify_run(VerifyRequest(place / "run", Assurance.REPLAY, project=place / "project"))
    assert found.exit_code == 0, found


@SHELL
def test_without_data_there_is_only_the_run(run: Path, tmp_path: Path) -> None:
    assert export(run, tmp_path / "out.zip", "--without-data") == 0
    place = unpacked(tmp_path / "out.zip", tmp_path / "there")
    assert not (place / "project").exists()
    assert by_hand(place) == 0


def test_a_run_alone_says_what_is_missing(run: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    shutil.move(run, tmp_path / "alone")
    (tmp_path / "empty").mkdir()
    monkeypatch.chdir(tmp_path / "empty")
    assert export(tmp_path / "alone", tmp_path / "out.zip") == 0
    place = unpacked(tmp_path / "out.zip", tmp_path / "there")
    assert "not here" in (place / "README.txt").read_text()


def _edited(run: Path) -> None:
    (run / "summary.md").write_text("fine")


def _decided(run: Path) -> None:
    edit(run, "verdict.json", lambda v: v.update(reason="fine"))
    reseal(run)


def _foreign(run: Path) -> None:
    (run / "note").write_text("x")


def _dataset(run: Path) -> None:
    path = run.parent / "datasets/sums/1.0.0/cases.jsonl"
    path.write_text(path.read_text().replace('"2 + 1"', '"2 + 2"'))


def _taken(run: Path) -> None:
    (run / "verdict.json").unlink()


def _unfinished(run: Path) -> None:
    (run / "verdict.json").unlink()
    (run / "work").mkdir()


@pytest.mark.parametrize(
    ("act", "code"), [(_edited, 5), (_decided, 5), (_foreign, 5), (_dataset, 5), (_taken, 5), (_unfinished, 2)]
)
def test_what_does_not_match_is_not_exported(run: Path, tmp_path: Path, act, code: int) -> None:  # type: ignore[no-untyped-def]
    act(run)
    assert export(run, tmp_path / "out.zip") == code
    assert not list(tmp_path.glob("*.zip")) and not list(tmp_path.glob(".*part"))


@pytest.mark.parametrize("place", ["run/out.zip", "run", "."])
def test_nothing_is_written_into_the_evidence(run: Path, place: str) -> None:
    assert export(run, run.parent / place) == 2
    assert verify_run(VerifyRequest(run)).exit_code == 0
