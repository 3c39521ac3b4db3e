"""Which workers a run has: what the command line says, else the configuration."""

from __future__ import annotations

from evalgate.core.settings import ExecutionChoice
from evalgate.runner.backends import check_backend
from evalgate.runner.execute import Workers

DEFAULT = "loky"


def workers_of(said: ExecutionChoice, configured: ExecutionChoice | None = None, *, fresh: bool = False) -> Workers:
    """The workers of a run, refused here if there cannot be such.

    A configured address, storage and number of jobs belong to the configured backend: another one on the command line sets
    them aside.

    Raises: BadInput.
    """
    rest = configured or ExecutionChoice()
    if said.backend is not None and said.backend != rest.backend:
        rest = ExecutionChoice()
    backend = said.backend or rest.backend or DEFAULT
    address, storage = said.address or rest.address, said.storage or rest.storage
    check_backend(backend, address, storage)
    return Workers(said.jobs or rest.jobs, backend, address, storage, fresh)
