"""One comparison grown to a million cases, on one core and on two, and killed half way: `python benchmarks/scale.py`.

Three parts, each a whole `evalgate compare` (BLEU, chrF, ROUGE-1/2/L, exact match, token F1, all intervals, reports) in fresh
processes. `size` holds the cost of a case at `--large` against that at `--cases`; `jobs` holds one job against two; `resume`
kills the command with SIGKILL once half of the cases are measured, starts it again, and holds that against a whole run.

Equality ends with exit 1 when it is broken: the same verdict.json with one job, with two, and after the kill. Time never does.
"""

from __future__ import annotations

import argparse
import json
import os
import shutil
import subprocess
import sys
import tempfile
import time
from dataclasses import dataclass, field
from pathlib import Path

from costs import Cost, compile_evalgate, kill, machine, measured, running, write_json
from workload import METRICS, Files, write_files

PACKAGES = ("evalgate-engine", "numpy", "pyarrow", "rapidfuzz", "joblib")
PARTS = ("size", "jobs", "resume")
LOOKS_EVERY_S = 0.02


@dataclass(slots=True)
class Bench:
    """Where things lie, and what was found so far."""

    folder: Path
    jobs: int
    timeout: float
    figures: dict[str, object] = field(default_factory=dict)
    faults: list[str] = field(default_factory=list)

    def files(self, cases: int) -> Files:
        """The workload, made by a process of its own so that this one stays small."""
        home = self.folder / f"work{cases}"
        program = Path(__file__).with_name("workload.py")
        subprocess.run([sys.executable, str(program), str(cases), str(home)], check=True, stdout=subprocess.DEVNULL)
        return write_files(home, cases)

    def command(self, files: Files, out: Path, jobs: int) -> list[str]:
        """The comparison."""
        metrics = [word for name in METRICS for word in ("--metric", name)]
        program = [sys.executable, "-m", "evalgate", "compare", *files.arguments(), *metrics]
        return [*program, "--jobs", str(jobs), "--out", str(out), "--quiet"]

    def whole(self, files: Files, name: str, jobs: int) -> tuple[Cost, bytes, dict[str, int]]:
        """A whole run from nothing: its cost, its verdict, and the cases of each shard."""
        out, said = self.folder / name, self.folder / f"{name}.txt"
        shutil.rmtree(out, ignore_errors=True)
        cost = measured(self.command(files, out, jobs), output=said, timeout=self.timeout)
        if cost.exit_code != 0:
            raise SystemExit(f"evalgate ended with {cost.exit_code}:\n{said.read_text()[-2000:]}")
        verdict, sizes = (out / "verdict.json").read_bytes(), shard_sizes(out)
        shutil.rmtree(out)
        return cost, verdict, sizes

    def keep(self, name: str, cost: Cost) -> None:
        """Print a cost, and remember it."""
        self.figures[name] = cost
        print(f"  {name:28} {cost.line}", flush=True)

    def require_same(self, one: bytes, other: bytes, what: str) -> None:
        """Say whether two verdicts are the same bytes."""
        if one != other:
            self.faults.append(f"verdict.json differs: {what}")
        print(f"  verdict.json: {'the same bytes' if one == other else 'DIFFERS'}, {what}", flush=True)


def shard_sizes(out: Path) -> dict[str, int]:
    """Finished shard → its cases, by the receipts."""
    found = {}
    for path in sorted((out / "shards").glob("*.json")):
        try:
            found[path.stem] = int(json.loads(path.read_text("utf-8"))["rows"])
        except (OSError, ValueError, KeyError):
            continue
    return found


def size(bench: Bench, small: int, large: int) -> None:
    """The cost of a case in a large run against that in a smaller one."""
    print(f"size: {large:,} against {small:,} cases x 2, {bench.jobs} jobs")
    costs = {}
    for cases in (small, large):
        costs[cases], _, _ = bench.whole(bench.files(cases), f"size{cases}", bench.jobs)
        bench.keep(f"{cases:,} x 2", costs[cases])
    cpu = (costs[large].cpu_s / large) / (costs[small].cpu_s / small)
    wall = (costs[large].wall_s / large) / (costs[small].wall_s / small)
    per_case = 1e6 * costs[large].cpu_s / large
    print(f"  a case costs {cpu:.2f} x the CPU and {wall:.2f} x the wall time of one in the smaller run ({per_case:.0f} us CPU)")
    bench.figures["size ratio"] = {"cpu": cpu, "wall": wall}


