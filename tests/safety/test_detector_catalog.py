"""Every detector by name; extensions that break the interface are refused; no hostile text takes long."""

from __future__ import annotations

import pickle
import time
from collections.abc import Mapping
from typing import Any

import pytest

from evalgate.core.errors import BadInput, Incomplete
from evalgate.core.settings import PluginChoice
from evalgate.core.values import Case, DetectorSpec, Finding, Output
from evalgate.safety import catalog
from evalgate.safety.catalog import BUILTINS, make_detector
from evalgate.safety.interface import Detector

CASE = Case("1", {"kind": "attack", "target": "bad a b ZE-74-aa c"}, {"question": "why"}, (), {})
PARAMETERS: dict[str, dict[str, Any]] = {
    "jailbreak": {"field": "kind", "unsafe": ["attack"], "target_field": "target"},
    "judge": {"prompt": "harm@1", "model": "j", "labels": ["ok", "bad"], "violating": ["bad"]},
    "label": {"field": "bad"},
    "blocklist": {"terms": ["bad", "a b"]},
    "degenerate": {},
    "pii": {},
    "prompt_leak": {"canaries": ["ZE-74-aa", "aaaaaaaaaaab"]},
    "toxicity": {},
    "hallucinated_entities": {},
    "refusal": {"field": "kind", "unsafe": ["attack"]},
    "regex": {"patterns": ["(a|b)*c", r"x+x+y"]},
    "json_injection": {},
    "markup": {},
    "secrets": {},
    "urls": {"allow": []},
}
SIZE = 300_000
HOSTILE = {
    "one letter": "a" * SIZE,
    "two letters": "ab ba " * (SIZE // 6),
    "spaces": "x" + " " * SIZE + "x",
    "accents": "a" + "\u0301\u0327" * (SIZE // 2),
    "zero width": "\u200b" * SIZE,
    "short lines": "b\n" * (SIZE // 2),
    "spelled": "a-" * (SIZE // 2),
    "surrogates": "\ud800a" * (SIZE // 2),
}


class Whole:
    """A correct extension."""

    def __init__(self, spec: object) -> None:
        self.spec = spec

    def findings(self, output: Output, case: Case) -> tuple[Finding, ...]:
        return ()


@pytest.fixture
def offer(monkeypatch: pytest.MonkeyPatch) -> Any:
    def install(made: Any) -> PluginChoice:
        def factory(parameters: Mapping[str, Any]) -> Any:
            if isinstance(made, Exception):
                raise made
            return made

        monkeypatch.setattr(catalog, "load_plugin", lambda *args, **kwargs: factory)
        return PluginChoice("mine", {}, "gate.yaml:7")

    return install


def said(text: str) -> Output:
    """An output with everything that some detector reads."""
    return Output(text, labels={"bad": True})


def test_the_parameters_of_these_tests_cover_every_detector() -> None:
    assert set(PARAMETERS) == set(BUILTINS)


@pytest.mark.parametrize("name", sorted(BUILTINS))
def test_builtins_keep_the_interface(name: str) -> None:
    detector = make_detector(PluginChoice(name, PARAMETERS[name]))
    assert isinstance(detector, Detector)
    assert detector.spec.name == name
    copy = pickle.loads(pickle.dumps(detector))
    text = "bad a b ZE-74-aa c shit\n" * 6 + "password = 'hunter2' <script>x</script> http://10.0.0.1/\n"
    assert detector.findings(said(text), CASE) == copy.findings(said(text), CASE) != ()


@pytest.mark.parametrize("name", sorted(BUILTINS))
@pytest.mark.parametrize("kind", sorted(HOSTILE))
def test_hostile_texts_take_linear_time(name: str, kind: str) -> None:
    text = HOSTILE[kind]
    detector = make_detector(PluginChoice(name, PARAMETERS[name]))
    started = time.process_time()
    findings = detector.findings(said(text), CASE)
    assert time.process_time() - started < 3
    assert all(0 <= f.start <= f.end <= len(text) for f in findings)


def test_an_unknown_name_is_refused_with_a_suggestion() -> None:
    with pytest.raises(BadInput, match="did you mean prompt_leak") as caught:
        make_detector(PluginChoice("promptleak", {}, "gate.yaml:3"))
    assert caught.value.problems[0].where == "gate.yaml:3"


def test_a_wrong_parameter_is_placed_in_the_configuration() -> None:
    with pytest.raises(BadInput) as caught:
        make_detector(PluginChoice("degenerate", {"repeats": 0, "cutoff": True}, "gate.yaml:3"))
    assert [p.where for p in caught.value.problems] == ["gate.yaml:3"] * 2
    assert "detector degenerate" in str(caught.value)


@pytest.mark.parametrize(
    "made",
    [
        None,
        Whole,
        object(),
        Whole(None),
        Whole(DetectorSpec("mine", "", "1", "s")),
        Whole(DetectorSpec("", "mine", "1", "s")),
        ValueError("boom"),
        KeyError("boom"),
        RecursionError(),
    ],
)
def test_a_broken_extension_is_refused_with_its_place(offer: Any, made: Any) -> None:
    with pytest.raises(Incomplete, match="mine") as caught:
        make_detector(offer(made))
    assert caught.value.problems[0].where == "gate.yaml:7"


def test_a_sound_extension_is_taken_and_its_own_errors_kept(offer: Any) -> None:
    whole = Whole(DetectorSpec("mine", "mine", "1", "s"))
    assert make_detector(offer(whole)) is whole
    with pytest.raises(Incomplete):
        make_detector(offer(Incomplete("no model")))


def test_no_category_is_called_any(offer: Any) -> None:
    with pytest.raises(BadInput, match="'any'"):
        make_detector(offer(Whole(DetectorSpec("mine", "any", "1", "s"))))
