"""A circuit opens after failures in a row, and one operation tries when its time has come."""

from __future__ import annotations

from typing import TypeVar

import pytest
from returns.result import Failure, Success

from tests.plans.scripted import BROKEN, Script, reply
from tinkex_py import Outcome, errors
from tinkex_py.events import CircuitChanged, ReplyReceived
from tinkex_py.plans.circuit import Circuit, guarded
from tinkex_py.plans.effects import Plan, attempt, deadline, halt, pure, sleep, together
from tinkex_py.plans.trouble import Trouble

T = TypeVar("T")

FAULT = errors.ServerFault(message="it failed", status=503)
MISSING = errors.NotFound(message="no such thing", status=404)
INVALID = errors.InvalidInput(message="give a number", path="n")
SCRIPT = Script(reply(200))


def circuit() -> Circuit:
    return Circuit(failures=2, reset=30.0)


def guard(state: Circuit, plan: Plan[object], *, sent: bool = True) -> Plan[str]:
    outcome = yield from attempt(guarded(state, plan, Trouble(sent=sent)))
    return type(outcome.failure()).__name__ if isinstance(outcome, Failure) else "Success"


def story(state: Circuit, *steps: float | errors.TinkerError | str, sent: bool = True) -> list[str]:
    """Waits, failures and successes (texts) of operations that sent something or not, one after the other."""

    def told() -> Plan[list[str]]:
        said: list[str] = []
        for step in steps:
            match step:
                case float() | int() as seconds:
                    yield from sleep(seconds)
                case str(value):
                    said.append((yield from guard(state, pure(value), sent=sent)))
                case error:
                    said.append((yield from guard(state, halt(error), sent=sent)))
        return said

    return SCRIPT.run(told()).unwrap()


def test_it_opens_after_failures_in_a_row() -> None:
    assert story(circuit(), FAULT, BROKEN, "well") == ["ServerFault", "ConnectionFailed", "CircuitOpen"]


def test_a_success_or_an_answer_of_another_kind_counts_anew() -> None:
    said = story(circuit(), FAULT, "well", FAULT, MISSING, FAULT, "well")
    assert said == ["ServerFault", "Success", "ServerFault", "NotFound", "ServerFault", "Success"]


def test_one_operation_tries_when_the_time_has_come() -> None:
    assert story(circuit(), FAULT, FAULT, 30.0, "well", "well")[2:] == ["Success", "Success"]
    assert story(circuit(), FAULT, FAULT, 30.0, FAULT, 29.0, "well")[2:] == ["ServerFault", "CircuitOpen"]


def test_while_one_tries_the_others_wait() -> None:
    state = circuit()
    story(state, FAULT, FAULT)

    def slow() -> Plan[int]:
        yield from sleep(5)
        return 1

    def crowd() -> Plan[tuple[Outcome[str], ...]]:
        yield from sleep(30)
        return (yield from together([guard(state, slow()), guard(state, pure(2))]))

    assert SCRIPT.run(crowd()) == Success((Success("Success"), Success("CircuitOpen")))


def test_a_try_that_is_cut_off_lets_another_try() -> None:
    state = circuit()
    story(state, FAULT, FAULT)
    SCRIPT.run(deadline(40, _later(guarded(state, sleep(100), Trouble())), lambda _: FAULT))
    assert story(state, 30.0, "well") == ["Success"]


def test_others_go_on_as_soon_as_the_one_that_tries_is_answered() -> None:
    state, own = circuit(), Trouble(sent=True)
    story(state, FAULT, FAULT)
    SCRIPT.events.clear()

    def long() -> Plan[None]:
        yield from sleep(5)
        own.note(ReplyReceived(operation="optim_step", endpoint="POST /api/v1/optim_step", status=200, elapsed=5.0))
        yield from sleep(7200)

    def others() -> Plan[tuple[str, ...]]:
        said: list[str] = []
        for seconds in (31, 5, 1):
            yield from sleep(seconds)
            said.append((yield from guard(state, sleep(100))))
        return tuple(said)

    _, said = SCRIPT.run(together([_later(guarded(state, long(), own)), others()])).unwrap()
    assert said == Success(("CircuitOpen", "Success", "Success"))
    assert [event.open for event in SCRIPT.events if isinstance(event, CircuitChanged)] == [False]


@pytest.mark.parametrize(("begins", "takes"), [(33, 0), (0, 33)], ids=["the next", "one from before"])
def test_who_tried_does_not_keep_the_circuit_that_another_closes_from_opening_again(begins: int, takes: int) -> None:
    state = circuit()

    def others() -> Plan[list[str]]:
        said: list[str] = []
        for plan in (halt(FAULT), halt(FAULT), pure("well")):
            yield from sleep(1)
            said.append((yield from guard(state, plan)))
        return said

    def crowd() -> Plan[tuple[Outcome[object], ...]]:
        closing = _later(guard(state, sleep(takes)), begins)
        failing = (_later(guard(state, halt(FAULT)), 1) for _ in range(2))
        trying = _later(guarded(state, sleep(7200), Trouble(sent=True, answered=True)), 32)
        return (yield from together([closing, *failing, trying, _later(others(), 34)]))

    assert SCRIPT.run(crowd()).unwrap()[-1] == Success(["ServerFault", "ServerFault", "CircuitOpen"])


def test_who_ends_while_another_tries_leaves_it_trying() -> None:
    state = circuit()

    def crowd() -> Plan[tuple[Outcome[str], ...]]:
        early = guard(state, sleep(32), sent=False)
        failing = (guard(state, halt(FAULT)) for _ in range(2))
        late = (_later(guard(state, sleep(seconds)), at) for at, seconds in ((31, 10), (33, 0)))
        return (yield from together([early, *failing, *late]))[3:]

    assert SCRIPT.run(crowd()) == Success((Success("Success"), Success("CircuitOpen")))


def _later(plan: Plan[T], seconds: float = 30) -> Plan[T]:
    yield from sleep(seconds)
    return (yield from plan)


def test_the_error_says_how_long_it_stays_open() -> None:
    state = circuit()
    story(state, FAULT, FAULT)
    error = SCRIPT.run(guarded(state, sleep(0), Trouble())).failure()
    assert isinstance(error, errors.CircuitOpen)
    assert error.retry_after == pytest.approx(30)


def test_opening_and_closing_are_told() -> None:
    SCRIPT.events.clear()
    story(circuit(), FAULT, FAULT, 30.0, "well")
    changes = [event for event in SCRIPT.events if isinstance(event, CircuitChanged)]
    assert [(event.open, event.failures) for event in changes] == [(True, 2), (False, 0)]


def test_what_fails_on_this_side_or_sends_nothing_says_nothing_of_the_server() -> None:
    state = circuit()
    story(state, FAULT)
    story(state, "well", FAULT, MISSING, INVALID, sent=False)
    story(state, INVALID)
    assert (state.failed, state.opened) == (1, None)
    assert story(state, FAULT, "well") == ["ServerFault", "CircuitOpen"]


def test_a_try_that_says_nothing_of_the_server_lets_another_try() -> None:
    state = circuit()
    story(state, FAULT, FAULT)
    SCRIPT.events.clear()
    assert story(state, 30.0, INVALID) == ["InvalidInput"]
    assert story(state, 30.0, "well", sent=False) == ["Success"]
    assert (state.failed, SCRIPT.events) == (2, [])
    assert story(state, 30.0, "well", "well") == ["Success", "Success"]
    assert state.opened is None
