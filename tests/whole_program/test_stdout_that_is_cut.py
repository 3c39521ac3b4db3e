"""A reader of standard output who goes away: what stands keeps its exit code, what was only printed is never a 0."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import suppress
from pathlib import Path
from typing import Any

import pytest

from evalgate.cli.main import main

CUT = "evalgate: standard output was closed before all was written: what was printed is not whole\n"
FULL = "evalgate: standard output cannot be written: No space left on device\n"

PRINTED = (
    "plugins",
    "plugins --json",
    "schema",
    "schema --of policy",
    "report RUN --format json",
    "plan GATE",
    "plan GATE --json",
    "recording show sums",
    "recording show sums --json",
    "recording export sums --out -",
    "recording prune sums --config GATE",
    "dataset show sums@1.0.0",
    "dataset show sums@1.0.0 --json",
    "dataset diff sums@1.0.0 sums@1.0.0",
    "dataset diff sums@1.0.0 sums@1.0.0 --json",
    "dataset diff sums@1.0.0 sums@1.0.0 --markdown",
    "dataset add sums@1.0.0 --from RUN --cases all --dry-run",
    "prompt render sum@1 --input question=2",
    "prompt render sum@1 --input question=2 --json",
    "prompt diff sum@1 sum@2",
    "prompt diff sum@1 sum@2 --json",
    "--help",
    "run --help",
    "--version",
)
STANDS = (
    "run GATE --out NEW",
    "run GATE --out NEW --json",
    "check GATE",
    "verify RUN",
    "verify RUN --json",
    "report RUN --format json --out NEW",
    "evidence export RUN NEW.zip --without-data",
    "recording verify",
    "recording verify --json",
    "recording export sums --out NEW",
    "dataset lock sums@1.0.0",
    "dataset diff sums@1.0.0 sums@1.0.0 --check",
    "prompt lint GATE_PROMPTS",
    "prompt lint GATE_PROMPTS --format json",
    "prompt release sum@1",
    "prompt release sum@1 --json",
    "schema --out NEW",
    "init NEW",
)


@pytest.fixture
def lost(monkeypatch: pytest.MonkeyPatch) -> Iterator[Callable[[int], None]]:
    """Puts another file in the place of standard output."""
    opened = []

    def put(descriptor: int) -> None:
        opened.append(open(descriptor, "w", encoding="utf-8"))  # noqa: SIM115
        monkeypatch.setattr(sys, "stdout", opened[-1])

    yield put
    for stream in opened:
        with suppress(OSError):
            stream.close()


@pytest.fixture
def cut(lost: Callable[[int], None]) -> Callable[[], None]:
    """Makes standard output a pipe that nobody reads."""

    def make() -> None:
        read, write = os.pipe()
        os.close(read)
        lost(write)

    return make


@pytest.fixture
def ended(
    project: Callable[..., Any], monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> Callable[[str], tuple[int, str]]:
    """Runs a command in a project with a finished run; its exit code and what it said on stderr."""
    made = project()
    monkeypatch.chdir(made.root)
    main(["dataset", "lock", "sums@1.0.0"])
    words = {"GATE": str(made.config), "RUN": "done", "NEW": "new", "NEW.zip": "new.zip", "GATE_PROMPTS": "configs/prompts"}

    def end(command: str) -> tuple[int, str]:
        if "RUN" in command and not Path("done").exists():
            assert made.run("--out", "done").code == 0
        for name in ("new", "new.zip"):
            shutil.rmtree(name, ignore_errors=True)
            Path(name).unlink(missing_ok=True)
        before = sys.stdout
        try:
            code = main([words.get(word, word) for word in command.split()])
        except SystemExit as stop:
            code = int(stop.code or 0)
        if sys.stdout is not before:
            sys.stdout.close()
            monkeypatch.setattr(sys, "stdout", before)
        return code, capsys.readouterr().err

    return end


@pytest.mark.parametrize("command", PRINTED)
def test_what_is_only_printed_is_no_success_when_it_is_cut(ended: Any, cut: Callable[[], None], command: str) -> None:
    assert ended(command)[0] == 0
    cut()
    code, said = ended(command)
    assert (code, said.count(CUT)) == (3, 1), said


@pytest.mark.parametrize("command", STANDS)
def test_what_stands_keeps_its_exit_code(ended: Any, cut: Callable[[], None], command: str) -> None:
    assert ended(command)[0] == 0
    cut()
    code, said = ended(command)
    assert (code, "standard output" in said) == (0, False), said


def test_a_refusal_keeps_its_exit_code(ended: Any, cut: Callable[[], None]) -> None:
    assert ended("verify RUN")[0] == 0
    Path("done/report.html").write_text("other", encoding="utf-8")
    cut()
    assert ended("verify done")[0] == 5
    assert ended("run nothing.yaml --json")[0] == 2


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="no /dev/full here")
@pytest.mark.parametrize("command", ["schema", "check GATE", "verify RUN --json", "dataset lock sums@1.0.0", "run --help"])
def test_output_that_finds_no_space_is_never_a_success(ended: Any, lost: Callable[[int], None], command: str) -> None:
    assert ended(command)[0] == 0
    lost(os.open("/dev/full", os.O_WRONLY))
    code, said = ended(command)
    assert (code, said.count(FULL)) == (3, 1), said


def closed(descriptor: int, *arguments: str, cwd: Path) -> subprocess.CompletedProcess[str]:
    """Run evalgate with a standard stream closed, as `>&-` does."""
    script = f'exec "$0" -m evalgate "$@" {descriptor}>&-'
    command = ["/bin/sh", "-c", script, sys.executable, *arguments]
    return subprocess.run(command, capture_output=True, text=True, check=False, cwd=cwd, timeout=60)


def test_a_closed_standard_output_is_one_that_nobody_reads(project: Callable[..., Any]) -> None:
    made = project()
    ran = closed(1, "run", str(made.config), "--out", "new", "--json", cwd=made.root)
    assert (ran.returncode, "Traceback" in ran.stderr) == (0, False), ran.stderr
    assert json.loads((made.root / "new" / "verdict.json").read_text("utf-8"))["exit_code"] == 0
    ran = closed(1, "schema", cwd=made.root)
    assert (ran.returncode, ran.stderr) == (3, CUT)


@pytest.mark.parametrize("unbuffered", ["", "1"])
@pytest.mark.parametrize("command", ["schema", "run --help", "--version", "plugins"])
def test_a_whole_process_ends_so_too(tmp_path: Path, command: str, unbuffered: str) -> None:
    read, write = os.pipe()
    os.close(read)
    environment = {**os.environ, "PYTHONUNBUFFERED": unbuffered}
    run = [sys.executable, "-m", "evalgate", *command.split()]
    done = subprocess.run(
        run, stdout=write, stderr=subprocess.PIPE, cwd=tmp_path, env=environment, text=True, check=False, timeout=60
    )
    os.close(write)
    assert (done.returncode, done.stderr) == (3, CUT)


def test_a_closed_standard_error_puts_nothing_on_standard_output(project: Callable[..., Any]) -> None:
    made = project()
    ran = closed(2, "run", str(made.config), "--out", "new", "--json", cwd=made.root)
    assert ran.returncode == 0
    assert json.loads(ran.stdout)["verdict"] == "pass"
