"""The provider of every OpenAI-compatible endpoint: plain HTTP on one event loop, connections reused, many in flight."""

from __future__ import annotations

import asyncio
import json
import time
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

from evalgate.core.credentials import secret_from_environment, setting_from_environment
from evalgate.core.errors import BadInput
from evalgate.core.settings import Upstream
from evalgate.proxy.redaction import Redactor
from evalgate.proxy.upstream.addresses import is_address, is_loopback, proxy_for
from evalgate.proxy.upstream.headers import rate_state, retry_after_s
from evalgate.proxy.upstream.interface import Call, Failure, FailureKind, ProviderContext, RateState, Reply
from evalgate.proxy.upstream.wire import SHOWN, answer_of, error_text, kind_of_error_body, kind_of_status, parse_body

if TYPE_CHECKING:
    import aiohttp

OPENAI = "https://api.openai.com/v1"
DEFAULT_KEY = "OPENAI_API_KEY"
MAX_BODY = 8 << 20
"""In its line an answer stands twice and may be escaped to three times its size: it must fit into one that can be read."""
MAX_ERROR_BODY = 64 << 10
CONNECT_S = 15.0


def make_openai(upstream: Upstream, context: ProviderContext) -> HttpProvider:
    """The provider `openai`.

    Raises: BadInput when the address is unusable, a named key is not there, or OpenAI itself is asked without one.
    """
    base = upstream.base_url or setting_from_environment("OPENAI_BASE_URL") or OPENAI
    if not is_address(base):
        shown = context.redactor.message(base)
        raise BadInput(f"{shown!r} is not the address of a server", hint="such as http://127.0.0.1:8080/v1")
    parts = urlsplit(base)
    if parts.username or parts.password or parts.query:
        hint = "the key belongs into the environment variable that api_key_env names"
        raise BadInput("the address of a server must not hold a user, a password or a query", hint=hint)
    key_name = upstream.api_key_env or DEFAULT_KEY
    key = secret_from_environment(key_name)
    if key is None and upstream.api_key_env is not None:
        hint = f"set {key_name}, or leave api_key_env out for a server that asks for no key; replay needs neither"
        raise BadInput(f"the environment variable {key_name} that api_key_env names is not set", hint=hint)
    host = parts.hostname or ""
    elsewhere = upstream.base_url is not None and host != urlsplit(OPENAI).hostname and not is_loopback(host)
    if upstream.api_key_env is None and elsewhere:
        # Another host's key has a variable of its own: OpenAI's is not handed around.
        key = None
    if key is None and parts.hostname == urlsplit(OPENAI).hostname:
        hint = f"set {key_name}, or name another server with base_url; replay needs neither"
        raise BadInput("OpenAI is asked without a key", hint=hint)
    if key is not None and any(ord(c) < 33 or ord(c) > 126 for c in key):
        said = f"the value of {key_name} holds white space or characters that no key has"
        raise BadInput(said, hint="set it again")
    return HttpProvider(base.rstrip("/"), key, context)


