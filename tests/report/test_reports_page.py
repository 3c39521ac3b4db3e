"""docs/reports.md names every report with its parts and files, and its sample lines are what is written."""

from __future__ import annotations

import re
from pathlib import Path

from evalgate.report.catalog import REPORTS
from evalgate.report.github_outputs import plain_facts


def test_every_part_stands_in_the_table_with_its_file(repository: Path) -> None:
    page = (repository / "docs" / "reports.md").read_text(encoding="utf-8")
    rows = re.findall(r"^\|(?: `(\w+)`)? \| `(\w+)` \| `([\w.-]+)` \|", page, flags=re.MULTILINE)
    format_, found = "", []
    for name, part, file in rows:
        format_ = name or format_
        found.append((format_, part, file))
    assert found == [(name, part.name, part.file) for name, parts in REPORTS.items() for part in parts]


def test_the_help_names_every_part(repository: Path) -> None:
    from evalgate.cli.parser_report import _EPILOG, FORMATS

    for name, parts in REPORTS.items():
        assert name in FORMATS
        line = next(line for line in _EPILOG.splitlines() if line.split()[:1] == [name])
        assert re.findall(r"[a-z]+", line)[1] == parts[0].name
        assert all(part.name in line for part in parts)


def test_the_outputs_of_the_page_are_those_that_are_written(repository: Path, record) -> None:
    page = (repository / "docs" / "reports.md").read_text(encoding="utf-8")
    listed = re.search(r"never a text: (.*?)\.\n", page, flags=re.DOTALL)
    assert listed is not None
    assert re.findall(r"`(\w+)`", listed[1]) == list(plain_facts(record("x")))
