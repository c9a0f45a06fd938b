"""From settings to a runtime: reads the environment, and loads the embedded engine when it is asked for."""

from __future__ import annotations

import asyncio
import os
import sys
from collections.abc import Callable, Sequence
from functools import partial
from importlib import import_module
from importlib.util import find_spec
from typing import NamedTuple, TypeAlias

from msgspec import structs
from returns.result import Failure, Success

from tinkex_py.config import LOCAL_SCHEME, Config
from tinkex_py.errors import ClientClosed, ExtraMissing, FileFailed, InvalidConfig, TinkerError
from tinkex_py.events import AnyEvent
from tinkex_py.outcome import Outcome, then
from tinkex_py.plans.authentication import Authentication, Source
from tinkex_py.plans.startup import Startup
from tinkex_py.plans.trouble import Trouble
from tinkex_py.runtime.carriage import BrokenOff, Carrier, HttpxTransport, Nowhere
from tinkex_py.runtime.computing import Computing
from tinkex_py.runtime.connecting import Loop
from tinkex_py.runtime.credentials import credentials_of
from tinkex_py.runtime.executor import Executor
from tinkex_py.runtime.http import HttpTransport
from tinkex_py.runtime.observing import Observatory, Observer
from tinkex_py.runtime.preparing import Preparing
from tinkex_py.runtime.proxies import proxy_for
from tinkex_py.runtime.reporting import Reporter
from tinkex_py.runtime.thread import ThreadRuntime
from tinkex_py.types.limits import refused
from tinkex_py.types.raised import in_words

_Connection: TypeAlias = "tuple[Config, Carrier, Source | None]"

IN_PROCESS = "http://tinkex.local"
"""The address that requests to the embedded engine carry; nothing ever resolves it."""


class Opened(NamedTuple):
    """A runtime, the settings that it works with, what it knows of the server, and why it can't work if it can't.

    `observatory` hands events to the observers, and `reporter` to the server if that is wanted; `trouble` notes what
    went wrong last.
    """

    config: Config
    runtime: ThreadRuntime
    startup: Startup
    problem: TinkerError | None
    observatory: Observatory
    reporter: Reporter | None
    trouble: Trouble


def from_environment() -> Outcome[Config]:
    """The settings of this process's environment."""
    return Config.from_env(os.environ)


def settings_for(config: object) -> tuple[Config, TinkerError | None]:
    """The settings to begin with, and what is wrong with them, or with the environment if they come from there."""
    if isinstance(config, Config):
        return config, None
    if config is not None:
        return Config(), refused("config", config, "give a Config, or None for what the environment says")
    match from_environment():
        case Success(settings):
            return settings, None
        case Failure(error):
            return Config(), error


def open_runtime(config: Config, observers: Sequence[Observer] = (), transport: HttpxTransport | None = None) -> Opened:
    """A runtime for these settings; what is wrong with them becomes the outcome of every operation."""
    match _connected(config, transport):
        case Success((usable, carrier, source)):
            # The runtime's thread would load it with the first batch, and a fork in the middle leave it half loaded.
            _ = import_module("tinkex_py.wire.protobuf.schema")
            return _opened(usable, carrier, observers, None, source)
        case Failure(problem):
            return _opened(Config(), None, (), problem)


def open_again(opened: Opened, observers: Sequence[Observer], transport: HttpxTransport | None) -> Opened:
    """A runtime for a process that was forked off. An embedded engine stays in the process that it is embedded in.

    So does a transport that was given: two processes on its connections would get each other's answers.
    """
    if transport is not None:
        return _opened(opened.config, None, (), _GIVEN)
    if opened.config.base_url == IN_PROCESS:
        return _opened(opened.config, None, (), _LEFT)
    return open_runtime(opened.config, observers)


def begin(config: Config, source: Source | None = None) -> Startup:
    """A client's start, with nothing asked yet; credentials come from `source`, or are the key that was given."""
    slow = config.credential_cmd is not None
    return Startup(config=config, authentication=Authentication(credential=config.api_key, source=source, slow=slow))


def _connected(config: Config, transport: HttpxTransport | None) -> Outcome[_Connection]:
    match config.checked():
        case Failure(problem):
            return Failure(problem)
        case Success(_) if isinstance(untraced := _injection(config), Failure):
            return untraced
        case Success(_) if config.local:
            return _embedded(config)
        case Success(_):
            return then(credentials_of(config), lambda source: _carried(config, transport, source))


def _carried(config: Config, transport: HttpxTransport | None, source: Source | None) -> Outcome[_Connection]:
    """What carries requests is loaded here: httpx, unless another is asked for."""
    name, unusable = ("httpx", None) if transport is not None else (config.transport, _unusable_proxy(config))
    if unusable is not None:
        return Failure(unusable)
    if name == "httpx":
        return Success((config, _through_httpx(config, transport), source))
    try:
        carrier: Carrier = import_module("tinkex_py.runtime.fast").FastCarrier(config)
    except ImportError as error:
        return Failure(
            ExtraMissing(
                message=f"transport={name!r} needs a package that is not installed ({error.name}); "
                "install it with: pip install 'tinkex-py[fast]'",
                extra="fast",
            )
        )
    return Success((config, carrier, source))


