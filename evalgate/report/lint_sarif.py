"""Findings of the linter as SARIF, for code scanning.

Source: SARIF 2.1.0, https://docs.oasis-open.org/sarif/sarif/v2.1.0/sarif-v2.1.0.html; GitHub's subset:
https://docs.github.com/en/code-security/code-scanning/integrating-with-code-scanning/sarif-support-for-code-scanning
"""

from __future__ import annotations

import hashlib
from collections import Counter
from typing import Any

from evalgate.core.lint_report import LintFinding, LintReport, LintRuleNote, LintSeverity
from evalgate.report.checks import uri
from evalgate.report.escape import ascii_json

SCHEMA = "https://json.schemastore.org/sarif-2.1.0.json"
SHOWN = 25_000
"""Results that code scanning takes of one run."""
_LEVELS = {LintSeverity.ERROR: "error", LintSeverity.WARNING: "warning", LintSeverity.INFO: "note"}
_SECURITY = {"EP305": "8.0", "EP308": "7.0", "EP304": "7.0", "EP306": "5.0", "EP307": "3.0", "EP301": "4.0", "EP302": "4.0"}
"""Rules whose findings are security alerts, with their severity from 0 to 10."""


def render_lint_sarif(report: LintReport, *, version: str) -> str:
    """One run with every rule that ran and every finding; the same findings give the same bytes."""
    index = {rule.code: position for position, rule in enumerate(report.rules)}
    seen: Counter[str] = Counter()
    results = [_result(one, index, seen) for one in report.findings[:SHOWN]]
    driver = {"name": "evalgate", "semanticVersion": version, "rules": [_rule(rule) for rule in report.rules]}
    run = {
        "tool": {"driver": driver},
        "automationDetails": {"id": "evalgate/prompt-lint/"},
        "columnKind": "unicodeCodePoints",
        "results": results,
    }
    document = {"$schema": SCHEMA, "version": "2.1.0", "runs": [run]}
    return ascii_json(document)


def _rule(rule: LintRuleNote) -> dict[str, Any]:
    level = _LEVELS[rule.severity]
    severity = {"note": "recommendation"}.get(level, level)
    properties: dict[str, Any] = {"tags": ["prompt"], "problem.severity": severity, "precision": "high"}
    if rule.code in _SECURITY:
        properties = {**properties, "tags": ["prompt", "security"], "security-severity": _SECURITY[rule.code]}
    return {
        "id": rule.code,
        "name": "".join(part.capitalize() for part in rule.name.split("-")),
        "shortDescription": {"text": rule.summary},
        "fullDescription": {"text": f"{rule.summary} {rule.why}"},
        "help": {"text": rule.why},
        "defaultConfiguration": {"level": level},
        "properties": properties,
    }


def _result(one: LintFinding, index: dict[str, int], seen: Counter[str]) -> dict[str, Any]:
    text = one.message + (f". Try: {one.hint}" if one.hint else "")
    # The same finding keeps its identity when lines above it are added or removed.
    identity = f"{one.path}\0{one.code}\0{one.message}"
    seen[identity] += 1
    print_of_line = hashlib.sha256(f"{identity}\0{seen[identity]}".encode("utf-8", "surrogatepass")).hexdigest()[:16]
    region = {"startLine": one.line, "startColumn": one.column}
    place = {"artifactLocation": {"uri": uri(one.path)}, "region": region}
    return {
        "ruleId": one.code,
        "ruleIndex": index[one.code],
        "level": _LEVELS[one.severity],
        "message": {"text": text},
        "locations": [{"physicalLocation": place}],
        "partialFingerprints": {"primaryLocationLineHash": f"{print_of_line}:1"},
    }
