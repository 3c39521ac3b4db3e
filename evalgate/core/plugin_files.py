"""What an extension is made of: two installations of one version may still differ, where somebody works on one of them."""

from __future__ import annotations

import hashlib
import sys
from collections.abc import Iterable, Iterator
from importlib.machinery import ModuleSpec
from pathlib import Path

CODE = (".py", ".so", ".pyd")
MOST_FILES = 5000
MOST_BYTES = 256 << 20


def code_digest(modules: Iterable[str]) -> str | None:
    """Digest of the code in the packages, or the single files, that modules live in; nothing is imported.

    It depends on names below the package and on bytes, and not on where the package stands. Only code counts: a package may
    write other files beside it.

    None where it cannot be made: a module is not found, stands in no files, or in too many (5,000 files, 256 MiB).
    """
    state, files, size = hashlib.sha256(), 0, 0
    try:
        for module in sorted(set(modules)):
            for name, path in _files(module):
                files, size = files + 1, size + path.stat().st_size
                if files > MOST_FILES or size > MOST_BYTES:
                    return None
                state.update(f"{name}\n".encode())
                state.update(hashlib.sha256(path.read_bytes()).digest())
    except Exception:  # noqa: BLE001 - finders of others, and files that vanish: no digest can be made
        return None
    return "sha256:" + state.hexdigest() if files else None


def _files(module: str) -> Iterator[tuple[str, Path]]:
    """Name and place of every file of code.

    Raises: LookupError where there are none.
    """
    spec = _home(module)
    roots = [Path(place) for place in spec.submodule_search_locations or ()]
    if not roots:
        path = Path(spec.origin or "")
        if not path.is_file():
            raise LookupError(module)
        yield f"{spec.name}{path.suffix}", path
    for root in roots:
        found = sorted(path for path in root.rglob("*") if path.suffix in CODE and path.is_file())
        if not found:
            raise LookupError(module)
        for path in found:
            yield f"{spec.name}/{path.relative_to(root).as_posix()}", path


def _home(module: str) -> ModuleSpec:
    """The outermost package of a module that is no namespace, which many distributions may share.

    Raises: LookupError.
    """
    name, places = "", None
    for part in module.split("."):
        name = f"{name}.{part}".lstrip(".")
        spec = _found(name, places)
        if spec is None:
            raise LookupError(module)
        if spec.origin is not None and spec.loader is not None and Path(spec.origin).is_file():
            return spec
        places = list(spec.submodule_search_locations or ())
    raise LookupError(module)


def _found(name: str, places: list[str] | None) -> ModuleSpec | None:
    """As the import system finds it, without the modules that are loaded already."""
    for finder in sys.meta_path:
        find = getattr(finder, "find_spec", None)
        spec: ModuleSpec | None = find(name, places) if find is not None else None
        if spec is not None:
            return spec
    return None
