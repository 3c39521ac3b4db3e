"""A store that workers on other hosts can reach: a folder, or whatever fsspec has a scheme for (s3, gs, memory, …)."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeVar

from evalgate.core.errors import BadInput, EvalgateError, Incomplete, Problem
from evalgate.core.files import write_whole

T = TypeVar("T")

HINT = "what is finished is kept: the same command continues"
MEMORY = "memory://"
"""A store inside one process, for tests: only threads of it see it."""


class Missing(Incomplete):
    """The store has no such object."""


@dataclass(frozen=True, slots=True)
class Storage:
    """A folder of a store, addressed by names below it such as `work/job.json`."""

    url: str

    @classmethod
    def at(cls, url: str) -> Storage:
        """The store of an address as somebody wrote it; a path without a scheme is a folder.

        Raises: BadInput when it names no store, or holds a password.
        """
        text = url.strip()
        scheme, separator, rest = text.partition("://")
        if not separator and ":" not in text:
            return cls(str(Path(text).absolute()))
        if "@" in rest.partition("/")[0]:
            hint = "credentials come from the environment of each worker"
            raise BadInput("the address of the storage holds a user or a password", where="storage", hint=hint)
        if not separator or not scheme or not rest.strip("/") or "::" in text:
            raise BadInput("the storage is not a folder of a store", where=_shown(text), hint="such as s3://bucket/prefix")
        return cls(text.rstrip("/"))

    @property
    def in_memory(self) -> bool:
        """Whether only this process sees it."""
        return self.url.startswith(MEMORY)

    def below(self, name: str) -> Storage:
        """A folder of this one."""
        return Storage(f"{self.url}/{name}")

    def read(self, name: str) -> bytes:
        """The bytes of an object.

        Raises: Missing when there is none, Incomplete when the store refuses.
        """
        found: bytes = self._ask("read", name, lambda fs, path: fs.cat_file(path))
        return found

    def write(self, name: str, data: bytes) -> None:
        """Store an object, whole or not at all.

        Raises: Incomplete when the store refuses.
        """
        self._ask("write", name, lambda fs, path: _put(fs, path, data))

    def send(self, source: Path, name: str) -> None:
        """Store a file of this machine.

        Raises: Incomplete when the store refuses.
        """
        self._ask("write", name, lambda fs, path: _put_file(fs, source, path))

    def fetch(self, name: str, target: Path) -> None:
        """Copy an object into a file of this machine.

        Raises: Missing when there is none, Incomplete when the store refuses.
        """
        self._ask("read", name, lambda fs, path: fs.get_file(path, str(target)))

    def names(self, folder: str) -> frozenset[str]:
        """What stands in a folder at this moment; nothing where there is no such folder.

        Raises: Incomplete when the store refuses.
        """
        try:
            found: Iterable[str] = self._ask("list", folder, _listed)
        except Missing:
            return frozenset()
        return frozenset(path.rstrip("/").rpartition("/")[2] for path in found)

    def remove(self, name: str) -> None:
        """Remove an object.

        Raises: Missing when there is none, Incomplete when the store refuses.
        """
        self._ask("remove", name, lambda fs, path: fs.rm_file(path))

    def clear(self) -> None:
        """Remove everything.

        Raises: Incomplete when the store refuses.
        """
        try:
            self._ask("remove", "", lambda fs, path: fs.rm(path, recursive=True))
        except Missing:
            return

    def _ask(self, verb: str, name: str, call: Callable[[Any, str], T]) -> T:
        place = f"{self.url}/{name}".rstrip("/")
        try:
            system, path = _system(place)
            return call(system, path)
        except EvalgateError:
            raise
        except FileNotFoundError as error:
            raise Missing(Problem("is not there", _shown(place), HINT)) from error
        except Exception as error:  # every store has errors of its own
            said = f"the storage refuses to {verb}: {type(error).__name__}: {str(error)[:200]}"
            raise Incomplete(Problem(said, _shown(place), HINT)) from error


def _system(place: str) -> tuple[Any, str]:
    import fsspec

    try:
        system, path = fsspec.core.url_to_fs(place)
    except ValueError as error:
        hint = "file, s3 (pip install s3fs), gs (pip install gcsfs), or another scheme of fsspec"
        raise BadInput(
            f"the storage has a scheme that is not known: {str(error)[:100]}", where=_shown(place), hint=hint
        ) from error
    except ImportError as error:
        hint = "file, s3 (pip install s3fs), gs (pip install gcsfs), or another scheme of fsspec"
        raise Incomplete(f"the storage needs a package: {str(error)[:200]}", where=_shown(place), hint=hint) from error
    return system, path


def _listed(system: Any, path: str) -> list[str]:
    # Others write there at the same time: what was listed before is not what is there now.
    system.invalidate_cache()
    found: list[str] = system.ls(path, detail=False)
    return found


def _put(system: Any, path: str, data: bytes) -> None:
    if _is_disk(system):
        write_whole(Path(path), data)
    else:
        system.pipe_file(path, data)


def _put_file(system: Any, source: Path, path: str) -> None:
    if not _is_disk(system):
        system.put_file(str(source), path)
        return
    import os
    import threading

    target = Path(path)
    target.parent.mkdir(parents=True, exist_ok=True)
    part = target.with_name(f".{target.name}.{os.getpid()}-{threading.get_native_id()}.part")
    system.put_file(str(source), str(part))
    part.replace(target)


def _is_disk(system: Any) -> bool:
    return "file" in (system.protocol if isinstance(system.protocol, (tuple, list)) else (system.protocol,))


def _shown(place: str) -> str:
    return place[:300]