def _unusable_proxy(config: Config) -> InvalidConfig | None:
    """What is wrong with the proxy that the environment names for the server."""
    try:
        _ = proxy_for(config, config.base_url)
    except BrokenOff as error:
        return InvalidConfig(message=error.reason, setting="proxy")
    return None


def _through_httpx(config: Config, transport: HttpxTransport | None) -> Carrier:
    carrier: Carrier = import_module("tinkex_py.runtime.pools").Pools(config, transport)
    return carrier


def _embedded(config: Config) -> Outcome[_Connection]:
    try:
        engine = import_module("tinkex_py.local.transport")
        open_transport: Callable[[str | None], HttpxTransport] = engine.open_transport
        directory = config.base_url.removeprefix(LOCAL_SCHEME) or None
        usable = structs.replace(config, base_url=IN_PROCESS, dialect=config.dialect or "protobuf")
        return Success((usable, _through_httpx(usable, open_transport(directory)), None))
    except ImportError as error:
        return Failure(
            ExtraMissing(
                message=f"the embedded engine needs a package that is not installed ({error.name}); "
                "install it with: pip install 'tinkex-py[local]'",
                extra="local",
            )
        )
    except (OSError, ValueError, RuntimeError) as error:  # a name that no folder can have, or the home of nobody
        path = str(getattr(error, "filename", None) or config.base_url)
        return Failure(FileFailed(message=f"the engine's folder can't be used: {error}", path=path))


def _loops(config: Config) -> Callable[[], asyncio.AbstractEventLoop]:
    """What makes the runtime's event loop, whatever the process's policy is: it is of this client alone.

    The extra `fast` brings uvloop, where there is one for the platform.
    """
    if config.transport == "fast" and find_spec("uvloop") is not None:
        make_loop: Callable[[], asyncio.AbstractEventLoop] = import_module("uvloop").new_event_loop
        return partial(_loop, make_loop)
    if sys.platform == "win32":
        return partial(_loop, asyncio.ProactorEventLoop)
    return partial(_loop, Loop)


def _loop(make_loop: Callable[[], asyncio.AbstractEventLoop]) -> asyncio.AbstractEventLoop:
    """A loop that looks up names of servers by threads of its own."""
    loop = make_loop()
    loop.set_default_executor(Computing(thread_name_prefix="tinkex-names"))
    return loop


def _injection(config: Config) -> Outcome[Callable[[dict[str, str]], object] | None]:
    """What adds the current span to a request's headers, where that is wanted."""
    if not config.otel_propagate:
        return Success(None)
    try:
        return Success(import_module("opentelemetry.propagate").inject)
    except ImportError:
        message = "otel_propagate needs OpenTelemetry; install it with: pip install 'tinkex-py[otel]'"
        return Failure(ExtraMissing(message=message, extra="otel"))
    except Exception as error:  # noqa: BLE001 - it loads what OTEL_PROPAGATORS names, and raises what it likes then
        message = f"otel_propagate: OpenTelemetry can't be loaded ({in_words(error)}); check OTEL_PROPAGATORS"
        return Failure(InvalidConfig(message=message, setting="otel_propagate"))


def _opened(
    config: Config,
    carrier: Carrier | None,
    observers: Sequence[Observer],
    problem: TinkerError | None,
    source: Source | None = None,
) -> Opened:
    startup, observatory, trouble = begin(config, source), Observatory(observers), Trouble()
    reporter = Reporter(config.sdk_version) if config.telemetry and problem is None else None
    observe = _telling(trouble, observatory if observers else None, reporter)
    pool = Computing(2, thread_name_prefix="tinkex-compute")
    inject = _injection(config).value_or(None)
    http = HttpTransport(config, carrier or Nowhere(), startup.authentication, inject)
    preparing = Preparing(Executor(http, observe=observe, pool=pool), startup)
    executor = Executor(preparing, observe=observe, pool=pool)
    runtime = ThreadRuntime(executor, afterwards=observatory.close, make_loop=_loops(config))
    return Opened(config, runtime, startup, problem, observatory, reporter, trouble)


def _telling(
    trouble: Trouble, observatory: Observatory | None, reporter: Reporter | None
) -> Callable[[AnyEvent], None]:
    """Whom events go to."""
    listeners = [*([observatory.observe] if observatory else []), *([reporter.report] if reporter else [])]

    def tell(event: AnyEvent) -> None:
        trouble.note(event)
        for listener in listeners:
            listener(event)

    return tell


_LEFT = ClientClosed(
    message="the embedded engine stayed in the process that this one was forked from; make a new client here, or have "
    "both use one server (tinkex serve)"
)

_GIVEN = ClientClosed(
    message="the transport that this client was given stayed in the process that this one was forked from, with its "
    "connections; make a new client here, with a transport of its own"
)
