"""A sample keeps its number while it is sent again, and gets a new one when it is lost."""

from __future__ import annotations

from itertools import count
from math import inf

import pytest
from msgspec import structs
from returns.result import Success

from tests.plans.scripted import BROKEN, Line, Script, gaps, reply, waiting
from tinkex_py import ModelInput, SamplingParams, errors
from tinkex_py.endpoints.sampling import Sample
from tinkex_py.plans.dispatch import Dispatch
from tinkex_py.plans.effects import together
from tinkex_py.plans.samples import Sampler, sample, sampler_of
from tinkex_py.plans.sources import Source
from tinkex_py.types import SampledSequence, SampleResponse
from tinkex_py.types.limits import settings_problem
from tinkex_py.types.questions import Question
from tinkex_py.types.retries import RetryConfig
from tinkex_py.types.service import ClientConfigResponse

QUESTION = Question(prompt=ModelInput.from_ints([1]), num_samples=1, sampling_params=SamplingParams())
ACCEPTED = reply(200, {"request_id": "r"})
SAMPLED = reply(200, {"sequences": [{"stop_reason": "stop", "tokens": [7]}]})
PLAIN = ClientConfigResponse()
WITHOUT_RETRIES = ClientConfigResponse(sample_no_retries=True)
ONE_AT_ONCE = ClientConfigResponse(sample_max_concurrent_requests=1)
ANSWER = Success(SampleResponse(sequences=[SampledSequence(stop_reason="stop", tokens=[7])]))


def sampler(retry: RetryConfig | None = None, flags: ClientConfigResponse = PLAIN, clone: int = 0) -> Sampler:
    return sampler_of(Source(sampling_session_id="q"), Dispatch(), waiting(), flags=flags, retry=retry, clone=clone)


def numbers(script: Script) -> list[int | None]:
    return [request.body.seq_id for request, _ in script.sent if isinstance(request.body, Sample)]


@pytest.mark.parametrize("trouble", [reply(503), reply(408), reply(409), reply(429), BROKEN], ids=str)
def test_a_submission_keeps_its_number_and_key_while_it_is_sent_again(trouble: Line) -> None:
    script = Script(trouble, trouble, ACCEPTED, SAMPLED)
    assert script.run(sample(sampler(), QUESTION), count().__next__) == ANSWER
    assert numbers(script) == [0, 0, 0]
    assert len({dict(headers)["x-idempotency-key"] for _, headers in script.sent[:3]}) == 1


def test_after_five_minutes_in_vain_a_sample_is_lost_and_gets_a_new_number() -> None:
    script = Script(*[reply(503)] * 40, ACCEPTED, SAMPLED)
    assert script.run(sample(sampler(), QUESTION)) == ANSWER
    assert (numbers(script)[0], numbers(script)[-1]) == (0, 1)
    assert script.times[numbers(script).index(1)] < 301


@pytest.mark.parametrize(
    "one", [sampler(RetryConfig(enable_retry_logic=False)), sampler(flags=WITHOUT_RETRIES)], ids=["caller", "server"]
)
def test_a_lost_sample_is_lost_for_good_when_so_wanted_by(one: Sampler) -> None:
    script = Script(ACCEPTED, reply(410), ACCEPTED, SAMPLED)
    assert isinstance(script.run(sample(one, QUESTION)).failure(), errors.PromiseExpired)


def test_a_caller_may_insist_where_the_server_does_not_want_samples_anew() -> None:
    script = Script(ACCEPTED, reply(410), ACCEPTED, SAMPLED)
    assert script.run(sample(sampler(flags=WITHOUT_RETRIES), QUESTION, anew=True)) == ANSWER


def test_delays_before_a_new_number_are_the_retry_configs() -> None:
    chosen = RetryConfig(retry_delay_base=1.0, retry_delay_max=3.0, jitter_factor=0.5)
    script = Script(*[ACCEPTED, reply(410)] * 3, ACCEPTED, SAMPLED)
    script.run(sample(sampler(chosen), QUESTION), bits=lambda: 0)
    assert gaps(script.times)[1::2] == [0.5, 1.0, 1.5]
    script = Script(*[ACCEPTED, reply(410)] * 3, ACCEPTED, SAMPLED)
    script.run(sample(sampler(chosen), QUESTION), bits=lambda: 2**64 - 1)
    assert gaps(script.times)[1::2] == [1.5, 3.0, 3.0]


