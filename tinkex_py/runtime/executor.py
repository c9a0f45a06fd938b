"""Runs plans on an asyncio loop: the only driver there is, on the runtime's thread or in virtual time."""

from __future__ import annotations

import asyncio
import logging
import random
from collections.abc import Callable, Coroutine
from concurrent.futures import Executor as Pool
from contextvars import Context
from math import inf
from typing import Any, Protocol, TypeVar

from msgspec import structs
from returns.result import Failure, Success

from tinkex_py.errors import TransportError
from tinkex_py.events import AnyEvent
from tinkex_py.outcome import Outcome
from tinkex_py.plans.cells import Cell
from tinkex_py.plans.effects import (
    Answer,
    Await,
    Compute,
    Deadline,
    Effect,
    Expired,
    Halt,
    InTurn,
    Now,
    Observe,
    Plan,
    Raised,
    Random,
    Scoped,
    Send,
    Shield,
    Sleep,
    Spawn,
    Together,
    Unready,
    Within,
)
from tinkex_py.request import AnyRequest, Pairs, Reply

T = TypeVar("T")
U = TypeVar("U")

log = logging.getLogger("tinkex_py")


class Transport(Protocol):
    """Exchanges one request for a reply, or for the reason why there is none; adds the credential, never raises."""

    async def exchange(self, request: AnyRequest, headers: Pairs) -> Reply | TransportError | Unready:
        """One exchange."""
        ...

    async def close(self) -> None:
        """Give back what it holds."""
        ...


class Executor:
    """Gives plans what they ask for. Everything it starts is in `tasks` until it has ended."""

    def __init__(
        self,
        transport: Transport,
        *,
        observe: Callable[[AnyEvent], None] | None = None,
        bits: Callable[[], int] = lambda: random.getrandbits(64),
        pool: Pool | None = None,
    ) -> None:
        self.transport = transport
        self.tasks: set[asyncio.Task[Any]] = set()
        self.closing = False
        self._observe = observe
        self._bits = bits
        self._pool = pool
        # Most effects need no waiting, hence no coroutine.
        self._at_once: dict[type, Callable[[Any], Answer]] = {
            Now: lambda _: asyncio.get_running_loop().time(),
            Random: lambda _: self._bits(),
            Observe: self._tell,
            Spawn: self._spawn,
        }

    async def run(self, plan: Plan[T]) -> Outcome[T]:
        """The plan's outcome; the plan is closed whatever happens."""
        answer: Answer = None
        try:
            while True:
                try:
                    effect = plan.send(answer)
                except StopIteration as stop:
                    return Success(stop.value)
                if isinstance(effect, Halt):
                    return Failure(effect.error)
                at_once = self._at_once.get(type(effect))
                answer = await self._perform(effect) if at_once is None else at_once(effect)
        finally:
            plan.close()

    def track(self, work: Coroutine[Any, Any, U], context: Context | None = None) -> asyncio.Task[U]:
        """Run something in the background until it ends, or everything does; in that context or the current one."""
        task = asyncio.get_running_loop().create_task(work, context=context)
        self.tasks.add(task)
        task.add_done_callback(self.tasks.discard)
        return task

    async def stop(self) -> None:
        """End everything that runs."""
        self.closing = True
        while self.tasks:
            ending = tuple(self.tasks)
            for task in ending:
                task.cancel()
            await asyncio.gather(*ending, return_exceptions=True)
            # Gathering tasks that have ended need not let the loop run, hence not their callbacks either.
            self.tasks.difference_update(ending)

    async def close(self) -> None:
        """End everything that runs, then the transport."""
        await self.stop()
        await self.transport.close()
        if self._pool is not None:
            self._pool.shutdown(wait=False, cancel_futures=True)

    async def _perform(self, effect: Effect) -> Answer:
        match effect:
            case Send(request, headers):
                return await self.transport.exchange(request, headers)
            case Sleep(seconds):
                await asyncio.sleep(seconds)
                return None
            case Await(cell):
                await filled(cell)
                return None
            case Compute(function):
                return await self._compute(function)
            case Now() | Random() | Observe() | Spawn() | Halt():
                raise AssertionError(f"{effect} needs no waiting")
            case _:
                return await self._perform_scoped(effect)

    async def _perform_scoped(self, effect: Together | Scoped) -> Answer:
        match effect:
            case Together(plans):
                await self._together(plans)
            case Deadline(seconds, plan):
                return await self._until(seconds, plan)
            case Within(gate, cost, plan):
                passed = gate.enter(cost)
                try:
                    await filled(passed)
                    await self.run(plan)
                finally:
                    gate.leave(cost, passed)
            case InTurn(queue, plan_for):
                turn = queue.enter()
                try:
                    await self.run(plan_for(turn))
                finally:
                    queue.leave(turn)
            case Shield(plan):
                await asyncio.shield(self.track(self.run(plan)))
        return None

    async def _in_background(self, plan: Plan[None], owed: Cell[Any] | None) -> None:
        """Nobody waits for the plan itself: a bug goes to those who wait for what it owes, and into the log."""
        try:
            outcome = await self.run(plan)
        except Exception as bug:
            log.exception("a plan in the background failed; this is a bug")
            if owed is not None:
                owed.spoil(bug)
        else:
            if owed is not None:
                owed.spoil(AssertionError(f"a plan in the background ended with its cell empty: {outcome}"))

    async def _together(self, plans: tuple[Plan[None], ...]) -> None:
        tasks = [asyncio.ensure_future(self.run(plan)) for plan in plans]
        try:
            await asyncio.gather(*tasks)
        finally:
            for task in tasks:
                task.cancel()
            await asyncio.gather(*tasks, return_exceptions=True)

    async def _until(self, seconds: float, plan: Plan[None]) -> Expired | None:
        scope = asyncio.timeout(None if seconds == inf else seconds)
        try:
            async with scope:
                await self.run(plan)
        except TimeoutError:
            if not scope.expired():
                raise
            return Expired(seconds)
        return None

    async def _compute(self, function: Callable[[], None]) -> Raised | None:
        try:
            if self._pool is None:
                function()
            else:
                await asyncio.get_running_loop().run_in_executor(self._pool, function)
        except Exception as error:  # noqa: BLE001 - a caller's function may raise anything
            return Raised(f"{type(error).__name__}: {error}")
        return None

    def _spawn(self, effect: Spawn) -> None:
        _ = self.track(self._in_background(effect.plan, effect.owed))

    def _tell(self, effect: Observe) -> None:
        if self._observe is not None:
            self._observe(structs.replace(effect.event, at=asyncio.get_running_loop().time()))


async def filled(cell: Cell[T]) -> None:
    """Wait on the running loop, which is the one that fills the cell, until it is filled."""
    if cell.filled:
        return
    woken: asyncio.Future[None] = asyncio.get_running_loop().create_future()

    def wake() -> None:
        if not woken.done():
            woken.set_result(None)

    cell.when_filled(wake)
    try:
        await woken
    finally:
        cell.forget(wake)
