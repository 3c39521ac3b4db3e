"""Read the parameters of a metric or detector strictly: a misspelt one must never change a result in silence."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import Any, TypeVar, overload

from evalgate.core.errors import BadInput, Problem
from evalgate.core.plugins import suggestion

Kind = TypeVar("Kind", bool, int, float, str, list[Any], dict[str, Any])

_WORDS: dict[type, str] = {
    bool: "true or false",
    int: "a whole number",
    float: "a number",
    str: "text",
    list: "a list",
    dict: "a mapping",
}
_SHOWN = 80


class Parameters:
    """The parameters of one metric or detector: take each by name, then `finish()`, which reports everything wrong at once.

    A value that is refused is replaced by the default until `finish()` raises, so a factory reads straight through:
    take, take, finish, build.
    """

    def __init__(self, owner: str, given: Mapping[str, Any], kind: str = "metric") -> None:
        self._owner = owner
        self._place = f"{kind} {owner}"
        self._given = dict(given)
        self._known: list[str] = []
        self._problems: list[Problem] = []

    def take_some(self, name: str, known: Sequence[str], default: Sequence[str]) -> tuple[str, ...]:
        """Some of the known words, in their order, each once; `default` where absent. An empty list is refused unless the
        default is empty."""
        values = self.take(name, list, list(default), low=1 if default else None)
        unknown = [value for value in values if value not in known]
        if unknown:
            self.refuse(name, f"cannot hold {unknown[0]!r}", f"one of: {', '.join(known)}")
        return tuple(value for value in known if value in values)

    @overload
    def take(
        self,
        name: str,
        kind: type[Kind],
        default: Kind,
        *,
        choices: Sequence[Kind] | None = ...,
        low: float | None = ...,
        high: float | None = ...,
    ) -> Kind: ...

    @overload
    def take(
        self,
        name: str,
        kind: type[Kind],
        default: None,
        *,
        choices: Sequence[Kind] | None = ...,
        low: float | None = ...,
        high: float | None = ...,
    ) -> Kind | None: ...

    def take(
        self,
        name: str,
        kind: type[Any],
        default: Any,
        *,
        choices: Sequence[Any] | None = None,
        low: float | None = None,
        high: float | None = None,
    ) -> Any:
        """One optional parameter.

        Parameters are typed as JSON is: `true` is no number, 2.0 is no whole number, NaN and infinity are nothing.
        `low` and `high` are the smallest and largest allowed number, or length for a text or list.
        Returns: the value as `kind` (a whole number given for a `float` becomes a float); the default where absent.
        """
        self._known.append(name)
        if name not in self._given:
            return default
        value = self._given[name]
        if kind is float and isinstance(value, int) and not isinstance(value, bool):
            value = _as_float(value)
        fault = _fault(value, kind, choices) or _out_of_range(value, low, high)
        if fault is not None:
            message, hint = fault
            self.refuse(name, message, hint)
            return default
        return value

    def need(
        self,
        name: str,
        kind: type[Kind],
        *,
        choices: Sequence[Kind] | None = None,
        low: float | None = None,
        high: float | None = None,
    ) -> Kind:
        """One parameter that the metric cannot do without.

        Returns: the value; where absent or refused, an empty value of `kind`, and `finish()` will raise.
        """
        if name not in self._given:
            message = f"is required and must be {_WORDS[_origin(kind)]}"
            self.refuse(name, message, f"add it: {self._owner}: {{{name}: …}}")
        blank: Kind = _origin(kind)()
        value: Kind = self.take(name, kind, blank, choices=choices, low=low, high=high)
        return value

    def refuse(self, name: str, message: str, hint: str | None = None) -> None:
        """Report a fault that only the metric can see (two parameters that exclude each other, a broken pattern)."""
        self._problems.append(Problem(f"parameter {name!r} {message}", self._place, hint))

    def finish(self) -> None:
        """Check that nothing is left over.

        Raises:
            BadInput: every unknown parameter and every refused value, all at once.
        """
        for name in self._given:
            if name not in self._known:
                problem = Problem(f"unknown parameter {_show(name)}", self._place, self._advice(name))
                self._problems.append(problem)
        if self._problems:
            raise BadInput(self._problems)

    def _advice(self, name: Any) -> str:
        if not self._known:
            return f"{self._owner} takes no parameters"
        return suggestion(str(name), sorted(self._known))


def _fault(value: Any, kind: type[Any], choices: Sequence[Any] | None) -> tuple[str, str | None] | None:
    origin = _origin(kind)
    if not _is_a(value, origin):
        return f"must be {_WORDS[origin]}, not {_show(value)}", None
    if choices is not None and value not in choices:
        names = [str(choice) for choice in choices]
        hint = suggestion(value, names) if isinstance(value, str) else f"one of: {', '.join(names)}"
        return f"cannot be {_show(value)}; it is one of: {', '.join(names)}", hint if hint.startswith("did") else None
    return None


def _is_a(value: Any, origin: type[Any]) -> bool:
    if isinstance(value, bool):
        return origin is bool
    if isinstance(value, float) and not math.isfinite(value):
        return False
    return isinstance(value, origin)


def _out_of_range(value: Any, low: float | None, high: float | None) -> tuple[str, str | None] | None:
    measured = value if isinstance(value, (int, float)) else len(value)
    verb = "be" if isinstance(value, (int, float)) else "have a length of"
    if low is not None and measured < low:
        return f"must {verb} at least {low:g}, not {_show(value)}", None
    if high is not None and measured > high:
        return f"must {verb} at most {high:g}, not {_show(value)}", None
    return None


def _as_float(value: int) -> float:
    try:
        return float(value)
    except OverflowError:
        return math.inf


def _origin(kind: type[Any]) -> type[Any]:
    """`list[Any]` → `list`, so that generic kinds can be checked and built."""
    origin: type[Any] = getattr(kind, "__origin__", kind)
    return origin


def _show(value: Any) -> str:
    text = repr(value)
    return text if len(text) <= _SHOWN else text[: _SHOWN - 1] + "…"
