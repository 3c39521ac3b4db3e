"""What the door prints of prompts: results of template tests and comparisons, for people and for programs."""

from __future__ import annotations

from evalgate.report.prompt_diff_markdown import render_prompt_diff
from evalgate.report.prompt_diff_text import diff_document, diff_lines
from evalgate.report.template_results import result_document, result_junit, result_lines

__all__ = ["diff_document", "diff_lines", "render_prompt_diff", "result_document", "result_junit", "result_lines"]
