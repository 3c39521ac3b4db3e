"""report.html: one file that opens from disk, without network, and is complete without scripts."""

from __future__ import annotations

from evalgate.core.record import RunRecord
from evalgate.report import phrases
from evalgate.report.markup import Markup, element, join
from evalgate.report.page_attempts import attempts
from evalgate.report.page_audit import audit
from evalgate.report.page_cases import cases
from evalgate.report.page_flaky import flaky
from evalgate.report.page_health import health
from evalgate.report.page_results import banner, changed, metrics, thresholds
from evalgate.report.page_safety import safety
from evalgate.report.page_slices import slices
from evalgate.report.page_style import asset, source_hash, style

_SECTIONS = (
    ("thresholds", "Thresholds"),
    ("metrics", "Metrics"),
    ("safety", "Safety"),
    ("slices", "Slices"),
    ("flaky", "Flaky cases"),
    ("changed", "What changed"),
    ("cases", "Cases"),
    ("health", "Dataset health"),
    ("attempts", "Attempts"),
    ("audit", "Audit"),
)


def render_html(record: RunRecord) -> str:
    """The whole report.

    Nothing in it loads, links or runs anything but the style and the script inside, which the Content-Security-Policy
    names by their hashes; a page that was tampered with by its data could not run a script of its own.
    """
    look, script = style("report.css"), asset("report.js")
    policy = (
        f"default-src 'none'; style-src '{source_hash(look)}'; script-src '{source_hash(script)}'; "
        "img-src data:; base-uri 'none'; form-action 'none'"
    )
    main = join(
        [
            thresholds(record),
            metrics(record),
            safety(record),
            slices(record),
            flaky(record),
            changed(record),
            cases(record),
            health(record),
            attempts(record),
            audit(record),
        ]
    )
    title = f"{phrases.word(record.verdict.decision)}: {record.identity.gate} (evalgate)"
    return "".join(
        [
            '<!doctype html>\n<html lang="en">\n<head>\n<meta charset="utf-8">\n',
            f'<meta http-equiv="Content-Security-Policy" content="{policy}">\n',
            '<meta name="viewport" content="width=device-width, initial-scale=1">\n',
            '<meta name="referrer" content="no-referrer">\n',
            f"{element('title', title)}\n<style>{look}</style>\n</head>\n<body>\n",
            element("a", "To the thresholds", class_="skip", href="#thresholds"),
            banner(record),
            _navigation(record),
            element("main", main),
            element("footer", element("p", "Made by evalgate. Every number here is in verdict.json.")),
            f"<script>{script}</script>\n</body>\n</html>\n",
        ]
    )


def _navigation(record: RunRecord) -> Markup:
    filled = (
        ("slices", record.verdict.slices),
        ("flaky", record.verdict.flaky),
        ("health", record.health),
        ("attempts", record.attempts),
    )
    empty = {name for name, content in filled if not content}
    known = [(name, label) for name, label in _SECTIONS if name not in empty]
    return element("nav", *(element("a", label, href=f"#{name}") for name, label in known), aria_label="Sections")
