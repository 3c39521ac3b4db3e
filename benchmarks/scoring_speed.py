"""evalgate's metrics against the reference libraries called directly: `python benchmarks/scoring_speed.py`.

Rows per case and corpus scores of BLEU, chrF and ROUGE-1/2/L for both variants. Each side runs in a fresh process; its CPU
seconds are those of the scoring alone, after imports and reading; the whole process is shown beside it. The libraries are called
in the cheapest way that gives both rows and scores: sacrebleu's segment statistics once per variant, rouge-score once per output.

Every row and every score, of the corpus and of each case, must be equal: BLEU and chrF to 1e-9, ROUGE to 1e-12. Anything else
ends with exit 1. How long it took never does.
"""

from __future__ import annotations

import argparse
import json
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

from costs import Cost, machine, measured, write_json
from workload import Files, read_texts, real_files, write_files

TOLERANCES = {"bleu": 1e-9, "chrf": 1e-9, "rouge1": 1e-12, "rouge2": 1e-12, "rougeL": 1e-12}
SHARD = 2048
"""Cases that are measured together, as the runner does."""
PACKAGES = ("evalgate-engine", "sacrebleu", "rouge-score", "rapidfuzz", "numpy")


def score_with_evalgate(references: list[str], outputs: dict[str, list[str]]) -> dict[str, Any]:
    """Metric → rows and corpus score of each variant, and the seconds spent."""
    from evalgate.core.settings import PluginChoice
    from evalgate.core.values import Case, Expectation, Output
    from evalgate.metrics.catalog import choose_metrics

    chosen = choose_metrics([PluginChoice(name, {}) for name in TOLERANCES])
    warm = [Expectation(("a word",), Case("w", {}, {}, ("a word",), {}))]
    for one in chosen:
        one.metric.rows([Output("a word")], warm)
    started = time.process_time()
    found: dict[str, Any] = {one.name: {arm: [] for arm in outputs} for one in chosen}
    spent = dict.fromkeys(found, 0.0)
    for first in range(0, len(references), SHARD):
        part = slice(first, first + SHARD)
        expected = [Expectation((text,), Case("c", {}, {}, (text,), {})) for text in references[part]]
        given = [Output(text) for texts in outputs.values() for text in texts[part]]
        for one in chosen:
            begun = time.process_time()
            rows = one.metric.rows(given, expected * len(outputs))
            for number, arm in enumerate(outputs):
                found[one.name][arm].append(rows[number * len(expected) : (number + 1) * len(expected)])
            spent[one.name] += time.process_time() - begun
    return {"rows": found, "started": started, "spent": spent, "metrics": {one.name: one.metric for one in chosen}}


def evalgate_side(references: list[str], outputs: dict[str, list[str]]) -> dict[str, Any]:
    """Rows, corpus scores and scores of each case by evalgate."""
    import numpy as np

    measured_rows = score_with_evalgate(references, outputs)
    rows = {name: {arm: np.concatenate(blocks) for arm, blocks in arms.items()} for name, arms in measured_rows["rows"].items()}
    score: Callable[..., Any] = lambda name, sums: measured_rows["metrics"][name].score(sums)  # noqa: E731
    scores = {n: {a: float(score(n, r.sum(axis=0, keepdims=True))[0]) for a, r in arms.items()} for n, arms in rows.items()}
    seconds = time.process_time() - measured_rows["started"]
    each = {name: {arm: score(name, r) for arm, r in arms.items()} for name, arms in rows.items()}
    rows = {name: arms for name, arms in rows.items() if not name.startswith("rouge")}
    return {"seconds": seconds, "spent": measured_rows["spent"], "rows": rows, "scores": scores, "each": each}