def jobs(bench: Bench, cases: int, repeats: int) -> None:
    """Two jobs against one, in turn; the median of the ratios counts."""
    print(f"jobs: {bench.jobs} against 1, {cases:,} cases x 2; load average {os.getloadavg()[0]:.1f} at the start")
    files = bench.files(cases)
    ratios = []
    for turn in range(1, repeats + 1):
        one, first, _ = bench.whole(files, "jobs1", 1)
        bench.keep(f"1 job, turn {turn}", one)
        many, second, _ = bench.whole(files, f"jobs{bench.jobs}", bench.jobs)
        bench.keep(f"{bench.jobs} jobs, turn {turn}", many)
        ratios.append(one.wall_s / many.wall_s)
    bench.require_same(first, second, f"1 job and {bench.jobs} jobs")
    middle, cpu = sorted(ratios)[len(ratios) // 2], many.cpu_s / one.cpu_s
    print(f"  {middle:.2f} x faster by wall time ({', '.join(f'{ratio:.2f}' for ratio in ratios)}), {cpu:.2f} x the CPU")
    bench.figures["jobs ratio"] = {"wall": ratios, "cpu": cpu}


def resume(bench: Bench, cases: int) -> None:
    """Kill at half of the cases, start again."""
    print(f"resume: kill -9 at half of {cases:,} cases x 2, {bench.jobs} jobs")
    files = bench.files(cases)
    whole, verdict, sizes = bench.whole(files, "uninterrupted", bench.jobs)
    bench.keep("whole run", whole)
    out = bench.folder / "killed"
    shutil.rmtree(out, ignore_errors=True)
    done = [0]

    def kill_half_way(process: subprocess.Popen[bytes]) -> None:
        while running(process.pid):
            # Names alone are read: opening every receipt again and again would disturb what is measured.
            names = {path.stem for path in (out / "shards").glob("*.json")} if out.exists() else set()
            done[0] = sum(sizes.get(name, 0) for name in names)
            if 2 * done[0] >= cases:
                kill(process.pid)
                return
            time.sleep(LOOKS_EVERY_S)

    command = bench.command(files, out, bench.jobs)
    killed = measured(command, output=bench.folder / "killed.txt", timeout=bench.timeout, while_running=kill_half_way)
    if killed.exit_code != -9:
        bench.faults.append(f"the command ended with {killed.exit_code} before it could be killed")
    bench.keep(f"killed at {100 * done[0] / cases:.0f} % of the cases", killed)
    before = set(shard_sizes(out))
    again = measured(command, output=bench.folder / "again.txt", timeout=bench.timeout)
    if again.exit_code != 0:
        raise SystemExit(f"the second run ended with {again.exit_code}:\n{(bench.folder / 'again.txt').read_text()[-2000:]}")
    bench.keep("second run", again)
    print(
        f"  second / whole: {again.cpu_s / whole.cpu_s:.2f} x the CPU, {again.wall_s / whole.wall_s:.2f} x the wall time; "
        f"{len(before)} of {len(sizes)} shards were there"
    )
    print(f"  {killed.orphans} processes outlived the kill, the last by {killed.orphans_s:.1f} s")
    bench.require_same(verdict, (out / "verdict.json").read_bytes(), "a whole run and one that was killed and started again")
    shutil.rmtree(out)
    bench.figures["resume ratio"] = {
        "cpu": again.cpu_s / whole.cpu_s,
        "wall": again.wall_s / whole.wall_s,
        "orphans": killed.orphans,
    }


def main() -> None:
    """Measure, compare, print."""
    arguments = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    arguments.add_argument("--parts", default=",".join(PARTS), help=f"which of {','.join(PARTS)} (default: all)")
    arguments.add_argument("--cases", type=int, default=100_000, help="cases (default: 100,000)")
    arguments.add_argument("--large", type=int, default=1_000_000, help="cases of the large run (default: 1,000,000)")
    arguments.add_argument("--jobs", type=int, default=2, help="workers (default: 2)")
    arguments.add_argument("--repeats", type=int, default=1, help="turns of one job against several (default: 1)")
    arguments.add_argument("--folder", type=Path, help="where to work; the workload stays there (default: thrown away)")
    arguments.add_argument("--timeout", type=float, default=3600.0, help="seconds for one run (default: 3600)")
    arguments.add_argument("--figures", type=Path, help="write the figures to this JSON file")
    options = arguments.parse_args()
    parts = options.parts.split(",")
    if not set(parts) <= set(PARTS):
        arguments.error(f"--parts takes {', '.join(PARTS)}")
    print(machine(PACKAGES))
    compile_evalgate()
    with tempfile.TemporaryDirectory() as temporary:
        folder = options.folder or Path(temporary)
        folder.mkdir(parents=True, exist_ok=True)
        bench = Bench(folder, options.jobs, options.timeout)
        if "size" in parts:
            size(bench, options.cases, options.large)
        if "jobs" in parts:
            jobs(bench, options.cases, options.repeats)
        if "resume" in parts:
            resume(bench, options.cases)
        write_json(options.figures, bench.figures)
    if bench.faults:
        print(*bench.faults, sep="\n", file=sys.stderr)
        raise SystemExit(1)


if __name__ == "__main__":
    main()
