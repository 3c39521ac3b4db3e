"""`evalgate check`: nothing that it is given is passed over, whatever the folder is called and wherever a prompt stands."""

from __future__ import annotations

import json
import os
import shutil
import socket
import subprocess
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from evalgate.cli.main import main
from evalgate.core.errors import BadInput
from evalgate.pipeline import check_datasets
from evalgate.pipeline.check import Checked, check_paths
from evalgate.pipeline.starter import write_starter

KEY = "AKIA" + "Q4ZT7M2WNB5XKD3P"
GATE = Path("configs", "first-gate.yaml")
FAULTY = 'gate: other\nvariants: 1\nmetrics: [exact_match]\nthresholds: [{metric: exact_match, min: "x"}]\n'


@pytest.fixture
def project(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    root = tmp_path / ".hidden" / "shop"
    write_starter(root)
    monkeypatch.chdir(root)
    return root


def kinds(found: tuple[Checked, ...]) -> dict[str, str]:
    return {Path(one.path).as_posix(): one.kind for one in found}


def refused(*paths: str | Path) -> str:
    with pytest.raises(BadInput) as caught:
        check_paths([Path(path) for path in paths])
    return str(caught.value)


@pytest.mark.parametrize("argument", ["configs", "../shop/configs", "configs/prompts/../../configs", "absolute"])
def test_gates_are_checked_whatever_the_path_to_them_is_called(argument: str, project: Path) -> None:
    path = project / "configs" if argument == "absolute" else Path(argument)
    assert [one.kind for one in check_paths([path])].count("configuration") == 1
    text = GATE.read_text(encoding="utf-8")
    GATE.write_text(text.replace("confidence: 0.95", "confidence: 3"), encoding="utf-8")
    assert "confidence" in refused(path)


def test_a_hidden_file_that_is_named_is_checked(project: Path) -> None:
    hidden = Path("configs", ".draft.yaml")
    shutil.copy(GATE, hidden)
    assert kinds(check_paths([hidden])) == {"configs/.draft.yaml": "configuration"}
    assert "configs/.draft.yaml" not in kinds(check_paths([Path("configs")]))


def test_without_arguments_gates_prompts_and_datasets_are_checked(project: Path, capsys: Any) -> None:
    assert main(["check"]) == 0
    said = capsys.readouterr().out
    for kind in ("configuration", "prompt", "dataset", "recording"):
        assert f"ok  {kind}" in said
    cases = Path("datasets", "reviews", "1.0.0", "cases.jsonl")
    other = shutil.copytree(cases.parent, Path("datasets", "other", "1.0.0"))
    (other / "cases.jsonl").write_text("{}\n", encoding="utf-8")
    assert main(["check"]) == 2
    assert "datasets/other/1.0.0" in capsys.readouterr().err


def test_without_arguments_a_project_may_have_only_datasets(project: Path, capsys: Any) -> None:
    shutil.rmtree("configs")
    assert main(["check"]) == 0
    shutil.rmtree("datasets")
    assert main(["check"]) == 2
    assert "configs: does not exist" in capsys.readouterr().err


ELSEWHERE: dict[str, tuple[str, str, str]] = {
    "text": ("../other/sys.txt", "other/sys.txt", f"{KEY}\n{{{{review}}}}\n"),
    "chat": ("../other/sys.json", "other/sys.json", json.dumps([{"role": "user", "content": f"{KEY} {{{{review}}}}"}])),
    "promptfoo": (
        "promptfoo://../other/promptfooconfig.yaml#a",
        "other/promptfooconfig.yaml",
        f'prompts:\n  - {{label: a, raw: "{KEY} {{{{review}}}}"}}\n',
    ),
}


@pytest.mark.parametrize("kind", ELSEWHERE)
@pytest.mark.parametrize("argument", ["configs", "configs/first-gate.yaml"])
def test_prompts_of_a_gate_are_linted_wherever_they_stand(kind: str, argument: str, project: Path) -> None:
    reference, path, text = ELSEWHERE[kind]
    (project / path).parent.mkdir()
    (project / path).write_text(text.replace(KEY, "Say it."), encoding="utf-8")
    gate = GATE.read_text(encoding="utf-8").replace("sentiment@2", f'"{reference}"')
    GATE.write_text(gate, encoding="utf-8")
    assert check_paths([Path(argument)])
    (project / path).write_text(text, encoding="utf-8")
    said = refused(argument)
    assert "EP305" in said
    assert KEY not in said


def test_a_fault_of_a_prompt_is_told_once_though_a_gate_uses_it(project: Path) -> None:
    path = Path("configs", "prompts", "sentiment", "2.prompt.yml")
    path.write_text(path.read_text(encoding="utf-8") + f"# {KEY}\n", encoding="utf-8")
    assert refused("configs").count("EP305") == 1
    assert refused("configs/first-gate.yaml").count("EP305") == 1


def _link(path: Path, target: Path) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.symlink_to(target)


def _socket(path: Path) -> None:
    with socket.socket(socket.AF_UNIX) as one:
        one.bind(path.name)


ODD: dict[str, tuple[str, Callable[[Path], None], str]] = {
    "a broken link": ("configs/b.yaml", lambda path: _link(path, Path("gone.yaml")), "leads nowhere"),
    "a loop": ("configs/b.yaml", lambda path: _link(path, Path("b.yaml")), "leads nowhere"),
    "a broken prompt": ("configs/prompts/p/1.prompt.yml", lambda path: _link(path, Path("gone")), "leads nowhere"),
    "a folder outside": ("configs/prompts/lnk", lambda path: _link(path, Path(__file__).parent), "outside"),
    "a dataset outside": ("datasets/reviews/2.0.0", lambda path: _link(path, Path(__file__).parent), "outside"),
    "a pipe": ("configs/b.yaml", os.mkfifo, "neither a file nor a folder"),
}


@pytest.mark.parametrize("odd", ODD)
def test_what_cannot_be_looked_at_is_named(odd: str, project: Path) -> None:
    name, make, said = ODD[odd]
    make(Path(name))
    for argument in ("configs", "."):
        if name.startswith(argument) or argument == ".":
            told = refused(argument)
            assert name in told
            assert said in told
    if odd not in ("a folder outside", "a dataset outside"):  # a linked folder that is named is looked at
        assert name in refused(name)


def test_a_socket_is_named(project: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir("configs")
    _socket(Path("b.yaml"))
    assert "b.yaml: is neither a file nor a folder" in refused(".")


def test_a_link_to_a_folder_that_is_looked_at_anyway_is_no_fault(project: Path) -> None:
    before = kinds(check_paths([Path("datasets")]))
    Path("datasets", "reviews", "latest").symlink_to("1.0.0")
    Path("datasets", "reviews", "round").symlink_to("..")
    assert kinds(check_paths([Path("datasets")])) == before
    Path("datasets", "reviews", "latest").unlink()
    Path("datasets", ".old").mkdir()
    Path("datasets", "reviews", "latest").symlink_to("../.old")
    assert "not followed" in refused("datasets")


NO_GATES = {
    "docker-compose.yml": "services:\n  web: &web\n    image: nginx\n  other: *web\nvolumes: {}\n",
    "mkdocs.yml": "site_name: x\nnav: []\n",
    "deploy/values.yaml": "replicas: 2\n",
    "k8s.yaml": "kind: A\n---\nkind: B\n",
    "configs/promptfooconfig.yaml": "prompts: [a.txt]\nproviders: [openai:x]\ntests: []\n",
    "list.yaml": "- a\n",
}


@pytest.mark.parametrize("name", NO_GATES)
def test_yaml_of_other_programs_is_no_gate(name: str, project: Path) -> None:
    Path(name).parent.mkdir(exist_ok=True)
    Path(name).write_text(NO_GATES[name], encoding="utf-8")
    assert name not in kinds(check_paths([Path()]))
    assert name in refused(name)


@pytest.mark.parametrize("name", ["elsewhere/gate.yaml", "gate.yml", "configs/team/gate.yaml"])
@pytest.mark.parametrize("key", ["gate", "variants", "thresholds", "all of them"])
def test_a_gate_with_a_misspelt_key_is_not_passed_over(name: str, key: str, project: Path) -> None:
    text = GATE.read_text(encoding="utf-8")
    for one in ("gate", "variants", "thresholds") if key == "all of them" else (key,):
        text = text.replace(f"{one}:", f"x{one[::-1]}:", 1)
    Path(name).parent.mkdir(exist_ok=True)
    Path(name).write_text(text, encoding="utf-8")
    assert Path(name).as_posix() in refused(".")


@pytest.mark.parametrize("text", ["anything: 1\n", "- a\n", "a: [\n", "services: {}\n"])
def test_whatever_lies_directly_in_configs_is_a_gate(text: str, project: Path) -> None:
    Path("configs", "odd.yaml").write_text(text, encoding="utf-8")
    assert "configs/odd.yaml" in refused("configs")


@pytest.mark.parametrize(
    "name",
    ["configs/prompts/sentiment/versions.yml", "datasets/reviews/2.0.0/dataset.yml", "configs/prompts/sentiment/1.tests.yml"],
)
@pytest.mark.parametrize("argument", [".", "parent"])
def test_files_under_another_name_than_theirs_are_not_passed_over(name: str, argument: str, project: Path) -> None:
    Path(name).parent.mkdir(exist_ok=True)
    Path(name).write_text("name: x\n", encoding="utf-8")
    assert Path(name).name in refused(Path(name).parent if argument == "parent" else argument)


def test_folders_may_be_nested_deeper_than_calls(project: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for _ in range(1_100):
        Path("d").mkdir()
        monkeypatch.chdir("d")
    Path("gate.yaml").write_text("gate: 1\n", encoding="utf-8")
    monkeypatch.chdir(project)
    try:
        assert "gate.yaml" in refused("d")
    finally:  # rmtree calls itself for every folder
        subprocess.run(["rm", "-rf", "d"], check=True)


@pytest.mark.parametrize("name", ["README.md", "CHANGELOG.md", "changelog.md", "readme.md"])
def test_notes_beside_prompts_are_no_prompts(name: str, project: Path) -> None:
    path = Path("configs", "prompts", "sentiment", name)
    path.write_text(f"Notes, with {KEY} and {{{{nothing}}}}.\n", encoding="utf-8")
    assert path.as_posix() not in kinds(check_paths([Path("configs")]))


def with_references(project: Path, *references: Any) -> None:
    folder = Path("datasets", "reviews", "1.0.0")
    cases = folder / "cases.jsonl"
    rows = [json.loads(line) for line in cases.read_text(encoding="utf-8").splitlines()]
    for row, reference in zip(rows, references, strict=False):
        row["expected"] = reference
    for row in rows[len(references) :]:
        row["expected"] = "yes, it is so"
    cases.write_text("".join(json.dumps(row) + "\n" for row in rows), encoding="utf-8")
    card = (folder / "dataset.yaml").read_text(encoding="utf-8")
    (folder / "dataset.yaml").write_text(card.replace("reference: label", "reference: expected"), encoding="utf-8")


@pytest.mark.parametrize(
    ("metric", "reference", "refusal"),
    [
        ("token_f1", [], "has no reference"), ("contains", ["", ""], "a reference is empty"),
        ("contains", "", "a reference is empty"), ("contains", ["good", ""], "a reference is empty"),
        ("contains: {normalize: squad}", "the", "a reference is empty after"), ("token_f1", {"a": 1}, "not a text"),
        ("token_f1", [], "has no reference"), ("token_f1", "", None), ("exact_match", "", None), ("contains", "good", None),
    ],
)  # fmt: skip
def test_references_that_a_metric_cannot_use_are_refused(metric: str, reference: Any, refusal: str | None, project: Path) -> None:
    with_references(project, "one answer", reference)
    text = GATE.read_text(encoding="utf-8").replace("- accuracy: {labels: [positive, negative]}", f"- {metric}")
    name = metric.partition(":")[0]
    GATE.write_text(
        text.replace("metric: accuracy, min_improvement: 0.10", f"metric: {name}, max_regression: 0.1"), encoding="utf-8"
    )
    if refusal is None:
        assert check_paths([GATE])
    else:
        said = refused(GATE)
        assert refusal in said
        assert "cases.jsonl:2" in said


def test_references_without_content_are_warned_of(project: Path) -> None:
    with_references(project, [], ["", " "], "", {"a": ""}, 0, False, ["x", ""])
    (card,) = check_paths([Path("datasets", "reviews", "1.0.0")])
    (line,) = [line for line in card.health if "empty-reference" in line]
    assert line.startswith("warning empty-reference: 4 cases have references without content")


def test_each_dataset_is_read_once_however_many_gates_use_it(project: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    text = GATE.read_text(encoding="utf-8")
    for number in range(3):
        Path("configs", f"more-{number}.yaml").write_text(
            text.replace("gate: first-gate", f"gate: more-{number}"), encoding="utf-8"
        )
    read: list[str] = []
    prove = check_datasets.prove_dataset
    monkeypatch.setattr(check_datasets, "prove_dataset", lambda card, **more: read.append(card.name) or prove(card, **more))
    found = check_paths([Path("configs"), Path("datasets")])
    assert read == ["reviews"]
    assert [one.kind for one in found].count("configuration") == 4


def test_a_faulty_dataset_is_told_once_and_stops_every_gate(project: Path) -> None:
    text = GATE.read_text(encoding="utf-8")
    Path("configs", "more.yaml").write_text(text.replace("gate: first-gate", "gate: more"), encoding="utf-8")
    cases = Path("datasets", "reviews", "1.0.0", "cases.jsonl")
    cases.write_text(cases.read_text(encoding="utf-8") + "{\n", encoding="utf-8")
    assert refused("configs", "datasets").count("cases.jsonl") == 1
