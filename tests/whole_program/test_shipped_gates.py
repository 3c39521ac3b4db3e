"""The gates of this repository end as the README says, and their kept reports are fresh."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import pytest

import evalgate

GATES = {
    "product-recommendations": 0,
    "product-recommendations-bad-prompt": 1,
    "support-extraction": 1,
    "help-bot": 1,
    "help-bot-judged": 0,
    "short-answers": 4,
}
KEPT = ("verdict.json", "manifest.json", "summary.md", "junit.xml")


@pytest.mark.parametrize(("gate", "code"), GATES.items())
def test_exit_codes_and_kept_reports(repository: Path, tmp_path: Path, gate: str, code: int) -> None:
    result = evalgate.run(repository / "configs" / f"{gate}.yaml", out=tmp_path / "run")
    assert result.exit_code == code
    for name in KEPT:
        kept, fresh = (_lasting(folder, name) for folder in (repository / "reports" / "examples" / gate, tmp_path / "run"))
        assert fresh == kept, f"{name} is stale: python scripts/build_examples.py"


def _lasting(folder: Path, name: str) -> object:
    """What does not change with the versions of libraries and with evalgate's own files, which are under the root."""
    sealed = json.loads((folder / "manifest.json").read_text(encoding="utf-8"))
    if name != "manifest.json":
        return (folder / name).read_text(encoding="utf-8").replace(sealed["root"], "ROOT")
    return {key: value for key, value in sealed["materials"].items() if key != "engine"}, sealed["results"]


def test_every_configuration_is_covered(repository: Path) -> None:
    assert {path.stem for path in (repository / "configs").glob("*.yaml")} == set(GATES)


def test_the_flagship_has_the_size_it_claims(repository: Path) -> None:
    document = json.loads((repository / "reports/examples/product-recommendations/verdict.json").read_text(encoding="utf-8"))
    assert document["dataset"]["cases"] == 240
    assert {name.split("=")[0] for name in document["slices"]} == {"language", "category"}


def test_the_readme_tells_what_the_data_says(repository: Path) -> None:
    readme = (repository / "README.md").read_text(encoding="utf-8")
    document = json.loads((repository / "reports/examples/product-recommendations/verdict.json").read_text(encoding="utf-8"))
    metric = document["metrics"]["ndcg@3"]
    assert f"+{metric['delta']:.3f}" in readme
    assert f"{metric['ci'][0]:.3f} to {metric['ci'][1]:.3f}" in readme


def test_datasets_are_what_their_tables_make(repository: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    import runpy

    for script in sorted((repository / "scripts" / "build_datasets").glob("*.py")):
        module = runpy.run_path(str(script))
        kept = module["TARGET"].read_bytes()
        module["main"].__globals__["TARGET"] = tmp_path / "cases.jsonl"
        module["main"]()
        assert (tmp_path / "cases.jsonl").read_bytes() == kept, script.name


def test_recordings_hold_exactly_what_the_gates_ask(repository: Path) -> None:
    from evalgate.proxy.recording import open_recording

    sizes = {
        "product-recommendations": 720,
        "help-bot": 180,
        "support-extraction": 200,
        "short-answers": 204,
        "help-bot-judged": 566,
    }
    for name, size in sizes.items():
        assert len(open_recording(repository / "datasets" / "recordings" / name, name)) == size


def test_the_judge_decides_with_its_card_and_its_corrected_rates_hold_the_truth(repository: Path, tmp_path: Path) -> None:
    found = evalgate.run(repository / "configs" / "help-bot-judged.yaml", out=tmp_path / "run").document["safety"]["apology"]
    assert "distrust" not in found
    assert (found["baseline"], found["candidate"], found["undecided"]) == (50, 47, {"baseline": 3, "candidate": 1})
    for arm in ("baseline", "candidate"):
        low, high = found["corrected"][arm]["ci"]
        assert low <= 15 / 90 <= high, "15 answers of each variant say sorry"
        assert abs(found["corrected"][arm]["value"] - 15 / 90) < abs(found[arm] / 90 - 15 / 90)


def test_the_same_gate_with_an_edited_judge_is_inconclusive(repository: Path, tmp_path: Path) -> None:
    for part in ("configs", "datasets/help-bot", "datasets/recordings/help-bot-judged"):
        shutil.copytree(repository / part, tmp_path / part)
    config = tmp_path / "configs" / "help-bot-judged.yaml"
    config.write_text(config.read_text(encoding="utf-8").replace("apology@1", "apology@2"), encoding="utf-8")
    result = evalgate.run(config, out=tmp_path / "run")
    assert result.exit_code == 4
    assert result.document["safety"]["apology"]["distrust"] == "the judge of apology was calibrated with another prompt"
    assert result.document["safety"]["apology"]["candidate"] == 64, "what it says is shown all the same"


def test_the_card_of_the_judge_is_what_its_labels_give(repository: Path, tmp_path: Path) -> None:
    from evalgate.cli.main import main

    data, card = repository / "configs/detectors/apology-labelled.jsonl", tmp_path / "card.json"
    config = str(repository / "configs/help-bot-judged.yaml")
    arguments = ("--config", config, "--category", "apology", "--data", str(data), "--out", str(card), "--quiet")
    assert main(("detectors", "measure", *arguments)) == 0
    assert card.read_bytes() == (repository / "configs/detectors/apology.json").read_bytes()


def test_no_report_knows_where_the_checkout_stands(repository: Path, tmp_path: Path) -> None:
    evalgate.run(repository / "configs" / "help-bot.yaml", out=tmp_path / "run")
    for path in (tmp_path / "run").rglob("*"):
        if path.is_file():
            data = path.read_bytes()
            assert str(repository).encode() not in data, path.name
            assert str(tmp_path).encode() not in data, path.name
