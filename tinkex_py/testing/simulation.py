"""Whole async programs with their client, network and server, in one thread and in virtual time."""

from __future__ import annotations

import asyncio
import random
from collections.abc import Callable, Coroutine, Mapping
from contextvars import copy_context
from typing import Any, TypeVar

import httpx
from msgspec import structs
from returns.result import Failure

from tinkex_py.clients.context import Context
from tinkex_py.clients.service import AsyncServiceClient
from tinkex_py.config import DEFAULT_BASE_URL, Config, checks
from tinkex_py.errors import TinkerError
from tinkex_py.events import AnyEvent, RequestSent
from tinkex_py.plans.authentication import Source
from tinkex_py.plans.effects import Plan
from tinkex_py.plans.startup import Startup
from tinkex_py.plans.trouble import Trouble
from tinkex_py.runtime.executor import Executor, Transport
from tinkex_py.runtime.http import HttpTransport
from tinkex_py.runtime.opening import IN_PROCESS, begin, settings_for
from tinkex_py.runtime.pools import Pools
from tinkex_py.runtime.preparing import Preparing
from tinkex_py.runtime.reporting import Reporter
from tinkex_py.runtime.running import Running, closed
from tinkex_py.testing import clock
from tinkex_py.testing.clock import ASIDE, VirtualLoop
from tinkex_py.types.raised import shortened

T = TypeVar("T")

_FOR_NOBODY = frozenset({"auth_token", "send_telemetry", "session_heartbeat"})
"""Requests that a client goes on with for as long as it is open."""


class LoopRuntime:
    """Runs a client's plans on the loop that is running: in virtual time there is no other thread.

    What `beneath` runs is ended last, as a runtime ends with its transport.
    """

    def __init__(self, executor: Executor, beneath: Executor) -> None:
        self._executor = executor
        self._beneath = beneath
        self._closed = False

    @property
    def here(self) -> bool:
        """Always: a blocking call would wait for itself."""
        return True

    def submit(self, plan: Plan[T]) -> Running[T]:
        """Start a plan."""
        running: Running[T] = Running(self)
        if self._closed:
            running.settled.fill(Failure(closed()))
        else:
            context = copy_context()
            _ = context.run(ASIDE.set, True)
            running.start(self._executor, plan, context)
        return running

    def post(self, function: Callable[[], None]) -> None:
        """Call at once: there is no other loop."""
        function()

    def close(self, farewell: Plan[None] | None = None) -> None:
        """Start no more plans; a farewell needs time, which only `aclose` has."""
        self._closed = True
        if farewell is not None:
            farewell.close()

    async def aclose(self, farewell: Plan[None] | None = None) -> None:
        """Start no more plans, and end those there are; then run the farewell."""
        first, self._closed = not self._closed, True
        if first:
            await self._executor.stop()
        if first and farewell is not None:
            _ = await self._executor.run(farewell)
        await self._beneath.stop()


def simulate(
    program: Callable[[AsyncServiceClient], Coroutine[Any, Any, T]],
    network: httpx.AsyncBaseTransport,
    *,
    seed: int = 0,
    config: Config | None = None,
    user_metadata: Mapping[str, str] | None = None,
    observe: Callable[[AnyEvent], None] | None = None,
    source: Source | None = None,
) -> T:
    """What an async program returns when it is given a client whose requests go through `network`.

    Time is virtual and chance comes from `seed`: the same arguments give the same run. Settings need no address, as
    there is only the network's server; those that can't work are the outcome of every operation. Credentials come from
    `source`, or are the key of the settings: a credential command is not run, nor a file read.
    """
    _must_carry(network)
    settings, unclear = settings_for(Config() if config is None else config)
    settings = settings if user_metadata is None else settings.changed({"user_metadata": user_metadata})
    if settings.base_url == DEFAULT_BASE_URL or settings.local:
        settings = structs.replace(settings, base_url=IN_PROCESS)
    problem = unclear or checks.problem(settings)
    startup = begin(settings if problem is None else Config(), source)
    return clock.run(_simulated(program, network, seed, startup, problem, observe))


def _must_carry(network: object) -> None:
    """Without a transport the requests would leave for a real server."""
    if not isinstance(network, httpx.AsyncBaseTransport):
        shown = shortened(network)
        raise TypeError(f"network is {shown}: give a Network(), or another transport of httpx's async kind")


async def _simulated(
    program: Callable[[AsyncServiceClient], Coroutine[Any, Any, T]],
    network: httpx.AsyncBaseTransport,
    seed: int,
    startup: Startup,
    problem: TinkerError | None,
    observe: Callable[[AnyEvent], None] | None,
) -> T:
    config, lives = startup.config, getattr(network, "lives", 0)
    chance = random.Random(f"{seed}, {lives}" if lives else seed)  # noqa: S311 - a simulation repeats

    def executor_on(transport: Transport) -> Executor:
        return Executor(transport, observe=tell, bits=lambda: chance.getrandbits(64))

    reporter, trouble = Reporter(config.sdk_version) if config.telemetry else None, Trouble()

    def tell(event: AnyEvent) -> None:
        trouble.note(event)
        if isinstance(event, RequestSent) and event.operation not in _FOR_NOBODY:
            _stir()
        if observe is not None:
            observe(event)
        if reporter is not None:
            reporter.report(event)

    http = HttpTransport(config, Pools(config, network), startup.authentication)
    beneath = executor_on(http)
    executor = executor_on(Preparing(beneath, startup))
    runtime = LoopRuntime(executor, beneath)
    try:
        context = Context(
            config,
            runtime,
            startup=startup,
            problem=problem,
            user_metadata=config.user_metadata,
            trouble=trouble,
            reporter=reporter,
        )
        return await program(AsyncServiceClient.from_context(context))
    finally:
        runtime.close()
        await executor.close()


def _stir() -> None:
    loop = asyncio.get_running_loop()
    if isinstance(loop, VirtualLoop):
        loop.stir()
