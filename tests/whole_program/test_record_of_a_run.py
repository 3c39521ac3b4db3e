"""A finished run keeps what its reports are made from: they can be made again, byte for byte, without measuring anything."""

from __future__ import annotations

import json

from evalgate.core.record_file import record_from
from evalgate.report.junit import render_junit
from evalgate.report.page import render_html
from evalgate.report.summary import render_markdown


def test_reports_are_made_again_from_the_record(project) -> None:
    made = project(cases=60, base=20, right=50, metrics="[exact_match, chrf]", safety="[pii]")
    folder = made.root / "out"
    made.run("--out", str(folder))
    read = lambda name: json.loads((folder / name).read_text(encoding="utf-8"))  # noqa: E731
    others = {"document": read("verdict.json"), "manifest": read("manifest.json"), "environment": read("run.json")}
    record = record_from(read("record.json"), others, "out")
    assert render_html(record) == (folder / "report.html").read_text(encoding="utf-8")
    assert render_junit(record) == (folder / "junit.xml").read_text(encoding="utf-8")
    assert render_markdown(record) == (folder / "summary.md").read_text(encoding="utf-8")


def test_the_record_knows_no_place_of_this_machine(project) -> None:
    made = project()
    made.run("--out", str(made.root / "out"))
    assert str(made.root) not in (made.root / "out" / "record.json").read_text(encoding="utf-8")
