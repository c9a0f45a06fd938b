"""Training examples: a model input beside what the loss needs to know about it. Pure."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TypeAlias

from tinkex_py.types.arrays import is_tensor
from tinkex_py.types.inputs import ModelInput
from tinkex_py.types.kinds import is_mapping
from tinkex_py.types.mapping import FrozenMapping, row
from tinkex_py.types.numbers import PlainNumbers
from tinkex_py.types.packing import Unpackable
from tinkex_py.types.raised import shortened
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


SPARSE_INPUTS = frozenset({"target_tokens", "weights"})
"""Loss inputs whose torch matrices are compressed when they are mostly zeros."""


class PromptProvenanceSpan(PlainNumbers, frozen=True, kw_only=True):
    """`length` positions that are those of a sample's prompt from `offset` on."""

    sequence_id: str
    length: int
    offset: int = 0


class SampledProvenanceSpan(PlainNumbers, frozen=True, kw_only=True):
    """`length` positions that are those of a sample's own tokens from `offset` on."""

    sequence_id: str
    length: int
    offset: int = 0


ProvenanceSpan: TypeAlias = PromptProvenanceSpan | SampledProvenanceSpan
ProvenanceSpans: TypeAlias = Sequence[ProvenanceSpan]
"""Runs of positions in their order, which together cover every position once."""


class Datum:
    """One training example: `model_input` `[T]` and the loss's inputs, each a tensor of shape `[T]` or `[T, K]`.

    Loss inputs may be given as lists, arrays or tensors; they are converted here, once. A torch matrix of
    `target_tokens` or `weights` that is mostly zeros becomes sparse. Loss inputs that are no mapping leave it without
    any, with the reason in `problem`.

    >>> datum = Datum(ModelInput.from_ints([1, 2]), {"target_tokens": [2, 3], "weights": [1, 1]})
    >>> datum.loss_fn_inputs["weights"]
    TensorData([1.0, 1.0], dtype='float32', shape=(2,))
    """

    __slots__ = ("loss_fn_input_spans", "loss_fn_inputs", "model_input", "model_input_spans", "problem")

    def __init__(self, model_input: ModelInput, loss_fn_inputs: Mapping[str, TensorDataLike] = FrozenMapping()) -> None:
        self.model_input = model_input
        self.problem = _unnamed(loss_fn_inputs)
        given = loss_fn_inputs.items() if self.problem is None else ()
        self.loss_fn_inputs: FrozenMapping[str, TensorData] = FrozenMapping(
            {name: _tensor(name, value) for name, value in given}
        )
        self.model_input_spans: tuple[ProvenanceSpan, ...] | None = None
        self.loss_fn_input_spans: tuple[ProvenanceSpan, ...] | None = None

    def with_provenance(self, model_input: ProvenanceSpans, loss_fn_inputs: ProvenanceSpans) -> Datum:
        """This datum with where its tokens come from: spans over `model_input` `[T]` and over `target_tokens` `[T]`.

        They are sent in protobuf; JSON has no place for them.
        """
        datum = Datum(self.model_input, self.loss_fn_inputs)
        datum.problem = self.problem
        datum.model_input_spans, datum.loss_fn_input_spans = row(model_input), row(loss_fn_inputs)
        return datum

    def _parts(self) -> tuple[object, ...]:
        return self.model_input, self.loss_fn_inputs, self.model_input_spans, self.loss_fn_input_spans, self.problem

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Datum) and self._parts() == other._parts()

    def __hash__(self) -> int:
        return hash(self._parts())

    def __repr__(self) -> str:
        wrong = "" if self.problem is None else f", problem={self.problem.told!r}"
        return f"Datum(model_input={self.model_input!r}, loss_fn_inputs={self.loss_fn_inputs!r}{wrong})"


def _unnamed(inputs: object) -> Unpackable | None:
    """Why loss inputs can't be converted."""
    if is_mapping(inputs):
        return None
    shown = shortened(inputs)
    return Unpackable(".loss_fn_inputs", f"{shown} has no names; give loss inputs under their names", shown)


def _tensor(name: str, value: TensorDataLike) -> TensorData:
    tensor = TensorData.of(value, LOSS_INPUT_DTYPES.get(name))
    return tensor.compressed() if name in SPARSE_INPUTS and is_tensor(value) else tensor
