"""`action.yml` and `templates/gate.yml`: their scripts, run as the runners of GitHub and GitLab run them."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import ci_readers
import pytest
import yaml

ROOT = Path(__file__).resolve().parents[2]
STUB = """#!/bin/bash
# Stands in for evalgate: tells how it was called, and ends as the test says.
printf '%s\\n' "$0 $*" >> "$STUB_LOG"
printf '%s\\0' "$@" >> "$STUB_LOG.words"
case "$1" in
  run) exit "$STUB_CODE" ;;
esac
format=; part=; out=
while [ $# -gt 0 ]; do
  case "$1" in --format) format=$2 ;; --part) part=$2 ;; --out) out=$2 ;; esac
  shift
done
[ "$format" = "${STUB_BROKEN-}" ] && exit 3
case "$format/$part" in
  github/outputs) printf 'verdict=fake\\nexit_code=%s\\n' "$STUB_CODE" ;;
  github/) echo '::notice::fake' ;;
  markdown/) [ -n "$out" ] || echo '## fake' ;;
esac
if [ -n "$out" ]; then
  case "$out" in */) mkdir -p "$out"; echo x > "$out$format" ;; *) mkdir -p "$(dirname "$out")"; echo x > "$out" ;; esac
fi
exit 0
"""


@dataclass
class Step:
    """What a step left behind."""

    code: int
    log: str
    outputs: dict[str, str]
    summary: str
    calls: list[str]
    place: Path


def action() -> dict[str, Any]:
    return yaml.safe_load((ROOT / "action.yml").read_text("utf-8"))


def component(**inputs: str) -> dict[str, Any]:
    """The job of the component, with inputs put in as GitLab does: as texts of the parsed document."""
    header, body = yaml.safe_load_all((ROOT / "templates" / "gate.yml").read_text("utf-8").replace("$[[", "«").replace("]]", "»"))
    values = {name: one.get("default") for name, one in header["spec"]["inputs"].items()} | inputs

    def filled(node: Any) -> Any:
        if isinstance(node, dict):
            return {filled(key): filled(value) for key, value in node.items()}
        if isinstance(node, list):
            return [filled(one) for one in node]
        if isinstance(node, str) and (whole := re.fullmatch(r"« inputs\.([a-z-]+) »", node)):
            return values[whole[1]]
        return re.sub(r"« inputs\.([a-z-]+) »", lambda m: str(values[m[1]]), node) if isinstance(node, str) else node

    (job,) = filled(body).values()
    return job


@pytest.fixture
def shim(tmp_path: Path):
    """Run a script with a stand-in for evalgate and pip first on the path."""

    def run(script: str, shell: list[str], environment: dict[str, str], *, code: int = 0, **stub: str) -> Step:
        programs = tmp_path / "programs"
        programs.mkdir(exist_ok=True)
        if code >= 0:
            (programs / "evalgate").write_text(STUB, encoding="utf-8")
        else:
            (programs / "evalgate").symlink_to(Path(sys.executable).parent / "evalgate")
        (programs / "python3").write_text(
            '#!/bin/bash\nprintf "%s\\n" "python3 $*" >> "$STUB_LOG"\nexit "${STUB_PIP:-0}"\n', encoding="utf-8"
        )
        for program in programs.iterdir():
            if not program.is_symlink():
                program.chmod(0o755)
        place = tmp_path / "work place"
        place.mkdir(exist_ok=True)
        files = {name: tmp_path / name for name in ("output", "summary", "log")}
        for file in files.values():
            file.write_text("", encoding="utf-8")
        told = {
            "PATH": f"{programs}{os.pathsep}{os.environ['PATH']}", "HOME": str(tmp_path), "OMP_NUM_THREADS": "1", "STUB_LOG": str(files["log"]),
            "STUB_CODE": str(code), "GITHUB_OUTPUT": str(files["output"]), "GITHUB_STEP_SUMMARY": str(files["summary"]),
        } | environment | {name.upper(): value for name, value in stub.items()}  # fmt: skip
        done = subprocess.run([*shell, script], env=told, cwd=place, capture_output=True, text=True, check=False, timeout=120)
        outputs = ci_readers.outputs(files["output"].read_text("utf-8"))
        calls = files["log"].read_text("utf-8").splitlines()
        assert len(dict(outputs)) == len(outputs) or outputs[-2:] == [("verdict", "none"), ("exit_code", "3")]
        return Step(done.returncode, done.stdout + done.stderr, dict(outputs), files["summary"].read_text("utf-8"), calls, place)

    return run


@pytest.fixture
def github(shim):
    """The action's step: `github(code=1, config="…")`."""

    def run(*, code: int = 0, stub: dict[str, str] | None = None, **inputs: str) -> Step:
        document = action()
        (step,) = document["runs"]["steps"]
        values = {name: one.get("default", "") for name, one in document["inputs"].items()} | {"config": "gate.yaml"} | inputs
        environment = {}
        for name, value in step["env"].items():
            whole = re.fullmatch(r"\$\{\{ (inputs|github)\.([a-z_]+) \}\}", value)
            assert whole is not None
            environment[name] = str(ROOT) if whole[1] == "github" else values[whole[2]]
        # https://docs.github.com/en/actions/reference/workflows-and-actions/workflow-syntax: `shell: bash`
        return shim(
            step["run"], ["bash", "--noprofile", "--norc", "-eo", "pipefail", "-c"], environment, code=code, **(stub or {})
        )

    return run


