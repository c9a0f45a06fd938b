"""The training loop of the command line."""

from __future__ import annotations

import pytest
from msgspec import structs

from tinkex_py import Datum, Failure, ModelInput, ServiceClient, TrainingClient, or_raise
from tinkex_py.cli.lessons import AHEAD, Lesson, batches, train
from tinkex_py.errors import InvalidInput

DATA = tuple(
    Datum(ModelInput.from_ints([number, 1]), {"target_tokens": [1, 2], "weights": [1.0, 1.0]}) for number in range(5)
)


def trainer(service: ServiceClient) -> TrainingClient:
    return or_raise(service.create_lora_training_client("tinkex/tiny-random", rank=2, seed=0))


def test_all_examples_come_before_one_comes_again() -> None:
    piles = batches(DATA, Lesson(steps=5, learning_rate=1.0, batch_size=2))
    shown = [or_raise(datum.model_input.to_ints())[0] for _, pile in piles for datum in pile]
    assert (sorted(shown[:5]), sorted(shown[5:])) == ([0, 1, 2, 3, 4], [0, 1, 2, 3, 4])


def test_the_order_comes_from_the_seed() -> None:
    one, same, other = (
        list(batches(DATA, Lesson(steps=9, learning_rate=1.0, batch_size=2, seed=s))) for s in (1, 1, 2)
    )
    assert one == same != other


def test_a_lesson_that_goes_on_is_the_rest_of_the_whole_one() -> None:
    whole = Lesson(steps=7, learning_rate=0.01, batch_size=2)
    with ServiceClient.local() as service:
        undisturbed = [or_raise(step).loss for step in train(trainer(service), DATA, whole)]
        first, seen = trainer(service), list[float]()
        for step in train(first, DATA, whole, lambda: bool(seen)):
            seen.append(or_raise(step).loss)
        path = or_raise(first.save_state("a").result()).path
        second = or_raise(service.create_training_client_from_state_with_optimizer(path))
        rest = structs.replace(whole, taken=len(seen))
        seen += [or_raise(step).loss for step in train(second, DATA, rest)]
    assert seen == pytest.approx(undisturbed, rel=1e-5)


def test_a_checkpoint_that_is_due_holds_the_steps_before_it_and_no_other() -> None:
    whole = Lesson(steps=7, learning_rate=0.01, batch_size=2, save_every=3)
    with ServiceClient.local() as service:
        steps = [or_raise(step) for step in train(trainer(service), DATA, whole)]
        paths = [None if step.saved is None else or_raise(step.saved) for step in steps]
        second = or_raise(service.create_training_client_from_state_with_optimizer(paths[2] or ""))
        rest = [or_raise(step).loss for step in train(second, DATA, structs.replace(whole, taken=3))]
    none = (None, None)
    assert [path and path.rpartition("/")[2] for path in paths] == [*none, "step-00003", *none, "step-00006", None]
    assert rest == pytest.approx([step.loss for step in steps[3:]], rel=1e-5)


def test_an_update_that_fails_ends_the_training() -> None:
    with ServiceClient.local() as service:
        outcomes = list(train(trainer(service), DATA, Lesson(steps=9, learning_rate=float("nan"), batch_size=2)))
    match outcomes:
        case [Failure(InvalidInput(path=path))]:
            assert path == "optim_params.learning_rate"
        case _:
            pytest.fail(str(outcomes))


def test_stopping_waits_for_the_steps_under_way() -> None:
    lesson = Lesson(steps=100, learning_rate=0.001, batch_size=2)
    with ServiceClient.local() as service:
        seen: list[object] = []
        for outcome in train(trainer(service), DATA, lesson, lambda: bool(seen)):
            seen.append(outcome)  # noqa: PERF402 - what has been seen decides when it stops
    assert len(seen) == AHEAD
