"""Which reports exist and what their files are called."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType

GROUP = "evalgate.reports"
"""Entry-point group of further reports: each is a function from a `RunRecord` to text."""

BUILTINS: Mapping[str, str] = MappingProxyType(
    {
        "html": "evalgate.report.page:render_html",
        "junit": "evalgate.report.junit:render_junit",
        "markdown": "evalgate.report.summary:render_markdown",
    }
)
"""Report name → `module:function`."""

FILES: Mapping[str, str] = MappingProxyType({"html": "report.html", "junit": "junit.xml", "markdown": "summary.md"})
"""Report name → file name in the run's folder."""
