"""Data taken apart: what each looks like, and its numbers as bytes. The data of a batch mostly look alike. Pure."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any, NamedTuple

from tinkex_py.types.datum import Datum
from tinkex_py.types.inputs import EncodedTextChunk, ModelInput
from tinkex_py.types.packing import Shape
from tinkex_py.types.tensor import DType


class Input(NamedTuple):
    """A dense loss input without its numbers, of which there are so many bytes."""

    name: str
    dtype: DType
    shape: Shape | None
    size: int


class Looks(NamedTuple):
    """A datum without its numbers: the bytes of each text's token ids, and its loss inputs."""

    texts: tuple[int, ...]
    inputs: tuple[Input, ...]


class Rows(NamedTuple):
    """The looks that there are, which of them each datum has, and its buffers: token ids, then the loss inputs.

    `others` are the data that can't be taken apart like that, under their places among all.
    """

    looks: Sequence[Looks]
    places: Sequence[int]
    buffers: Sequence[Sequence[memoryview]]
    others: Mapping[int, object]

    def all_of(self, wanted: Callable[[Input], bool]) -> list[memoryview]:
        """The buffers of these loss inputs, of all data but the others."""
        inputs = [
            [index for index, each in enumerate(looks.inputs, len(looks.texts)) if wanted(each)] for looks in self.looks
        ]
        return [row[index] for place, row in zip(self.places, self.buffers, strict=True) for index in inputs[place]]


def rows_of(data: Sequence[object]) -> Rows:
    """The data in rows: those that are texts with dense loss inputs, all of which could be packed, as most are."""
    known, places, rows = dict[tuple[Any, ...], int](), list[int](), list[list[memoryview]]()
    others: dict[int, object] = {}
    for place, datum in enumerate(data):
        looks: list[Any] = []
        row = _taken_apart(datum, looks)
        if row is None:
            others[place] = datum
        else:
            places.append(known.setdefault(tuple(looks), len(known)))
            rows.append(row)
    return Rows([_named(*looks) for looks in known], places, rows, others)


def _taken_apart(datum: object, looks: list[Any]) -> list[memoryview] | None:
    """The buffers of a datum; what it looks like is added to `looks`, flat."""
    if not isinstance(datum, Datum) or datum.model_input_spans is not None or datum.loss_fn_input_spans is not None:
        return None
    prompt = datum.model_input
    row: list[memoryview] = []
    if type(prompt) is not ModelInput:
        return None
    looks.append(len(prompt.chunks))
    for chunk in prompt.chunks:
        if not isinstance(chunk, EncodedTextChunk):
            return None
        tokens = chunk.packed
        if tokens.problem is not None:
            return None
        buffer = tokens.buffer
        row.append(buffer)
        looks.append(len(buffer))
    for name, tensor in datum.loss_fn_inputs.items():
        if tensor.problem is not None or tensor.sparse_crow_indices is not None:
            return None
        buffer = tensor.buffer
        row.append(buffer)
        looks += (name, tensor.dtype, tensor.shape, len(buffer))
    return row


def _named(texts: int, *rest: Any) -> Looks:
    """What one datum looks like, from the flat form in which looks are told apart."""
    inputs = rest[texts:]
    return Looks(rest[:texts], tuple(map(Input, inputs[0::4], inputs[1::4], inputs[2::4], inputs[3::4])))
