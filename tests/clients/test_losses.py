"""A loss that asks its own trainer for something is told that it can't have it now."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, TypeAlias

import numpy as np
import pytest
from returns.result import Failure, Success
from typing_extensions import override

from tinkex_py import AdamParams, Datum, ModelInput, Outcome, ServiceClient, TrainingClient, errors, or_raise

DATA = [Datum(ModelInput.from_ints([1, 2]), {"target_tokens": [1, 2]})]
Asking: TypeAlias = "Callable[[TrainingClient], Outcome[Any]]"
ENTANGLED: dict[str, Asking] = {
    "another pass": lambda trainer: trainer.forward(DATA, "cross_entropy").result(),
    "the optimizer": lambda trainer: trainer.optim_step(AdamParams()).result(),
    "a sampler": lambda trainer: trainer.save_weights_and_get_sampling_client(),
}
FREE: dict[str, Asking] = {"what it is": lambda trainer: trainer.get_info()}


def asked_within(asking: Asking) -> list[Outcome[Any]]:
    """What a loss gets that asks its own trainer, and what the step with that loss comes to."""
    found: list[Outcome[Any]] = []

    def curious(_data: Sequence[Datum], logprobs: Sequence[Any]) -> Any:
        found.append(asking(trainer))
        return 0.0, {}, [np.zeros(each.shape) for each in logprobs]

    with ServiceClient.local() as service:
        trainer = or_raise(service.create_lora_training_client("tinkex/tiny-random", rank=2))
        step = trainer.forward_backward_custom(DATA, curious, arrays="numpy").result(timeout=60)
        return [*found, step, asking(trainer)]


@pytest.mark.parametrize("asking", ENTANGLED.values(), ids=ENTANGLED)
def test_a_step_from_within_a_loss_is_refused_instead_of_waiting_for_itself(asking: Asking) -> None:
    refused, step, later = asked_within(asking)
    assert isinstance(refused, Failure)
    assert isinstance(refused.failure(), errors.InvalidInput)
    assert [type(step), type(later)] == [Success, Success]


@pytest.mark.parametrize("asking", FREE.values(), ids=FREE)
def test_what_is_no_step_can_be_asked_from_within_a_loss(asking: Asking) -> None:
    assert [type(outcome) for outcome in asked_within(asking)] == [Success] * 3


def test_losses_that_ask_other_trainers_for_large_batches_do_not_hold_each_other_up() -> None:
    large = [Datum(ModelInput.from_ints([1] * 100), {"target_tokens": [1] * 100})] * 400

    with ServiceClient.local() as service:
        trainers = [or_raise(service.create_lora_training_client("tinkex/tiny-random", rank=2)) for _ in range(3)]
        reference, *others = trainers

        def referring(_data: Sequence[Datum], logprobs: Sequence[Any]) -> Any:
            or_raise(reference.forward(large, "cross_entropy").result(timeout=60))
            return 0.0, {}, [np.zeros(each.shape) for each in logprobs]

        steps = [trainer.forward_backward_custom(DATA, referring, arrays="numpy") for trainer in others]
        assert [type(step.result(timeout=90)) for step in steps] == [Success] * 2


class Speechless(Exception):  # noqa: N818 - it is one
    """Can't even be printed."""

    @override
    def __str__(self) -> str:
        raise ValueError("no words")


@pytest.mark.parametrize("raised", [SystemExit(1), KeyboardInterrupt(), StopIteration(), Speechless(), GeneratorExit()])
def test_a_loss_may_raise_anything_and_the_next_step_works(raised: BaseException) -> None:
    def failing(_data: Sequence[Datum], _logprobs: Sequence[Any]) -> Any:
        raise raised

    with ServiceClient.local() as service:
        trainer = or_raise(service.create_lora_training_client("tinkex/tiny-random", rank=2))
        failed = trainer.forward_backward_custom(DATA, failing, arrays="numpy").result(timeout=60)
        assert isinstance(failed.failure(), errors.CallbackFailed)
        assert isinstance(trainer.optim_step(AdamParams()).result(timeout=60), Success)