class HttpProvider:
    """Asks one server. Redirects are not followed: a key goes to the address that was configured and nowhere else."""

    def __init__(self, base_url: str, key: str | None, context: ProviderContext) -> None:
        self._base = base_url
        self._host = urlsplit(base_url).hostname or ""
        self._proxy = proxy_for(base_url)
        self._headers = {"Content-Type": "application/json", "Accept": "application/json", "Accept-Encoding": "identity"}
        if key is not None:
            self._headers["Authorization"] = f"Bearer {key}"
        self._redactor: Redactor = context.redactor
        self._sessions: dict[bool, aiohttp.ClientSession] = {}
        """False: connections are kept; True: each request has a new one."""
        self._dropped: set[str] = set()
        """Keys of calls whose kept connection was dropped."""

    async def ask(self, call: Call, attempt: int, timeout_s: float) -> Reply | Failure:
        """One attempt, with a deadline over all of it: connecting, waiting, and every byte of the body."""
        import aiohttp

        started = time.monotonic()
        line = _Line()
        try:
            async with asyncio.timeout(timeout_s):
                return await self._exchange(call, started, line)
        except aiohttp.ConnectionTimeoutError:
            return self._failed(f"cannot connect to {self._host} within {CONNECT_S:g} s")
        except TimeoutError:
            if not line.open:
                return self._failed(f"cannot connect to {self._host} within {timeout_s:g} s")
            return self._failed(f"no complete answer within {timeout_s:g} s", maybe_billed=True)
        except aiohttp.ServerDisconnectedError:
            if line.reused:
                self._dropped.add(call.key)
            return self._failed("the server closed the connection without an answer", not line.reused, fresh=line.reused)
        except aiohttp.ClientHttpProxyError as error:
            kind = kind_of_status(error.status, None, retry_after=False)
            return self._failed(f"the proxy answered HTTP {error.status}", kind=kind)
        except aiohttp.ClientConnectorError as error:
            where = "the proxy" if isinstance(error, aiohttp.ClientProxyConnectionError) else self._host
            return self._failed(f"cannot connect to {where}: {error.os_error.strerror or error.os_error}")
        except (aiohttp.ClientOSError, ConnectionError) as error:
            fresh = line.reused and not line.answering
            if fresh:
                self._dropped.add(call.key)
            return self._failed(f"the connection broke: {getattr(error, 'strerror', None) or error}", True, fresh=fresh)
        except aiohttp.ClientPayloadError:
            return self._failed("the response is damaged: its body is cut off or cannot be decoded", True)
        except (aiohttp.ClientError, ValueError) as error:
            # Only the first line: the others show what the server sent, differently each time.
            said = (getattr(error, "message", "") or str(error)).partition("\n")[0].rstrip(": ")
            return self._failed(f"the response is damaged: {said}", True)

    async def close(self) -> None:
        """Close the connections."""
        for session in self._sessions.values():
            await session.close()

    async def _exchange(self, call: Call, started: float, line: _Line) -> Reply | Failure:
        data = json.dumps(call.body, ensure_ascii=False, separators=(",", ":"), allow_nan=False).encode("utf-8")
        url = f"{self._base}/{call.endpoint}"
        options: dict[str, Any] = {"headers": self._headers, "allow_redirects": False, "trace_request_ctx": line}
        async with self._opened(fresh=call.key in self._dropped).post(url, data=data, proxy=self._proxy, **options) as got:
            line.answering = True
            good = 200 <= got.status < 300
            body = await (_read(got, MAX_BODY) if good else _read_error(got))
            latency_ms = (time.monotonic() - started) * 1000
            headers = {name.lower(): value for name, value in got.headers.items()}
        if body is None:
            if good:
                return self._failed(f"the answer is larger than {MAX_BODY >> 20} MiB", True, kind=FailureKind.PERMANENT)
            body = b"the body of the error is too large, or damaged"
        rate = rate_state(headers)
        if good:
            return self._answered(call, body, latency_ms, rate)
        return self._refused(got.status, headers, body, rate)

    def _answered(self, call: Call, data: bytes, latency_ms: float, rate: RateState) -> Reply | Failure:
        try:
            body = parse_body(data)
        except ValueError as error:
            return self._failed(f"the response is not JSON ({len(data)} bytes): {error}", True)
        answer = answer_of(call.endpoint, body)
        if isinstance(answer, str):
            failed = isinstance(body, Mapping) and body.get("error") is not None
            # An answer without content was the server's decision: asking again would pay again for the same.
            kind = kind_of_error_body(body) if failed else FailureKind.PERMANENT
            message = self._redactor.message(answer)[:SHOWN]
            return Failure(kind, message, 200, None, self._redactor.value(body), rate, True)
        return Reply(answer.text, answer.finish, answer.prompt_tokens, answer.completion_tokens, round(latency_ms, 3), body, rate)

    def _refused(self, status: int, headers: Mapping[str, str], data: bytes, rate: RateState) -> Failure:
        body: Any
        try:
            body = parse_body(data)
        except ValueError:
            body = data[:MAX_ERROR_BODY].decode("utf-8", "replace")
        wait = retry_after_s(headers, datetime.now(UTC))
        kind = kind_of_status(status, body, retry_after=wait is not None)
        said = error_text(body) or "without a message"
        if 300 <= status < 400:
            said = "a redirect, which is not followed; check base_url"
        message = self._redactor.message(f"HTTP {status}: {said}")[:SHOWN]
        return Failure(kind, message, status, wait, self._redactor.value(body), rate)

    def _failed(
        self, message: str, maybe_billed: bool = False, *, fresh: bool = False, kind: FailureKind = FailureKind.TRANSIENT
    ) -> Failure:
        text = self._redactor.message(" ".join(message.split()))[:SHOWN]
        return Failure(kind, text, maybe_billed=maybe_billed, fresh_connection=fresh)

    def _opened(self, *, fresh: bool) -> aiohttp.ClientSession:
        if fresh not in self._sessions:
            import aiohttp

            keep: dict[str, Any] = {"force_close": True} if fresh else {"keepalive_timeout": 20}
            trace = aiohttp.TraceConfig()
            trace.on_connection_create_end.append(_note_open)
            trace.on_connection_reuseconn.append(_note_reuse)
            self._sessions[fresh] = aiohttp.ClientSession(
                connector=aiohttp.TCPConnector(limit=0, ttl_dns_cache=300, **keep),
                timeout=aiohttp.ClientTimeout(total=None, connect=CONNECT_S),
                # Not the environment as aiohttp reads it: that brings passwords out of ~/.netrc too.
                trust_env=False,
                trace_configs=[trace],
                cookie_jar=aiohttp.DummyCookieJar(),
                auto_decompress=True,
            )
        return self._sessions[fresh]


class _Line:
    """How far a request came: whether it had a connection, one that had served before, and whether an answer had begun."""

    __slots__ = ("answering", "open", "reused")

    def __init__(self) -> None:
        self.open = self.reused = self.answering = False


async def _note_open(session: Any, context: Any, parameters: Any) -> None:
    context.trace_request_ctx.open = True


async def _note_reuse(session: Any, context: Any, parameters: Any) -> None:
    context.trace_request_ctx.open = context.trace_request_ctx.reused = True


async def _read_error(response: aiohttp.ClientResponse) -> bytes | None:
    import aiohttp

    try:
        return await _read(response, MAX_ERROR_BODY)
    except aiohttp.ClientError:
        return None  # the status says enough


async def _read(response: aiohttp.ClientResponse, limit: int) -> bytes | None:
    """The body, or None when it is larger than the limit; the rest is not read."""
    chunks: list[bytes] = []
    size = 0
    async for chunk in response.content.iter_any():
        size += len(chunk)
        if size > limit:
            response.close()
            return None
        chunks.append(chunk)
    return b"".join(chunks)
