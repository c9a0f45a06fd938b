"""Chance is the client's own: a program that seeds `random` changes nothing here, and nothing is taken from it."""

from __future__ import annotations

import random

from tinkex_py import AdamParams, Datum, ModelInput, ServiceClient, or_raise

DATA = [Datum(ModelInput.from_ints([1, 2, 3]), {"target_tokens": [2, 3, 4]})]


def test_steps_under_a_seed_that_is_set_again_and_again_are_all_taken() -> None:
    losses: list[float] = []
    with ServiceClient.local() as service:
        trainer = or_raise(service.create_lora_training_client("tinkex/tiny-random", rank=2, seed=1))
        for _ in range(4):
            random.seed(0)
            step = trainer.forward_backward(DATA, "cross_entropy")
            update = trainer.optim_step(AdamParams(learning_rate=0.01))
            losses.append(or_raise(step.result(timeout=30)).metrics["loss:sum"])
            or_raise(update.result(timeout=30))
    assert losses == sorted(set(losses), reverse=True)


def test_a_seeded_program_draws_what_it_would_without_a_client() -> None:
    random.seed(0)
    before = random.getstate()
    with ServiceClient.local() as service:
        or_raise(service.create_lora_training_client("tinkex/tiny-random", rank=2))
    assert random.getstate() == before
