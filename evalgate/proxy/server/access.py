"""Who may ask: the Host a request must name, the Origin it must not have, the token it must show.

Source: DNS rebinding and cross-site requests are how web pages reach servers that listen on the loopback only.
"""

from __future__ import annotations

import hmac
import re
import socket
from dataclasses import dataclass

from evalgate.proxy.server.interface import Refusal
from evalgate.proxy.upstream.addresses import is_loopback

_HOST = re.compile(r"(\[[0-9A-Fa-f:.%]{2,60}\]|[A-Za-z0-9._-]{1,253})(?::\d{1,5})?")
LOOPBACK_NAMES = frozenset({"localhost", "127.0.0.1", "::1"})
UNASKED = frozenset({"0.0.0.0", "::"})  # noqa: S104 - recognised, never a default
"""Addresses to bind that stand for every address of the machine."""


@dataclass(frozen=True, slots=True)
class Access:
    """The rules of one server."""

    token: str
    token_needed: bool
    hosts: frozenset[str]
    """Names and addresses that a request may be addressed to."""

    def refuses(self, host: tuple[str, ...], origin: bool, address: str) -> Refusal | None:
        """Whether a request is refused for where it comes from; `address` is the local end of its connection."""
        if len(host) != 1:
            return Refusal(400, "the request must have one Host header", "host_missing", closes=True)
        named = _HOST.fullmatch(host[0])
        name = named.group(1).strip("[]").lower() if named else ""
        if not name or (name not in self.hosts and name != address):
            said = "the Host header names another host than this server"
            return Refusal(403, said, "host_not_allowed", "permission_error", closes=True)
        if origin:
            said = "requests of web pages (with an Origin header) are refused"
            return Refusal(403, said, "origin_not_allowed", "permission_error", closes=True)
        return None

    def denies(self, authorization: tuple[str, ...]) -> Refusal | None:
        """Whether a request lacks the token."""
        if not self.token_needed:
            return None
        scheme, _, given = authorization[0].partition(" ") if len(authorization) == 1 else ("", "", "")
        shown = given.strip().encode("utf-8", "surrogateescape")
        if scheme.lower() == "bearer" and hmac.compare_digest(shown, self.token.encode("utf-8")):
            return None
        said = "no token, or not the token of this proxy: it prints OPENAI_API_KEY=… when it starts"
        return Refusal(401, said, "invalid_api_key", headers={"WWW-Authenticate": "Bearer"}, closes=True)


def access_for(host: str, token: str, *, spends: bool) -> Access:
    """The rules of a server bound to a host; `spends`: whether an answer may cost money."""
    hosts = LOOPBACK_NAMES | {host.strip("[]").lower()}
    if host in UNASKED:
        hosts |= {socket.gethostname().lower()}
    return Access(token, spends or not is_loopback(host), frozenset(hosts - UNASKED))
