"""What comes before the first request is asked once, in order, and only what must be there stops a client."""

from __future__ import annotations

from typing import Any, TypeVar

import pytest
from msgspec import structs
from returns.result import Failure, Success

from tests.plans.routed import KEY, Routes
from tests.plans.scripted import BROKEN, Line, reply
from tinkex_py import errors
from tinkex_py.endpoints.service import get_server_capabilities
from tinkex_py.outcome import Outcome
from tinkex_py.plans.effects import Plan, Unready, attempt, now, sleep, together
from tinkex_py.plans.retry import Policy, call
from tinkex_py.plans.startup import dynamic, flags
from tinkex_py.request import Address
from tinkex_py.types.service import ClientConfigResponse, DynamicConfigResponse, GetServerCapabilitiesResponse

T = TypeVar("T")

NOTHING = GetServerCapabilitiesResponse()
START = ["client_config", "client_dynamic_config"]


def ask(seconds: float = 300.0) -> Plan[GetServerCapabilitiesResponse]:
    return call(get_server_capabilities(), Policy(seconds=seconds))


def routes(**lines: Line | tuple[Line, ...]) -> Routes:
    return Routes(get_server_capabilities=reply(200, {}), **lines)


def test_the_flags_come_first_and_once_for_all() -> None:
    server = routes(client_config=(1.0, reply(200, {"parallel_fwdbwd_chunks": True})))
    both = server.run(together([ask(), ask()]))
    assert both == Success((Success(NOTHING), Success(NOTHING)))
    assert server.operations == [*START, "get_server_capabilities", "get_server_capabilities"]
    assert server.startup.known == ClientConfigResponse(parallel_fwdbwd_chunks=True)
    assert {presented for _, presented in server.sent} == {KEY}


@pytest.mark.parametrize("answer", [reply(404), reply(405), reply(402), reply(501), reply(200, [1])])
def test_a_server_that_has_no_flags_for_us_has_the_defaults(answer: Line) -> None:
    server = routes(client_config=answer)
    assert server.run(flags(server.startup)) == Success(ClientConfigResponse())
    assert server.run(ask()) == Success(NOTHING)
    assert server.operations.count("client_config") == 1


@pytest.mark.parametrize("trouble", [BROKEN, reply(503), reply(429, retry_after="0.5")])
def test_trouble_before_a_request_is_repeated_with_it(trouble: Line) -> None:
    server = routes(client_config=(trouble, reply(200, {})))
    assert server.run(ask()) == Success(NOTHING)
    assert (server.operations, server.times) == (
        ["client_config", *START, "get_server_capabilities"],
        [0.0, *[0.5] * 3],
    )


def test_a_server_that_cannot_be_reached_is_the_failure_of_the_operation_and_not_kept() -> None:
    server = routes(client_config=(BROKEN, BROKEN, BROKEN, reply(200, {})))

    def twice() -> Plan[tuple[Outcome[object], Outcome[object]]]:
        first = yield from attempt(ask(1.2))
        return first, (yield from attempt(flags(server.startup)))

    first, second = server.run(twice()).unwrap()
    assert isinstance(first.failure(), errors.ConnectionFailed)
    assert isinstance(second.failure(), errors.ConnectionFailed)
    assert server.run(flags(server.startup)) == Success(ClientConfigResponse())


def test_flags_that_the_server_fails_to_give_are_its_fault() -> None:
    server = routes(client_config=reply(500, {"detail": "boom"}))
    assert isinstance(server.run(flags(server.startup)).failure(), errors.ServerFault)


UNTRUSTED = Unready(errors.ConnectionFailed(message="the certificate is not trusted"))


def test_a_server_that_is_not_trusted_at_first_is_said_at_once_and_asked_anew_by_the_next() -> None:
    server = routes(client_config=(UNTRUSTED, reply(200, {})))
    outcomes = [server.run(flags(server.startup)) for _ in range(2)]
    assert outcomes == [Failure(UNTRUSTED.error), Success(ClientConfigResponse())]
    other = routes(client_config=(UNTRUSTED, reply(200, {})))
    assert [other.run(ask()), other.run(ask())] == [Failure(UNTRUSTED.error), Success(NOTHING)]
    assert other.operations == ["client_config", *START, "get_server_capabilities"]


