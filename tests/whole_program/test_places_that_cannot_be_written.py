"""`--out` where nothing can be written: refused for what it is, and never a bug."""

from __future__ import annotations

import errno
import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from evalgate.cli.main import main

LONG = "x" * 300


@pytest.mark.parametrize(
    "command",
    [
        "run GATE --out LONG", "compare a.jsonl b.jsonl --references c.jsonl --out LONG", "init LONG", "schema --out LONG",
        "prompt lint PROMPTS --out LONG", "recording export sums --out LONG", "evidence export done LONG", "report done --format json --out LONG",
    ],
)  # fmt: skip
def test_a_name_that_no_file_can_have_is_bad_input(
    project: Callable[..., Any], monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], command: str
) -> None:
    made = project()
    monkeypatch.chdir(made.root)
    for name in ("a", "b", "c"):
        Path(f"{name}.jsonl").write_text('{"id": "1", "output": "x", "reference": "x"}\n', encoding="utf-8")
    if "done" in command:
        assert made.run("--out", "done").code == 0
    words = {"GATE": str(made.config), "LONG": LONG, "PROMPTS": "configs/prompts"}
    code = main([words.get(word, word) for word in command.split()])
    said = capsys.readouterr().err
    assert (code, "File name too long\n    try: choose a shorter name" in said) == (2, True), said


@pytest.mark.parametrize(
    ("number", "code", "said"),
    [
        (errno.EROFS, 2, "Read-only file system\n    try: choose a place on a file system that is not mounted read-only"),
        (errno.EACCES, 2, "Permission denied\n    try: let this user write in "),
        (errno.ENOSPC, 3, "No space left on device\n    try: free space or choose another place"),
    ],
)
def test_a_run_says_what_is_the_matter_with_its_place(
    project: Callable[..., Any], monkeypatch: pytest.MonkeyPatch, number: int, code: int, said: str
) -> None:
    made = project()
    write = Path.write_bytes

    def refuse(self: Path, data: bytes) -> int:
        if self.name.startswith(".probe"):
            raise OSError(number, os.strerror(number), str(self))
        return write(self, data)

    monkeypatch.setattr(Path, "write_bytes", refuse)
    ran = made.run("--out", str(made.root / "out"))
    assert (ran.code, f"cannot be made a run folder: {said}" in ran.err) == (code, True), ran.err