@pytest.mark.parametrize("timeout", [0.4, 20.0, 400.0])
def test_without_a_server_a_sample_is_a_failed_connection_within_the_deadline(timeout: float) -> None:
    script = Script(BROKEN)
    error = script.run(sample(sampler(), QUESTION, timeout)).failure()
    assert isinstance(error, errors.ConnectionFailed)
    assert error.elapsed <= timeout
    assert script.times[-1] <= timeout


def test_a_deadline_cuts_whatever_is_under_way() -> None:
    error = Script(ACCEPTED, 1000.0, SAMPLED).run(sample(sampler(), QUESTION, 60)).failure()
    assert isinstance(error, errors.DeadlineExceeded)
    assert (error.seconds, error.elapsed, error.attempts) == (60, 60, 1)
    assert (error.request_id, error.endpoint) == ("r", "POST /api/v1/asample")


def test_no_more_samples_are_under_way_than_the_server_or_the_caller_allows() -> None:
    for one in (sampler(flags=ONE_AT_ONCE), sampler(RetryConfig(max_connections=1))):
        script = Script(ACCEPTED, 5.0, SAMPLED, ACCEPTED, 5.0, SAMPLED)
        script.run(together([sample(one, QUESTION), sample(one, QUESTION)]))
        assert [request.operation for request, _ in script.sent] == ["asample", "retrieve_future"] * 2


@pytest.mark.parametrize(
    ("retry", "most"),
    [
        (None, 2000),
        (RetryConfig(), 1000),
        (RetryConfig(max_connections=None), 2000),
        (RetryConfig(max_connections=5000), 2000),
    ],
    ids=["no wish", "the usual wish", "the wish for no limit", "a wish for more"],
)
def test_the_server_and_then_the_caller_limit_the_samples_under_way(retry: RetryConfig | None, most: int) -> None:
    gate = sampler(retry).under_way
    assert gate is not None
    assert gate.capacity == most


def test_a_clone_counts_in_a_block_of_its_own() -> None:
    clone = sampler(clone=3)
    assert [clone.next_number(), clone.next_number()] == [3 * 10**9, 3 * 10**9 + 1]


STUCK: dict[str, tuple[RetryConfig | None, ClientConfigResponse, float]] = {
    "by default": (None, ClientConfigResponse(), 7200.0),
    "as the caller says": (RetryConfig(progress_timeout=60), ClientConfigResponse(), 60.0),
    "never if the caller does not care": (RetryConfig(enable_stuck_detection=False), ClientConfigResponse(), inf),
    "never if the server does not care": (None, ClientConfigResponse(sample_enable_stuck_detection=False), inf),
}


@pytest.mark.parametrize(("retry", "flags", "seconds"), STUCK.values(), ids=STUCK)
def test_a_sample_is_stuck(retry: RetryConfig | None, flags: ClientConfigResponse, seconds: float) -> None:
    one = sampler_of(Source(sampling_session_id="q"), Dispatch(), waiting(), flags=flags, retry=retry)
    assert one.waiting.config == structs.replace(waiting().config, progress_timeout=seconds)


BAD: dict[str, RetryConfig] = {
    "max_connections": RetryConfig(max_connections=0),
    "progress_timeout": RetryConfig(progress_timeout=0),
    "retry_delay_max": RetryConfig(retry_delay_max=inf),
    "jitter_factor": RetryConfig(jitter_factor=2.0),
}


@pytest.mark.parametrize(("field", "retry"), BAD.items(), ids=BAD)
def test_a_retry_config_that_means_nothing_is_refused(field: str, retry: RetryConfig) -> None:
    found = settings_problem(retry, "retry_config")
    assert found is not None
    assert found.path == f"retry_config.{field}"
    assert settings_problem(RetryConfig(), "retry_config") is None


def test_without_a_session_the_path_is_sampled_from_and_nothing_is_numbered() -> None:
    one = sampler_of(Source(model_path="tinker://m/sampler_weights/a"), Dispatch(), waiting())
    script = Script(ACCEPTED, SAMPLED)
    assert script.run(sample(one, QUESTION)) == ANSWER
    body = script.sent[0][0].body
    assert isinstance(body, Sample)
    assert (body.sampling_session_id, body.seq_id, body.model_path) == (None, None, "tinker://m/sampler_weights/a")
