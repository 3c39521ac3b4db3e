"""results.sarif: thresholds that did not pass, for code scanning.

Source: SARIF 2.1.0, https://docs.oasis-open.org/sarif/sarif/v2.1.0/sarif-v2.1.0.html; GitHub's subset:
https://docs.github.com/en/code-security/code-scanning/integrating-with-code-scanning/sarif-support-for-code-scanning
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Mapping
from typing import Any

from evalgate.core.record import RunRecord
from evalgate.core.settings import TargetKind, Threshold
from evalgate.core.values import Severity
from evalgate.core.verdict import Decision
from evalgate.core.visible import terminal_line
from evalgate.report import phrases
from evalgate.report.checks import Check, checks, prompt_place, unexplained, uri, worst_first
from evalgate.report.escape import ascii_json, shortened
from evalgate.report.lint_sarif import SCHEMA

SHOWN = 5_000
"""Results that code scanning shows of one run."""
TEXT_LIMIT = 2_000
_LEVELS = {Decision.FAIL: "error", Decision.INCONCLUSIVE: "warning"}
_SECURITY = {Severity.LOW: "3.0", Severity.MEDIUM: "5.5", Severity.HIGH: "8.0", Severity.CRITICAL: "9.5"}
"""Least severity that a threshold counts → severity of its alert, from 0 to 10; rules of quality are no security alerts."""
_VERDICT = "verdict"
_VERSION = re.compile(r"[0-9][0-9A-Za-z.+-]{0,60}")
_HELP = (
    "The candidate may replace the baseline when every blocking threshold passes. The report of the run shows the cases behind "
    "this figure; evalgate run gives the same verdict again."
)
_KINDS = {TargetKind.METRIC: "the metric", TargetKind.SAFETY: "violations of safety:", TargetKind.RUN: "the run's figure"}


def render_sarif(record: RunRecord) -> str:
    """One run with a rule for every threshold and a result for every one that did not pass; the same run gives the same bytes."""
    every = checks(record)
    rules = {_rule_id(check.result.threshold): _rule(check.result.threshold) for check in every}
    results = [_threshold(record, check) for check in worst_first(record)[:SHOWN]]
    if unexplained(record):
        rules[_VERDICT] = _described(_VERDICT, "The verdict of the gate", _HELP, ["prompt"])
        decision = record.verdict.decision
        results.append(_result(record, (_VERDICT, _LEVELS[decision], _VERDICT), record.verdict.reason))
    index = {rule: position for position, rule in enumerate(rules)}
    driver = {"name": "evalgate", **_version(record), "rules": list(rules.values())}
    run = {
        "tool": {"driver": driver},
        "automationDetails": {"id": f"evalgate/{uri(terminal_line(record.identity.gate)).replace('/', '%2F')}/"},
        "columnKind": "unicodeCodePoints",
        "results": [{**one, "ruleIndex": index[one["ruleId"]]} for one in results],
        "properties": {
            "verdict": record.verdict.decision.value,
            "exitCode": int(record.verdict.exit_code),
            "runId": record.identity.run_id,
            "rootDigest": record.identity.manifest_digest,
        },
    }
    return ascii_json({"$schema": SCHEMA, "version": "2.1.0", "runs": [run]})


def _version(record: RunRecord) -> dict[str, str]:
    """Of evalgate when it made the run, which may be another than now."""
    packages = record.environment.get("packages")
    version = packages.get("evalgate-engine") if isinstance(packages, Mapping) else None
    return {"semanticVersion": version} if isinstance(version, str) and _VERSION.fullmatch(version) else {}


def _rule_id(threshold: Threshold) -> str:
    narrowed = f"/{threshold.severity.value}" if threshold.only and threshold.severity else ""
    return terminal_line(f"{threshold.kind.value}/{threshold.name}/{threshold.bound.value}{narrowed}")


def _rule(threshold: Threshold) -> dict[str, Any]:
    about = terminal_line(f"{_KINDS[threshold.kind]} {threshold.name}{f' ({threshold.only})' if threshold.only else ''}")
    summary = f"A threshold on {about} ({threshold.bound.value})"
    if threshold.kind is not TargetKind.SAFETY:
        return _described(_rule_id(threshold), summary, _HELP, ["prompt"])
    rule = _described(_rule_id(threshold), summary, _HELP, ["prompt", "security"])
    rule["properties"]["security-severity"] = _SECURITY[threshold.severity or Severity.HIGH]
    return rule


def _described(identifier: str, summary: str, told: str, tags: list[str]) -> dict[str, Any]:
    return {
        "id": identifier,
        "shortDescription": {"text": shortened(summary, 900)},
        "fullDescription": {"text": f"{shortened(summary, 900)} did not pass or could not be decided."},
        "help": {"text": told},
        "defaultConfiguration": {"level": "error"},
        "properties": {"tags": tags, "problem.severity": "error", "precision": "high"},
    }


def _threshold(record: RunRecord, check: Check) -> dict[str, Any]:
    level = "note" if check.warns else _LEVELS[check.result.decision]
    said = f"{phrases.outcome(check.result)} {check.name}: {check.result.reason}"
    return _result(record, (_rule_id(check.result.threshold), level, check.name), said)


def _result(record: RunRecord, finding: tuple[str, str, str], text: str) -> dict[str, Any]:
    rule, level, name = finding
    path, line = prompt_place(record)
    # Neither figures nor line: the alert stays the same until the threshold passes, and is closed then.
    told = hashlib.sha256(f"{record.identity.gate}\0{name}".encode("utf-8", "surrogatepass")).hexdigest()[:16]
    return {
        "ruleId": rule,
        "level": level,
        "message": {"text": terminal_line(shortened(text, TEXT_LIMIT))},
        "locations": [
            {"physicalLocation": {"artifactLocation": {"uri": uri(path)}, "region": {"startLine": line, "startColumn": 1}}}
        ],
        "partialFingerprints": {"primaryLocationLineHash": f"{told}:1"},
    }
