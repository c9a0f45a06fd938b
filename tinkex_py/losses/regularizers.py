"""Regularizers on log-probabilities, each with its gradient. Pure.

Each is a loss that gives its own gradients: `regularizer(data, logprobs) -> (value, metrics, gradients)`. Values are
means over all positions of the batch, so that they don't grow with its size.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from math import inf
from typing import ClassVar, Literal, TypeAlias

import numpy as np
from msgspec import Struct
from numpy.typing import NDArray

from tinkex_py.losses.objective import Settled, evaluate, gradient_norm
from tinkex_py.losses.protocol import Arrays, Evaluation, LossError, LossFunction, arrays_of
from tinkex_py.types.datum import Datum
from tinkex_py.types.kinds import as_number, is_number, is_plain_function, is_share, is_truth, one_of, optional
from tinkex_py.types.limits import Rule
from tinkex_py.types.mapping import FrozenMapping

Array: TypeAlias = "NDArray[np.float64]"
Pointwise: TypeAlias = Callable[[Array], "tuple[Array, Array]"]
"""Values and derivatives, element by element."""

_STEP = 1e-4
"""How far a numerical second derivative looks, in nats along a unit vector."""


def _choice(field: str, *words: str) -> Rule:
    return Rule(field, one_of(*words), f"give {', '.join(map(repr, words[:-1]))} or {words[-1]!r}")


def _is_norm(value: object) -> bool:
    return is_number(value, 0)


def _is_temperature(value: object) -> bool:
    return 0 < as_number(value) < inf


class L1(Struct, frozen=True):
    """The mean absolute log-probability."""

    def __call__(self, data: Sequence[Datum], logprobs: Arrays) -> Evaluation:
        """The value, and the sign of each log-probability over their number."""
        del data
        return _mean(logprobs, lambda points: (np.abs(points), np.sign(points)))


class L2(Struct, frozen=True):
    """The mean squared log-probability."""

    def __call__(self, data: Sequence[Datum], logprobs: Arrays) -> Evaluation:
        """The value and its gradients."""
        del data
        return _mean(logprobs, lambda points: (points**2, 2 * points))


class ElasticNet(Settled, frozen=True, kw_only=True):
    """L1 and L2 mixed: `l1_ratio` of the first, the rest of the second."""

    rules: ClassVar[Sequence[Rule]] = (Rule("l1_ratio", is_share, "give a number from 0 to 1"),)

    l1_ratio: float = 0.5

    def __call__(self, data: Sequence[Datum], logprobs: Arrays) -> Evaluation:
        """The value and its gradients."""
        one, other = L1()(data, logprobs), L2()(data, logprobs)
        slopes = zip(one.gradients, other.gradients, strict=True)
        ratio = self.l1_ratio
        return Evaluation(
            ratio * one.loss + (1 - ratio) * other.loss,
            FrozenMapping({"l1:mean": one.loss, "l2:mean": other.loss}),
            tuple(ratio * first + (1 - ratio) * second for first, second in slopes),
        )


class Entropy(Settled, frozen=True, kw_only=True):
    """The mean entropy `-p log p` of the listed tokens, in nats, to be made smaller or (`maximize`) larger.

    Log-probabilities are divided by `temperature` first. With K targets a position, `normalize` first makes the K
    probabilities add up to 1 and divides by the log of K.
    """

    rules: ClassVar[Sequence[Rule]] = (
        _choice("mode", "minimize", "maximize"),
        Rule("temperature", _is_temperature, "give a finite number above 0"),
        Rule("normalize", is_truth, "give True or False"),
    )

    mode: Literal["minimize", "maximize"] = "minimize"
    temperature: float = 1.0
    normalize: bool = False

    def __call__(self, data: Sequence[Datum], logprobs: Arrays) -> Evaluation:
        """The value and its gradients."""
        del data
        sign = 1.0 if self.mode == "minimize" else -1.0
        entropy = self._distribution if self.normalize else self._listed
        found = _mean(logprobs, lambda points: entropy(points / self.temperature), rows=True)
        slopes = tuple(sign * slope / self.temperature for slope in found.gradients)
        return Evaluation(sign * found.loss, FrozenMapping({"entropy:mean": found.loss}), slopes)

    @staticmethod
    def _listed(points: Array) -> tuple[Array, Array]:
        chances = np.exp(points)
        return -chances * points, -chances * (points + 1)

    @staticmethod
    def _distribution(points: Array) -> tuple[Array, Array]:
        if points.ndim < 2 or points.shape[-1] < 2:
            raise LossError("a normalized entropy needs at least two targets at each position: targets [T, K]")
        shifted = points - points.max(-1, keepdims=True)
        logs = shifted - np.log(np.exp(shifted).sum(-1, keepdims=True))
        chances = np.exp(logs)
        entropy = -(chances * logs).sum(-1, keepdims=True)
        scale = np.log(points.shape[-1])
        return -chances * logs / scale, -chances * (logs + entropy) / scale


class KLDivergence(Settled, frozen=True, kw_only=True):
    """The mean divergence from a reference, over the listed tokens and in nats.

    `forward` is `p (log p - log q)`, `reverse` is `q (log q - log p)`; `symmetric` is the mean of both. The reference
    `q` is given as `reference_logprobs`, one array for each datum, or computed by `compute_reference(data)`, or is
    the loss input `reference_field` of each datum, shaped like its target tokens.
    """

    rules: ClassVar[Sequence[Rule]] = (
        Rule("compute_reference", optional(is_plain_function), "give a function of the data, or None"),
        _choice("direction", "forward", "reverse"),
        Rule("symmetric", is_truth, "give True or False"),
    )

    reference_logprobs: Sequence[object] | None = None
    reference_field: str = "reference_logprobs"
    compute_reference: Callable[[Sequence[Datum]], Sequence[object]] | None = None
    direction: Literal["forward", "reverse"] = "forward"
    symmetric: bool = False

    def __call__(self, data: Sequence[Datum], logprobs: Arrays) -> Evaluation:
        """The value and its gradients."""
        pairs = zip(logprobs, self._references(data, logprobs), strict=True)
        value = {"forward": _forward_divergence, "reverse": _reverse_divergence}[self.direction]
        parts = [(_mixed_divergence if self.symmetric else value)(points, others) for points, others in pairs]
        return _gathered(parts, "kl:mean")

    def _references(self, data: Sequence[Datum], logprobs: Arrays) -> Arrays:
        if self.reference_logprobs is not None:
            return _fitting(self.reference_logprobs, logprobs)
        if self.compute_reference is not None:
            return _fitting(self.compute_reference(data), logprobs)
        return _inputs(data, self.reference_field, logprobs)


class Consistency(Settled, frozen=True, kw_only=True):
    """The mean distance from log-probabilities that each datum brings along as the loss input `pair_field`."""

    rules: ClassVar[Sequence[Rule]] = (_choice("metric", "mse", "mae", "kl"),)

    pair_field: str = "original_logprobs"
    metric: Literal["mse", "mae", "kl"] = "mse"

    def __call__(self, data: Sequence[Datum], logprobs: Arrays) -> Evaluation:
        """The value and its gradients."""
        pairs = zip(logprobs, _inputs(data, self.pair_field, logprobs), strict=True)
        return _gathered([_DISTANCES[self.metric](points, others) for points, others in pairs], "consistency:mean")


class Orthogonality(Struct, frozen=True):
    """How far the positions of each datum are from being orthogonal to each other: `|off-diagonal of X X^T|^2`.

    `X` is the datum's log-probabilities `[T, K]`; the value is the mean over the pairs of positions of the batch.
    """

    def __call__(self, data: Sequence[Datum], logprobs: Arrays) -> Evaluation:
        """The value and its gradients."""
        del data
        if any(points.ndim != 2 for points in logprobs):
            raise LossError("orthogonality is of matrices: give targets [T, K]")
        grams = [points @ points.T for points in logprobs]
        off = [gram - np.diag(np.diag(gram)) for gram in grams]
        pairs = max(1, sum(gram.size - len(gram) for gram in grams))
        value = sum(float((each**2).sum()) for each in off) / pairs
        slopes = tuple(4 * each @ points / pairs for each, points in zip(off, logprobs, strict=True))
        return Evaluation(value, FrozenMapping({"orthogonality:mean": value}), slopes)


class GradientPenalty(Settled, frozen=True, kw_only=True):
    """The squared distance of a loss's gradient norm from `target_norm`.

    `loss_fn` gives its own gradients. With `interpolated` the gradient is looked at half-way to the loss input
    `reference_field`. The penalty's own gradient, a second derivative, is a central difference of the loss's gradients.
    """

    rules: ClassVar[Sequence[Rule]] = (
        Rule("loss_fn", is_plain_function, "give a loss that gives its own gradients"),
        _choice("mode", "output", "interpolated"),
        Rule("target_norm", _is_norm, "give a finite number of at least 0"),
    )

    loss_fn: LossFunction
    mode: Literal["output", "interpolated"] = "output"
    target_norm: float = 1.0
    reference_field: str = "reference_logprobs"

    def __call__(self, data: Sequence[Datum], logprobs: Arrays) -> Evaluation:
        """The value and its gradients."""
        share, place = self._place(data, logprobs)
        slopes = evaluate(self.loss_fn, data, place).gradients
        norm = gradient_norm(slopes)
        excess = norm - self.target_norm
        metrics = FrozenMapping({"penalized_grad_norm:mean": norm})
        if norm == 0:
            return Evaluation(excess**2, metrics, tuple(map(np.zeros_like, slopes)))
        curved = self._curvature(data, place, tuple(slope / norm for slope in slopes))
        return Evaluation(excess**2, metrics, tuple(2 * excess * share * each for each in curved))

    def _place(self, data: Sequence[Datum], logprobs: Arrays) -> tuple[float, Arrays]:
        if self.mode == "output":
            return 1.0, logprobs
        others = _inputs(data, self.reference_field, logprobs)
        return 0.5, tuple((points + other) / 2 for points, other in zip(logprobs, others, strict=True))

    def _curvature(self, data: Sequence[Datum], place: Arrays, direction: Arrays) -> Arrays:
        """The derivative of the gradient along a unit vector."""
        pairs = list(zip(place, direction, strict=True))
        ahead = evaluate(self.loss_fn, data, tuple(points + _STEP * along for points, along in pairs)).gradients
        behind = evaluate(self.loss_fn, data, tuple(points - _STEP * along for points, along in pairs)).gradients
        return tuple((one - other) / (2 * _STEP) for one, other in zip(ahead, behind, strict=True))


def _mean(logprobs: Arrays, pointwise: Pointwise, *, rows: bool = False) -> Evaluation:
    """The mean over elements, or over positions when `rows` are summed first."""
    count = max(1, sum(len(np.atleast_1d(points)) if rows else points.size for points in logprobs))
    parts = [pointwise(points) for points in logprobs]
    value = sum(float(values.sum()) for values, _ in parts) / count
    return Evaluation(value, FrozenMapping[str, float](), tuple(slopes / count for _, slopes in parts))


def _gathered(parts: Sequence[tuple[Array, Array]], metric: str) -> Evaluation:
    count = max(1, sum(len(np.atleast_1d(values)) for values, _ in parts))
    value = sum(float(values.sum()) for values, _ in parts) / count
    return Evaluation(value, FrozenMapping({metric: value}), tuple(slopes / count for _, slopes in parts))


def _forward_divergence(points: Array, others: Array) -> tuple[Array, Array]:
    chances = np.exp(points)
    return chances * (points - others), chances * (points - others + 1)


def _reverse_divergence(points: Array, others: Array) -> tuple[Array, Array]:
    chances = np.exp(others)
    return chances * (others - points), -chances


def _mixed_divergence(points: Array, others: Array) -> tuple[Array, Array]:
    (one, slope), (other, other_slope) = _forward_divergence(points, others), _reverse_divergence(points, others)
    return (one + other) / 2, (slope + other_slope) / 2


_DISTANCES: Mapping[str, Callable[[Array, Array], tuple[Array, Array]]] = {
    "mse": lambda points, others: ((points - others) ** 2, 2 * (points - others)),
    "mae": lambda points, others: (np.abs(points - others), np.sign(points - others)),
    "kl": _forward_divergence,
}


def _inputs(data: Sequence[Datum], field: str, logprobs: Arrays) -> Arrays:
    missing = next((place for place, datum in enumerate(data) if field not in datum.loss_fn_inputs), None)
    if missing is not None:
        raise LossError(f"data[{missing}] has no loss input {field!r}, which a regularizer needs")
    return _fitting([datum.loss_fn_inputs[field].listed.to_numpy() for datum in data], logprobs)


def _fitting(values: Sequence[object], logprobs: Arrays) -> Arrays:
    others = arrays_of(values)
    shapes, wanted = [other.shape for other in others], [points.shape for points in logprobs]
    if shapes != wanted:
        raise LossError(f"the reference has shapes {shapes}, the log-probabilities {wanted}")
    return others
