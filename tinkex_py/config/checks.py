"""What makes settings unusable, and what to do about it. Pure."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping
from typing import TYPE_CHECKING, Any, get_args
from urllib.parse import urlsplit

from tinkex_py.config.masking import without_credentials
from tinkex_py.config.profiles import PROFILES, PURPOSES
from tinkex_py.errors import InvalidConfig
from tinkex_py.types.batch import Dialect
from tinkex_py.types.kinds import (
    is_duration,
    is_encodable,
    is_mapping,
    is_truth,
    is_tuple,
    is_whole,
    optional,
    texts_by_name,
)

if TYPE_CHECKING:
    from tinkex_py.config import Config


def _are_texts(value: object) -> bool:
    return is_tuple(value) and all(map(is_encodable, value))


def _wholes_by_name(value: object) -> bool:
    return is_mapping(value) and all(map(is_encodable, value)) and all(map(is_whole, value.values()))


LEVELS = ("debug", "info", "warn", "warning", "error")
TRANSPORTS = ("httpx", "fast")

_POSITIVE = (
    "timeout",
    "call_timeout",
    "load_timeout",
    "progress_timeout",
    "promise_timeout",
    "connect_timeout",
    "read_timeout",
    "poll_timeout",
    "heartbeat_interval",
    "circuit_reset",
    "max_attempts",
    "max_connections",
    "max_keepalive_connections",
    "max_response_bytes",
    "max_header_bytes",
)
_IN_HEADERS = ("api_key", "cloudflare_access_client_id", "cloudflare_access_client_secret", "sdk_version")
_CHOICES: Mapping[str, tuple[str | None, ...]] = {
    "parity": tuple(PROFILES),
    "transport": TRANSPORTS,
    "dialect": (None, *get_args(Dialect)),
    "log": (None, *LEVELS),
}
_KINDS: Mapping[str, tuple[Callable[[object], bool], str]] = {
    "str": (is_encodable, "give a text"),
    "str | None": (optional(is_encodable), "give a text, or None"),
    "bool": (is_truth, "give True or False"),
    "int": (is_whole, "give an integer"),
    "float": (is_duration, "give a number"),
    "float | None": (optional(is_duration), "give a number, or None"),
    "tuple[str, ...]": (_are_texts, "give a list of texts"),
    "Mapping[str, str]": (texts_by_name, "give texts under names"),
    "Mapping[str, int]": (_wholes_by_name, "give integers under names"),
    "Dialect | None": (optional(is_encodable), "give json or protobuf, or None"),
}
"""What a field's value must be, by its annotation, and what to do when it isn't."""
_CREDENTIALS = re.compile(r"//[^/?#]*@")


def problem(config: Config) -> InvalidConfig | None:
    """The first thing that is wrong, if anything is."""
    return next((found for check in _CHECKS for found in check(config)), None)


def fits_header(text: str) -> bool:
    """Whether an HTTP header can carry it."""
    return bool(text) and text.isascii() and text.isprintable()


def _kinds(config: Config) -> Iterator[InvalidConfig]:
    """A setting of another kind than its field says: its value is not shown, as it may be a secret in a wrong place."""
    for name, annotation in type(config).__annotations__.items():
        holds, remedy = _KINDS[annotation]
        value = getattr(config, name)
        if not holds(value):
            yield _invalid(name, f"of the kind {type(value).__name__}", remedy)


def _base_url(config: Config) -> Iterator[InvalidConfig]:
    url = config.base_url
    if config.local:
        return
    if _CREDENTIALS.search(url):
        remedy = "leave out what stands before the @; give api_key= instead"
        yield _invalid("base_url", without_credentials(url), remedy)
    if not _is_http(url):
        remedy = "give an http:// or https:// address without ? and #, or local:"
        yield _invalid("base_url", without_credentials(url), remedy)


def _proxy(config: Config) -> Iterator[InvalidConfig]:
    if config.proxy is not None and not _is_http(config.proxy):
        yield _invalid("proxy", without_credentials(config.proxy), "give an http:// or https:// address")


def _header_values(config: Config) -> Iterator[InvalidConfig]:
    for name in _IN_HEADERS:
        text = getattr(config, name)
        if text is not None and not fits_header(text):
            yield _invalid(name, "***", "it is empty or holds characters that no HTTP header can carry; copy it anew")


def _header_pairs(config: Config) -> Iterator[InvalidConfig]:
    for setting in ("default_headers", "proxy_headers"):
        for name, value in getattr(config, setting).items():
            if not fits_header(name) or set(name) & set(" :") or (value and not fits_header(value)):
                yield _invalid(setting, repr(name), "names and values of headers are printable ASCII")


def _choices(config: Config) -> Iterator[InvalidConfig]:
    for setting, choices in _CHOICES.items():
        value = getattr(config, setting)
        if value not in choices:
            yield _invalid(setting, repr(value), f"give one of {', '.join(filter(None, choices))}")


def _numbers(config: Config) -> Iterator[InvalidConfig]:
    numbers: list[tuple[str, Any]] = [(name, getattr(config, name)) for name in _POSITIVE]
    for name, number in (*numbers, *_pools(config)):
        if number is not None and not number > 0:
            yield _invalid(name, repr(number), "give a number above 0")
    if not config.circuit_failures >= 0:
        yield _invalid("circuit_failures", repr(config.circuit_failures), "give 0 for no limit, or a number above it")


def _pools(config: Config) -> Iterator[tuple[str, int]]:
    return ((f"pool_sizes[{purpose!r}]", size) for purpose, size in config.pool_sizes.items())


def _purposes(config: Config) -> Iterator[InvalidConfig]:
    for purpose in config.pool_sizes:
        if purpose not in PURPOSES:
            yield _invalid("pool_sizes", repr(purpose), f"the purposes are {', '.join(PURPOSES)}")


_CHECKS: tuple[Callable[[Config], Iterator[InvalidConfig]], ...] = (
    _kinds,
    _base_url,
    _proxy,
    _header_values,
    _header_pairs,
    _choices,
    _numbers,
    _purposes,
)


def _is_http(url: str) -> bool:
    try:
        parts = urlsplit(url)
        has_port = parts.port != 0  # reading a port that is no number raises
    except ValueError:
        return False
    clean = url.isprintable() and not set(url) & set(" ?#")
    return parts.scheme in {"http", "https"} and bool(parts.hostname) and has_port and clean


def _invalid(setting: str, value: str | None, remedy: str) -> InvalidConfig:
    return InvalidConfig(message=f"{setting} is {value}: {remedy}", setting=setting, value=value or "")
