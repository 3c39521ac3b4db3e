"""Values of the program as JSON and back: frozen dataclasses, enumerations, dates, tuples and mappings, by their declared types.

Reading builds nothing but the declared types, so that a file can never choose what is made of it.
"""

from __future__ import annotations

import types
from collections.abc import Mapping
from dataclasses import fields, is_dataclass
from datetime import date
from enum import Enum
from functools import lru_cache
from pathlib import Path
from typing import Any, TypeVar, Union, get_args, get_origin, get_type_hints

T = TypeVar("T")
_AS_IS = frozenset((str, int, float, bool, type(None)))


def plain_value(value: Any) -> Any:
    """A value as JSON has it; fields whose metadata says `{"kept": False}` are left out.

    Raises: TypeError for a value that could not be read back.
    """
    kind: Any = type(value)
    if kind in _AS_IS:
        return value
    names = _kept_names(kind)
    if names is not None:
        return {name: plain_value(getattr(value, name)) for name in names}
    if isinstance(value, Enum):
        return value.value
    if isinstance(value, date):
        return value.isoformat()
    if isinstance(value, Path):
        return value.as_posix()
    if isinstance(value, Mapping):
        return {key if type(key) is str else str(plain_value(key)): plain_value(item) for key, item in value.items()}
    if isinstance(value, (list, tuple)):
        return [plain_value(item) for item in value]
    if isinstance(value, (str, int, float)):
        return value
    raise TypeError(f"{kind.__name__} has no form in JSON")


@lru_cache(maxsize=512)
def _kept_names(kind: Any) -> tuple[str, ...] | None:
    """The kept fields of a dataclass; None for any other type."""
    if not is_dataclass(kind):
        return None
    return tuple(f.name for f in fields(kind) if f.metadata.get("kept", True))


def typed_value(kind: type[T], value: Any) -> T:
    """Read a value of a declared type.

    Raises: ValueError naming the field when the value is of another kind, or a field is missing or unknown.
    """
    read: T = _read(kind, value, kind.__name__)
    return read


def read_typed(kind: Any, value: Any, where: str) -> Any:
    """Like `typed_value` for any declared type, such as `tuple[str, ...]`; `where` names it in errors."""
    return _read(kind, value, where)


def _read(kind: Any, value: Any, where: str) -> Any:
    origin = get_origin(kind)
    if kind in (Any, object):
        return value
    if origin in (Union, types.UnionType):
        return _union(kind, value, where)
    if is_dataclass(kind):
        return _dataclass(kind, value, where)
    if origin is tuple:
        return _tuple(get_args(kind), value, where)
    if origin is not None and issubclass(origin, Mapping):
        return _mapping(get_args(kind), value, where)
    if isinstance(kind, type):
        return _scalar(kind, value, where)
    raise ValueError(f"{where}: no value of this kind can be read")


def _union(kind: Any, value: Any, where: str) -> Any:
    options = get_args(kind)
    if value is None and type(None) in options:
        return None
    problems = []
    for option in options:
        if option is not type(None):
            try:
                return _read(option, value, where)
            except ValueError as error:
                problems.append(str(error))
    raise ValueError("; ".join(problems))


def _dataclass(kind: Any, value: Any, where: str) -> Any:
    if not isinstance(value, dict):
        raise ValueError(f"{where} is not an object")
    known = _hints(kind)
    for name in value:
        if name not in known:
            raise ValueError(f"{where} has the unknown member {name!r}")
    try:
        return kind(**{name: _read(known[name], item, f"{where}.{name}") for name, item in value.items()})
    except TypeError as error:
        raise ValueError(f"{where}: {error}") from error


@lru_cache(maxsize=256)
def _hints(kind: Any) -> dict[str, Any]:
    hints = get_type_hints(kind)
    return {f.name: hints[f.name] for f in fields(kind) if f.init and f.metadata.get("kept", True)}


def _tuple(items: tuple[Any, ...], value: Any, where: str) -> tuple[Any, ...]:
    if not isinstance(value, list):
        raise ValueError(f"{where} is not a list")
    if len(items) == 2 and items[1] is Ellipsis:
        return tuple(_read(items[0], item, f"{where}[{i}]") for i, item in enumerate(value))
    if len(items) != len(value):
        raise ValueError(f"{where} has {len(value)} items, not {len(items)}")
    return tuple(_read(kind, item, f"{where}[{i}]") for i, (kind, item) in enumerate(zip(items, value, strict=True)))


def _mapping(kinds: tuple[Any, ...], value: Any, where: str) -> dict[Any, Any]:
    if not isinstance(value, dict):
        raise ValueError(f"{where} is not an object")
    keys, items = kinds or (str, Any)
    return {_read(keys, key, where): _read(items, item, f"{where}.{key}") for key, item in value.items()}


def _scalar(kind: type[Any], value: Any, where: str) -> Any:
    if issubclass(kind, Enum):
        return kind(value)
    if kind is date and isinstance(value, str):
        return date.fromisoformat(value)
    if kind is Path and isinstance(value, str):
        return Path(value)
    if kind is float and isinstance(value, (int, float)) and not isinstance(value, bool):
        return float(value)
    if (kind in (str, bool, type(None)) and type(value) is kind) or (kind is int and type(value) is int):
        return value
    raise ValueError(f"{where} is not {kind.__name__}")