def library_side(references: list[str], outputs: dict[str, list[str]]) -> dict[str, Any]:
    """The same by sacrebleu and rouge-score."""
    import numpy as np
    from rouge_score.rouge_scorer import RougeScorer
    from sacrebleu.metrics.bleu import BLEU
    from sacrebleu.metrics.chrf import CHRF

    rouges = [name for name in TOLERANCES if name.startswith("rouge")]
    libraries, scorer = {"bleu": BLEU(force=True), "chrf": CHRF()}, RougeScorer(rouges)
    scorer.score("a word", "a word")
    started = time.process_time()
    rows: dict[str, Any] = {name: {} for name in libraries}
    scores: dict[str, Any] = {name: {} for name in TOLERANCES}
    each: dict[str, Any] = {name: {} for name in TOLERANCES}
    spent = dict.fromkeys(("bleu", "chrf", "rouge"), 0.0)
    for arm, texts in outputs.items():
        for name, library in libraries.items():
            begun = time.process_time()
            rows[name][arm] = np.array(library._extract_corpus_statistics(texts, [references]), dtype=np.int64)
            scores[name][arm] = library._compute_score_from_stats(rows[name][arm].sum(axis=0).tolist()).score
            spent[name] += time.process_time() - begun
        begun = time.process_time()
        pairs = [scorer.score(reference, text) for reference, text in zip(references, texts, strict=True)]
        for name in rouges:
            each[name][arm] = np.array([pair[name].fmeasure for pair in pairs])
            scores[name][arm] = float(each[name][arm].mean())
        spent["rouge"] += time.process_time() - begun
    seconds = time.process_time() - started
    for name, library in libraries.items():
        for arm, table in rows[name].items():
            each[name][arm] = np.array([library._compute_score_from_stats(row).score for row in table.tolist()])
    return {"seconds": seconds, "spent": spent, "rows": rows, "scores": scores, "each": each}


SIDES = {"evalgate": evalgate_side, "libraries": library_side}


def differences(ours: dict[str, Any], theirs: dict[str, Any]) -> list[str]:
    """What is not equal; empty when all is well."""
    import numpy as np

    faults = []
    for name, limit in TOLERANCES.items():
        for arm, score in theirs["scores"][name].items():
            # Written so that NaN is a fault.
            if not abs(ours["scores"][name][arm] - score) <= limit:
                faults.append(f"{name} of {arm}: {ours['scores'][name][arm]!r}, the library says {score!r}")
            for kind in ("rows", "each"):
                if name not in theirs[kind]:
                    continue
                mine, other = np.asarray(ours[kind][name][arm], float), np.asarray(theirs[kind][name][arm], float)
                if mine.shape != other.shape:
                    faults.append(f"{name} {kind} of {arm}: shape {mine.shape}, the library's {other.shape}")
                elif not (wrong := ~(np.abs(mine - other) <= (0 if kind == "rows" else limit))).any():
                    continue
                else:
                    at = int(np.argwhere(wrong)[0][0])
                    faults.append(f"{name} {kind} of {arm}: case {at} is {mine[at]}, the library says {other[at]}")
    return faults


def run_side(side: str, files: Files, kept: Path) -> tuple[Cost, dict[str, Any]]:
    """One side in a process of its own."""
    spec = [files.name, *map(str, (files.references, files.baseline, files.candidate)), files.reference_field]
    said = kept.with_suffix(".txt")
    cost = measured([sys.executable, __file__, "--side", side, "--spec", json.dumps(spec), "--kept", str(kept)], output=said)
    if cost.exit_code != 0:
        raise SystemExit(f"{side} ended with {cost.exit_code}:\n{said.read_text()[-2000:]}")
    return cost, unpacked(kept)


def child(options: argparse.Namespace) -> None:
    """Score, and leave the result for the parent."""
    name, references, baseline, candidate, column = json.loads(options.spec)
    texts, outputs = read_texts(Files(name, Path(references), Path(baseline), Path(candidate), column))
    pack(SIDES[options.side](texts, outputs), options.kept)


