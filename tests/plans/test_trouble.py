"""What went wrong last is known to whoever ends a plan."""

from __future__ import annotations

import asyncio

import httpx
import pytest

from tests.plans.scripted import BROKEN, Answers, Script, late, reply
from tinkex_py import AsyncServiceClient, Config, errors
from tinkex_py.endpoints.service import get_server_capabilities, session_heartbeat
from tinkex_py.outcome import Outcome
from tinkex_py.plans.effects import Plan, attempt, deadline, sleep, spawn
from tinkex_py.plans.retry import Policy, call
from tinkex_py.plans.trouble import Trouble
from tinkex_py.request import TRANSIENT, Request
from tinkex_py.testing.simulation import simulate
from tinkex_py.types import GetServerCapabilitiesResponse
from tinkex_py.wire.replies import Nothing

POLICY = Policy(seconds=300)


def asked() -> Plan[GetServerCapabilitiesResponse]:
    return call(get_server_capabilities(), POLICY)


def beaten() -> Plan[None]:
    return call(session_heartbeat("s"), POLICY)


def trouble_after(script: Script, plan: Plan[object]) -> Trouble:
    """What is noted of all that observers are told while the plan runs, for 20 s at most."""
    trouble = Trouble()
    script.run(attempt(deadline(20, plan, late)))
    for event in script.events:
        trouble.note(event)
    return trouble


def test_the_last_trouble_is_noted() -> None:
    assert isinstance(trouble_after(Script(reply(503), BROKEN), asked()).last, errors.ConnectionFailed)


def test_trouble_is_over_once_there_is_an_answer() -> None:
    assert trouble_after(Script(BROKEN, reply(200, {})), asked()).last is None


def test_what_is_sent_is_noted_but_what_nobody_waits_for() -> None:
    assert trouble_after(Script(BROKEN), asked()).sent
    assert not trouble_after(Script(reply(200)), beaten()).sent
    assert not trouble_after(Script(reply(200)), sleep(1)).sent


def test_requests_to_one_endpoint_in_a_row_are_counted() -> None:
    def twice() -> Plan[None]:
        yield from call(Request(operation="a", method="GET", path=("a",), returns=Nothing(), repeat=TRANSIENT), POLICY)
        _ = yield from asked()

    noted = trouble_after(Script(reply(200), reply(503), reply(503), reply(200, {})), twice())
    assert (noted.endpoint, noted.attempts) == ("GET /api/v1/get_server_capabilities", 3)


def test_a_heartbeat_that_is_answered_settles_nothing() -> None:
    def asked_in_vain() -> Plan[None]:
        yield from spawn(beat())
        _ = yield from asked()

    def beat() -> Plan[None]:
        yield from sleep(5)
        yield from beaten()

    beating = Answers(session_heartbeat=reply(200), get_server_capabilities=reply(503))
    assert isinstance(trouble_after(beating, asked_in_vain()).last, errors.ServerFault)


def test_an_operation_that_ends_late_does_not_blame_another() -> None:
    async def handler(request: httpx.Request) -> httpx.Response:
        name = request.url.path.rpartition("/")[2]
        if name == "whole":
            await asyncio.sleep(1000)
        if name == "runs":
            raise httpx.ConnectError("refused", request=request)
        return httpx.Response(200, json={})

    async def both(service: AsyncServiceClient) -> tuple[Outcome[object], ...]:
        return tuple(await asyncio.gather(*[service.execute(limited(service, name)) for name in ("whole", "runs")]))

    def limited(service: AsyncServiceClient, name: str) -> Plan[object]:
        request = Request(operation=name, method="GET", path=(name,), returns=Nothing(), repeat=TRANSIENT)
        return service.context.limited(30, name, call(request, POLICY))

    outcomes = simulate(both, httpx.MockTransport(handler), config=Config(base_url="http://server.test"))
    overdue, refused = (each.failure() for each in outcomes)
    assert isinstance(overdue, errors.DeadlineExceeded)
    assert isinstance(refused, errors.ConnectionFailed)
    assert (overdue.endpoint, overdue.attempts, overdue.elapsed) == ("GET /whole", 1, 30)


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
