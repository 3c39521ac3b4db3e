"""The HTML report of 10,000 cases in a real Chromium: `python benchmarks/report_page.py`.

Size of the file, CPU seconds to write it, time until it can be used, time of a search (the first one, and one more letter), of a
filter, and of opening the last case by its link; with cases of the usual and of several times that length. Needs Playwright and
Chromium. Ends with exit 1 where the page is 15 MB or more, or takes 2 s or more to open: those are promised.
"""

from __future__ import annotations

import argparse
import shutil
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from statistics import median
from typing import Any

from costs import machine, write_json
from workload import write_files

from evalgate.pipeline.finished_run import read_record
from evalgate.report.page import render_html

MOST_BYTES, MOST_SECONDS = 15_000_000, 2.0
OPENINGS = 5
_TIMED = """([field, value, event]) => {
  const start = performance.now();
  const target = document.getElementById(field);
  target.value = value;
  target.dispatchEvent(new Event(event));
  document.body.getBoundingClientRect();
  return performance.now() - start;
}"""


def main() -> int:
    """Measure, print, and say whether the promises hold."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--cases", type=int, default=10_000)
    parser.add_argument("--json", type=Path, help="write the figures here")
    options = parser.parse_args()
    figures: dict[str, Any] = {"machine": machine(()), "cases": options.cases}
    faults = []
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        record = _record(folder, options.cases)
        for label, times in (("usual", 1), ("long", 4)):
            page = folder / f"{label}.html"
            started = time.process_time()
            page.write_text(render_html(_longer(record, times)), encoding="utf-8")
            found = {"bytes": page.stat().st_size, "cpu_seconds": round(time.process_time() - started, 2), **_in_browser(page)}
            figures[label] = found
            print(f"{label}: " + ", ".join(f"{key} {value:,}" for key, value in found.items()))
            if found["bytes"] >= MOST_BYTES or found["open_seconds"] >= MOST_SECONDS:
                faults.append(label)
    if options.json:
        write_json(options.json, figures)
    return 1 if faults else 0


def _record(folder: Path, cases: int) -> Any:
    files = write_files(folder / "texts", cases)
    names = ("exact_match", "token_f1", "bleu", "chrf", "rouge")
    metrics = [word for name in names for word in ("--metric", name)]
    command = [sys.executable, "-m", "evalgate", "--quiet", "compare", *files.arguments(), *metrics, "--out", str(folder / "run")]
    subprocess.run(command, check=True)
    return read_record(folder / "run")


def _longer(record: Any, times: int) -> Any:
    """The same cases with longer outputs."""
    from dataclasses import replace

    if times == 1:
        return record
    cases = []
    for case in record.cases:
        before, after = (replace(arm, text=" ".join([arm.text] * times)) for arm in (case.baseline, case.candidate))
        cases.append(replace(case, baseline=before, candidate=after))
    return replace(record, cases=tuple(cases))


def _in_browser(path: Path) -> dict[str, float]:
    from playwright.sync_api import sync_playwright

    with sync_playwright() as driver:
        browser = driver.chromium.launch(executable_path=shutil.which("chromium"), args=["--no-sandbox"])
        opened = []
        for _ in range(OPENINGS):
            page = browser.new_page()
            started = time.perf_counter()
            page.goto(path.as_uri(), wait_until="load")
            page.wait_for_selector("form.filter:not([hidden])")
            opened.append(time.perf_counter() - started)
            if len(opened) < OPENINGS:
                page.close()
        there = page.evaluate("Number(document.getElementById('shown').textContent.split(' ')[0].replaceAll(',', ''))")
        cold = browser.new_page()
        cold.goto(path.as_uri(), wait_until="load")
        first = cold.evaluate(_TIMED, ["search", "dpnovv", "input"])
        page.wait_for_timeout(3_000)
        second = [page.evaluate(_TIMED, ["search", word, "input"]) for word in ("dpn", "dpno", "dpnov", "no such word")]
        page.evaluate(_TIMED, ["search", "", "input"])
        filtered = page.evaluate(_TIMED, ["kind", "regressed", "change"])
        browser.close()
    return {
        "cases_in_file": there,
        "open_seconds": round(median(opened), 2),
        "first_search_ms": round(first, 1),
        "search_ms": round(max(second), 1),
        "filter_ms": round(filtered, 1),
    }


if __name__ == "__main__":
    raise SystemExit(main())
