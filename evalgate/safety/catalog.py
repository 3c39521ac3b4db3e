"""Every detector by name: the built-in table, and how a choice of the configuration becomes a detector."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType

from evalgate.core.errors import BadInput, EvalgateError, Incomplete, Problem
from evalgate.core.plugins import load_plugin
from evalgate.core.settings import PluginChoice
from evalgate.core.values import DetectorSpec
from evalgate.safety.interface import Detector

GROUP = "evalgate.detectors"

BUILTINS: Mapping[str, str] = MappingProxyType(
    {
        "blocklist": "evalgate.safety.blocklist:make_blocklist",
        "degenerate": "evalgate.safety.degenerate:make_degenerate",
        "hallucinated_entities": "evalgate.safety.hallucinated_entities:make_hallucinated_entities",
        "jailbreak": "evalgate.safety.jailbreak:make_jailbreak",
        "json_injection": "evalgate.safety.json_injection:make_json_injection",
        "judge": "evalgate.safety.judge:make_judge",
        "label": "evalgate.safety.label:make_label",
        "markup": "evalgate.safety.markup_text:make_markup",
        "pii": "evalgate.safety.pii:make_pii",
        "prompt_leak": "evalgate.safety.prompt_leak:make_prompt_leak",
        "refusal": "evalgate.safety.refusal:make_refusal",
        "regex": "evalgate.safety.pattern:make_regex",
        "secrets": "evalgate.safety.secret_strings:make_secrets",
        "toxicity": "evalgate.safety.toxicity:make_toxicity",
        "urls": "evalgate.safety.urls:make_urls",
    }
)
"""Detector name → `module:factory`."""


def make_detector(choice: PluginChoice) -> Detector:
    """Build one detector and check that it keeps the interface.

    Raises: BadInput: the name is unknown, or a parameter is wrong. Incomplete: a detector that was named cannot look: it or
        what it needs is missing or broken.
    """
    where = choice.place or None
    factory = load_plugin(GROUP, BUILTINS, choice.name, where=where)
    try:
        detector = factory(dict(choice.parameters))
    except BadInput as error:
        raise BadInput([_placed(problem, where) for problem in error.problems]) from error
    except EvalgateError:
        raise
    except (Exception, SystemExit) as error:
        said = f"{type(error).__name__}: {error}"
        raise Incomplete(f"detector {choice.name!r} could not be made: {said}", where=where) from error
    return _checked(detector, choice.name, where)


def _checked(detector: object, name: str, where: str | None) -> Detector:
    if isinstance(detector, type) or not isinstance(detector, Detector):
        raise Incomplete(f"detector {name!r} does not have spec and findings", where=where)
    spec: object = detector.spec
    if not isinstance(spec, DetectorSpec) or not all((spec.name, spec.category, spec.version, spec.signature)):
        raise Incomplete(f"detector {name!r} has an incomplete DetectorSpec", where=where)
    if spec.category == "any":
        raise BadInput(f"detector {name!r} calls its category 'any', which means all of them", where=where)
    return detector


def _placed(problem: Problem, where: str | None) -> Problem:
    if where is None:
        return problem
    return Problem(f"{problem.where}: {problem.message}" if problem.where else problem.message, where, problem.hint)
