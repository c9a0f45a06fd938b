"""What makes settings unusable, and what to do about it. Pure."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from functools import lru_cache
from inspect import get_annotations
from math import isnan
from typing import TYPE_CHECKING, Any, get_args

from tinkex_py.config.addresses import has_credentials, is_usable, without_secrets
from tinkex_py.config.masking import shown
from tinkex_py.config.profiles import PROFILES, PURPOSES
from tinkex_py.errors import InvalidConfig
from tinkex_py.types.batch import Dialect
from tinkex_py.types.kinds import (
    HEADER_FORM,
    are_texts,
    fits_header,
    is_duration,
    is_encodable,
    is_header,
    is_mapping,
    is_truth,
    is_tuple,
    is_whole,
    names_header,
    optional,
)
from tinkex_py.types.raised import shortened

if TYPE_CHECKING:
    from tinkex_py.config import Config


def _texts_by_name(value: object) -> bool:
    return is_mapping(value) and all(map(is_encodable, (*value.keys(), *value.values())))


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
_UNFIT = "it is empty, ends in a space, or holds characters that no HTTP header can carry; copy it anew"
_CHOICES: Mapping[str, tuple[str | None, ...]] = {
    "parity": tuple(PROFILES),
    "transport": TRANSPORTS,
    "dialect": (None, *get_args(Dialect)),
    "log": (None, *LEVELS),
}
KINDS: Mapping[str, tuple[Callable[[object], bool], str]] = {
    "str": (is_encodable, "give a text"),
    "str | None": (optional(is_encodable), "give a text, or None"),
    "bool": (is_truth, "give True or False"),
    "int": (is_whole, "give an integer of 64 bits"),
    "float": (is_duration, "give a number of seconds"),
    "float | None": (optional(is_duration), "give a number of seconds, or None"),
    "tuple[str, ...]": (are_texts, "give a list of texts"),
    "Mapping[str, str]": (_texts_by_name, "give texts under names"),
    "Mapping[str, int]": (_wholes_by_name, "give integers under names"),
    "Dialect | None": (optional(is_encodable), "give json or protobuf, or None"),
}
"""What a field's value must be, by its annotation, and what to do when it isn't."""


def problem(config: Config) -> InvalidConfig | None:
    """The first thing that is wrong, if anything is."""
    return next((found for check in _CHECKS for found in check(config)), None)


def _kinds(config: Config) -> Iterator[InvalidConfig]:
    """A setting of another kind than its field says, or one of that kind that can't be used all the same."""
    for name, annotation in _annotations(type(config)).items():
        holds, remedy = KINDS.get(str(annotation), _ANYTHING)
        value = getattr(config, name)
        if not holds(value):
            yield _invalid(name, _seen(value), remedy)


@lru_cache(maxsize=16)
def _annotations(kind: type) -> Mapping[str, object]:
    """The fields with their annotations, those of the kinds that it is made of first."""
    return {name: each for base in reversed(kind.__mro__) for name, each in get_annotations(base).items()}


def _anything(_: object) -> bool:
    return True


_ANYTHING = (_anything, "")
"""What a field of somebody else's kind of settings must be."""


def _seen(value: object) -> str:
    """What is wrong with a value, without what it holds unless a number: it may be a secret in a wrong place."""
    if isinstance(value, float) and isnan(value):
        return "nan, which is no number"
    if isinstance(value, (int, float)) and not isinstance(value, bool):
        return shortened(value)
    texts = value if is_tuple(value) else (*value.keys(), *value.values()) if is_mapping(value) else (value,)
    if any(isinstance(each, str) and not is_encodable(each) for each in texts):
        return "a text with half a surrogate pair, which can't be sent"
    return f"of the kind {type(value).__name__}"


def _base_url(config: Config) -> Iterator[InvalidConfig]:
    url = config.base_url
    if config.local:
        return
    if has_credentials(url):
        remedy = "leave out what stands before the @; give api_key= instead"
        yield _invalid("base_url", without_secrets(url), remedy)
    if not is_usable(url):
        remedy = "give an http:// or https:// address of a host that has a name, without ? and #, or local:"
        yield _invalid("base_url", without_secrets(url), remedy)


def _proxy(config: Config) -> Iterator[InvalidConfig]:
    if config.proxy is not None and not is_usable(config.proxy):
        yield _invalid(
            "proxy", without_secrets(config.proxy), "give an http:// or https:// address of a host that has a name"
        )


def _header_values(config: Config) -> Iterator[InvalidConfig]:
    for name in _IN_HEADERS:
        text = getattr(config, name)
        if text is not None and not fits_header(text):
            yield _invalid(name, "***", _UNFIT)


def _header_pairs(config: Config) -> Iterator[InvalidConfig]:
    for setting in ("default_headers", "proxy_headers"):
        for name, value in getattr(config, setting).items():
            if not is_header(name, value):
                yield _invalid(setting, repr(name) if names_header(name) else "***", HEADER_FORM)


def _choices(config: Config) -> Iterator[InvalidConfig]:
    for setting, choices in _CHOICES.items():
        value = getattr(config, setting)
        if value not in choices:
            yield _invalid(setting, repr(shown(setting, value)), f"give one of {', '.join(filter(None, choices))}")


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


def _invalid(setting: str, value: str | None, remedy: str) -> InvalidConfig:
    return InvalidConfig(message=f"{setting} is {value}: {remedy}", setting=setting, value=value or "")
