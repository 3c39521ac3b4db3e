"""The group `execution`: which workers do the work, and where they find it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

from evalgate.config.faults import Faults, clipped, key_text
from evalgate.config.key_texts import KEY_HINT, looks_like_key
from evalgate.core.plugins import known_names, suggestion
from evalgate.core.settings import ExecutionChoice

if TYPE_CHECKING:
    from evalgate.config.schema_models import ExecutionEntry

GROUP = "evalgate.backends"
LOCAL = ("loky", "threading", "sequential")
CLUSTERS = ("dask", "ray")


def check_execution(raw: Any, faults: Faults) -> None:
    """Note what is wrong with the group beyond its shape."""
    if not isinstance(raw, dict):
        return
    if not raw:
        faults.add(("execution",), "execution is empty", "write backend, address, storage or jobs, or leave execution out")
    backend = raw.get("backend")
    if isinstance(backend, str) and backend:
        _check_backend(backend, raw, faults)
    elif "address" in raw and "backend" not in raw:
        where = ("execution", "address")
        faults.add(where, f"{key_text(where)} names a cluster, but no backend uses it", "add backend: dask or backend: ray")
    for key in ("address", "storage"):
        text = raw.get(key)
        fault = _place_fault(text) if isinstance(text, str) else None
        if fault is not None:
            where = ("execution", key)
            faults.add(where, f"{key_text(where)} {fault}", KEY_HINT)


def execution_choice(entry: ExecutionEntry | None) -> ExecutionChoice:
    """The group as a frozen value."""
    if entry is None:
        return ExecutionChoice()
    return ExecutionChoice(entry.backend, entry.address, entry.storage, entry.jobs)


def _check_backend(backend: str, raw: dict[str, Any], faults: Faults) -> None:
    where = ("execution", "backend")
    known = known_names(GROUP, dict.fromkeys((*LOCAL, *CLUSTERS), ""))
    if backend not in known:
        faults.add(where, f"{key_text(where)}: there is no backend {clipped(backend)!r}", suggestion(backend, known))
    elif backend in LOCAL and "address" in raw:
        where = ("execution", "address")
        hint = "remove it, or write backend: dask or backend: ray"
        faults.add(where, f"{key_text(where)}: backend {backend} works on this machine and takes no address", hint)


def _place_fault(text: str) -> str | None:
    """What is wrong with an address; the address itself is not repeated, because it may hold a secret."""
    try:
        parts = urlsplit(text)
    except ValueError:
        return "is not an address"
    if "@" in parts.netloc:
        return "must not hold a user or a password"
    return "holds what looks like a key" if looks_like_key(text) else None
