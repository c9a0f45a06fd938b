"""A batch is whole: its chunks are numbered in one turn, and what is missing of it is never passed over in silence."""

from __future__ import annotations

from functools import partial

import pytest
from returns.result import Failure, Success

from tests.plans.scripted import late, reply
from tests.plans.training import Trainer, a_run, batch_of, datum, good
from tinkex_py import AdamParams, errors
from tinkex_py.endpoints.steps import BatchStep, forward, optim_step
from tinkex_py.events import ChunkTaken
from tinkex_py.outcome import Outcome
from tinkex_py.plans.batches import take_batch
from tinkex_py.plans.chunks import Limits
from tinkex_py.plans.effects import Plan, attempt, deadline, sleep, together
from tinkex_py.plans.runs import Run
from tinkex_py.plans.steps import take_update
from tinkex_py.request import Reply
from tinkex_py.types import ForwardBackwardOutput, OptimStepResponse
from tinkex_py.types.batch import Dialect
from tinkex_py.wire.dialects import forms, lower

TOGETHER = Limits(count=1, parallel=True)
REFUSED = reply(422, {"detail": "no"})
FAILED = reply(200, {"error": "no", "category": "user"})


def backward(run: Run, count: int) -> Plan[ForwardBackwardOutput]:
    return take_batch(run, good, lambda: batch_of(count))


def update(run: Run, *, accept_partial: bool = False) -> Plan[OptimStepResponse]:
    return take_update(run, optim_step(AdamParams()), accept_partial=accept_partial)


def in_turn(*plans: Plan[object]) -> Plan[list[Outcome[object]]]:
    outcomes: list[Outcome[object]] = []
    for plan in plans:
        outcomes.append((yield from attempt(plan)))  # noqa: PERF401 - a plan
    return outcomes


@pytest.mark.parametrize("limits", [Limits(count=2), Limits(count=2, parallel=True)], ids=["serial", "together"])
def test_results_come_back_as_those_of_one_batch(limits: Limits) -> None:
    trainer = Trainer()
    output = trainer.run(backward(a_run(limits), 5)).unwrap()
    firsts = [-row["logprobs"].data[0] for row in output.loss_fn_outputs]
    assert (firsts, output.metrics["loss:sum"], sorted(trainer.taken)) == ([0, 1, 2, 3, 4], 5, [1, 2, 3])


def outputs_of(*tokens: int) -> Reply:
    """The result of a chunk with outputs for data that begin with these tokens."""
    outputs = [{"logprobs": {"data": [-float(token)], "dtype": "float32", "shape": [1]}} for token in tokens]
    return reply(200, {"loss_fn_output_type": "A", "loss_fn_outputs": outputs, "metrics": {}})


@pytest.mark.parametrize(
    ("results", "reason"),
    [
        ({1: outputs_of(0)}, "2 data were sent and outputs of 1 came"),
        ({2: outputs_of(2, 3, 4)}, "2 data were sent and outputs of 3 came"),
        ({1: outputs_of(0, 1, 2), 2: outputs_of(3)}, "2 data were sent and outputs of 3 came"),
        ({3: outputs_of()}, "1 data were sent and outputs of 0 came"),
    ],
    ids=["too few", "too many", "another chunk's", "none of one chunk"],
)
def test_outputs_that_can_not_be_told_apart_are_no_answer_and_the_step_counts(
    results: dict[int, Reply], reason: str
) -> None:
    run, trainer = a_run(Limits(count=2)), Trainer(results=results)
    outcomes = trainer.run(in_turn(backward(run, 5), update(run))).unwrap()
    assert isinstance(error := outcomes[0].failure(), errors.Undecodable)
    assert reason in error.message
    assert isinstance(outcomes[1], Success)


def test_a_server_need_not_give_outputs() -> None:
    trainer = Trainer(results={number: outputs_of() for number in (1, 2, 3)})
    assert trainer.run(backward(a_run(Limits(count=2)), 5)).unwrap().loss_fn_outputs == ()


