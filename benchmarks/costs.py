"""What a whole process tree costs: CPU seconds, wall seconds, and memory, by the kernel's own accounting.

`measured` starts a command, waits for it and for every process that it leaves behind, and adds up user and system time of all of
them. Linux only. The measuring process stays small: a child begins with its parent's peak memory on its account.
"""

from __future__ import annotations

import compileall
import contextlib
import ctypes
import importlib.util
import json
import os
import platform
import signal
import subprocess
import threading
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

MIB = 1024 * 1024
SAMPLED_EVERY_S = 0.05
LEFT_BEHIND_S = 10.0
"""How long processes that outlive their parent may take to end before they are killed."""
_SUBREAPER = 36


@dataclass(frozen=True, slots=True)
class Cost:
    """What one command took."""

    cpu_s: float
    """User and system time of the whole tree."""
    wall_s: float
    largest_mib: float
    """Peak resident memory of the largest single process (ru_maxrss)."""
    together_mib: float
    """Peak of the resident memory of all processes of the tree together, sampled every 50 ms; shared pages count in each."""
    exit_code: int
    orphans: int
    """Processes that outlived the command."""
    orphans_s: float = 0.0
    """Seconds until the last of them was gone; they are killed after 10."""

    @property
    def line(self) -> str:
        """For people."""
        memory = f"largest process {self.largest_mib:6.0f} MiB, tree {self.together_mib:6.0f} MiB"
        return f"{self.cpu_s:8.2f} s CPU {self.wall_s:8.2f} s wall  {memory}"


def measured(
    command: Sequence[str],
    *,
    output: Path | None = None,
    env: Mapping[str, str] | None = None,
    cwd: Path | None = None,
    timeout: float = 3600.0,
    while_running: Callable[[subprocess.Popen[bytes]], None] | None = None,
) -> Cost:
    """Run a command to its end.

    `output`: where its stdout and stderr go; None: nowhere. `while_running` is called once after the start, and may kill it.

    Raises: TimeoutError after `timeout` seconds, once everything of the command was killed.
    """
    _adopt_orphans()
    with Path(output or os.devnull).open("wb") as sink:
        started = time.perf_counter()
        process = subprocess.Popen(
            list(command), stdout=sink, stderr=subprocess.STDOUT, env=dict(env or os.environ), cwd=cwd, start_new_session=True
        )
        watch = _Watch(process.pid, started + timeout)
        if while_running is not None:
            while_running(process)
        _, status, used = os.wait4(process.pid, 0)
        wall = time.perf_counter() - started
    process.returncode = os.waitstatus_to_exitcode(status)
    cpu, largest = used.ru_utime + used.ru_stime, used.ru_maxrss
    ended = time.perf_counter()
    orphans, orphans_s = 0, 0.0
    for left in _left_behind():
        orphans, orphans_s = orphans + 1, time.perf_counter() - ended
        cpu, largest = cpu + left.ru_utime + left.ru_stime, max(largest, left.ru_maxrss)
    together = watch.stop()
    if watch.late:
        raise TimeoutError(f"{command[0]} took longer than {timeout:g} s")
    return Cost(cpu, wall, largest / 1024, together / MIB, process.returncode, orphans, orphans_s)


class _Watch(threading.Thread):
    """Samples the memory of everything below this process, and ends what runs too long."""

    def __init__(self, pid: int, deadline: float) -> None:
        super().__init__(daemon=True)
        self.pid, self.deadline, self.peak, self.late = pid, deadline, 0, False
        self.over = threading.Event()
        self.start()

    def run(self) -> None:
        while not self.over.wait(SAMPLED_EVERY_S):
            below = descendants(os.getpid())
            self.peak = max(self.peak, sum(resident(pid) for pid in below))
            if time.perf_counter() > self.deadline:
                self.late = True
                for pid in below:
                    kill(pid)

    def stop(self) -> int:
        """Bytes at the peak."""
        self.over.set()
        self.join()
        return self.peak


def descendants(root: int) -> list[int]:
    """Every process below `root`."""
    parents: dict[int, list[int]] = {}
    for entry in Path("/proc").iterdir():
        if entry.name.isdigit():
            try:
                # The name stands in parentheses and may hold anything, a parenthesis too.
                parent = int((entry / "stat").read_text(errors="replace").rpartition(")")[2].split()[1])
            except (OSError, IndexError):
                continue
            parents.setdefault(parent, []).append(int(entry.name))
    found, pending = [], [root]
    while pending:
        children = parents.get(pending.pop(), [])
        found += children
        pending += children
    return found


def running(pid: int) -> bool:
    """Whether a child has not ended; it is left for its parent to wait for."""
    return os.waitid(os.P_PID, pid, os.WEXITED | os.WNOHANG | os.WNOWAIT) is None


def resident(pid: int) -> int:
    """Resident bytes of a process; 0 once it is gone."""
    try:
        return int(Path(f"/proc/{pid}/statm").read_text().split()[1]) * os.sysconf("SC_PAGE_SIZE")
    except (OSError, IndexError):
        return 0


def kill(pid: int) -> None:
    """End a process at once."""
    with contextlib.suppress(ProcessLookupError):
        os.kill(pid, signal.SIGKILL)


def _left_behind():  # type: ignore[no-untyped-def]
    """Resource usage of each process that outlived the command; what does not end is killed."""
    deadline = time.perf_counter() + LEFT_BEHIND_S
    while True:
        try:
            pid, _, used = os.wait4(-1, os.WNOHANG)
        except ChildProcessError:
            return
        if pid:
            yield used
        elif time.perf_counter() > deadline:
            for left in descendants(os.getpid()):
                kill(left)
        else:
            time.sleep(0.01)


def _adopt_orphans() -> None:
    """Become the parent of processes whose own parent dies, so that their time is counted too."""
    if ctypes.CDLL(None).prctl(_SUBREAPER, 1, 0, 0, 0) != 0:
        raise OSError("this system does not hand over orphans; costs are measured on Linux only")


def compile_evalgate() -> None:
    """As an installer does with every package, the peers' too: Python may be told to leave a checkout uncompiled."""
    place = importlib.util.find_spec("evalgate")
    for folder in place.submodule_search_locations or () if place else ():
        compileall.compile_dir(folder, quiet=2)


def machine(packages: Sequence[str] = ()) -> str:
    """One line about where this ran."""
    model = next((line.split(":")[1].strip() for line in _cpu_lines() if line.startswith("model name")), platform.machine())
    known = []
    for name in packages:
        try:
            known.append(f"{name} {version(name)}")
        except PackageNotFoundError:
            known.append(f"{name} absent")
    return (
        f"{len(os.sched_getaffinity(0))} x {model}, {platform.system()}, Python {platform.python_version()}; {', '.join(known)}"
    )


def _cpu_lines() -> list[str]:
    try:
        return Path("/proc/cpuinfo").read_text().splitlines()
    except OSError:
        return []


def write_json(path: Path | None, found: Mapping[str, object]) -> None:
    """Keep figures for later, where that was asked for."""
    if path is not None:
        plain = {key: asdict(value) if isinstance(value, Cost) else value for key, value in found.items()}
        path.write_text(json.dumps(plain, indent=1) + "\n", encoding="utf-8")
