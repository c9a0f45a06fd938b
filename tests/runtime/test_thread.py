"""The runtime's thread starts plans in order, ends in time, and leaves nothing behind."""

from __future__ import annotations

import asyncio
import errno
import inspect
import signal
import sys
import threading
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from itertools import count
from types import FrameType
from typing import Any

import pytest
from returns.result import Failure, Success
from typing_extensions import override

from tests.plans.scripted import Script, reply
from tests.runtime.connections import counting
from tinkex_py import Config, errors
from tinkex_py.endpoints.service import get_server_capabilities
from tinkex_py.errors import ConnectionFailed, TransportError
from tinkex_py.outcome import Outcome
from tinkex_py.plans.cells import Cell
from tinkex_py.plans.effects import Plan, pure, send, shield, sleep, spawn, wait_for
from tinkex_py.request import AnyRequest, Pairs, Reply
from tinkex_py.runtime.executor import Executor
from tinkex_py.runtime.http import HttpTransport
from tinkex_py.runtime.pools import Pools
from tinkex_py.runtime.running import Running, closed, unstarted, wait
from tinkex_py.runtime.thread import ThreadRuntime


def runtime() -> ThreadRuntime:
    return ThreadRuntime(Executor(Script(reply(200, {}))))


def noting(place: list[int], number: int) -> Plan[int]:
    place.append(number)
    return (yield from pure(number))


def test_plans_start_in_the_order_of_their_submission() -> None:
    started: list[int] = []
    under_test = runtime()
    running = [under_test.submit(noting(started, number)) for number in range(2000)]
    assert [wait(each) for each in running] == [Success(number) for number in range(2000)]
    assert started == list(range(2000))
    under_test.close()


def test_the_plans_of_each_thread_start_in_its_own_order() -> None:
    started: list[list[int]] = [[] for _ in range(4)]
    under_test = runtime()

    def submit(thread: int) -> list[Running[int]]:
        return [under_test.submit(noting(started[thread], number)) for number in range(200)]

    with ThreadPoolExecutor(4) as pool:
        for running in pool.map(submit, range(4)):
            assert wait(running[-1]) == Success(199)
    under_test.close()
    assert started == [list(range(200))] * 4


def test_a_signal_handler_may_submit_in_the_middle_of_a_submission() -> None:
    under_test = runtime()
    asked: list[Running[int]] = []

    def handler(_number: int, _frame: object) -> None:
        asked.append(under_test.submit(pure(2)))
        assert wait(asked[-1], 10) == Success(2)

    def interrupted(frame: FrameType, event: str, _arg: object) -> Any:
        """A signal at each line of a submission, as it may come."""
        if not _submitting(frame):
            return None
        if event == "line":
            signal.raise_signal(signal.SIGUSR1)
        return interrupted

    before, traced = signal.signal(signal.SIGUSR1, handler), sys.gettrace()
    try:
        _ = wait(under_test.submit(pure(1)))
        sys.settrace(interrupted)
        running = under_test.submit(pure(1))
        sys.settrace(traced)
        assert wait(running, 10) == Success(1)
        assert {wait(each, 10) for each in asked} == {Success(2)}
    finally:
        sys.settrace(traced)
        _ = signal.signal(signal.SIGUSR1, before)
        under_test.close()


def test_a_signal_handler_may_be_the_first_to_submit() -> None:
    asked, made = list[Running[int]](), list[int]()

    def making_a_loop() -> asyncio.AbstractEventLoop:
        """Where a handler interrupts the first submission with another."""
        made.append(1)
        if len(made) == 1:
            asked.append(under_test.submit(pure(2)))
        return asyncio.new_event_loop()

    before = set(threading.enumerate())
    under_test = ThreadRuntime(Executor(Script(reply(200))), make_loop=making_a_loop)
    assert (wait(under_test.submit(pure(1)), 10), wait(asked[0], 10)) == (Success(1), Success(2))
    assert len(set(threading.enumerate()) - before) == 1
    under_test.close()


@pytest.mark.parametrize("begun", [True, False], ids=["with a thread", "with none yet"])
def test_a_signal_handler_may_close_in_the_middle_of_a_submission(*, begun: bool) -> None:
    before, place = signal.getsignal(signal.SIGUSR1), 1
    try:
        while _closed_in_the_middle(place, begun=begun):
            place += 1
    finally:
        _ = signal.signal(signal.SIGUSR1, before)
    assert place > 10


def _submitting(frame: FrameType) -> bool:
    """Whether it is one of the runtime's, on its way to the loop with a plan."""
    same = frame.f_code.co_filename == ThreadRuntime.submit.__code__.co_filename
    return same and frame.f_code.co_name in {"submit", "_hand_over", "_begin", "_start"}


