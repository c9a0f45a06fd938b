"""Samples go out within limits, slower while the server asks for that, and each at its turn."""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import Callable
from functools import partial
from itertools import count

import pytest
from msgspec import structs
from returns.result import Failure, Success

from tests.plans.scripted import Script, reply, waiting
from tinkex_py import ModelInput, SamplingParams, errors
from tinkex_py.endpoints.sampling import Sample
from tinkex_py.events import Paused
from tinkex_py.outcome import Outcome
from tinkex_py.plans.cells import Gate
from tinkex_py.plans.dispatch import Dispatch, Limits, dispatched
from tinkex_py.plans.effects import Plan, halt, now, sleep, together
from tinkex_py.plans.estimates import estimated
from tinkex_py.plans.retry import Billing
from tinkex_py.plans.samples import sample, sampler_of
from tinkex_py.plans.sources import Source
from tinkex_py.request import AnyRequest, Pairs, Reply
from tinkex_py.types import (
    DmelChunk,
    EncodedTextChunk,
    ImageAssetPointerChunk,
    ImageChunk,
    SampledSequence,
    SampleResponse,
)
from tinkex_py.types.questions import Question

PRESSED = errors.RateLimited(message="slow down", status=429)
UNPAID = errors.PaymentRequired(message="pay", status=402)


def question(prompt: ModelInput | None = None) -> Question:
    return Question(prompt=prompt or ModelInput.from_ints([1]), num_samples=1, sampling_params=SamplingParams())


class Busy(Script):
    """Presses back on the first submission of every third sample; keeps how many submissions were open at once."""

    def __init__(self) -> None:
        super().__init__(reply(200))
        self.open = 0
        self.most: Counter[bool] = Counter()
        self.accepted: Counter[int] = Counter()
        self.refused: set[int] = set()
        self.pressed = -100.0

    async def exchange(self, request: AnyRequest, headers: Pairs) -> Reply:
        """Accept, press back, or tell the result."""
        self.sent.append((request, headers))
        if not isinstance(request.body, Sample):
            await asyncio.sleep(1)
            return reply(200, {"sequences": [{"stop_reason": "stop", "tokens": [7]}]})
        number = request.body.seq_id or 0
        careful = asyncio.get_running_loop().time() - self.pressed < 10
        self.open += 1
        self.most[careful] = max(self.most[careful], self.open)
        await asyncio.sleep(0.05)
        self.open -= 1
        if number % 3 == 0 and number not in self.refused:
            self.refused.add(number)
            self.pressed = asyncio.get_running_loop().time()
            return reply(429, retry_after="1")
        self.accepted[number] += 1
        return reply(200, {"request_id": str(number)})


def test_two_thousand_samples_at_once_all_succeed_and_none_is_sent_after_it_was_accepted() -> None:
    server, sampler = Busy(), sampler_of(Source(sampling_session_id="q"), Dispatch(), waiting())
    outcomes = server.run(together([sample(sampler, question()) for _ in range(2000)]), count().__next__).unwrap()
    assert all(
        outcome == Success(SampleResponse(sequences=[SampledSequence(stop_reason="stop", tokens=[7])]))
        for outcome in outcomes
    )
    assert server.accepted == Counter(range(2000))
    assert len(server.refused) == 667
    assert (server.most[False], server.most[True]) == (400, 10)
    submissions = [
        (body.seq_id, dict(headers)) for request, headers in server.sent if isinstance(body := request.body, Sample)
    ]
    assert len({(number, headers["x-idempotency-key"]) for number, headers in submissions}) == 2000


def refusal(*errors_: errors.TinkerError) -> tuple[list[float], Callable[[], Plan[str]]]:
    """A submission that fails with one error after the other, and the times at which it was made."""
    left, times = list(errors_), list[float]()

    def submit() -> Plan[str]:
        times.append((yield from now()))
        if left:
            yield from halt(left.pop(0))
        return "accepted"

    return times, submit


