"""Addresses of servers: which can be used, and which proxy of the environment stands before them."""

from __future__ import annotations

import ipaddress
from urllib.parse import urlsplit

from evalgate.core.errors import BadInput


def is_address(url: str) -> bool:
    """Whether a text is the address of an HTTP server."""
    try:
        parts = urlsplit(url)
        return parts.scheme in ("http", "https") and parts.port != 0 and bool((parts.hostname or "").encode("idna"))
    except ValueError:
        return False


def is_loopback(host: str) -> bool:
    """Whether a host is this machine itself; an IPv6 address may stand in brackets."""
    host = host.strip("[]").lower()
    try:
        return host == "localhost" or ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False


def proxy_for(base_url: str) -> str | None:
    """The proxy of the environment, which is for the world outside: a model on this machine is asked directly.

    Raises: BadInput when it is none that can be used.
    """
    from urllib.request import getproxies, proxy_bypass

    parts = urlsplit(base_url)
    host = parts.hostname or ""
    proxy = None if is_loopback(host) or proxy_bypass(host) else getproxies().get(parts.scheme)
    if proxy and not is_address(proxy):
        # It may hold a password: not shown.
        said = f"the proxy that {parts.scheme}_proxy names cannot be used"
        raise BadInput(said, hint="write it as http://host:port, or put the server into no_proxy")
    return proxy or None
