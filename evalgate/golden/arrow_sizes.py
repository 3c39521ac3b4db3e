"""How large the rows of an Arrow batch become as Python values, before any of them is made.

A batch may hold one text a single time for many rows (a dictionary, a view, a run), so that its own size says little.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    Sizes = NDArray[np.int64]

_ITEM = 8
"""Bytes counted for a number, a truth value, an entry of a list."""


def row_sizes(batch: Any) -> Sizes:
    """Bytes of every row of a record batch as decoded values: (n,). Texts count as UTF-8."""
    import numpy as np

    total = np.zeros(batch.num_rows, dtype=np.int64)
    for column in batch.columns:
        total += _sizes(column)
    return total


def counts_every_value(schema: Any) -> bool:
    """Whether the bytes of a batch are those of its values: no column keeps one text for several rows."""
    return all(_counts(column.type) for column in schema)


def _counts(kind: Any) -> bool:
    import pyarrow as pa

    types = pa.types
    if types.is_list(kind) or types.is_large_list(kind) or types.is_map(kind) or types.is_struct(kind):
        return all(_counts(kind.field(number).type) for number in range(kind.num_fields))
    return not types.is_nested(kind) and any(
        is_plain(kind)
        for is_plain in (
            types.is_string,
            types.is_large_string,
            types.is_binary,
            types.is_large_binary,
            types.is_primitive,
            types.is_null,
        )
    )


def _sizes(array: Any) -> Sizes:
    import pyarrow as pa

    kind, types = array.type, pa.types
    if isinstance(array, pa.ExtensionArray):
        return _sizes(array.storage)
    if types.is_dictionary(kind):
        return _taken(_sizes(array.dictionary), array.indices)
    if types.is_run_end_encoded(kind):
        return _runs(array)
    if types.is_string_view(kind) or types.is_binary_view(kind):
        return _views(array)
    if types.is_list(kind) or types.is_large_list(kind) or types.is_map(kind):
        return _lists(array)
    if types.is_nested(kind):
        return _nested(array)
    return _plain(array)


def _plain(array: Any) -> Sizes:
    import numpy as np
    import pyarrow as pa
    import pyarrow.compute as pc

    kind, types = array.type, pa.types
    if types.is_string(kind) or types.is_large_string(kind) or types.is_binary(kind) or types.is_large_binary(kind):
        return _numbers(pc.binary_length(array))
    size = _ITEM if not types.is_fixed_size_binary(kind) else max(_ITEM, kind.byte_width)
    return np.full(len(array), size, dtype=np.int64)


def _nested(array: Any) -> Sizes:
    import numpy as np
    import pyarrow as pa

    kind, types = array.type, pa.types
    total = np.full(len(array), _ITEM, dtype=np.int64)
    if types.is_struct(kind):
        for column in array.flatten():
            total += _sizes(column)
    elif types.is_fixed_size_list(kind):
        inner, width = _sizes(array.values), kind.list_size
        start = array.offset if len(inner) != len(array) * width else 0
        total += inner[start * width : (start + len(array)) * width].reshape(len(array), width).sum(axis=1)
    elif types.is_union(kind):
        for number in range(kind.num_fields):
            total += int(_sizes(array.field(number)).max(initial=0))
    else:  # lists as views: each says where it begins and how long it is
        ends = _running(_sizes(array.values))
        first, count = _numbers(array.offsets), _numbers(array.sizes)
        total += ends[first + count] - ends[first] + _ITEM * count
    return total


def _lists(array: Any) -> Sizes:
    import numpy as np
    import pyarrow as pa

    offsets = np.asarray(_numbers(array.offsets))[: len(array) + 1]
    if not len(array):
        return np.zeros(0, dtype=np.int64)
    if pa.types.is_map(array.type):
        inner = _sizes(array.keys) + _sizes(array.items)
        offsets = offsets - offsets[0] if len(inner) == offsets[-1] - offsets[0] else offsets
    else:
        inner = _sizes(array.values)
    ends = _running(inner)
    return np.asarray(ends[offsets[1:]] - ends[offsets[:-1]] + _ITEM * (1 + np.diff(offsets)))


def _runs(array: Any) -> Sizes:
    import numpy as np

    places = np.arange(array.offset, array.offset + len(array))
    found = np.searchsorted(_numbers(array.run_ends), places, side="right")
    return np.asarray(_sizes(array.values)[found])


def _views(array: Any) -> Sizes:
    """The first four of a view's sixteen bytes are its length."""
    import numpy as np

    held = array.buffers()[1]
    if held is None:
        return np.zeros(len(array), dtype=np.int64)
    lengths = np.frombuffer(held, dtype=np.int32)[::4][array.offset : array.offset + len(array)]
    return np.maximum(lengths.astype(np.int64), 0)


def _taken(sizes: Sizes, indices: Any) -> Sizes:
    import numpy as np
    import pyarrow.compute as pc

    with_null = np.append(sizes, 0)
    places = pc.cast(indices, "int64")
    return np.asarray(with_null[_numbers(places.fill_null(len(sizes)) if places.null_count else places)])


def _numbers(array: Any) -> Sizes:
    """Whole numbers of an array, null as 0. `to_numpy` would load pandas."""
    import numpy as np
    import pyarrow.compute as pc

    filled = pc.cast(array.fill_null(0) if array.null_count else array, "int64")
    if not len(filled):
        return np.zeros(0, dtype=np.int64)
    return np.frombuffer(filled.buffers()[1], dtype=np.int64)[filled.offset : filled.offset + len(filled)]


def _running(sizes: Sizes) -> Sizes:
    import numpy as np

    return np.concatenate(([0], np.cumsum(sizes)))
