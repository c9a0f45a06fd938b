"""The loss of a batch of examples and its gradient for the merged matrices. Pure."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import msgspec
import numpy as np
import numpy.typing as npt

from tinkex_py.local.architecture import Architecture, Floats, Parameters, Tokens
from tinkex_py.local.examples import Example, groups, padded
from tinkex_py.local.losses import LOSSES, Value, folded_metrics
from tinkex_py.local.transformer import Tape, backward, forward, log_softmax


class StepOutput(msgspec.Struct, frozen=True, kw_only=True):
    """Per example a mapping with `logprobs` (float32, shaped like `target_tokens`), and metrics like `loss:sum`."""

    outputs: tuple[Mapping[str, npt.NDArray[np.float32]], ...]
    metrics: Mapping[str, float]


def evaluate(
    parameters: Parameters,
    examples: Sequence[Example],
    loss: str,
    options: Mapping[str, float],
    architecture: Architecture,
    *,
    forward_only: bool = False,
) -> tuple[StepOutput, dict[str, Floats]]:
    """Return outputs, metrics and the summed gradients; no gradients with `forward_only`. The examples are valid."""
    found: dict[int, tuple[Floats, Value]] = {}
    gradients: dict[str, Floats] = {}
    for places in groups([len(example.tokens) for example in examples]):
        batch = [examples[place] for place in places]
        tape = forward(parameters, padded([example.tokens for example in batch]), architecture)
        scored, slope = _scored(tape, batch, loss, options)
        found |= dict(zip(places, scored, strict=True))
        if not forward_only:
            gradients = added(gradients, backward(parameters, tape, slope, architecture))
    ordered = [found[place] for place in range(len(examples))]
    outputs = tuple({"logprobs": logprobs.astype(np.float32)} for logprobs, _ in ordered)
    return StepOutput(outputs=outputs, metrics=folded_metrics([value for _, value in ordered])), gradients


def added(sums: Parameters, gradients: Parameters) -> dict[str, Floats]:
    """Add gradients to earlier ones; an empty mapping stands for zeros."""
    return {name: sums[name] + value for name, value in gradients.items()} if sums else dict(gradients)


def _scored(
    tape: Tape, batch: Sequence[Example], loss: str, options: Mapping[str, float]
) -> tuple[list[tuple[Floats, Value]], Floats]:
    """Each example's log-probabilities and loss, and the gradient of the logits `[B * T, vocabulary]`."""
    table = log_softmax(tape.logits)
    slope = np.zeros_like(table)
    length = tape.tokens.shape[1]
    scored: list[tuple[Floats, Value]] = []
    for row, example in enumerate(batch):
        rows = slice(row * length, row * length + len(example.tokens))
        logprobs, value = _example_loss(table[rows], example, loss, options)
        slope[rows] = _logits_slope(table[rows], example.inputs["target_tokens"], value.slope)
        scored.append((logprobs, value))
    return scored, slope


def _example_loss(table: Floats, example: Example, loss: str, options: Mapping[str, float]) -> tuple[Floats, Value]:
    targets = example.inputs["target_tokens"].astype(np.int64)
    logprobs = np.take_along_axis(table, targets.reshape(len(targets), -1), axis=1).reshape(targets.shape)
    inputs = {name: value.astype(table.dtype) for name, value in example.inputs.items() if name != "target_tokens"}
    return logprobs, LOSSES[loss].evaluate(logprobs, inputs, options)


def _logits_slope(table: Floats, targets: npt.NDArray[np.generic], slope: Floats) -> Floats:
    """Carry the gradient of the targets' log-probabilities `[T]` or `[T, K]` over to the logits `[T, vocabulary]`."""
    columns: Tokens = targets.astype(np.int64).reshape(len(table), -1)
    slopes = slope.reshape(columns.shape)
    logits_slope: Floats = np.exp(table) * -slopes.sum(axis=1, keepdims=True)
    for place in range(columns.shape[1]):
        logits_slope[np.arange(len(table)), columns[:, place]] += slopes[:, place]
    return logits_slope
