"""`evalgate verify`: what receipts say of job and cases follows from the run, and an edit of it is named."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable
from pathlib import Path

import pytest

import evalgate
from evalgate.cli.main import main
from evalgate.evidence.verification import Assurance
from evalgate.pipeline.verify import verify_run
from evalgate.pipeline.verify_folder import VerifyRequest
from tests.whole_program.conftest import Project
from tests.whole_program.tampering import edit, read, reseal

OTHER = "sha256:" + "1" * 64


def _made(root: Path, safety: str) -> Path:
    made = Project(
        root,
        None,  # type: ignore[arg-type]
        cases=70,
        base=30,
        right=60,
        metrics="[exact_match, chrf]",
        safety=safety,
        thresholds=("{metric: exact_match, min_improvement: 0.05}",),
    ).write()
    evalgate.run(made.config, out=root / "run")
    return root


@pytest.fixture(scope="module")
def kept(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A project with a run whose shards keep every column: a detector may read them."""
    return _made(tmp_path_factory.mktemp("wide"), "[pii, degenerate]")


@pytest.fixture(scope="module")
def lean(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A project with a run whose shards keep inputs and references alone."""
    return _made(tmp_path_factory.mktemp("lean"), "[]")


def copied(kept: Path, tmp_path: Path) -> Path:
    shutil.copytree(kept, tmp_path / "project")
    return tmp_path / "project" / "run"


def told(run: Path, level: Assurance, **more: Path | tuple[Path, ...]) -> dict[str, list[str]]:
    """Level → differences, of the levels that found any; exit 5 if there are any, else 0."""
    found = verify_run(VerifyRequest(run, level, **more))  # type: ignore[arg-type]
    lines = {str(one.level): [f"{each.where}: {each.message}" for each in one.differences] for one in found.levels}
    named = {name: said for name, said in lines.items() if said}
    assert found.exit_code == (5 if named else 0), [one.undecided for one in found.levels]
    return named


def change(run: Path, member: str, shards: tuple[int, ...] = (0, 1)) -> None:
    for shard in shards:
        edit(run, f"shards/{shard:05d}.json", lambda one: one.update({member: OTHER}))
    reseal(run)


@pytest.mark.parametrize("made", ["kept", "lean"])
def test_receipts_of_an_intact_run_match(made: str, request: pytest.FixtureRequest) -> None:
    assert told(request.getfixturevalue(made) / "run", Assurance.REPLAY) == {}


def test_a_receipt_of_another_job_is_named_by_integrity(kept: Path, tmp_path: Path) -> None:
    run = copied(kept, tmp_path)
    change(run, "job", (1,))
    (said,) = told(run, Assurance.INTEGRITY).values()
    assert any("of another job than the other receipts" in one for one in said)


@pytest.mark.parametrize("content", ['{"schema": "evalgate.receipt/2"}', "[]", "{"])
def test_a_receipt_that_names_no_job_is_named(kept: Path, tmp_path: Path, content: str) -> None:
    run = copied(kept, tmp_path)
    (run / "shards/00001.json").write_text(content)
    assert any("does not say for which job" in one for one in told(run, Assurance.INTEGRITY)["integrity"])


@pytest.mark.parametrize(
    "act",
    [
        lambda run: change(run, "job"),
        lambda run: (edit(run, "run.json", lambda one: one.update(recording_seal=OTHER)), reseal(run)),
        lambda run: (edit(run, "run.json", lambda one: one.pop("recording_seal")), reseal(run)),
        lambda run: (edit(run, "run.json", lambda one: one.update(recording_seal=7)), reseal(run)),
    ],
    ids=["the job of every receipt", "the seal of the recording", "no seal", "a seal that is none"],
)
def test_a_job_that_does_not_follow_is_named_by_decision(kept: Path, tmp_path: Path, act: Callable[[Path], object]) -> None:
    run = copied(kept, tmp_path)
    act(run)
    assert told(run, Assurance.INTEGRITY) == {}, "every digest fits"
    said = told(run, Assurance.DECISION)["decision"]
    assert any("its job is not" in one or "the seal of the recording" in one for one in said)


def test_cases_of_another_digest_are_named_by_scores(kept: Path, tmp_path: Path) -> None:
    run = copied(kept, tmp_path)
    change(run, "cases", (1,))
    assert told(run, Assurance.DECISION) == {}
    assert told(run, Assurance.SCORES) == {
        "scores": ["shards/00001.json: its digest of the cases is not that of the cases in its shard"]
    }


def test_where_shards_do_not_keep_every_column_a_second_run_names_them(lean: Path, tmp_path: Path) -> None:
    run = copied(lean, tmp_path)
    change(run, "cases")
    assert told(run, Assurance.SCORES) == {}
    said = told(run, Assurance.REPLAY)["replay"]
    assert said == [f"shards/0000{n}.json: its digest of the cases is not that of the second run" for n in (0, 1)]


def test_the_same_answers_in_other_bytes_are_the_same_answers(kept: Path, tmp_path: Path) -> None:
    """The same answers may lie in other bytes; what they are is under the root."""
    run = copied(kept, tmp_path)
    recording = run.parent / "datasets" / "recordings" / "sums"
    (segment,) = recording.glob("*.jsonl")
    lines = segment.read_text(encoding="utf-8").splitlines(keepends=True)
    segment.write_text("".join([*lines[1:], lines[0]]), encoding="utf-8")
    assert told(run, Assurance.REPLAY) == {}


def test_a_project_has_the_same_receipts_wherever_it_lies(kept: Path, tmp_path: Path) -> None:
    run = copied(kept, tmp_path)
    evalgate.run(run.parent / "configs" / "sums.yaml", out=tmp_path / "again")
    for shard in ("shards/00000.json", "shards/00001.json"):
        one, other = read(kept / "run", shard), read(tmp_path / "again", shard)
        assert (one["job"], one["cases"]) == (other["job"], other["cases"])


def test_a_comparison_is_held_against_its_receipts_too(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    rows = [{"id": f"c{n}", "question": f"{n}?", "reference": str(n), "team": "ab"[n % 2]} for n in range(70)]
    Path("refs.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows))
    for name, wrong in (("old", 5), ("new", 7)):
        lines = [{"id": row["id"], "output": row["reference"] if n < wrong else "no"} for n, row in enumerate(rows)]
        Path(f"{name}.jsonl").write_text("".join(json.dumps(line) + "\n" for line in lines))
    rules = ("--metric", "exact_match", "--safety", "pii", "--group", "team")
    assert main(["compare", "old.jsonl", "new.jsonl", "--references", "refs.jsonl", *rules, "--out", "run", "--quiet"]) == 0
    run, files = Path("run"), {"baseline": Path("old.jsonl"), "candidate": Path("new.jsonl"), "references": (Path("refs.jsonl"),)}
    assert told(run, Assurance.REPLAY, **files) == {}  # type: ignore[arg-type]
    shutil.copytree("run", "job")
    change(Path("job"), "job")
    assert "decision" in told(Path("job"), Assurance.DECISION)
    shutil.copytree("run", "sealed")
    edit(Path("sealed"), "run.json", lambda one: one.update(recording_seal=OTHER))
    reseal(Path("sealed"))
    assert "decision" in told(Path("sealed"), Assurance.DECISION)
    change(run, "cases")
    assert "scores" in told(run, Assurance.SCORES)


def test_the_job_of_a_judged_gate_is_known_by_a_second_run_alone(repository: Path, tmp_path: Path) -> None:
    run = tmp_path / "run"
    evalgate.run(repository / "configs" / "help-bot-judged.yaml", out=run)
    shards = tuple(range(len(read(run, "manifest.json")["results"]["shards"])))
    change(run, "job", shards)
    decided = verify_run(VerifyRequest(run, Assurance.DECISION))
    assert decided.exit_code == 0
    assert any("prompts of judges" in one for one in decided.levels[1].trusted), "it says what it did not look at"
    said = told(run, Assurance.REPLAY, project=repository)["replay"]
    assert all("its job is not that of the second run" in one for one in said)
