"""Losses of one datum each, taken of a whole batch. Pure: what they compute with is up to them."""

from __future__ import annotations

from collections.abc import Sequence

from tinkex_py.losses.protocol import LossError, LossFunction
from tinkex_py.types.custom import LossHandle
from tinkex_py.types.datum import Datum


def batch_loss(handle: LossHandle) -> LossFunction:
    """The losses of all data added up, and their metrics: added up, or their mean where the name ends so."""

    def loss(data: Sequence[Datum], logprobs: Sequence[object]) -> tuple[object, dict[str, float]]:
        total: object = 0
        metrics: dict[str, float] = {}
        for datum, points in zip(data, logprobs, strict=True):
            one, found = handle.traced(
                points, *(datum.loss_fn_inputs[name].listed.to_numpy() for name in handle.input_names)
            )
            shape = tuple(getattr(one, "shape", ()))
            if shape:
                raise LossError(f"it returned a loss of shape {shape} for one datum: return a scalar")
            total += one
            for name, value in found.items():
                share = len(data) if name.endswith(":mean") else 1
                metrics[name] = metrics.get(name, 0.0) + float(value) / share
        return total, metrics

    loss.__qualname__ = handle.name
    return loss
