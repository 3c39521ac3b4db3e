"""How CI systems read what a job writes: the rules of GitHub's runner and of GitLab's parsers, written down as Python.

Sources: actions/runner (`ActionCommand.cs`, `ActionCommandManager.cs`, `FileCommandManager.cs`); GitLab
(`lib/gitlab/ci/parsers/test/junit.rb`, `codequality/code_climate.rb`, `metrics/generic.rb`).
"""

from __future__ import annotations

import hashlib
import json
import re
import shlex
import unicodedata
import xml.etree.ElementTree as ET
from dataclasses import dataclass
from typing import Any

DOTNET_SPACE = "\t\n\x0b\x0c\r \x85\xa0\u1680\u2000\u2001\u2002\u2003\u2004\u2005\u2006\u2007\u2008\u2009\u200a\u2028\u2029\u202f\u205f\u3000"
_FURTHER = [
    0x034F,
    0x115F,
    0x1160,
    0x17B4,
    0x17B5,
    0x3164,
    0xFFA0,
    *range(0x180B, 0x1810),
    *range(0xFE00, 0xFE10),
    *range(0xE0100, 0xE01F0),
]
_FORMATS = [
    c
    for c in (*range(0x20000), *range(0xE0000, 0xE0100))
    if c not in (9, 10, 13) and unicodedata.category(chr(c)) in ("Cf", "Cc", "Cs")
]
_WEIGHTLESS = dict.fromkeys([*_FORMATS, *_FURTHER])
"""What a comparison by ICU's rules passes over: formats, controls and what Unicode calls ignorable by default."""
SEVERITIES = ("info", "minor", "major", "critical", "blocker")


@dataclass(frozen=True)
class Command:
    """One workflow command that the runner would act on."""

    name: str
    properties: dict[str, str]
    data: str


def commands(log: str, *, by_culture: bool = False) -> list[Command]:
    """Every command in a log, by any name; `by_culture`: with the runner's search passing over characters without weight."""
    found = []
    for line in re.split(r"\r\n|\r|\n", log.translate(_WEIGHTLESS) if by_culture else log):
        command = _second_form(line) or _first_form(line)
        found += [command] if command else []
    return found


def _second_form(line: str) -> Command | None:
    """`::name key=value,key=value::data` at the start of a line."""
    line = line.lstrip(DOTNET_SPACE)
    if not line.startswith("::") or (end := line.find("::", 2)) < 0:
        return None
    name, _, rest = line[2:end].partition(" ")
    pairs = (pair.split("=", 1) for pair in rest.strip().split(",") if pair)
    codes = [("%0D", "\r"), ("%0A", "\n"), ("%3A", ":"), ("%2C", ","), ("%25", "%")]
    properties = {pair[0]: _decoded(pair[1], codes) for pair in pairs if len(pair) == 2 and all(pair)}
    return Command(name, properties, _decoded(line[end + 2 :], [codes[0], codes[1], codes[4]]))


def _first_form(line: str) -> Command | None:
    """`##[name key=value;key=value]data` anywhere in a line."""
    start = line.find("##[")
    end = line.find("]", start)
    if start < 0 or end < 0:
        return None
    name, _, rest = line[start + 3 : end].partition(" ")
    return Command(name, dict(pair.split("=", 1) for pair in rest.split(";") if "=" in pair), line[end + 1 :])


def _decoded(text: str, codes: list[tuple[str, str]]) -> str:
    for code, character in codes:
        text = text.replace(code, character)
    return text


def outputs(text: str) -> list[tuple[str, str]]:
    """What a file of `$GITHUB_OUTPUT` sets, in order."""
    lines, pairs = iter(re.split(r"\r\n|\r|\n", text)), []
    for line in lines:
        if not line:
            continue
        equals, heredoc = line.find("="), line.find("<<")
        if equals >= 0 and (heredoc < 0 or equals < heredoc):
            pairs.append((line[:equals], line[equals + 1 :]))
            continue
        if heredoc < 0:
            raise ValueError(f"neither = nor << in {line!r}")
        inside, delimiter = [], line[heredoc + 2 :]
        for one in lines:
            if one == delimiter:
                break
            inside.append(one)
        else:
            raise ValueError("the delimiter never comes")
        pairs.append((line[:heredoc], "\n".join(inside)))
    return pairs


def junit(text: str) -> dict[str, tuple[str, str]]:
    """GitLab's view of a JUnit file: identity of each test → (status, what is shown); equal identities collapse."""
    root = ET.fromstring(text.encode("utf-8"))
    tests = {}
    for suite in root.iter("testsuite"):
        for case in suite.findall("testcase"):
            told = f"{suite.get('name')}_{case.get('classname')}_{case.get('name')}"
            kinds = [(kind, case.find(kind)) for kind in ("failure", "error", "skipped")]
            status, element = next(((kind, one) for kind, one in kinds if one is not None), ("success", None))
            shown = (element.text or "") if element is not None else ""
            tests[hashlib.sha256(told.encode("utf-8")).hexdigest()] = (status, shown)
    return tests


def code_quality(text: str) -> dict[str, dict[str, Any]]:
    """GitLab's view of a code quality report: items by fingerprint, up to the first that is not valid."""
    found: dict[str, dict[str, Any]] = {}
    for item in json.loads(text):
        lines = item.get("location", {}).get("lines", {})
        wanted = [item.get(key) for key in ("description", "check_name", "fingerprint", "severity")]
        if not all(isinstance(one, str) and one for one in [*wanted, item.get("location", {}).get("path")]):
            break
        if item["severity"] not in SEVERITIES or not isinstance(lines.get("begin"), int):
            break
        found[item["fingerprint"]] = item
    return found


def metrics(text: str) -> dict[str, str]:
    """GitLab's view of a metrics report: name with labels → value, both texts."""
    found = {}
    for line in text.splitlines():
        tokens = shlex.split(re.sub(r"#.*$", "", line))
        if tokens:
            found[tokens[0]] = tokens[1]
    return found


def dotenv(text: str) -> dict[str, str]:
    """GitLab's view of a dotenv report."""
    if len(text.encode("utf-8")) > 5 << 10:
        raise ValueError("larger than 5 KB")
    found = {}
    for line in text.removesuffix("\n").split("\n"):
        match = re.fullmatch(r"([A-Za-z0-9_]+)=([^\s'\"#\\]*)", line)
        if match is None:
            raise ValueError(f"not KEY=value: {line!r}")
        found[match[1]] = match[2]
    if len(found) > 20:
        raise ValueError("more than 20 variables")
    return found
