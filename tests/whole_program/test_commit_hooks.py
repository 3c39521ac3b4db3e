"""`.pre-commit-hooks.yaml`: hooks that pre-commit accepts, with commands that exist and refuse."""

from __future__ import annotations

import json
import re
import shlex
import shutil
from pathlib import Path
from typing import Any

import pytest

from evalgate.cli.main import main
from evalgate.cli.parser import build_parser
from evalgate.config.strict_yaml import read_document

# https://pre-commit.com/#creating-new-hooks
KEYS = {
    "id": str, "name": str, "entry": str, "language": str, "files": str, "exclude": str, "types": list, "types_or": list, "exclude_types": list,
    "always_run": bool, "fail_fast": bool, "verbose": bool, "pass_filenames": bool, "require_serial": bool, "description": str,
    "language_version": str, "minimum_pre_commit_version": str, "args": list, "stages": list, "additional_dependencies": list,
}  # fmt: skip
NAMES = ("evalgate-check", "evalgate-prompt-lint", "evalgate-prompt-test", "evalgate-dataset-verify")


@pytest.fixture
def hooks(repository: Path) -> dict[str, dict[str, Any]]:
    return {hook["id"]: hook for hook in read_document(repository / ".pre-commit-hooks.yaml").value}


def test_the_manifest_is_one_that_pre_commit_reads(repository: Path, hooks: dict[str, dict[str, Any]]) -> None:
    assert tuple(hooks) == NAMES
    for hook in hooks.values():
        assert {"id", "name", "entry", "language"} <= set(hook) <= set(KEYS)
        assert all(isinstance(value, KEYS[key]) for key, value in hook.items())
        assert hook["language"] == "python"
        re.compile(hook["files"])
    page = (repository / "docs" / "prompt-tests.md").read_text(encoding="utf-8")
    assert all(f"`{name}`" in page for name in NAMES)


def test_every_hook_runs_a_command_that_exists(hooks: dict[str, dict[str, Any]]) -> None:
    for hook in hooks.values():
        program, *arguments = shlex.split(hook["entry"])
        assert program == "evalgate"
        assert hook["pass_filenames"] is False
        assert build_parser().parse_args([*arguments, *hook.get("args", [])]).handler


@pytest.mark.parametrize(
    ("name", "changed"),
    [
        ("evalgate-check", "configs/help-bot.yaml"), ("evalgate-check", "datasets/help-bot/1.0.0/cases.jsonl"), ("evalgate-prompt-lint", "configs/prompts/extract/1.prompt.yml"),
        ("evalgate-prompt-test", "configs/prompts/extract/__snapshots__/1.snap.md"), ("evalgate-dataset-verify", "datasets/help-bot/1.0.0/cases.jsonl"),
    ],
)  # fmt: skip
def test_hooks_run_when_what_they_look_at_changes(hooks: dict[str, dict[str, Any]], name: str, changed: str) -> None:
    assert re.search(hooks[name]["files"], changed)
    assert not re.search(hooks[name]["files"], "src/main.py")
    assert not re.search(hooks[name]["files"], f"docs/{changed}")


@pytest.fixture
def project(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    main(["init", str(tmp_path)])
    monkeypatch.chdir(tmp_path)
    main(["dataset", "lock", "reviews@1.0.0"])
    return tmp_path


def run(hook: dict[str, Any]) -> int:
    return main([*shlex.split(hook["entry"])[1:], *hook.get("args", [])])


def test_a_new_project_passes_its_hooks(project: Path, hooks: dict[str, dict[str, Any]]) -> None:
    assert [run(hook) for hook in hooks.values()] == [0] * len(NAMES)


SPOILED = [
    ("evalgate-check", "configs/first-gate.yaml", "metrics:", "metrik:"),
    ("evalgate-prompt-lint", "configs/prompts/sentiment/2.prompt.yml", "{{review}}", "{{revew}}"),
    ("evalgate-prompt-test", "configs/prompts/sentiment/2.prompt.yml", "{{review}}", "none"),
    ("evalgate-dataset-verify", "datasets/reviews/1.0.0/cases.jsonl", "kind", "nice"),
]


@pytest.mark.parametrize(("name", "path", "old", "new"), SPOILED)
def test_hooks_refuse(project: Path, hooks: dict[str, dict[str, Any]], name: str, path: str, old: str, new: str) -> None:
    text = (project / path).read_text(encoding="utf-8")
    assert old in text
    (project / path).write_text(text.replace(old, new), encoding="utf-8")
    assert run(hooks[name]) == 2


def test_verify_proves_every_dataset(project: Path, capsys: pytest.CaptureFixture[str]) -> None:
    second = project / "datasets" / "reviews" / "1.0.1"
    shutil.copytree(project / "datasets" / "reviews" / "1.0.0", second)
    capsys.readouterr()
    assert main(["dataset", "verify"]) == 0
    assert capsys.readouterr().out.count("verify: reviews@1.0.0") == 2
    for folder in (second, second.with_name("1.0.0")):
        cases = folder / "cases.jsonl"
        cases.write_text(
            cases.read_text(encoding="utf-8") + json.dumps({"id": "more", "review": "x", "label": "positive"}) + "\n",
            encoding="utf-8",
        )
    assert main(["dataset", "verify"]) == 2
    told = capsys.readouterr().err
    assert "reviews/1.0.0" in told
    assert "reviews/1.0.1" in told
    shutil.rmtree(project / "datasets" / "reviews")
    assert main(["dataset", "verify"]) == 2
    assert "no dataset to verify" in capsys.readouterr().err