def _closed_in_the_middle(place: int, *, begun: bool) -> bool:
    """Close at that line of a submission, and see that all has ended; False when it has no such line."""
    others, lines, left = set(threading.enumerate()), count(1), list[set[threading.Thread]]()
    under_test = ThreadRuntime(Executor(Script(reply(200))), closing=2)

    def handler(_number: int, _frame: object) -> None:
        under_test.close()
        left.append(set(threading.enumerate()) - others)

    def interrupted(frame: FrameType, event: str, _arg: object) -> Any:
        if not _submitting(frame):
            return None
        if event == "line" and next(lines) == place:
            signal.raise_signal(signal.SIGUSR1)
        return interrupted

    if begun:
        _ = wait(under_test.submit(pure(1)))
    _ = signal.signal(signal.SIGUSR1, handler)
    traced = sys.gettrace()
    sys.settrace(interrupted)
    try:
        running = under_test.submit(sleep(1e6))
    finally:
        sys.settrace(traced)
    if not left:
        under_test.close()
        return False
    assert wait(running, 10) == Failure(closed())
    for each in set(threading.enumerate()) - others:
        each.join(10)
    assert set(threading.enumerate()) == others
    assert left == [set()] or not begun
    return True


def test_a_runtime_begins_as_soon_as_the_system_has_a_thread(monkeypatch: pytest.MonkeyPatch) -> None:
    def no_thread(_thread: threading.Thread) -> None:
        raise RuntimeError("can't start new thread")

    under_test = runtime()
    with monkeypatch.context() as patched:
        patched.setattr(threading.Thread, "start", no_thread)
        failed = wait(under_test.submit(pure(1)), 10)
    assert failed == Failure(unstarted(RuntimeError("can't start new thread")))
    assert wait(under_test.submit(pure(2)), 10) == Success(2)
    under_test.close()


def test_a_runtime_begins_as_soon_as_the_system_has_a_file_for_its_loop() -> None:
    lacking = [OSError(errno.EMFILE, "Too many open files")]

    def making_a_loop() -> asyncio.AbstractEventLoop:
        if lacking:
            raise lacking.pop()
        return asyncio.new_event_loop()

    under_test = ThreadRuntime(Executor(Script(reply(200))), make_loop=making_a_loop)
    plan = pure(1)
    failed = wait(under_test.submit(plan), 10)
    assert isinstance(failed, Failure)
    assert isinstance(failed.failure(), ConnectionFailed)
    assert "Too many open files" in failed.failure().message
    assert inspect.getgeneratorstate(plan) == inspect.GEN_CLOSED
    assert wait(under_test.submit(pure(2)), 10) == Success(2)
    under_test.close()


@pytest.mark.parametrize("begun", [False, True], ids=["before its thread runs", "behind that"])
def test_ctrl_c_while_a_runtime_begins_leaves_one_that_can_begin(
    monkeypatch: pytest.MonkeyPatch, *, begun: bool
) -> None:
    start, threads, loops = threading.Thread.start, list[threading.Thread](), list[asyncio.AbstractEventLoop]()

    def interrupted(thread: threading.Thread) -> None:
        if begun:
            start(thread)
            threads.append(thread)
        raise KeyboardInterrupt

    def making_a_loop() -> asyncio.AbstractEventLoop:
        loops.append(asyncio.new_event_loop())
        return loops[-1]

    under_test = ThreadRuntime(Executor(Script(reply(200))), make_loop=making_a_loop)
    with monkeypatch.context() as patched:
        patched.setattr(threading.Thread, "start", interrupted)
        with pytest.raises(KeyboardInterrupt):
            under_test.submit(pure(1))
    assert wait(under_test.submit(pure(2)), 10) == Success(2)
    for thread in threads:
        thread.join(10)
    loops[0].close()
    assert wait(under_test.submit(pure(3)), 10) == Success(3)
    under_test.close()


class Deaf(Script):
    """Never answers, and doesn't hear that it is to stop."""

    @override
    async def exchange(self, request: AnyRequest, headers: Pairs) -> Reply | TransportError:
        """No reply."""
        while True:
            with suppress(asyncio.CancelledError):
                await asyncio.sleep(1000)


@pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning")
def test_nobody_waits_for_what_does_not_hear_that_it_is_to_end() -> None:
    under_test = ThreadRuntime(Executor(Deaf(reply(200))), closing=0.1)
    running = under_test.submit(send(get_server_capabilities()))
    assert wait(running, 0.1) is None
    under_test.close()
    settled = wait(running, 10)
    assert isinstance(settled, Failure)
    assert isinstance(settled.failure(), errors.ClientClosed)


def test_a_runtime_without_plans_has_no_thread() -> None:
    before = threading.active_count()
    under_test = runtime()
    assert threading.active_count() == before
    under_test.close()


def test_closing_ends_what_runs_and_later_plans_find_it_closed() -> None:
    under_test = runtime()
    running = [under_test.submit(sleep(1e6)), under_test.submit(shield(sleep(1e6)))]
    under_test.close()
    under_test.close()
    outcomes = [wait(each, 10) for each in (*running, under_test.submit(sleep(1)))]
    assert [type(each.failure()) for each in outcomes if each] == [errors.ClientClosed] * 3


