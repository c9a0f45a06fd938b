"""Losses on torch tensors, differentiated by torch, which only this module and `tracing` compute with."""

from __future__ import annotations

from collections.abc import Sequence
from math import prod

import numpy as np
import torch

from tinkex_py.losses.protocol import Arrays, Evaluation, LossError, LossFunction, evaluation_of
from tinkex_py.types.datum import Datum


def differentiated(loss_fn: LossFunction, data: Sequence[Datum], logprobs: Arrays) -> Evaluation:
    """The loss and its gradients by backward(); a loss that returns gradients has them taken as they are."""
    points = [torch.from_numpy(each.astype(np.float32)).requires_grad_() for each in logprobs]
    with torch.enable_grad():
        match loss_fn(data, list(points)):  # whose list it is then, to put others into
            case (loss, metrics):
                return evaluation_of((_backward(loss), metrics, [_slope(point) for point in points]), logprobs)
            case returned:
                return evaluation_of(returned, logprobs)


def _backward(loss: object) -> float:
    if not isinstance(loss, torch.Tensor) or not loss.requires_grad:
        raise LossError("the loss does not depend on the log-probabilities; return a tensor computed from them")
    if prod(loss.shape) != 1:
        raise LossError(f"the loss has the shape {tuple(loss.shape)}: return one number, such as the sum of these")
    loss.backward()
    return float(loss.detach())


def _slope(point: torch.Tensor) -> object:
    """A datum that the loss leaves out has a gradient of zero."""
    return np.zeros(tuple(point.shape)) if point.grad is None else point.grad.to_dense().numpy()
