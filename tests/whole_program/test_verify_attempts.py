"""`evalgate verify`: which attempt a run says it was is held against the history of its gate."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

import evalgate
from evalgate.core.canonical import canonical_json, digest, digest_file
from evalgate.evidence.verification import Assurance, Verification
from evalgate.pipeline.verify import verify_run
from evalgate.pipeline.verify_folder import VerifyRequest
from tests.whole_program.conftest import Project
from tests.whole_program.tampering import edit, reseal

STRICT, LOOSE = "{metric: exact_match, min_improvement: 0.8}", "{metric: exact_match, min_improvement: 0.05}"


def decided(run: Path) -> Verification:
    return verify_run(VerifyRequest(run, Assurance.DECISION))


def named(found: Verification) -> str:
    return "\n".join(f"{each.where}: {each.message}" for one in found.levels for each in one.differences)


def unheld(found: Verification) -> str:
    """Why the attempt was not looked at."""
    return "\n".join(told for one in found.levels for told in one.trusted if "number and changes of the attempt" in told)


def ran(made: Project, out: Path | None = None) -> Path:
    return Path(evalgate.run(made.config, **({} if out is None else {"out": out})).folder)


@pytest.fixture(scope="module")
def kept(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, list[str]]:
    """A project with three attempts, and a fourth in another folder of its own; the names of the first three."""
    root = tmp_path_factory.mktemp("attempts")
    made = Project(root, None, thresholds=(STRICT,), safety="[]").write()  # type: ignore[arg-type]
    first = ran(made)
    made.config.write_text(made.config.read_text().replace(STRICT, LOOSE))
    second = ran(made)
    made.config.write_text(made.config.read_text().replace("seed: 7", "seed: 8"))
    third = ran(made)
    ran(made, root / "alone")
    return root, [one.name for one in (first, second, third)]


@pytest.fixture
def runs(kept: tuple[Path, list[str]], tmp_path: Path) -> list[Path]:
    """Three attempts of a gate, and one in a folder of its own."""
    shutil.copytree(kept[0], tmp_path / "project")
    return [*(tmp_path / "project" / "reports" / "sums" / name for name in kept[1]), tmp_path / "project" / "alone"]


def renumbered(run: Path, change: Callable[[Any], object]) -> None:
    """Another account of the attempts in the record, the document and every report."""
    edit(run, "record.json", lambda v: change(v["attempts"]))
    edit(run, "attempts.json", change)
    reseal(run)


def lines_of(history: Path) -> list[dict[str, Any]]:
    return [json.loads(line) for line in history.read_bytes().splitlines()]


def chained(history: Path, entries: list[dict[str, Any]]) -> None:
    """A history whose chain fits, as somebody who knows the format writes it."""
    import hashlib

    data, before = b"", None
    for entry in entries:
        content = {key: value for key, value in entry.items() if key not in ("previous", "digest")} | {"previous": before}
        line = canonical_json({**content, "digest": digest(content)})
        data, before = data + line + b"\n", hashlib.sha256(line).hexdigest()
    history.write_bytes(data)


def sealed_again(run: Path) -> None:
    edit(run, "manifest.json", lambda v: v["products"].update({"attempts.jsonl": digest_file(run / "attempts.jsonl")}))


def test_every_attempt_follows_from_the_history_however_many_came_later(runs: list[Path]) -> None:
    for run in runs:
        found = decided(run)
        assert found.exit_code == 0, named(found)
        assert not unheld(found)


def test_a_run_that_was_made_again_later_follows_from_the_history(runs: list[Path]) -> None:
    config = runs[0].parents[2] / "configs" / "sums.yaml"
    text = config.read_text()
    config.write_text(text.replace("seed: 8", "seed: 7").replace(LOOSE, STRICT))
    evalgate.run(config)
    assert json.loads((runs[0] / "attempts.json").read_text())["made"] == 3
    found = decided(runs[0])
    assert (found.exit_code, unheld(found)) == (0, ""), named(found)


EDITS: dict[str, Callable[[Any], object]] = {
    "number": lambda v: v.update(number=1, earlier=[], changes=[], loosened=[], loosened_since=None),
    "made": lambda v: v.update(made=9),
    "earlier": lambda v: v["earlier"].pop(0),
    "earlier.0.verdict": lambda v: v["earlier"][0].update(verdict="pass"),
    "changes": lambda v: v.update(changes=[]),
    "note": lambda v: v.update(note="the history of attempts cannot be used: it is a symbolic link"),
}


@pytest.mark.parametrize("place", EDITS)
def test_another_account_of_the_attempts_is_named(runs: list[Path], place: str) -> None:
    renumbered(runs[2], EDITS[place])
    found = decided(runs[2])
    assert found.exit_code == 5
    assert f"attempts.json: {place}" in named(found)


def test_an_account_that_was_taken_out_is_named(runs: list[Path]) -> None:
    run = runs[2]
    edit(run, "record.json", lambda v: v.update(attempts=None))
    (run / "attempts.json").unlink()
    edit(run, "manifest.json", lambda v: v["products"].pop("attempts.json"))
    reseal(run)
    assert "attempts.json: is not there" in named(decided(run))


@pytest.mark.parametrize("where", [2, 3], ids=["beside", "in the folder"])
@pytest.mark.parametrize(
    ("change", "expected"),
    [
        (lambda v: v["thresholds"][0].update(value=0.01, text="0.01"), "says something else of this run"),
        (lambda v: v.update(verdict="fail", exit_code=1), "says something else of this run"),
        (lambda v: v.update(number=7), "attempts.json: number"),
    ],
    ids=["a threshold", "the verdict", "the number"],
)
def test_a_history_that_says_something_else_is_named(
    runs: list[Path], where: int, change: Callable[[Any], object], expected: str
) -> None:
    run = runs[where]
    history = run / "attempts.jsonl" if where == 3 else run.parent / "attempts.jsonl"
    entries = lines_of(history)
    change(entries[-1])
    chained(history, entries)
    if where == 3:
        sealed_again(run)
    found = decided(run)
    assert found.exit_code == 5
    assert expected in named(found)


def test_an_earlier_attempt_taken_out_of_a_chained_history_is_named(runs: list[Path]) -> None:
    history = runs[2].parent / "attempts.jsonl"
    chained(history, lines_of(history)[1:])
    assert "attempts.json: earlier" in named(decided(runs[2]))


def test_a_broken_chain_before_the_run_is_named_and_one_after_it_is_not(runs: list[Path]) -> None:
    history = runs[0].parent / "attempts.jsonl"
    lines = history.read_bytes().splitlines(keepends=True)
    history.write_bytes(b"".join([lines[0], lines[1].replace(b'"seed":7', b'"seed":9'), lines[2]]))
    assert decided(runs[0]).exit_code == 0, "what came later was not known then"
    found = decided(runs[2])
    assert found.exit_code == 5
    assert "attempts.json: note: says null, the history of the gate the history is damaged from line 2 on" in named(found)


def test_a_torn_line_that_the_run_told_of_is_no_difference(runs: list[Path]) -> None:
    config, history = runs[0].parents[2] / "configs" / "sums.yaml", runs[0].parent / "attempts.jsonl"
    history.write_bytes(history.read_bytes()[:-100])
    config.write_text(config.read_text().replace("seed: 8", "seed: 9"))
    run = evalgate.run(config).folder
    assert "damaged from line 3 on" in json.loads((run / "attempts.json").read_text())["note"]
    found = decided(run)
    assert (found.exit_code, unheld(found)) == (0, ""), named(found)


def test_a_sealed_history_that_does_not_hold_the_run_is_named(runs: list[Path]) -> None:
    alone = runs[3]
    shutil.copy(runs[0].parent / "attempts.jsonl", alone / "attempts.jsonl")
    chained(alone / "attempts.jsonl", lines_of(alone / "attempts.jsonl")[:2])
    sealed_again(alone)
    assert "attempts.jsonl: does not hold this run" in named(decided(alone))


@pytest.mark.parametrize(
    ("act", "why"),
    [
        (lambda path: path.unlink(), "no history"),
        (lambda path: path.write_bytes(b""), "the history does not hold the run"),
        (lambda path: (path.unlink(), path.mkdir()), "cannot be read"),
        (lambda path: (path.unlink(), path.symlink_to("/dev/zero")), "cannot be read"),
    ],
    ids=["none", "empty", "a folder", "a link"],
)
def test_without_a_history_it_says_that_nothing_was_verified(runs: list[Path], act: Callable[[Path], object], why: str) -> None:
    act(runs[1].parent / "attempts.jsonl")
    found = decided(runs[1])
    assert found.exit_code == 0, named(found)
    assert "not verified" in unheld(found)
    assert why in unheld(found)
