"""kill -9, Ctrl-C and SIGTERM while answers are recorded: nothing that was acknowledged is lost, nothing is paid twice.

Runs are children of a process that has everything imported already, so that hundreds of them are cheap; each is a whole
`evalgate run` of its own.
"""

from __future__ import annotations

import json
import os
import random
import shutil
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest
import upstream_stub as stub

KEY = "sk-canary-9f8e7d6c5b4a39281706"
IN_FLIGHT = 8
CASES = 30


@dataclass
class Site:
    """A project without its recording, a server that answers as the recording did, and what an undisturbed run gives."""

    made: Any
    server: Any
    nursery: Any
    expected: bytes = b""
    code: int = 0
    takes_s: float = 0.0
    watch: Callable[[Any], None] = lambda request: None
    runs: int = 0
    notes: list[str] = field(default_factory=list)

    def start(self, *arguments: str, mode: str = "record", **patches: Any) -> Any:
        self.runs += 1
        command = ["run", str(self.made.config), "--mode", mode, "--out", str(self.out), "--backend", "sequential", *arguments]
        environment = {"OPENAI_BASE_URL": self.server.url, "OPENAI_API_KEY": KEY}
        return self.nursery.start(command, self.made.root / f"said{self.runs}", environment, patches)

    @property
    def out(self) -> Path:
        return Path(self.made.root, "out")

    @property
    def tape(self) -> Path:
        return Path(self.made.tape.parent)

    def lines(self, folder: Path | None = None) -> dict[str, bytes]:
        """What is asked → the line that answers it, of all that is whole in the recording."""
        found: dict[str, bytes] = {}
        for path in sorted((folder or self.tape).glob("*.jsonl")):
            for line in path.read_bytes().splitlines(keepends=True):
                if line.endswith(b"\n"):
                    value = json.loads(line)
                    if value["response"]["status"] == "ok":
                        found[value["request"]["messages"][0]["content"]] = line
        return found

    def clear(self) -> None:
        for folder in (self.out, self.tape, *self.tape.parent.glob("sums*")):
            shutil.rmtree(folder, ignore_errors=True)

    def verdict(self) -> bytes:
        return (self.out / "verdict.json").read_bytes()


@pytest.fixture
def site(project, nursery) -> Iterator[Site]:
    made = project(cases=CASES, base=10, right=26, extra="resamples: 100\nreports: [markdown]\n")
    made.config.write_text(made.config.read_text().replace("recording: sums}", f"recording: sums, concurrency: {IN_FLIGHT}}}"))
    expected_out = made.root / "expected"
    code = made.run("--out", str(expected_out)).code
    found: list[Site] = []

    def script(request: Any) -> Any:
        found[0].watch(request)
        arm, number = request.content.split()[0], int(request.content.split()[1])
        said = made.line(arm, number)["response"]
        return stub.answer(request, said["text"], usage=said["usage"], delay=0.002 + number % 5 * 0.003)

    shutil.rmtree(made.tape.parent)
    with stub.Stub(script) as server:
        site = Site(made, server, nursery, (expected_out / "verdict.json").read_bytes(), code)
        found.append(site)
        yield site


def after(delay: float, act: Callable[[], None]) -> threading.Timer:
    timer = threading.Timer(delay, act)
    timer.start()
    return timer


def kill_somewhere(site: Site, chance: random.Random) -> tuple[int, str]:
    """Start a run and kill it at a random moment, or when a random request arrives. Returns its exit code and what was meant."""
    first, done = len(site.server.requests), threading.Event()
    if chance.random() < 0.5:
        moment = chance.uniform(0, site.takes_s)
        child = site.start()
        timer = after(moment, child.kill)
        code = child.wait()
        timer.cancel()
        timer.join()
        return code, f"after {moment:.4f} s"
    number, later = chance.randrange(1, 2 * CASES), chance.choice((0.0, 0.0, chance.uniform(0, 0.01)))
    pid: list[int] = []

    def watch(request: Any) -> None:
        if request.number - first >= number and not done.is_set() and pid:
            done.set()
            timers.append(after(later, child.kill)) if later else child.kill()

    timers: list[threading.Timer] = []
    site.watch = watch
    child = site.start()
    pid.append(child.pid)
    code = child.wait()
    site.watch = lambda request: None
    for timer in timers:
        timer.cancel()
        timer.join()
    return code, f"at request {number} + {later:.4f} s"


