"""Plans halt, resume and give back what they took, whatever happens."""

from __future__ import annotations

import asyncio
import math
from collections.abc import Callable, Generator
from contextlib import suppress
from typing import Any, get_args

import pytest
from returns.result import Failure, Success
from typing_extensions import override

from tests.plans.scripted import Script, late, reply
from tinkex_py.endpoints.service import get_server_capabilities
from tinkex_py.errors import ClientClosed, TransportError
from tinkex_py.plans.cells import Cell, Gate, Queue
from tinkex_py.plans.effects import (
    Plan,
    Unready,
    attempt,
    compute,
    deadline,
    halt,
    in_turn,
    now,
    pure,
    random_bits,
    send,
    shield,
    sleep,
    spawn,
    together,
    wait_for,
    within,
)
from tinkex_py.plans.patience import PollBackoff
from tinkex_py.request import AnyRequest, Pairs, Reply
from tinkex_py.runtime.executor import Executor
from tinkex_py.testing import clock
from tinkex_py.types import TensorDataLike, TokensLike

ERROR = ClientClosed(message="closed")
SCRIPT = Script(reply(200, {}))


def test_the_type_of_a_plan_can_be_used_where_annotations_are_evaluated() -> None:
    assert get_args(Plan[str])[2] is str
    assert type(None) in get_args(TensorDataLike | None) + get_args(TokensLike | None) + get_args(PollBackoff | None)


def test_a_halt_ends_every_plan_around_it_up_to_an_attempt() -> None:
    ran: list[str] = []

    def inner() -> Plan[int]:
        yield from halt(ERROR)
        ran.append("after the halt")
        return 1

    def outer() -> Plan[object]:
        outcome = yield from attempt(inner())
        ran.append("after the attempt")
        return outcome

    assert SCRIPT.run(outer()) == Success(Failure(ERROR))
    assert ran == ["after the attempt"]


def test_a_plan_is_closed_whatever_ends_it() -> None:
    closed: list[str] = []

    def inner() -> Plan[None]:
        try:
            yield from sleep(100)
        finally:
            closed.append("inner")

    assert SCRIPT.run(deadline(5, inner(), late)) == Failure(late(5))
    assert closed == ["inner"]


def test_a_deadline_that_is_not_reached_changes_nothing() -> None:
    for seconds in (5.0, float("inf")):
        assert SCRIPT.run(deadline(seconds, pure(1), lambda _: ERROR)) == Success(1)
        assert SCRIPT.run(deadline(seconds, halt(ERROR), lambda _: ERROR)) == Failure(ERROR)


def watched(seconds: float, plan: Callable[[], Plan[Any]], ends: list[float]) -> Plan[object]:
    """The outcome within so many seconds, and when there was one."""
    outcome = yield from attempt(deadline(seconds, plan(), late))
    ends.append((yield from now()))
    return outcome


DEADLINES: dict[str, tuple[float, float, list[float]]] = {
    "the inner one first": (5, 3, [3, 3]),
    "the outer one first": (3, 5, [3]),
    "both at once": (4, 4, [4]),
}


@pytest.mark.parametrize(("outer", "inner", "expected"), DEADLINES.values(), ids=DEADLINES)
def test_of_two_deadlines_the_first_ends_what_is_inside_it(outer: float, inner: float, expected: list[float]) -> None:
    ends: list[float] = []
    _ = SCRIPT.run(watched(outer, lambda: watched(inner, lambda: sleep(100), ends), ends))
    assert ends == expected


def test_a_deadline_that_has_passed_is_no_alarm_for_what_comes_after() -> None:
    ends: list[float] = []

    def one_after_another() -> Plan[None]:
        for seconds in (2, 5, 3):
            _ = yield from watched(seconds, lambda: sleep(1), ends)
        _ = yield from watched(3, lambda: sleep(100), ends)

    assert SCRIPT.run(one_after_another()) == Success(None)
    assert ends == [1, 2, 3, 6]


def test_who_is_cancelled_when_the_time_is_over_is_cancelled() -> None:
    async def program() -> bool:
        executor = Executor(Script(reply(200)))
        task = asyncio.ensure_future(executor.run(attempt(deadline(5, sleep(100), late))))
        asyncio.get_running_loop().call_later(5, task.cancel)
        await asyncio.wait([task])
        return task.cancelled()

    assert clock.run(program())


