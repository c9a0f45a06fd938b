"""Training examples: a model input beside what the loss needs to know about it. Pure."""

from __future__ import annotations

from collections.abc import Mapping

from tinkex_py.types.inputs import ModelInput
from tinkex_py.types.mapping import FrozenMapping
from tinkex_py.types.tensor import DType, TensorData, TensorDataLike

LOSS_INPUT_DTYPES: dict[str, DType] = {
    "target_tokens": "int64",
    "weights": "float32",
    "advantages": "float32",
    "logprobs": "float32",
    "clip_low_threshold": "float32",
    "clip_high_threshold": "float32",
    "sequence_ratio_mask": "float32",
}
"""The dtype that lists and arrays take under the loss inputs every Tinker server knows."""


class Datum:
    """One training example: `model_input` `[T]` and the loss's inputs, each a tensor of shape `[T]` or `[T, K]`.

    Loss inputs may be given as lists, arrays or tensors; they are converted here, once.

    >>> datum = Datum(ModelInput.from_ints([1, 2]), {"target_tokens": [2, 3], "weights": [1, 1]})
    >>> datum.loss_fn_inputs["weights"]
    TensorData([1.0, 1.0], dtype='float32', shape=(2,))
    """

    __slots__ = ("loss_fn_inputs", "model_input")

    def __init__(self, model_input: ModelInput, loss_fn_inputs: Mapping[str, TensorDataLike]) -> None:
        self.model_input = model_input
        self.loss_fn_inputs: FrozenMapping[str, TensorData] = FrozenMapping(
            {name: TensorData.of(value, LOSS_INPUT_DTYPES.get(name)) for name, value in loss_fn_inputs.items()}
        )

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Datum) and (self.model_input, self.loss_fn_inputs) == (
            other.model_input,
            other.loss_fn_inputs,
        )

    def __hash__(self) -> int:
        return hash((self.model_input, self.loss_fn_inputs))

    def __repr__(self) -> str:
        return f"Datum(model_input={self.model_input!r}, loss_fn_inputs={self.loss_fn_inputs!r})"
