"""A loss of your own: learn each token until it is likely, and no further; stay near where training began.

python docs/examples/custom_loss.py
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np

from tinkex_py import (
    AdamParams,
    Datum,
    Failure,
    ForwardBackwardOutput,
    ModelInput,
    Outcome,
    ServiceClient,
    Success,
    TrainingClient,
    change,
    collect,
    then,
)
from tinkex_py.losses import Arrays, KLDivergence, RegularizerSpec

TEXT = list(b"A little learning is a dangerous thing.")
FLOOR = -0.05
"""Nats: tokens that are likelier than this are left alone."""


def unhurried(data: Sequence[Datum], logprobs: Arrays) -> tuple[float, Mapping[str, float], list[np.ndarray]]:
    """The sum over tokens of how far they are below the floor, and its gradients, one array `[T]` for each datum."""
    losses = [np.maximum(FLOOR - each, 0.0) for each in logprobs]
    gradients = [np.where(each < FLOOR, -1.0, 0.0) for each in logprobs]
    metrics = {"learned:mean": float(np.mean([np.mean(each >= FLOOR) for each in logprobs])), "data:sum": len(data)}
    return float(sum(each.sum() for each in losses)), metrics, gradients


def references(output: ForwardBackwardOutput) -> list[list[float]]:
    """The log-probabilities `[T]` of each datum, as the model gave them."""
    return [[float(each) for each in outputs["logprobs"].data] for outputs in output.loss_fn_outputs]


def learn(trainer: TrainingClient, steps: int) -> Outcome[list[Mapping[str, float]]]:
    """The metrics of each step."""
    batch = [Datum(ModelInput.from_ints(TEXT[:-1]), {"target_tokens": TEXT[1:]})]
    began = trainer.forward(batch, "cross_entropy").result(timeout=60)
    if isinstance(began, Failure):
        return began
    nearby = KLDivergence(reference_logprobs=references(began.unwrap()))
    regularizers = [RegularizerSpec(fn=nearby, weight=0.05, name="nearby")]
    submitted = [
        (
            trainer.forward_backward_custom(batch, unhurried, arrays="numpy", regularizers=regularizers),
            trainer.optim_step(AdamParams(learning_rate=2e-3)),
        )
        for _ in range(steps)
    ]
    outputs = collect(step.result(timeout=60) for step, _ in submitted)
    updates = collect(update.result(timeout=60) for _, update in submitted)
    measured = change(outputs, lambda each: [output.metrics for output in each])
    return then(updates, lambda _: measured)


def lesson(service: ServiceClient, steps: int = 40) -> Outcome[list[Mapping[str, float]]]:
    """A new adapter, and what each step on it measured."""
    made = service.create_lora_training_client("tinkex/tiny-english", rank=16, seed=0)
    return then(made, lambda trainer: learn(trainer, steps))


def main() -> None:
    """Train, and print the first and the last metrics."""
    with ServiceClient.local() as service:
        match lesson(service):
            case Success(metrics):
                for name in sorted(metrics[0]):
                    print(f"{name:24} {metrics[0][name]:9.3f} -> {metrics[-1][name]:9.3f}")
            case Failure(error):
                print(error.message)


if __name__ == "__main__":
    main()