def pack(result: dict[str, Any], path: Path) -> None:
    """Arrays and numbers of one side, in one .npz file."""
    import numpy as np

    tables = {
        f"{k} {name} {arm}": table for k in ("rows", "each") for name, arms in result[k].items() for arm, table in arms.items()
    }
    numbers = json.dumps({key: result[key] for key in ("seconds", "spent", "scores")})
    np.savez(path, allow_pickle=False, numbers=np.frombuffer(numbers.encode(), np.uint8), **tables)


def unpacked(path: Path) -> dict[str, Any]:
    """What `pack` wrote."""
    import numpy as np

    with np.load(path, allow_pickle=False) as tables:
        result = {"rows": {}, "each": {}, **json.loads(tables["numbers"].tobytes())}
        for key in tables.files:
            if key != "numbers":
                kind, name, arm = key.split()
                result[kind].setdefault(name, {})[arm] = tables[key]
    return result


def compare(files: Files, folder: Path, repeats: int) -> tuple[dict[str, object], list[str]]:
    """Both sides in turn, `repeats` times; the least of each counts."""
    best: dict[str, tuple[float, Cost, dict[str, Any]]] = {}
    faults: list[str] = []
    for _ in range(repeats):
        found = {}
        for side in SIDES:
            cost, result = run_side(side, files, folder / f"{side}.npz")
            found[side] = result
            if side not in best or result["seconds"] < best[side][0]:
                best[side] = (result["seconds"], cost, result)
        faults += differences(found["evalgate"], found["libraries"])
    (ours, our_cost, our_result), (theirs, their_cost, their_result) = best["evalgate"], best["libraries"]
    whole = their_cost.cpu_s / our_cost.cpu_s
    print(f"{files.name}: {theirs / ours:.1f} x less CPU for the scoring, {whole:.1f} x for the whole process")
    for side, seconds, cost, result in (
        ("evalgate", ours, our_cost, our_result),
        ("libraries", theirs, their_cost, their_result),
    ):
        parts = ", ".join(f"{name} {spent:.2f}" for name, spent in result["spent"].items())
        print(f"  {side:10} scoring {seconds:7.2f} s CPU ({parts})\n             process {cost.line}")
    scores = their_result["scores"]
    print("  scores    ", ", ".join(f"{name} {s['baseline']:.4g} -> {s['candidate']:.4g}" for name, s in scores.items()))
    print(f"  equal      {'every row and score' if not faults else f'NO: {faults[0]}'}")
    figures = {"ratio": theirs / ours, "ratio_of_processes": whole, "evalgate_s": ours, "libraries_s": theirs}
    return {**figures, "evalgate": our_cost, "libraries": their_cost}, faults


def main() -> None:
    """Measure, compare, print."""
    arguments = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    arguments.add_argument("--cases", type=int, default=10_000, help="generated cases; 0: none (default: 10,000)")
    arguments.add_argument("--repeats", type=int, default=1, help="runs of each side; the least counts (default: 1)")
    arguments.add_argument("--real", action="store_true", help="the real outputs in ../shared/data too")
    arguments.add_argument("--figures", type=Path, help="write the figures to this JSON file")
    for hidden in ("--side", "--spec"):
        arguments.add_argument(hidden, help=argparse.SUPPRESS)
    arguments.add_argument("--kept", type=Path, help=argparse.SUPPRESS)
    options = arguments.parse_args()
    if options.side:
        child(options)
        return
    print(machine(PACKAGES))
    faults: list[str] = []
    with tempfile.TemporaryDirectory() as folder:
        wanted = [write_files(Path(folder) / "work", options.cases)] if options.cases else []
        if options.real:
            real = real_files()
            wanted += real
            if not real:
                print("real outputs: skipped, ../shared/data is not on this machine")
        for files in wanted:
            figures, found = compare(files, Path(folder), options.repeats)
            faults += [f"{files.name}: {fault}" for fault in found]
            if files is wanted[0]:
                write_json(options.figures, figures)
    if faults:
        print(f"{len(faults)} differences from the reference libraries", *faults[:20], sep="\n  ", file=sys.stderr)
        raise SystemExit(1)


if __name__ == "__main__":
    main()