def test_wishes_of_a_server_that_is_not_trusted_are_none() -> None:
    server = routes(client_dynamic_config=UNTRUSTED)
    assert server.run(dynamic(server.startup)) == Success(DynamicConfigResponse())


def timed(plan: Plan[T]) -> Plan[tuple[T, float]]:
    """The plan's value, and how long it took."""
    begun = yield from now()
    value = yield from plan
    return value, (yield from now()) - begun


def test_the_first_request_does_not_wait_for_the_wishes() -> None:
    server = routes(client_dynamic_config=(20.0, reply(200, {"sample_cancel_enabled": True})))
    assert server.run(timed(ask())) == Success((NOTHING, 0.0))
    assert server.operations == [*START, "get_server_capabilities"]
    assert server.startup.wishes is None


def test_who_needs_the_wishes_waits_for_them_once() -> None:
    wish = DynamicConfigResponse(sample_cancel_enabled=True)
    server = routes(client_dynamic_config=(20.0, reply(200, {"sample_cancel_enabled": True})))
    both = together([timed(dynamic(server.startup)), timed(dynamic(server.startup)), ask()])
    assert server.run(both) == Success((Success((wish, 20.0)), Success((wish, 20.0)), Success(NOTHING)))
    assert server.operations == [*START, "get_server_capabilities"]
    assert server.startup.wishes == wish


def test_wishes_that_can_not_be_had_are_none() -> None:
    server = routes(client_dynamic_config=(20.0, BROKEN))
    assert server.run(timed(dynamic(server.startup))) == Success((DynamicConfigResponse(), 20.0))


def test_a_bug_in_asking_for_the_wishes_is_raised_for_who_needs_them_and_nobody_else() -> None:
    nonsense: Any = "no answer"
    server = routes(client_dynamic_config=nonsense)
    assert server.run(ask()) == Success(NOTHING)
    server = routes(client_dynamic_config=nonsense)
    with pytest.raises(AssertionError, match="no answer"):
        server.run(dynamic(server.startup))


def test_a_wish_is_asked_again_when_it_is_old_and_somebody_asks() -> None:
    later = {"refresh_interval_sec": 3, "sample_cancel_enabled": True}
    server = routes(client_dynamic_config=(reply(200, {"refresh_interval_sec": 3}), BROKEN, reply(200, later)))

    def several() -> Plan[list[bool]]:
        seen: list[bool] = []
        for seconds in (9.0, 1.0, 10.0, 10.0):
            seen.append((yield from dynamic(server.startup)).sample_cancel_enabled)
            yield from sleep(seconds)
        return [*seen, (yield from dynamic(server.startup)).sample_cancel_enabled]

    assert server.run(several()) == Success([False, False, False, False, True])
    asked = [time for time, name in zip(server.times, server.operations, strict=True) if "dynamic" in name]
    assert asked == [0.0, 10.0, 20.0]


def test_a_server_without_wishes_has_the_defaults() -> None:
    server = routes(client_dynamic_config=reply(404))
    assert server.run(dynamic(server.startup)) == Success(DynamicConfigResponse())


def test_an_address_outside_the_service_needs_nothing_before() -> None:
    server = routes()
    elsewhere = structs.replace(get_server_capabilities(), address=Address("http://store.test/x"))
    server.run(call(elsewhere, Policy(seconds=1)))
    assert server.operations == ["get_server_capabilities"]


def test_what_comes_first_ends_with_the_time_of_the_operation() -> None:
    server = routes(client_config=(100.0, reply(200, {})))
    outcome = server.run(ask(5.0))
    assert isinstance(outcome, Failure)
    assert isinstance(outcome.failure(), errors.DeadlineExceeded)
    assert server.operations == ["client_config"]
