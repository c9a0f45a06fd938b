"""A server that answers each endpoint by a script of its own, and plans run against a client made ready for it."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import TypeVar

from tests.plans.scripted import Immediate, Line, reply
from tinkex_py.config import Config
from tinkex_py.errors import TransportError
from tinkex_py.events import AnyEvent
from tinkex_py.outcome import Outcome
from tinkex_py.plans.authentication import Authentication
from tinkex_py.plans.effects import Plan, Unready
from tinkex_py.plans.startup import Startup
from tinkex_py.request import AnyRequest, Pairs, Reply
from tinkex_py.runtime.callbacks import reason_of
from tinkex_py.runtime.executor import Executor
from tinkex_py.runtime.preparing import Preparing
from tinkex_py.testing import clock

T = TypeVar("T")

KEY = "tml-the-key"


async def at_once(function: Callable[[], None]) -> str | None:
    """Call a function here."""
    return reason_of(function)


async def a_second_later(function: Callable[[], None]) -> str | None:
    """Call a function a second later, in virtual time."""
    await asyncio.sleep(1.0)
    return reason_of(function)


class Routes:
    """Answers by operation, the last line of each again and again, 404 where there is none; keeps what was sent."""

    def __init__(self, **lines: Line | tuple[Line, ...]) -> None:
        self.lines = {name: list(given) if isinstance(given, tuple) else [given] for name, given in lines.items()}
        self.sent: list[tuple[str, str | None]] = []
        self.asked: list[tuple[AnyRequest, Pairs]] = []
        self.call = at_once
        self.times: list[float] = []
        self.events: list[AnyEvent] = []
        self.startup = Startup(
            config=Config(base_url="http://server.test"), authentication=Authentication(credential=KEY)
        )

    async def exchange(self, request: AnyRequest, headers: Pairs) -> Reply | TransportError | Unready:
        """The operation's next line."""
        self.asked.append((request, headers))
        self.sent.append((request.operation, self.startup.authentication.credential_for(request)))
        self.times.append(asyncio.get_running_loop().time())
        lines = self.lines.get(request.operation, [reply(404)])
        line = lines.pop(0) if len(lines) > 1 else lines[0]
        while isinstance(line, (int, float)):
            await asyncio.sleep(line)
            line = lines.pop(0) if len(lines) > 1 else lines[0]
        return line

    async def close(self) -> None:
        """Nothing is held."""

    @property
    def operations(self) -> list[str]:
        """What was sent, in order."""
        return [name for name, _ in self.sent]

    def run(self, plan: Plan[T]) -> Outcome[T]:
        """The plan's outcome in virtual time."""
        return clock.run(self._run(plan))

    async def _run(self, plan: Plan[T]) -> Outcome[T]:
        inner = Executor(self, observe=self.events.append, bits=lambda: 0, pool=Immediate(), call=self.call)
        executor = Executor(Preparing(inner, self.startup), observe=self.events.append, bits=lambda: 0)
        try:
            return await executor.run(plan)
        finally:
            await executor.close()
