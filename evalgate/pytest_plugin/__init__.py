"""Gates in pytest: `pytest --evalgate configs/my-gate.yaml`, or the fixture `gate`.

pytest loads this module wherever evalgate is installed, so it imports nothing: what runs a gate is loaded when one is asked for.
Exit codes are pytest's own; they are not those of evalgate.
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    from evalgate.pipeline.api import RunResult
    from evalgate.pytest_plugin.gates import Gates

_CONFIGS: pytest.StashKey[frozenset[Path]] = pytest.StashKey()
_GATES: pytest.StashKey[Gates] = pytest.StashKey()
_SHARED: pytest.StashKey[str] = pytest.StashKey()
_TOLD = "evalgate_shared"


def pytest_addoption(parser: pytest.Parser) -> None:
    """Add the options."""
    group = parser.getgroup("evalgate", "evaluation gates")
    group.addoption(
        "--evalgate",
        action="append",
        default=[],
        metavar="CONFIG",
        help="run this gate; each of its thresholds is a test (repeatable)",
    )
    group.addoption("--evalgate-mode", metavar="MODE", help="mode of these gates: replay, record, refresh, mock or live")


def pytest_configure(config: pytest.Config) -> None:
    """Let the named configurations be collected beside what is collected anyway."""
    named = config.getoption("evalgate")
    if not named:
        return
    # Absolute from here on: workers of pytest-xdist get these options, and may stand elsewhere.
    paths = [str((config.invocation_params.dir / one).absolute()) for one in named]
    config.option.evalgate = paths
    config.stash[_CONFIGS] = frozenset(Path(path).resolve() for path in paths)
    config.args += [path for path in dict.fromkeys(paths) if path not in config.args]


def pytest_collect_file(file_path: Path, parent: pytest.Collector) -> pytest.Collector | None:
    """A named configuration is a file of tests."""
    if file_path.resolve() not in parent.config.stash.get(_CONFIGS, frozenset()):
        return None
    from evalgate.pytest_plugin.gates import GateFile

    file: GateFile = GateFile.from_parent(parent, path=file_path)
    file.gates, file.mode = _gates(parent.config), parent.config.getoption("evalgate_mode")
    return file


@pytest.fixture(scope="session")
def gate(request: pytest.FixtureRequest) -> Callable[..., RunResult]:
    """Run a gate, once in a session however often it is asked for: `gate("configs/my-gate.yaml", mode="replay")`.

    Gives what `evalgate.run` gives, and raises what it raises. A relative path is taken from where pytest was started.
    """
    gates, start = _gates(request.config), request.config.invocation_params.dir

    def run(config: str | Path, mode: str | None = None) -> RunResult:
        return gates.result((start / config).absolute(), mode)

    return run


@pytest.hookimpl(optionalhook=True)
def pytest_configure_node(node: Any) -> None:
    """Give the workers of pytest-xdist one place in which they agree on who runs a gate."""
    stash = node.config.stash
    if _SHARED not in stash:
        import tempfile

        stash[_SHARED] = tempfile.mkdtemp(prefix="evalgate-pytest-")
    node.workerinput[_TOLD] = stash[_SHARED]


def pytest_unconfigure(config: pytest.Config) -> None:
    """Remove that place."""
    shared = config.stash.get(_SHARED, None)
    if shared is not None:
        import shutil

        shutil.rmtree(shared, ignore_errors=True)


def _gates(config: pytest.Config) -> Gates:
    if _GATES not in config.stash:
        from evalgate.pytest_plugin.gates import Gates

        config.stash[_GATES] = Gates(getattr(config, "workerinput", {}).get(_TOLD))
    return config.stash[_GATES]