@dataclass
class Tally:
    """What many points came to."""

    killed: int = 0
    finished: int = 0
    lost_in_flight: list[int] = field(default_factory=list)
    while_recording: int = 0
    paid: int = 0


def one_point(site: Site, seed: int, tally: Tally) -> None:
    """Kill until a run survives; hold every step against what was on disk before."""
    chance = random.Random(seed)
    site.clear()
    begin = len(site.server.requests)
    kept: dict[str, bytes] = {}
    allowed = 2 * CASES
    kills = chance.choice((1, 1, 1, 2, 3))
    while True:
        asked_from = len(site.server.requests)
        code, meant = kill_somewhere(site, chance) if kills > 0 else (site.start().wait(), "not at all")
        kills -= 1
        # What the server was about to answer is as good as paid for.
        while site.server.in_flight:
            time.sleep(0.001)
        now = site.lines()
        at = f"point {seed}, killed {meant}, exit {code}"
        assert kept.items() <= now.items(), f"{at}: lost {sorted(set(kept) - set(now))[:5]}"
        asked = list(site.server.requests[asked_from:])
        again = {r.content for r in asked} & set(kept)
        assert not again, f"{at}: durable answers were asked for again: {sorted(again)[:5]}"
        answered = {r.content for r in asked if r.left is not None and r.status == 200}
        lost = answered - set(now)
        # Those with the server, and at most 32 that came and were on their way into the recording.
        assert len(lost) <= IN_FLIGHT + 32, f"{at}: {len(lost)} answers that were given are not there"
        allowed += len(lost)
        kept = now
        if code != -signal.SIGKILL:
            break
        tally.killed += 1
        tally.lost_in_flight.append(len(lost))
        tally.while_recording += len(now) < 2 * CASES
        assert not (site.out / "verdict.json").exists() or site.verdict() == site.expected, at
    tally.finished += 1
    assert code == site.code, f"{at}: {site.made.root / f'said{site.runs}'}"
    assert site.verdict() == site.expected, f"{at}: another verdict"
    assert len(kept) == 2 * CASES, at
    paid = [r for r in site.server.requests[begin:] if r.left is not None and r.status == 200]
    tally.paid += len(paid)
    assert len(paid) <= allowed, f"{at}: {len(paid)} answers were paid for, {allowed} explained"
    rest = sorted(p.name for p in site.tape.iterdir() if p.suffix != ".jsonl" and p.stat().st_size and not torn(p))
    assert rest == [], f"{at}: {rest}"


def torn(path: Path) -> bool:
    """What `recording` keeps of a line in whose midst the kernel was when the process was killed: its beginning, and no more."""
    segment, _, offset = path.name.partition(".torn-")
    if not offset:
        return False
    beginning = path.read_bytes()
    assert b'{"'.startswith(beginning[:2]), path
    assert b"\n" not in beginning, f"{path}: a whole line was cut off"
    assert path.with_name(segment).read_bytes()[int(offset) - 1 : int(offset)] in (b"", b"\n"), f"{path}: cut inside a line"
    return True


def measure(site: Site) -> None:
    """An undisturbed run: how long it takes, and that it gives what replay of the hand-made recording gave."""
    for _ in range(2):
        site.clear()
        began = time.monotonic()
        child = site.start()
        code = child.wait()
        site.takes_s = time.monotonic() - began
        assert code == site.code, child.text
        assert site.verdict() == site.expected


