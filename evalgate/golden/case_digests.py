"""Digests of single cases: they say which case changed, where the digest of the whole content only says that one did."""

from __future__ import annotations

import hashlib
from collections.abc import Collection, Mapping
from typing import Any

from evalgate.core.canonical import canonical_json, canonical_parsed

DIGEST_BYTES = 32


def row_bytes(fields: Mapping[str, Any]) -> bytes:
    """One row as canonical JSON: the bytes that every digest of a dataset is made of.

    Raises: ValueError for a value that JSON does not have (NaN, bytes, a date, a lone surrogate, nesting without end).
    Source: RFC 8785.
    """
    try:
        return canonical_parsed(fields)
    except TypeError:  # a value of a type the fast encoder does not know: the exact one names it
        return canonical_json(fields)
    except RecursionError:
        raise ValueError("nested too deep") from None


def case_digest(fields: Mapping[str, Any], without: Collection[str] = ()) -> bytes:
    """SHA-256 (32 bytes) over one row as canonical JSON, of all columns or all but some.

    Equal rows have equal digests in every file format: line ends, key order and white space between values do not count.

    Raises: ValueError for a value that JSON does not have.
    """
    kept = {name: value for name, value in fields.items() if name not in without} if without else fields
    return hashlib.sha256(row_bytes(kept)).digest()
