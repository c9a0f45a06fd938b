"""The proxy that an address is reached through."""

from __future__ import annotations

from urllib.request import getproxies, proxy_bypass

from tinkex_py.config import Config
from tinkex_py.config.addresses import is_usable
from tinkex_py.runtime.carriage import BrokenOff


def proxy_for(config: Config, scheme: str, host: str) -> str | None:
    """The proxy of the settings, else the one that HTTPS_PROXY, HTTP_PROXY, ALL_PROXY and NO_PROXY name.

    BrokenOff when the one that they name can't be gone through.
    """
    if config.proxy is not None:
        return config.proxy
    named = getproxies()
    address = named.get(scheme) or named.get("all")
    if not address or proxy_bypass(host):
        return None
    proxy = address if "://" in address else f"http://{address}"
    if not is_usable(proxy):
        kind = proxy.partition("://")[0]
        reason = (
            f"{scheme.upper()}_PROXY or ALL_PROXY names a {kind} proxy that can't be gone through: "
            "give the address of an http:// or https:// proxy there or as proxy, or name the host in NO_PROXY"
        )
        raise BrokenOff(reason, sent=False)
    return proxy
