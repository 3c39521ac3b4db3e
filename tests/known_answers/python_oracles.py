"""Known answers from scipy and statsmodels: python tests/known_answers/python_oracles.py, where both are installed."""

from __future__ import annotations

import json
import os
from pathlib import Path

import numpy as np
import scipy
import statsmodels
import statsmodels.api as sm
from scipy import stats
from statsmodels.stats.contingency_tables import mcnemar
from statsmodels.stats.multitest import multipletests
from statsmodels.stats.proportion import proportion_confint


def noise(n: int, a: int, m: int) -> np.ndarray:
    return (np.arange(1, n + 1) * a % m) / m


def counts() -> list[dict]:
    rows = []
    for count, total in [(0, 30), (1, 30), (7, 100), (100, 100), (255, 1000)]:
        for level in (0.8, 0.9, 0.95):
            ends = proportion_confint(count, total, alpha=1 - level, method="beta")
            rows.append({"name": "rate", "count": count, "total": total, "level": level, "two_sided": [float(e) for e in ends]})
    for new, resolved in [(5, 0), (3, 3), (12, 4), (40, 61), (700, 640)]:
        found = mcnemar([[10, new], [resolved, 10]], exact=True).pvalue
        one = stats.binomtest(new, new + resolved, alternative="greater").pvalue
        rows.append({"name": "mcnemar", "new": new, "resolved": resolved, "two_sided": float(found), "greater": float(one)})
    return rows


def means() -> list[dict]:
    u, v = 0.3 * (noise(25, 9, 37) - 0.5), 0.4 * (noise(25, 5, 41) - 0.4)
    before, after = 0.5 + np.concatenate([u, -u]), 0.52 + np.concatenate([u / 2 + v, -u / 2 - v])
    test = stats.ttest_rel(after, before)
    plain = {"name": "plain", "baseline": before.tolist(), "candidate": after.tolist()}
    plain |= {"delta": list(map(float, test.confidence_interval(0.9))), "p_value": float(test.pvalue)}
    plain["relative"] = fieller(before, after)

    groups = np.repeat(np.arange(40), 3)
    shift = np.concatenate([noise(20, 7, 29), -noise(20, 7, 29)]) * 0.25
    jitter = np.concatenate([noise(60, 13, 73), -noise(60, 13, 73)]) * 0.15
    before = 0.5 + 0.3 * (noise(120, 31, 127) - 0.5)
    after = before + 0.01 + shift[groups] + jitter
    fit = sm.OLS(after - before, np.ones(120)).fit(cov_type="cluster", cov_kwds={"groups": groups}, use_t=True)
    clusters = {"name": "clusters", "baseline": before.tolist(), "candidate": after.tolist(), "groups": groups.tolist()}
    clusters |= {"delta": fit.conf_int(0.1)[0].tolist(), "p_value": float(fit.pvalues[0])}
    return [plain, clusters]


def fieller(before: np.ndarray, after: np.ndarray) -> list[float]:
    """The ratios that a paired t test at 10 % does not refuse, by a root finder on its p-value."""
    centre = after.mean() / before.mean()

    def refused(ratio: float) -> float:
        return float(stats.ttest_1samp(after - ratio * before, 0).pvalue) - 0.1

    return [
        float(scipy.optimize.brentq(refused, *ends, xtol=1e-15)) - 1 for ends in ((centre - 0.5, centre), (centre, centre + 0.5))
    ]


def randomised() -> list[dict]:
    rows = []
    for differences in ([3, 1, 2, -1, 4, 2, -2, 5, 1, 3, 1, -1], [1] * 11, [-5, -3, 2, -4, -6, -2, -1, -3, 1, -7]):
        row: dict = {"differences": [d / 16 for d in differences], "n": 40}
        for name, side in (("p_higher", "greater"), ("p_lower", "less")):
            pairs = (np.array(row["differences"]), np.zeros(len(differences)))
            found = stats.permutation_test(
                pairs, lambda a, b: (a - b).mean(), permutation_type="samples", alternative=side, n_resamples=1 << 20
            )
            row[name] = float(found.pvalue)
        rows.append(row)
    return rows


def resampled() -> list[dict]:
    """Percentile bootstrap and sampled sign changes, with so many of them that their own error is small."""
    before = noise(60, 17, 61)
    after = np.clip(before + 0.03 + 0.3 * (noise(60, 23, 67) - 0.5), 0, 1)
    d = after - before
    drawn = {"n_resamples": 200_000, "rng": np.random.default_rng(1), "vectorized": True, "batch": 10_000}
    ends = stats.bootstrap((d,), np.mean, confidence_level=0.9, method="percentile", **drawn).confidence_interval
    p = stats.permutation_test(
        (after, before), lambda a, b, axis: (a - b).mean(axis), permutation_type="samples", alternative="greater", **drawn
    ).pvalue
    row = {"baseline": before.tolist(), "candidate": after.tolist(), "delta": [float(e) for e in ends], "p_higher": float(p)}
    return [row | {"error": float(stats.sem(d)), "resamples": 200_000}]


def holm() -> list[dict]:
    sets = [[0.01, 0.04, 0.03, 0.005], [0.02, 0.02, 0.02], [0.04, 0.001, 0.04, 0.2, 0.013, 0.6, 1e-9], [0.9, 0.8], [0.03]]
    return [{"p": p, "adjusted": multipletests(p, method="holm")[1].tolist()} for p in sets]


def main() -> None:
    folder = Path(os.environ.get("KNOWN_ANSWERS_OUT", "tests/known_answers"))
    head = {
        "tool": f"scipy {scipy.__version__}, statsmodels {statsmodels.__version__}, numpy {np.__version__}",
        "command": "python tests/known_answers/python_oracles.py",
        "method": "proportion_confint(beta), mcnemar(exact), binomtest, ttest_rel, OLS with clustered errors, permutation_test over"
        " all sign changes, bootstrap(percentile), multipletests(holm); Fieller's set from ttest_1samp's p-value by brentq",
    }
    parts = {"counts": counts(), "means": means(), "randomisation": randomised(), "resampling": resampled(), "holm": holm()}
    lines = [f"{json.dumps(key)}: {json.dumps(value)}," for key, value in head.items()]
    for place, (name, rows) in enumerate(parts.items()):
        inner = ",\n".join(json.dumps(row) for row in rows)
        lines.append(f"{json.dumps(name)}: [\n{inner}\n]" + ("," if place < len(parts) - 1 else ""))
    (folder / "python_oracles.json").write_text("{\n" + "\n".join(lines) + "\n}\n", encoding="utf-8")


if __name__ == "__main__":
    main()