def test_who_closes_while_it_is_being_closed_waits_for_the_same_end() -> None:
    under_test, begun, ended = runtime(), threading.Event(), list[int]()

    def farewell() -> Plan[None]:
        begun.set()
        yield from sleep(0.2)
        ended.append(1)

    _ = wait(under_test.submit(pure(1)))
    closing = threading.Thread(target=under_test.close, args=(farewell(),))
    closing.start()
    assert begun.wait(10)
    under_test.close(farewell())
    assert ended == [1]
    closing.join()


def test_who_closes_again_after_ctrl_c_while_closing_waits_for_the_end() -> None:
    under_test, ended = runtime(), list[int]()

    def farewell() -> Plan[None]:
        signal.pthread_kill(threading.main_thread().ident or 0, signal.SIGINT)
        yield from sleep(0.2)
        ended.append(1)

    _ = wait(under_test.submit(pure(1)))
    with pytest.raises(KeyboardInterrupt):
        under_test.close(farewell())
    under_test.close()
    assert ended == [1]


class Stubborn(Script):
    """A transport that never closes."""

    @override
    async def close(self) -> None:
        await asyncio.Event().wait()


def test_closing_is_bounded_even_if_the_transport_never_closes() -> None:
    ended = threading.Event()
    under_test = ThreadRuntime(Executor(Stubborn(reply(200, {}))), ended.set, closing=0.05)
    assert wait(under_test.submit(pure(1))) == Success(1)
    under_test.close()
    assert ended.wait(10)


def test_closing_leaves_no_thread_no_task_and_no_socket() -> None:
    before = set(threading.enumerate())
    with counting() as server:
        pool = ThreadPoolExecutor(2)
        config = Config(base_url=server.address, api_key="tml-key")
        executor = Executor(HttpTransport(config, Pools(config)), pool=pool)
        under_test = ThreadRuntime(executor)
        answered = [under_test.submit(send(get_server_capabilities())) for _ in range(8)]
        under_test.submit(spawn(sleep(1e6)))
        assert all(isinstance(wait(each), Success) for each in answered)
        under_test.close()
        opened = 0
        while server.begun.acquire(blocking=False):
            opened += 1
        assert opened > 0
        assert all(server.ended.acquire(timeout=10) for _ in range(opened))
    assert executor.tasks == {}
    assert {thread.name for thread in set(threading.enumerate()) - before} == set()


def test_a_bug_is_raised_wherever_its_result_is_asked_for() -> None:
    under_test = runtime()
    running = under_test.submit(_buggy())
    for _ in range(2):
        with pytest.raises(ZeroDivisionError):
            wait(running)
    under_test.close()


def test_a_bug_in_the_background_is_raised_where_its_cell_is_waited_for(caplog: pytest.LogCaptureFixture) -> None:
    under_test = runtime()
    cell: Cell[int] = Cell()
    waiting = [under_test.submit(wait_for(cell)) for _ in range(2)]
    under_test.submit(spawn(_buggy(), cell))
    for running in (*waiting, under_test.submit(wait_for(cell))):
        with pytest.raises(ZeroDivisionError):
            wait(running, 10)
    under_test.close()
    assert [record.message for record in caplog.records] == ["a plan in the background failed; this is a bug"]


def test_a_background_that_leaves_its_cell_empty_is_a_bug_too() -> None:
    under_test = runtime()
    cell: Cell[int] = Cell()
    under_test.submit(spawn(pure(None), cell))
    with pytest.raises(AssertionError, match="its cell empty"):
        wait(under_test.submit(wait_for(cell)), 10)
    under_test.close()


def _buggy() -> Plan[None]:
    yield from sleep(0.01)
    raise ZeroDivisionError


def test_closing_waits_for_nothing_that_fills_the_pool_of_the_callers_loop() -> None:
    async def program(under_test: ThreadRuntime) -> Outcome[None] | None:
        loop = asyncio.get_running_loop()
        loop.set_default_executor(ThreadPoolExecutor(1))
        ended = threading.Event()
        working = loop.run_in_executor(None, ended.wait, 10)
        running = under_test.submit(sleep(1e6))
        await under_test.aclose()
        ended.set()
        assert await working
        return wait(running, 0)

    assert asyncio.run(program(runtime())) == Failure(closed())


def test_closing_that_was_cancelled_while_the_pool_was_full_goes_on() -> None:
    async def program(under_test: ThreadRuntime) -> Outcome[None] | None:
        loop = asyncio.get_running_loop()
        loop.set_default_executor(ThreadPoolExecutor(1))
        settled = threading.Event()
        working = loop.run_in_executor(None, settled.wait, 10)
        running = under_test.submit(sleep(1e6))
        running.settled.when_filled(settled.set)
        closing = asyncio.ensure_future(under_test.aclose())
        await asyncio.sleep(0)
        closing.cancel()
        assert await working
        return wait(running, 0)

    assert asyncio.run(program(runtime())) == Failure(closed())


def test_several_loops_close_it_without_blocking() -> None:
    async def program(under_test: ThreadRuntime) -> object:
        running = under_test.submit(sleep(1e6))
        await under_test.aclose()
        return running.settled.filled

    assert asyncio.run(program(runtime())) is True
