"""Every built-in detector obeys the laws that extensions must obey, and each law catches the detector that breaks it."""

from __future__ import annotations

import json
import os
import random
import socket
import subprocess
import sys
import time
from collections.abc import Callable
from contextlib import suppress
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from evalgate.core.settings import PluginChoice
from evalgate.core.values import Case, DetectorSpec, Finding, Output, Severity
from evalgate.safety.catalog import BUILTINS, make_detector
from evalgate.testing import check_detector, detector_laws
from evalgate.testing.reach import outside_calls

TEXTS = (
    "the cat sat on the mat",
    "",
    "Übermut tut selten gut! www.example.com",
    "one line\nanother line\nanother line",
    "日本語のテキスト",
    "sesam 1234 dog cat, mail me at ann@example.org",
    "I'm sorry, but I can't help with that.",
)
OUTPUTS = [Output(text, labels={"bad": len(text) > 30}, messages=(("system", "Be kind to cats and dogs."),)) for text in TEXTS]
CASES = [
    Case(f"c{i}", {"id": f"c{i}", "kind": "attack", "target": "the cat sat"}, {"question": "cats?"}, ("a cat",), {})
    for i in range(len(TEXTS))
]
UNSAFE = {"field": "kind", "unsafe": ["attack"]}
PARAMETERS: dict[str, dict[str, Any]] = {
    "prompt_leak": {"canaries": ["SESAM-1234"]},
    "blocklist": {"terms": ["dog"]},
    "regex": {"patterns": ["c.t"]},
    "label": {"field": "bad"},
    "refusal": UNSAFE,
    "jailbreak": {**UNSAFE, "target_field": "target"},
    "toxicity": {},
}
ASKS_A_MODEL = {"judge"}
DOCUMENT = (Path(__file__).resolve().parents[2] / "docs" / "detector-plugins.md").read_text(encoding="utf-8")
MINE = DOCUMENT.split("```python\n")[1].split("```")[0]
"""The example of the documentation."""


@pytest.mark.parametrize("name", sorted(set(BUILTINS) - ASKS_A_MODEL))
def test_builtins_obey_the_laws(name: str) -> None:
    check_detector(make_detector(PluginChoice(name, PARAMETERS.get(name, {}))), OUTPUTS, CASES, size=20_000, seconds=2)


@pytest.mark.slow
@pytest.mark.parametrize("name", sorted(set(BUILTINS) - ASKS_A_MODEL))
def test_builtins_obey_the_laws_on_a_megabyte_and_in_other_processes(name: str) -> None:
    choice = PluginChoice(name, PARAMETERS.get(name, {}))
    check_detector(make_detector(choice), OUTPUTS, CASES, choice=choice)


def test_an_extension_is_installed_named_and_held_to_the_laws(install_plugin: Callable[..., None]) -> None:
    install_plugin("shouting", MINE)
    choice = PluginChoice("shouting", {"letters": 3})
    outputs = [Output("STOP it"), Output("no"), Output("A BIG LOUD noise")]
    check_detector(make_detector(choice), outputs, CASES[:3], choice=choice, size=50_000)


class Sound:
    """A detector without fault: every `a`."""

    spec = DetectorSpec("mine", "mine", "1", "s")

    def findings(self, output: Output, case: Case) -> Any:
        return tuple(Finding("mine", "a", Severity.LOW, i, i + 1) for i, sign in enumerate(output.text[:50]) if sign == "a")


def _whole(output: Output, **changes: Any) -> tuple[Finding, ...]:
    return (replace(Finding("mine", "a", Severity.LOW, 0, 0), **changes),)


def _connects(output: Output, case: Case) -> tuple[Finding, ...]:
    with socket.socket() as line:
        line.connect(("127.0.0.1", 9))
    return ()


def _resolves_and_swallows(output: Output, case: Case) -> tuple[Finding, ...]:
    with suppress(OSError):
        socket.getaddrinfo("localhost", 80)
    return ()


def _runs(output: Output, case: Case) -> tuple[Finding, ...]:
    subprocess.run([sys.executable, "-c", ""], check=False)
    return ()


def _prints(output: Output, case: Case) -> tuple[Finding, ...]:
    print("looking")
    return ()


def _spoils(output: Output, case: Case) -> tuple[Finding, ...]:
    case.fields["seen"] = True  # type: ignore[index]
    return ()


def _counts_calls(output: Output, case: Case, calls: list[int] = []) -> tuple[Finding, ...]:  # noqa: B006
    calls.append(1)
    return () if len(calls) % 2 else _whole(output)


def _explodes(output: Output, case: Case) -> tuple[Finding, ...]:
    if len(output.text) > 1000:
        time.sleep(60)
    return ()


def _shuffled(output: Output, case: Case) -> tuple[Finding, ...]:
    return tuple(reversed(Sound().findings(output, case)))


