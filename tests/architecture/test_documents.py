"""The documents agree with the program."""

from __future__ import annotations

import json
import re
from pathlib import Path

from evalgate.cli.parser import EXIT_CODES, build_parser
from evalgate.core.errors import ExitCode


def _readme(repository: Path) -> str:
    return (repository / "README.md").read_text(encoding="utf-8")


def _commands(repository: Path) -> list[str]:
    section = _readme(repository).split("## Two commands")[1].split("\n## ")[0]
    return re.findall(r"```bash\n(.*?)\n```", section, flags=re.DOTALL)


def test_there_are_exactly_two_set_up_commands(repository: Path) -> None:
    commands = _commands(repository)
    assert len(commands) == 2
    assert all(command.count("\n") == 0 and "python3 -m venv" in command for command in commands)
    config = re.search(r"evalgate run (\S+)", commands[0])
    assert config is not None
    assert (repository / config.group(1)).is_file()


def test_ci_runs_the_readme_test_command(repository: Path) -> None:
    script = (repository / ".ci" / "run").read_text(encoding="utf-8")
    setup, _, tests = _commands(repository)[1].rpartition(" && ")
    assert setup in script
    assert tests in script
    last = [line for line in script.splitlines() if line.strip()][-1]
    assert last.startswith(tests)


def test_the_exit_code_table_is_complete(repository: Path) -> None:
    table = _readme(repository).split("## Exit codes")[1].split("\n## ")[0]
    for code in ExitCode:
        if code is not ExitCode.EVIDENCE_MISMATCH:  # belongs to a command that is not there yet
            assert re.search(rf"\b{int(code)}\b", table), code
            assert re.search(rf"\b{int(code)}\b", EXIT_CODES), code


def test_every_command_of_the_readme_exists(repository: Path) -> None:
    parser = build_parser()
    known = set(next(a for a in parser._actions if a.dest == "command").choices)
    named = set(re.findall(r"(?:^|`|/|&& )evalgate ([a-z]+)", _readme(repository), flags=re.MULTILINE))
    assert named <= known
    assert known <= named | {"dataset"}


def test_flags_of_the_readme_exist(repository: Path) -> None:
    parser = build_parser()
    choices = next(a for a in parser._actions if a.dest == "command").choices
    known = {flag for command in choices.values() for action in command._actions for flag in action.option_strings}
    assert set(re.findall(r"(?<![\w-])(--[a-z][a-z-]+)", _readme(repository))) <= known


def test_the_editor_schema_is_fresh(repository: Path) -> None:
    from evalgate.pipeline.listing import schema_text

    assert (repository / "configs" / "schema.json").read_text(encoding="utf-8") == schema_text()
    json.loads(schema_text())
