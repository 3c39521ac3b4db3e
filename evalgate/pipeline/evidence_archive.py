"""The archive of a run: written so that equal content gives equal bytes, and opened without trusting anything in it."""

from __future__ import annotations

import errno
import hashlib
import os
import tempfile
import zipfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from pathlib import Path

from evalgate.core.canonical import digest_file
from evalgate.core.errors import BadInput, EvidenceMismatch, Incomplete
from evalgate.core.files import open_for_reading
from evalgate.core.refusal import refused
from evalgate.evidence.archive_readme import README, SUMS

RUN, PROJECT = "run", "project"
_TIME = (1980, 1, 1, 0, 0, 0)
"""The first that the format knows: an archive of the same run has the same bytes, whenever it is made."""
_MODE = 0o100644 << 16
_UNIX = 3
_BLOCK = 1 << 20
_DISK = (errno.ENOSPC, errno.EDQUOT, errno.EROFS, errno.EACCES)


def write_archive(out: Path, entries: Mapping[str, Path | bytes]) -> None:
    """Write an archive whole or not at all: stored without compression, sorted, with one time and one mode.

    Raises: Incomplete when the disk refuses, or a file changes meanwhile.
    """
    temporary = out.with_name(f".{out.name}.{os.getpid()}.part")
    try:
        out.parent.mkdir(parents=True, exist_ok=True)
        with zipfile.ZipFile(temporary, "w", zipfile.ZIP_STORED) as archive:
            for name in sorted(entries):
                _add(archive, name, entries[name])
        with temporary.open("rb") as handle:
            os.fsync(handle.fileno())
        temporary.replace(out)
    except OSError as error:
        raise refused(error, out) from error
    finally:
        with suppress(OSError):
            temporary.unlink(missing_ok=True)


def sums_of(digests: Mapping[str, str]) -> bytes:
    """The file that `sha256sum --check` reads: name → hexadecimal digest."""
    return "".join(f"{value}  {name}\n" for name, value in sorted(digests.items())).encode("utf-8")


def hex_digest(content: Path | bytes) -> str:
    """SHA-256 of a file or of bytes, hexadecimal.

    Raises: Incomplete when the file cannot be read.
    """
    if isinstance(content, bytes):
        return hashlib.sha256(content).hexdigest()
    try:
        return digest_file(content).removeprefix("sha256:")
    except OSError as error:
        raise Incomplete(f"cannot be read: {error.strerror}", where=str(content)) from error


@contextmanager
def unpacked(path: Path) -> Iterator[Path]:
    """The content of an archive in a temporary folder: `run/`, and `project/` where it is there.

    Raises:
        BadInput: it is no archive, or one that `evidence export` did not write.
        EvidenceMismatch: its content is not what its SHA256SUMS says, or any byte of it is not as it was written.
        Incomplete: the disk refuses.
    """
    with tempfile.TemporaryDirectory(prefix="evalgate-archive-") as place:
        folder = Path(place, "content")
        try:
            with zipfile.ZipFile(path) as archive:
                names = _names(archive, path)
                _extract(archive, names, folder)
        except (zipfile.BadZipFile, EOFError, NotImplementedError, ValueError, RuntimeError) as error:
            raise BadInput(f"cannot be read as an archive: {str(error)[:200]}", where=str(path)) from error
        except OSError as error:
            if error.errno in _DISK:
                hint = f"it is unpacked in {place}: free space there, or set TMPDIR to another folder"
                raise Incomplete(f"cannot be unpacked: {error.strerror}", where=str(path), hint=hint) from error
            # Places in a damaged archive lead before its beginning.
            raise BadInput(f"cannot be read as an archive: {error.strerror}", where=str(path)) from error
        _require_same(path, names, folder, Path(place, "again.zip"))
        yield folder


def _names(archive: zipfile.ZipFile, path: Path) -> list[str]:
    """Names of the entries, none of which leads out of the folder or is larger than the archive."""
    hint = "only archives of `evalgate evidence export` are opened"
    names = [entry.filename for entry in archive.infolist()]
    tops = {name.partition("/")[0] for name in names}
    if len(set(names)) != len(names) or not {RUN, README, SUMS} <= tops <= {RUN, PROJECT, README, SUMS}:
        raise BadInput("is not an archive of a run", where=str(path), hint=hint)
    size = path.stat().st_size
    for entry in archive.infolist():
        parts = entry.filename.split("/")
        sound = all(part not in ("", ".", "..") for part in parts) and "\\" not in entry.filename and "\x00" not in entry.filename
        plain = (entry.compress_type, entry.external_attr, entry.date_time) == (zipfile.ZIP_STORED, _MODE, _TIME)
        if not sound or not plain or entry.file_size > size:
            raise BadInput("has an entry that no export writes", where=f"{path}: {entry.filename[:80]}", hint=hint)
    return names


def _extract(archive: zipfile.ZipFile, names: list[str], folder: Path) -> None:
    for name in names:
        target = folder / name
        target.parent.mkdir(parents=True, exist_ok=True)
        with archive.open(name) as source, target.open("xb") as handle:
            while block := source.read(_BLOCK):
                handle.write(block)


def _require_same(path: Path, names: list[str], folder: Path, again: Path) -> None:
    """Hold the archive against its list of digests, and its bytes against those of the same content written again."""
    digests = {name: hex_digest(folder / name) for name in names if name != SUMS}
    if (folder / SUMS).read_bytes() != sums_of(digests):
        raise EvidenceMismatch(f"{SUMS} is not that of the files in the archive", where=str(path))
    write_archive(again, {name: folder / name for name in names})
    if digest_file(again) != digest_file(path):
        raise EvidenceMismatch("is not written as evalgate writes it: it was edited", where=str(path))


def _add(archive: zipfile.ZipFile, name: str, content: Path | bytes) -> None:
    entry = zipfile.ZipInfo(name, _TIME)
    entry.external_attr, entry.create_system = _MODE, _UNIX
    if isinstance(content, bytes):
        archive.writestr(entry, content)
        return
    entry.file_size = content.stat().st_size
    with open_for_reading(content, str(content)) as source, archive.open(entry, "w") as target:
        while block := source.read(_BLOCK):
            target.write(block)
