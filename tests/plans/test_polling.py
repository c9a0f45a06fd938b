"""A promise's result is asked for until it is there, and each answer has one meaning."""

from __future__ import annotations

import pytest
from msgspec import structs
from returns.result import Success

from tests.plans.scripted import BROKEN, Line, Script, gaps, reply, waiting
from tinkex_py import errors
from tinkex_py.endpoints.promises import RetrieveFuture
from tinkex_py.plans.polling import Ticket, result_of
from tinkex_py.types import OptimStepResponse

TICKET = Ticket(operation="optim_step", kind="OptimStep", request_id="r", endpoint="POST /api/v1/optim_step")
FRESH = structs.replace(TICKET, fresh=True)
DONE = reply(200, {"metrics": None})
RESULT = Success(OptimStepResponse())


def held(state: str) -> tuple[float, Line]:
    return 20.0, reply(408, {"queue_state": state})


KEPT: dict[str, tuple[list[Line], list[float]]] = {
    "held and asked again at once": ([*held("active"), DONE], [20.0]),
    "not held: asked at growing intervals": ([reply(408), reply(408), reply(408), DONE], [0.02, 0.04, 0.08]),
    "try again": ([reply(200, {"type": "try_again", "retry_after_ms": 3000}), DONE], [3.0]),
    "fault": ([reply(503), reply(500), DONE], [1.0, 2.0]),
    "try again in next to no time": ([reply(200, {"type": "try_again", "retry_after_ms": 0.001}), DONE], [0.02]),
    "fault with a wish": ([reply(503, retry_after="9"), DONE], [9.0]),
    "rate limit": ([reply(429), DONE], [1.0]),
    "rate limit with a wish": ([reply(429, retry_after="9"), DONE], [9.0]),
    "pending": ([reply(200, {"status": "pending"}), DONE], [0.02]),
    "broken": ([BROKEN, DONE], [1.0]),
    "three bad requests": ([reply(400), reply(400), reply(400), DONE], [1.0, 2.0, 4.0]),
    "unpaid": ([reply(402), reply(402, retry_after="8"), DONE], [5.0, 8.0]),
    "fault that wishes for no time at all": ([reply(503, retry_after="0"), DONE], [1.0]),
    "announced twice": (
        [*[reply(200, {"status": "complete_metadata", "response_payload_size": 7})] * 3, DONE],
        [0.0, 0.02, 0.04],
    ),
    "announced": ([reply(200, {"status": "complete_metadata", "response_payload_size": 7}), DONE], [0.0]),
}


@pytest.mark.parametrize(("lines", "delays"), KEPT.values(), ids=KEPT)
def test_a_promise_is_kept_after(lines: list[Line], delays: list[float]) -> None:
    script = Script(*lines)
    assert script.run(result_of(TICKET, OptimStepResponse, waiting())) == RESULT
    assert gaps(script.times) == delays


def test_time_that_no_timer_can_tell_from_none_is_over() -> None:
    script = Script(DONE)
    outcome = script.run(result_of(TICKET, OptimStepResponse, waiting(progress_timeout=1e-9)))
    assert (type(outcome.failure()), script.sent) == (errors.DeadlineExceeded, [])


ENDED: dict[str, tuple[Ticket, list[Line], type]] = {
    "failed": (TICKET, [reply(200, {"error": "boom", "category": "user"})], errors.RequestFailed),
    "four bad requests": (TICKET, [reply(400)], errors.BadRequest),
    "unknown": (TICKET, [reply(404)], errors.NotFound),
    "unknown for too long": (FRESH, [reply(404)], errors.NotFound),
    "expired": (TICKET, [reply(410)], errors.PromiseExpired),
    "unreadable": (TICKET, [reply(200, 5)], errors.Undecodable),
    "unpaid for too long": (TICKET, [reply(402)], errors.PaymentRequired),
    "a wish beyond the time left": (TICKET, [reply(503, retry_after="9000")], errors.ServerFault),
    "nothing moves": (TICKET, [*held("active"), *held("active")], errors.DeadlineExceeded),
    "never answered": (TICKET, [1e9, DONE], errors.DeadlineExceeded),
}


@pytest.mark.parametrize(("ticket", "lines", "cause"), ENDED.values(), ids=ENDED)
def test_a_promise_ends_with(ticket: Ticket, lines: list[Line], cause: type) -> None:
    error = Script(*lines).run(result_of(ticket, OptimStepResponse, waiting())).failure()
    assert isinstance(error, cause)


TOLD: dict[str, tuple[list[Line], tuple[int, float]]] = {
    "failed": ([3.0, reply(408), 4.0, reply(200, {"error": "boom", "category": "user"})], (2, 7.0)),
    "nothing moves": ([*held("active"), 1e9, DONE], (2, 7220.0)),
}


@pytest.mark.parametrize(("lines", "facts"), TOLD.values(), ids=TOLD)
def test_a_promise_that_ends_by_itself_tells_where_it_was_made_and_what_it_took(
    lines: list[Line], facts: tuple[int, float]
) -> None:
    error = Script(*lines).run(result_of(TICKET, OptimStepResponse, waiting())).failure()
    assert isinstance(error, errors.RequestFailed | errors.DeadlineExceeded)
    assert (error.request_id, error.endpoint) == ("r", "POST /api/v1/optim_step")
    assert (error.attempts, error.elapsed) == facts


@pytest.mark.parametrize("answer", [reply(404), reply(404, retry_after="0.01")], ids=["at once", "with a wish"])
def test_an_unknown_promise_is_asked_for_during_thirty_seconds_at_most(answer: Line) -> None:
    script = Script(answer)
    error = script.run(result_of(FRESH, OptimStepResponse, waiting())).failure()
    assert isinstance(error, errors.NotFound)
    assert (script.times[-1], error.elapsed) == (30.0, 30.0)


def test_a_wish_beyond_the_thirty_seconds_is_not_waited_for() -> None:
    script = Script(reply(404, retry_after="31"))
    assert isinstance(script.run(result_of(FRESH, OptimStepResponse, waiting())).failure(), errors.NotFound)
    assert script.times == [0.0]


def test_a_model_that_is_still_starting_may_be_unknown() -> None:
    script = Script(reply(404), reply(404), DONE)
    assert script.run(result_of(FRESH, OptimStepResponse, waiting())) == RESULT


def test_a_large_answer_is_fetched_once_there_is_room() -> None:
    script = Script(reply(200, {"status": "complete_metadata", "response_payload_size": 7}), DONE)
    script.run(result_of(TICKET, OptimStepResponse, waiting()))
    bodies = [request.body for request, _ in script.sent]
    assert bodies == [
        RetrieveFuture(request_id="r", allow_metadata_only=True),
        RetrieveFuture(request_id="r", allow_metadata_only=False),
    ]


def test_waiting_is_limited_in_all_even_while_the_queue_moves() -> None:
    moving = [line for index in range(100) for line in held(f"state {index}")]
    error = Script(*moving).run(result_of(TICKET, OptimStepResponse, waiting(promise_timeout=100))).failure()
    assert isinstance(error, errors.DeadlineExceeded)
    assert error.elapsed == 100


def test_a_queue_that_moves_is_waited_for() -> None:
    moving = [line for index in range(10) for line in held(f"state {index}")]
    assert Script(*moving, DONE).run(result_of(TICKET, OptimStepResponse, waiting(progress_timeout=30))) == RESULT
