"""Promises give their result to anybody, any number of times, and waiting for one never stops its work."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Generator
from concurrent.futures import ThreadPoolExecutor
from decimal import Decimal
from fractions import Fraction
from typing import Any

import numpy as np
import pytest
from returns.result import Failure, Success

from tests.plans.scripted import Script, reply
from tinkex_py import AsyncPromise, Config, Outcome, Promise, errors
from tinkex_py.clients.context import Context
from tinkex_py.plans.cells import Cell
from tinkex_py.plans.effects import Plan, compute, sleep, wait_for
from tinkex_py.runtime.executor import Executor
from tinkex_py.runtime.thread import ThreadRuntime


class Work:
    """A plan that waits until somebody finishes it."""

    def __init__(self, context: Context) -> None:
        self.context = context
        self.cell: Cell[int] = Cell()
        self.begun = threading.Event()
        self.ended = threading.Event()

    def plan(self) -> Plan[int]:
        self.begun.set()
        try:
            return (yield from wait_for(self.cell))
        finally:
            self.ended.set()

    def finish(self, value: int = 7) -> None:
        self.context.submit(_fill(self.cell, value))


def _fill(cell: Cell[int], value: int) -> Plan[None]:
    yield from sleep(0)
    cell.fill(value)


@pytest.fixture
def context() -> Generator[Context]:
    executor = Executor(Script(reply(200, {})), pool=ThreadPoolExecutor(1))
    made = Context(Config(base_url="http://server.test", api_key="tml-key"), ThreadRuntime(executor))
    yield made
    made.close()


@pytest.fixture
def work(context: Context) -> Work:
    return Work(context)


@pytest.fixture
def promise(work: Work) -> Promise[int]:
    return Promise(work.context, work.context.submit(work.plan()))


@pytest.fixture
def awaitable(work: Work) -> AsyncPromise[int]:
    return AsyncPromise(work.context.submit(work.plan()))


def test_any_thread_gets_the_result_any_number_of_times(work: Work, promise: Promise[int]) -> None:
    with ThreadPoolExecutor(8) as pool:
        results = [pool.submit(promise.result) for _ in range(16)]
        work.finish()
        assert [each.result() for each in results] == [Success(7)] * 16
    assert (promise.result(), promise.result(timeout=0), promise.done()) == (Success(7), Success(7), True)


def test_a_timeout_ends_the_waiting_and_not_the_work(work: Work, promise: Promise[int]) -> None:
    early = promise.result(timeout=0.01)
    assert isinstance(early.failure(), errors.DeadlineExceeded)
    assert not work.ended.is_set()
    work.finish()
    assert promise.result() == Success(7)


TIMES = [np.float32(0.01), np.float16(0), np.uint8(0), Fraction(1, 100), -(10**300)]


@pytest.mark.parametrize("seconds", TIMES, ids=repr)
def test_a_time_may_be_any_number(promise: Promise[int], awaitable: AsyncPromise[int], seconds: Any) -> None:
    for early in (promise.result(seconds), asyncio.run(awaitable.result(seconds))):
        overdue = early.failure()
        assert isinstance(overdue, errors.DeadlineExceeded)
        assert type(overdue.seconds) in {int, float}


@pytest.mark.parametrize("seconds", [Decimal(5), np.array(5), Fraction(10**400), "5", float("nan")], ids=repr)
def test_what_is_no_number_is_no_time(promise: Promise[int], awaitable: AsyncPromise[int], seconds: Any) -> None:
    for refused in (promise.result(seconds), asyncio.run(awaitable.result(seconds))):
        assert isinstance(refused.failure(), errors.InvalidInput)
        assert refused.failure().message.startswith("timeout is ")


def test_a_promise_may_be_cancelled_before_its_plan_begins(context: Context) -> None:
    promises = [Promise(context, context.submit(sleep(1e6))) for _ in range(100)]
    for promise in promises:
        promise.cancel()
    assert {type(promise.result().failure()) for promise in promises} == {errors.Cancelled}


def test_a_cancelled_promise_says_so_and_its_plan_is_closed(work: Work, promise: Promise[int]) -> None:
    work.begun.wait(10)
    promise.cancel()
    assert isinstance(promise.result().failure(), errors.Cancelled)
    assert work.ended.wait(10)


def test_cancelling_what_has_ended_changes_nothing(work: Work, promise: Promise[int]) -> None:
    work.finish()
    assert promise.result() == Success(7)
    promise.cancel()
    assert promise.result() == Success(7)


def test_a_closed_client_settles_its_promises(work: Work, promise: Promise[int]) -> None:
    work.context.close()
    assert isinstance(promise.result().failure(), errors.ClientClosed)


def test_waiting_on_the_clients_own_thread_is_a_clear_error(context: Context, promise: Promise[int]) -> None:
    def selfish() -> Plan[Outcome[int]]:
        yield from sleep(0)
        return promise.result()

    with pytest.raises(RuntimeError, match="would wait for itself"):
        Promise(context, context.submit(selfish())).result()


def test_a_computation_may_wait_for_a_promise(work: Work, promise: Promise[int]) -> None:
    other = Promise(work.context, work.context.submit(compute(promise.result)))
    work.finish()
    assert other.result() == Success(Success(Success(7)))


def test_an_async_promise_is_awaited_from_several_loops(work: Work, awaitable: AsyncPromise[int]) -> None:
    async def twice() -> tuple[Outcome[int], Outcome[int]]:
        return await awaitable, await awaitable.result()

    with ThreadPoolExecutor(4) as pool:
        loops = [pool.submit(lambda: asyncio.run(twice())) for _ in range(4)]
        work.finish()
        assert [each.result() for each in loops] == [(Success(7), Success(7))] * 4


def test_an_impatient_or_cancelled_await_lets_the_work_go_on(work: Work, awaitable: AsyncPromise[int]) -> None:
    async def program() -> tuple[Outcome[int], bool, Outcome[int]]:
        early = await awaitable.result(timeout=0.01)
        waiting = asyncio.ensure_future(awaitable.result())
        await asyncio.sleep(0)
        waiting.cancel()
        await asyncio.wait([waiting])
        work.finish()
        return early, waiting.cancelled(), await awaitable

    early, cancelled, result = asyncio.run(program())
    assert (type(early.failure()), cancelled, result) == (errors.DeadlineExceeded, True, Success(7))


def test_a_result_that_is_there_is_given_in_no_time(work: Work, awaitable: AsyncPromise[int]) -> None:
    async def program() -> Outcome[int]:
        _ = await awaitable
        return await awaitable.result(timeout=0)

    work.finish()
    assert asyncio.run(program()) == Success(7)


def test_a_bug_that_is_a_timeout_is_not_taken_for_impatience(work: Work) -> None:
    def buggy() -> Plan[int]:
        yield from sleep(0)
        raise TimeoutError("here")

    async def program() -> Outcome[int]:
        return await AsyncPromise(work.context.submit(buggy())).result(timeout=30)

    with pytest.raises(TimeoutError, match="here"):
        asyncio.run(program())


def test_an_async_promise_can_be_cancelled(work: Work, awaitable: AsyncPromise[int]) -> None:
    async def program() -> Outcome[int]:
        await asyncio.to_thread(work.begun.wait, 10)
        awaitable.cancel()
        return await awaitable

    assert isinstance(asyncio.run(program()), Failure)
    assert work.ended.wait(10)
    assert awaitable.done()


def test_a_loop_that_was_closed_while_it_waited_harms_nobody(work: Work, awaitable: AsyncPromise[int]) -> None:
    async def impatient() -> None:
        waiting = asyncio.ensure_future(awaitable.result())
        await asyncio.sleep(0)
        assert not waiting.done()

    asyncio.run(impatient())
    work.finish()
    assert asyncio.run(awaitable.result()) == Success(7)
