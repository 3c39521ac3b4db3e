"""What the linter found as text, JSON, annotations, SARIF and JUnit: whatever a name or message holds, it stays text."""

from __future__ import annotations

import json
import re
import xml.etree.ElementTree as ET
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from evalgate.core.lint_report import LintFinding, LintReport, LintRuleNote, LintSeverity, in_order
from evalgate.report.lint_github import SHOWN, render_lint_github
from evalgate.report.lint_json import render_lint_json
from evalgate.report.lint_junit import render_lint_junit
from evalgate.report.lint_sarif import render_lint_sarif
from evalgate.report.lint_text import render_lint_text

RULES = tuple(
    LintRuleNote(code, name, severity, "It finds something.", "Because it matters.")
    for code, name, severity in (
        ("EP101", "undeclared-variable", LintSeverity.ERROR),
        ("EP305", "secret", LintSeverity.ERROR),
        ("EP404", "no-seed", LintSeverity.INFO),
        ("EP501", "no-owner", LintSeverity.WARNING),
    )
)
BY_CODE = {rule.code: rule for rule in RULES}
HOSTILE = 'a,b:c%0A::error::x\n::error file=x::pwned\r##[error]y\u202e]]><![CDATA[ "&<script>\x1b[31m'


def finding(
    code: str = "EP101", path: str = "p/1.prompt.yml", line: int = 3, message: str = "it is so", hint: str = "do it"
) -> LintFinding:
    rule = BY_CODE[code]
    return LintFinding(path, line, 7, code, rule.name, rule.severity, message, hint)


def report(*findings: LintFinding, files: tuple[str, ...] = ()) -> LintReport:
    names = tuple(sorted({one.path for one in findings} | set(files)))
    return LintReport(in_order(findings), names, RULES)


ALL = (finding(), finding("EP501"), finding("EP404"), finding("EP305", HOSTILE, 9, HOSTILE, HOSTILE))


def unescaped(text: str) -> str:
    for code, character in (("%2C", ","), ("%3A", ":"), ("%0A", "\n"), ("%0D", "\r"), ("%25", "%")):
        text = text.replace(code, character)
    return text


def commands(text: str) -> list[tuple[str, dict[str, str], str]]:
    """As the runner reads a log: each line, trimmed, that begins with `::`; and `##[` anywhere."""
    assert "##[" not in re.sub(r"(?m)^::.*$", "", text)
    found = []
    for line in re.split(r"\r\n|\r|\n", text):
        match = re.fullmatch(r"::(\w+) ([^:]*)::(.*)", line.strip())
        if match:
            pairs = (one.split("=", 1) for one in match.group(2).split(","))
            found.append((match.group(1), {key: unescaped(value) for key, value in pairs}, unescaped(match.group(3))))
        else:
            assert not line.strip().startswith("::"), line
    return found


def test_annotations_say_what_was_found_and_nothing_else() -> None:
    found = commands(render_lint_github(report(*ALL), strict=False))
    assert [one[0] for one in found] == ["error", "error", "warning", "notice"]
    assert found[1][1] == {
        "file": "p/1.prompt.yml",
        "line": "3",
        "endLine": "3",
        "col": "7",
        "title": "EP101 undeclared-variable",
    }
    assert found[1][2] == "it is so\ntry: do it"
    hostile = found[0]
    assert hostile[1]["line"] == "9"
    assert "\n::error" in hostile[2] and "\\u202e" in hostile[2]


@given(st.text(max_size=60), st.text(max_size=30))
def test_no_text_makes_a_command_of_its_own(message: str, path: str) -> None:
    found = commands(render_lint_github(report(finding(message=message, path=path)), strict=False))
    assert [one[0] for one in found] == ["error"]


@pytest.mark.parametrize("count", [1, SHOWN, SHOWN + 1, 137])
def test_more_annotations_than_github_shows_are_counted(count: int) -> None:
    many = [finding(line=number) for number in range(1, count + 1)]
    found = commands(render_lint_github(report(*many), strict=False))
    assert len(found) == min(count, SHOWN)
    if count > SHOWN:
        assert f"{count - SHOWN + 1} more errors" in found[-1][2]


