"""Steps are numbered 1, 2, 3: none is lost, none is taken twice."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest
from returns.result import Failure, Success
from typing_extensions import override

from tests.plans.scripted import BROKEN, Line, Script, gaps, late, reply, waiting
from tests.plans.training import Trainer, a_run
from tinkex_py import AdamParams, errors
from tinkex_py.endpoints.promises import RetrieveFuture
from tinkex_py.endpoints.steps import forward_backward, load_weights, optim_step
from tinkex_py.errors import TransportError
from tinkex_py.events import Paused
from tinkex_py.outcome import Outcome
from tinkex_py.plans.batches import take_batch
from tinkex_py.plans.cells import Queue
from tinkex_py.plans.dialects import Dialects
from tinkex_py.plans.effects import Plan, Unready, attempt, deadline, sleep, together
from tinkex_py.plans.runs import Run
from tinkex_py.plans.steps import take
from tinkex_py.request import AnyRequest, Pairs, Reply
from tinkex_py.testing.clock import VirtualLoop

STEP = optim_step(AdamParams())


def accepted(number: int) -> Reply:
    return reply(200, {"request_id": f"r{number}"})


ACCEPTED = accepted(1)
DONE = reply(200, {"metrics": None})


def new_run(**settings: Any) -> Run:
    shared = waiting(**settings)
    dialects = Dialects(config=shared.config, known={})
    return Run(model_id="m", queue=Queue(), waiting=shared, dialects=dialects, checkpoint="tinker://m/weights/a")


def steps_of(run: Run, count: int) -> Plan[list[Outcome[object]]]:
    """So many steps, one after the other."""
    outcomes: list[Outcome[object]] = []
    for _ in range(count):
        outcomes.append((yield from attempt(take(run, STEP))))  # noqa: PERF401 - a plan
    return outcomes


def numbers(script: Script) -> list[int]:
    return [body["seq_id"] for body in script.bodies]


def test_numbers_count_from_one() -> None:
    script = Script(ACCEPTED, DONE, accepted(2), DONE)
    outcomes = script.run(steps_of(new_run(), 2)).unwrap()
    assert (numbers(script), [type(each) for each in outcomes]) == ([1, 2], [Success, Success])


def test_the_same_bytes_are_resent_under_the_same_key() -> None:
    script = Script(BROKEN, reply(503), ACCEPTED, DONE)
    script.run(steps_of(new_run(), 1))
    sent = [(request.body, dict(headers)["x-idempotency-key"]) for request, headers in script.sent[:3]]
    assert sent[0] == sent[1] == sent[2]


def test_a_refused_number_is_free_again() -> None:
    script = Script(reply(422), ACCEPTED, DONE)
    outcomes = script.run(steps_of(new_run(), 2)).unwrap()
    assert (numbers(script), type(outcomes[0].failure())) == ([1, 1], errors.Unprocessable)


def test_a_freed_number_that_turns_out_to_be_used_is_skipped() -> None:
    script = Script(reply(422), reply(409), ACCEPTED, DONE)
    outcomes = script.run(steps_of(new_run(), 2)).unwrap()
    assert (numbers(script), isinstance(outcomes[1], Success)) == ([1, 1, 2], True)


def test_an_unpaid_bill_is_a_pause() -> None:
    script = Script(reply(402), reply(402), ACCEPTED, DONE)
    assert isinstance(script.run(take(new_run(), STEP)), Success)
    assert (numbers(script), gaps(script.times)[:2]) == ([1, 1, 1], [5.0, 5.0])
    assert [type(event) for event in script.events].count(Paused) == 2


def test_a_bill_that_stays_unpaid_leaves_the_number_free() -> None:
    run, script = new_run(), Script(reply(402))
    assert isinstance(script.run(take(run, STEP)).failure(), errors.PaymentRequired)
    assert (run.number(), run.doubt) == (1, None)


def test_what_became_of_a_step_is_found_out_whether_or_not_the_server_wants_to_be_asked() -> None:
    script = Script(reply(503, x_should_retry="false"), ACCEPTED, DONE)
    assert isinstance(script.run(take(new_run(), STEP)), Success)
    assert numbers(script) == [1, 1]


UNSENT = errors.ConnectionFailed(message="no connection.", sent=False)
NOT_TAKEN: dict[str, list[Line]] = {
    "never sent": [UNSENT],
    "nobody at the address": [10.0, UNSENT] * 20,
    "too much to do, again and again": [reply(429), reply(429), reply(429, retry_after="1000")],
}


@pytest.mark.parametrize("lines", NOT_TAKEN.values(), ids=NOT_TAKEN)
def test_a_step_that_was_not_taken_leaves_its_number_free(lines: list[Line]) -> None:
    run = new_run(progress_timeout=100)
    assert isinstance(Script(*lines).run(take(run, STEP)), Failure)
    assert (run.number(), run.doubt) == (1, None)


@pytest.mark.parametrize("slept", [0, 1000], ids=["awake", "slept between two tries"])
def test_a_step_of_which_nothing_was_sent_is_said_not_to_have_happened(slept: float) -> None:
    class Unreachable(Script):
        @override
        async def exchange(self, request: AnyRequest, headers: Pairs) -> Reply | TransportError | Unready:
            if not self.sent:
                asyncio.get_running_loop().call_later(0.1, sleep_through, slept)
            return await super().exchange(request, headers)

    run = new_run(progress_timeout=100)
    error = Unreachable(UNSENT).run(take(run, STEP)).failure()
    assert isinstance(error, errors.ConnectionFailed)
    assert error.message == "no connection. Step 1 certainly did not happen; submit it again once there is a connection"
    assert (run.number(), run.doubt) == (1, None)


@pytest.mark.parametrize("asked_first", ["optim_step", "retrieve_future"])
def test_a_process_that_was_stopped_for_longer_than_a_step_may_take_asks_again(asked_first: str) -> None:
    class Stopped(Trainer):
        @override
        async def exchange(self, request: AnyRequest, headers: Pairs) -> Reply | TransportError:
            if request.operation == asked_first and request.operation not in stopped:
                stopped.append(request.operation)
                asyncio.get_running_loop().call_later(0.1, sleep_through, 1000)
                await asyncio.sleep(50)
            return await super().exchange(request, headers)

    stopped: list[str] = []
    run = a_run(progress_timeout=100)
    outcomes = Stopped().run(steps_of(run, 2)).unwrap()
    assert [type(each) for each in outcomes] == [Success, Success]
    assert (stopped, run.number(), run.doubt) == ([asked_first], 3, None)


def sleep_through(seconds: float) -> None:
    loop = asyncio.get_running_loop()
    assert isinstance(loop, VirtualLoop)
    loop.leap(seconds)


DOUBTFUL: dict[str, list[Line]] = {
    "taken, result lost": [reply(409, {"detail": "Sequence conflict: expected 2, got 1."})],
    "unknown": [BROKEN],
    "no answer": [1e6, ACCEPTED],
    "no connection, then no answer": [UNSENT, 1e6, ACCEPTED],
    "no answer, then no connection": [BROKEN, UNSENT],
    "a fault, then too much to do": [reply(503), reply(429, retry_after="1000")],
    "a fault, then a refusal": [reply(503), reply(422)],
    "a restart, then no such model": [BROKEN, reply(404)],
    "an answer that can't be read": [reply(200, "what?")],
    "promise unknown": [ACCEPTED, reply(404)],
    "promise expired": [ACCEPTED, reply(410)],
    "promise taken, result lost": [ACCEPTED, reply(409, {"detail": "Sequence conflict: expected 2, got 1."})],
}


@pytest.mark.parametrize("lines", DOUBTFUL.values(), ids=DOUBTFUL)
def test_a_run_in_doubt_says_so_with_every_later_step(lines: list[Line]) -> None:
    run = new_run(progress_timeout=100)
    script = Script(*lines)
    outcomes = script.run(steps_of(run, 2)).unwrap()
    later = outcomes[1].failure()
    assert isinstance(later, errors.OutOfSequence)
    assert (later.step, later.checkpoint) == (1, "tinker://m/weights/a")
    assert set(numbers(script)) == {1}


def test_a_step_that_is_given_the_promise_of_another_is_in_doubt() -> None:
    script = Script(ACCEPTED, DONE, ACCEPTED)
    done, doubtful, later = script.run(steps_of(new_run(), 3)).unwrap()
    error = doubtful.failure()
    assert isinstance(error, errors.OutOfSequence)
    assert (type(done), error.step, later, numbers(script)) == (Success, 2, doubtful, [1, 2])
    assert error.message == (
        "optim_step (step 2 of m) is in doubt: the server answered with the promise of step 1, so it is not known "
        "whether this one was taken; go on from tinker://m/weights/a with "
        "create_training_client_from_state_with_optimizer"
    )


def test_the_promises_of_a_long_run_take_no_more_room_than_those_of_a_thousand_steps() -> None:
    run = new_run()
    assert [run.promise(f"r{number}", number) for number in range(2000)] == list(range(2000))
    assert run.promised == {f"r{number}": number for number in range(1000, 2000)}


def test_of_the_states_of_a_long_run_the_last_hundred_are_known() -> None:
    run = new_run()
    for number in range(1, 121):
        run.remember(number, f"tinker://m/weights/{number}")
    assert [run.saved(), run.saved(120), run.saved(22), run.saved(21)] == [
        "tinker://m/weights/120",
        "tinker://m/weights/119",
        "tinker://m/weights/21",
        "tinker://m/weights/a",
    ]


def test_a_state_that_was_overwritten_after_a_step_is_none_from_before_it() -> None:
    run = new_run()
    run.remember(1, "tinker://m/weights/kept")
    for number in (2, 5, 9):
        run.remember(number, "tinker://m/weights/rolling")
    assert [run.saved(), run.saved(7), run.saved(3)] == [
        "tinker://m/weights/rolling",
        "tinker://m/weights/kept",
        "tinker://m/weights/kept",
    ]


def test_a_run_without_a_checkpoint_says_that() -> None:
    run = new_run(progress_timeout=10)
    run.checkpoint = None
    error = Script(BROKEN).run(take(run, STEP)).failure()
    assert isinstance(error, errors.OutOfSequence)
    assert "no checkpoint of this run is known" in error.message


def test_an_unexplained_conflict_is_the_answer() -> None:
    script = Script(reply(409, {"detail": "name taken"}))
    assert isinstance(script.run(take(new_run(), STEP)).failure(), errors.Conflict)


def test_steps_go_out_in_the_order_of_their_calls() -> None:
    run = new_run()
    script = Script(5.0, ACCEPTED, accepted(2), DONE)
    steps = [take(run, STEP), take(run, load_weights("tinker://a"))]
    assert isinstance(script.run(together(steps)), Success)
    assert [(body["type"], body["seq_id"]) for body in script.bodies] == [("optim_step", 1), ("load_weights", 2)]


@pytest.mark.parametrize(("size", "raised"), [(0, ZeroDivisionError), (10**6, AssertionError)], ids=["few", "many"])
def test_a_bug_in_a_check_of_few_or_many_bytes_is_not_hidden(size: int, raised: type[Exception]) -> None:
    def broken() -> None:
        raise ZeroDivisionError("here")

    with pytest.raises(raised, match="here"):
        Script(DONE).run(take_batch(new_run(), broken, lambda: forward_backward([], "ppo"), size))


MISSING = reply(404, {"detail": "Failed: no metadata of checkpoint nope"})


def conflict(expected: int, number: int) -> Reply:
    return reply(409, {"detail": f"Sequence conflict: expected {expected}, got {number}."})


def test_work_that_needs_what_is_not_there_fails_and_the_run_goes_on() -> None:
    script = Script(ACCEPTED, MISSING, accepted(2), DONE)
    outcomes = script.run(steps_of(new_run(), 2)).unwrap()
    error = outcomes[0].failure()
    assert isinstance(error, errors.NotFound)
    assert error.message == (
        "optim_step: Failed: no metadata of checkpoint nope (the server doesn't know the model; make a new training "
        "client from a checkpoint)"
    )
    assert (numbers(script), isinstance(outcomes[1], Success)) == ([1, 2], True)


def test_a_server_that_waits_for_a_failed_number_gets_it_again() -> None:
    script = Script(ACCEPTED, MISSING, accepted(2), conflict(1, 2), ACCEPTED, DONE, accepted(2), DONE)
    outcomes = script.run(steps_of(new_run(), 4)).unwrap()
    assert numbers(script) == [1, 2, 1, 2]
    assert outcomes[1].failure().message == (
        "optim_step: step 2 was not taken, because step 1 failed before it; submit it again"
    )
    assert [type(each) for each in outcomes] == [Failure, Failure, Success, Success]


class Late(Trainer):
    """Step 2 fails and is waited for again; the result of step 1 comes only after that."""

    def __init__(self) -> None:
        super().__init__(results={2: reply(200, {"error": "no", "category": "server"}), 3: conflict(2, 3)})
        self.first = True

    @override
    async def exchange(self, request: AnyRequest, headers: Pairs) -> Reply | TransportError:
        """A fault in the place of the first answer about step 1."""
        body = request.body
        if isinstance(body, RetrieveFuture) and body.request_id == "1" and self.first:
            self.first = False
            return reply(503)
        return await super().exchange(request, headers)


def test_an_earlier_success_that_comes_late_does_not_hide_which_number_is_waited_for() -> None:
    run, trainer = a_run(), Late()
    succeeded, failed = trainer.run(together([take(run, STEP), take(run, STEP)])).unwrap()
    refused, _ = trainer.run(steps_of(run, 2)).unwrap()
    assert (numbers(trainer), type(succeeded), type(failed)) == ([1, 2, 3, 2], Success, Failure)
    assert "submit it again" in refused.failure().message


class Slow(Trainer):
    """Step 1 fails after five seconds."""

    @override
    async def exchange(self, request: AnyRequest, headers: Pairs) -> Reply | TransportError:
        """Answers take their time."""
        if isinstance(request.body, RetrieveFuture) and request.body.request_id == "1":
            await asyncio.sleep(5)
        return await super().exchange(request, headers)


@pytest.mark.parametrize("answer", [reply(404), reply(410)], ids=["unknown", "expired"])
def test_the_step_whose_promise_is_lost_is_in_doubt_whatever_was_taken_after_it(answer: Reply) -> None:
    lost, kept = Slow(results={1: answer}).run(together([take(run := a_run(), STEP), take(run, STEP)])).unwrap()
    error = lost.failure()
    assert isinstance(error, errors.OutOfSequence)
    assert (error.step, error.endpoint, type(kept)) == (1, "POST /api/v1/retrieve_future", Success)
    assert error.message == (
        "optim_step (step 1 of m) is in doubt: the server no longer knows its promise; make a new training client; "
        "no checkpoint of this run is known from before it"
    )


@pytest.mark.parametrize("patience", [1.0, 100.0], ids=["given up", "waited for"])
def test_a_step_that_nobody_waited_for_may_be_one_that_the_server_waits_for(patience: float) -> None:
    def program() -> Plan[list[Outcome[object]]]:
        _ = yield from attempt(deadline(patience, take(run, STEP), late))
        yield from sleep(10)
        return (yield from steps_of(run, 2))

    run = a_run()
    trainer = Slow(results={1: reply(200, {"error": "no", "category": "server"}), 2: conflict(1, 2)})
    refused, _ = trainer.run(program()).unwrap()
    assert (numbers(trainer), "submit it again" in refused.failure().message) == ([1, 2, 1], True)


def test_a_conflict_while_later_steps_are_on_their_way_changes_no_number() -> None:
    run = new_run()
    run.failed, run.next_number = {1}, 4
    run.go_back(1, 2)
    assert run.next_number == 4


@pytest.mark.parametrize("answer", [conflict(1, 2), reply(409, {"detail": "shapes differ"})])
def test_any_other_conflict_is_how_the_work_ended(answer: Reply) -> None:
    script = Script(ACCEPTED, DONE, accepted(2), answer, accepted(3), DONE)
    outcomes = script.run(steps_of(new_run(), 3)).unwrap()
    assert (numbers(script), isinstance(outcomes[1].failure(), errors.Conflict)) == ([1, 2, 3], True)


def test_what_a_server_does_not_implement_leaves_the_number_free() -> None:
    script = Script(reply(501, {"detail": "dro is not implemented"}), ACCEPTED, DONE)
    outcomes = script.run(steps_of(new_run(), 2)).unwrap()
    assert (numbers(script), isinstance(outcomes[0].failure(), errors.ServerFault)) == ([1, 1], True)
