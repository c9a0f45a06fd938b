"""Whatever a server answers, waiting obeys it and ends in time."""

from __future__ import annotations

from typing import TypeVar

from hypothesis import example, given
from hypothesis import strategies as st

from tests.plans.scripted import BROKEN, Line, Script, late, reply, waiting
from tests.plans.training import a_run
from tinkex_py import AdamParams, ModelInput, SamplingParams
from tinkex_py.endpoints.service import get_server_capabilities
from tinkex_py.endpoints.steps import optim_step
from tinkex_py.plans.dispatch import Dispatch
from tinkex_py.plans.effects import Plan, attempt, deadline, now, together
from tinkex_py.plans.polling import Ticket, result_of
from tinkex_py.plans.retry import Billing, Policy, call
from tinkex_py.plans.samples import sample, sampler_of
from tinkex_py.plans.sources import Source
from tinkex_py.plans.steps import take_update
from tinkex_py.request import Reply
from tinkex_py.types import OptimStepResponse
from tinkex_py.types.questions import Question
from tinkex_py.types.service import ClientConfigResponse

T = TypeVar("T")

BODIES: list[object] = [
    None,
    {},
    {"request_id": "r"},
    {"type": "try_again", "retry_after_ms": 70},
    {"status": "complete_metadata", "response_payload_size": 5},
    {"error": "boom", "category": "server"},
    {"completions": [], "cursor": 1},
    {"completions": [{"request_id": "r"}], "cursor": 2},
]
STATUSES = st.sampled_from([200, 200, 200, 400, 402, 404, 408, 409, 410, 429, 500, 503])
WISHES = st.sampled_from(["", "0", "0.001", "1", "7", "59", "61", "100000"])


def answer(status: int, body: object, wish: str) -> Reply:
    return reply(status, body, **({"retry_after": wish} if wish else {}))


REPLIES = st.builds(answer, STATUSES, st.sampled_from(BODIES), WISHES)
LINES = st.lists(REPLIES | REPLIES | st.just(BROKEN) | st.sampled_from([0.01, 3.0, 45.0, 5000.0]), max_size=8)
LASTS = REPLIES | st.just(BROKEN)
BITS = st.integers(0, 2**64 - 1)
TICKET = Ticket(operation="optim_step", kind="OptimStep", request_id="r", fresh=True)
QUESTION = Question(prompt=ModelInput.from_ints([1]), num_samples=1, sampling_params=SamplingParams())
SECONDS = 60.0


def end_of(plan: Plan[T]) -> Plan[float]:
    _ = yield from attempt(plan)
    return (yield from now())


def ended(script: Script, plan: Plan[T], bits: int) -> float:
    """When the plan ended, in virtual time."""
    return script.run(end_of(plan), lambda: bits).unwrap()


@given(lines=LINES, last=LASTS, bits=BITS, pausing=st.booleans())
@example(lines=[], last=reply(402), bits=0, pausing=True)
@example(lines=[], last=reply(503, None, retry_after="0"), bits=0, pausing=False)
def test_a_call_ends_in_time(lines: list[Line], last: Line, bits: int, *, pausing: bool) -> None:
    policy = Policy(seconds=SECONDS, attempts=None)
    plan = call(get_server_capabilities(), policy, billing=Billing() if pausing else None)
    assert ended(Script(*lines, last), plan, bits) <= SECONDS


@given(st.lists(REPLIES, min_size=1, max_size=8), BITS)
def test_no_repetition_comes_before_the_server_wishes(lines: list[Reply], bits: int) -> None:
    script = Script(*lines)
    _ = script.run(attempt(call(get_server_capabilities(), Policy(seconds=SECONDS))), lambda: bits)
    wishes = [
        float(line.header("retry-after") or 0) for line in lines if "GMT" not in (line.header("retry-after") or "")
    ]
    if len(wishes) == len(lines):
        waits = [later - earlier for earlier, later in zip(script.times, script.times[1:], strict=False)]
        assert all(wait >= wish - 1e-9 for wait, wish in zip(waits, wishes, strict=False))


@given(LINES, LASTS, BITS)
@example([], reply(200, {"status": "complete_metadata", "response_payload_size": 5}), 0)
@example([], reply(408), 0)
def test_a_promise_ends_in_time(lines: list[Line], last: Line, bits: int) -> None:
    impatient = waiting(progress_timeout=SECONDS, promise_timeout=2 * SECONDS)
    assert ended(Script(*lines, last), result_of(TICKET, OptimStepResponse, impatient), bits) <= 2 * SECONDS


@given(lines=LINES, last=LASTS, bits=BITS, together=st.booleans())
@example(lines=[reply(200, {"request_id": "r"})], last=reply(410), bits=0, together=False)
@example(lines=[reply(200, {"request_id": "r"})], last=reply(200, {"completions": []}), bits=0, together=True)
def test_a_sample_ends_in_time(lines: list[Line], last: Line, bits: int, *, together: bool) -> None:
    flags = ClientConfigResponse(sample_use_retrieve_futures=together)
    sampler = sampler_of(Source(sampling_session_id="q"), Dispatch(), waiting(), flags=flags)
    assert ended(Script(*lines, last), sample(sampler, QUESTION, SECONDS), bits) <= SECONDS


@given(lines=LINES, last=LASTS, bits=BITS)
@example(lines=[], last=reply(402), bits=0)
@example(lines=[reply(503, None, x_should_retry="false")], last=reply(503, None, x_should_retry="false"), bits=0)
def test_steps_end_in_time(lines: list[Line], last: Line, bits: int) -> None:
    run = a_run(progress_timeout=SECONDS, promise_timeout=2 * SECONDS)
    steps = [take_update(run, optim_step(AdamParams()), accept_partial=True) for _ in range(2)]
    in_time = [deadline(SECONDS, step, late) for step in steps]
    assert ended(Script(*lines, last), together(in_time), bits) <= SECONDS


@given(lines=LINES, last=LASTS, bits=BITS)
def test_a_step_without_a_time_of_its_own_ends_all_the_same(lines: list[Line], last: Line, bits: int) -> None:
    run = a_run(progress_timeout=SECONDS, promise_timeout=2 * SECONDS)
    step = take_update(run, optim_step(AdamParams()))
    assert ended(Script(*lines, last), step, bits) <= SECONDS + 2 * SECONDS


def test_time_is_measured_at_all() -> None:
    plan = call(get_server_capabilities(), Policy(seconds=SECONDS))
    assert ended(Script(7.0, reply(200, {})), plan, 0) == 7.0
