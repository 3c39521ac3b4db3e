"""A script as people write it: a loop over sacrebleu and rouge-score, a bootstrap, a CSV of the cases and a page of the worst.

Each case is scored by sacrebleu's documented function, and the segment statistics that a bootstrap needs are taken out of its
insides. With `--cheapest` the cases are scored from those statistics too, so that nothing is counted twice.
"""

from __future__ import annotations

import csv
import html
import sys
from pathlib import Path
from typing import Any

import numpy as np
from scoring import NAMES, Scoring, arguments, cases, exact_match, token_f1, write_means

RESAMPLES = 1_000
WORST = 50


def measured(found: list[tuple[str, str, str]], scoring: Scoring, cheapest: bool) -> tuple[dict[str, Any], dict[str, Any]]:
    """Figures of each case, and sacrebleu's segment statistics, which the bootstrap needs."""
    references, outputs = [case[1] for case in found], [case[2] for case in found]
    statistics = {name: getattr(scoring, name)._extract_corpus_statistics(outputs, [references]) for name in ("bleu", "chrf")}
    if cheapest:
        each = {n: [getattr(scoring, n)._compute_score_from_stats(row).score for row in rows] for n, rows in statistics.items()}
    else:
        pairs = list(zip(references, outputs, strict=True))
        each = {n: [getattr(scoring, n).sentence_score(output, [ref]).score for ref, output in pairs] for n in statistics}
    pairs = [scoring.rouge.score(reference, output) for _, reference, output in found]
    each.update({name: [pair[name].fmeasure for pair in pairs] for name in pairs[0]})
    each["exact_match"] = [exact_match(reference, output) for _, reference, output in found]
    each["token_f1"] = [token_f1(reference, output) for _, reference, output in found]
    return {n: np.array(v) for n, v in each.items()}, {n: np.array(v, dtype=float) for n, v in statistics.items()}


def intervals(each: dict[str, Any], corpus: dict[str, Any], score: Any) -> dict[str, list[float]]:
    """Percentile intervals of all changes, by a paired bootstrap."""
    rng, count = np.random.default_rng(0), len(each["baseline"]["rouge1"])
    means = {n: each["candidate"][n] - each["baseline"][n] for n in NAMES if n not in corpus["baseline"]}
    drawn: dict[str, list[float]] = {name: [] for name in NAMES}
    for _ in range(RESAMPLES):
        weights = np.bincount(rng.integers(0, count, count), minlength=count).astype(float)
        for name, change in means.items():
            drawn[name].append(float(weights @ change) / count)
        for name in corpus["baseline"]:
            after, before = (score(name, weights @ corpus[arm][name]) for arm in ("candidate", "baseline"))
            drawn[name].append(after - before)
    return {name: np.quantile(values, (0.025, 0.975)).tolist() for name, values in drawn.items()}


def report(folder: Path, found: dict[str, Any], each: dict[str, Any]) -> None:
    """cases.csv, and worst.html."""
    folder.mkdir(parents=True, exist_ok=True)
    with (folder / "cases.csv").open("w", newline="", encoding="utf-8") as file:
        table = csv.writer(file)
        table.writerow(["id", *(f"{arm}.{name}" for arm in each for name in NAMES)])
        columns = [each[arm][name] for arm in each for name in NAMES]
        table.writerows([case[0], *figures] for case, *figures in zip(found["baseline"], *columns, strict=True))
    change = each["candidate"]["rougeL"] - each["baseline"]["rougeL"]
    lines = ["<table>"]
    for at in np.argsort(change)[:WORST]:
        texts = (found["baseline"][at][1], found["baseline"][at][2], found["candidate"][at][2])
        lines.append("<tr>" + "".join(f"<td>{html.escape(text)}</td>" for text in texts) + "</tr>")
    (folder / "worst.html").write_text("\n".join([*lines, "</table>"]), encoding="utf-8")


def main() -> None:
    """All of it."""
    cheapest = "--cheapest" in sys.argv
    sys.argv = [word for word in sys.argv if word != "--cheapest"]
    options = arguments()
    found, scoring = cases(options), Scoring()
    done = {arm: measured(given, scoring, cheapest) for arm, given in found.items()}
    each, corpus = ({arm: pair[k] for arm, pair in done.items()} for k in (0, 1))

    def score(name: str, totals: Any) -> float:
        return float(getattr(scoring, name)._compute_score_from_stats([int(total) for total in totals]).score)

    print(intervals(each, corpus, score))
    report(options.out, found, each)
    means = {arm: {name: float(each[arm][name].mean()) for name in NAMES} for arm in found}
    for arm, figures in means.items():
        figures.update({f"corpus.{name}": score(name, rows.sum(axis=0)) for name, rows in corpus[arm].items()})
    write_means(options.out, means)


if __name__ == "__main__":
    main()
