"""Adam with decoupled weight decay and clipping by global norm, for dictionaries of arrays. Pure."""

from __future__ import annotations

from collections.abc import Mapping

import msgspec
import numpy as np

from tinkex_py.local.architecture import Floats, Parameters
from tinkex_py.types.training import AdamParams

SMALLEST = 1e-37
"""An `eps` below this one counts as it: float32 could take it for 0, and a weight without a gradient has 0 / eps."""


class AdamState(msgspec.Struct, frozen=True, kw_only=True):
    """Steps made so far and the running first and second moments of every parameter's gradient."""

    step: int
    first: Parameters
    second: Parameters


def initial_state(parameters: Parameters) -> AdamState:
    """Return zero moments for `parameters`."""
    zeros = {name: np.zeros_like(value) for name, value in parameters.items()}
    return AdamState(step=0, first=zeros, second=zeros)


def global_norm(gradients: Parameters) -> float:
    """Return the Euclidean norm of all gradients together; not finite if any of them is not.

    It has the seven digits that gradients have: those behind depend on the order of their additions.
    """
    norm = np.sqrt(sum(float(np.square(value, dtype=np.float64).sum()) for value in gradients.values()))
    return float(f"{norm:.7g}")


def adam_step(
    parameters: Parameters, gradients: Parameters, state: AdamState, params: AdamParams
) -> tuple[dict[str, Floats], AdamState, dict[str, float]]:
    """Return new parameters, the new state and the gradient's norm before clipping; the arguments stay as they are.

    Adam with bias correction (arXiv:1412.6980); weight decay acts on the parameters, not on the gradient
    (arXiv:1711.05101), and is multiplied by the learning rate.
    """
    norm = global_norm(gradients)
    clip = params.grad_clip_norm / norm if 0 < params.grad_clip_norm < norm else 1.0
    step = state.step + 1
    first = _moment(state.first, gradients, params.beta1, clip, power=1)
    second = _moment(state.second, gradients, params.beta2, clip, power=2)
    updated = _updated(parameters, AdamState(step=step, first=first, second=second), params)
    return updated, AdamState(step=step, first=first, second=second), {"grad_norm": norm}


def _moment(moments: Parameters, gradients: Parameters, decay: float, clip: float, *, power: int) -> dict[str, Floats]:
    return {name: decay * moment + (1 - decay) * (clip * gradients[name]) ** power for name, moment in moments.items()}


def _updated(parameters: Parameters, state: AdamState, params: AdamParams) -> dict[str, Floats]:
    correct_first = 1 - params.beta1**state.step
    correct_second = 1 - params.beta2**state.step
    kept = 1 - params.learning_rate * params.weight_decay
    eps = max(params.eps, SMALLEST)
    return {
        name: kept * value
        - (params.learning_rate / correct_first)
        * state.first[name]
        / (np.sqrt(state.second[name] / correct_second) + eps)
        for name, value in parameters.items()
    }


def settings_problem(params: AdamParams) -> str | None:
    """Say which setting is out of its range, if any."""
    ranges: Mapping[str, tuple[bool, str]] = {
        "learning_rate": (0 <= params.learning_rate < np.inf, "0 or more"),
        "beta1": (0 <= params.beta1 < 1, "at least 0 and below 1"),
        "beta2": (0 <= params.beta2 < 1, "at least 0 and below 1"),
        "eps": (0 < params.eps < np.inf, "above 0"),
        "weight_decay": (0 <= params.weight_decay < np.inf, "0 or more"),
        "grad_clip_norm": (0 <= params.grad_clip_norm < np.inf, "0 or more"),
    }
    wrong = [f"{name} must be {wanted}" for name, (holds, wanted) in ranges.items() if not holds]
    return "; ".join(wrong) or None