def test_chunks_go_together_only_after_the_first_and_where_the_server_says_so() -> None:
    trainer, other = Trainer(), Trainer()
    trainer.delay = other.delay = 1.0
    assert isinstance(trainer.run(backward(a_run(TOGETHER), 5)), Success)
    assert isinstance(other.run(backward(a_run(), 5)), Success)
    assert [each["seq_id"] for each in trainer.bodies] == [1, 2, 3, 4, 5]
    assert (len(trainer.sent), len(other.sent)) == (5, 5)


def test_a_batch_within_the_bytes_is_one_chunk_and_a_large_datum_goes_alone() -> None:
    assert Trainer().run(backward(a_run(Limits()), 5)).unwrap().metrics["loss:sum"] == 5
    trainer = Trainer()
    assert isinstance(trainer.run(backward(a_run(Limits(size=10)), 3)), Success)
    assert sorted(trainer.taken) == [1, 2, 3]


@pytest.mark.parametrize("dialect", ["json", "protobuf"])
def test_sizes_are_those_of_the_encoded_data(dialect: Dialect) -> None:
    sizes = [form.size for form in forms(forward([datum(1), datum(300, 40)], "x").body, dialect).unwrap()]
    bodies = [
        len(lower("forward", batch.body, dialect).unwrap().unnumbered.content)
        for batch in (forward([], "x"), forward([datum(1)], "x"), forward([datum(1), datum(300, 40)], "x"))
    ]
    comma = 1 if dialect == "json" else 0
    assert (sizes[0] - comma, sizes[1]) == (bodies[1] - bodies[0], bodies[2] - bodies[1])


def test_a_bad_batch_takes_no_number_and_sends_nothing() -> None:
    run, trainer, bad = a_run(), Trainer(), errors.InvalidInput(message="no", path="data")
    assert trainer.run(take_batch(run, lambda: bad, lambda: batch_of(1))) == Failure(bad)
    assert (trainer.sent, run.next_number, len(run.queue)) == ([], 1, 0)


def test_a_refused_chunk_lists_those_that_were_taken() -> None:
    run, trainer = a_run(), Trainer({3: REFUSED})
    error = trainer.run(backward(run, 5)).failure()
    assert isinstance(error, errors.OutOfSequence)
    assert (error.taken, error.endpoint, trainer.submissions) == ((1, 2), "POST /api/v1/forward_backward", 3)
    assert "2 of 5 chunks were taken (steps 1, 2), another failed: forward_backward: no" in error.message


def test_no_step_is_made_on_part_of_a_batch_unless_it_is_accepted() -> None:
    run, trainer = a_run(), Trainer({3: REFUSED})
    run.checkpoint = "tinker://m/weights/a"
    plans = (backward(run, 5), update(run), update(run), update(run, accept_partial=True), update(run))
    _, first, second, accepted, later = trainer.run(in_turn(*plans)).unwrap()
    refusal = first.failure()
    assert isinstance(refusal, errors.OutOfSequence)
    assert (refusal.taken, refusal.checkpoint, refusal.step) == ((1, 2), "tinker://m/weights/a", 3)
    assert (second.failure(), isinstance(accepted, Success), isinstance(later, Success)) == (refusal, True, True)


@pytest.mark.parametrize("limits", [Limits(count=1), TOGETHER], ids=["serial", "together"])
def test_the_next_batch_works_after_a_refused_chunk(limits: Limits) -> None:
    run, trainer = a_run(limits), Trainer({3: REFUSED})
    _, after = trainer.run(in_turn(backward(run, 5), backward(run, 2))).unwrap()
    assert isinstance(after, Success)
    assert sorted(trainer.taken) == list(range(1, len(trainer.taken) + 1))
    assert isinstance(trainer.run(update(run)).failure(), errors.OutOfSequence)


def test_a_batch_of_which_nothing_was_taken_leaves_nothing() -> None:
    run, trainer = a_run(), Trainer({1: REFUSED})
    failed, stepped = trainer.run(in_turn(backward(run, 5), update(run))).unwrap()
    assert isinstance(failed.failure(), errors.Unprocessable)
    assert (isinstance(stepped, Success), trainer.order) == (True, [(1, "optim_step")])


