"""Resuming: stop training, go on from the checkpoint, and end exactly where uninterrupted training ends.

python docs/examples/resume.py
"""

from __future__ import annotations

import tempfile

from tinkex_py import (
    AdamParams,
    Datum,
    Failure,
    ModelInput,
    Outcome,
    ServiceClient,
    TrainingClient,
    change,
    collect,
    then,
)

TEXT = list(b"to be or not to be")
EXAMPLE = Datum(ModelInput.from_ints(TEXT[:-1]), {"target_tokens": TEXT[1:]})


def losses_of(trainer: TrainingClient, steps: int) -> Outcome[tuple[float, ...]]:
    """The loss of each of so many steps."""
    adam = AdamParams(learning_rate=1e-3)
    submitted = [(trainer.forward_backward([EXAMPLE], "cross_entropy"), trainer.optim_step(adam)) for _ in range(steps)]
    outputs = collect(step.result(timeout=60) for step, _ in submitted)
    updates = collect(update.result(timeout=60) for _, update in submitted)
    losses = change(outputs, lambda each: tuple(output.metrics["loss:sum"] for output in each))
    return then(updates, lambda _: losses)


def straight(service: ServiceClient, steps: int) -> Outcome[tuple[float, ...]]:
    """The losses of training without an interruption."""
    return then(new_trainer(service), lambda trainer: losses_of(trainer, steps))


def interrupted(service: ServiceClient, before: int, after: int) -> Outcome[tuple[float, ...]]:
    """The losses of training that is saved in the middle, and resumed by another client from the checkpoint."""
    made = new_trainer(service)
    if isinstance(made, Failure):
        return made
    first = losses_of(made.unwrap(), before)
    saved = made.unwrap().save_state("halfway").result(timeout=60)
    resumed = then(saved, lambda state: service.create_training_client_from_state_with_optimizer(state.path))
    second = then(resumed, lambda trainer: losses_of(trainer, after))
    return then(first, lambda one: change(second, lambda two: (*one, *two)))


def new_trainer(service: ServiceClient) -> Outcome[TrainingClient]:
    """The same model each time."""
    return service.create_lora_training_client("tinkex/tiny-english", rank=8, seed=1)


def main() -> None:
    """Train twice, once with an interruption, and compare."""
    with tempfile.TemporaryDirectory() as folder, ServiceClient.local(folder) as service:
        print("the same to the last bit:", interrupted(service, 5, 5) == straight(service, 10))


if __name__ == "__main__":
    main()
