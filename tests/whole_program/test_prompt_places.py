"""Prompts and links: nothing is passed over in silence, nothing outside the project is read or written, no release is bypassed."""

from __future__ import annotations

import os
import shutil
from pathlib import Path

import pytest

from evalgate.cli.main import main
from evalgate.core.errors import BadInput
from evalgate.pipeline.prompt_places import files_of_path, leads_out
from evalgate.pipeline.prompt_reading import read_prompt
from evalgate.pipeline.prompt_releases import require_release
from evalgate.prompts.lint.skeleton import GITHUB
from evalgate.prompts.locate import prompt_path, version_of, versions_of

FOLDER = Path("configs", "prompts", "sample")
TESTS = "cases:\n  - name: one\n    inputs: {question: Which?}\n    expect: [{contains: Which}]\n    snapshot: true\n"


@pytest.fixture
def project(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    root = tmp_path / "project"
    (root / FOLDER).mkdir(parents=True)
    (root / FOLDER / "1.prompt.yml").write_text(GITHUB, encoding="utf-8")
    (tmp_path / "outside" / "sample").mkdir(parents=True)
    (tmp_path / "outside" / "sample" / "1.prompt.yml").write_text(
        GITHUB.replace("name: sample", "name: sample  "), encoding="utf-8"
    )
    monkeypatch.chdir(root)
    return root


def test_every_oddity_is_named(project: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (project / FOLDER / "2.prompt.yml").symlink_to("nowhere")
    (project / FOLDER / "3.prompt.yml").symlink_to("3.prompt.yml")
    (project / FOLDER / "linked").symlink_to("../../../../outside")
    os.mkfifo(project / FOLDER / "4.prompt.yml")
    (project / FOLDER / ".hidden").symlink_to("nowhere")
    for command in ("lint", "test"):
        assert main(["prompt", command]) == 2
        said = capsys.readouterr()
        for name in ("2.prompt.yml", "3.prompt.yml", "linked", "4.prompt.yml"):
            assert f"{FOLDER}/{name}" in said.out + said.err, (command, name)
        assert ".hidden" not in said.out + said.err


@pytest.mark.parametrize("name", ["2.prompt.yml", "pipe"])
def test_an_oddity_that_is_named_itself_is_refused_at_once(project: Path, name: str) -> None:
    os.mkfifo(project / "pipe")
    (project / "2.prompt.yml").symlink_to("nowhere")
    assert main(["prompt", "lint", name]) == 2
    assert main(["prompt", "lint", str(FOLDER), name]) == 2
    assert main(["prompt", "test", name]) == 2


def test_a_folder_that_cannot_be_read_is_named(project: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    closed, real = project / FOLDER, Path.iterdir

    def iterdir(folder: Path) -> object:
        if folder == closed:
            raise PermissionError(13, "Permission denied")
        return real(folder)

    monkeypatch.setattr(Path, "iterdir", iterdir)
    assert [problem.where for problem in files_of_path(project).problems] == [str(closed)]
    assert main(["prompt", "lint", str(project)]) == 2


def test_a_link_to_a_folder_that_is_looked_at_anyway_is_no_fault(project: Path) -> None:
    (project / "configs" / "prompts" / "alias").symlink_to("sample")
    assert files_of_path(project / "configs").problems == ()
    assert [problem.where for problem in files_of_path(project / "configs" / "prompts" / "alias").problems] == []
    (project / "configs" / "prompts" / "other").symlink_to("../..")
    assert len(files_of_path(project / "configs").problems) == 1


def test_nothing_outside_is_read_or_repaired(project: Path) -> None:
    outside = project.parent / "outside"
    before = (outside / "sample" / "1.prompt.yml").read_bytes()
    (project / "configs" / "prompts" / "linked").symlink_to(outside / "sample")
    (project / FOLDER / "2.prompt.yml").symlink_to(outside / "sample" / "1.prompt.yml")
    for path in (
        "configs/prompts/linked",
        "configs/prompts/linked/1.prompt.yml",
        "configs/prompts",
        str(FOLDER / "2.prompt.yml"),
        "configs/../configs",
    ):
        assert main(["prompt", "lint", "--fix", path]) == 2, path
        assert main(["prompt", "test", "--update", path]) == 2, path
    assert (outside / "sample" / "1.prompt.yml").read_bytes() == before
    assert [path.name for path in outside.rglob("*")] == ["sample", "1.prompt.yml"]


def test_a_prompts_folder_without_configs_belongs_to_the_folder_one_stands_in(project: Path) -> None:
    (project / "prompts").symlink_to(project.parent / "outside")
    assert leads_out(Path("prompts/sample/1.prompt.yml"))
    assert not leads_out(project.parent / "outside" / "sample" / "1.prompt.yml")
    assert main(["prompt", "lint", "--fix", "prompts"]) == 2
    assert main(["prompt", "lint", str(project.parent / "outside")]) == 0


def test_snapshots_outside_stay(project: Path) -> None:
    (project / FOLDER / "1.test.yml").write_text(TESTS, encoding="utf-8")
    assert main(["prompt", "test", "--update"]) == 0
    snapshots = project / FOLDER / "__snapshots__"
    kept = project.parent / "outside" / "kept"
    shutil.move(snapshots, kept)
    snapshots.symlink_to(kept)
    (project / FOLDER / "1.test.yml").unlink()
    assert main(["prompt", "test", "--update"]) == 2
    assert len(list(kept.iterdir())) == 1


def test_a_list_of_releases_outside_is_refused(project: Path) -> None:
    assert main(["prompt", "release", "sample@1", "--quiet"]) == 0
    listed = project / FOLDER / "versions.yaml"
    shutil.move(listed, project.parent / "outside" / "versions.yaml")
    listed.symlink_to("../../../../outside/versions.yaml")
    before = (project.parent / "outside" / "versions.yaml").read_bytes()
    shutil.copy(project / FOLDER / "1.prompt.yml", project / FOLDER / "2.prompt.yml")
    assert main(["prompt", "release", "sample@2", "--quiet"]) == 2
    assert main(["check", "configs"]) == 2
    assert listed.is_symlink() and (project.parent / "outside" / "versions.yaml").read_bytes() == before


@pytest.mark.parametrize("alias", ["file", "folder", "chain", "elsewhere"])
def test_a_link_inside_the_project_bypasses_no_release(project: Path, alias: str) -> None:
    assert main(["prompt", "release", "sample@1", "--quiet"]) == 0
    prompts = project / "configs" / "prompts"
    if alias == "folder":
        (prompts / "alias").symlink_to("sample")
    else:
        (prompts / "alias").mkdir()
        (prompts / "alias" / "1.prompt.yml").symlink_to("../sample/1.prompt.yml")
    if alias == "chain":
        (prompts / "alias" / "7.prompt.yml").symlink_to("1.prompt.yml")
    if alias == "elsewhere":
        (project / "mine.prompt.yml").symlink_to("configs/prompts/alias/1.prompt.yml")
    reference = {"chain": "alias@7", "elsewhere": "./mine.prompt.yml"}.get(alias, "alias@1")
    path = prompt_path(reference, root=project, base=project)
    require_release(read_prompt(path, reference))
    (prompts / "sample" / "1.prompt.yml").write_text(GITHUB.replace("Name one", "Name two"), encoding="utf-8")
    with pytest.raises(BadInput, match="was edited after version 1 was released"):
        require_release(read_prompt(path, reference))
    assert main(["check", str(path.relative_to(project))]) == 2
    assert main(["prompt", "lint", "--select", "EP504", str(path.relative_to(project))]) == 2
    if alias != "elsewhere":
        assert main(["prompt", "release", reference, "--quiet"]) == 2


@pytest.mark.parametrize("name", ["README.md", "readme.md", "CHANGELOG.md", "changelog.md", "Changelog.txt"])
def test_notes_beside_the_versions_are_no_version(project: Path, name: str) -> None:
    (project / FOLDER / name).write_text("# Notes {{\n", encoding="utf-8")
    assert version_of(project / FOLDER / name) is None
    assert versions_of("sample", project) == ("1",)
    assert main(["prompt", "render", f"sample@{Path(name).stem}", "--input", "question=x"]) == 2
    assert main(["prompt", "release", f"sample@{Path(name).stem}"]) == 2
    assert main(["prompt", "lint"]) == 0
    assert main(["check", "configs"]) == 0


def test_a_prompt_that_is_called_like_notes_is_one(project: Path) -> None:
    assert version_of(Path("prompts/sample/readme.prompt.yml")) == "readme"
    assert version_of(Path("prompts/sample/read.me.md")) == "read.me"


def test_prompts_of_promptfoo_can_be_named(project: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (project / "foo.yaml").write_text(
        'prompts: ["<q>{{question}}</q>", "AKIAIOSFODNN7EXAMPLE {{question}}", file://one.txt]\n', encoding="utf-8"
    )
    (project / "one.txt").write_text("<q>{{question}}</q> \n", encoding="utf-8")
    assert main(["prompt", "lint", "promptfoo://foo.yaml#1"]) == 0
    assert main(["prompt", "lint", "promptfoo://foo.yaml#2", str(FOLDER)]) == 2
    assert "foo.yaml:1:" in capsys.readouterr().out
    assert main(["prompt", "lint", "--fix", "promptfoo://foo.yaml#3"]) == 0
    assert main(["prompt", "lint", "promptfoo://foo.yaml#4"]) == 2
