"""`evalgate verify`: a version that nobody can have written is an edit (exit 5); what another version wrote is not read (2, 3)."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

import evalgate
from evalgate.cli.main import main
from evalgate.core.canonical import digest_file
from evalgate.core.errors import BadInput, EvidenceMismatch
from evalgate.evidence.verification import Assurance, Verification
from evalgate.pipeline import sealing, verify_decision, verify_folder
from evalgate.pipeline.verify import verify_run
from evalgate.pipeline.verify_folder import VerifyRequest
from tests.whole_program.conftest import Project
from tests.whole_program.tampering import edit, read, reseal

CODE = "sha256:" + "1" * 64
DOCUMENTS = ("plan.json", "verdict.json", "run.json", "attempts.json", "health.json")


@pytest.fixture(scope="module")
def kept(tmp_path_factory: pytest.TempPathFactory) -> Path:
    root = tmp_path_factory.mktemp("versions")
    made = Project(root, None, safety="[pii]").write()  # type: ignore[arg-type]
    evalgate.run(made.config, out=root / "run")
    return root


@pytest.fixture
def run(kept: Path, tmp_path: Path) -> Path:
    shutil.copytree(kept, tmp_path / "project")
    return tmp_path / "project" / "run"


@pytest.fixture
def elsewhere(monkeypatch: pytest.MonkeyPatch) -> None:
    """Another program is installed here than the one that wrote the run."""
    here = sealing.engine_here
    monkeypatch.setattr(verify_folder, "source_digest", lambda: CODE)
    monkeypatch.setattr(verify_decision, "engine_here", lambda built: {**here(built), "code": CODE})


def verified(run: Path, level: Assurance = Assurance.DECISION) -> Verification:
    return verify_run(VerifyRequest(run, level))


def named(found: Verification) -> str:
    return "\n".join(f"{each.where}: {each.message}" for one in found.levels for each in one.differences)


def schema(run: Path, name: str, value: str | None) -> None:
    edit(run, name, lambda one: one.update(schema=value))
    if name in DOCUMENTS:
        reseal(run)
    else:  # what reads them back refuses
        edit(run, "manifest.json", lambda one: one["products"].update({name: digest_file(run / name)}))


@pytest.mark.parametrize("name", [*DOCUMENTS, "record.json", "shards/00000.json"])
@pytest.mark.parametrize("value", ["9", None, "evalgate.nonsense/1"])
def test_a_schema_that_this_program_cannot_have_written_is_an_edit(run: Path, name: str, value: str | None) -> None:
    stated = read(run, name)["schema"]
    schema(run, name, f"{stated.rpartition('/')[0]}/9" if value == "9" else value)
    found = verified(run, Assurance.INTEGRITY)
    assert found.exit_code == 5
    assert f"{name}: its schema is" in named(found)


@pytest.mark.parametrize("name", [*DOCUMENTS, "record.json", "shards/00000.json"])
def test_a_document_of_another_version_is_not_read(run: Path, name: str, elsewhere: None) -> None:
    stated = read(run, name)["schema"]
    schema(run, name, f"{stated.rpartition('/')[0]}/9")
    found = verified(run, Assurance.SCORES)
    assert found.exit_code == 3, named(found)
    assert any("verify it with the version of evalgate that wrote it" in one for one in found.levels[0].undecided)
    (run / "report.html").write_text("edited")
    assert verified(run).exit_code == 5, "its files are held against the manifest all the same"


@pytest.mark.parametrize("value", [None, "evalgate.nonsense/1", "evalgate.plan/0", "evalgate.plan/x"])
def test_no_version_writes_another_kind_of_document(run: Path, value: str | None, elsewhere: None) -> None:
    schema(run, "plan.json", value)
    assert verified(run).exit_code == 5


def test_a_manifest_of_another_version_is_bad_input_and_an_edited_one_is_not(run: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    edit(run, "manifest.json", lambda one: one.update(schema="evalgate.manifest/9"))
    with pytest.raises(EvidenceMismatch):
        verified(run)
    assert main(["verify", str(run), "--quiet"]) == 5
    monkeypatch.setattr(verify_folder, "source_digest", lambda: CODE)
    with pytest.raises(BadInput):
        verified(run)
    assert main(["verify", str(run), "--quiet"]) == 2


def engine(run: Path, act: Callable[[Any], object]) -> None:
    edit(run, "manifest.json", lambda one: act(one["materials"]["engine"]))
    reseal(run)


ENGINES: dict[str, tuple[Callable[[Any], object], str]] = {
    "a library": (lambda one: one.update(numpy="9.9"), "run.json: numpy"),
    "a library of which run.json knows nothing": (lambda one: one.update(jsonschema="9.9"), "shards/00000.json: its job"),
    "evalgate": (lambda one: one.update(evalgate="9.9"), "materials.engine.evalgate"),
    "the interpreter": (lambda one: one.update(python="3.99"), "materials.engine.python"),
    "a library more": (lambda one: one.update(torch="9"), "materials.engine.torch: is nothing"),
    "a library less": (lambda one: one.pop("sacrebleu"), "materials.engine.sacrebleu: is missing"),
    "no digest of the files": (lambda one: one.update(code="9"), "materials.engine.code: is 9, which is no version"),
    "no version": (lambda one: one.update(jinja2=" "), "materials.engine.jinja2"),
}


@pytest.mark.parametrize("what", ENGINES)
def test_versions_that_contradict_the_folder_are_an_edit(run: Path, what: str) -> None:
    act, expected = ENGINES[what]
    engine(run, act)
    found = verified(run)
    assert found.exit_code == 5
    assert expected in named(found)


def test_versions_cannot_cover_an_edit_of_something_else(run: Path) -> None:
    edit(run, "verdict.json", lambda one: one["cases"].update(improved=3))
    engine(run, lambda one: one.update(numpy="9.9"))
    assert verified(run).exit_code == 5


def test_a_run_of_another_program_that_agrees_with_itself_matches(run: Path, elsewhere: None) -> None:
    found = verified(run)
    assert found.exit_code == 0, named(found)
    assert any("the outcome is the same" in one for one in found.levels[1].trusted)
