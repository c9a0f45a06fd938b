"""Samples are numbered from 0, sessions are opened once and kept alive."""

from __future__ import annotations

import json

import pytest
from msgspec import structs
from returns.result import Failure, Success

from tests.plans.scripted import BROKEN, Line, Script, gaps, reply, waiting
from tinkex_py import Config, ModelInput, SamplingParams, errors
from tinkex_py.endpoints.sampling import Sample
from tinkex_py.endpoints.sessions import finish_session
from tinkex_py.events import HeartbeatMissed, ServerMessage, SessionOver, SessionStarted
from tinkex_py.outcome import Outcome
from tinkex_py.plans.dispatch import Dispatch
from tinkex_py.plans.effects import Plan, attempt, now, pure, sleep, together
from tinkex_py.plans.samples import Sampler, sample
from tinkex_py.plans.sessions import SessionState, finish, in_session, session_id
from tinkex_py.plans.sources import Source
from tinkex_py.types import SampledSequence, SampleResponse
from tinkex_py.types.questions import Question
from tinkex_py.wire.json import encode

ACCEPTED = reply(200, {"request_id": "r"})
SAMPLED = reply(200, {"sequences": [{"stop_reason": "stop", "tokens": [7]}]})
OPENED = reply(200, {"session_id": "s", "info_message": "hello", "error_message": ""})


def sampler() -> Sampler:
    return Sampler(source=Source(sampling_session_id="q"), dispatch=Dispatch(), waiting=waiting())


def question(num_samples: int = 1) -> Question:
    return Question(prompt=ModelInput.from_ints([1]), num_samples=num_samples, sampling_params=SamplingParams())


def test_a_lost_promise_is_asked_for_anew_under_a_new_number() -> None:
    script = Script(ACCEPTED, reply(410), ACCEPTED, SAMPLED)
    assert script.run(sample(sampler(), question())) == Success(
        SampleResponse(sequences=[SampledSequence(stop_reason="stop", tokens=[7])])
    )
    assert [request.body.seq_id for request, _ in script.sent if isinstance(request.body, Sample)] == [0, 1]


def test_a_failed_sample_is_a_failure() -> None:
    script = Script(ACCEPTED, reply(200, {"error": "boom", "category": "server"}))
    assert isinstance(script.run(sample(sampler(), question())).failure(), errors.RequestFailed)


def test_fewer_samples_than_were_asked_for_are_no_answer() -> None:
    error = Script(ACCEPTED, SAMPLED).run(sample(sampler(), question(2))).failure()
    assert isinstance(error, errors.Undecodable)
    assert "2 samples were asked for, and 1 came" in error.message
    assert (error.request_id, error.endpoint, error.attempts) == ("r", "POST /api/v1/asample", 1)


def test_sequences_carry_the_names_that_the_promise_gave() -> None:
    promised = reply(200, {"request_id": "r", "sample_sequence_ids": ["r:0"]})
    sampled = reply(
        200, {"sequences": [{"stop_reason": "stop", "tokens": [1], "topk_sampled_logprobs": [[[1, -0.5]]]}]}
    )
    response = Script(promised, sampled).run(sample(sampler(), question())).unwrap()
    assert response.sequences == [
        SampledSequence(stop_reason="stop", tokens=[1], topk_logprobs=[[(1, -0.5)]], sequence_id="r:0")
    ]


def test_an_answer_that_lacks_what_was_asked_for_is_a_failure() -> None:
    asked = structs.replace(question(), prompt=ModelInput.from_ints([1, 2]), topk_prompt_logprobs=1)
    error = Script(ACCEPTED, SAMPLED).run(sample(sampler(), asked)).failure()
    assert isinstance(error, errors.CapabilityMissing)


