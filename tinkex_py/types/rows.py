"""Data taken apart: what each looks like, and its numbers as bytes. The data of a batch mostly look alike. Pure."""

from __future__ import annotations

from collections.abc import Callable, Sequence
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
    """A datum without its numbers: the bytes of its token ids, and its loss inputs."""

    ids: int
    inputs: tuple[Input, ...]


class Rows(NamedTuple):
    """The looks that there are, which of them each datum has, and its buffers: token ids, then the loss inputs."""

    looks: Sequence[Looks]
    places: Sequence[int]
    buffers: Sequence[Sequence[memoryview]]

    def all_of(self, wanted: Callable[[Input], bool]) -> list[memoryview]:
        """The buffers of these loss inputs, of all data."""
        inputs = [[1 + index for index, each in enumerate(looks.inputs) if wanted(each)] for looks in self.looks]
        return [row[index] for place, row in zip(self.places, self.buffers, strict=True) for index in inputs[place]]


def rows_of(data: Sequence[object]) -> Rows | None:
    """The data in rows, if each is one chunk of text with dense loss inputs, all of which could be packed.

    Most batches are. None for others, which have to be gone through part by part. All is done in one place, as a call
    for each datum would cost as much again.
    """
    known, places, rows = dict[tuple[Any, ...], int](), list[int](), list[list[memoryview]]()
    for datum in data:
        if not isinstance(datum, Datum) or datum.model_input_spans is not None or datum.loss_fn_input_spans is not None:
            return None
        prompt = datum.model_input
        if type(prompt) is not ModelInput or len(prompt.chunks) != 1:
            return None
        chunk = prompt.chunks[0]
        if not isinstance(chunk, EncodedTextChunk):
            return None
        tokens = chunk.packed
        if tokens.problem is not None:
            return None
        buffer = tokens.buffer
        row = [buffer]
        looks: list[Any] = [len(buffer)]
        for name, tensor in datum.loss_fn_inputs.items():
            if tensor.problem is not None or tensor.sparse_crow_indices is not None:
                return None
            buffer = tensor.buffer
            row.append(buffer)
            looks += (name, tensor.dtype, tensor.shape, len(buffer))
        places.append(known.setdefault(tuple(looks), len(known)))
        rows.append(row)
    return Rows([_named(*looks) for looks in known], places, rows)


def _named(ids: int, *inputs: Any) -> Looks:
    """What one datum looks like, from the flat form in which looks are told apart."""
    return Looks(ids, tuple(map(Input, inputs[0::4], inputs[1::4], inputs[2::4], inputs[3::4])))
