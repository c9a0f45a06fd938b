"""httpx clients by purpose: each has connections of its own, so that polls can't keep signs of life from leaving."""

from __future__ import annotations

from collections.abc import Mapping
from functools import cached_property
from http.cookiejar import CookieJar, DefaultCookiePolicy
from importlib.util import find_spec
from ssl import PROTOCOL_TLS_CLIENT, SSLContext

import httpx

from tinkex_py.config import Config
from tinkex_py.request import AnyRequest

_REST = "rest"
_OPERATIONS: Mapping[str, tuple[str, ...]] = {
    "session": (
        "auth_token",
        "client_config",
        "client_dynamic_config",
        "create_session",
        "finish_session",
        "session_heartbeat",
    ),
    "training": (
        "create_model",
        "forward",
        "forward_backward",
        "load_weights",
        "optim_step",
        "save_weights",
        "save_weights_external",
        "save_weights_for_sampler",
        "unload_model",
    ),
    "sampling": ("asample", "create_sampling_session", "join_sampling_session"),
    "promises": ("cancel_future", "retrieve_future", "retrieve_futures"),
    "telemetry": ("send_telemetry",),
}
_PURPOSES = {operation: purpose for purpose, operations in _OPERATIONS.items() for operation in operations}


class Pools:
    """The clients that there are so far; a transport of the user's own serves every purpose."""

    def __init__(self, config: Config, transport: httpx.AsyncBaseTransport | None) -> None:
        self._config = config
        self._transport = transport
        self._clients: dict[str, httpx.AsyncClient] = {}

    def client_for(self, request: AnyRequest) -> httpx.AsyncClient:
        """The client whose connections are meant for such requests."""
        purpose = "outside" if request.address is not None else _PURPOSES.get(request.operation, _REST)
        if self._transport is not None:
            purpose = _REST
        return self._clients.get(purpose) or self._open(purpose)

    async def close(self) -> None:
        """Close all connections."""
        for client in self._clients.values():
            await client.aclose()

    def _open(self, purpose: str) -> httpx.AsyncClient:
        """A client; loading certificates takes long, so an address without TLS has it trust none."""
        config, outside = self._config, purpose == "outside"
        most = config.pool_sizes.get(purpose, config.max_connections)
        client = httpx.AsyncClient(
            transport=self._transport,
            limits=httpx.Limits(
                max_connections=most, max_keepalive_connections=min(most, config.max_keepalive_connections)
            ),
            follow_redirects=False,
            http2=find_spec("h2") is not None,
            verify=self._trust if outside or config.base_url.startswith("https:") else SSLContext(PROTOCOL_TLS_CLIENT),
            proxy=self._proxy,
            cookies=_no_cookies(),
        )
        self._clients[purpose] = client
        return client

    @cached_property
    def _trust(self) -> SSLContext:
        """The certificates that are trusted; loading them takes long, so all clients share them."""
        return httpx.create_ssl_context()

    @property
    def _proxy(self) -> httpx.Proxy | None:
        if self._config.proxy is None or self._transport is not None:
            return None
        return httpx.Proxy(self._config.proxy, headers=dict(self._config.proxy_headers))


def _no_cookies() -> CookieJar:
    """A jar that takes none: nothing that a server sets here is ever sent again."""
    return CookieJar(policy=DefaultCookiePolicy(allowed_domains=()))
