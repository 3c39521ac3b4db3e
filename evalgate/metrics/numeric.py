"""Compare the number an answer ends with to the expected number, exactly and in decimals."""

from __future__ import annotations

import re
from collections import deque
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from decimal import Context, Decimal
from typing import Any

from evalgate.core.errors import BadInput
from evalgate.core.parameters import Parameters
from evalgate.core.values import Expectation, Output
from evalgate.metrics.answer_text import AnswerText, quoted, take_answer_text
from evalgate.metrics.interface import Metric
from evalgate.metrics.mean_rows import MeanMetric, place_of, share_spec
from evalgate.metrics.reference_texts import reference_texts

# The branches start with different characters and repeat single classes: linear in the text.
_NUMBER = re.compile(
    r"(?:(?P<whole>[0-9][0-9,]*)(?P<fraction>\.[0-9]+)?|(?P<bare>(?<![0-9])\.[0-9]+))"
    r"(?P<exponent>[eE][-+]?[0-9]{1,3}(?![0-9]))?"
)
_MINUS = "-\N{MINUS SIGN}\N{EN DASH}"
_CURRENCY = "$€£¥₹"
_DIGITS_COMPARED = 400


def make_numeric_match(parameters: Mapping[str, Any]) -> Metric:
    """Share of answers whose last number equals the reference number.

    `1,234.50`, `$1234.5`, `−3` and `3 %` are read as numbers; currency and percent signs are ignored (50 % is 50).
    Parameters: `extract` PATTERN; `tolerance_abs` and `tolerance_rel` (share of the reference), both 0 by default:
    the larger allowance counts.
    Raises: BadInput for an unknown parameter or wrong value.
    """
    given = Parameters("numeric_match", parameters)
    text = take_answer_text(given)
    absolute = given.take("tolerance_abs", float, 0.0, low=0)
    relative = given.take("tolerance_rel", float, 0.0, low=0)
    given.finish()
    signature = f"last-number|extract:{quoted(text.pattern)}|tolerance_abs:{absolute!r}|tolerance_rel:{relative!r}"
    measure = _NumericMatch(text, Decimal(repr(absolute)), Decimal(repr(relative)))
    return MeanMetric(share_spec("numeric_match", signature), measure)


def numbers_in(text: str) -> Iterator[Decimal]:
    """All numbers of a text, in order.

    Commas count as thousands separators only where they stand as such: `1,234` is one number, `1,23` are two.
    """
    for match in _NUMBER.finditer(text):
        sign = "-" if _is_negative(text, match.start()) else ""
        for digits in _unsigned(match):
            yield Decimal(sign + digits)
            sign = ""


def last_number(text: str) -> Decimal | None:
    """The last number of a text; None where there is none."""
    return next(iter(deque(numbers_in(text), maxlen=1)), None)


def _unsigned(match: re.Match[str]) -> list[str]:
    exponent = match["exponent"] or ""
    if match["bare"]:
        return [match["bare"] + exponent]
    groups = match["whole"].split(",")
    if 1 <= len(groups[0]) <= 3 and all(len(group) == 3 for group in groups[1:]):
        groups = ["".join(groups)]
    groups[-1] += (match["fraction"] or "") + exponent
    return [group for group in groups if group and group[0] not in "eE"]


def _is_negative(text: str, start: int) -> bool:
    """Whether a minus sign belongs to the number at `start`; in `10-5` and `2020-01-05` it does not."""
    before = start - 1
    while before >= 0 and text[before] in _CURRENCY:
        before -= 1
    if before < 0 or text[before] not in _MINUS:
        return False
    left = text[before - 1] if before else " "
    if left in _CURRENCY:
        left = text[before - 2] if before > 1 else " "
    return not (left.isalnum() or left in ")]%_.")


@dataclass(frozen=True, slots=True)
class _NumericMatch:
    """1 where the last number of the answer equals a reference number."""

    text: AnswerText
    absolute: Decimal
    relative: Decimal

    def __call__(self, output: Output, expectation: Expectation) -> float:
        expected = [_only_number(text, expectation) for text in reference_texts(expectation)]
        answer = last_number(self.text.extracted(output.text))
        return float(answer is not None and any(self._near(answer, number) for number in expected))

    def _near(self, answer: Decimal, expected: Decimal) -> bool:
        if answer == expected:
            return True
        if not self.absolute and not self.relative:
            return False
        exact = Context(prec=_DIGITS_COMPARED, traps=[])
        allowed = exact.max(self.absolute, exact.multiply(self.relative, exact.abs(expected)))
        return exact.abs(exact.subtract(answer, expected)) <= allowed


def _only_number(text: str, expectation: Expectation) -> Decimal:
    found = list(numbers_in(text))
    if len(found) == 1:
        return found[0]
    said = "no number" if not found else f"{len(found)} numbers"
    raise BadInput(
        f"the reference has {said}: {text[:60]!r}",
        where=place_of(expectation),
        hint="numeric_match needs references with exactly one number",
    )
