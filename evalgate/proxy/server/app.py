"""The application: routes, the guard before them, and answers as HTTP."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Iterator
from contextlib import suppress
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from evalgate.core.errors import EvalgateError
from evalgate.proxy.redaction import Redactor
from evalgate.proxy.request import ENDPOINTS
from evalgate.proxy.server.access import Access
from evalgate.proxy.server.bad_days import misbehave
from evalgate.proxy.server.interface import NOT_FOUND, RECORDING, UPSTREAM, Answered, Answerer, Asked, Refusal
from evalgate.proxy.server.reading import read_asked
from evalgate.proxy.server.replies import EVENTS, JSON, encoded, error_response, headers_of, payload

if TYPE_CHECKING:
    from aiohttp import web

MAX_BODY = 8 << 20
_BUGS = (ArithmeticError, AttributeError, LookupError, OSError, RuntimeError, TypeError, ValueError)
"""What a mistake in this program raises: it is answered as an error and never as silence."""
Handler = Callable[["web.Request"], Awaitable["web.StreamResponse"]]


@dataclass(slots=True)
class Tally:
    """What a server has done so far."""

    hits: int = 0
    misses: int = 0
    recorded: int = 0


@dataclass(slots=True)
class Desk:
    """Serves requests for one answerer."""

    answerer: Answerer
    access: Access
    max_body: int = MAX_BODY
    say: Callable[[str], None] = lambda line: None
    """Told of every miss and every failure of the upstream, one line each, secrets taken out."""
    tally: Tally = field(default_factory=Tally)
    ending: asyncio.Event = field(default_factory=asyncio.Event)
    redactor: Redactor = field(default_factory=Redactor)
    _active: int = 0
    _quiet: asyncio.Event = field(default_factory=asyncio.Event)

    async def guarded(self, request: web.Request, handler: Handler) -> web.StreamResponse:
        """Let a request pass or refuse it; whatever happens, the client reads an error in the shape that it knows."""
        self._active += 1
        try:
            refusal = self._refused(request)
            return await self._handled(request, handler) if refusal is None else self._refuse(refusal)
        finally:
            self._active -= 1
            if not self._active:
                self._quiet.set()

    async def drained(self, seconds: float) -> None:
        """Take no new request, and wait until those that are being answered are done, or for so long."""
        self.ending.set()
        self._quiet.clear()
        if self._active:
            with suppress(TimeoutError):
                await asyncio.wait_for(self._quiet.wait(), seconds)

    async def _handled(self, request: web.Request, handler: Handler) -> web.StreamResponse:
        from aiohttp import web

        try:
            return await handler(request)
        except web.HTTPException as error:
            return self._refuse(_of_router(request, error))
        except EvalgateError as error:
            said = str(error.problems[0])
            return self._refuse(Refusal(500, said, "recording_unusable", "server_error", noted=f"failed: {said}"))
        except _BUGS as error:
            if isinstance(error, ConnectionError) or request.writer.output_size:
                # The client is gone, or has half of an answer: nothing that could be said would be understood.
                raise
            said = f"internal error: {type(error).__name__}"
            return self._refuse(Refusal(500, said, "internal_error", "server_error", noted=f"{said}: {error}"))

    def asks(self, endpoint: str) -> Handler:
        """The handler of an endpoint."""

        async def handle(request: web.Request) -> web.StreamResponse:
            asked = await read_asked(request, endpoint, self.max_body)
            if isinstance(asked, Refusal):
                return self._refuse(asked)
            answered = await self.answerer.answer(asked)
            if isinstance(answered, Refusal):
                return self._refuse(answered, asked)
            return await self._answer(request, asked, answered)

        return handle

    async def health(self, request: web.Request) -> web.StreamResponse:
        """What the server is and has done."""
        return _json(
            {
                "status": "ok",
                "mode": self.answerer.mode,
                "exchanges": self.answerer.exchanges(),
                "hits": self.tally.hits,
                "misses": self.tally.misses,
                "recorded": self.tally.recorded,
            }
        )

    async def models(self, request: web.Request) -> web.StreamResponse:
        """The list of models."""
        return _json({"object": "list", "data": [_model(name) for name in await self.answerer.models()]})

    async def model(self, request: web.Request) -> web.StreamResponse:
        """One model."""
        name = request.match_info["model"]
        if name in await self.answerer.models():
            return _json(_model(name))
        return self._refuse(Refusal(404, f"the model {name[:200]!r} is not known here", "model_not_found", param="model"))

    async def _answer(self, request: web.Request, asked: Asked, answered: Answered) -> web.StreamResponse:
        from aiohttp import web

        data = payload(asked, answered)
        if isinstance(data, Refusal):
            return self._refuse(data, asked)
        self.tally.hits += answered.source == RECORDING
        self.tally.recorded += answered.source == UPSTREAM
        if answered.fault is not None:
            return await misbehave(request, asked, answered.fault, data, self.ending)
        if isinstance(data, bytes):
            return web.Response(body=data, content_type=JSON, headers=headers_of(answered))
        return await _streamed(request, answered, data)

    def _refused(self, request: web.Request) -> Refusal | None:
        if self.ending.is_set():
            return Refusal(503, "the proxy is ending", "shutting_down", "server_error", closes=True)
        # Absolute-form and CONNECT are how a client asks for somewhere else; there is nowhere else.
        if not request.raw_path.startswith("/"):
            return Refusal(400, "only paths of this server can be asked for", "invalid_url", closes=True)
        local = request.transport.get_extra_info("sockname") if request.transport is not None else None
        address = str(local[0]) if local else ""
        refusal = self.access.refuses(tuple(request.headers.getall("Host", ())), "Origin" in request.headers, address)
        if refusal is None and request.path not in ("/health", "/v1/health"):
            refusal = self.access.denies(tuple(request.headers.getall("Authorization", ())))
        return refusal

    def _refuse(self, refusal: Refusal, asked: Asked | None = None) -> web.Response:
        self.tally.misses += refusal.code == NOT_FOUND
        if refusal.noted:
            self.say(self.redactor.message(refusal.noted))
        return error_response(refusal, self.redactor, {"x-evalgate-key": asked.key} if asked is not None else None)


def build_app(desk: Desk) -> web.Application:
    """The application of a desk, with and without the prefix `/v1`."""
    from aiohttp import web

    @web.middleware
    async def guard(request: web.Request, handler: Handler) -> web.StreamResponse:
        return await desk.guarded(request, handler)

    async def end(app: web.Application) -> None:
        desk.ending.set()

    app = web.Application(middlewares=[guard], client_max_size=desk.max_body)
    for prefix in ("", "/v1"):
        for endpoint in ENDPOINTS:
            app.router.add_post(f"{prefix}/{endpoint}", desk.asks(endpoint))
        app.router.add_get(f"{prefix}/health", desk.health)
        app.router.add_get(f"{prefix}/models", desk.models)
        app.router.add_get(f"{prefix}/models/{{model:.+}}", desk.model)
    app.on_shutdown.append(end)
    return app


async def _streamed(request: web.Request, answered: Answered, events: Iterator[bytes]) -> web.StreamResponse:
    from aiohttp import web

    headers = {"Content-Type": EVENTS, "Cache-Control": "no-cache", **headers_of(answered)}
    response = web.StreamResponse(headers=headers)
    await response.prepare(request)
    for part in events:
        await response.write(part)
    await response.write_eof()
    return response


def _of_router(request: web.Request, error: web.HTTPException) -> Refusal:
    """An error of the router in OpenAI's shape."""
    said = f"{request.method} {request.path[:200]}"
    if error.status == 405:
        allowed = error.headers.get("Allow", "")
        return Refusal(405, f"{said}: this method is not served here", "method_not_allowed", headers={"Allow": allowed})
    if error.status == 404:
        return Refusal(404, f"{said}: there is no such endpoint", "unknown_url")
    return Refusal(error.status, f"{said}: {error.reason}", None)


def _model(name: str) -> dict[str, Any]:
    return {"id": name, "object": "model", "created": 0, "owned_by": "evalgate"}


def _json(value: Any) -> web.Response:
    from aiohttp import web

    return web.Response(body=encoded(value), content_type=JSON)
