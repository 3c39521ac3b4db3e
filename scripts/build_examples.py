"""Renew the reports under reports/examples/: `python scripts/build_examples.py`.

Runs every shipped gate in replay mode and keeps what a reader wants to see. A test holds these files against fresh runs.
"""

from __future__ import annotations

import shutil
import tempfile
from pathlib import Path

import evalgate

ROOT = Path(__file__).resolve().parents[1]
EXAMPLES = ROOT / "reports" / "examples"
KEPT = ("verdict.json", "manifest.json", "summary.md", "junit.xml", "report.html")


def main() -> None:
    """Run every gate and copy its documents."""
    for config in sorted((ROOT / "configs").glob("*.yaml")):
        with tempfile.TemporaryDirectory() as folder:
            result = evalgate.run(config, out=Path(folder) / "run")
            target = EXAMPLES / config.stem
            target.mkdir(parents=True, exist_ok=True)
            for name in KEPT:
                shutil.copyfile(result.folder / name, target / name)
        print(f"{config.stem}: {result.verdict.decision}, exit {result.exit_code}")


if __name__ == "__main__":
    main()
