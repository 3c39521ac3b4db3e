"""What a model as judge said: its recorded answer read strictly, for the detector and the metric of that name alike."""

from __future__ import annotations

import re
from collections.abc import Collection
from dataclasses import dataclass
from typing import Any

from evalgate.core.strict_json import parse_json
from evalgate.core.values import Output, Status

UNPARSEABLE = "unparseable"
REFUSED = "refused"
NO_ANSWER = "no_answer"
_FILTERED = "content_filter"
_WHOLE = (None, "stop", "stop_sequence", "end_turn", "eos", "eos_token", "completed")
"""Why an answer ended, in the words of several providers, when nothing of it is missing."""
_WHOLE_NUMBER = re.compile(r"-?[0-9]{1,9}")


@dataclass(frozen=True, slots=True)
class Judgement:
    """What a judge's answer comes to."""

    label: str | None
    """One of the judge's labels; None where the answer says none of them."""
    fault: str | None = None
    """Why there is no label: `unparseable`, `refused` or `no_answer`."""


def judgement_name(prompt: str, model: str) -> str:
    """Under what name the judgements that a metric asks for stand beside an output: a matter of who is asked what."""
    return f"{prompt} by {model}"


def read_judgement(answer: Output | None, labels: tuple[str, ...], form: str) -> Judgement:
    """What a judge's answer says: one of the labels and nothing else, or in the form `json` an object with that label.

    Case and white space around it do not matter. Anything more is not a judgement: prose, a full stop, a fence around JSON,
    a key twice, another key than `label` and `reason`, an answer that was cut off or had something taken out of it.
    """
    text, fault = _text_of(answer)
    if text is None:
        return Judgement(None, fault)
    said = text if form == "label" else _text_in(text)
    known = {label.casefold(): label for label in labels}
    label = known.get(said.strip().casefold()) if said is not None else None
    return Judgement(label, None if label is not None else UNPARSEABLE)


def read_score(answer: Output | None, low: int, high: int, form: str) -> int | None:
    """The score that a judge's answer says: exactly one whole number from `low` to `high`, or in the form `json` an object
    with `score`, a whole number, and perhaps a `reason`; None where it says anything else, as for labels."""
    text, _ = _text_of(answer)
    if text is None:
        return None
    said = _number(text) if form == "label" else _number_in(text)
    return said if said is not None and low <= said <= high else None


def _text_of(answer: Output | None) -> tuple[str | None, str | None]:
    """The text of an answer that is whole, or what is wrong with it."""
    if answer is None or answer.status is Status.ERROR:
        return None, NO_ANSWER
    if answer.finish == _FILTERED:
        return None, REFUSED
    if answer.finish not in _WHOLE or answer.redacted:
        return None, UNPARSEABLE
    return answer.text, None


def _text_in(text: str) -> str | None:
    value = _object(text, {"label"})
    return value["label"] if value is not None and isinstance(value["label"], str) else None


def _number(text: str) -> int | None:
    return int(text) if _WHOLE_NUMBER.fullmatch(text := text.strip()) else None


def _number_in(text: str) -> int | None:
    value = _object(text, {"score"})
    return value["score"] if value is not None and type(value["score"]) is int else None


def _object(text: str, needed: Collection[str]) -> dict[str, Any] | None:
    try:
        value = parse_json(text)
    except ValueError:
        return None
    if not isinstance(value, dict) or not set(needed) <= value.keys() <= {*needed, "reason"}:
        return None
    return value if isinstance(value.get("reason", ""), str) else None
