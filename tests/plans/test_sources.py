"""Samples come from a session, at once or promised, or without one where that serves."""

from __future__ import annotations

import pytest
from returns.result import Failure, Success

from tests.plans.scripted import Answers, reply, waiting
from tinkex_py import errors
from tinkex_py.events import SamplingSessionless
from tinkex_py.plans.retry import Policy
from tinkex_py.plans.sessions import SessionState
from tinkex_py.plans.sources import Source, opened
from tinkex_py.request import Reply

WEIGHTS = Source(model_path="tinker://m/sampler_weights/a")
PROMISED = reply(200, {"request_id": "r"})
SAMPLED = reply(200, {"sequences": [{"stop_reason": "stop", "tokens": [7]}]})
CANNOT = reply(500, {"detail": "Sampler failed: KeyError"})
UNWELL = reply(500, {"detail": "Internal Server Error"})


def opening(*, attempts: int | None = 4, **answers: Reply | list[Reply]) -> tuple[Answers, object]:
    script = Answers(create_session=reply(200, {"session_id": "s"}), **answers)
    shared = waiting()
    state, policy = SessionState(config=shared.config, sdk_version="1"), Policy(seconds=60, attempts=attempts)
    return script, script.run(opened(state, WEIGHTS, policy, shared))


@pytest.mark.parametrize("answer", [reply(201, {"sampling_session_id": "q"}), PROMISED], ids=["at once", "promised"])
def test_a_session_is_opened(answer: Reply) -> None:
    _, outcome = opening(create_sampling_session=answer, retrieve_future=reply(200, {"sampling_session_id": "q"}))
    assert outcome == Success(Source(sampling_session_id="q"))


@pytest.mark.parametrize("answer", [CANNOT, reply(404), reply(405), reply(501)])
def test_where_there_is_none_the_path_is_sampled_from_if_that_works(answer: Reply) -> None:
    script, outcome = opening(create_sampling_session=answer, asample=PROMISED, retrieve_future=SAMPLED)
    assert outcome == Success(WEIGHTS)
    assert script.operations.count("create_sampling_session") == (2 if answer is CANNOT else 1)
    told = [event for event in script.events if isinstance(event, SamplingSessionless)]
    assert [(event.source, isinstance(event.error, errors.StatusCause)) for event in told] == [(WEIGHTS.name, True)]


@pytest.mark.parametrize("answer", [reply(410), reply(404, {"detail": "there is no session 's'"})])
def test_where_the_server_no_longer_has_the_client_s_session_that_is_the_outcome(answer: Reply) -> None:
    script, outcome = opening(create_sampling_session=answer)
    assert isinstance(outcome, Failure)
    assert isinstance(outcome.failure(), errors.SessionEnded)
    assert script.operations == ["create_session", "create_sampling_session"]


def test_where_that_does_not_work_either_the_first_refusal_is_the_outcome() -> None:
    _, outcome = opening(create_sampling_session=reply(404), asample=reply(422))
    assert isinstance(outcome, Failure)
    assert isinstance(outcome.failure(), errors.NotFound)


@pytest.mark.parametrize("answer", [reply(429), reply(408), reply(409)])
def test_what_is_repeated_otherwise_is_repeated_here_too(answer: Reply) -> None:
    opened_at_last = reply(200, {"sampling_session_id": "q"})
    script, outcome = opening(create_sampling_session=[answer, answer, answer, opened_at_last])
    assert (outcome, len(script.operations)) == (Success(Source(sampling_session_id="q")), 5)


@pytest.mark.parametrize(("attempts", "count"), [(None, 5), (3, 3), (2, 2), (1, 1)])
def test_a_fault_is_waited_out_as_long_as_the_policy_allows(attempts: int | None, count: int) -> None:
    recovered = [CANNOT] * 4 + [reply(200, {"sampling_session_id": "q"})]
    script, outcome = opening(attempts=attempts, create_sampling_session=recovered, asample=reply(422))
    assert script.operations.count("create_sampling_session") == count
    assert isinstance(outcome, Success if attempts is None else Failure)


@pytest.mark.parametrize("answer", [UNWELL, reply(403, {"detail": "not yours"})])
def test_other_failures_are_no_reason_to_look_elsewhere(answer: Reply) -> None:
    script, outcome = opening(create_sampling_session=answer)
    assert isinstance(outcome, Failure)
    assert "asample" not in script.operations
