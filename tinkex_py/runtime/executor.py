"""Runs plans on an asyncio loop: the only driver there is, on the runtime's thread or in virtual time."""

from __future__ import annotations

import asyncio
import logging
import secrets
from collections.abc import Awaitable, Callable, Coroutine
from concurrent.futures import Executor as Pool
from contextvars import Context
from functools import partial
from typing import Any, Protocol, TypeVar

from msgspec import structs

from tinkex_py.errors import TransportError
from tinkex_py.events import AnyEvent
from tinkex_py.outcome import Outcome
from tinkex_py.plans.cells import Cell
from tinkex_py.plans.effects import (
    Answer,
    Await,
    Compute,
    Now,
    Observe,
    Outcomes,
    Plan,
    Raised,
    Random,
    Send,
    Shield,
    Sleep,
    Spawn,
    Together,
    Unready,
    no_effect,
)
from tinkex_py.request import AnyRequest, Pairs, Reply
from tinkex_py.runtime.callbacks import called, reason_of
from tinkex_py.runtime.strands import AtOnce, Calendar, Strand

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
        bits: Callable[[], int] = lambda: secrets.randbits(64),
        pool: Pool | None = None,
        call: Callable[[Callable[[], None]], Awaitable[str | None]] = called,
    ) -> None:
        """`pool` computes what is this client's own, `call` what is foreign; without a pool all is computed here.

        `bits` are never those of the module `random`: a program that seeds it would have two commands go under one
        idempotency key, and the server take the second for a repetition of the first.
        """
        self.transport = transport
        self.tasks: dict[asyncio.Task[Any], Callable[[asyncio.Task[Any]], None]] = {}
        self.closing = False
        self._calendar = Calendar()
        self._observe = observe
        self._bits = bits
        self._pool = pool
        self._call = call
        # Most effects need no waiting, hence no coroutine.
        self._at_once: AtOnce = {
            Now: lambda _: asyncio.get_running_loop().time(),
            Random: lambda _: self._bits(),
            Observe: self._tell,
            Spawn: self._spawn,
        }
        self._waiting: dict[type, Callable[[Any], Awaitable[Answer]]] = {
            Send: lambda effect: self.transport.exchange(effect.request, effect.headers),
            Sleep: lambda effect: asyncio.sleep(effect.seconds),
            Await: lambda effect: filled(effect.cell),
            Compute: self._compute,
            Together: self._together,
            Shield: lambda effect: asyncio.shield(self.track(self.run(effect.plan))),
        }

    async def run(self, plan: Plan[T]) -> Outcome[T]:
        """The plan's outcome; the plan is closed whatever happens."""
        strand = Strand(plan, self._at_once, self._calendar)
        answer: Answer = None
        try:
            while (effect := strand.asks(answer)) is not None:
                try:
                    answer = await self._waiting.get(type(effect), _refused)(effect)
                except asyncio.CancelledError:
                    if not strand.interrupted:
                        raise
                if strand.interrupted:
                    answer = strand.cut()
            return strand.outcome
        finally:
            strand.close()

    def track(
        self,
        work: Coroutine[Any, Any, U],
        context: Context | None = None,
        ended: Callable[[asyncio.Task[U]], None] | None = None,
    ) -> asyncio.Task[U]:
        """Run something in the background until it ends, or everything does; in that context or the current one.

        `ended` is called then, and takes it out of `tasks`.
        """
        task = asyncio.get_running_loop().create_task(work, context=context)
        self.tasks[task] = ended or self._forget
        task.add_done_callback(self.tasks[task], context=context)
        return task

    def abandon(self) -> None:
        """Leave what has not ended, now that the loop has closed, so that nobody waits for it any more."""
        for task, ended in tuple(self.tasks.items()):
            ended(task)

    def _forget(self, task: asyncio.Task[Any]) -> None:
        _ = self.tasks.pop(task, None)

    async def stop(self) -> None:
        """End everything that runs."""
        self.closing = True
        while self.tasks:
            ending = tuple(self.tasks)
            for task in ending:
                task.cancel()
            await asyncio.gather(*ending, return_exceptions=True)
            # Gathering tasks that have ended need not let the loop run, hence not their callbacks either.
            for task in ending:
                self._forget(task)

    async def close(self) -> None:
        """End everything that runs, then the transport."""
        await self.stop()
        await self.transport.close()
        if self._pool is not None:
            self._pool.shutdown(wait=False, cancel_futures=True)

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

    async def _together(self, effect: Together) -> Outcomes:
        tasks = [asyncio.ensure_future(self.run(plan)) for plan in effect.plans]
        try:
            return tuple(await asyncio.gather(*tasks))
        finally:
            for task in tasks:
                task.cancel()
            await asyncio.gather(*tasks, return_exceptions=True)

    async def _compute(self, effect: Compute) -> Raised | None:
        """On a thread of its own, or of the pool; here where there is no pool, as in virtual time."""
        if self._pool is None:
            reason = reason_of(effect.function)
        elif effect.foreign:
            reason = await self._call(effect.function)
        else:
            reason = await asyncio.get_running_loop().run_in_executor(self._pool, reason_of, effect.function)
        return None if reason is None else Raised(reason)

    def _spawn(self, effect: Spawn) -> None:
        _ = self.track(self._in_background(effect.plan, effect.owed))

    def _tell(self, effect: Observe) -> None:
        if self._observe is not None:
            self._observe(structs.replace(effect.event, at=asyncio.get_running_loop().time()))


async def _refused(yielded: object) -> Answer:
    raise no_effect(yielded)


async def filled(cell: Cell[T]) -> None:
    """Wait on the running loop, which is the one that fills the cell, until it is filled."""
    if cell.filled:
        return
    woken: asyncio.Future[None] = asyncio.get_running_loop().create_future()
    wake = partial(resolve, woken)
    cell.when_filled(wake)
    try:
        await woken
    finally:
        cell.forget(wake)


def resolve(woken: asyncio.Future[None]) -> None:
    """Wake whoever waits, unless it has stopped waiting."""
    if not woken.done():
        woken.set_result(None)
