"""kill -9 of a run or of its workers while cases are measured: no hang, nobody stays behind, and the same bytes in the end."""

from __future__ import annotations

import json
import os
import random
import shutil
import signal
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest

GONE_S = 5.0
"""After this long nothing that a run started is alive any more."""
LONG_S = 60.0
SLOW = """
import time
from evalgate.core.values import DetectorSpec


class Slow:
    spec = DetectorSpec("slow", "slow", "1", "version:1")

    def findings(self, output, case):
        time.sleep({seconds})
        return ()


def make(parameters):
    return Slow()
"""


@dataclass
class Site:
    """A project, what an undisturbed run of it gives, and how long that takes."""

    made: Any
    nursery: Any
    environment: dict[str, str] = field(default_factory=dict)
    options: tuple[str, ...] = ()
    takes_s: float = 0.0
    runs: int = 0
    expected: dict[str, bytes] = field(default_factory=dict)

    @property
    def out(self) -> Path:
        return Path(self.made.root, "out")

    def start(self, *arguments: str, **patches: Any) -> Any:
        self.runs += 1
        command = ["run", str(self.made.config), "--out", str(self.out), *self.options, *arguments]
        return self.nursery.start(command, self.made.root / f"said{self.runs}", self.environment, patches)

    def evidence(self) -> dict[str, bytes]:
        """What must be the same, byte for byte."""
        names = ["verdict.json", "plan.json", "summary.md"]
        shards = sorted((self.out / "shards").iterdir())
        found = {path.name: path.read_bytes() for path in (*(self.out / name for name in names), *shards)}
        return {**found, "manifest.json": sealed(self.out)}

    def clear(self) -> None:
        shutil.rmtree(self.out, ignore_errors=True)

    def receipts(self) -> dict[str, int]:
        return {path.name: path.stat().st_mtime_ns for path in (self.out / "shards").glob("[0-9]*.json")}


def sealed(folder: Path) -> bytes:
    """The manifest without the digests of files that tell of the time: what the root stands for, and the root."""
    manifest = json.loads((folder / "manifest.json").read_bytes())
    return json.dumps({name: manifest[name] for name in ("materials", "results", "root")}).encode()


def alive_in(session: int) -> list[str]:
    """What runs in a session; the dead that nobody has waited for do not."""
    found = []
    for place in Path("/proc").iterdir():
        if not place.name.isdecimal():
            continue
        try:
            state, _, _, of = (place / "stat").read_text().rpartition(")")[2].split()[:4]
            if int(of) == session and state not in "ZX":
                found.append(f"{place.name} {(place / 'cmdline').read_text().replace(chr(0), ' ')[:200]}")
        except (OSError, ValueError):
            continue
    return found


def require_nobody(session: int, at: str) -> None:
    until = time.monotonic() + GONE_S
    while left := alive_in(session):
        assert time.monotonic() < until, f"{at}: still alive {left}"
        time.sleep(0.02)


def ended(child: Any, at: str, seconds: float = LONG_S) -> int:
    """Its exit code; a run that hangs fails the test."""
    late = threading.Timer(seconds, lambda: (hung.append(True), child.kill()))
    hung: list[bool] = []
    late.start()
    code = int(child.wait())
    late.cancel()
    assert not hung, f"{at}: it hangs\n{child.text}"
    return code


def after(delay: float, act: Callable[[], object]) -> threading.Timer:
    timer = threading.Timer(delay, act)
    timer.start()
    return timer


def measure(site: Site) -> None:
    """Two undisturbed runs: they agree, and the second says how long it takes."""
    for _ in range(2):
        site.clear()
        began = time.monotonic()
        child = site.start()
        assert ended(child, "undisturbed") == 0, child.text
        site.takes_s = time.monotonic() - began
        assert not site.expected or site.expected == site.evidence()
        site.expected = site.evidence()


@pytest.fixture
def site(project, nursery) -> Site:
    made = project(cases=400, base=150, right=350, metrics="[exact_match, chrf, token_f1]", extra="resamples: 100\n")
    return Site(made, nursery, options=("--backend", "sequential", "--quiet"))


@pytest.fixture
def slow_site(site: Site) -> Callable[[float], Site]:
    """The same with a detector that takes its time, in workers too."""

    def make(seconds: float, *options: str) -> Site:
        place = site.made.root / "installed"
        info = place / "slow_plugin-1.0.dist-info"
        info.mkdir(parents=True)
        (place / "slow_plugin.py").write_text(SLOW.format(seconds=seconds))
        (info / "METADATA").write_text("Metadata-Version: 2.1\nName: slow-plugin\nVersion: 1.0\n")
        (info / "entry_points.txt").write_text("[evalgate.detectors]\nslow = slow_plugin:make\n")
        text = site.made.config.read_text().replace("slices:", "safety: [slow]\nslices:")
        site.made.config.write_text(text)
        site.environment = {"PYTHONPATH": os.pathsep.join([str(place), *filter(None, [os.environ.get("PYTHONPATH")])])}
        site.options = options or ("--backend", "loky", "--jobs", "2", "--quiet")
        return site

    return make


def one_point(site: Site, seed: int) -> int:
    """Kill a run one to three times at random moments, and let the same command finish. How many of them were killed."""
    chance, killed = random.Random(seed), 0
    site.clear()
    kept: dict[str, int] = {}
    for _ in range(chance.choice((1, 1, 2, 3))):
        moment = chance.uniform(0, site.takes_s)
        child = site.start()
        timer = after(moment, child.kill)
        code = ended(child, f"point {seed}")
        timer.cancel()
        timer.join()
        at = f"point {seed}, killed after {moment:.4f} s, exit {code}"
        require_nobody(child.pid, at)
        assert code in (0, -signal.SIGKILL), f"{at}\n{child.text}"
        now = site.receipts() if (site.out / "shards").is_dir() else {}
        assert kept.items() <= now.items(), f"{at}: what was done was lost or done again"
        kept, killed = now, killed + (code != 0)
        verdict = site.out / "verdict.json"
        assert not verdict.exists() or verdict.read_bytes() == site.expected["verdict.json"], at
    child = site.start("--resume")
    assert ended(child, f"point {seed}, the last run") == 0, child.text
    require_nobody(child.pid, f"point {seed}, the last run")
    assert site.evidence() == site.expected, f"point {seed}"
    assert kept.items() <= site.receipts().items(), f"point {seed}: what was done was done again"
    assert not [path.name for path in site.out.rglob("*") if path.name.endswith(".part") or path.name.startswith(".lock")]
    assert not (site.out / "work").exists()
    return killed


def pieces(quick: int, every: int, size: int) -> list[Any]:
    """Seeds: the first few always, the others with -m slow."""
    rest = [pytest.param(range(at, min(at + size, every)), marks=pytest.mark.slow) for at in range(quick, every, size)]
    return [range(quick), *rest]


@pytest.mark.parametrize("points", pieces(5, 100, 19), ids=str)
def test_a_run_that_is_killed_anywhere_is_continued_to_the_same_bytes(points: range, site: Site) -> None:
    measure(site)
    killed = [one_point(site, seed) for seed in points]
    print(f"{len(points)} points, {sum(killed)} kills")
    assert sum(killed) > len(points) / 2


@pytest.mark.parametrize("points", pieces(1, 31, 15), ids=str)
def test_a_run_with_workers_that_is_killed_leaves_no_process_behind(points: range, slow_site) -> None:
    site = slow_site(0.0003)
    measure(site)
    killed = [one_point(site, 1000 + seed) for seed in points]
    print(f"{len(points)} points, {sum(killed)} kills")
    assert sum(killed) > 0
