"""`evalgate report`: any report of a finished run, and what is refused."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import ci_readers
import pytest

from evalgate.core.errors import BadInput
from evalgate.pipeline.finished_run import read_record
from evalgate.report.catalog import REPORTS

HOSTILE = "ok\n::error file=x::pwned\r##[error]pwned\n::stop-commands::x <b>@all #1"


@pytest.fixture(scope="module")
def run_folder(tmp_path_factory) -> Path:
    """A finished run of a shipped gate."""
    import evalgate

    folder = tmp_path_factory.mktemp("runs") / "run"
    configs = Path(__file__).resolve().parents[2] / "configs"
    evalgate.run(configs / "help-bot.yaml", out=folder)
    return folder


@pytest.fixture
def folder(run_folder: Path, tmp_path: Path) -> Path:
    """A copy of it, to be damaged."""
    return Path(shutil.copytree(run_folder, tmp_path / "run"))


@pytest.fixture
def call(project) -> Callable[..., Any]:
    """Any command, in this process."""
    return project(cases=2).call


def test_code_0_says_that_the_report_was_made_and_nothing_of_the_verdict(call, folder: Path) -> None:
    assert json.loads((folder / "verdict.json").read_text("utf-8"))["verdict"] == "fail"
    ran = call("report", str(folder), "--format", "github", "--part", "outputs")
    assert ran.code == 0 and ran.out.startswith("verdict=fail\nexit_code=1\n")
    assert "says nothing about the verdict" in call("report", "--help").out


@pytest.mark.parametrize("name", REPORTS)
def test_a_folder_gets_every_part(call, folder: Path, tmp_path: Path, name: str) -> None:
    ran = call("report", str(folder), "--format", name, "--out", f"{tmp_path}/new/")
    wanted = [part.file for part in REPORTS[name] if not part.on_request]
    assert ran.code == 0, ran.err
    assert sorted(path.name for path in (tmp_path / "new").iterdir()) == sorted(wanted)
    assert ran.out.splitlines() == [f"report: {tmp_path / 'new' / file}" for file in wanted]
    for part in REPORTS[name]:
        if name != "html":
            printed = call("report", str(folder), "--format", name, "--part", part.name).out
            assert part.on_request or printed == (tmp_path / "new" / part.file).read_text("utf-8")


def test_a_file_gets_the_first_part_or_the_named_one(call, folder: Path, tmp_path: Path) -> None:
    file = tmp_path / "x.xml"
    assert call("report", str(folder), "--format", "junit", "--out", str(file)).out == f"report: {file}\n"
    assert " file=" in file.read_text("utf-8")
    assert call("report", str(folder), "--format", "junit", "--part", "strict", "--out", str(file), "--quiet").out == ""
    assert " file=" not in file.read_text("utf-8")
    call("report", str(folder), "--format", "junit", "--part", "strict", "--out", str(tmp_path))
    assert (tmp_path / "junit-strict.xml").is_file() and not (tmp_path / "junit.xml").exists()


def test_json_is_the_verdict_document(call, folder: Path) -> None:
    assert call("report", str(folder), "--format", "json").out.encode() == (folder / "verdict.json").read_bytes()


def test_nothing_is_measured_again_and_nothing_in_the_folder_changes(call, folder: Path) -> None:
    before = {path: path.read_bytes() for path in folder.rglob("*") if path.is_file()}
    shutil.rmtree(folder / "shards")
    for name in REPORTS:
        assert call("report", str(folder), "--format", name).code == 0
    left = {path: path.read_bytes() for path in folder.rglob("*") if path.is_file()}
    assert left == {path: data for path, data in before.items() if "shards" not in path.parts}


@pytest.mark.parametrize(
    "place", ["{run}", "{run}/", "{run}/new.md", "{run}/shards/x", "{run}/../run/y", "{link}/z", "{link}/../other/z"]
)
def test_the_folder_of_a_run_is_evidence(call, folder: Path, tmp_path: Path, place: str) -> None:
    (tmp_path / "link").symlink_to(folder)
    shutil.copytree(folder, tmp_path / "other")
    names = sorted(folder.rglob("*"))
    ran = call("report", str(folder), "--format", "markdown", "--out", place.format(run=folder, link=tmp_path / "link"))
    assert ran.code == 2 and "is evidence" in ran.err and "reports:" in ran.err
    assert sorted(folder.rglob("*")) == names


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (("--format", "junti"), "did you mean junit?"),
        (("--format", ""), "unknown report"),
        (("--format", "junit", "--part", "strickt"), "did you mean strict?"),
        (("--format", "../junit"), "unknown report"),
    ],
)
def test_what_there_is_not_is_named_with_what_there_is(call, folder: Path, arguments: tuple[str, ...], said: str) -> None:
    ran = call("report", str(folder), *arguments)
    assert ran.code == 2 and said in ran.err and ran.out == ""


def edited(path: Path, change: Callable[[Any], Any]) -> None:
    value = json.loads(path.read_text("utf-8"))
    path.write_text(json.dumps(change(value) or value), encoding="utf-8")


DAMAGE: dict[str, tuple[Callable[[Path], Any], str]] = {
    "no folder": (shutil.rmtree, "no finished run"),
    "no verdict": (lambda f: (f / "verdict.json").unlink(), "no finished run"),
    "no record": (lambda f: (f / "record.json").unlink(), "keeps no record"),
    "no manifest": (lambda f: (f / "manifest.json").unlink(), "manifest.json: does not exist"),
    "no run.json": (lambda f: (f / "run.json").unlink(), "run.json: does not exist"),
    "torn record": (lambda f: (f / "record.json").write_bytes((f / "record.json").read_bytes()[:-9]), "not valid JSON"),
    "not UTF-8": (lambda f: (f / "record.json").write_bytes(b"\xff\xfe"), "not valid JSON"),
    "a folder for a file": (lambda f: ((f / "run.json").unlink(), (f / "run.json").mkdir()), "not a regular file"),
    "empty record": (lambda f: (f / "record.json").write_text("{}"), "its schema is"),
    "a list": (lambda f: (f / "record.json").write_text("[]"), "its schema is"),
    "another schema": (lambda f: edited(f / "verdict.json", lambda v: v.update(schema="x/1")), "not a document evalgate.verdict/"),
    "unknown member": (lambda f: edited(f / "record.json", lambda v: v.update(more=1)), "unknown member"),
    "missing member": (lambda f: edited(f / "record.json", lambda v: v.pop("verdict") and None), "cannot be read"),
    "a decision for another": (lambda f: edited(f / "record.json", lambda v: v["verdict"].update(decision="pass")), "does not say what verdict.json says (verdict)"),
    "a threshold for another": (lambda f: edited(f / "record.json", lambda v: v["verdict"]["thresholds"][0].update(decision="pass")), "(thresholds.0.verdict)"),
    "a figure for another": (lambda f: edited(f / "record.json", lambda v: v["verdict"]["cases"].update(total=1)), "cases.total"),
    "a verdict for another": (lambda f: edited(f / "verdict.json", lambda v: v.update(verdict="pass", exit_code=0)), "does not say what verdict.json says"),
    "a reason for another": (lambda f: edited(f / "verdict.json", lambda v: v.update(reason="all is well")), "(reason)"),
    "an edited manifest": (lambda f: edited(f / "manifest.json", lambda v: v.update(schema="evalgate.manifest/2", root="sha256:0", materials={}, results={})), "not the manifest"),
    "an older manifest": (lambda f: edited(f / "manifest.json", lambda v: v.update(schema="evalgate.manifest/1")), "another version of evalgate"),
    "a record of other texts": (lambda f: edited(f / "record.json", lambda v: v["cases"][0]["candidate"].update(text="all is well")), "is not the file that the run wrote"),
    "other times": (lambda f: edited(f / "run.json", lambda v: v.update(started="2001-01-01T00:00:00+00:00")), "is not the file that the run wrote"),
    "a product less": (lambda f: edited(f / "manifest.json", lambda v: v["products"].pop("run.json") and None), "is not the file that the run wrote"),
    "no products": (lambda f: edited(f / "manifest.json", lambda v: v.pop("products") and None), "cannot be used"),
    "products of another kind": (lambda f: edited(f / "manifest.json", lambda v: v.update(products=[])), "cannot be used"),
    "a manifest of a list": (lambda f: (f / "manifest.json").write_text("[]"), "not a document evalgate.manifest/"),
}  # fmt: skip


@pytest.mark.parametrize("kind", DAMAGE)
def test_a_damaged_or_foreign_record_gives_no_report(call, folder: Path, kind: str) -> None:
    damage, said = DAMAGE[kind]
    damage(folder)
    for name in ("junit", "json", "github"):
        ran = call("report", str(folder), "--format", name)
        assert (ran.code, ran.out) == (2, ""), ran.err
        assert said in ran.err


@pytest.mark.parametrize("name", ["record.json", "verdict.json", "manifest.json", "run.json"])
def test_files_of_another_run_are_noticed(call, folder: Path, project, name: str) -> None:
    other = project(cases=3)
    other.run("--out", str(other.root / "other"))
    shutil.copyfile(other.root / "other" / name, folder / name)
    ran = call("report", str(folder), "--format", "markdown")
    assert (ran.code, ran.out) == (2, ""), name


def test_hostile_texts_of_a_real_run_make_no_command(project, tmp_path: Path) -> None:
    made = project(answers={("Add:", i): f"{HOSTILE} {i}" for i in range(20)}, right=10)
    rows = [json.loads(line) for line in made.data.read_text("utf-8").splitlines()]
    for row in rows:
        row["level"] = f"\n::error::{row['level']}##[error]"
    made.data.write_text("".join(json.dumps(row) + "\n" for row in rows), encoding="utf-8")
    folder = tmp_path / "out"
    for flags in ((), ("--json",), ("--verbose",)):
        ran = made.run("--out", str(folder), *flags)
        assert ran.code == 1, ran.err
        for stream in (ran.out, ran.err):
            assert not ci_readers.commands(stream) and not ci_readers.commands(stream, by_culture=True)
    for name, parts in REPORTS.items():
        for part in parts:
            ran = made.call("report", str(folder), "--format", name, "--part", part.name)
            assert ran.code == 0, ran.err
            found = ci_readers.commands(ran.out)
            if part.name == "annotations":
                assert {one.name for one in found} == {"error"} and len(found) == len(ran.out.splitlines())
                assert {one.properties["file"] for one in found} == {"configs/prompts/sum/2.prompt.yml"}
                assert {one.properties["line"] for one in found} == {"2"}
            else:
                assert not found, (name, part.name)


PLUGIN = "def make(record):\n    return {body}\n"


@pytest.mark.parametrize(
    ("body", "code", "said"),
    [
        ("f'{{record.identity.gate}}: {{record.verdict.decision}}\\n'", 0, ""),
        ("7", 3, "gives int, not text"),
        ("1 / 0", 3, "ZeroDivisionError"),
    ],
)
def test_the_report_of_an_installed_package(
    install_plugin, call, folder: Path, tmp_path: Path, body: str, code: int, said: str
) -> None:
    install_plugin("oneline", PLUGIN.format(body=body.replace("{{", "{").replace("}}", "}")), group="evalgate.reports")
    ran = call("report", str(folder), "--format", "oneline")
    assert ran.code == code, ran.err
    assert said in ran.err and ran.out == ("help-bot: fail\n" if code == 0 else "")
    if code == 0:
        assert call("report", str(folder), "--format", "oneline", "--out", f"{tmp_path}/").code == 0
        assert (tmp_path / "oneline.txt").read_text("utf-8") == "help-bot: fail\n"


def test_a_record_read_back_is_the_record(run_folder: Path) -> None:
    record = read_record(run_folder)
    assert record.verdict.decision == record.document["verdict"]
    assert "products" not in record.manifest
    with pytest.raises(BadInput, match="no finished run"):
        read_record(run_folder / "shards")
