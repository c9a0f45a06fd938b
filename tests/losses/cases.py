"""Batches and log-probabilities that losses are tested on."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from tinkex_py import Datum, ModelInput
from tinkex_py.losses import Arrays, Evaluation, LossFunction
from tinkex_py.types import TensorDataLike


def batch(*shapes: tuple[int, ...], seed: int = 0) -> tuple[list[Datum], Arrays]:
    """A datum for each shape, with references among its inputs, and log-probabilities for all."""
    chance = np.random.default_rng(seed)
    points = tuple(np.log(chance.uniform(0.05, 0.95, shape)) for shape in shapes)
    return [_datum(np.log(chance.uniform(0.05, 0.95, shape))) for shape in shapes], points


def slopes_of(value: Callable[[Arrays], float], at: Arrays, step: float = 1e-6) -> Arrays:
    """Central differences of a function by each of its numbers."""
    found = tuple(np.zeros_like(point) for point in at)
    for place, point in enumerate(at):
        for index in np.ndindex(point.shape):
            ahead, behind = (tuple(each.copy() for each in at) for _ in range(2))
            ahead[place][index] += step
            behind[place][index] -= step
            found[place][index] = (value(ahead) - value(behind)) / (2 * step)
    return found


def cubes(data: Sequence[Datum], logprobs: Arrays) -> Evaluation:
    """A loss whose gradient is not constant: the sum of cubes."""
    del data
    return Evaluation(sum(float((each**3).sum()) for each in logprobs), {}, tuple(3 * each**2 for each in logprobs))


def returning(value: Any) -> LossFunction:
    """A loss that returns this, wherever it is asked."""

    def loss(data: Sequence[Datum], logprobs: Arrays) -> Any:
        del data, logprobs
        return value

    return loss


def _datum(reference: np.typing.NDArray[np.float64]) -> Datum:
    inputs: dict[str, TensorDataLike] = {
        "target_tokens": np.zeros(reference.shape, np.int64),
        "reference_logprobs": reference.astype(np.float32),
        "original_logprobs": reference.astype(np.float32),
    }
    return Datum(ModelInput.from_ints([1] * len(reference)), inputs)