def test_an_answer_that_ignores_that_the_time_is_over_comes_too_late() -> None:
    class Stubborn(Script):
        async def exchange(self, request: AnyRequest, headers: Pairs) -> Reply | TransportError | Unready:
            with suppress(asyncio.CancelledError):
                await asyncio.sleep(100)
            return await super().exchange(request, headers)

    outcome = Stubborn(reply(200)).run(deadline(5, send(get_server_capabilities()), late))
    assert outcome == Failure(late(5))


def test_gates_and_turns_are_given_back() -> None:
    gate, queue = Gate(1), Queue()
    ends: tuple[Callable[[], Plan[Any]], ...] = (lambda: pure(1), lambda: halt(ERROR), lambda: sleep(100))
    for end in ends:
        scoped = in_turn(queue, lambda _, end=end: within(gate, 1, end()))  # type: ignore[misc]
        SCRIPT.run(attempt(deadline(5, scoped, lambda _: ERROR)))
        assert (gate.taken, len(queue)) == (0, 0)


def test_waiting_for_a_gate_is_given_up() -> None:
    gate = Gate(1)

    def crowd() -> Plan[None]:
        yield from spawn(within(gate, 1, sleep(50)))
        yield from sleep(1)
        yield from attempt(deadline(5, within(gate, 1, pure(None)), lambda _: ERROR))
        yield from within(gate, 1, pure(None))

    assert SCRIPT.run(crowd()) == Success(None)
    assert gate.taken == 0


def test_a_gate_serves_in_order_and_lets_a_large_cost_pass_alone() -> None:
    gate = Gate(10)
    first, large, small = gate.enter(4), gate.enter(20), gate.enter(1)
    assert (first.filled, large.filled, small.filled) == (True, False, False)
    gate.leave(4, first)
    assert (large.filled, small.filled, gate.taken) == (True, False, 20)
    gate.leave(20, large)
    assert (small.filled, gate.taken, gate.capacity) == (True, 1, 10)


def test_a_turn_is_called_when_all_before_have_left() -> None:
    queue = Queue()
    first, second, third = queue.enter(), queue.enter(), queue.enter()
    queue.leave(second)
    assert (first.ready.filled, third.ready.filled) == (True, False)
    queue.leave(first)
    assert third.ready.filled


def test_a_cell_is_filled_once_and_calls_back_once() -> None:
    cell: Cell[int] = Cell()
    called: list[str] = []
    forgotten = lambda: called.append("forgotten")  # noqa: E731 - the same object twice
    cell.when_filled(lambda: called.append("early"))
    cell.when_filled(forgotten)
    cell.forget(forgotten)
    cell.forget(forgotten)
    cell.fill(1)
    cell.fill(2)
    cell.when_filled(lambda: called.append("late"))
    assert (cell.values, called) == ((1,), ["early", "late"])


def test_a_filled_cell_is_not_waited_for() -> None:
    cell: Cell[int] = Cell()
    cell.fill(5)
    assert SCRIPT.run(wait_for(cell)) == Success(5)


def test_a_shielded_plan_runs_to_its_end() -> None:
    ended: list[float] = []

    def work() -> Plan[None]:
        yield from sleep(20)
        ended.append((yield from now()))

    def impatient() -> Plan[None]:
        yield from attempt(deadline(5, shield(work()), lambda _: ERROR))
        yield from sleep(30)

    SCRIPT.run(impatient())
    assert ended == [20.0]


