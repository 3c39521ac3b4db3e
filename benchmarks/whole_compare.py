"""A whole `evalgate compare` against other tools doing the same work: `python benchmarks/whole_compare.py`.

BLEU, chrF, ROUGE-1/2/L, exact match and token F1 of two variants, from files to verdict, intervals of everything, the cases and
an HTML report; each in fresh processes. The peers are given the recorded outputs and score them with the reference libraries, by
an adapter each in benchmarks/peers/. They are installed into throw-away environments (`--environments` keeps them); what does not
install is said, with the reason. evalgate runs right before each peer, on the same cases, and the ratio is of that pair.

The figures of all of them must agree: anything else ends with exit 1. How long it took never does.
"""

from __future__ import annotations

import argparse
import json
import subprocess
import sys
import tempfile
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from costs import Cost, compile_evalgate, machine, measured, write_json
from peers.environments import PEERS, NotInstalled, Peer
from workload import METRICS, Files, real_files, write_files, write_gate

TOLERANCE = 1e-9
PACKAGES = ("evalgate-engine", "numpy", "pyarrow", "rapidfuzz")
COLD = ("promptfoo", "deepeval")
"""Whose empty run is held against a whole gate."""
GATE_CASES = 200
Means = dict[str, dict[str, float]]
"""Variant → figure → mean over cases, or the corpus's figure."""


@dataclass(slots=True)
class Bench:
    """Where things lie, and what was found so far."""

    folder: Path
    environments: Path
    timeout: float
    figures: dict[str, object]
    faults: list[str]
    workers: list[str]
    """What evalgate is told of its workers; empty: it decides."""

    def evalgate(self, arguments: list[str]) -> Cost:
        """One evalgate command in a fresh process."""
        said = self.folder / "evalgate.txt"
        cost = measured([sys.executable, "-m", "evalgate", *arguments], output=said, timeout=self.timeout)
        if cost.exit_code != 0:
            raise SystemExit(f"evalgate ended with {cost.exit_code}:\n{said.read_text()[-2000:]}")
        return cost

    def compare(self, files: Files) -> tuple[Cost, dict[str, Any]]:
        """A whole comparison into a folder of its own, and its verdict's metrics."""
        with tempfile.TemporaryDirectory(dir=self.folder) as out:
            metrics = [word for name in METRICS for word in ("--metric", name)]
            cost = self.evalgate(["compare", *files.arguments(), *metrics, *self.workers, "--out", f"{out}/run"])
            document = json.loads(Path(out, "run", "verdict.json").read_text("utf-8"))
            if not Path(out, "run", "report.html").stat().st_size:
                raise SystemExit("the report is empty")
        return cost, document["metrics"]

    def peer(self, peer: Peer, files: Files) -> tuple[Cost, Means]:
        """One peer on the same files, and the means that it found. Raises: NotInstalled, RuntimeError."""
        out, said = self.folder / peer.name, self.folder / f"{peer.name}.txt"
        given = [w for k, v in _options(files).items() for w in (k, str(v))]
        out.mkdir(exist_ok=True)
        (out / "means.json").unlink(missing_ok=True)
        command = peer.start(self.environments, given, out)
        cost = measured(command, output=said, cwd=out, timeout=self.timeout)
        if cost.exit_code != 0:
            raise RuntimeError(f"ended with {cost.exit_code}: {' '.join(said.read_text(errors='replace').split())[-300:]}")
        if peer.adapter.endswith(".cjs"):
            subprocess.run([*command, "--read", "yes"], check=True, timeout=600)
        return cost, json.loads((out / "means.json").read_text("utf-8"))


def _options(files: Files) -> dict[str, object]:
    paths = {"--references": files.references, "--baseline": files.baseline, "--candidate": files.candidate}
    return {**paths, "--reference-field": files.reference_field}


def disagreement(one: Means, other: Means) -> list[str]:
    """Figures that both have and that differ; having none in common is a fault too."""
    faults, common = [], 0
    for arm, figures in one.items():
        for name in figures.keys() & other[arm].keys():
            common += 1
            # Written so that NaN is a fault.
            if not abs(figures[name] - other[arm][name]) <= TOLERANCE * max(1.0, abs(figures[name])):
                faults.append(f"{arm} {name}: {figures[name]!r} and {other[arm][name]!r}")
    return faults if common else ["no figure in common"]


def agreement(means: Means, others: list[Means]) -> list[str]:
    """Faults of one tool's figures against those of others, of whom at least one must have a figure in common."""
    usable = [other for other in others if other and any(means[arm].keys() & other[arm].keys() for arm in means)]
    return [fault for other in usable for fault in disagreement(means, other)] if usable else ["no figure in common"]


def ours(metrics: dict[str, Any]) -> Means:
    """The verdict's figures under the names that adapters use."""
    corpus = {"bleu": "corpus.bleu", "chrf": "corpus.chrf"}
    return {arm: {corpus.get(name, name): found[arm] for name, found in metrics.items()} for arm in ("baseline", "candidate")}


def against(bench: Bench, peers: list[Peer], sizes: dict[str, int], repeats: int) -> None:
    """The comparison with every peer; the loop's means are what the others of the same size are held against."""
    reference: dict[int, Means] = {}
    for peer in peers:
        size = sizes.get(peer.name, peer.cases)
        means = one_peer(bench, peer, write_files(bench.folder / f"work{size}", size), repeats, reference.get(size))
        if peer.name == "loop" and means is not None:
            reference[size] = means