def test_newer_options_are_sent_only_when_they_ask_for_something() -> None:
    body = {"num_samples": 1, "prompt_logprobs": False, "topk_prompt_logprobs": 0, "sampling_session_id": "q"}
    plain, asking = question(), structs.replace(question(), prompt_alt_tokens_k=2, record_stability_info=True)
    scripts = [Script(ACCEPTED, SAMPLED), Script(ACCEPTED, SAMPLED)]
    for script, asked in zip(scripts, (plain, asking), strict=True):
        script.run(sample(sampler(), asked))
    bodies = [request.body for script in scripts for request, _ in script.sent]
    sent = [json.loads(encode(body).content) for body in bodies if isinstance(body, Sample)]
    assert set(sent[0]) == {*body, "seq_id", "prompt", "sampling_params", "type"}
    assert sent[1] == sent[0] | {"prompt_alt_tokens_k": 2, "record_stability_info": True}


def session() -> SessionState:
    return SessionState(config=Config(base_url="http://server.test", max_attempts=1), sdk_version="0")


def wait_then(seconds: float, plan: Plan[str]) -> Plan[str]:
    opened = yield from plan
    yield from sleep(seconds)
    return opened


def test_a_session_is_opened_once_for_all_who_ask() -> None:
    state, script = session(), Script(OPENED)
    together_ = script.run(together([session_id(state), session_id(state)]))
    assert together_ == Success((Success("s"), Success("s")))
    assert [request.operation for request, _ in script.sent] == ["create_session"]
    assert [type(event) for event in script.events if isinstance(event, (SessionStarted, ServerMessage))] == [
        SessionStarted,
        ServerMessage,
    ]


def test_a_failure_to_open_is_not_kept() -> None:
    state, script = session(), Script(reply(403), OPENED)

    def twice() -> Plan[tuple[Outcome[str], Outcome[str]]]:
        first = yield from attempt(session_id(state))
        return first, (yield from attempt(session_id(state)))

    first, second = script.run(twice()).unwrap()
    assert (type(first), second) == (Failure, Success("s"))


def test_a_session_gives_a_sign_of_life_every_so_often_until_it_is_over() -> None:
    script = Script(OPENED, reply(200), reply(503), reply(410))
    script.run(wait_then(100, session_id(session())))
    assert gaps(script.times) == [10.0, 10.0, 10.0]
    assert isinstance(script.events[-1], SessionOver)


def test_when_the_server_ends_a_session_later_work_is_told() -> None:
    state, script = session(), Script(OPENED, reply(410, {"detail": "too old"}))

    def later() -> Plan[tuple[Outcome[str], Outcome[int]]]:
        yield from session_id(state)
        yield from sleep(11)
        return (yield from attempt(session_id(state))), (yield from attempt(in_session(state, pure(1))))

    for outcome in script.run(later()).unwrap():
        error = outcome.failure()
        assert isinstance(error, errors.SessionEnded)
        assert error.message.startswith("the server ended session s (too old); make a new client")
    assert script.run(finish(state, "success", None)) == Success(None)
    assert [request.operation for request, _ in script.sent] == ["create_session", "session_heartbeat"]


SAID: dict[str, tuple[str, bool]] = {
    "the session": ("the session 's' has ended", True),
    "the session and more": ("session s has ended: go on from a checkpoint", True),
    "a session without its name": ("Session expired", True),
    "a model": ("the model session-1:train:0 is gone", False),
    "weights of a session": ("the weights of that session have expired", False),
    "a sampling session": ("the sampling session q has expired", False),
    "nothing": ("", False),
}


@pytest.mark.parametrize(("detail", "over"), SAID.values(), ids=SAID)
def test_a_submission_ends_the_session_that_its_refusal_says_is_gone(detail: str, *, over: bool) -> None:
    state, script = session(), Script(OPENED, reply(410, {"detail": detail}))
    error = script.run(sampled_in(state)).failure()
    assert (type(error), state.ended) == ((errors.SessionEnded, error) if over else (errors.PromiseExpired, None))


def test_a_lost_promise_ends_no_session() -> None:
    state, script = session(), Script(OPENED, ACCEPTED, reply(410, {"detail": "the promise of this session is lost"}))
    assert isinstance(script.run(sampled_in(state)).failure(), errors.PromiseExpired)
    assert state.ended is None


