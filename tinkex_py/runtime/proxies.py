"""The proxy that an address is reached through."""

from __future__ import annotations

from urllib.request import getproxies, proxy_bypass

from tinkex_py.config import Config


def proxy_for(config: Config, scheme: str, host: str) -> str | None:
    """The proxy of the settings, else the one that HTTPS_PROXY, HTTP_PROXY, ALL_PROXY and NO_PROXY name."""
    if config.proxy is not None:
        return config.proxy
    named = getproxies()
    address = named.get(scheme) or named.get("all")
    if not address or proxy_bypass(host):
        return None
    return address if "://" in address else f"http://{address}"