def test_a_forward_pass_leaves_nothing() -> None:
    run, trainer = a_run(), Trainer({2: REFUSED})
    step = forward([datum(1), datum(2)], "cross_entropy")
    failed, stepped = trainer.run(in_turn(take_batch(run, good, lambda: step), update(run))).unwrap()
    assert isinstance(failed.failure(), errors.Unprocessable)
    assert isinstance(stepped, Success)


def test_a_hole_among_chunks_sent_together_is_filled_by_a_forward_pass() -> None:
    run, trainer = a_run(TOGETHER), Trainer({3: REFUSED})
    error = trainer.run(backward(run, 5)).failure()
    assert isinstance(error, errors.OutOfSequence)
    assert error.taken == (1, 2, 4, 5)
    assert trainer.order == [(number, "forward" if number == 3 else "forward_backward") for number in range(1, 6)]


def test_a_hole_that_the_server_counts_as_used_needs_no_filling() -> None:
    run, trainer = a_run(TOGETHER), Trainer({3: REFUSED, 6: reply(409)})
    _, after = trainer.run(in_turn(backward(run, 5), backward(run, 1))).unwrap()
    assert (isinstance(after, Success), sorted(trainer.taken)) == (True, [1, 2, 4, 5, 6])


def test_a_hole_that_can_not_be_filled_leaves_the_run_in_doubt() -> None:
    run, trainer = a_run(TOGETHER), Trainer({3: REFUSED, 4: REFUSED, 6: REFUSED})
    _, after = trainer.run(in_turn(backward(run, 5), backward(run, 1))).unwrap()
    assert isinstance(after.failure(), errors.OutOfSequence)
    assert "can't be filled" in after.failure().message


def test_the_last_chunks_refused_leave_no_hole() -> None:
    run, trainer = a_run(TOGETHER), Trainer({5: REFUSED})
    _, after = trainer.run(in_turn(backward(run, 5), backward(run, 1))).unwrap()
    assert (isinstance(after, Success), sorted(trainer.taken)) == (True, [1, 2, 3, 4, 5])


@pytest.mark.parametrize("limits", [Limits(count=1), TOGETHER], ids=["serial", "together"])
def test_a_chunk_that_nobody_knows_of_leaves_the_run_in_doubt(limits: Limits) -> None:
    run, trainer = a_run(limits, progress_timeout=10.0), Trainer(dict.fromkeys(range(2, 1000), reply(503)))
    outcomes = trainer.run(in_turn(backward(run, 3), backward(run, 1), update(run, accept_partial=True))).unwrap()
    found = [outcome.failure() for outcome in outcomes]
    assert all(isinstance(each, errors.OutOfSequence) for each in found)
    assert isinstance(found[0], errors.OutOfSequence)
    assert found[0].taken == (1,)


def test_chunks_are_not_sent_together_by_a_run_in_doubt() -> None:
    run, trainer = a_run(TOGETHER), Trainer(results={1: reply(404)})
    trainer.delay = 1.0
    found = trainer.run(together([backward(run, 1), backward(run, 3)])).unwrap()
    assert isinstance(found[1].failure(), errors.OutOfSequence)
    assert set(trainer.taken) <= {1, 2}


def test_a_failed_result_leaves_the_gradients_of_the_others() -> None:
    run, trainer = a_run(), Trainer(results={2: FAILED})
    failed, stepped = trainer.run(in_turn(backward(run, 3), update(run))).unwrap()
    for outcome in (failed, stepped):
        error = outcome.failure()
        assert isinstance(error, errors.OutOfSequence)
        assert error.taken == (1, 3)


def test_a_failed_result_of_the_only_chunk_is_the_failure_itself() -> None:
    run, trainer = a_run(), Trainer(results={1: FAILED})
    failed, stepped = trainer.run(in_turn(backward(run, 1), update(run))).unwrap()
    assert isinstance(failed.failure(), errors.RequestFailed)
    assert isinstance(stepped, Success)


