"""Numbers on the command line: what is refused, and what is wanted instead."""

from __future__ import annotations

import argparse
import re
from collections.abc import Callable

_WHOLE = re.compile(r"-?[0-9]{1,18}")


def whole(what: str, smallest: int | None = None, largest: int | None = None) -> Callable[[str], int]:
    """A converter for argparse; `what` is what the number is: a number of workers.

    Its result raises ArgumentTypeError for anything but a whole number within the bounds.
    """

    def convert(text: str) -> int:
        value = int(text) if _WHOLE.fullmatch(text) else None
        if value is None or (smallest is not None and value < smallest) or (largest is not None and value > largest):
            raise argparse.ArgumentTypeError(f"{text!r} is not {what}: write a whole number{_bounds(smallest, largest)}")
        return value

    return convert


def decimal(what: str) -> Callable[[str], float]:
    """A converter for argparse, of a number with a point; which numbers mean something is judged later, in one place.

    Its result raises ArgumentTypeError for anything but a number.
    """

    def convert(text: str) -> float:
        try:
            return float(text)
        except ValueError:
            raise argparse.ArgumentTypeError(f"{text!r} is not {what}: write a number such as 0.95") from None

    return convert


def _bounds(smallest: int | None, largest: int | None) -> str:
    if largest is not None:
        return f" from {smallest:,} to {largest:,}"
    return "" if smallest is None else f", {smallest} or more"
