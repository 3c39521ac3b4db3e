"""`evalgate verify`: an intact run matches on every level, and whatever was done to it is named."""

from __future__ import annotations

import json
import random
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

import evalgate
from evalgate.cli.main import main
from evalgate.core.errors import BadInput, EvidenceMismatch, Incomplete
from evalgate.evidence.verification import Assurance, Verification
from evalgate.pipeline import sealing
from evalgate.pipeline.verify import verify_run
from evalgate.pipeline.verify_folder import VerifyRequest
from tests.whole_program.conftest import Project
from tests.whole_program.tampering import decided_again, edit, read, reseal

REPORTS = "reports: [html, junit, markdown, github, gitlab, sarif, csv]\n"
DECISION, SCORES, REPLAY = Assurance.DECISION, Assurance.SCORES, Assurance.REPLAY


@pytest.fixture(scope="module")
def kept(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A project with a run in `run`, made once."""
    root = tmp_path_factory.mktemp("verify")
    made = Project(
        root,
        None,  # type: ignore[arg-type]
        cases=70,
        base=30,
        right=60,
        extra=REPORTS,
        metrics="[exact_match, chrf]",
        safety="[pii, {blocklist: {terms: [idea]}}]",
        thresholds=("{metric: exact_match, min_improvement: 0.05}", "{metric: chrf, max_regression: 1}"),
        answers={("Add:", 3): "mail me at someone@example.org"},
    ).write()
    evalgate.run(made.config, out=root / "run", profile=True)
    return root


@pytest.fixture
def run(kept: Path, tmp_path: Path) -> Path:
    shutil.copytree(kept, tmp_path / "project")
    return tmp_path / "project" / "run"


def verified(run: Path, level: Assurance = Assurance.INTEGRITY, **more: Any) -> Verification:
    return verify_run(VerifyRequest(run, level, **more))


def named(found: Verification) -> str:
    return "\n".join(f"{each.where}: {each.message}" for one in found.levels for each in one.differences)


def test_an_intact_run_matches_on_every_level(run: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["verify", str(run), "--level", "replay"]) == 0
    told = capsys.readouterr().out
    for level in Assurance:
        assert f"{level}: matches" in told
    assert told.count("trusted: ") >= 8, "every level says what had to be believed"
    assert main(["verify", str(run), "--json", "--quiet"]) == 0
    document = json.loads(capsys.readouterr().out)
    assert document["root"] == read(run, "verdict.json")["evidence"]["manifest_digest"] == read(run, "manifest.json")["root"]
    assert [one["level"] for one in document["levels"]] == ["integrity"], "the level that was asked for, and no more"


def test_verifying_leaves_no_trace(run: Path) -> None:
    before = {path: path.read_bytes() for path in run.parent.rglob("*") if path.is_file()}
    assert verified(run, REPLAY).exit_code == 0
    assert before == {path: path.read_bytes() for path in run.parent.rglob("*") if path.is_file()}


def flips(run: Path, count: int, seed: int) -> None:
    """Change one byte at a time, anywhere in the folder; every file is hit."""
    chance = random.Random(seed)
    files = sorted(path for path in run.rglob("*") if path.is_file())
    assert len(files) > 15
    for number in range(count):
        path = files[number % len(files)] if number < 2 * len(files) else chance.choice(files)
        data = path.read_bytes()
        at, other = chance.randrange(len(data)), chance.randrange(1, 256)
        path.write_bytes(data[:at] + bytes([data[at] ^ other]) + data[at + 1 :])
        try:
            code = int(verified(run).exit_code)
        except EvidenceMismatch:
            code = 5
        except BadInput as error:
            code = 5 if path.name == "manifest.json" and "its schema is" in str(error) else 2
        assert code == 5, f"{path.name}, byte {at}: {code}"
        path.write_bytes(data)
    assert verified(run).exit_code == 0


def test_64_flipped_bytes_are_all_found(run: Path) -> None:
    flips(run, 64, seed=20260901)


@pytest.mark.slow
def test_1024_flipped_bytes_are_all_found(run: Path) -> None:
    flips(run, 1024, seed=20261125)


def _link(run: Path) -> None:
    shutil.move(run / "plan.json", run.parent / "elsewhere.json")
    (run / "plan.json").symlink_to(run.parent / "elsewhere.json")


def _linked_folder(run: Path) -> None:
    shutil.move(run / "shards", run.parent / "elsewhere")
    (run / "shards").symlink_to(run.parent / "elsewhere")


def _exchanged(run: Path) -> None:
    one, other = run / "shards" / "00000.parquet", run / "shards" / "00001.parquet"
    first = one.read_bytes()
    one.write_bytes(other.read_bytes())
    other.write_bytes(first)


FILES: dict[str, tuple[Callable[[Path], object], str]] = {
    "a missing report": (lambda run: (run / "report.html").unlink(), "report.html: is missing"),
    "a missing plan": (lambda run: (run / "plan.json").unlink(), "plan.json: is missing"),
    "a missing shard": (lambda run: (run / "shards/00001.parquet").unlink(), "shards/00001.parquet: is missing"),
    "a missing receipt": (lambda run: (run / "shards/00000.json").unlink(), "shards/00000.json: is missing"),
    "a missing history": (lambda run: (run / "attempts.jsonl").unlink(), "attempts.jsonl: is missing"),
    "a further file": (lambda run: (run / "note.txt").write_text("x"), "note.txt: is a file that the run did not write"),
    "a hidden file": (lambda run: (run / "shards/.x").write_text("x"), "shards/.x: is a file"),
    "a further folder": (lambda run: (run / "more").mkdir(), "more: is a folder that the run did not write"),
    "a further shard": (lambda run: shutil.copy(run / "shards/00001.parquet", run / "shards/00002.parquet"), "shards/00002.parquet"),
    "a cut file": (lambda run: (run / "junit.xml").write_bytes((run / "junit.xml").read_bytes()[:-9]), "junit.xml: is not the file"),
    "an empty file": (lambda run: (run / "record.json").write_bytes(b""), "record.json: is not the file"),
    "a longer file": (lambda run: (run / "run.json").write_text((run / "run.json").read_text() + "\n"), "run.json: is not the file"),
    "exchanged shards": (_exchanged, "shards/00001.parquet: is not the file"),
    "a link": (_link, "plan.json: is a link"),
    "a linked folder": (_linked_folder, "shards: is a link"),
    "a folder in place of a file": (lambda run: ((run / "gate.env").unlink(), (run / "gate.env").mkdir()), "gate.env: is a folder"),
    "a threshold": (lambda run: edit(run, "plan.json", lambda v: v["thresholds"][0].update(value=0.0)), "plan.json: is not the plan"),
    "a verdict": (lambda run: edit(run, "verdict.json", lambda v: v.update(verdict="fail")), "verdict.json: does not say"),
    "another root": (lambda run: edit(run, "manifest.json", lambda v: v.update(root="sha256:" + "0" * 64)), "manifest.json: states the root"),
    "another input": (
        lambda run: edit(run, "manifest.json", lambda v: v["materials"]["inputs"].update(more="x")), "manifest.json: states the root"),
    "a product less": (lambda run: edit(run, "manifest.json", lambda v: v["products"].pop("junit.xml")), "junit.xml: is a file"),
    "white space in the manifest": (
        lambda run: (run / "manifest.json").write_text(json.dumps(read(run, "manifest.json"))), "manifest.json: is not written"),
    "a link among the approvals": (
        lambda run: ((run / "approvals").mkdir(), (run / "approvals/a.dsse.json").symlink_to(run / "plan.json")), "approvals/a.dsse.json"),
    "another file among the approvals": (
        lambda run: ((run / "approvals").mkdir(), (run / "approvals/a.txt").write_text("x")), "approvals/a.txt"),
}  # fmt: skip


@pytest.mark.parametrize("change", FILES)
def test_what_was_done_to_the_files_is_named(change: str, run: Path, capsys: pytest.CaptureFixture[str]) -> None:
    act, expected = FILES[change]
    act(run)
    assert main(["verify", str(run), "--quiet"]) == 5
    assert expected in capsys.readouterr().out
    if change in ("a missing shard", "a missing plan", "a threshold", "an empty file"):
        assert verified(run, REPLAY).exit_code == 5, "a higher level does not hide it"


def test_receipts_of_another_run_are_found(run: Path, tmp_path: Path) -> None:
    other = tmp_path / "other"
    evalgate.run(run.parent / "configs" / "sums.yaml", out=other)
    edit(other, "shards/00000.json", lambda one: one.update(job="sha256:" + "1" * 64))
    shutil.copy(other / "shards" / "00000.json", run / "shards" / "00000.json")
    assert "shards/00000.json" in named(verified(run))


def test_signatures_may_stand_beside_a_run(run: Path) -> None:
    (run / "attestation.dsse.json").write_text("{}")
    (run / "approvals").mkdir()
    (run / "approvals" / "0001-owner.dsse.json").write_text("{}")
    assert verified(run).exit_code == 0


@pytest.mark.parametrize("name", ["manifest.json", "verdict.json"])
@pytest.mark.parametrize("content", [b"", b"{", b"[]", b"\xff", b'{"schema": "evalgate.manifest/1"}', None])
def test_a_document_that_is_gone_or_damaged_is_named(
    run: Path, name: str, content: bytes | None, capsys: pytest.CaptureFixture[str]
) -> None:
    if content is None:
        (run / name).unlink()
    else:
        (run / name).write_bytes(content)
    code = main(["verify", str(run), "--level", "decision"])
    other = name == "manifest.json" and content == b'{"schema": "evalgate.manifest/1"}'
    assert code == (2 if other else 5)
    assert "matches" not in capsys.readouterr().out.splitlines()[-1:]


def test_names_that_lead_out_of_the_folder_are_refused(run: Path) -> None:
    for name in ("../x", "/etc/passwd", "a/../../x", "", "a//b", "manifest.json"):
        value = read(run, "manifest.json")
        edit(run, "manifest.json", lambda one, name=name: one["products"].update({name: "sha256:" + "0" * 64}))
        with pytest.raises(EvidenceMismatch):
            verified(run)
        edit(run, "manifest.json", lambda one, value=value: (one.clear(), one.update(value)))


@pytest.mark.parametrize("where", ["nowhere", "."])
def test_a_folder_without_a_run_is_bad_input(tmp_path: Path, where: str) -> None:
    assert main(["verify", str(tmp_path / where)]) == 2


def test_a_crash_before_the_verdict_leaves_no_finished_run(kept: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    write = sealing.write_whole

    def full(path: Path, data: bytes | str) -> None:
        if path.name == "verdict.json":
            raise Incomplete("no space left")
        write(path, data)

    monkeypatch.setattr(sealing, "write_whole", full)
    with pytest.raises(Incomplete):
        evalgate.run(kept / "configs" / "sums.yaml", out=tmp_path / "torn")
    assert (tmp_path / "torn" / "manifest.json").is_file()
    assert main(["verify", str(tmp_path / "torn")]) == 2
    monkeypatch.undo()
    evalgate.run(kept / "configs" / "sums.yaml", out=tmp_path / "torn")
    assert verified(tmp_path / "torn", DECISION).exit_code == 0


def _rows(run: Path, change: Callable[[dict[str, list[Any]]], object]) -> None:
    path = run / "shards" / "00000.parquet"
    table = pq.read_table(path)
    columns = table.to_pydict()
    change(columns)
    pq.write_table(pa.table([pa.array(columns[f.name], f.type) for f in table.schema], schema=table.schema), path)


def _further(run: Path, name: str, value: Any) -> None:
    path = run / "shards" / "00000.parquet"
    table = pq.read_table(path)
    pq.write_table(table.append_column(name, pa.array([value] * table.num_rows)), path)
    reseal(run)


def _loosened(run: Path) -> None:
    edit(run, "plan.json", lambda v: v["thresholds"][0].update(value=0.9, text="0.9"))
    reseal(run)


def _passed(run: Path) -> None:
    edit(run, "verdict.json", lambda v: v["thresholds"][0].update(observed=0.99))
    edit(run, "record.json", lambda v: v["verdict"]["thresholds"][0].update(observed=0.99))
    reseal(run)


def _recorded(run: Path) -> None:
    edit(run, "record.json", lambda v: v["cases"].pop(0))
    reseal(run)


def _shown(run: Path) -> None:
    edit(run, "record.json", lambda v: v["cases"][0]["candidate"].update(text="all is well"))
    reseal(run)


def _report(run: Path) -> None:
    path = run / "report.html"
    text = path.read_text(encoding="utf-8").replace("70 cases", "7000 cases")
    reseal(run)
    path.write_text(text, encoding="utf-8")
    sealed = read(run, "manifest.json")
    from evalgate.core.canonical import digest_file

    edit(run, "manifest.json", lambda v: v["products"].update({"report.html": digest_file(path)}))
    assert sealed["root"] == read(run, "manifest.json")["root"]


def _column(name: str, value: Callable[[list[Any]], list[Any]]) -> Callable[[Path], None]:
    def act(run: Path) -> None:
        _rows(run, lambda columns: columns.update({name: value(columns[name])}))
        reseal(run)

    return act


RESEALED: dict[str, tuple[Callable[[Path], object], str]] = {
    "a threshold": (_loosened, "threshold metric:exact_match min_improvement 0.9"),
    "a figure of a threshold": (_passed, "threshold metric:exact_match min_improvement 0.05, observed"),
    "a case less in the record": (_recorded, "record.json: cases"),
    "a bar of a histogram": (
        lambda run: (edit(run, "record.json", lambda v: v["deltas"][0]["counts"].__setitem__(0, 99)), reseal(run)), "record.json: deltas.0.counts.0"),
    "a text in the record": (_shown, "record.json: cases.0.candidate.text"),
    "a number in a report": (_report, "report.html: is not the report that record.json gives"),
    "lost answers": (_column("candidate.lost", lambda old: [True, *old[1:]]), "the column candidate.lost"),
    "identical answers": (_column("identical", lambda old: [not old[0], *old[1:]]), "the column identical"),
    "scores": (_column("candidate.scores", lambda old: [[1.0, 100.0], *old[1:]][:1] + [[1.0, 100.0]] * (len(old) - 1)), "candidate.scores of exact_match"),
    "outputs beside the details": (_column("candidate.output", lambda old: ["fine", *old[1:]]), "the column candidate.output"),
    "keys of the draws": (_column("key", lambda old: [1, *old[1:]]), "the column key"),
    "slices": (_column("slice.level", lambda old: ["odd"] * len(old)), "the column slice.level"),
    "a column more": (
        lambda run: _further(run, "note", "x"), "has columns that no run writes: 'note'"),
    "a column that looks like one": (
        lambda run: _further(run, "candidate.waivd", 0), "'candidate.waivd'"),
    "a version": (
        lambda run: (edit(run, "manifest.json", lambda v: v["materials"]["extensions"][0].update(version="9")), reseal(run)),
        "materials.extensions.0.version"),
    "a digest of the dataset": (
        lambda run: (edit(run, "manifest.json", lambda v: v["materials"]["inputs"].update({"dataset:sums@1.0.0": "sha256:0"})), reseal(run)),
        "dataset:sums@1.0.0"),
    "a version in run.json": (
        lambda run: (edit(run, "run.json", lambda v: v["packages"].update(numpy="9")), reseal(run)), "run.json: numpy"),
    "the name of evalgate's version": (
        lambda run: (edit(run, "run.json", lambda v: v["packages"].update({"evalgate-engine": "9"})), reseal(run)), "run.json: evalgate-engine"),
    "the health of the dataset": (lambda run: (edit(run, "health.json", lambda v: v.update(x=1)), reseal(run)), "health.json"),
    "a file that no run writes": (
        lambda run: ((run / "x.txt").write_text("x"), edit(run, "manifest.json", lambda v: v["products"].update({"x.txt": v["root"]})), reseal(run)),
        "x.txt"),
}  # fmt: skip


@pytest.mark.parametrize("change", RESEALED)
def test_edits_with_digests_that_fit_are_found_by_deciding_again(change: str, run: Path) -> None:
    act, expected = RESEALED[change]
    act(run)
    found = verified(run, DECISION)
    assert not found.levels[0].differences, "the digests fit"
    assert found.exit_code == 5
    assert expected in named(found)


def _better(columns: dict[str, list[Any]]) -> None:
    columns["candidate.rows"] = [[1.0, 1.0, *row[2:]] for row in columns["candidate.rows"]]
    columns["candidate.scores"] = [[1.0, *row[1:]] for row in columns["candidate.scores"]]


def _clean(columns: dict[str, list[Any]]) -> None:
    columns["candidate.violations"] = [[0, 0] for _ in columns["id"]]


def _no_findings(columns: dict[str, list[Any]]) -> None:
    _clean(columns)
    details = [json.loads(text) for text in columns["details"]]
    for one in details:
        one["candidate"]["findings"] = []
    columns["details"] = [json.dumps(one) for one in details]


@pytest.mark.parametrize(
    ("change", "expected"),
    [
        (_better, "exact_match of the candidate is not what its texts give"),
        (_clean, "pii of the candidate"),
        (_no_findings, "findings of the candidate"),
    ],
)
def test_edited_rows_with_a_verdict_that_follows_are_found_by_measuring_again(
    run: Path, change: Callable[[dict[str, list[Any]]], None], expected: str
) -> None:
    _rows(run, change)
    decided_again(run)
    found = verified(run, SCORES)
    assert [bool(one.differences) for one in found.levels] == [False, False, True], named(found)
    assert expected in named(found)
    assert "case 'c" in named(found)


def _project(kept: Path, tmp_path: Path) -> Path:
    shutil.copytree(kept, tmp_path / "project")
    return tmp_path / "project"


PROJECT: dict[str, tuple[str, Callable[[str], str], str]] = {
    "a swapped recording": (
        "datasets/recordings/sums/0001.jsonl", lambda text: text.replace("no idea", "no thing"), "recording:sums: was edited or exchanged"),
    "an edited case": ("datasets/sums/1.0.0/cases.jsonl", lambda text: text.replace('"2 + 1"', '"2 + 2"'), "dataset:sums@1.0.0"),
    "an edited reference": ("datasets/sums/1.0.0/cases.jsonl", lambda text: text.replace('"answer": "3"', '"answer": "4"'), "dataset:sums@1.0.0"),
    "a case less": ("datasets/sums/1.0.0/cases.jsonl", lambda text: text[: text.rindex('{"id"')], "dataset:sums@1.0.0"),
    "an edited card": ("datasets/sums/1.0.0/dataset.yaml", lambda text: text + "license: MIT\n", "dataset card:sums@1.0.0"),
    "an edited prompt": ("configs/prompts/sum/2.prompt.yml", lambda text: text.replace("Add:", "Add now:"), "prompt:sum@2"),
    "an edited threshold": ("configs/sums.yaml", lambda text: text.replace("0.05", "0.01"), "config:sums.yaml: was edited"),
    "a configuration that is none": ("configs/sums.yaml", lambda text: text + "nonsense: 1\n", "config:sums.yaml: was edited"),
}  # fmt: skip


@pytest.mark.parametrize("change", PROJECT)
def test_what_is_not_as_it_was_in_the_project_is_named(change: str, run: Path) -> None:
    name, act, expected = PROJECT[change]
    path = run.parent / name
    before = path.read_text(encoding="utf-8")
    path.write_text(act(before), encoding="utf-8")
    assert path.read_text(encoding="utf-8") != before
    found = verified(run, REPLAY)
    assert [bool(one.differences) for one in found.levels] == [False, False, False, True]
    assert expected in named(found)


@pytest.mark.parametrize(
    "gone", ["configs/sums.yaml", "datasets/sums", "datasets/sums/1.0.0/cases.jsonl", "datasets/recordings/sums"]
)
def test_what_is_not_there_cannot_be_decided(gone: str, run: Path, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.chdir(tmp_path)
    shutil.move(run.parent / gone, tmp_path / "aside")
    assert verified(run, REPLAY).exit_code == 3
    assert verified(run, SCORES).exit_code == 0, "the lower levels need nothing but the folder"


def test_the_project_can_be_named(run: Path, kept: Path, tmp_path: Path) -> None:
    shutil.move(run, tmp_path / "alone")
    assert verified(tmp_path / "alone", REPLAY, project=kept).exit_code == 0
    assert verified(tmp_path / "alone", REPLAY, project=tmp_path).exit_code == 3


@pytest.mark.parametrize("path", ["../../etc/gate.yaml", "/etc/gate.yaml"])
def test_a_run_cannot_choose_a_configuration_outside_the_project(run: Path, path: str) -> None:
    edit(run, "record.json", lambda v: v["settings"].update(path=path))
    reseal(run)
    assert verified(run, REPLAY).exit_code == 3


def test_other_versions_are_said(run: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from evalgate.pipeline import verify_decision

    here = sealing.engine_here
    monkeypatch.setattr(verify_decision, "engine_here", lambda built: {**here(built), "numpy": "0.1"})
    found = verified(run, SCORES)
    assert found.exit_code == 0, "the outcome is the same"
    assert all(any("numpy 0.1" in said for said in one.trusted) for one in found.levels[1:])
    config = run.parent / "configs" / "sums.yaml"
    config.write_text(config.read_text() + "# edited\n")
    assert verified(run, REPLAY).exit_code == 5, "no library has a part in the bytes of a configuration"
    _passed(run)
    changed = verified(run, DECISION)
    assert changed.exit_code == 3, "an edit, or another version: nobody can tell"
    assert any("observed" in said for said in changed.levels[1].undecided)


def test_hashes_of_findings_need_their_key(project: Callable[..., Project], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("FINDINGS_KEY", "k" * 32)
    made = project(extra="findings: {key_env: FINDINGS_KEY}\n", safety="[{blocklist: {terms: [idea]}}]")
    assert made.run("--out", str(made.root / "run")).code == 0
    assert verified(made.root / "run", SCORES).exit_code == 0
    for key in (None, "another" * 9):
        monkeypatch.delenv("FINDINGS_KEY") if key is None else monkeypatch.setenv("FINDINGS_KEY", key)
        found = verified(made.root / "run", SCORES)
        assert [one.matched for one in found.levels] == [True, True, False]
        assert found.exit_code == 3


def test_a_plugin_that_is_not_installed_cannot_be_asked(run: Path) -> None:
    edit(run, "plan.json", lambda v: v["metrics"][0].update(plugin="from_elsewhere"))
    sealed = read(run, "manifest.json")
    assert sealed
    found = verified(run, DECISION)
    assert found.exit_code == 5, "the edit is found by its digest"
    assert any("from_elsewhere" in said for said in found.levels[1].undecided)


def test_a_comparison_is_replayed_from_its_files(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    rows = [{"id": f"c{n}", "question": f"{n}?", "reference": str(n), "kind": "ab"[n % 2]} for n in range(9)]
    Path("refs.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows))
    for name, wrong in (("old", 5), ("new", 7)):
        lines = [{"id": row["id"], "output": row["reference"] if n < wrong else "no"} for n, row in enumerate(rows)]
        Path(f"{name}.jsonl").write_text("".join(json.dumps(line) + "\n" for line in lines))
    rules = ("--metric", "exact_match", "--metric", "rougeL", "--threshold", "exact_match:min=0.1", "--slice", "kind")
    assert main(["compare", "old.jsonl", "new.jsonl", "--references", "refs.jsonl", *rules, "--out", "run", "--quiet"]) in (0, 4)
    assert verified(Path("run"), REPLAY).exit_code == 3, "it has to be told which files"
    files = {"baseline": Path("old.jsonl"), "candidate": Path("new.jsonl"), "references": (Path("refs.jsonl"),)}
    assert verified(Path("run"), REPLAY, **files).exit_code == 0
    Path("new.jsonl").write_text(Path("new.jsonl").read_text().replace('"no"', '"yes"'))
    found = verified(Path("run"), REPLAY, **files)
    assert found.exit_code == 5
    assert "outputs:candidate" in named(found)
    assert main(["compare", "run", "run", "--out", "runs", "--quiet"]) == 0
    both = {"baseline": Path("run"), "candidate": Path("run")}
    assert verified(Path("runs"), REPLAY, **both).exit_code == 0


@pytest.mark.parametrize(
    "gate",
    [
        "help-bot-judged",

        *(pytest.param(name, marks=pytest.mark.slow) for name in (
            "help-bot", "short-answers", "product-recommendations", "product-recommendations-bad-prompt", "support-extraction")),
    ],
)  # fmt: skip
def test_the_shipped_gates_are_derived_again_on_every_level(repository: Path, tmp_path: Path, gate: str) -> None:
    evalgate.run(repository / "configs" / f"{gate}.yaml", out=tmp_path / "run")
    found = verified(tmp_path / "run", REPLAY, project=repository)
    assert found.exit_code == 0, named(found)
    assert [one.level for one in found.levels] == list(Assurance)
