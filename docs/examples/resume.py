"""Resuming: stop training, go on from the checkpoint, and end exactly where uninterrupted training ends.

    python docs/examples/resume.py
"""

from __future__ import annotations

import tempfile
from collections.abc import Sequence

from tinkex_py import (
    AdamParams,
    Datum,
    Failure,
    ModelInput,
    Outcome,
    ServiceClient,
    Success,
    TrainingClient,
    collect,
    then,
)

EXAMPLE = Datum(ModelInput.from_ints(b"to be or not to b"), {"target_tokens": list(b"o be or not to be")})


def losses_of(trainer: TrainingClient, steps: int) -> Outcome[tuple[float, ...]]:
    """The loss of each of so many steps."""
    submitted = []
    for _ in range(steps):
        submitted.append(trainer.forward_backward([EXAMPLE], "cross_entropy"))
        _ = trainer.optim_step(AdamParams(learning_rate=1e-3))
    match collect([step.result(timeout=60) for step in submitted]):
        case Success(outputs):
            return Success(tuple(output.metrics["loss:sum"] for output in outputs))
        case Failure() as failure:
            return failure


def interrupted(service: ServiceClient, before: int, after: int) -> Outcome[Sequence[float]]:
    """The losses of training that is saved in the middle, and resumed by another client from the checkpoint."""
    match service.create_lora_training_client("tinkex/tiny-english", rank=8, seed=1):
        case Success(trainer):
            first = losses_of(trainer, before)
        case Failure() as failure:
            return failure
    match trainer.save_state("halfway").result(timeout=60):
        case Success(saved):
            print(f"saved {saved.path}")
        case Failure() as failure:
            return failure
    resumed = then(
        service.create_training_client_from_state_with_optimizer(saved.path), lambda other: losses_of(other, after)
    )
    return then(first, lambda one: then(resumed, lambda two: Success((*one, *two))))


def main() -> None:
    """Train twice, once with an interruption, and compare."""
    with tempfile.TemporaryDirectory() as folder, ServiceClient.local(folder) as service:
        straight = then(
            service.create_lora_training_client("tinkex/tiny-english", rank=8, seed=1),
            lambda trainer: losses_of(trainer, 10),
        )
        print("the same to the last bit:", interrupted(service, 5, 5) == straight)


if __name__ == "__main__":
    main()
