"""The mock's faults as real behaviour on the wire: what an application must survive, its own client included.

None of these responses carries `x-should-retry`: they stand for an upstream, and clients are to do what they would do.
"""

from __future__ import annotations

import asyncio
import socket
import struct
from collections.abc import Iterable
from typing import TYPE_CHECKING

from evalgate.core.settings import MockFault
from evalgate.proxy.mock.failures import failure_of
from evalgate.proxy.server.interface import Asked
from evalgate.proxy.server.pieces import event
from evalgate.proxy.server.replies import EVENTS, JSON, encoded

if TYPE_CHECKING:
    from aiohttp import web

LONGEST_WAIT_S = 3600.0
SLOW_S = 0.5
_LOOK_S = 0.25
_FINISHED = (b'"finish_reason":"', b"event: response.completed", b"event: response.incomplete", b"event: response.failed")
"""Parts of an event that say that a stream is complete; inside a text the quotation marks would be escaped."""


async def misbehave(
    request: web.Request, asked: Asked, fault: MockFault, data: bytes | Iterable[bytes], ending: asyncio.Event
) -> web.StreamResponse:
    """Answer as the fault says; `data` is the answer that there would have been, `ending` is set when the server stops."""
    if fault.kind in ("rate_limit", "server_error"):
        return _refused(fault)
    if fault.kind == "error_body":
        return await _error_under_200(request, asked, fault)
    if fault.kind == "timeout":
        await _silence(request, LONGEST_WAIT_S, ending)
        return await _cut_off(request, asked, b"")
    events = [data] if isinstance(data, bytes) else list(data)
    if fault.kind == "slow":
        return await _slowly(request, asked, b"".join(events), ending)
    if fault.kind == "truncated":
        return await _truncated(request, asked, events)
    whole = b"".join(events)
    return await _cut_off(request, asked, whole[: len(whole) // 2])


def _refused(fault: MockFault) -> web.Response:
    from aiohttp import web

    failure = failure_of(fault, 0.0)
    headers = {} if fault.retry_after_s is None else {"retry-after": f"{fault.retry_after_s:g}"}
    return web.Response(status=failure.status or 500, body=encoded(failure.body), content_type=JSON, headers=headers)


async def _error_under_200(request: web.Request, asked: Asked, fault: MockFault) -> web.StreamResponse:
    body = failure_of(fault, 0.0).body
    return await _sent(request, asked, [event(body) if asked.stream else encoded(body)])


async def _truncated(request: web.Request, asked: Asked, events: list[bytes]) -> web.StreamResponse:
    """A stream without its end, or JSON cut in the middle: complete as far as HTTP can tell."""
    if not asked.stream:
        return await _sent(request, asked, [events[0][: len(events[0]) // 2]])
    finish = next((n for n, part in enumerate(events) if any(mark in part for mark in _FINISHED)), len(events))
    return await _sent(request, asked, events[: max(1, min(len(events) // 2, finish))])


async def _slowly(request: web.Request, asked: Asked, data: bytes, ending: asyncio.Event) -> web.StreamResponse:
    response = await _begun(request, asked, None if asked.stream else len(data))
    for at in range(len(data)):
        await response.write(data[at : at + 1])
        if not await _silence(request, SLOW_S, ending):
            break
    else:
        await response.write_eof()
        return response
    return _broken(request, response)


async def _cut_off(request: web.Request, asked: Asked, data: bytes) -> web.StreamResponse:
    """The connection is reset in the middle of the body."""
    if data:
        response = await _begun(request, asked, None if asked.stream else 2 * len(data) + 1)
        await response.write(data)
        # What was written is to arrive before the reset does.
        await asyncio.sleep(0.05)
        return _broken(request, response)
    from aiohttp import web

    return _broken(request, web.StreamResponse())


def _broken(request: web.Request, response: web.StreamResponse) -> web.StreamResponse:
    transport = request.transport
    if transport is not None:
        plain = transport.get_extra_info("socket")
        if plain is not None:
            plain.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        transport.abort()
    return response


async def _sent(request: web.Request, asked: Asked, parts: list[bytes]) -> web.StreamResponse:
    response = await _begun(request, asked, None if asked.stream else sum(map(len, parts)))
    for part in parts:
        await response.write(part)
    await response.write_eof()
    return response


async def _begun(request: web.Request, asked: Asked, length: int | None) -> web.StreamResponse:
    from aiohttp import web

    response = web.StreamResponse(headers={"Content-Type": EVENTS if asked.stream else JSON})
    response.content_length = length
    response.force_close()
    await response.prepare(request)
    return response


async def _silence(request: web.Request, seconds: float, ending: asyncio.Event) -> bool:
    """Say nothing for a while. Returns: whether the client is still there and the server goes on."""
    loop = asyncio.get_running_loop()
    until = loop.time() + seconds
    while loop.time() < until:
        if request.transport is None or request.transport.is_closing() or ending.is_set():
            return False
        try:
            await asyncio.wait_for(ending.wait(), min(_LOOK_S, until - loop.time()))
        except TimeoutError:
            continue
    return True