@pytest.mark.parametrize(
    "points", [range(8), *(pytest.param(range(at, at + 24), marks=pytest.mark.slow) for at in range(8, 200, 24))], ids=str
)
def test_a_run_that_is_killed_anywhere_is_continued_by_the_same_command(points: range, site: Site) -> None:
    measure(site)
    tally = Tally()
    for seed in points:
        one_point(site, seed, tally)
    assert tally.finished == len(points)
    lost = tally.lost_in_flight
    print(
        f"{len(points)} points: {tally.killed} kills, {tally.while_recording} of them while recording; answers in flight that were"
        f" lost: {sum(lost)}, at most {max(lost, default=0)} at once; paid {tally.paid} for {len(points) * 2 * CASES} needed"
    )


@pytest.mark.parametrize("mode", ["refresh", "live"])
def test_other_modes_that_are_killed_end_well_too(mode: str, site: Site) -> None:
    """A refreshed recording replaces the old one or does not; a live run leaves nothing behind in the end."""
    measure(site)
    old = site.lines()
    chance = random.Random(7)
    for point in range(4):
        shutil.rmtree(site.out, ignore_errors=True)
        for moment in (chance.uniform(0.2, 1.0) * site.takes_s, None):
            child = site.start(mode=mode)
            timer = after(moment, child.kill) if moment is not None else None
            code = child.wait()
            if timer is not None:
                timer.cancel()
                timer.join()
            if mode == "live" or code == -signal.SIGKILL:
                assert site.lines().keys() == old.keys() or not site.tape.exists(), f"point {point}"
        assert code == site.code, child.text
        assert site.lines().keys() == old.keys()
        assert not site.tape.with_name("sums.refresh").exists()
        assert not list(site.out.glob(".answers*"))
        assert json.loads(site.verdict())["verdict"] == json.loads(site.expected)["verdict"]


def requests_arrive(site: Site, count: int) -> None:
    for _ in range(2000):
        if len(site.server.requests) >= count:
            return
        time.sleep(0.005)
    raise AssertionError(f"{len(site.server.requests)} of {count} requests came")


def alive_in_session(session: int) -> list[str]:
    listing = subprocess.run(["ps", "-ww", "-eo", "sid,pgid,stat,args"], capture_output=True, text=True, check=True).stdout
    rows = [line.split(None, 3) for line in listing.splitlines()[1:]]
    return [row[3] for row in rows if str(session) in row[:2] and not row[2].startswith("Z")]


@pytest.mark.parametrize(("number", "code", "word"), [(signal.SIGINT, 130, "interrupted"), (signal.SIGTERM, 143, "terminated")])
def test_f07_f08_a_signal_stops_in_good_order(number: signal.Signals, code: int, word: str, site: Site) -> None:
    command = [sys.executable, "-m", "evalgate", "run", str(site.made.config), "--mode", "record", "--out", str(site.out)]
    environment = {**os.environ, "OPENAI_BASE_URL": site.server.url, "OPENAI_API_KEY": KEY}
    with subprocess.Popen(
        command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, env=environment, start_new_session=True
    ) as running:
        requests_arrive(site, 20)
        running.send_signal(number)
        _, err = running.communicate(timeout=30)
    assert running.returncode == code, err
    kept = site.lines()
    answered = {r.content for r in site.server.paid}
    assert kept.keys() == answered, "what had been received was not kept"
    assert 20 <= len(kept) < 2 * CASES
    assert f"evalgate: {word}" in err
    assert f"{len(kept)} new answers are recorded and will not be asked for again; the same command continues" in err
    assert "Traceback" not in err
    assert not (site.out / "verdict.json").exists()
    assert alive_in_session(running.pid) == []
    assert [p.name for p in site.tape.iterdir()] == ["0001.jsonl"], "the lock was left"
    before = len(site.server.requests)
    assert site.start().wait() == site.code
    assert site.verdict() == site.expected
    assert {r.content for r in site.server.requests[before:]}.isdisjoint(kept)
    assert len(site.server.requests) == 2 * CASES


