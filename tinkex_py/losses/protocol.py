"""What a loss on log-probabilities takes and gives. Pure.

A loss is a function `loss(data, logprobs)`. `logprobs` holds one array for each datum, shaped like its target tokens
(`[N]` for the N tokens that sparse ones list), in nats. It returns `(loss, metrics)` when torch differentiates it, or
`(loss, metrics, gradients)` when it gives its own: one array for each datum, of the same shape, the derivative of the
loss by each log-probability.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any, NamedTuple, SupportsFloat, TypeAlias

import numpy as np
from numpy.typing import NDArray
from typing_extensions import TypeIs

from tinkex_py.types.arrays import is_tensor, may_have_gaps
from tinkex_py.types.datum import Datum
from tinkex_py.types.mapping import FrozenMapping
from tinkex_py.types.raised import shortened

Arrays: TypeAlias = tuple[NDArray[np.float64], ...]
"""One array for each datum of a batch."""

LossFunction: TypeAlias = Callable[[Sequence[Datum], Any], tuple[Any, Mapping[str, Any], Any] | tuple[Any, Any]]
"""A caller's loss: its second argument are torch tensors or numpy arrays, as it was asked for."""


class LossError(ValueError):
    """A loss returned what can't be used; the text says what to return instead."""


class RegularizerError(LossError):
    """The regularizer of that name raised, whatever it was, or returned what can't be used."""

    def __init__(self, name: str, reason: str) -> None:
        super().__init__(f"{name}: {reason}")
        self.name = name
        self.reason = reason


class Evaluation(NamedTuple):
    """A loss at a point: its value, metrics, and gradients, one array for each datum."""

    loss: float
    metrics: Mapping[str, float]
    gradients: Arrays

    @property
    def is_finite(self) -> bool:
        """Whether the loss and every gradient are numbers that float32 can hold."""
        numbers = (np.asarray(self.loss), *self.gradients)
        return all(np.isfinite(each).all() and (np.abs(each) < _LARGEST).all() for each in numbers)


def arrays_of(values: Sequence[object]) -> Arrays:
    """The values as arrays of doubles."""
    return tuple(map(_doubles, values))


def evaluation_of(returned: object, logprobs: Arrays) -> Evaluation:
    """What a loss returned, checked; LossError says what is wrong with it."""
    if not _is_triple(returned):
        raise LossError(f"{_WANTED}; gradients may be left out only by a loss that gets torch's tensors")
    loss, metrics, gradients = returned
    if loss is None or gradients is None:
        raise LossError(f"{'the loss is' if loss is None else 'the gradients are'} None: {_WANTED}")
    value, slopes = _scalar(_doubles(loss)), arrays_of(gradients)
    shapes, wanted = [slope.shape for slope in slopes], [point.shape for point in logprobs]
    if shapes != wanted:
        raise LossError(f"the gradients have shapes {shapes}, the log-probabilities {wanted}: return one for each")
    found = Evaluation(value, metrics_of(metrics), slopes)
    if not found.is_finite:
        raise LossError("the loss or one of its gradients is not finite")
    return found


def _scalar(loss: NDArray[np.float64]) -> float:
    """The one number that a loss is."""
    if loss.size != 1:
        raise LossError(f"the loss has the shape {loss.shape}: return one number, such as the sum of these")
    return float(loss.reshape(()))


def metrics_of(metrics: object) -> Mapping[str, float]:
    """A caller's metrics as plain floats; None counts as none."""
    if metrics is None:
        return FrozenMapping[str, float]()
    if not _is_mapping(metrics):
        raise LossError(f"the metrics are a {type(metrics).__name__}: return a mapping of names to numbers")
    return FrozenMapping({str(name): _number(name, value) for name, value in metrics.items()})


def _doubles(value: object) -> NDArray[np.float64]:
    """An array of what numpy reads, or of a torch tensor: of any precision, also one that torch still follows."""
    if value.is_complex() if is_tensor(value) else np.asanyarray(value).dtype.kind == "c":
        raise LossError("it gives complex numbers: return real ones")
    if may_have_gaps(type(value)):
        raise LossError("it gives a masked array, which may have gaps; fill them, as its method `filled` does")
    return np.asarray(value.detach().cpu().double().numpy() if is_tensor(value) else value, np.float64)


def _number(name: object, value: SupportsFloat) -> float:
    try:
        return float(_doubles(value).reshape(()) if is_tensor(value) else value)
    except Exception as error:
        raise LossError(f"metric {shortened(name)} is {shortened(value)}: return a number") from error


def _is_triple(value: object) -> TypeIs[tuple[object, object, Sequence[object] | None]]:
    return isinstance(value, tuple) and value[3:] == () and value[2:] != ()


def _is_mapping(value: object) -> TypeIs[Mapping[object, SupportsFloat]]:
    return isinstance(value, Mapping)


_WANTED = "return (loss, metrics, gradients), a number, a mapping, and an array for each datum"
_LARGEST = 3.4e38
"""What float32 can hold."""
