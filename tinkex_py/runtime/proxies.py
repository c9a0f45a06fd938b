"""The proxy that an address is reached through."""

from __future__ import annotations

from ipaddress import ip_address, ip_network
from urllib.parse import urlsplit
from urllib.request import getproxies, proxy_bypass

from tinkex_py.config import Config
from tinkex_py.config.addresses import is_usable, without_secrets
from tinkex_py.runtime.carriage import BrokenOff

_PORTS = {"http": 80, "https": 443}


def proxy_for(config: Config, url: str) -> str | None:
    """The proxy of the settings, else the one that HTTPS_PROXY, HTTP_PROXY, ALL_PROXY and NO_PROXY name.

    BrokenOff when the one that they name can't be gone through.
    """
    proxy = _named(config, url)
    if proxy is not None and not is_usable(proxy):
        scheme, kind = (address.partition("://")[0] for address in (url, proxy))
        reason = (
            f"{scheme.upper()}_PROXY or ALL_PROXY names a {kind} proxy that can't be gone through: "
            "give the address of an http:// or https:// proxy there or as proxy, or name the host in NO_PROXY"
        )
        raise BrokenOff(reason, sent=False)
    return proxy


def proxy_shown(config: Config, url: str) -> str | None:
    """The proxy that an address is reached through, without the user and the password in it."""
    proxy = _named(config, url)
    return without_secrets(proxy) if proxy is not None and is_usable(proxy) else None


def _named(config: Config, url: str) -> str | None:
    if config.proxy is not None:
        return config.proxy
    try:
        parts = urlsplit(url)
        scheme, host, port = parts.scheme, parts.hostname or "", parts.port or _PORTS.get(parts.scheme)
    except ValueError:  # it is no address, which whoever sends something there will say
        return None
    named = getproxies()
    address = named.get(scheme) or named.get("all")
    if not address or _is_passed_by(host, port) or any(_has(each, host) for each in named.get("no", "").split(",")):
        return None
    return address if "://" in address else f"http://{address}"


def _is_passed_by(host: str, port: int | None) -> bool:
    """Whether NO_PROXY, or what else the system goes by, names the host, be it in brackets or with its port."""
    place = f"[{host}]" if ":" in host else host
    return any(map(proxy_bypass, (host, place, f"{place}:{port}")))


def _has(network: str, host: str) -> bool:
    """Whether the host is an address of that network, as in 10.0.0.0/8."""
    try:
        return ip_address(host) in ip_network(network.strip(), strict=False)
    except ValueError:  # one of them is a name
        return False
