"""Made-up embeddings: one unit vector for each input; the same text has the same vector in every request to a model."""

from __future__ import annotations

import hashlib
import json
import math
import struct
from collections.abc import Mapping
from typing import Any

DIMENSIONS = 64
MOST_DIMENSIONS = 4096


def vectors_of(request: Mapping[str, Any]) -> list[list[float]]:
    """The vectors of a canonical request for embeddings, of as many dimensions as it asks for."""
    content, wanted = request["input"], request["parameters"].get("dimensions")
    whole = isinstance(wanted, int) and not isinstance(wanted, bool)
    size = wanted if whole and 1 <= wanted <= MOST_DIMENSIONS else DIMENSIONS
    # a list of numbers is one text, given as its tokens
    one = isinstance(content, str) or all(isinstance(item, int) for item in content)
    return [_vector(str(request["model"]), item, size) for item in ([content] if one else content)]


def _vector(model: str, item: Any, size: int) -> list[float]:
    seed = json.dumps([model, item], ensure_ascii=True, sort_keys=True).encode("ascii")
    drawn = struct.unpack(f"<{size}H", hashlib.shake_256(seed).digest(2 * size))
    values = [(number - 32767.5) / 32767.5 for number in drawn]
    length = math.sqrt(sum(value * value for value in values))
    return [round(value / length, 9) for value in values]
