"""Ask the pydantic models what may stand at a place of a configuration."""

from __future__ import annotations

from types import UnionType
from typing import Annotated, Any, Literal, Union, get_args, get_origin

from evalgate.core.document import KeyPath


def keys_at(place: KeyPath, root: type | None = None) -> tuple[str, ...]:
    """The keys that are known inside a place; `root` is the model of the whole document, without it that of a gate."""
    found = _type_at(place, root)
    return tuple(getattr(found, "model_fields", ()))


def words_at(place: KeyPath, root: type | None = None) -> tuple[str, ...]:
    """The words one of which stands at a place."""
    found = _type_at(place, root)
    return tuple(str(word) for word in get_args(found)) if get_origin(found) is Literal else ()


def _type_at(place: KeyPath, root: type | None) -> Any:
    from evalgate.config.schema_models import GateFile

    found: Any = root or GateFile
    for part in place:
        fields = getattr(found, "model_fields", None)
        if fields is None:
            # a list or a mapping from names: what stands in it is its last type
            inside = get_args(found)
            found = _bare(inside[-1]) if inside else None
        else:
            found = _bare(fields[part].annotation) if part in fields else None
    return found


def _bare(found: Any) -> Any:
    """A type without its annotations and without `| None`."""
    while get_origin(found) is Annotated:
        found = get_args(found)[0]
    if get_origin(found) in (Union, UnionType):
        return _bare(next(one for one in get_args(found) if one is not type(None)))
    return found
