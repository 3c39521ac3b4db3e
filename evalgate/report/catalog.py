"""Which reports exist, of which files each is made, and what these are called."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from types import MappingProxyType

from evalgate.core.errors import BadInput, Incomplete
from evalgate.core.plugins import load_plugin, suggestion
from evalgate.core.record import RunRecord

GROUP = "evalgate.reports"
"""Entry-point group of further reports: each is a function from a `RunRecord` to text."""

VERDICT = "verdict.json"
"""Written by every run, last of all, and by no report."""


@dataclass(frozen=True, slots=True)
class Part:
    """One file of a report."""

    name: str
    """As `--part` asks for it."""
    file: str
    """Its name in the run's folder."""
    renderer: str
    """`module:function`, from a `RunRecord` to text."""
    on_request: bool = False
    """Whether it is written only when it is named: a second file with the same tests would count them twice."""


def _part(name: str, file: str, renderer: str, *, on_request: bool = False) -> Part:
    return Part(name, file, f"evalgate.report.{renderer}", on_request)


REPORTS: Mapping[str, tuple[Part, ...]] = MappingProxyType(
    {
        "html": (_part("page", "report.html", "page:render_html"),),
        "junit": (
            _part("default", "junit.xml", "junit:render_junit"),
            _part("strict", "junit-strict.xml", "junit:render_junit_strict", on_request=True),
        ),
        "markdown": (
            _part("summary", "summary.md", "summary:render_markdown"),
            _part("comment", "comment.md", "summary:render_comment"),
        ),
        "github": (
            _part("annotations", "github-annotations.txt", "github_annotations:render_annotations"),
            _part("outputs", "github-outputs.txt", "github_outputs:render_outputs"),
        ),
        "gitlab": (
            _part("codequality", "gl-code-quality-report.json", "gitlab_code_quality:render_code_quality"),
            _part("metrics", "metrics.txt", "gitlab_metrics:render_metrics"),
            _part("dotenv", "gate.env", "gitlab_dotenv:render_dotenv"),
        ),
        "sarif": (_part("results", "results.sarif", "sarif:render_sarif"),),
        "json": (_part("verdict", VERDICT, "verdict_json:render_json"),),
        "csv": (_part("cases", "cases.csv", "cases_csv:render_csv"),),
    }
)
"""Report name → its files; the first is the one that a single file, or standard output, gets."""

BUILTINS: Mapping[str, str] = MappingProxyType({name: parts[0].renderer for name, parts in REPORTS.items()})
"""Report name → `module:function` of its first file."""

FILES: tuple[str, ...] = tuple(part.file for parts in REPORTS.values() for part in parts if part.file != VERDICT)
"""Every file that a report may be kept in."""


def report_parts(name: str) -> tuple[Part, ...]:
    """The files of a report; one for the report of an extension."""
    return REPORTS.get(name, (Part("report", f"{name}.txt", name),))


def chosen_part(name: str, part: str) -> Part:
    """One file of a report.

    Raises: BadInput when the report has no such part.
    """
    parts = report_parts(name)
    for one in parts:
        if one.name == part:
            return one
    raise BadInput(f"{name} has no part {part!r}", where="--part", hint=suggestion(part, [one.name for one in parts]))


def rendered(name: str, part: Part, record: RunRecord) -> str:
    """The text of one file of a report.

    Raises: BadInput when there is no such report; Incomplete when an extension does not give text.
    """
    if name in REPORTS:
        text: str = load_plugin(GROUP, {name: part.renderer}, name)(record)
        return text
    render = load_plugin(GROUP, BUILTINS, name, where="--format")
    try:
        found = render(record)
    except Exception as error:
        raise Incomplete(f"report {name!r} failed: {type(error).__name__}: {error}", hint="ask who provides it") from error
    if not isinstance(found, str):
        raise Incomplete(f"report {name!r} gives {type(found).__name__}, not text", hint="ask who provides it")
    return found


def report_files(name: str, record: RunRecord) -> Iterator[tuple[str, str]]:
    """(file name, text) of what a run leaves in its folder for a report; verdict.json is not among them."""
    for part in report_parts(name):
        if part.file != VERDICT and not part.on_request:
            yield part.file, rendered(name, part, record)
