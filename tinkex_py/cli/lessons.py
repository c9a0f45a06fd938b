"""The training loop of the command line: steps submitted ahead, and losses as they come."""

from __future__ import annotations

import random
from collections.abc import Iterator, Sequence
from itertools import islice

from msgspec import Struct
from returns.result import Failure, Success

from tinkex_py.clients.promises import Promise
from tinkex_py.clients.sampling import SamplingClient
from tinkex_py.clients.training import TrainingClient
from tinkex_py.errors import TinkerError
from tinkex_py.outcome import Outcome
from tinkex_py.runtime.tokenizers import Tokenizer
from tinkex_py.types import AdamParams, Datum, ForwardBackwardOutput, ModelInput, SamplingParams

AHEAD = 4
"""Steps that are submitted before the first of them is waited for."""


class Lesson(Struct, frozen=True, kw_only=True):
    """How to train: each step takes `batch_size` examples, in an order that comes from `seed`.

    The learning rate falls in a straight line to nothing.
    """

    steps: int
    learning_rate: float
    batch_size: int
    seed: int = 0


def batches(data: Sequence[Datum], lesson: Lesson) -> Iterator[Sequence[Datum]]:
    """A batch a step: all examples in a new order each time round."""
    chance = random.Random(lesson.seed)  # noqa: S311 - an order, not a secret
    pile: list[Datum] = []
    for _ in range(lesson.steps):
        while len(pile) < min(lesson.batch_size, len(data)):
            pile += chance.sample(data, len(data))
        yield pile[: lesson.batch_size]
        del pile[: lesson.batch_size]


def train(trainer: TrainingClient, data: Sequence[Datum], lesson: Lesson) -> Iterator[Outcome[float]]:
    """The mean loss of each step's batch in nats per token, as the steps end; a failure is the last."""
    submitted = (
        _submit(trainer, batch, AdamParams(learning_rate=lesson.learning_rate * (1 - index / lesson.steps)))
        for index, batch in enumerate(batches(data, lesson))
    )
    waiting = list(islice(submitted, AHEAD))
    while waiting:
        batch, step = waiting.pop(0)
        loss = _loss(step.result(), batch)
        yield loss
        if isinstance(loss, Failure):
            return
        waiting.extend(islice(submitted, 1))


def greedy(sampler: SamplingClient, tokenizer: Tokenizer, prompt: str, tokens: int) -> Outcome[str]:
    """The likeliest continuation of a prompt."""
    question = ModelInput.from_ints(tokenizer.encode(prompt))
    params = SamplingParams(max_tokens=tokens, temperature=0.0)
    match sampler.sample(question, 1, params).result():
        case Success(response):
            return Success(tokenizer.decode(response.sequences[0].tokens))
        case Failure(error):
            return Failure(error)


def _submit(
    trainer: TrainingClient, batch: Sequence[Datum], adam: AdamParams
) -> tuple[Sequence[Datum], Promise[ForwardBackwardOutput]]:
    step = trainer.forward_backward(batch, "cross_entropy")
    _ = trainer.optim_step(adam)
    return batch, step


def _loss(outcome: Outcome[ForwardBackwardOutput], batch: Sequence[Datum]) -> Outcome[float, TinkerError]:
    match outcome:
        case Success(output):
            weight = sum(sum(datum.loss_fn_inputs["weights"].data) for datum in batch)
            return Success(output.metrics["loss:sum"] / weight)
        case Failure(error):
            return Failure(error)