def test_a_result_that_fails_after_the_optimizer_has_stepped_says_so() -> None:
    run, trainer = a_run(), Trainer(results={2: FAILED})
    failed, stepped = trainer.run(together([backward(run, 3), update(run)])).unwrap()
    assert "an optim_step has used them since" in failed.failure().message
    assert (isinstance(stepped, Success), run.partial) == (True, ())


def test_a_batch_that_is_stopped_between_chunks_is_partial() -> None:
    def patient() -> Plan[Outcome[OptimStepResponse]]:
        yield from attempt(deadline(2.5, backward(run, 5), late))
        yield from sleep(10)
        return (yield from attempt(update(run)))

    run, trainer = a_run(), Trainer()
    trainer.delay = 1.0
    outcome = trainer.run(patient()).unwrap()
    error = outcome.failure()
    assert isinstance(error, errors.OutOfSequence)
    assert (error.taken, len(run.queue)) == ((1, 2, 3), 0)


def test_a_step_that_was_stopped_before_its_turn_is_never_sent() -> None:
    run, trainer = a_run(), Trainer()
    trainer.delay = 1.0
    plans = [backward(run, 3), deadline(1.5, backward(run, 1), late), update(run)]
    first, second, third = trainer.run(together(plans)).unwrap()
    assert [type(each) for each in (first, second, third)] == [Success, Failure, Success]
    assert [operation for _, operation in trainer.order] == ["forward_backward"] * 3 + ["optim_step"]


def test_a_step_that_is_stopped_behind_one_under_way_is_never_sent() -> None:
    def program() -> Plan[list[int]]:
        stopped = [attempt(deadline(seconds, update(run), late)) for seconds in (1, 2)]
        _ = yield from together(stopped)
        yield from sleep(20)
        _ = yield from update(run)
        return [body["seq_id"] for body in trainer.bodies]

    run, trainer = a_run(), Trainer()
    trainer.delay = 5.0
    assert trainer.run(program()) == Success([1, 2])


def test_observers_are_told_of_each_chunk_that_was_taken() -> None:
    trainer = Trainer()
    _ = trainer.run(in_turn(backward(a_run(), 2), backward(a_run(), 1)))
    told = [event for event in trainer.events if isinstance(event, ChunkTaken)]
    assert [(event.operation, event.number, event.taken, event.count) for event in told] == [
        ("forward_backward", 1, 1, 2),
        ("forward_backward", 2, 2, 2),
    ]


def counted(run: Run, sizes: list[int], built: list[tuple[int, int]]) -> Plan[object]:
    """Batches of these sizes at once; notes how many were submitted when each was built."""

    def building(place: int) -> BatchStep:
        built.append((place, run.next_number - 1))
        return batch_of(1)

    batches = [take_batch(run, good, partial(building, place), size) for place, size in enumerate(sizes)]
    return together(batches)


def test_no_more_is_encoded_ahead_than_there_is_room_for() -> None:
    run, trainer, built = a_run(), Trainer(), list[tuple[int, int]]()
    run.ahead.capacity = 20
    trainer.delay = 1.0
    _ = trainer.run(counted(run, [10, 10, 10, 10, 50], built))
    assert built == [(0, 0), (1, 0), (2, 1), (3, 2), (4, 4)]
    assert (run.ahead.taken, trainer.order) == (0, [(number, "forward_backward") for number in range(1, 6)])


@pytest.mark.parametrize(("capacity", "most"), [(1, 1), (50_000_000, 3)])
def test_a_limited_number_of_bytes_is_under_way_at_once(capacity: int, most: int) -> None:
    run, trainer = a_run(TOGETHER), Trainer()
    run.in_flight.capacity = capacity
    trainer.delay = 1.0
    assert isinstance(trainer.run(backward(run, 4)), Success)
    assert (trainer.most, run.in_flight.taken) == (most, 0)


def test_a_server_that_has_too_much_to_do_leaves_the_number_free() -> None:
    run, trainer = a_run(), Trainer({1: reply(429, retry_after="99999")})
    first, second = trainer.run(in_turn(backward(run, 1), backward(run, 1))).unwrap()
    assert isinstance(first.failure(), errors.RateLimited)
    assert (isinstance(second, Success), sorted(trainer.taken)) == (True, [1])
