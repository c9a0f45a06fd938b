"""The training loop of the command line: steps submitted ahead, and losses as they come."""

from __future__ import annotations

import random
from collections.abc import Callable, Iterator, Sequence
from itertools import islice, takewhile
from typing import NamedTuple

from msgspec import Struct
from returns.result import Failure, Success

from tinkex_py.clients.promises import Promise
from tinkex_py.clients.sampling import SamplingClient
from tinkex_py.clients.training import TrainingClient
from tinkex_py.outcome import Outcome, change, then
from tinkex_py.types import (
    AdamParams,
    Datum,
    ForwardBackwardOutput,
    ModelInput,
    OptimStepResponse,
    SamplingParams,
    SaveWeightsResponse,
)
from tinkex_py.types.tokenizing import Tokenizer

AHEAD = 4
"""Steps that are submitted before the first of them is waited for."""


class Lesson(Struct, frozen=True, kw_only=True):
    """How to train: each step takes `batch_size` examples, in an order that comes from `seed`.

    The learning rate falls in a straight line to nothing. A lesson that goes on behind steps that were `taken` before
    takes the examples, and has the rates, that were left of it. A checkpoint is saved every `save_every` steps.
    """

    steps: int
    learning_rate: float
    batch_size: int
    seed: int = 0
    taken: int = 0
    save_every: int | None = None


class Taken(NamedTuple):
    """A step that was taken: its batch's mean loss in nats per token, and the checkpoint's path where one was due."""

    loss: float
    saved: Outcome[str] | None = None


class _Step(NamedTuple):
    batch: Sequence[Datum]
    gradients: Promise[ForwardBackwardOutput]
    update: Promise[OptimStepResponse]
    saving: Promise[SaveWeightsResponse] | None


def saving(trainer: TrainingClient, step: int) -> Promise[SaveWeightsResponse]:
    """The checkpoint behind that many steps, under the name that says so."""
    return trainer.save_state(f"step-{step:05d}", overwrite=True)


def rate_at(lesson: Lesson, index: int) -> float:
    """The learning rate of a step, the first of which is 0."""
    return lesson.learning_rate * (1 - index / lesson.steps)


def batches(data: Sequence[Datum], lesson: Lesson) -> Iterator[tuple[int, Sequence[Datum]]]:
    """The steps that are left, the first of which is 0, with a batch each."""
    return islice(enumerate(_batches(data, lesson)), lesson.taken, None)


def _batches(data: Sequence[Datum], lesson: Lesson) -> Iterator[Sequence[Datum]]:
    """A batch a step: all examples in a new order each time round."""
    chance = random.Random(lesson.seed)  # noqa: S311 - an order, not a secret
    pile: list[Datum] = []
    for _ in range(lesson.steps):
        while len(pile) < min(lesson.batch_size, len(data)):
            pile += chance.sample(data, len(data))
        yield pile[: lesson.batch_size]
        del pile[: lesson.batch_size]


def train(
    trainer: TrainingClient, data: Sequence[Datum], lesson: Lesson, stopped: Callable[[], bool] = lambda: False
) -> Iterator[Outcome[Taken]]:
    """Each step as it ends; a failure, of the step or of the checkpoint behind it, is the last.

    When `stopped`, no further step is submitted, and the losses of those under way still come.
    """
    submitted = (
        _submit(trainer, lesson, index, batch)
        for index, batch in takewhile(lambda _: not stopped(), batches(data, lesson))
    )
    waiting = list(islice(submitted, AHEAD))
    while waiting:
        taken = _taken(waiting.pop(0))
        yield taken
        if isinstance(taken, Failure) or isinstance(taken.unwrap().saved, Failure):
            return
        waiting.extend(islice(submitted, 1))


def greedy(sampler: SamplingClient, tokenizer: Tokenizer, prompt: str, tokens: int) -> Outcome[str]:
    """The likeliest continuation of a prompt."""
    question = ModelInput.from_text(prompt, tokenizer)
    params = SamplingParams(max_tokens=tokens, temperature=0.0)
    match sampler.sample(question, 1, params).result():
        case Success(response):
            return Success(tokenizer.decode(response.sequences[0].tokens))
        case Failure(error):
            return Failure(error)


def _submit(trainer: TrainingClient, lesson: Lesson, index: int, batch: Sequence[Datum]) -> _Step:
    """A step, and the checkpoint that is due behind it, before the step after it."""
    gradients = trainer.forward_backward(batch, "cross_entropy")
    update = trainer.optim_step(AdamParams(learning_rate=rate_at(lesson, index)))
    due = lesson.save_every is not None and (index + 1) % lesson.save_every == 0
    return _Step(batch, gradients, update, saving(trainer, index + 1) if due else None)


def _taken(step: _Step) -> Outcome[Taken]:
    """The loss before the step's update; an update that failed is a failure of the step."""
    weight = sum(sum(datum.loss_fn_inputs["weights"].data) for datum in step.batch)
    outcome = step.gradients.result()
    updated = step.update.result()
    loss = then(outcome, lambda output: change(updated, lambda _: output.metrics["loss:sum"] / weight))
    if isinstance(loss, Failure):
        return loss
    saved = None if step.saving is None else change(step.saving.result(), lambda made: made.path)
    return Success(Taken(loss.unwrap(), saved))
