"""The providers by name: built-ins from a static table, others by entry point `evalgate.providers`."""

from __future__ import annotations

from evalgate.core.plugins import load_plugin
from evalgate.core.settings import Upstream
from evalgate.proxy.upstream.interface import GROUP, Provider, ProviderContext

__all__ = ["BUILTINS", "GROUP", "make_provider"]

BUILTINS = {
    "openai": "evalgate.proxy.upstream.http_provider:make_openai",
    "command": "evalgate.proxy.upstream.command_provider:make_command",
    "python": "evalgate.proxy.upstream.function_provider:make_function",
    "mock": "evalgate.proxy.mock.provider:make_mock",
}


def make_provider(name: str, upstream: Upstream, context: ProviderContext) -> Provider:
    """The provider of that name for one upstream.

    Raises: BadInput when the name is unknown, or the upstream cannot be used as configured.
    """
    factory = load_plugin(GROUP, BUILTINS, name)
    provider: Provider = factory(upstream, context)
    return provider
