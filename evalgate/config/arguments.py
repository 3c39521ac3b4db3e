r"""Read the arguments of `evalgate compare`: metrics, detectors and thresholds in one word each.

A metric or detector is `NAME` or `NAME:KEY=VALUE,KEY=VALUE`. A comma separates only where `KEY=` follows, so that
`exact_match:extract=answer is (.*), right,normalize=none` has two parameters. Values are `true`, `false`, numbers, or
text; `[a|b]` is a list, except for patterns (`extract`, `pattern`), which are always text as written.
A threshold is `NAME:BOUND=VALUE` with `,slice=COLUMN:VALUE`, `,level=warn` or `,decide=estimate` where wanted; `NAME`
is a metric, `safety.CATEGORY` or `run.FIGURE`.
"""

from __future__ import annotations

import re
from dataclasses import replace
from typing import Any

from evalgate.config.faults import Faults, clipped
from evalgate.config.strict_yaml import plain_value
from evalgate.config.thresholds import NAME, read_threshold
from evalgate.core.document import Document
from evalgate.core.errors import BadInput
from evalgate.core.settings import Bound, PluginChoice, Threshold

_COMMA = re.compile(r",(?=[A-Za-z_][A-Za-z0-9_]*=)")
_KEY = re.compile(r"[A-Za-z_][A-Za-z0-9_]*\Z")
_PATTERNS = frozenset({"extract", "pattern"})
_BOUNDS = tuple(bound.value for bound in Bound)
_METRIC_HINT = "write NAME or NAME:KEY=VALUE,KEY=VALUE, such as exact_match:normalize=squad"
_THRESHOLD_HINT = "write NAME:BOUND=VALUE, such as rougeL:max_regression=5% or safety.any:max_increase=0"


def parse_metric_argument(text: str) -> PluginChoice:
    """One `--metric`.

    Raises:
        BadInput: it has no name, a parameter twice, or a parameter without a value.
    """
    return _choice(text, "--metric")


def parse_safety_argument(text: str) -> PluginChoice:
    """One `--safety`.

    Raises:
        BadInput: as for `parse_metric_argument`.
    """
    return _choice(text, "--safety")


def parse_detector_argument(text: str) -> PluginChoice:
    """The detector of `evalgate detectors measure`.

    Raises:
        BadInput: as for `parse_metric_argument`.
    """
    return _choice(text, "detector")


def parse_threshold_argument(text: str) -> Threshold:
    """One `--threshold`, under the same rules as a threshold of a configuration.

    Raises:
        BadInput: everything that is wrong with it at once.
    """
    place = _place("--threshold", text)
    name, pairs = _split(text, place, _THRESHOLD_HINT)
    if not pairs:
        raise BadInput("the threshold has no bound, so it could never fail", where=place, hint=_THRESHOLD_HINT)
    entry: dict[str, Any] = {key: _threshold_value(key, value) for key, value in pairs.items()}
    for prefix in ("safety", "run"):
        if name.startswith(prefix + "."):
            entry[prefix] = name.removeprefix(prefix + ".")
            break
    else:
        entry["metric"] = name
    faults = Faults(Document(entry, {}, place))
    found = read_threshold(entry, (), faults)
    faults.raise_if_any()
    if len(found) != 1:
        raise BadInput("the threshold has more than one bound", where=place, hint="repeat --threshold for each bound")
    written = pairs[found[0].bound.value].strip()
    return replace(found[0], text=written.replace(" ", ""))


def _choice(text: str, option: str) -> PluginChoice:
    place = _place(option, text)
    name, pairs = _split(text, place, _METRIC_HINT)
    return PluginChoice(name, {key: _parameter(key, value, place) for key, value in pairs.items()}, place)


def _split(text: str, place: str, hint: str) -> tuple[str, dict[str, str]]:
    """The name and the `KEY=VALUE` pairs of an argument."""
    name, colon, rest = text.partition(":")
    name = name.strip()
    if not NAME.match(name):
        raise BadInput(f"{clipped(name)!a} is not a name" if name else "a name is missing", where=place, hint=hint)
    if not colon:
        return name, {}
    pairs: dict[str, str] = {}
    for part in _COMMA.split(rest):
        key, equals, value = part.partition("=")
        key = key.strip()
        if not equals or not _KEY.match(key):
            raise BadInput(f"{clipped(part)!a} is not KEY=VALUE", where=place, hint=hint)
        if key in pairs:
            raise BadInput(f"{key} is given twice", where=place, hint="keep one of them")
        if not value.strip():
            raise BadInput(f"{key} has no value", where=place, hint=f"write {key}=VALUE, or leave it out")
        if any("\ud800" <= sign <= "\udfff" for sign in value):
            raise BadInput(f"the value of {key} is not UTF-8", where=place, hint="check the terminal's encoding")
        pairs[key] = value
    return name, pairs


def _parameter(key: str, value: str, place: str) -> Any:
    if key in _PATTERNS:
        return value
    if value.startswith("[") and value.endswith("]"):
        return [_plain(item, key, place) for item in value[1:-1].split("|") if item]
    return _plain(value, key, place)


def _plain(value: str, key: str, place: str) -> Any:
    """`true`, `false` or a number; every other word is a text."""
    try:
        found = plain_value(value)
    except ValueError as error:
        raise BadInput(f"{key}: {error}", where=place, hint="write a finite number") from error
    return value if found is None else found


def _threshold_value(key: str, value: str) -> Any:
    """An amount as YAML would read it; a slice as its mapping; anything else as text."""
    value = value.strip()
    if key in _BOUNDS:
        try:
            return plain_value(value)
        except ValueError:
            return value
    column, colon, wanted = value.partition(":")
    return {column: wanted} if key == "slice" and colon else value


def _place(option: str, text: str) -> str:
    return f"{option} '{clipped(text.encode('utf-8', 'replace').decode('utf-8'))}'"
