"""A loss and its regularizers as one objective. Pure."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import reduce
from typing import ClassVar, NamedTuple

import numpy as np
from msgspec import Struct, structs

from tinkex_py.errors import InvalidInput
from tinkex_py.losses.protocol import Arrays, Evaluation, LossFunction, RegularizerError, evaluation_of
from tinkex_py.types.datum import Datum
from tinkex_py.types.kinds import is_number, is_plain_function
from tinkex_py.types.limits import Rule, broken, name_problem
from tinkex_py.types.numbers import PlainNumbers
from tinkex_py.types.raised import in_words, shortened


class Settled(Struct, frozen=True):
    """A loss with settings, each of which has a rule."""

    rules: ClassVar[Sequence[Rule]] = ()


class RegularizerSpec(PlainNumbers, frozen=True, kw_only=True):
    """A regularizer under a name, which its metrics bear, with a weight of at least 0."""

    fn: LossFunction
    weight: float
    name: str


class RegularizerOutput(Struct, frozen=True, kw_only=True):
    """What a regularizer added: its own value, and that times its weight; `grad_norm` is that of the weighted part."""

    name: str
    value: float
    weight: float
    contribution: float
    metrics: Mapping[str, float]
    grad_norm: float | None = None


class CustomLossOutput(Struct, frozen=True, kw_only=True):
    """An objective at a point: the loss, what each regularizer added, and L2 norms of gradients if asked for."""

    loss_total: float
    base_loss: float
    base_metrics: Mapping[str, float]
    regularizers: tuple[RegularizerOutput, ...]
    regularizer_total: float
    base_grad_norm: float | None = None
    total_grad_norm: float | None = None

    @property
    def metrics(self) -> dict[str, float]:
        """All of it as metrics of a step: those of the loss, and `regularizer/NAME:sum` for each regularizer."""
        parts = {"base_loss:sum": self.base_loss, "regularizer_total:sum": self.regularizer_total}
        norms = {"base_grad_norm:mean": self.base_grad_norm, "grad_norm:mean": self.total_grad_norm}
        for each in self.regularizers:
            parts[f"regularizer/{each.name}:sum"] = each.contribution
            parts |= {f"regularizer/{each.name}/{name}": value for name, value in each.metrics.items()}
            norms[f"regularizer/{each.name}/grad_norm:mean"] = each.grad_norm
        known = {name: norm for name, norm in norms.items() if norm is not None}
        return {**self.base_metrics, **(parts if self.regularizers else {}), **known}


class Completed(NamedTuple):
    """An objective at a point, and its gradients, one array for each datum."""

    output: CustomLossOutput
    gradients: Arrays

    @property
    def evaluation(self) -> Evaluation:
        """The same as of any other loss."""
        return Evaluation(self.output.loss_total, self.output.metrics, self.gradients)


class Objective(Struct, frozen=True, kw_only=True):
    """What is added to a loss: weighted regularizers, and L2 norms of gradients among its metrics if asked for."""

    regularizers: tuple[RegularizerSpec, ...] = ()
    track_grad_norms: bool = False

    def problem(self) -> str | None:
        """What is wrong with the regularizers, found before anything is sent."""
        unclear = next(filter(None, map(_unclear, self.regularizers)), None)
        if unclear is not None:
            return unclear
        names = [each.name for each in self.regularizers]
        repeated = sorted({name for name in names if names.count(name) > 1})
        return f"regularizers share the name {repeated[0]!r}; give each its own" if repeated else None

    def completed(self, base: Evaluation, data: Sequence[Datum], logprobs: Arrays) -> Completed:
        """The base loss with the regularizers added, and what each of them came to."""
        parts = [(each, _added_by(each, data, logprobs)) for each in self.regularizers]
        scaled = [tuple(each.weight * slope for slope in part.gradients) for each, part in parts]
        gradients = reduce(_added, scaled, base.gradients)
        outputs = tuple(
            RegularizerOutput(
                name=each.name,
                value=part.loss,
                weight=each.weight,
                contribution=each.weight * part.loss,
                metrics=part.metrics,
                grad_norm=self._norm(slopes),
            )
            for (each, part), slopes in zip(parts, scaled, strict=True)
        )
        added = sum(output.contribution for output in outputs)
        output = CustomLossOutput(
            loss_total=base.loss + added,
            base_loss=base.loss,
            base_metrics=base.metrics,
            regularizers=outputs,
            regularizer_total=added,
            base_grad_norm=self._norm(base.gradients),
            total_grad_norm=self._norm(gradients),
        )
        return Completed(output, gradients)

    def _norm(self, gradients: Arrays) -> float | None:
        return gradient_norm(gradients) if self.track_grad_norms else None


def evaluate(loss_fn: LossFunction, data: Sequence[Datum], logprobs: Arrays) -> Evaluation:
    """A loss that gives its own gradients, at a point; LossError when what it returns can't be used.

    It gets arrays of its own, so that it may change them: others are evaluated at the same point.
    """
    return evaluation_of(loss_fn(data, tuple(each.copy() for each in logprobs)), logprobs)


def unsettled_loss(loss_fn: object) -> InvalidInput | None:
    """The first setting of one of this package's losses that breaks its rule."""
    return broken(loss_fn.rules, structs.asdict(loss_fn)) if isinstance(loss_fn, Settled) else None


def gradient_norm(gradients: Arrays) -> float:
    """The L2 norm over the gradients of all data."""
    return float(np.sqrt(sum(float((slope * slope).sum()) for slope in gradients)))


def _added_by(regularizer: RegularizerSpec, data: Sequence[Datum], logprobs: Arrays) -> Evaluation:
    try:
        return evaluate(regularizer.fn, data, logprobs)
    except BaseException as error:
        raise RegularizerError(regularizer.name, in_words(error)) from error


def _unclear(regularizer: object) -> str | None:
    if not isinstance(regularizer, RegularizerSpec):
        return f"{shortened(regularizer)} is among them; give each as a RegularizerSpec"
    name, weight = shortened(regularizer.name), shortened(regularizer.weight)
    if name_problem(regularizer.name, "name") is not None or not is_number(regularizer.weight, 0):
        return f"regularizer {name} has weight {weight}; give a name, and a finite weight of at least 0"
    if not is_plain_function(regularizer.fn):
        return f"regularizer {name} has no function that can be called; give one that isn't async as fn"
    unsettled = unsettled_loss(regularizer.fn)
    return None if unsettled is None else f"regularizer {name}: {unsettled.message}"


def _added(sums: Arrays, gradients: Arrays) -> Arrays:
    return tuple(one + other for one, other in zip(sums, gradients, strict=True))
