"""Fixtures that every test may use."""

from __future__ import annotations

import importlib
import importlib.util
import os
import signal
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from hypothesis import HealthCheck, settings

settings.register_profile("suite", deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.load_profile("suite")

# Sentences are not broken into lines, whatever terminal the tests run in.
os.environ["COLUMNS"] = "400"

# Started in the background by a shell, Python inherits that Ctrl-C is ignored, and so would every program under test.
if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
    signal.signal(signal.SIGINT, signal.default_int_handler)

REPOSITORY = Path(__file__).resolve().parent.parent

for _name, _file in (
    ("upstream_stub", "upstream/stub.py"),
    ("upstream_asking", "upstream/asking.py"),
    ("ci_readers", "report/ci_readers.py"),
):
    # Test folders are no packages: what several of them share is loaded by its path.
    _spec = importlib.util.spec_from_file_location(_name, REPOSITORY / "tests" / _file)
    assert _spec is not None and _spec.loader is not None
    sys.modules[_spec.name] = _module = importlib.util.module_from_spec(_spec)
    _spec.loader.exec_module(_module)


class Hung(BaseException):
    """No error of the code under test may swallow it."""


@pytest.fixture
def wall(request: pytest.FixtureRequest) -> Iterator[None]:
    """Nothing may hang: after `WALL_S` of its module (30 s without) the test fails where it stands."""
    limit = getattr(request.module, "WALL_S", 30.0)

    def too_long(*_: object) -> None:
        raise Hung(f"longer than {limit:g} s")

    before = signal.signal(signal.SIGALRM, too_long)
    signal.setitimer(signal.ITIMER_REAL, limit, 1.0)
    try:
        yield
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)
        signal.signal(signal.SIGALRM, before)


@pytest.fixture(scope="session")
def repository() -> Path:
    """The root of this repository."""
    return REPOSITORY


@pytest.fixture(scope="session")
def shared_data() -> Path:
    """Real recorded outputs of real systems, kept outside the repository; tests that need them skip without."""
    place = Path(os.environ.get("EVALGATE_SHARED_DATA", REPOSITORY.parent / "shared" / "data"))
    if not place.is_dir():
        pytest.skip(f"no shared data at {place}; set EVALGATE_SHARED_DATA to run this check")
    return place


@pytest.fixture
def install_plugin(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[..., None]:
    """Install an extension as a package would: a module and its entry points, found from now on and until the test ends."""
    place = tmp_path / "installed"

    def install(name: str, source: str, group: str = "evalgate.detectors", factory: str = "make") -> None:
        place.mkdir(exist_ok=True)
        (place / f"{name}_plugin.py").write_text(source, encoding="utf-8")
        info = place / f"{name}_plugin-1.0.dist-info"
        info.mkdir(exist_ok=True)
        (info / "METADATA").write_text(f"Metadata-Version: 2.1\nName: {name}-plugin\nVersion: 1.0\n", encoding="utf-8")
        (info / "entry_points.txt").write_text(f"[{group}]\n{name} = {name}_plugin:{factory}\n", encoding="utf-8")
        monkeypatch.delitem(sys.modules, f"{name}_plugin", raising=False)
        if str(place) not in sys.path:
            monkeypatch.syspath_prepend(str(place))
        importlib.invalidate_caches()

    return install
