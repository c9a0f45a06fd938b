"""A client's settings as one frozen value. Pure: the environment comes in as a mapping."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from msgspec import structs
from returns.result import Failure, Success

from tinkex_py.config import checks, environment
from tinkex_py.config.masking import MASKED, WORDS, mask, shown
from tinkex_py.config.profiles import DEFAULT_BASE_URL, LOCAL_SCHEME, profile
from tinkex_py.errors import InvalidConfig
from tinkex_py.outcome import Outcome
from tinkex_py.request import own_text
from tinkex_py.types.batch import Dialect
from tinkex_py.types.kinds import is_mapping, is_tuple
from tinkex_py.types.mapping import FrozenMapping, frozen
from tinkex_py.types.numbers import PlainNumbers
from tinkex_py.version import PROTOCOL_VERSION

__all__ = ["DEFAULT_BASE_URL", "LOCAL_SCHEME", "Config", "mask"]


class Config(PlainNumbers, frozen=True, kw_only=True):
    """Where the server is, who asks, and how long things may take (all times in seconds).

    `base_url` may be `local:` or `local:/some/folder` for the embedded engine, which needs no `api_key`.

    >>> Config(api_key="tml-0123456789abcdef").api_key
    'tml-0123456789abcdef'
    """

    base_url: str = DEFAULT_BASE_URL
    api_key: str | None = None
    """A key (`tml-...`) or a JWT (`eyJ...`)."""
    credential_cmd: str | None = None
    """A shell command that prints the credential, where there is no `api_key` or the server prefers this. What it
    printed is kept until the server refuses it with a 401; where that is exchanged for a token, it runs for each one.
    """
    credentials_file: str | None = None
    """Where stored keys are; None for `~/.tinker/credentials.json`."""
    bearer: bool = False
    """Send the credential as `Authorization: Bearer` besides `X-API-Key`."""
    cloudflare_access_client_id: str | None = None
    cloudflare_access_client_secret: str | None = None
    project_id: str | None = None
    tags: tuple[str, ...] = ()
    user_metadata: Mapping[str, str] = FrozenMapping()
    display_name: str | None = None
    default_headers: Mapping[str, str] = FrozenMapping()
    """Sent with every request to the service; they win over the client's own, but not over the credential."""
    default_query: Mapping[str, str] = FrozenMapping()
    sdk_version: str = PROTOCOL_VERSION
    """The release of the protocol that the server is told."""
    dialect: Dialect | None = None
    """The encoding that the server reads batches in; None finds it out."""
    parity: str = "tinkex"
    """`"python"`, `"elixir"` or `"beam"`: that client's numbers where this value leaves the default."""
    transport: str = "httpx"
    """What carries requests: `"httpx"`, or `"fast"`, which needs the extra of that name."""
    proxy: str | None = None
    """The address of an HTTP proxy; None for what HTTPS_PROXY, HTTP_PROXY, ALL_PROXY and NO_PROXY say. NO_PROXY may
    name hosts, hosts with a port, and networks such as 10.0.0.0/8.
    """
    proxy_headers: Mapping[str, str] = FrozenMapping()
    timeout: float = 300.0
    """What one REST call may take in all."""
    call_timeout: float | None = None
    """What making a client may take in all, until its model is there; None for `timeout`."""
    load_timeout: float | None = None
    """What loading a checkpoint into a new client may take; None for `timeout`."""
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
    max_connections: int = 2000
    """Connections that each purpose may have: session, training, results, sampling, promises, rest, telemetry. More
    than 64 are opened only while all are held by questions for promises. Of the files that the process may have open,
    promises take a quarter at most, results an eighth, each of the others a sixteenth.
    """
    max_keepalive_connections: int = 100
    """Those of them that stay open without use; more do for some seconds after a burst."""
    pool_sizes: Mapping[str, int] = FrozenMapping()
    """Other numbers of connections for single purposes."""
    max_response_bytes: int = 1 << 30
    max_header_bytes: int = 64 << 10
    log: str | None = None
    """The level from which on events are logged: debug, info, warning or error."""
    telemetry: bool = False
    """Send the server what the official SDK sends it, without secrets, tracebacks and error bodies."""
    check_capabilities: bool = True
    """Look at what the server says it can do before asking for it; only its explicit no refuses anything."""
    circuit_failures: int = 0
    """Operations in a row that may fail by the server before nothing is sent for a while; 0 for no such limit."""
    circuit_reset: float = 30.0
    """How long nothing is sent then."""
    otel_propagate: bool = False
    """Send the `traceparent` of the current OpenTelemetry span along, and what else OTEL_PROPAGATORS has sent: baggage
    too, if it says nothing else.
    """

    def __post_init__(self) -> None:
        super().__post_init__()
        for name in ("tags", "user_metadata", "default_headers", "default_query", "proxy_headers", "pool_sizes"):
            structs.force_setattr(self, name, frozen(getattr(self, name)))
        for name in self.__struct_fields__:
            structs.force_setattr(self, name, _own(getattr(self, name)))
        for name in WORDS:
            word = getattr(self, name)
            structs.force_setattr(self, name, word.lower() if isinstance(word, str) else word)
        for name, number in profile(self.parity).items():
            if getattr(self, name) == _DEFAULTS[name]:
                structs.force_setattr(self, name, number)

    @classmethod
    def from_env(cls, variables: Mapping[str, str]) -> Outcome[Config, InvalidConfig]:
        """The settings of the environment's variables, which docs/settings.md lists; empty and None count as unset."""
        match environment.read(variables):
            case Success(given):
                return cls(**given).checked()
            case Failure(problem):
                return Failure(problem)

    def checked(self) -> Outcome[Config, InvalidConfig]:
        """These settings if a client can work with them."""
        problem = checks.problem(self)
        return Success(self) if problem is None else Failure(problem)

    def changed(self, settings: Mapping[str, Any]) -> Config:
        """These settings with others in their place; a `parity` among them brings its own numbers.

        What this value's own profile set gives way to them, what it was given itself stays.

        >>> Config(parity="elixir", read_timeout=7.0).changed({"parity": "python"}).max_attempts
        11
        """
        own: Mapping[str, float] = profile(self.parity) if "parity" in settings else {}
        left = {name: _DEFAULTS[name] for name, number in own.items() if getattr(self, name) == number}
        return structs.replace(self, **{**left, **settings})

    @property
    def local(self) -> bool:
        """Whether the embedded engine is meant."""
        return self.base_url.startswith(LOCAL_SCHEME)

    def __repr__(self) -> str:
        return f"Config({', '.join(f'{name}={value!r}' for name, value in self.__rich_repr__())})"

    def __rich_repr__(self) -> list[tuple[str, object]]:
        return [(name, shown(name, getattr(self, name))) for name in self.__struct_fields__]


def _own(value: object) -> object:
    """A setting whose texts are Python's own: those of an enumeration are sent as they are, not by their names."""
    if is_mapping(value):
        return FrozenMapping({_text(name): _text(each) for name, each in value.items()})
    return tuple(map(_text, value)) if is_tuple(value) else _text(value)


def _text(value: object) -> object:
    return own_text(value) if isinstance(value, str) else value


_DEFAULTS = dict(zip(Config.__struct_fields__, Config.__struct_defaults__, strict=True))
assert set(_DEFAULTS) >= set(MASKED)  # noqa: S101 - a renamed secret would show
