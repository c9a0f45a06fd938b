"""Training and sampling of LoRA models on the embedded transformer: what a server around it calls.

Every function that takes a user's input returns an `Outcome[T, str]`: `Success(value)`, or `Failure(message)` with a
sentence for the user; none raises for bad input. A model is used from one thread at a time; different models,
and samplers of any kind, are independent of one another.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
from returns.result import Failure, Success

from tinkex_py.local.adam import adam_step, global_norm, settings_problem
from tinkex_py.local.bases import Base, base_names, base_problem, load_base
from tinkex_py.local.choosing import SamplingOptions
from tinkex_py.local.examples import Example, examples_problem, loss_problem
from tinkex_py.local.lora import adapter_gradients, config_problem
from tinkex_py.local.losses import LOSSES
from tinkex_py.local.model import LoraModel, SamplerWeights, base_sampler, snapshot
from tinkex_py.local.sampling import DIVERGED, Alternatives, PromptTargets, SampledSequence, SampleOutput, sample
from tinkex_py.local.training import StepOutput, added, evaluate
from tinkex_py.outcome import Outcome
from tinkex_py.types.training import AdamParams, LoraConfig

__all__ = [
    "Alternatives",
    "Base",
    "Example",
    "LoraModel",
    "PromptTargets",
    "SampleOutput",
    "SampledSequence",
    "SamplerWeights",
    "SamplingOptions",
    "StepOutput",
    "base_names",
    "base_problem",
    "base_sampler",
    "create_model",
    "forward_backward",
    "load_base",
    "optim_step",
    "sample",
    "snapshot",
]


def create_model(base: Base, config: LoraConfig) -> Outcome[LoraModel, str]:
    """Return a new model whose adapters change nothing yet; a Failure names a bad rank or that nothing is trained."""
    problem = config_problem(config)
    return Failure(problem) if problem else Success(LoraModel(base, config))


def forward_backward(
    model: LoraModel,
    examples: Sequence[Example],
    loss: str,
    config: Mapping[str, float | str] | None = None,
    *,
    forward_only: bool = False,
) -> Outcome[StepOutput, str]:
    """Evaluate `loss` (summed over tokens and examples) and add its gradient to what the model has gathered.

    `forward_only` leaves the model untouched. A Failure (unknown loss or option, missing or misshapen input, token out
    of range, too long for the context) leaves it untouched as well.
    """
    options = config or {}
    architecture = model.base.architecture
    problem = loss_problem(loss, options) or examples_problem(examples, loss, architecture)
    if problem:
        return Failure(problem)
    numbers = {**LOSSES[loss].options, **{name: float(value) for name, value in options.items()}}
    with np.errstate(over="ignore", invalid="ignore"):
        output, gradients = evaluate(model.merged(), examples, loss, numbers, architecture, forward_only=forward_only)
    if not np.isfinite(output.metrics["loss:sum"]):
        return Failure("the loss is not finite: the weights have diverged, or the log-probabilities are far apart")
    if not all(np.isfinite(row["logprobs"]).all() for row in output.outputs):
        return Failure(DIVERGED)
    if not forward_only:
        model.gradients = added(model.gradients, adapter_gradients(model.adapter, gradients, model.config.rank))
    return Success(output)


def optim_step(model: LoraModel, params: AdamParams) -> Outcome[Mapping[str, float], str]:
    """Make one Adam step with the gathered gradients, forget them, return metrics (`grad_norm` before clipping).

    No gradients count as zeros. A gradient that is not finite, or whose squares are not, is a Failure, is forgotten,
    and changes nothing.
    """
    problem = settings_problem(params)
    if problem:
        return Failure(problem)
    gradients = model.gradients or {name: np.zeros_like(value) for name, value in model.adapter.items()}
    model.gradients = {}
    with np.errstate(over="ignore", invalid="ignore"):
        adapter, state, metrics = adam_step(model.adapter, gradients, model.state, params)
        finite = np.isfinite(metrics["grad_norm"]) and np.isfinite(global_norm(adapter))
        bounded = np.isfinite(global_norm(state.second))
    if not finite:
        return Failure("the gradient or the new weights are not finite: the step was not made, the gradient is dropped")
    if not bounded:
        return Failure(
            f"a gradient of norm {metrics['grad_norm']:.2g} is too large for Adam: the step was not made, the gradient "
            "is dropped; grad_clip_norm would bound it"
        )
    model.adapter, model.state = adapter, state
    return Success(metrics)
