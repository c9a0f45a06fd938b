"""A client's settings as one frozen value. Pure: the environment comes in as a mapping."""

from __future__ import annotations

import re
from collections.abc import Mapping
from urllib.parse import urlsplit

from msgspec import Struct, structs
from returns.result import Failure, Success

from tinkex_py.errors import InvalidConfig
from tinkex_py.outcome import Outcome
from tinkex_py.types.batch import Dialect
from tinkex_py.types.mapping import FrozenMapping

DEFAULT_BASE_URL = "https://tinker.thinkingmachines.dev/services/tinker-prod"
LOCAL_SCHEME = "local:"


class Config(Struct, frozen=True, kw_only=True):
    """Where the server is, who asks, and how long things may take (all times in seconds).

    `base_url` may be `local:` or `local:/some/folder` for the embedded engine, which needs no `api_key`.

    >>> Config(api_key="tml-0123456789abcdef").api_key
    'tml-0123456789abcdef'
    """

    base_url: str = DEFAULT_BASE_URL
    api_key: str | None = None
    project_id: str | None = None
    tags: tuple[str, ...] = ()
    dialect: Dialect | None = None
    """The encoding that the server reads batches in; None finds it out."""
    default_headers: Mapping[str, str] = FrozenMapping()
    timeout: float = 300.0
    """What one REST call, creation or loading may take in all."""
    progress_timeout: float = 7200.0
    """How long queued work may go without a sign of progress."""
    promise_timeout: float = 86400.0
    """How long queued work may take in all."""
    connect_timeout: float = 10.0
    read_timeout: float = 60.0
    poll_timeout: float = 45.0
    """How long the server may hold one question for a promise's result."""
    heartbeat_interval: float = 10.0
    max_attempts: int = 11
    """How often one request is sent at most, the first time included."""
    max_connections: int = 100
    max_response_bytes: int = 1 << 30
    check_capabilities: bool = True
    """Look at what the server says it can do before asking for it; only its explicit no refuses anything."""
    circuit_failures: int = 0
    """Operations in a row that may fail by the server before nothing is sent for a while; 0 for no such limit."""
    circuit_reset: float = 30.0
    """How long nothing is sent then."""

    def __post_init__(self) -> None:
        structs.force_setattr(self, "tags", tuple(self.tags))
        structs.force_setattr(self, "default_headers", FrozenMapping(self.default_headers))

    @classmethod
    def from_env(cls, environment: Mapping[str, str]) -> Outcome[Config, InvalidConfig]:
        """The settings of TINKER_BASE_URL, TINKER_API_KEY, TINKER_PROJECT_ID and TINKER_TAGS; empty counts as unset."""
        tags = tuple(tag.strip() for tag in environment.get("TINKER_TAGS", "").split(",") if tag.strip())
        return cls(
            base_url=environment.get("TINKER_BASE_URL", "").strip() or DEFAULT_BASE_URL,
            api_key=environment.get("TINKER_API_KEY", "").strip() or None,
            project_id=environment.get("TINKER_PROJECT_ID", "").strip() or None,
            tags=tags,
        ).checked()

    def checked(self) -> Outcome[Config, InvalidConfig]:
        """These settings if a client can work with them."""
        problem = _problem(self)
        return Success(self) if problem is None else Failure(problem)

    @property
    def local(self) -> bool:
        """Whether the embedded engine is meant."""
        return self.base_url.startswith(LOCAL_SCHEME)

    def __repr__(self) -> str:
        return f"Config({', '.join(f'{name}={value!r}' for name, value in _shown(self))})"

    def __rich_repr__(self) -> list[tuple[str, object]]:
        return _shown(self)


KEPT = 4
"""Characters that are shown of a secret at either end."""
SHORTEST = 16
"""A secret shorter than this is not shown at all."""


def mask(secret: str | None) -> str | None:
    """Enough of a secret to tell it from another, and no more: `tml-***1f3a`."""
    if secret is None:
        return None
    return f"{secret[:KEPT]}***{secret[-KEPT:]}" if len(secret) >= SHORTEST else "***"


_POSITIVE = (
    "timeout",
    "progress_timeout",
    "promise_timeout",
    "connect_timeout",
    "read_timeout",
    "poll_timeout",
    "heartbeat_interval",
    "circuit_reset",
    "max_attempts",
    "max_connections",
    "max_response_bytes",
)


def _shown(config: Config) -> list[tuple[str, object]]:
    """The settings in order, with nothing secret in them."""
    masked: dict[str, object] = {
        "base_url": _without_credentials(config.base_url),
        "api_key": mask(config.api_key),
        "default_headers": dict.fromkeys(config.default_headers, "***"),
    }
    return [(name, masked.get(name, getattr(config, name))) for name in config.__struct_fields__]


def _problem(config: Config) -> InvalidConfig | None:
    return (
        _base_url_problem(config)
        or _api_key_problem(config)
        or _dialect_problem(config)
        or _header_problem(config)
        or _number_problem(config)
    )


def _base_url_problem(config: Config) -> InvalidConfig | None:
    url = config.base_url
    if config.local:
        return None
    if _CREDENTIALS.search(url):
        return _invalid(
            "base_url", _without_credentials(url), "leave out what stands before the @; give api_key= instead"
        )
    if not _is_http(url):
        return _invalid(
            "base_url", _without_credentials(url), "give an http:// or https:// address without ? and #, or local:"
        )
    return None


def _api_key_problem(config: Config) -> InvalidConfig | None:
    if config.api_key is None or _fits_header(config.api_key):
        return None
    return _invalid("api_key", "***", "it is empty or holds characters that no HTTP header can carry; copy it anew")


def _dialect_problem(config: Config) -> InvalidConfig | None:
    if config.dialect in {None, "json", "protobuf"}:
        return None
    return _invalid("dialect", repr(config.dialect), "give 'json' or 'protobuf', or None to find it out")


def _header_problem(config: Config) -> InvalidConfig | None:
    for name, value in config.default_headers.items():
        if not _fits_header(name) or set(name) & set(" :") or (value and not _fits_header(value)):
            return _invalid("default_headers", repr(name), "names and values of headers are printable ASCII")
    return None


def _number_problem(config: Config) -> InvalidConfig | None:
    for name in _POSITIVE:
        number = getattr(config, name)
        if not number > 0:
            return _invalid(name, repr(number), "give a number above 0")
    return None


def _is_http(url: str) -> bool:
    try:
        parts = urlsplit(url)
        has_port = parts.port != 0  # reading a port that is no number raises
    except ValueError:
        return False
    clean = url.isprintable() and not set(url) & set(" ?#")
    return parts.scheme in {"http", "https"} and bool(parts.hostname) and has_port and clean


def _fits_header(text: str) -> bool:
    return bool(text) and text.isascii() and text.isprintable()


def _without_credentials(url: str) -> str:
    """An address may carry a user and a password before an `@`, and a wrong one anything: only its scheme is kept."""
    return url if url.startswith(LOCAL_SCHEME) else _BEFORE_AT.sub(r"\1***@", url)


_CREDENTIALS = re.compile(r"//[^/?#]*@")
_BEFORE_AT = re.compile(r"^(\w+://)?.*@", re.DOTALL)


def _invalid(setting: str, value: str, remedy: str) -> InvalidConfig:
    return InvalidConfig(message=f"{setting} is {value}: {remedy}", setting=setting, value=value)