def sampled_in(state: SessionState) -> Plan[SampleResponse]:
    yield from session_id(state)
    return (yield from in_session(state, sample(sampler(), question(), anew=False)))


def test_a_session_that_was_joined_is_kept_alive_and_neither_opened_nor_finished() -> None:
    state, script = session(), Script(reply(200))
    state.joined = state.known = "parent"
    assert script.run(wait_then(25, in_session(state, pure("work")))) == Success("work")
    assert script.run(finish(state, "success", None)) == Success(None)
    assert [request.operation for request, _ in script.sent] == ["session_heartbeat"] * 2
    assert not any(isinstance(event, SessionStarted) for event in script.events)


def test_a_session_is_finished_with_how_it_went() -> None:
    state, script = session(), Script(OPENED, reply(204))

    def whole() -> Plan[None]:
        yield from session_id(state)
        yield from finish(state, "errored", "boom")

    assert script.run(whole()) == Success(None)
    assert script.sent[-1][0] == finish_session("s", "errored", "boom")


DETAILS: dict[str, tuple[object, str | None]] = {
    "nothing": (None, None),
    "an exception": (ValueError("boom"), "ValueError: boom"),
    "a number": (3, "3"),
    "half a character": ("a\ud800", "a?"),
}


@pytest.mark.parametrize(("detail", "said"), DETAILS.values(), ids=DETAILS)
def test_a_session_is_finished_whatever_is_given_as_the_detail(detail: object, said: str | None) -> None:
    state, script = session(), Script(reply(204))
    state.known = "s"
    assert script.run(finish(state, "errored", detail)) == Success(None)
    assert script.sent[-1][0] == finish_session("s", "errored", said)


STATUSES: dict[str, tuple[object, str | None, str | None]] = {
    "a word of one's own": ("failed", None, "failed"),
    "no status": (None, "boom", "boom"),
    "nothing at all": (None, None, None),
    "no text": ([1], None, "[1]"),
}


@pytest.mark.parametrize(("status", "detail", "said"), STATUSES.values(), ids=STATUSES)
def test_a_session_whose_status_no_server_knows_is_finished(
    status: object, detail: str | None, said: str | None
) -> None:
    state, script = session(), Script(reply(204))
    state.known = "s"
    assert script.run(finish(state, status, detail)) == Success(None)
    assert script.sent[-1][0] == finish_session("s", "interrupted", said)


@pytest.mark.parametrize("line", [BROKEN, reply(404), reply(500), 1e6], ids=str)
def test_finishing_takes_little_time_whatever_the_server_does(line: Line) -> None:
    state = session()
    state.known = "s"

    def timed() -> Plan[float]:
        begun = yield from now()
        yield from finish(state, "success", None)
        return (yield from now()) - begun

    assert Script(line).run(timed()).unwrap() <= 3.0


def test_what_accompanies_sessions_begins_once_with_the_first_of_them() -> None:
    ran: list[tuple[str, float]] = []

    def companion(session: str) -> Plan[None]:
        yield from sleep(5)
        ran.append((session, (yield from now())))

    state = session()
    state.companions.append(companion)
    joined = SessionState(
        config=state.config, sdk_version="0", joined="parent", known="parent", companions=state.companions
    )
    Script(OPENED).run(wait_then(9, in_session(joined, session_id(state))))
    assert ran == [("parent", 5.0)]


def test_missed_signs_of_life_are_told_after_two_minutes() -> None:
    script = Script(OPENED, BROKEN)
    script.run(wait_then(145, session_id(session())))
    missed = [event for event in script.events if isinstance(event, HeartbeatMissed)]
    assert [event.since for event in missed] == [120.0, 130.0, 140.0]


def test_models_and_samplers_are_numbered_from_zero() -> None:
    state = session()
    assert [state.next_model(), state.next_model(), state.next_sampler(), state.next_sampler()] == [0, 1, 0, 1]
