"""How the value of a variable is written into a prompt, the same in every template language."""

from __future__ import annotations

import json

from evalgate.core.values import JsonValue


def value_text(value: JsonValue) -> str:
    """A text as it is, any other value as JSON text.

    Raises: ValueError for null, and for what JSON cannot write.
    """
    if isinstance(value, str):
        return value
    if value is None:
        raise ValueError("the value is null")
    try:
        return json.dumps(value, ensure_ascii=False, allow_nan=False)
    except (TypeError, RecursionError) as error:
        raise ValueError(str(error)) from error
