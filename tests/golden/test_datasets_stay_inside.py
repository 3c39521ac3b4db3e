"""A link cannot make a dataset of the project out of files beyond it, whichever command reads or writes."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable
from pathlib import Path

import pytest

from evalgate.cli.main import main
from evalgate.pipeline.starter import write_starter

FOLDER = Path("datasets", "reviews", "1.0.0")


def _folder(outside: Path) -> None:
    shutil.move(FOLDER, outside / "1.0.0")
    FOLDER.symlink_to(outside / "1.0.0")


def _name(outside: Path) -> None:
    shutil.move(FOLDER.parent, outside / "reviews")
    FOLDER.parent.symlink_to(outside / "reviews")


def _all(outside: Path) -> None:
    shutil.move("datasets", outside / "datasets")
    Path("datasets").symlink_to(outside / "datasets")


def _card(outside: Path) -> None:
    shutil.move(FOLDER / "dataset.yaml", outside / "dataset.yaml")
    (FOLDER / "dataset.yaml").symlink_to(outside / "dataset.yaml")


def _data(outside: Path) -> None:
    shutil.move(FOLDER / "cases.jsonl", outside / "cases.jsonl")
    (FOLDER / "cases.jsonl").symlink_to(outside / "cases.jsonl")


COMMANDS = (
    ["dataset", "lock", "reviews@1.0.0"],
    ["dataset", "lock", str(FOLDER)],
    ["dataset", "verify", "reviews@1.0.0"],
    ["dataset", "verify", str(FOLDER / "dataset.yaml")],
    ["dataset", "verify"],
    ["dataset", "show", "reviews@1.0.0"],
    ["dataset", "diff", "reviews@1.0.0", "reviews@1.0.0"],
    ["dataset", "add", "reviews@1.0.0", "--from", "log.jsonl"],
    ["check", str(FOLDER)],
    ["check", str(FOLDER / "dataset.yaml")],
    ["check", "datasets"],
    ["check", "configs/first-gate.yaml"],
    ["prompt", "render", "sentiment@2", "--case", "reviews@1.0.0:r01"],
    ["run", "configs/first-gate.yaml", "--out", "out"],
)


@pytest.mark.parametrize("way", [_folder, _name, _all, _card, _data])
def test_links_out_of_the_project_are_refused_by_every_command(
    way: Callable[[Path], None], tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    project, outside = tmp_path / "shop", tmp_path / "outside"
    write_starter(project)
    outside.mkdir()
    monkeypatch.chdir(project)
    Path("log.jsonl").write_text(json.dumps({"review": "A fine lamp, it works."}) + "\n", encoding="utf-8")
    way(outside)
    before = {path: path.read_bytes() for path in outside.rglob("*") if path.is_file()}
    for command in COMMANDS:
        # `datasets` that is itself the link is a folder that was named: what is in it is refused.
        capsys.readouterr()
        assert main(command) == 2, command
        said = capsys.readouterr().err
        assert "link" in said or "outside" in said, (command, said)
    assert {path: path.read_bytes() for path in outside.rglob("*") if path.is_file()} == before


def test_links_inside_the_project_and_projects_behind_links_are_fine(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    write_starter(tmp_path / "real")
    (tmp_path / "shop").symlink_to("real")
    monkeypatch.chdir(tmp_path / "shop")
    Path("datasets", "reviews", "latest").symlink_to("1.0.0")
    for command in (["dataset", "lock", "reviews@latest"], ["dataset", "verify", "reviews@1.0.0"], ["check"], ["check", str(tmp_path / "shop" / "datasets")]):  # fmt: skip
        assert main([*command, "--quiet"]) == 0


def test_a_dataset_that_is_named_outside_is_what_was_asked_for(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    write_starter(tmp_path / "one")
    (tmp_path / "two").mkdir()
    monkeypatch.chdir(tmp_path / "two")
    assert main(["dataset", "lock", "../one/datasets/reviews/1.0.0", "--quiet"]) == 0


def test_what_was_staged_behind_a_link_is_not_read(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    write_starter(tmp_path / "shop")
    monkeypatch.chdir(tmp_path / "shop")
    (tmp_path / "away").mkdir()
    (tmp_path / "away" / "cases.jsonl").write_text('{"id": "a", "review": "A fine lamp, it works."}\n', encoding="utf-8")
    Path("datasets", "reviews", "1.1.0-staged").symlink_to(tmp_path / "away")
    Path("log.jsonl").write_text(json.dumps({"review": "A fine lamp, it works."}) + "\n", encoding="utf-8")
    assert main(["dataset", "add", "reviews@1.0.0", "--from", "log.jsonl"]) == 2
    assert "leads out" in capsys.readouterr().err