def test_sarif_has_what_code_scanning_asks_for() -> None:
    text = render_lint_sarif(report(*ALL, finding(line=8)), version="1.2.3")
    document = json.loads(text)
    assert document["version"] == "2.1.0" and document["$schema"].endswith("sarif-2.1.0.json")
    (run,) = document["runs"]
    rules = run["tool"]["driver"]["rules"]
    assert [rule["id"] for rule in rules] == [rule.code for rule in RULES]
    for rule in rules:
        assert rule["shortDescription"]["text"] and rule["fullDescription"]["text"] and rule["help"]["text"]
        assert ("security-severity" in rule["properties"]) == (rule["id"] == "EP305")
    prints = set()
    for result in run["results"]:
        assert rules[result["ruleIndex"]]["id"] == result["ruleId"]
        assert result["level"] in ("error", "warning", "note")
        (place,) = result["locations"]
        physical = place["physicalLocation"]
        assert physical["region"]["startLine"] >= 1 and physical["region"]["startColumn"] >= 1
        assert re.fullmatch(r"[A-Za-z0-9._~/%@!$&'()*+,;=:-]+", physical["artifactLocation"]["uri"])
        prints.add(result["partialFingerprints"]["primaryLocationLineHash"])
    assert len(prints) == len(run["results"]) == 5
    assert text.isascii()


def test_a_finding_keeps_its_identity_when_its_line_moves() -> None:
    def identity(line: int) -> str:
        text = render_lint_sarif(report(finding(line=line)), version="1")
        return json.loads(text)["runs"][0]["results"][0]["partialFingerprints"]["primaryLocationLineHash"]

    assert identity(3) == identity(90)


@pytest.mark.parametrize(("strict", "failures"), [(False, 2), (True, 3)])
def test_junit_counts_what_refuses(strict: bool, failures: int) -> None:
    root = ET.fromstring(render_lint_junit(report(*ALL, files=("clean.prompt.yml",)), strict=strict))
    (suite,) = root
    assert suite.get("failures") == root.get("failures") == str(failures) == str(len(suite.findall("testcase/failure")))
    assert suite.get("tests") == str(len(suite.findall("testcase"))) == "5"
    names = [(case.get("classname"), case.get("name")) for case in suite.findall("testcase")]
    assert len(set(names)) == len(names)
    assert ("evalgate.prompt.lint.clean.prompt.yml", "no finding") in names


@given(st.text(max_size=60))
def test_any_text_is_well_formed_everywhere(text: str) -> None:
    one = report(finding(message=text, path=f"p{text}", hint=text))
    ET.fromstring(render_lint_junit(one, strict=False))
    assert json.loads(render_lint_json(one, strict=False))["findings"][0]["message"] == text
    json.loads(render_lint_sarif(one, version="1"))
    shown = render_lint_text(one, strict=False)
    assert not re.search(r"[\x00-\x08\x0b-\x1f\x7f\u202e]", shown)
    assert len(shown.splitlines()) <= 4


def test_json_is_sorted_and_whole() -> None:
    document = json.loads(render_lint_json(report(*ALL), strict=True))
    assert document["schema"] == "evalgate.lint/1"
    assert document["counts"] == {"error": 2, "warning": 1, "info": 1}
    assert document["refused"] is True
    places = [(one["path"], one["line"]) for one in document["findings"]]
    assert all(a <= b for a, b in pairwise(places))


@pytest.mark.parametrize(
    ("codes", "strict", "refused"),
    [
        ((), True, False),
        (("EP404",), True, False),
        (("EP501",), False, False),
        (("EP501",), True, True),
        (("EP101",), False, True),
    ],
)
def test_an_error_refuses_and_a_warning_only_with_strict(codes: tuple[str, ...], strict: bool, refused: bool) -> None:
    one = report(*(finding(code) for code in codes), files=("x",))
    assert one.fails(strict=strict) is refused
    assert render_lint_text(one, strict=strict).splitlines()[-1].startswith("refused" if refused else "ok")
