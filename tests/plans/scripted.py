"""A server that follows a script, and plans run against it in virtual time."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Callable, Sequence
from concurrent.futures import Executor as Pool
from concurrent.futures import Future
from itertools import pairwise
from typing import Any, TypeAlias, TypeVar

from typing_extensions import override

from tinkex_py.config import Config
from tinkex_py.errors import ConnectionFailed, DeadlineExceeded, TransportError
from tinkex_py.events import AnyEvent
from tinkex_py.outcome import Outcome
from tinkex_py.plans.cells import Gate
from tinkex_py.plans.effects import Plan, Unready
from tinkex_py.plans.polling import Progress, Waiting
from tinkex_py.request import AnyRequest, Encoded, Pairs, Reply
from tinkex_py.runtime.executor import Executor
from tinkex_py.testing import clock

T = TypeVar("T")
Line: TypeAlias = Reply | TransportError | Unready | float
"""An answer, or how many seconds the next answer takes."""

BROKEN = ConnectionFailed(message="no connection")


def reply(status: int, body: object = None, **headers: str) -> Reply:
    pairs = tuple((name.replace("_", "-"), value) for name, value in headers.items())
    return Reply(status=status, headers=pairs, body=b"" if body is None else json.dumps(body).encode())


class Immediate(Pool):
    """Computes at once."""

    @override
    def submit(self, fn: Callable[..., Any], /, *args: Any, **kwargs: Any) -> Future[Any]:
        """A future that is done."""
        future: Future[Any] = Future()
        future.set_result(fn(*args, **kwargs))
        return future


class Script:
    """Answers by the lines of a script, the last one again and again; keeps what was sent, and when."""

    def __init__(self, *lines: Line) -> None:
        self.lines = list(lines)
        self.sent: list[tuple[AnyRequest, Pairs]] = []
        self.times: list[float] = []
        self.events: list[AnyEvent] = []

    async def exchange(self, request: AnyRequest, headers: Pairs) -> Reply | TransportError | Unready:
        """The next line."""
        self.sent.append((request, headers))
        self.times.append(asyncio.get_running_loop().time())
        line = self.lines.pop(0) if len(self.lines) > 1 else self.lines[0]
        while isinstance(line, (int, float)):
            await asyncio.sleep(line)
            line = self.lines.pop(0) if len(self.lines) > 1 else self.lines[0]
        return line

    async def close(self) -> None:
        """Nothing is held."""

    @property
    def bodies(self) -> list[Any]:
        """The JSON bodies of encoded requests."""
        return [json.loads(each.body.content) for each, _ in self.sent if isinstance(each.body, Encoded)]

    def run(self, plan: Plan[T], bits: Callable[[], int] = lambda: 0) -> Outcome[T]:
        """The plan's outcome in virtual time; what it spawned is ended then."""
        return clock.run(self._run(plan, bits))

    async def _run(self, plan: Plan[T], bits: Callable[[], int]) -> Outcome[T]:
        executor = Executor(self, observe=self.events.append, bits=bits)
        try:
            return await executor.run(plan)
        finally:
            await executor.close()


class Answers(Script):
    """Answers each operation in its own way: by one reply, or by several in turn of which the last is repeated."""

    def __init__(self, **answers: Reply | list[Reply]) -> None:
        super().__init__(reply(500))
        self.answers = {name: [given] if isinstance(given, Reply) else list(given) for name, given in answers.items()}

    async def exchange(self, request: AnyRequest, headers: Pairs) -> Reply:
        """The operation's next answer."""
        await asyncio.sleep(0)
        self.sent.append((request, headers))
        lines = self.answers[request.operation]
        return lines.pop(0) if len(lines) > 1 else lines[0]

    @property
    def operations(self) -> list[str]:
        """What was asked for, in order."""
        return [request.operation for request, _ in self.sent]


def late(seconds: float) -> DeadlineExceeded:
    """What a deadline of a test's own ends with."""
    return DeadlineExceeded(message="late", seconds=seconds)


def waiting(**settings: Any) -> Waiting:
    return Waiting(config=Config(base_url="http://server.test", **settings), progress=Progress(), room=Gate(100))


def gaps(times: Sequence[float]) -> list[float]:
    return [round(later - earlier, 6) for earlier, later in pairwise(times)]
