"""Bind, serve, and end in good order: running calls are finished, the recording is flushed."""

from __future__ import annotations

import asyncio
import logging
import signal
import socket
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

from evalgate.core.errors import BadInput
from evalgate.proxy.server.access import UNASKED
from evalgate.proxy.server.app import Desk, build_app

if TYPE_CHECKING:
    from aiohttp import web

GRACE_S = 5.0
"""How long calls that are running may take to finish once the server is asked to end."""
LAST_S = 0.5
"""The part of it that is kept for closing connections and the recording."""
BACKLOG = 1024
KEEP_ALIVE_S = 75.0


def bound(host: str, port: int) -> socket.socket:
    """A socket that is bound and not yet listening.

    Raises: BadInput when the host is unknown or the port is taken.
    """
    # One address, so that port 0 cannot give two ports to one name.
    name = "127.0.0.1" if host.lower() == "localhost" else host.strip("[]")
    try:
        family, kind, protocol, _, address = socket.getaddrinfo(name, port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE)[0]
        made = socket.socket(family, kind, protocol)
    except (OSError, UnicodeError) as error:
        raise BadInput(f"cannot listen on {host!r}: {error}", hint="--host 127.0.0.1 is this machine alone") from error
    try:
        made.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        made.bind(address)
    except OSError as error:
        made.close()
        hint = "--port 0 takes a free port"
        raise BadInput(f"cannot listen on {host} port {port}: {error.strerror or error}", hint=hint) from error
    return made


def base_url(host: str, made: socket.socket) -> str:
    """The address that clients use."""
    name = "127.0.0.1" if host in UNASKED or host.lower() == "localhost" else host.strip("[]")
    return f"http://{f'[{name}]' if ':' in name else name}:{made.getsockname()[1]}/v1"


async def serve(desk: Desk, made: socket.socket, ready: Callable[[], None]) -> int:
    """Serve until SIGINT or SIGTERM. Returns: the number of the signal.

    A second signal breaks off what is still running. Raises: Incomplete when the recording cannot be flushed.
    Side effects: takes the two signals while it runs.
    """
    loop = asyncio.get_running_loop()
    asked: asyncio.Future[int] = loop.create_future()
    task = asyncio.current_task()

    def end(number: int) -> None:
        if not asked.done():
            asked.set_result(number)
        elif task is not None:
            task.cancel()

    try:
        with _signals(loop, end):
            try:
                return await _until(desk, made, ready, asked)
            finally:
                await desk.answerer.close(LAST_S)
    except asyncio.CancelledError:
        if not asked.done():
            raise
        return asked.result()


async def _until(desk: Desk, made: socket.socket, ready: Callable[[], None], asked: asyncio.Future[int]) -> int:
    runner = await started(desk, made)
    try:
        ready()
        number = await asked
        await desk.drained(GRACE_S - 4 * LAST_S)
        return number
    finally:
        await runner.cleanup()


async def started(desk: Desk, made: socket.socket) -> web.AppRunner:
    """A running server on a bound socket; `cleanup()` of the runner ends it."""
    from aiohttp import web

    runner = web.AppRunner(
        build_app(desk),
        access_log=None,
        logger=_silent(),
        keepalive_timeout=KEEP_ALIVE_S,
        # Calls have had their time before; aiohttp waits this long for a handler and again for its connection.
        shutdown_timeout=LAST_S,
        lingering_time=1.0,
        # Compressed requests are refused: nothing that a few bytes blow up is ever unpacked.
        auto_decompress=False,
    )
    await runner.setup()
    await web.SockSite(runner, made, backlog=BACKLOG).start()
    return runner


@contextmanager
def _signals(loop: asyncio.AbstractEventLoop, end: Callable[[int], None]) -> Iterator[None]:
    numbers = (signal.SIGINT, signal.SIGTERM)
    before = {number: signal.getsignal(number) for number in numbers}
    for number in numbers:
        loop.add_signal_handler(number, end, number)
    try:
        yield
    finally:
        for number in numbers:
            loop.remove_signal_handler(number)
            signal.signal(number, before[number])


def _silent() -> logging.Logger:
    """A logger for aiohttp that writes nothing: its lines would hold addresses and tracebacks with texts of clients."""
    logger = logging.getLogger("evalgate.proxy.server")
    logger.propagate = False
    if not logger.handlers:
        logger.addHandler(logging.NullHandler())
    return logger