@pytest.fixture
def gitlab(shim):
    """The component's script, in a shell that stops at the first error as GitLab's does."""

    def run(*, code: int = 0, stub: dict[str, str] | None = None, **inputs: str) -> Step:
        job = component(**({"config": "gate.yaml"} | {name.replace("_", "-"): value for name, value in inputs.items()}))
        (script,) = job["script"]
        environment = {name: str(value) for name, value in job["variables"].items()}
        return shim(script, ["sh", "-e", "-c"], environment, code=code, **(stub or {}))

    return run


@pytest.mark.parametrize("code", [0, 1, 2, 3, 4, 5, 70, 130, 143])
def test_the_step_ends_with_the_code_of_evalgate(github, gitlab, code: int) -> None:
    step = github(code=code)
    assert step.code == code
    assert step.outputs["exit_code"] == str(code)
    assert step.outputs["verdict"] == ("fake" if code in (0, 1, 4) else "none")
    assert gitlab(code=code).code == code


@pytest.mark.parametrize("code", [2, 3, 70, 143])
def test_without_a_verdict_nothing_is_reported_but_that(github, gitlab, code: int) -> None:
    step = github(code=code)
    assert "::" not in step.log and f"no verdict (exit code {code})" in step.summary
    assert not any(" report " in call for call in step.calls)
    assert not any(" report " in call for call in gitlab(code=code).calls)


@pytest.mark.parametrize("broken", ["github", "markdown", "html", "sarif"])
def test_a_pass_without_its_reports_is_no_pass(github, broken: str) -> None:
    step = github(code=0, stub={"stub_broken": broken})
    assert step.code == 3 and step.outputs["verdict"] == "none" and step.outputs["exit_code"] == "3"
    assert github(code=1, stub={"stub_broken": broken}).code == 1


@pytest.mark.parametrize("broken", ["html", "junit", "gitlab", "markdown"])
def test_the_same_on_gitlab(gitlab, broken: str) -> None:
    assert gitlab(code=0, stub={"stub_broken": broken}).code == 3
    assert gitlab(code=4, stub={"stub_broken": broken}).code == 4


def test_an_installation_that_fails_is_no_pass(github, gitlab) -> None:
    step = github(code=0, stub={"stub_pip": "1"})
    assert step.code == 3 and step.outputs == {"verdict": "none", "exit_code": "3"}
    assert gitlab(code=0, stub={"stub_pip": "1"}).code == 3
    assert not any(" run " in call for call in step.calls)


def test_what_is_installed(github, gitlab) -> None:
    assert github().calls[0].endswith(f"-- {ROOT}")
    assert github(extras="prompts,sign").calls[0].endswith(f"-- {ROOT}[prompts,sign]")
    assert not any(call.startswith("python3") for call in github(install="false").calls)
    assert gitlab().calls[0].endswith("-- evalgate-engine")
    assert not any(call.startswith("python3") for call in gitlab(package="").calls)


def test_flags_decide_what_is_told(github) -> None:
    step = github(code=1)
    assert step.summary == "## fake\n" and "::notice::fake" in step.log
    assert sorted(path.name for path in (step.place / "evalgate-out").iterdir()) == ["html", "junit", "sarif"]
    step = github(code=1, annotations="false", summary="false", comment="true", reports="csv  json")
    assert step.summary == "" and "::" not in step.log
    assert (step.place / "evalgate-out" / "comment.md").is_file()
    assert [call.split()[3] for call in step.calls if "--out evalgate-out/ " in call] == ["csv", "json"]
    assert github(reports="").code == 0


@pytest.mark.parametrize("flag", ["annotations", "summary", "comment", "install"])
@pytest.mark.parametrize("value", ["", "yes", "True", "true; exit 0", "1"])
def test_a_flag_that_is_neither_true_nor_false_is_refused(github, flag: str, value: str) -> None:
    step = github(code=0, **{flag: value})
    assert step.code == 2 and step.outputs["verdict"] == "none" and step.calls == []


HOSTILE = [
    '"; touch owned; "',
    "$(touch owned)",
    "`touch owned`",
    "a\ntouch owned",
    "* ?",
    "--mode=mock",
    "-h",
    "a b",
    "${IFS}",
    "x\nverdict=pass",
]


@pytest.mark.parametrize("text", HOSTILE)
def test_inputs_are_words_and_never_run(github, gitlab, text: str, tmp_path: Path) -> None:
    for run in (github, gitlab):
        (tmp_path / "log.words").unlink(missing_ok=True)
        step = run(code=1, config=text, mode=text)
        assert step.code == 1
        words = (tmp_path / "log.words").read_text("utf-8").split("\0")
        assert words[:7] == ["run", "--out", "evalgate-out/run", "--mode", text, "--", text]
        assert not list(step.place.rglob("owned"))
    step = github(code=1, out=text, reports=text, extras=text)
    assert step.code == 1 and not list(tmp_path.rglob("owned")) and step.outputs["verdict"] == "fake"


