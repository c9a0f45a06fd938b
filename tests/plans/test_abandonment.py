"""The server is told which samples nobody wants any more, if it wants to know."""

from __future__ import annotations

import asyncio
from contextlib import suppress
from functools import partial
from typing import Any

import pytest

from tests.plans.routed import Routes
from tests.plans.scripted import Line, Script, reply, waiting
from tinkex_py import ModelInput, SamplingParams, errors
from tinkex_py.endpoints.promises import CancelFuture
from tinkex_py.endpoints.sampling import asample
from tinkex_py.plans.abandonment import Abandonment, attend, heard_out
from tinkex_py.plans.dispatch import Dispatch
from tinkex_py.plans.effects import Plan, Shield, halt, pure, send, sleep, together
from tinkex_py.plans.samples import sample, sampler_of
from tinkex_py.plans.sources import Source
from tinkex_py.plans.startup import dynamic
from tinkex_py.runtime.executor import Executor
from tinkex_py.testing import clock
from tinkex_py.types.questions import Question
from tinkex_py.types.service import DynamicConfigResponse

SOURCE = Source(sampling_session_id="q")
QUESTION = Question(prompt=ModelInput.from_ints([1]), num_samples=1, sampling_params=SamplingParams())


def wanting(**wishes: Any) -> Abandonment:
    wish = DynamicConfigResponse(**wishes)
    return Abandonment(wishes=lambda: pure(wish), known=lambda: wish)


def cancelled(script: Script) -> list[str]:
    return [request.body.request_id for request, _ in script.sent if isinstance(request.body, CancelFuture)]


def giving_up(abandonment: Abandonment, count: int) -> Plan[None]:
    yield from attend(abandonment)
    yield from attend(abandonment)
    yield from sleep(1)
    for number in range(count):
        abandonment.give_up(str(number))
    yield from sleep(1)
    abandonment.give_up("last")
    yield from sleep(1)


def test_the_server_is_told_as_many_at_once_as_it_takes() -> None:
    lines: list[Line] = [0.1, reply(204)] * 9
    script = Script(*lines)
    script.run(giving_up(wanting(sample_cancel_enabled=True, sample_cancel_max_batch_size=2), 3))
    assert cancelled(script) == ["0", "1", "2", "last"]
    assert script.times[0] == script.times[1] < script.times[2]


def given_up_after(seconds: float, *lines: Line) -> list[str]:
    """What the server is told about a sample that its caller stops waiting for after so many seconds."""
    script = Script(*lines)
    sampler = sampler_of(SOURCE, Dispatch(), waiting(), abandonment=wanting(sample_cancel_enabled=True))
    script.run(together([sample(sampler, QUESTION, seconds), sleep(100)]))
    return cancelled(script)


STOPPED: dict[str, tuple[list[Line], list[str]]] = {
    "in the middle of its submission": ([5.0, reply(200, {"request_id": "r"}), reply(204)], ["r"]),
    "in a submission that is then refused": ([5.0, reply(422)], []),
    "between two tries": ([reply(503, retry_after="1.5"), reply(200, {"request_id": "r"})], []),
}


@pytest.mark.parametrize(("lines", "told"), STOPPED.values(), ids=STOPPED)
def test_a_sample_that_is_stopped_before_it_is_accepted_is_given_up_once_it_is(
    lines: list[Line], told: list[str]
) -> None:
    assert given_up_after(1.0, *lines) == told


@pytest.mark.parametrize(("wanted", "told"), [(True, [20.0]), (False, [])], ids=["wanted", "not wanted"])
def test_what_is_stopped_before_the_wishes_are_known_is_told_once_they_are(*, wanted: bool, told: list[float]) -> None:
    server = Routes(
        asample=(5.0, reply(200, {"request_id": "r"})),
        client_dynamic_config=(20.0, reply(200, {"sample_cancel_enabled": wanted})),
        cancel_future=reply(204),
    )
    abandonment = Abandonment(wishes=partial(dynamic, server.startup), known=partial(getattr, server.startup, "wishes"))
    sampler = sampler_of(SOURCE, Dispatch(), waiting(), abandonment=abandonment)
    server.run(together([sample(sampler, QUESTION, 1.0), sleep(100)]))
    assert [at for name, at in zip(server.operations, server.times, strict=True) if name == "cancel_future"] == told


def test_what_was_promised_the_moment_it_was_stopped_is_given_up() -> None:
    abandonment = wanting(sample_cancel_enabled=True)
    abandonment.running = True
    request = asample(
        sampling_session_id="q", seq_id=0, prompt=QUESTION.prompt, num_samples=1, sampling_params=SamplingParams()
    )
    plan = heard_out(abandonment, send(request))
    shielded = next(plan)
    assert isinstance(shielded, Shield)
    _ = next(shielded.plan)
    with suppress(StopIteration):
        shielded.plan.send(reply(200, {"request_id": "r"}))
    plan.close()
    assert list(abandonment.given_up) == ["r"]


def test_a_server_that_does_not_want_to_know_is_told_nothing() -> None:
    script = Script(reply(204))
    script.run(giving_up(wanting(), 3))
    script.run(giving_up(Abandonment(), 3))
    assert script.sent == []


def test_a_server_that_can_not_be_asked_is_told_nothing() -> None:
    script = Script(reply(204))
    refusal = errors.ConnectionFailed(message="no connection")
    script.run(giving_up(Abandonment(wishes=lambda: halt(refusal)), 3))
    assert script.sent == []


def test_a_cancelled_sample_is_cancelled_on_the_server_and_asked_for_no_more() -> None:
    script = Script(reply(200, {"request_id": "r"}), 20.0, reply(408), 20.0, reply(204))
    sampler = sampler_of(
        Source(sampling_session_id="q"), Dispatch(), waiting(), abandonment=wanting(sample_cancel_enabled=True)
    )

    async def run() -> None:
        executor = Executor(script, bits=lambda: 0)
        task = asyncio.ensure_future(executor.run(sample(sampler, QUESTION)))
        await asyncio.sleep(30)
        task.cancel()
        await asyncio.sleep(200)
        await executor.close()
        assert task.cancelled()

    clock.run(run())
    assert [request.operation for request, _ in script.sent] == [
        "asample",
        "retrieve_future",
        "retrieve_future",
        "cancel_future",
    ]


def test_a_sample_that_is_stuck_is_given_up_on_the_server() -> None:
    script = Script(reply(200, {"request_id": "r"}), 20.0, reply(408))
    abandonment = wanting(sample_cancel_enabled=True)
    sampler = sampler_of(
        Source(sampling_session_id="q"), Dispatch(), waiting(progress_timeout=50), abandonment=abandonment
    )
    error = script.run(sample(sampler, QUESTION)).failure()
    assert isinstance(error, errors.DeadlineExceeded)
    assert list(abandonment.given_up) == ["r"]
