"""The mock as people write it: rules, made-up answers and faults; under `proxy.mock`, or in a file of its own."""

from __future__ import annotations

import re
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from evalgate.config.amounts import AmountError, amount
from evalgate.config.faults import MAX_FAULTS, Faults, key_text, shown
from evalgate.config.strict_yaml import read_document
from evalgate.core.document import KeyPath
from evalgate.core.errors import BadInput
from evalgate.core.patterns import compile_pattern
from evalgate.core.plugins import suggestion
from evalgate.core.settings import MockChoice, MockFault, MockRule

if TYPE_CHECKING:
    from evalgate.config.answer_models import MockEntry, MockFaultEntry

TRIGGERS = ("every", "rate", "first_attempts")
_STATUS_KINDS, _RETRY_KINDS = ("server_error",), ("rate_limit", "server_error")
_PLACEHOLDER = re.compile(r"\{\{[ \t]*([A-Za-z_][\w.-]*)[ \t]*\}\}")
_FILLED = ("last", "model")
_EXAMPLE = "write rules: [{contains: refund, text: …}], faults: [{kind: rate_limit, rate: 30%}], or otherwise: echo"


def load_mock(path: Path) -> MockChoice:
    """Read a file that holds just the content of `mock:`.

    Raises:
        BadInput: every fault of the file at once, each with `file:line` and what to try.
    """
    from pydantic import ValidationError

    from evalgate.config.answer_models import MockEntry
    from evalgate.config.wording import note_error

    document = read_document(path)
    raw = document.value
    if not isinstance(raw, dict):
        raise BadInput(f"the mock must be a mapping, not {shown(raw)}", where=document.place(), hint=_EXAMPLE)
    if set(raw) == {"mock"} or "gate" in raw:
        hint = "the file holds what stands below mock: in a configuration, not indented: rules, otherwise, faults …"
        raise BadInput("this is not the content of a mock", where=document.place(), hint=hint)
    faults = Faults(document)
    entry = None
    try:
        entry = MockEntry.model_validate(raw)
    except ValidationError as error:
        for found in error.errors(include_url=False)[:MAX_FAULTS]:
            note_error(found, faults, MockEntry)
    check_mock(raw, (), faults)
    faults.raise_if_any()
    assert entry is not None
    return mock_choice(entry)


def mock_choice(entry: MockEntry) -> MockChoice:
    """The mock as frozen values."""
    return MockChoice(
        rules=tuple(MockRule(rule.text, rule.contains, rule.matches, rule.model, rule.finish) for rule in entry.rules),
        otherwise=entry.otherwise,
        latency_ms_median=float(entry.latency_ms.median),
        latency_ms_p95=float(entry.latency_ms.p95),
        words_min=entry.words.min,
        words_max=entry.words.max,
        faults=tuple(_fault(fault) for fault in entry.faults),
        paced=entry.paced,
    )


def check_mock(raw: Any, path: KeyPath, faults: Faults) -> None:
    """Note what is wrong with a mock beyond its shape; values of the wrong type are noted elsewhere."""
    if not isinstance(raw, dict):
        return
    _check_order(raw.get("latency_ms"), ("median", "p95"), (*path, "latency_ms"), faults)
    _check_order(raw.get("words"), ("min", "max"), (*path, "words"), faults)
    for key, check in (("rules", _check_rule), ("faults", _check_fault)):
        listed, where = raw.get(key), (*path, key)
        if isinstance(listed, list) and not faults.too_many(where, listed):
            for index, entry in enumerate(listed):
                if isinstance(entry, dict):
                    check(entry, (*where, index), faults)
    _check_reachable(raw.get("rules"), (*path, "rules"), faults)


def _fault(entry: MockFaultEntry) -> MockFault:
    rate = None if entry.rate is None else amount(entry.rate).value
    return MockFault(entry.kind, entry.every, rate, entry.first_attempts, entry.status, entry.retry_after_s)


def _check_order(entry: Any, keys: tuple[str, str], path: KeyPath, faults: Faults) -> None:
    if not isinstance(entry, dict):
        return
    low, high = _number(entry.get(keys[0])), _number(entry.get(keys[1]))
    if low is not None and high is not None and high < low:
        where = (*path, keys[1])
        faults.add(where, f"{key_text(where)} is {high}, less than {keys[0]}, which is {low}", "exchange them, or change one")


def _check_rule(entry: Mapping[str, Any], path: KeyPath, faults: Faults) -> None:
    matches, text = entry.get("matches"), entry.get("text")
    if isinstance(matches, str) and matches:
        where = (*path, "matches")
        try:
            compile_pattern(matches)
        except BadInput as error:
            for problem in error.problems:
                faults.add(where, f"{key_text(where)}: {problem.message}", problem.hint)
    names = dict.fromkeys(_PLACEHOLDER.findall(text)) if isinstance(text, str) else {}
    for name in names:
        if name not in _FILLED:
            where = (*path, "text")
            hint = suggestion(name, _FILLED) + "; to write braces into an answer, put a space between them"
            faults.add(where, f"{key_text(where)}: there is no {{{{{name}}}}}", hint)


def _check_reachable(rules: Any, path: KeyPath, faults: Faults) -> None:
    """Whatever stands behind a rule without a condition is never reached."""
    entries = rules if isinstance(rules, list) else []
    for index, entry in enumerate(entries[:-1]):
        if isinstance(entry, dict) and "text" in entry and not {"contains", "matches", "model"} & set(entry):
            where = (*path, index)
            hint = "put it last, or give it contains, matches or model"
            faults.add(where, f"{key_text(where)} answers everything, so the rules after it are never reached", hint)
            return


def _check_fault(entry: Mapping[str, Any], path: KeyPath, faults: Faults) -> None:
    given = [key for key in TRIGGERS if key in entry]
    if len(given) != 1:
        said = f"names {' and '.join(given)} together" if given else "does not say when it happens"
        faults.add(path, f"{key_text(path)} {said}", f"write exactly one of {', '.join(TRIGGERS)}, such as rate: 30%")
    if "rate" in entry:
        _check_rate(entry["rate"], (*path, "rate"), faults)
    kind = entry.get("kind")
    for key, kinds in (("status", _STATUS_KINDS), ("retry_after_s", _RETRY_KINDS)):
        if key in entry and isinstance(kind, str) and kind not in kinds:
            where = (*path, key)
            faults.add(where, f"{key_text(where)} does not belong to {kind[:40]}", f"it belongs to {' and '.join(kinds)}")


def _check_rate(raw: Any, where: KeyPath, faults: Faults) -> None:
    try:
        found = amount(raw)
    except AmountError as error:
        faults.add(where, f"{key_text(where)} {error}", error.hint)
        return
    if 0 < found.value < 1 or (found.percent and found.value == 1):
        return
    hint = "write a share of the attempts above 0, such as 30%"
    if not found.percent and 1 <= found.value <= 100:
        hint = "did you mean 100%?" if found.value == 1 else f"did you mean {found.value:.10g}%?"
    faults.add(where, f"{key_text(where)} must be a share of more than 0%, at most 100%, not {found.text}", hint)


def _number(value: Any) -> float | None:
    return value if isinstance(value, (int, float)) and not isinstance(value, bool) else None
