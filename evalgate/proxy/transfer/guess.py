"""Tell the format of a file from its ending and its beginning, where that is clear."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from evalgate.core.errors import BadInput
from evalgate.core.files import open_for_reading
from evalgate.proxy.transfer.lines import looks_like_line
from evalgate.proxy.transfer.openai_batch import looks_like_batch
from evalgate.proxy.upstream.wire import parse_body

BATCH, PROMPTFOO, OUTPUTS, VCR, LINES = FORMATS = ("openai-batch", "promptfoo", "outputs", "vcr", "lines")
_YAML, _TABLES = (".yaml", ".yml"), (".csv", ".parquet")
_LOOKED_AT = 1 << 20
_HINT = f"say it with --format {'|'.join(FORMATS)}"


def guess_format(path: Path) -> str:
    """The format of a file.

    Raises: BadInput when it is not clear, naming the formats.
    """
    if path.is_dir():
        return LINES
    ending = path.suffix.lower()
    if ending in _YAML:
        return VCR
    if ending in _TABLES:
        return OUTPUTS
    with open_for_reading(path, str(path)) as handle:
        head: bytes = handle.read(_LOOKED_AT)
    found = _of_line(head) or _of_document(head)
    if found is None:
        raise BadInput("the format of the file is not clear", where=str(path), hint=_HINT)
    return found


def _of_line(head: bytes) -> str | None:
    """The format of the first line that is not blank, when it is a JSON value by itself."""
    line = next((part for part in head.removeprefix(b"\xef\xbb\xbf").split(b"\n") if part.strip()), b"")
    try:
        value: Any = parse_body(line)
    except ValueError:
        return None
    if looks_like_line(value):
        return LINES
    if looks_like_batch(value):
        return BATCH
    if not isinstance(value, dict):
        return None
    if "interactions" in value:
        return VCR
    if "results" in value:
        return PROMPTFOO
    return OUTPUTS if {"id", "output"} <= value.keys() else None


def _of_document(head: bytes) -> str | None:
    """The format of a JSON document over many lines, from the names that only one format has."""
    text = head.decode("utf-8", "replace").lstrip("\ufeff \t\r\n")
    if not text.startswith("{"):
        return None
    if '"interactions"' in text and '"results"' not in text:
        return VCR
    return PROMPTFOO if '"results"' in text and '"interactions"' not in text else None
