"""`evalgate report FOLDER --format html`: the page over real runs, finished, unfinished and damaged."""

from __future__ import annotations

import json
import re
import shutil
from pathlib import Path

import pytest

from evalgate.core.canonical import digest_bytes, pretty_json
from evalgate.core.errors import BadInput
from evalgate.evidence.manifest import root_digest, verdict_digest
from evalgate.pipeline.history import read_history
from evalgate.report.history import RunState


@pytest.fixture
def reports(project):
    """A folder with two runs of a gate: `(project, folder, run folders)`."""
    made = project(cases=20, base=8, right=18)
    folder = made.root / "reports"
    assert made.run("--out", str(folder / "sums" / "first")).code == 0
    made.config.write_text(made.text().replace("min_improvement: 0.05", "min_improvement: 0.9"), encoding="utf-8")
    assert made.run("--out", str(folder / "sums" / "second")).code == 1
    return made, folder, (folder / "sums" / "first", folder / "sums" / "second")


def runs_in(folder: Path):
    return {run.place: run for run in read_history(folder, folder)}


def edit(path: Path, change) -> None:
    document = json.loads(path.read_text("utf-8"))
    change(document)
    path.write_text(pretty_json(document), encoding="utf-8")


def resealed(run: Path, change) -> None:
    """An edited verdict whose manifest was edited along."""
    edit(run / "verdict.json", change)
    verdict, manifest = (json.loads((run / name).read_text("utf-8")) for name in ("verdict.json", "manifest.json"))
    manifest["results"]["verdict"] = verdict_digest(verdict)
    manifest["root"] = root_digest(manifest["materials"], manifest["results"])
    if isinstance(verdict.get("evidence"), dict):
        verdict["evidence"]["manifest_digest"] = manifest["root"]
    edit(run / "verdict.json", lambda one: (one.clear(), one.update(verdict)))
    manifest["products"]["verdict.json"] = digest_bytes((run / "verdict.json").read_bytes())
    edit(run / "manifest.json", lambda one: (one.clear(), one.update(manifest)))


def test_the_page_lies_in_the_folder_and_links_the_reports(reports) -> None:
    made, folder, _ = reports
    before = {path: path.read_bytes() for path in folder.rglob("*") if path.is_file()}
    ran = made.call("report", str(folder), "--format", "html")
    assert (ran.code, ran.out) == (0, f"report: {folder / 'index.html'}\n"), ran.err
    page = (folder / "index.html").read_text("utf-8")
    links = re.findall(r'href="(\./[^"]+)"', page)
    assert set(links) == {"./sums/first/report.html", "./sums/second/report.html"}
    assert all((folder / link).is_file() for link in links)
    assert "1 gate, 2 runs" in page and "1 fail, 1 pass" in page
    assert {path: path.read_bytes() for path in before} == before
    assert made.call("report", str(folder), "--format", "html").code == 0
    assert (folder / "index.html").read_text("utf-8") == page


def test_the_figures_are_those_of_the_verdict(reports) -> None:
    _, folder, runs = reports
    document = json.loads((runs[1] / "verdict.json").read_text("utf-8"))
    run = runs_in(folder)["sums/second"]
    assert (run.verdict, run.reason, run.run_id, run.attempt) == ("fail", document["reason"], document["run_id"], 1)
    assert [result.observed for result, _ in run.thresholds] == [one["observed"] for one in document["thresholds"]]
    assert {unit for _, unit in run.thresholds} == {"0-1", "share", "count"}


def test_a_place_elsewhere_links_back_and_standard_output_works(reports, tmp_path: Path) -> None:
    made, folder, _ = reports
    (tmp_path / "pages").mkdir()
    made.call("report", str(folder / "sums"), "--format", "html", "--out", str(tmp_path / "pages"))
    links = re.findall(r'href="(\./[^"]+)"', (tmp_path / "pages" / "index.html").read_text("utf-8"))
    assert links and all((tmp_path / "pages" / link).is_file() for link in links)
    assert made.call("report", str(folder), "--format", "html", "--out", "-").out.startswith("<!doctype html>")


DAMAGES = {
    "an edited verdict": (lambda run: edit(run / "verdict.json", lambda d: d.update(verdict="pass", exit_code=0)), "it was edited"),
    "a torn verdict": (lambda run: (run / "verdict.json").write_bytes((run / "verdict.json").read_bytes()[:200]), "not valid JSON"),
    "an empty verdict": (lambda run: (run / "verdict.json").write_bytes(b""), "not valid JSON"),
    "a list": (lambda run: (run / "verdict.json").write_bytes(b"[]"), "not a JSON object"),
    "no UTF-8": (lambda run: (run / "verdict.json").write_bytes(b"\xff\xfe"), "not valid JSON"),
    "a folder in its place": (lambda run: ((run / "verdict.json").unlink(), (run / "verdict.json").mkdir()), "not a regular file"),
    "a dangling link": (lambda run: ((run / "verdict.json").unlink(), (run / "verdict.json").symlink_to("/nowhere/x")), "does not exist"),
    "no manifest": (lambda run: (run / "manifest.json").unlink(), "manifest.json"),
    "another manifest": (lambda run: shutil.copy(run.parent / "first" / "manifest.json", run), "it was edited"),
    "a manifest without products": (lambda run: edit(run / "manifest.json", lambda d: d.pop("products")), "products"),
    "an unknown verdict": (lambda run: resealed(run, lambda d: d.update(verdict="great")), "great"),
    "a code of another verdict": (lambda run: resealed(run, lambda d: d.update(exit_code=0)), "exit code"),
    "true for a code": (lambda run: resealed(run, lambda d: d.update(exit_code=True)), "exit code"),
    "a figure in words": (lambda run: resealed(run, lambda d: d["thresholds"][0].update(observed="high")), "no number"),
    "a bound of infinity": (lambda run: resealed(run, lambda d: d["thresholds"][0].update(value="inf")), "no number"),
    "an interval backwards": (lambda run: resealed(run, lambda d: d["thresholds"][0].update(ci=[2, 1])), "interval"),
    "a figure beyond floats": (lambda run: resealed(run, lambda d: d["thresholds"][0].update(observed=10**400)), ""),
    "no thresholds": (lambda run: resealed(run, lambda d: d.pop("thresholds")), "thresholds"),
}  # fmt: skip