PAUSES: dict[str, tuple[errors.TinkerError, int, float]] = {
    "small": (PRESSED, 100, 1.0),
    "large": (PRESSED, 131_073, 5.0),
    "as the server wishes": (structs.replace(PRESSED, retry_after=3.0), 131_073, 3.0),
    "unpaid": (UNPAID, 100, 1.0),
}


@pytest.mark.parametrize(("error", "size", "pause"), PAUSES.values(), ids=PAUSES)
def test_a_refused_submission_pauses(error: errors.TinkerError, size: int, pause: float) -> None:
    times, submit = refusal(error, error)
    script = Script(reply(200))
    assert script.run(dispatched(Dispatch(), size, submit, Limits())).unwrap() == Success("accepted")
    assert times == [0.0, pause, 2 * pause]
    told = [(event.operation, event.seconds) for event in script.events if isinstance(event, Paused)]
    assert told == [("asample", pause)] * 2


ENDS: dict[str, tuple[errors.TinkerError, Dispatch, Limits]] = {
    "another refusal": (errors.Forbidden(message="no", status=403), Dispatch(), Limits()),
    "a wish beyond the time left": (structs.replace(PRESSED, retry_after=9.0), Dispatch(), Limits(until=9.0)),
    "no progress": (structs.replace(PRESSED, retry_after=9.0), Dispatch(), Limits(quiet=9.0)),
    "unpaid for too long": (UNPAID, Dispatch(billing=Billing(longest=0.0)), Limits()),
}


@pytest.mark.parametrize(("error", "dispatch", "limits"), ENDS.values(), ids=ENDS)
def test_a_submission_ends_with(error: errors.TinkerError, dispatch: Dispatch, limits: Limits) -> None:
    times, submit = refusal(error)
    assert Script(reply(200)).run(dispatched(dispatch, 1, submit, limits)).unwrap() == Failure(error)
    assert times == [0.0]


def test_all_wait_while_one_was_asked_to() -> None:
    dispatch, script = Dispatch(), Script(reply(200))
    times, pressed = refusal(structs.replace(PRESSED, retry_after=7.0))
    later, calm = refusal()

    def second() -> Plan[Outcome[str]]:
        yield from sleep(1)
        return (yield from dispatched(dispatch, 1, calm, Limits()))

    script.run(together([dispatched(dispatch, 1, pressed, Limits()), second()]))
    assert (times, later) == ([0.0, 7.0], [7.0])


def test_a_submission_that_waited_for_room_heeds_a_pause_that_began_meanwhile() -> None:
    dispatch = Dispatch(room=Gate(10))
    _, pressed = refusal(structs.replace(PRESSED, retry_after=7.0))
    later, calm = refusal()

    def slowly() -> Plan[str]:
        yield from sleep(1)
        return (yield from pressed())

    plans = [dispatched(dispatch, 10, slowly, Limits()), dispatched(dispatch, 10, calm, Limits())]
    Script(reply(200)).run(together(plans))
    assert later == [9.0]


def test_a_large_prompt_waits_for_its_turn_and_no_longer() -> None:
    dispatch, order = Dispatch(room=Gate(100)), list[int]()

    def submit(size: int) -> Plan[None]:
        order.append(size)
        yield from sleep(1)

    sizes = [60, 90, 30, 30]
    Script(reply(200)).run(together([dispatched(dispatch, size, partial(submit, size), Limits()) for size in sizes]))
    assert order == sizes


def test_ten_seconds_after_a_pause_everything_is_as_before() -> None:
    dispatch = Dispatch()
    dispatch.press(0.0, 5.0)
    dispatch.press(1.0, 1.0)
    assert [dispatch.careful_at(at) for at in (0.0, 14.9, 15.0)] == [True, True, False]


def test_a_prompt_is_measured_by_what_its_chunks_hold() -> None:
    chunks = (
        EncodedTextChunk([1, 2, 3]),
        ImageChunk(b"12345", "png"),
        ImageAssetPointerChunk("png", "1234567"),
        DmelChunk(b"12"),
    )
    assert estimated(ModelInput(chunks)) == 30 + 5 + 7 + 2
