"""What went wrong last is known to whoever ends a plan, wherever inside it happened."""

from __future__ import annotations

from collections.abc import Callable

import httpx
import pytest
from returns.result import Failure, Success

from tests.plans.scripted import BROKEN, Answers, Script, reply
from tinkex_py import AsyncServiceClient, Config, errors
from tinkex_py.endpoints.service import get_server_capabilities, session_heartbeat
from tinkex_py.outcome import Outcome
from tinkex_py.plans.cells import Gate, Queue
from tinkex_py.plans.effects import Plan, deadline, halt, in_turn, shield, sleep, spawn, together, within
from tinkex_py.plans.retry import Policy, call
from tinkex_py.plans.trouble import Trouble, noting
from tinkex_py.testing.simulation import simulate
from tinkex_py.types import GetServerCapabilitiesResponse

POLICY = Policy(seconds=300)


def asked() -> Plan[GetServerCapabilitiesResponse]:
    return call(get_server_capabilities(), POLICY)


def spawned() -> Plan[None]:
    yield from spawn(ignored())
    yield from sleep(300)


def ignored() -> Plan[None]:
    _ = yield from asked()


PLACES: dict[str, Callable[[], Plan[object]]] = {
    "itself": asked,
    "within a gate": lambda: within(Gate(1), 1, asked()),
    "in its turn": lambda: in_turn(Queue(), lambda _: asked()),
    "behind a shield": lambda: shield(asked()),
    "among others": lambda: together([asked()]),
    "in the background": spawned,
}


def overdue(seconds: float) -> errors.DeadlineExceeded:
    return errors.DeadlineExceeded(message="over", seconds=seconds)


@pytest.mark.parametrize("place", PLACES.values(), ids=PLACES)
def test_trouble_is_noted(place: Callable[[], Plan[object]]) -> None:
    trouble, script = Trouble(), Script(reply(503), BROKEN)
    outcome = script.run(deadline(20, noting(place(), trouble), overdue))
    assert (outcome, trouble.last) == (Failure(overdue(20)), trouble.last)
    assert isinstance(trouble.last, errors.ConnectionFailed)


def test_trouble_is_over_once_there_is_an_answer() -> None:
    trouble = Trouble()
    script = Script(BROKEN, reply(200, {}))
    assert script.run(noting(asked(), trouble)) == Success(GetServerCapabilitiesResponse())
    assert trouble.last is None


def test_a_heartbeat_that_is_answered_settles_nothing() -> None:
    def asked_in_vain() -> Plan[None]:
        yield from spawn(beat())
        _ = yield from asked()

    def beat() -> Plan[None]:
        yield from sleep(5)
        yield from call(session_heartbeat("s"), POLICY)

    trouble = Trouble()
    beating = Answers(session_heartbeat=reply(200), get_server_capabilities=reply(503))
    assert isinstance(beating.run(deadline(20, noting(asked_in_vain(), trouble), overdue)), Failure)
    assert isinstance(trouble.last, errors.ServerFault)


def test_a_noted_plan_ends_as_it_would() -> None:
    error = errors.Cancelled(message="c")
    assert Script(reply(200)).run(noting(halt(error), Trouble())) == Failure(error)


@pytest.mark.parametrize("timeout", [5.0, 20.0, 200.0])
def test_without_a_server_a_client_is_a_failed_connection_within_the_deadline(timeout: float) -> None:
    def refuse(request: httpx.Request) -> httpx.Response:
        raise httpx.ConnectError("refused", request=request)

    async def create(service: AsyncServiceClient) -> tuple[Outcome[object], ...]:
        return (
            await service.create_lora_training_client("tinkex/tiny-random", timeout=timeout),
            await service.create_sampling_client(base_model="tinkex/tiny-random", timeout=timeout),
            await service.get_server_capabilities(timeout=timeout),
        )

    outcomes = simulate(create, httpx.MockTransport(refuse), config=Config(base_url="http://server.test"))
    causes = [outcome.failure() for outcome in outcomes]
    assert {type(cause) for cause in causes} == {errors.ConnectionFailed}
    assert all(isinstance(cause, errors.ConnectionFailed) and cause.elapsed <= timeout for cause in causes)
