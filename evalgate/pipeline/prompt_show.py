"""What the door prints of prompts: results of template tests, for people and for programs."""

from __future__ import annotations

from evalgate.report.template_results import result_document, result_junit, result_lines

__all__ = ["result_document", "result_junit", "result_lines"]