def one_peer(bench: Bench, peer: Peer, files: Files, repeats: int, known: Means | None = None) -> Means | None:
    """evalgate and one peer in turn; None where the peer does not work here."""
    try:
        peer.command(bench.environments)
    except NotInstalled as error:
        print(f"{peer.name}: not installed here: {error}")
        return None
    pairs = []
    means = None
    for _ in range(repeats):
        own, metrics = bench.compare(files)
        try:
            theirs, means = bench.peer(peer, files)
        except (RuntimeError, TimeoutError) as error:
            print(f"{peer.name}: did not finish: {error}")
            return None
        pairs.append((theirs.cpu_s / own.cpu_s, own, theirs))
        bench.faults += [f"{peer.name}, {files.name}: {fault}" for fault in agreement(means, [ours(metrics), known or {}])]
    ratio, own, theirs = sorted(pairs, key=lambda pair: pair[0])[len(pairs) // 2]
    memory = theirs.largest_mib / own.largest_mib
    print(f"{peer.name} ({peer.version}), {files.name}: {ratio:.1f} x evalgate's CPU, {memory:.1f} x its memory")
    print(f"  evalgate   {own.line}\n  {peer.name:10} {theirs.line}", flush=True)
    bench.figures[f"{peer.name}, {files.name}"] = {"ratio": ratio, "ratios": [p[0] for p in pairs], **_plain(own, theirs)}
    return means


def cold(bench: Bench, peers: list[Peer]) -> None:
    """A gate of 200 recorded cases, against the empty run of tools (one case)."""
    config = write_gate(bench.folder / "gate", GATE_CASES)
    one = write_files(bench.folder / "one", 1)
    gates = [bench.evalgate(["run", str(config), "--fresh"]) for _ in range(3)]
    gate = min(gates, key=lambda cost: cost.cpu_s)
    print(f"gate of {GATE_CASES} recorded cases, bleu chrf rougeL, three reports: {gate.line}")
    for peer in (peer for peer in peers if peer.name in COLD):
        try:
            costs = [bench.peer(peer, one)[0] for _ in range(3)]
        except (NotInstalled, RuntimeError, TimeoutError) as error:
            print(f"{peer.name}: no empty run: {error}")
            continue
        least = min(costs, key=lambda cost: cost.cpu_s)
        print(f"  {peer.name}, one case: {least.cpu_s / gate.cpu_s:.1f} x the whole gate's CPU\n  {peer.name:10} {least.line}")
        bench.figures[f"cold {peer.name}"] = {"ratio": least.cpu_s / gate.cpu_s, **_plain(gate, least)}


def _plain(own: Cost, theirs: Cost) -> dict[str, float]:
    cpu = {"evalgate_cpu_s": own.cpu_s, "peer_cpu_s": theirs.cpu_s, "evalgate_wall_s": own.wall_s, "peer_wall_s": theirs.wall_s}
    return {**cpu, "evalgate_mib": own.largest_mib, "peer_mib": theirs.largest_mib}


def main() -> None:
    """Measure, compare, print."""
    names = [peer.name for peer in PEERS]
    arguments = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    arguments.add_argument("--peers", default=",".join(names), help=f"which (default: {','.join(names)}); empty: evalgate alone")
    arguments.add_argument("--cases", type=int, help="cases for every peer (default: 10,000; inspect and lm_eval 1,000)")
    arguments.add_argument("--jobs", type=int, help="workers of evalgate's comparison (default: it decides)")
    arguments.add_argument("--repeats", type=int, default=1, help="pairs of runs; the median ratio counts (default: 1)")
    arguments.add_argument("--environments", type=Path, help="folder that keeps the peers' environments (default: thrown away)")
    arguments.add_argument(
        "--real", action="store_true", help="the loop on the real outputs in ../shared/data too, where they are"
    )
    arguments.add_argument("--no-cold", action="store_true", help="leave out the gate of 200 cases against empty runs")
    arguments.add_argument("--timeout", type=float, default=1800.0, help="seconds for one run (default: 1800)")
    arguments.add_argument("--figures", type=Path, help="write the figures to this JSON file")
    options = arguments.parse_args()
    unknown = set(filter(None, options.peers.split(","))) - set(names)
    if unknown:
        arguments.error(f"unknown peers: {', '.join(sorted(unknown))}; there are {', '.join(names)}")
    chosen = [peer for peer in PEERS if peer.name in options.peers.split(",")]
    print(machine(PACKAGES))
    compile_evalgate()
    workers = ["--jobs", str(options.jobs)] if options.jobs else []
    with tempfile.TemporaryDirectory() as folder:
        bench = Bench(Path(folder), options.environments or Path(folder, "environments"), options.timeout, {}, [], workers)
        bench.environments.mkdir(parents=True, exist_ok=True)
        if not chosen:
            size = options.cases or 10_000
            cost, _ = bench.compare(write_files(bench.folder / "work", size))
            print(f"evalgate, {size:,} x 2: {cost.line}")
            bench.figures["evalgate"] = cost
        against(bench, chosen, dict.fromkeys(names, options.cases) if options.cases else {}, options.repeats)
        for files in real_files() if options.real else ():
            one_peer(bench, PEERS[0], files, options.repeats)
        if not options.no_cold:
            cold(bench, chosen)
        write_json(options.figures, bench.figures)
    if bench.faults:
        print(f"{len(bench.faults)} figures do not agree", *bench.faults[:20], sep="\n  ", file=sys.stderr)
        raise SystemExit(1)


if __name__ == "__main__":
    main()
