"""Rows of Arrow and Parquet files, a few at a time: `.parquet`, `.arrow`, `.feather`.

Damaged and hostile files end in an error with the place: buffers are validated before a value is read, and a
stream without its end is refused.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

from evalgate.core.errors import BadInput
from evalgate.core.files import open_for_reading

BATCH_ROWS = 256
"""At most: a file may hold one large text a single time for many rows, so its size says nothing about them."""
BATCH_BYTES = 8 << 20
"""Aimed at; fewer rows are taken at a time where a file says that its rows are large."""
MAX_NESTING = 100
_ARROW_FILE = b"ARROW1"
_OLD_FEATHER = b"FEA1"
_END_OF_STREAM = b"\xff\xff\xff\xff\0\0\0\0"


def parquet_batches(path: Path, name: str) -> Iterator[list[dict[str, Any]]]:
    """The rows of a Parquet file in order, some hundred at a time.

    Raises: BadInput for a file that is damaged, or holds what JSON cannot.
    """
    open_for_reading(path, name).close()
    import pyarrow as pa
    import pyarrow.parquet as pq

    try:
        # Without a buffer of its own the reader would load whole row groups, which often are whole files.
        with pq.ParquetFile(path, buffer_size=1 << 18, pre_buffer=False) as table:
            _check_schema(table.schema_arrow, name)
            size = _batch_rows(table.metadata)
            for batch in table.iter_batches(batch_size=size, use_threads=False):
                yield batch.to_pylist()
    except (pa.ArrowException, OSError, ValueError, OverflowError, RecursionError) as error:
        raise BadInput(f"not a readable Parquet file of plain data: {_shown(error)}", where=name) from error


def arrow_batches(path: Path, name: str) -> Iterator[list[dict[str, Any]]]:
    """The rows of an Arrow IPC file or stream, or of a Feather file (version 2), in order.

    Raises: BadInput for a file that is damaged or cut short, or holds what JSON cannot.
    Source: https://arrow.apache.org/docs/format/Columnar.html, serialization and interprocess communication.
    """
    with open_for_reading(path, name) as handle:
        magic = handle.read(len(_ARROW_FILE))
    if magic.startswith(_OLD_FEATHER):
        raise BadInput("this is Feather version 1", where=name, hint="save it as version 2, or as Parquet")
    import pyarrow as pa

    try:
        if magic != _ARROW_FILE:
            _check_end(path, name)
        with pa.memory_map(str(path)) as source:
            yield from _ipc_batches(source, name, is_file=magic == _ARROW_FILE)
    except (pa.ArrowException, OSError, ValueError, OverflowError, RecursionError) as error:
        raise BadInput(f"not a readable Arrow file of plain data: {_shown(error)}", where=name) from error


def _ipc_batches(source: Any, name: str, *, is_file: bool) -> Iterator[list[dict[str, Any]]]:
    import pyarrow as pa

    if is_file:
        table = pa.ipc.open_file(source)
        _check_schema(table.schema, name)
        batches = (table.get_batch(number) for number in range(table.num_record_batches))
    else:
        table = pa.ipc.open_stream(source)
        _check_schema(table.schema, name)
        batches = iter(table)
    for batch in batches:
        # The format is read in place: without this, a damaged offset would be followed wherever it points.
        batch.validate(full=True)
        size = max(1, min(BATCH_ROWS, BATCH_BYTES * batch.num_rows // max(1, batch.nbytes)))
        for start in range(0, batch.num_rows, size):
            yield batch.slice(start, size).to_pylist()


def _check_end(path: Path, name: str) -> None:
    """A stream that was cut between two batches reads like a whole one, but for the mark at its end."""
    with open_for_reading(path, name) as handle:
        size = handle.seek(0, 2)
        handle.seek(max(0, size - len(_END_OF_STREAM)))
        if handle.read() != _END_OF_STREAM:
            raise BadInput("not an Arrow file, or cut short: the mark at the end of the stream is missing", where=name)


def _batch_rows(metadata: Any) -> int:
    groups = [metadata.row_group(number) for number in range(metadata.num_row_groups)]
    largest = max((group.total_byte_size // max(1, group.num_rows) for group in groups), default=1)
    return max(1, min(BATCH_ROWS, BATCH_BYTES // max(1, largest)))


def _check_schema(schema: Any, name: str) -> None:
    if len(set(schema.names)) != len(schema.names):
        raise BadInput("two columns have the same name", where=name, hint="every column needs a name of its own")
    for column in schema:
        _check_type(column.type, column.name, name)


def _check_type(kind: Any, column: str, name: str) -> None:
    """Names and nesting inside a column."""
    level, depth = [kind], 0
    while level:
        depth += 1
        if depth > MAX_NESTING:
            raise BadInput(f"column {column[:40]!r} is nested deeper than {MAX_NESTING}", where=name)
        below = []
        for one in level:
            fields = [one.field(number) for number in range(one.num_fields)]
            if _is_struct(one) and len({field.name for field in fields}) != len(fields):
                raise BadInput(f"two fields inside column {column[:40]!r} have the same name", where=name)
            below += [field.type for field in fields]
        level = below


def _is_struct(kind: Any) -> bool:
    import pyarrow as pa

    return bool(pa.types.is_struct(kind))


def _shown(error: BaseException) -> str:
    return " ".join(str(error).split())[:200] or type(error).__name__
