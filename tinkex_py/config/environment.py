"""The environment's variables, and how each is read into a setting. Pure."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, NamedTuple, get_args

import msgspec
from returns.result import Failure, Success

from tinkex_py.config.checks import LEVELS, TRANSPORTS
from tinkex_py.config.profiles import PROFILES
from tinkex_py.errors import InvalidConfig
from tinkex_py.outcome import Outcome
from tinkex_py.types.batch import Dialect
from tinkex_py.types.kinds import is_mapping

_NO_VARIABLES = InvalidConfig(
    message="the environment is no mapping: give texts under names, such as os.environ", setting="variables"
)
_ON = frozenset({"1", "true", "yes", "on"})
_OFF = frozenset({"0", "false", "no", "off"})


class Variable(NamedTuple):
    """A variable of the environment: the setting it gives, and how its text is read; what can't be read is None."""

    name: str
    setting: str
    read: Callable[[str], Any]
    form: str
    """What it should look like, for people."""


def read(variables: object) -> Outcome[dict[str, Any], InvalidConfig]:
    """The settings that the variables give; empty counts as unset, and so does None."""
    if not is_mapping(variables):
        return Failure(_NO_VARIABLES)
    given: dict[str, Any] = {}
    for variable in VARIABLES:
        text = _text_of(variables.get(variable.name))
        if text == "":
            continue
        value = None if text is None else variable.read(text)
        if value is None:
            return Failure(_unreadable(variable))
        given[variable.setting] = value
    return Success(given)


def _text_of(given: object) -> str | None:
    """What a variable holds, nothing if it isn't set; None for what is no text."""
    if given is None:
        return ""
    return given.strip() if isinstance(given, str) else None


def _unreadable(variable: Variable) -> InvalidConfig:
    """Without the text itself, which may hold a secret."""
    return InvalidConfig(message=f"{variable.name} can't be read: give {variable.form}", setting=variable.name)


def _text(text: str) -> str:
    return text


def _words(text: str) -> tuple[str, ...]:
    return tuple(word.strip() for word in text.split(",") if word.strip())


def _switch(text: str) -> bool | None:
    word = text.lower()
    return True if word in _ON else False if word in _OFF else None


def _only_on(text: str) -> bool:
    """Anything but a clear yes is no, as the official SDK reads it."""
    return text.lower() in _ON


def _number(text: str) -> float | None:
    try:
        return float(text)
    except ValueError:
        return None


def _whole(text: str) -> int | None:
    return int(text) if text.isascii() and text.isdigit() and len(text) < 19 else None


def _pairs(text: str) -> dict[str, str] | None:
    """A JSON object of texts, or `name=value` separated by commas."""
    try:
        return msgspec.json.decode(text.encode(), type=dict[str, str])
    except (msgspec.DecodeError, UnicodeEncodeError):
        parts = [part.partition("=") for part in _words(text)]
    return {name.strip(): value.strip() for name, _, value in parts} if all(mark for _, mark, _ in parts) else None


def _one_of(words: Sequence[str]) -> str:
    return f"{', '.join(words[:-1])} or {words[-1]}"


_PAIRS = 'a JSON object of texts, or "name=value,name=value"'
_YES_OR_NO = "1 or 0"

VARIABLES: tuple[Variable, ...] = (
    Variable("TINKER_BASE_URL", "base_url", _text, "an address"),
    Variable("TINKER_API_KEY", "api_key", _text, "a key"),
    Variable("TINKER_CREDENTIAL_CMD", "credential_cmd", _text, "a shell command"),
    Variable("TINKER_PROJECT_ID", "project_id", _text, "an id"),
    Variable("TINKER_TAGS", "tags", _words, "words separated by commas"),
    Variable("TINKER_LOG", "log", _text, _one_of(LEVELS)),
    Variable("TINKER_TELEMETRY", "telemetry", _only_on, _YES_OR_NO),
    Variable("CLOUDFLARE_ACCESS_CLIENT_ID", "cloudflare_access_client_id", _text, "an id"),
    Variable("CLOUDFLARE_ACCESS_CLIENT_SECRET", "cloudflare_access_client_secret", _text, "a secret"),
    Variable("TINKEX_CREDENTIALS_FILE", "credentials_file", _text, "a path"),
    Variable("TINKEX_BEARER", "bearer", _switch, _YES_OR_NO),
    Variable("TINKEX_SDK_VERSION", "sdk_version", _text, "a release such as 0.38.0"),
    Variable("TINKEX_PARITY", "parity", _text, _one_of(tuple(PROFILES))),
    Variable("TINKEX_DIALECT", "dialect", _text, _one_of(get_args(Dialect))),
    Variable("TINKEX_TRANSPORT", "transport", _text, _one_of(TRANSPORTS)),
    Variable("TINKEX_PROXY", "proxy", _text, "an address"),
    Variable("TINKEX_PROXY_HEADERS", "proxy_headers", _pairs, _PAIRS),
    Variable("TINKEX_DEFAULT_HEADERS", "default_headers", _pairs, _PAIRS),
    Variable("TINKEX_DEFAULT_QUERY", "default_query", _pairs, _PAIRS),
    Variable("TINKEX_TIMEOUT", "timeout", _number, "seconds"),
    Variable("TINKEX_MAX_ATTEMPTS", "max_attempts", _whole, "a whole number"),
    Variable("TINKEX_POOL_SIZE", "max_connections", _whole, "a whole number"),
    Variable("TINKEX_CHECK_CAPABILITIES", "check_capabilities", _switch, _YES_OR_NO),
    Variable("TINKEX_CIRCUIT_FAILURES", "circuit_failures", _whole, "a whole number"),
    Variable("TINKEX_OTEL_PROPAGATE", "otel_propagate", _switch, _YES_OR_NO),
)
"""Every variable that is read, in the order in which docs/settings.md lists them."""
