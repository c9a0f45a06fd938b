"""The samples of a session are asked for together, fetched one by one, and acknowledged."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest
from msgspec import Struct
from returns.result import Success

from tests.plans.scripted import BROKEN, Line, Script, reply, waiting
from tinkex_py import ModelInput, SamplingParams, errors
from tinkex_py.endpoints.promises import RetrieveFuture, RetrieveFutures
from tinkex_py.endpoints.sampling import Sample
from tinkex_py.errors import TransportError
from tinkex_py.plans.dispatch import Dispatch
from tinkex_py.plans.effects import Plan, Unready, sleep, together
from tinkex_py.plans.retry import Billing
from tinkex_py.plans.samples import Sampler, sample, sampler_of
from tinkex_py.plans.sources import Source
from tinkex_py.plans.watching import Watch, fetched, settled
from tinkex_py.request import AnyRequest, Pairs, Reply
from tinkex_py.runtime.executor import Executor
from tinkex_py.testing import clock
from tinkex_py.types import SampledSequence, SampleResponse
from tinkex_py.types.promises import Completion
from tinkex_py.types.questions import Question
from tinkex_py.types.service import ClientConfigResponse

TOGETHER = ClientConfigResponse(sample_use_retrieve_futures=True)
QUESTION = Question(prompt=ModelInput.from_ints([1]), num_samples=1, sampling_params=SamplingParams())


def completions(*names: str, cursor: int = 1, **fields: Any) -> Reply:
    return reply(200, {"completions": [{"request_id": name, **fields} for name in names], "cursor": cursor})


def watched(**settings: Any) -> Sampler:
    return sampler_of(Source(sampling_session_id="q"), Dispatch(), waiting(**settings), flags=TOGETHER, clone=2)


def lingering(plan: Plan[Any]) -> Plan[Any]:
    """The plan's value, some time after it."""
    value = yield from plan
    yield from sleep(100)
    return value


class Session(Script):
    """Promises samples, lists them as settled by its lines, and tells results; keeps the bodies."""

    async def exchange(self, request: AnyRequest, headers: Pairs) -> Reply | TransportError | Unready:
        """What the operation calls for."""
        match request.operation:
            case "asample":
                number = request.body.seq_id if isinstance(request.body, Sample) else None
                return reply(200, {"request_id": f"r{(number or 0) % 10}"})
            case "retrieve_future":
                self.sent.append((request, headers))
                return reply(200, {"sequences": [{"stop_reason": "stop", "tokens": [7]}]})
            case _:
                return await super().exchange(request, headers)

    def asked(self, kind: type[Struct]) -> list[Any]:
        """The bodies of that kind."""
        return [request.body for request, _ in self.sent if isinstance(request.body, kind)]


def test_settled_samples_are_fetched_and_acknowledged() -> None:
    script = Session(completions("r0", response_payload_uncompressed_size=9), completions())
    assert script.run(lingering(sample(watched(), QUESTION))) == Success(
        SampleResponse(sequences=[SampledSequence(stop_reason="stop", tokens=[7])])
    )
    first, last = script.asked(RetrieveFutures)
    assert (first.target.cloned_sampler_id, first.prev_cursor, first.timeout) == (2, 0, None)
    assert (last.prev_cursor, last.retrieved_request_ids, last.timeout) == (1, ("r0",), 0.0)
    assert script.asked(RetrieveFuture) == [RetrieveFuture(request_id="r0", allow_metadata_only=False)]


def test_one_question_is_under_way_for_all() -> None:
    script = Session(3.0, completions("r1"), 3.0, completions("r0", "r2", cursor=2), completions(cursor=2))
    sampler = watched()
    outcomes = script.run(lingering(together([sample(sampler, QUESTION) for _ in range(3)]))).unwrap()
    assert outcomes == (Success(SampleResponse(sequences=[SampledSequence(stop_reason="stop", tokens=[7])])),) * 3
    asked = script.asked(RetrieveFutures)
    assert [each.prev_cursor for each in asked] == [0, 1, 2, 2]
    assert [body.allow_metadata_only for body in script.asked(RetrieveFuture)] == [True] * 3
    assert {name for each in asked for name in each.retrieved_request_ids} == {"r0", "r1", "r2"}


PASSING: dict[str, tuple[Line, float]] = {
    "broken": (BROKEN, 1.0),
    "fault": (reply(503), 1.0),
    "conflict": (reply(409), 1.0),
    "as the server wishes": (reply(429, retry_after="4"), 4.0),
    "unpaid": (reply(402), 5.0),
    "bad request": (reply(400), 1.0),
    "not held": (completions(), 0.02),
}


@pytest.mark.parametrize(("trouble", "delay"), PASSING.values(), ids=PASSING)
def test_a_session_is_asked_again_after(trouble: Line, delay: float) -> None:
    script = Session(trouble, completions("r", state="failed"))
    plan = settled(Watch(sampling_session_id="q"), "r", Billing())
    assert script.run(plan) == Success(Completion(request_id="r", state="failed"))
    assert script.times == [0.0, delay]


LOST: dict[str, tuple[list[Line], Billing]] = {
    "unknown endpoint": ([reply(404)], Billing()),
    "four bad requests": ([reply(400)], Billing()),
    "unpaid for too long": ([reply(402)], Billing(longest=0.0)),
}


@pytest.mark.parametrize(("lines", "billing"), LOST.values(), ids=LOST)
def test_everybody_asks_for_their_own_after(lines: list[Line], billing: Billing) -> None:
    watch, script = Watch(sampling_session_id="q"), Session(*lines)
    both = together([settled(watch, "a", billing), settled(watch, "b", billing)])
    assert script.run(both) == Success((Success(None), Success(None)))
    later = Session(reply(200))
    assert later.run(together([settled(watch, "c", billing), fetched(watch, "c", billing)])) == Success(
        (Success(None), Success(None))
    )
    assert later.sent == []


def test_a_failed_acknowledgement_is_not_insisted_on() -> None:
    watch, script = Watch(sampling_session_id="q"), Session(BROKEN)
    script.run(lingering(fetched(watch, "r", Billing())))
    assert (len(script.sent), watch.lost, watch.fetched) == (1, False, set())


def test_a_sample_may_be_settled_before_anybody_waits_for_it_and_the_oldest_are_forgotten() -> None:
    watch = Watch(sampling_session_id="q")
    names = [f"early-{index}" for index in range(10_002)]
    script = Session(completions(*names, "r"))
    script.run(settled(watch, "r", Billing()))
    assert script.run(settled(watch, names[-1], Billing())) == Success(Completion(request_id=names[-1]))
    assert (len(script.sent), names[1] in watch.early, names[2] in watch.early) == (1, False, True)


def test_a_session_in_which_nothing_moves_is_a_deadline() -> None:
    script = Session(reply(200, {"completions": [], "cursor": 0}))
    error = script.run(sample(watched(progress_timeout=50), QUESTION)).failure()
    assert isinstance(error, errors.DeadlineExceeded)
    assert "progress_timeout" in error.message


def test_whoever_gives_up_is_not_waited_for() -> None:
    watch, script = Watch(sampling_session_id="q"), Session(1000.0, completions("other"))

    async def cancelled() -> None:
        task = asyncio.ensure_future(Executor(script).run(settled(watch, "r", Billing())))
        await asyncio.sleep(1)
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)

    clock.run(cancelled())
    assert watch.waiting == {}