def test_a_computation_that_raises_is_a_failure() -> None:
    assert SCRIPT.run(compute(lambda: 6 * 7)) == Success(Success(42))
    assert SCRIPT.run(compute(lambda: 1 // 0)).unwrap() == Failure(
        "ZeroDivisionError: integer division or modulo by zero"
    )


WRONG_ANSWERS: dict[str, Callable[[], Plan[object]]] = {
    "attempt": lambda: attempt(pure(1)),
    "together": lambda: together([pure(1)]),
    "send": lambda: send(get_server_capabilities()),
    "now": now,
    "random": random_bits,
    "halt": lambda: halt(ERROR),
}


@pytest.mark.parametrize("plan", WRONG_ANSWERS.values(), ids=WRONG_ANSWERS)
def test_a_driver_that_answers_wrongly_is_told(plan: Callable[[], Plan[object]]) -> None:
    driven = plan()
    next(driven)
    with pytest.raises(AssertionError):
        driven.send(None)


def test_a_bug_in_a_plan_is_raised() -> None:
    def buggy() -> Plan[None]:
        yield from sleep(1)
        raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        SCRIPT.run(buggy())


def yielding(value: Any) -> Plan[Any]:
    return (yield value)


@pytest.mark.parametrize(
    ("yielded", "said"),
    [
        (3, "yielded 3, which is no effect"),
        (None, "yielded None, which is no effect"),
        ("x" * 1000, "\\.\\.\\."),
        (pure(1), "write `yield from`"),
    ],
)
def test_a_plan_that_yields_no_effect_is_told_what_it_yielded(yielded: object, said: str) -> None:
    for plan in (yielding(yielded), attempt(yielding(yielded))):
        with pytest.raises(TypeError, match=said):
            SCRIPT.run(plan)


SCOPES: dict[str, Callable[[Plan[Any]], Plan[Any]]] = {
    "attempt": attempt,
    "together": lambda plan: together([plan]),
    "spawn": spawn,
    "deadline": lambda plan: deadline(5, plan, lambda _: ERROR),
    "within": lambda plan: within(Gate(1), 1, plan),
    "shield": shield,
}


@pytest.mark.parametrize("scope", SCOPES.values(), ids=SCOPES)
def test_a_plan_runs_once(scope: Callable[[Plan[Any]], Plan[Any]]) -> None:
    halfway, over = sleep(1), sleep(1)
    next(halfway)
    assert SCRIPT.run(over) == Success(None)
    for begun in (halfway, over):
        with pytest.raises(RuntimeError, match="the plan sleep has begun already, and a plan runs once: make it anew"):
            SCRIPT.run(scope(begun))


@pytest.mark.parametrize("scope", SCOPES.values(), ids=SCOPES)
def test_what_is_no_plan_is_told_so(scope: Callable[[Any], Plan[Any]]) -> None:
    for given in (sleep, 1, None):
        with pytest.raises(TypeError, match="is no plan: call the function that makes one"):
            SCRIPT.run(scope(given))


class Compiled(Generator[Any, Any, Any]):
    """A plan that is no generator of Python's own, as those of compilers are none."""

    def __init__(self, plan: Plan[Any]) -> None:
        self.plan = plan

    @override
    def send(self, value: Any, /) -> Any:
        return self.plan.send(value)

    @override
    def throw(self, *raised: Any) -> Any:
        return self.plan.throw(*raised)


@pytest.mark.parametrize("scope", SCOPES.values(), ids=SCOPES)
def test_a_plan_may_be_a_generator_of_another_kind(scope: Callable[[Plan[Any]], Plan[Any]]) -> None:
    assert SCRIPT.run(scope(Compiled(pure(7)))) == SCRIPT.run(scope(pure(7)))


def test_a_plan_does_not_run_beside_itself() -> None:
    plan = sleep(1)
    with pytest.raises(RuntimeError, match="the plan sleep has begun already"):
        SCRIPT.run(together([pure(1), plan, plan]))


@pytest.mark.parametrize("seconds", [math.nan, "x", None, 10**400])
def test_a_time_that_is_no_number_sets_no_timer(seconds: Any) -> None:
    for plan in (sleep(seconds), deadline(seconds, pure(1), lambda _: ERROR)):
        with pytest.raises(TypeError, match="give a number of seconds"):
            SCRIPT.run(plan)


def test_closing_ends_what_runs() -> None:
    async def program() -> int:
        executor = Executor(Script(reply(200)))
        task = executor.track(executor.run(sleep(1e6)))
        await asyncio.sleep(1)
        await executor.close()
        return len(executor.tasks) + (not task.cancelled())

    assert clock.run(program()) == 0


def test_a_program_in_which_everything_waits_is_told_so() -> None:
    with pytest.raises(clock.DeadlockError):
        SCRIPT.run(wait_for(Cell[int]()))


def test_the_package_has_no_other_names() -> None:
    import tinkex_py

    with pytest.raises(AttributeError, match="nothing_like_it"):
        tinkex_py.nothing_like_it  # noqa: B018 - looking is the test
