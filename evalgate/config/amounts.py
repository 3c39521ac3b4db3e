"""The amount of a threshold: a plain number, or a percentage that says so with its `%`."""

from __future__ import annotations

import math
import re
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

from evalgate.config.faults import shown

_PERCENT = re.compile(r"([-+]?(?:[0-9]{1,15}(?:\.[0-9]{0,15})?|\.[0-9]{1,15})) ?%\Z")
_NUMBER = re.compile(r"[-+]?(?:\.[0-9]+|[0-9]+(?:\.[0-9]*)?)(?:[eE][-+]?[0-9]+)?\Z")


@dataclass(frozen=True, slots=True)
class Amount:
    """A finite number as somebody wrote it."""

    value: float
    """0.05 for `5%`."""
    percent: bool
    text: str
    """As written: `5%`, `0.5`."""
    whole: bool
    """Whether it was written as an integer, which counts have to be."""


class AmountError(ValueError):
    """A value that is no amount; says what is wrong, and what to write instead."""

    def __init__(self, message: str, hint: str) -> None:
        super().__init__(message)
        self.hint = hint


def amount(raw: Any) -> Amount:
    """Read a YAML value as an amount.

    Raises:
        AmountError: not a number and not a percentage; the message continues a sentence (`… must be …`).
    """
    if isinstance(raw, str):
        return _from_text(raw)
    if isinstance(raw, bool) or not isinstance(raw, (int, float)):
        raise AmountError(f"must be a number or a percentage, not {shown(raw)}", "write a number (0.5) or a share (5%)")
    if not math.isfinite(raw):
        raise AmountError(f"must be a finite number, not {raw}", "write a number that can be reached")
    return Amount(float(raw), percent=False, text=repr(raw), whole=isinstance(raw, int))


def _from_text(raw: str) -> Amount:
    found = _PERCENT.match(raw)
    if found:
        value = float(Decimal(found.group(1)) / 100)
        return Amount(value, percent=True, text=raw.replace(" ", ""), whole=False)
    if _NUMBER.match(raw):
        hint = f"write {raw} without quotes, or {raw}% if it is a share"
        raise AmountError(f"must be a number or a percentage, not {shown(raw)}", hint)
    raise AmountError(f"must be a number or a percentage, not {shown(raw)}", "write a number (0.5) or a share (5%)")
