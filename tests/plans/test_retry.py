"""A request is repeated while that may help, and never longer."""

from __future__ import annotations

import pytest
from msgspec import structs
from returns.result import Failure, Success

from tests.plans.scripted import BROKEN, Line, Script, gaps, reply
from tinkex_py.endpoints.service import get_server_capabilities, session_heartbeat
from tinkex_py.errors import (
    BadRequest,
    Conflict,
    ConnectionFailed,
    DeadlineExceeded,
    InvalidInput,
    PaymentRequired,
    RateLimited,
    ServerFault,
)
from tinkex_py.events import Paused, ReplyReceived, RequestBroken, RequestSent, RetryScheduled
from tinkex_py.plans.effects import Unready
from tinkex_py.plans.retry import Billing, Policy, after, call
from tinkex_py.request import UNLESS_CONFLICT, Repeat, Reply
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


def test_a_wish_for_next_to_nothing_is_not_asked_for_thousands_of_times() -> None:
    script = Script(reply(503, retry_after_ms="0.001"))
    assert isinstance(script.run(call(GET, Policy(seconds=1, attempts=None))), Failure)
    assert len(script.sent) <= 50


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


@pytest.mark.parametrize("line", [DONE, BROKEN, Unready(BROKEN)], ids=["answered", "broken", "unready"])
def test_observers_hear_of_each_request_how_it_went(line: Line) -> None:
    script = Script(line)
    script.run(call(GET, Policy(seconds=300, attempts=2)))
    kinds = [type(event) for event in script.events if not isinstance(event, RetryScheduled)]
    answers = {ReplyReceived} if line is DONE else {RequestBroken}
    assert (set(kinds[::2]), set(kinds[1::2]), len(kinds) % 2) == ({RequestSent}, answers, 0)


def test_attempts_are_limited_and_counted() -> None:
    script = Script(BROKEN)
    error = script.run(call(GET, Policy(seconds=300, attempts=3))).failure()
    assert isinstance(error, ConnectionFailed)
    assert (error.attempts, error.elapsed, len(script.sent)) == (3, 1.5, 3)


def test_a_deadline_cuts_a_call_under_way_and_tells_the_last_word() -> None:
    script = Script(reply(500, {"detail": "dying"}), 1000.0, DONE)
    error = script.run(call(GET, Policy(seconds=60))).failure()
    assert isinstance(error, DeadlineExceeded)
    assert (error.seconds, error.attempts, "(2 attempts; the last said: " in error.message) == (60, 2, True)
    assert "dying" in error.message
    silent = Script(1000.0, DONE).run(call(GET, Policy(seconds=60))).failure()
    assert isinstance(silent, DeadlineExceeded)
    assert "no answer within 60 s (1 attempt); " in silent.message


@pytest.mark.parametrize("seconds", [0.0, -5.0, -1e300])
def test_a_time_of_less_than_nothing_is_over_at_once_and_no_standstill(seconds: float) -> None:
    error = Script(1000.0, DONE).run(call(GET, Policy(seconds=seconds))).failure()
    assert isinstance(error, DeadlineExceeded)
    assert (error.seconds, error.attempts) == (seconds, 1)


def test_a_connection_that_failed_last_is_what_ended_the_time() -> None:
    error = Script(BROKEN, 1000.0, DONE).run(call(GET, Policy(seconds=60))).failure()
    assert isinstance(error, ConnectionFailed)
    assert (error.attempts, error.elapsed) == (2, 60)


def test_the_policy_may_say_what_is_repeated() -> None:
    script = Script(reply(404), reply(503))
    error = script.run(call(GET, structs.replace(POLICY, repeat=Repeat(statuses=frozenset({404}))))).failure()
    assert isinstance(error, ServerFault)
    assert len(script.sent) == 2


def test_a_wish_for_no_time_at_all_is_no_wish() -> None:
    script = Script(reply(503, retry_after="0"), DONE)
    script.run(call(GET, POLICY))
    assert gaps(script.times) == [0.5]


def test_an_unpaid_bill_is_final_unless_the_work_may_wait() -> None:
    script = Script(reply(402), DONE)
    assert isinstance(script.run(call(GET, POLICY)).failure(), PaymentRequired)


def test_an_unpaid_bill_is_waited_for_without_counting_as_an_attempt() -> None:
    script = Script(reply(402), reply(402, retry_after="9"), reply(503), DONE)
    impatient = Policy(seconds=300, attempts=2)
    assert script.run(call(GET, impatient, billing=Billing())) == Success(GetServerCapabilitiesResponse())
    assert gaps(script.times) == [5.0, 9.0, 0.5]
    assert [event.reason for event in script.events if isinstance(event, Paused)] == ["billing", "billing"]


@pytest.mark.parametrize(("longest", "seconds", "sent"), [(12, 300, 4), (3600, 12, 3)], ids=["pause", "deadline"])
def test_a_bill_is_not_waited_for_longer_than(longest: float, seconds: float, sent: int) -> None:
    script = Script(reply(402))
    outcome = script.run(call(GET, Policy(seconds=seconds), billing=Billing(longest=longest)))
    assert isinstance(outcome.failure(), PaymentRequired)
    assert len(script.sent) == sent


def test_a_pause_begins_anew_after_five_minutes_without() -> None:
    billing = Billing(longest=10)
    assert [billing.pause(at) for at in (0, 5, 10, 310, 310.5, 611)] == [5, 5, None, None, None, 5]


def test_a_later_call_goes_on_with_the_headers_of_an_earlier_one() -> None:
    script = Script(DONE)
    script.run(call(session_heartbeat("s"), POLICY, headers=(("x-idempotency-key", "k"),)))
    assert dict(script.sent[0][1])["x-idempotency-key"] == "k"


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


def test_an_empty_bad_request_is_a_proxys_and_repeated_a_while() -> None:
    once = Script(Reply(status=400), DONE)
    assert once.run(call(GET, POLICY)) == Success(GetServerCapabilitiesResponse())
    always = Script(*[Reply(status=400)] * 20)
    assert isinstance(always.run(call(GET, Policy(seconds=3000, attempts=None))).failure(), BadRequest)
    assert len(always.times) == 17