@pytest.mark.parametrize("name", DAMAGES)
def test_a_damaged_run_is_listed_as_such_and_never_as_a_verdict(reports_copy, name: str) -> None:
    damage, said = DAMAGES[name]
    damage(reports_copy / "sums" / "second")
    runs = runs_in(reports_copy)
    found = runs["sums/second"]
    assert found.state is not RunState.FINISHED and found.verdict == "" and found.thresholds == ()
    assert found.note and said in found.note
    assert found.gate == "sums" and runs["sums/first"].state is RunState.FINISHED


@pytest.fixture(scope="module")
def two_runs(tmp_path_factory) -> Path:
    """The runs of a shipped gate twice, in one folder."""
    import evalgate

    folder = tmp_path_factory.mktemp("history") / "reports"
    configs = Path(__file__).resolve().parents[2] / "configs"
    evalgate.run(configs / "help-bot.yaml", out=folder / "sums" / "first")
    shutil.copytree(folder / "sums" / "first", folder / "sums" / "second")
    return folder


@pytest.fixture
def reports_copy(two_runs: Path, tmp_path: Path) -> Path:
    copy = Path(shutil.copytree(two_runs, tmp_path / "reports"))
    for run in (copy / "sums").iterdir():
        # Two runs of one plan have one manifest: here the second is another's.
        if run.name == "second":
            edit(run / "manifest.json", lambda d: d["materials"].update(other="another"))
            resealed(run, lambda d: d.update(gate="sums"))
    assert {run.state for run in runs_in(copy).values()} == {RunState.FINISHED}
    return copy


@pytest.mark.parametrize("left", [["plan.json"], [".lock"], ["plan.json", "run.json", "record.json"]])
def test_a_run_without_a_verdict_is_unfinished(reports_copy: Path, left: list[str]) -> None:
    run = reports_copy / "sums" / "third"
    run.mkdir()
    for name in left:
        (run / name).write_text("{}", encoding="utf-8")
    found = runs_in(reports_copy)["sums/third"]
    assert found.state is RunState.UNFINISHED and "no verdict.json" in found.note and found.gate == "sums"


def test_links_to_folders_are_listed_and_not_followed(reports_copy: Path, tmp_path: Path) -> None:
    (reports_copy / "sums" / "link").symlink_to(reports_copy / "sums" / "first")
    (reports_copy / "loop").symlink_to(reports_copy)
    runs = runs_in(reports_copy)
    assert set(runs) == {"sums/first", "sums/second", "sums/link"}
    assert runs["sums/link"].state is RunState.DAMAGED and "link" in runs["sums/link"].note


def test_strange_names_of_folders_are_encoded(reports_copy: Path) -> None:
    strange = "a\"b<c>#?%&' javascript:x"
    (reports_copy / "sums" / "first").rename(reports_copy / strange)
    (run,) = [run for run in runs_in(reports_copy).values() if "javascript" in run.place]
    assert run.link == "./a%22b%3Cc%3E%23%3F%25%26%27%20javascript%3Ax/report.html"


def test_an_empty_folder_is_no_history(reports) -> None:
    made, folder, (first, _) = reports
    (made.root / "empty").mkdir()
    for place in ("empty", "nowhere"):
        ran = made.call("report", str(made.root / place), "--format", "html")
        assert ran.code == 2 and "no finished run" in ran.err
    assert not (made.root / "empty" / "index.html").exists()
    for out in (first / "x.html", first / "shards" / "x.html"):
        refused = made.call("report", str(folder), "--format", "html", "--out", str(out))
        assert refused.code == 2 and "is evidence" in refused.err and not out.exists()
    assert made.call("report", str(folder), "--format", "junit").code == 2
    with pytest.raises(BadInput, match="not a folder"):
        read_history(first / "verdict.json", folder)


def test_a_manifest_of_something_else_is_no_run(reports_copy: Path, project, tmp_path: Path) -> None:
    web = tmp_path / "web"
    (web / "pages").mkdir(parents=True)
    (web / "manifest.json").write_text("{}", encoding="utf-8")
    call = project(cases=2).call
    assert call("report", str(reports_copy), "--format", "html", "--out", str(web / "pages")).code == 0
    run = reports_copy / "sums" / "first"
    assert call("report", str(run), "--format", "json", "--out", str(web / "pages" / "x.json")).code == 0
    assert call("report", str(reports_copy), "--format", "html", "--out", str(run / "index.html")).code == 2