def hang_from(site: Site, number: int) -> None:
    """From a request on nobody is answered."""
    good = site.server.script
    site.server.script = lambda request: stub.Act((), "hang") if request.number >= number else good(request)


@pytest.mark.parametrize(
    "signals", [(signal.SIGINT, signal.SIGINT), (signal.SIGTERM, signal.SIGTERM), (signal.SIGTERM, signal.SIGINT)]
)
def test_f07_a_second_signal_ends_at_once(signals: tuple[int, int], site: Site) -> None:
    hang_from(site, 21)
    child = site.start(evalgate__proxy__upstream__collect__GRACE_S=10_000.0)
    requests_arrive(site, 20 + IN_FLIGHT)
    child.kill(signals[0])
    time.sleep(0.3)
    assert Path(f"/proc/{child.pid}").exists(), "running calls were not waited for"
    child.kill(signals[1])
    code = child.wait()
    assert code == (130 if signals[0] == signal.SIGINT else 143), child.text
    assert "Traceback" not in child.text
    assert len(site.lines()) == 20
    assert not (site.tape / ".lock").exists()


def test_f07_the_grace_after_a_signal_is_bounded(site: Site) -> None:
    hang_from(site, 21)
    child = site.start(evalgate__proxy__upstream__collect__GRACE_S=0.2)
    requests_arrive(site, 20 + IN_FLIGHT)
    child.kill(signal.SIGINT)
    assert child.wait() == 130
    assert "20 new answers are recorded" in child.text


def test_a_signal_while_a_retry_waits_ends_the_wait(site: Site) -> None:
    good = site.server.script
    site.server.script = lambda r: stub.status(429, None, {"Retry-After": "100"}) if r.number >= 21 else good(r)
    child = site.start()
    requests_arrive(site, 21)
    child.kill(signal.SIGTERM)
    assert child.wait() == 143
    assert len(site.lines()) >= 20 - IN_FLIGHT


@pytest.mark.parametrize("provider", ["command", "python"])
def test_f07_no_process_of_a_provider_stays_behind(provider: str, site: Site) -> None:
    site.made.root.joinpath("slow_app.py").write_text(
        "import time\ndef answer(request):\n    open('begun', 'a').write('x')\n    time.sleep(600)\n"
    )
    how = (
        "command: [sh, -c, 'echo x >> begun; sleep 600 & sleep 600']" if provider == "command" else "function: 'slow_app:answer'"
    )
    text = site.made.config.read_text().replace("provider: openai, name: m,", f"provider: {provider}, name: m, {how},")
    site.made.config.write_text(text, encoding="utf-8")
    begun = site.made.root / "begun"
    child = site.start(evalgate__proxy__upstream__collect__GRACE_S=0.1)
    for _ in range(1000):
        if begun.exists() and begun.read_text().count("x") >= 3:
            break
        time.sleep(0.01)
    ours = [line.split()[0] for line in _tree(child.pid)]
    assert len(ours) >= 3, ours
    child.kill(signal.SIGINT)
    assert child.wait() == 130, child.text
    for _ in range(100):
        left = [pid for pid in ours if _running(pid)]
        if not left:
            return
        time.sleep(0.05)
    raise AssertionError(f"processes were left: {left}")


def _tree(root: int) -> list[str]:
    """`pid ppid args` of everything that descends from a process."""
    listing = subprocess.run(
        ["ps", "-ww", "-eo", "pid,ppid,args"], capture_output=True, text=True, check=True
    ).stdout.splitlines()[1:]
    found, parents = [], {str(root)}
    while True:
        more = [line for line in listing if line.split()[1] in parents and line not in found]
        if not more:
            return found
        found += more
        parents |= {line.split()[0] for line in more}


def _running(pid: str) -> bool:
    try:
        return Path(f"/proc/{pid}/stat").read_text(encoding="utf-8").rsplit(")", 1)[1].split()[0] not in ("Z", "X")
    except OSError:
        return False