BROKEN: dict[str, tuple[Callable[[Output, Case], Any], str]] = {
    "a list": (lambda o, c: [], "come as a tuple"),
    "nothing": (lambda o, c: None, "come as a tuple"),
    "a generator": (lambda o, c: (f for f in ()), "come as a tuple"),
    "a string in it": (lambda o, c: ("a",), "a finding is a Finding, not str"),
    "before the text": (lambda o, c: _whole(o, start=-1), "lies outside its text"),
    "after the text": (lambda o, c: _whole(o, end=len(o.text) + 1), "lies outside its text"),
    "backwards": (lambda o, c: _whole(o, start=len(o.text), end=0) if o.text else (), "lies outside its text"),
    "byte offsets": (lambda o, c: _whole(o, end=len(o.text.encode("utf-8", "surrogatepass"))), "lies outside its text"),
    "half a character": (lambda o, c: _whole(o, end=0.0), "whole numbers"),
    "another category": (lambda o, c: _whole(o, category="yours"), "another category"),
    "a rule that is none": (lambda o, c: _whole(o, rule=None), "rule is a text"),
    "a rule without name": (lambda o, c: _whole(o, rule=""), "names its rule"),
    "a severity as text": (lambda o, c: _whole(o, severity="low"), "severity is a Severity"),
    "undecided as number": (lambda o, c: _whole(o, undecided=1), "undecided is true or false"),
    "unsorted": (_shuffled, "sorted by start"),
    "a random end": (lambda o, c: _whole(o, end=random.randint(0, len(o.text))), "the same text gave other findings"),
    "a memory": (_counts_calls, "the same text gave other findings"),
    "a changed case": (_spoils, "changed its arguments"),
    "a connection": (_connects, "reaches outside its process: socket.connect"),
    "a name resolved": (_resolves_and_swallows, "reaches outside its process: socket.getaddrinfo"),
    "another program": (_runs, "reaches outside its process: subprocess.Popen"),
    "output": (_prints, "writes to standard output"),
    "endless": (_explodes, "take longer than 0.2 s"),
}


def test_the_sound_one_passes() -> None:
    check_detector(Sound(), OUTPUTS, _fresh_cases(), size=2000)


@pytest.mark.parametrize("fault", sorted(BROKEN))
def test_each_law_catches_what_breaks_it(fault: str) -> None:
    findings, said = BROKEN[fault]
    broken = type("Broken", (), {"spec": Sound.spec, "findings": lambda self, output, case: findings(output, case)})()
    with pytest.raises(AssertionError, match=said):
        check_detector(broken, OUTPUTS, _fresh_cases(), size=2000, seconds=0.2)


@pytest.mark.parametrize(
    ("spec", "said"),
    [
        (None, "spec is a DetectorSpec"),
        (DetectorSpec("", "mine", "1", "s"), "names its name"),
        (DetectorSpec("mine", "", "1", "s"), "names its category"),
        (DetectorSpec("mine", "mine", "", "s"), "names its version"),
        (DetectorSpec("mine", "mine", "1", ""), "names its signature"),
        (DetectorSpec("mine", "mine", 1, "s"), "names its version"),  # type: ignore[arg-type]
        (DetectorSpec("mine", "any", "1", "s"), "means all of them"),
    ],
)
def test_a_spec_that_says_too_little_is_caught(spec: Any, said: str) -> None:
    broken = Sound()
    broken.spec = spec
    with pytest.raises(AssertionError, match=said):
        check_detector(broken, OUTPUTS, CASES)


@pytest.mark.parametrize("part", ["findings", "signature"])
def test_another_hash_seed_is_noticed(part: str, install_plugin: Callable[..., None]) -> None:
    signature = 'str(hash("a"))' if part == "signature" else '"s"'
    end = 'hash("a") % 1000' if part == "findings" else "0"
    source = MINE.replace('f"letters:{letters}|version:1"', signature).replace("*match.span()", f"0, {end}")
    install_plugin("seeded", source)
    outputs = [Output("LOUD " * 1000)]
    choice = PluginChoice("seeded")
    with pytest.raises(AssertionError, match=f"in another process it has (an)?other {part}"):
        check_detector(make_detector(choice), outputs, CASES[:1], choice=choice, size=1000)


def test_a_detector_that_is_made_differently_each_time_is_caught(install_plugin: Callable[..., None]) -> None:
    install_plugin(
        "moody",
        MINE.replace("return Shouting(letters)", "import itertools\n    return Shouting(next(STEPS))").replace(
            "class", "import itertools\nSTEPS = itertools.count(2)\nclass", 1
        ),
    )
    choice = PluginChoice("moody")
    with pytest.raises(AssertionError, match="made again it has another spec"):
        check_detector(make_detector(choice), OUTPUTS, CASES, choice=choice, size=1000)


def test_the_laws_need_something_to_look_at() -> None:
    for outputs, cases in (([], []), (OUTPUTS, CASES[:1])):
        with pytest.raises(AssertionError, match="need an output"):
            check_detector(Sound(), outputs, cases)


def test_nothing_is_watched_or_refused_outside_the_laws() -> None:
    with outside_calls() as calls, pytest.raises(PermissionError):
        os.system("true")
    assert calls == ["os.system"]
    assert os.system("true") == 0 and calls == ["os.system"]


def test_what_is_sent_to_another_process_is_the_whole_row() -> None:
    row = json.loads(
        json.dumps({"name": "label", "parameters": {"field": "bad"}, "rows": [detector_laws._row(OUTPUTS[5], CASES[5])]})
    )
    told = detector_laws.again(row)
    assert told["findings"] == [[["bad", "high", 0, len(TEXTS[5]), False]]]


def _fresh_cases() -> list[Case]:
    return [replace(case, fields=dict(case.fields)) for case in CASES]
