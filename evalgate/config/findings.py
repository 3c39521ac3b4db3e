"""The group `findings`: what reports may show of findings, how they are recognised again, and what is waived."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from evalgate.config.faults import Faults, key_text
from evalgate.config.key_texts import looks_like_key, looks_random
from evalgate.config.model_entries import VARIABLE
from evalgate.core.document import Document
from evalgate.core.settings import FindingsChoice

if TYPE_CHECKING:
    from evalgate.config.schema_models import FindingsEntry


def check_findings(raw: Any, faults: Faults) -> None:
    """Note what the shape of the group does not tell."""
    name = raw.get("key_env") if isinstance(raw, dict) else None
    if not isinstance(name, str):
        return
    path = ("findings", "key_env")
    hint = "write the name of the variable, such as EVALGATE_FINDINGS_KEY; the key itself never stands in a file"
    if looks_like_key(name) or looks_random(name):
        faults.add(path, f"{key_text(path)} looks like a key, not like the name of a variable", hint)
    elif not VARIABLE.fullmatch(name):
        faults.add(path, f"{key_text(path)} must be the name of an environment variable: letters, digits and underscores", hint)


def findings_choice(entry: FindingsEntry | None, document: Document) -> FindingsChoice:
    """The group as a frozen value; without it everything stays masked, under a public key, and nothing is waived."""
    if entry is None:
        return FindingsChoice()
    place = document.place("findings", "waivers")
    return FindingsChoice(entry.text == "shown", entry.key_env, entry.waivers, place)
