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
from evalgate.golden.arrow_sizes import counts_every_value, row_sizes

BATCH_ROWS = 256
"""At most of rows that are values at the same time."""
BATCH_BYTES = 8 << 20
"""Their bytes at most, unless a single row is larger."""
MAX_ROW_BYTES = 16 << 20
"""Bytes of one row as values; a larger one is refused. As much as a cell of a CSV file may have."""
MAX_BYTES, MAX_GROWTH = 1 << 30, 1000
"""A file may become 1 GiB of values, or this many times its own size where that is more."""
_READ_ROWS = 16
"""Rows that are decoded at a time, before their sizes are known: a text may stand once in the file for many rows."""
_DENSE = 50
"""Times its size on disk above which a column of Parquet is read row by row: a few bytes may be a text of any size."""
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
            rows = _Rows(name, path.stat().st_size)
            rows.require_growth(_size_in_memory(table.metadata))
            for batch in table.iter_batches(batch_size=_rows_at_a_time(table.metadata), use_threads=False):
                yield from rows.of(batch)
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
            yield from _ipc_batches(source, _Rows(name, path.stat().st_size), is_file=magic == _ARROW_FILE)
    except (pa.ArrowException, OSError, ValueError, OverflowError, RecursionError) as error:
        raise BadInput(f"not a readable Arrow file of plain data: {_shown(error)}", where=name) from error


class _Rows:
    """Makes values of batches, never more at a time than fit into memory."""

    def __init__(self, name: str, file_bytes: int) -> None:
        self.name = name
        self._most = max(MAX_BYTES, MAX_GROWTH * file_bytes)
        self._rows = 0
        self._bytes = 0

    def of(self, batch: Any) -> Iterator[list[dict[str, Any]]]:
        """The rows of a batch, at most BATCH_ROWS and some BATCH_BYTES at a time.

        Raises: BadInput with file and row for a row that is too large, or a file that becomes too large.
        """
        if batch.num_rows <= BATCH_ROWS and batch.nbytes <= BATCH_BYTES and counts_every_value(batch.schema):
            # No row can be too large: most files are nothing but such batches, and sizing rows one by one takes time.
            self._count(batch.num_rows, batch.nbytes)
            yield batch.to_pylist()
            return
        yield from self._sized(batch)

    def _sized(self, batch: Any) -> Iterator[list[dict[str, Any]]]:
        import numpy as np

        sizes = row_sizes(batch)
        large = np.flatnonzero(sizes > MAX_ROW_BYTES)
        if len(large):
            said = f"the row has more than {MAX_ROW_BYTES >> 20} MiB: {sizes[large[0]] / (1 << 20):,.0f} MiB"
            raise BadInput(said, where=f"{self.name} row {self._rows + int(large[0]) + 1}", hint="shorten its texts")
        ends = np.cumsum(sizes)
        start = 0
        while start < batch.num_rows:
            before = int(ends[start - 1]) if start else 0
            fit = int(np.searchsorted(ends, before + BATCH_BYTES, side="right"))
            stop = min(max(fit, start + 1), start + BATCH_ROWS, batch.num_rows)
            self._count(stop - start, int(ends[stop - 1]) - before)
            yield batch.slice(start, stop - start).to_pylist()
            start = stop

    def _count(self, rows: int, size: int) -> None:
        self._rows += rows
        self._bytes += size
        self.require_growth(self._bytes)

    def require_growth(self, size: int) -> None:
        """Refuse what becomes far larger than its file.

        Raises: BadInput.
        """
        if size > self._most:
            said = f"the file becomes more than {self._most / (1 << 30):,.0f} GiB of values, over {MAX_GROWTH:,} times its size"
            hint = "keep a text that many rows share once, or write smaller files"
            raise BadInput(said, where=f"{self.name} row {self._rows}" if self._rows else self.name, hint=hint)


def _ipc_batches(source: Any, rows: _Rows, *, is_file: bool) -> Iterator[list[dict[str, Any]]]:
    import pyarrow as pa

    name = rows.name
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
        yield from rows.of(batch)


def _check_end(path: Path, name: str) -> None:
    """A stream that was cut between two batches reads like a whole one, but for the mark at its end."""
    with open_for_reading(path, name) as handle:
        size = handle.seek(0, 2)
        handle.seek(max(0, size - len(_END_OF_STREAM)))
        if handle.read() != _END_OF_STREAM:
            raise BadInput("not an Arrow file, or cut short: the mark at the end of the stream is missing", where=name)


def _chunks(metadata: Any) -> Iterator[Any]:
    for number in range(metadata.num_row_groups):
        group = metadata.row_group(number)
        yield from (group.column(column) for column in range(group.num_columns))


def _size_in_memory(metadata: Any) -> int:
    """Bytes of all columns without compression: a page is decompressed as a whole, whatever is read of it."""
    return sum(chunk.total_uncompressed_size for chunk in _chunks(metadata))


def _rows_at_a_time(metadata: Any) -> int:
    """Rows to decode at a time: one where a column says that it is much larger than on disk, and large."""
    dense = (
        chunk.total_uncompressed_size > max(MAX_ROW_BYTES, _DENSE * chunk.total_compressed_size) for chunk in _chunks(metadata)
    )
    return 1 if any(dense) else _READ_ROWS


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