@pytest.mark.parametrize("file", ["junit.xml", "report.html"])
@pytest.mark.parametrize("code", [2, 3, 0])
def test_reports_of_an_earlier_run_are_not_uploaded(github, gitlab, tmp_path: Path, code: int, file: str) -> None:
    old = tmp_path / "work place" / "evalgate-out" / file
    for run in (github, gitlab):
        old.parent.mkdir(parents=True, exist_ok=True)
        old.write_text("old", encoding="utf-8")
        assert run(code=code).code == code
        assert not old.exists()


def test_scripts_hold_no_expression() -> None:
    (step,) = action()["runs"]["steps"]
    assert "${{" not in step["run"] and "eval " not in step["run"]
    assert "inputs." not in "".join(component(config="x")["script"])
    for output in action()["outputs"].values():
        assert re.fullmatch(r"\$\{\{ steps\.gate\.outputs\.[a-z_]+ \}\}", output["value"])


def test_the_action_and_the_real_program(github) -> None:
    step = github(code=-1, config=str(ROOT / "configs" / "help-bot.yaml"), comment="true", reports="junit")
    assert step.code == 1, step.log
    assert step.outputs.keys() >= action()["outputs"].keys() and step.outputs["verdict"] == "fail"
    assert step.summary.startswith("## ❌ FAIL") and len(ci_readers.commands(step.log)) >= 2
    assert {one.name for one in ci_readers.commands(step.log)} <= {"error", "warning"}
    found = sorted(path.name for path in (step.place / "evalgate-out").iterdir())
    assert found == ["comment.md", "junit.xml", "run"]


@pytest.mark.slow
def test_the_component_and_the_real_program(gitlab) -> None:
    job = component(config=str(ROOT / "configs" / "help-bot.yaml"))
    step = gitlab(code=-1, config=str(ROOT / "configs" / "help-bot.yaml"))
    assert step.code == 1 and not ci_readers.commands(step.log)
    for file in job["artifacts"]["reports"].values():
        assert (step.place / file).is_file()
    assert ci_readers.dotenv((step.place / "evalgate-out" / "gate.env").read_text("utf-8"))["EVALGATE_VERDICT"] == "fail"


def test_the_component_softens_nothing_unless_it_is_asked() -> None:
    header = yaml.safe_load((ROOT / "templates" / "gate.yml").read_text("utf-8").split("\n---\n")[0])
    allowed = header["spec"]["inputs"]["allowed-exit-code"]
    assert (allowed["default"], allowed["options"]) == (0, [0, 4])
    assert component(config="x")["allow_failure"] == {"exit_codes": 0}
    assert component(config="x")["artifacts"]["when"] == "always"


def test_the_page_names_every_input() -> None:
    page = (ROOT / "docs" / "ci.md").read_text("utf-8")
    header = yaml.safe_load((ROOT / "templates" / "gate.yml").read_text("utf-8").split("\n---\n")[0])
    for name in (*action()["inputs"], *action()["outputs"], *header["spec"]["inputs"]):
        assert f"`{name}`" in page, name


def _workflows() -> list[str]:
    """The examples of the page that are whole files."""
    page = (ROOT / "docs" / "ci.md").read_text("utf-8")
    found = [text for text in re.findall(r"```yaml\n(.*?)```", page, re.DOTALL) if text.startswith(("name:", "# .gitlab-ci.yml"))]
    assert len(found) == 5
    return found


@pytest.mark.parametrize("tool", ["check-jsonschema", "zizmor"])
def test_schemas_and_linters_find_nothing(tool: str, tmp_path: Path) -> None:
    program = shutil.which(tool, path=f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}")
    if program is None:
        pytest.skip(f"{tool} is not installed")
    flows = tmp_path / ".github" / "workflows"
    flows.mkdir(parents=True)
    shutil.copy(ROOT / "action.yml", tmp_path)
    gitlab = [tmp_path / "component.yml"]
    gitlab[0].write_text(yaml.safe_dump({"gate": component(config="configs/gate.yaml")}), encoding="utf-8")
    for number, text in enumerate(_workflows()):
        file = (flows if text.startswith("name:") else tmp_path) / f"{number}.yml"
        file.write_text(text, encoding="utf-8")
        gitlab += [file] if file.parent == tmp_path else []
    if tool == "zizmor":
        commands = [["--offline", "--no-progress", "--quiet", str(tmp_path)]]
    else:
        kinds = {
            "vendor.github-actions": [tmp_path / "action.yml"],
            "vendor.github-workflows": list(flows.iterdir()),
            "vendor.gitlab-ci": gitlab,
        }
        assert all(kinds.values())
        commands = [["--builtin-schema", kind, *map(str, files)] for kind, files in kinds.items()]
    for command in commands:
        done = subprocess.run([program, *command], capture_output=True, text=True, check=False, timeout=60)
        assert done.returncode == 0, done.stdout + done.stderr
