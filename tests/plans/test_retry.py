"""A request is repeated while that may help, and never longer."""

from __future__ import annotations

import pytest
from msgspec import structs
from returns.result import Failure, Success

from tests.plans.scripted import BROKEN, Script, gaps, reply
from tinkex_py.endpoints.service import get_server_capabilities, session_heartbeat
from tinkex_py.errors import Conflict, ConnectionFailed, DeadlineExceeded, InvalidInput, RateLimited, ServerFault
from tinkex_py.plans.retry import Policy, after, call
from tinkex_py.request import UNLESS_CONFLICT
from tinkex_py.types import GetServerCapabilitiesResponse

GET = get_server_capabilities()
DONE = reply(200, {})
POLICY = Policy(seconds=300)


def test_delays_double_up_to_ten_seconds() -> None:
    script = Script(*[reply(503)] * 7, DONE)
    assert script.run(call(GET, POLICY)) == Success(GetServerCapabilitiesResponse())
    assert gaps(script.times) == [0.5, 1.0, 2.0, 4.0, 8.0, 10.0, 10.0]


def test_chance_shortens_a_delay_by_a_quarter_at_most() -> None:
    script = Script(reply(503), DONE)
    script.run(call(GET, POLICY), bits=lambda: 2**64 - 1)
    assert gaps(script.times) == [0.375]


def test_the_servers_wish_wins() -> None:
    script = Script(reply(429, retry_after="7"), reply(503, retry_after_ms="200"), DONE)
    script.run(call(GET, POLICY), bits=lambda: 2**63)
    assert gaps(script.times) == [7.0, 0.2]


def test_a_wish_beyond_the_time_left_ends_it_at_once() -> None:
    script = Script(reply(429, retry_after="301"))
    outcome = script.run(call(GET, POLICY))
    assert isinstance(outcome.failure(), RateLimited)
    assert len(script.sent) == 1


@pytest.mark.parametrize(("status", "wish", "sent"), [(404, "true", 2), (503, "false", 1), (404, "maybe", 1)], ids=str)
def test_the_server_may_say_whether_to_repeat(status: int, wish: str, sent: int) -> None:
    script = Script(reply(status, x_should_retry=wish), DONE)
    script.run(call(GET, POLICY))
    assert len(script.sent) == sent


def test_attempts_are_limited_and_counted() -> None:
    script = Script(BROKEN)
    error = script.run(call(GET, Policy(seconds=300, attempts=3))).failure()
    assert isinstance(error, ConnectionFailed)
    assert (error.attempts, error.elapsed, len(script.sent)) == (3, 1.5, 3)


def test_a_deadline_cuts_a_call_under_way_and_tells_the_last_word() -> None:
    script = Script(reply(500, {"detail": "dying"}), 1000.0, DONE)
    error = script.run(call(GET, Policy(seconds=60))).failure()
    assert isinstance(error, DeadlineExceeded)
    assert (error.seconds, error.attempts, "dying" in error.message) == (60, 2, True)
    silent = Script(1000.0, DONE).run(call(GET, Policy(seconds=60))).failure()
    assert isinstance(silent, DeadlineExceeded)


def test_a_documented_conflict_comes_back_after_one_request() -> None:
    script = Script(reply(409))
    outcome = script.run(call(structs.replace(GET, repeat=UNLESS_CONFLICT), POLICY))
    assert isinstance(outcome.failure(), Conflict)
    assert len(script.sent) == 1


def test_a_command_keeps_its_idempotency_key_and_a_question_has_none() -> None:
    command = structs.replace(session_heartbeat("s"), repeat=GET.repeat)
    script = Script(reply(503), DONE)
    script.run(call(command, POLICY), bits=iter(range(1, 99)).__next__)
    keys = [dict(headers).get("x-idempotency-key") for _, headers in script.sent]
    assert keys == [f"tinkex-py-{1:016x}{2:016x}"] * 2
    assert [dict(headers)["x-stainless-retry-count"] for _, headers in script.sent] == ["0", "1"]
    question = Script(DONE)
    question.run(call(GET, POLICY))
    assert "x-idempotency-key" not in dict(question.sent[0][1])


def test_only_errors_of_requests_carry_what_it_took() -> None:
    fault, invalid = ServerFault(message="m", status=500), InvalidInput(message="m", path="p")
    assert after(fault, 2, 3.0) == ServerFault(message="m", status=500, attempts=2, elapsed=3.0)
    assert after(invalid, 2, 3.0) == invalid


def test_failures_are_values() -> None:
    assert isinstance(Script(reply(418)).run(call(GET, POLICY)), Failure)
