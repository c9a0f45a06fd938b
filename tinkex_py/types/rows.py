"""Data taken apart: what each looks like, and its numbers as bytes. The data of a batch mostly look alike. Pure."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

from tinkex_py.types.datum import Datum
from tinkex_py.types.inputs import EncodedTextChunk, ModelInput
from tinkex_py.types.packing import Shape
from tinkex_py.types.tensor import DType


class Kind(NamedTuple):
    """What loss inputs that are checked together have in common; `sound` ones have been checked already."""

    name: str
    dtype: DType
    sound: bool = False


class Input(NamedTuple):
    """A dense loss input without its numbers, which take `size` bytes."""

    kind: Kind
    shape: Shape | None
    size: int


class Looks(NamedTuple):
    """A datum without its numbers: the bytes of each text's token ids, and its loss inputs."""

    texts: tuple[int, ...]
    inputs: tuple[Input, ...]


class Rows(NamedTuple):
    """The data of a batch, taken apart; `others` are those that can't be, by their places in the batch."""

    looks: Sequence[Looks]
    """The different looks that the data have."""
    places: Sequence[int]
    """For each datum, the place of its looks among them."""
    buffers: Sequence[Sequence[memoryview]]
    """For each datum, its numbers: token ids, then the loss inputs."""
    texts: Sequence[memoryview]
    """The token ids of all data once more."""
    inputs: Mapping[Kind, Sequence[memoryview]]
    """The loss inputs of all data once more, by kind."""
    others: Mapping[int, object]


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
    named = [_named(*looks) for looks in known]
    return Rows(named, places, rows, *_columns(named, places, rows), others)


def _taken_apart(datum: object, looks: list[Any]) -> list[memoryview] | None:
    """The buffers of a datum; what it looks like is added to `looks`, flat."""
    if not isinstance(datum, Datum) or datum.model_input_spans is not None or datum.loss_fn_input_spans is not None:
        return None
    if datum.problem is not None:
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
        looks += (name, tensor.dtype, tensor.sound, tensor.shape, len(buffer))
    return row


def _columns(
    named: Sequence[Looks], places: Sequence[int], rows: Sequence[Sequence[memoryview]]
) -> tuple[list[memoryview], dict[Kind, list[memoryview]]]:
    """All buffers by what they hold."""
    alike: list[list[Sequence[memoryview]]] = [[] for _ in named]
    for place, row in zip(places, rows, strict=True):
        alike[place].append(row)
    texts: list[memoryview] = []
    inputs: dict[Kind, list[memoryview]] = {}
    for looks, those in zip(named, alike, strict=True):
        columns = [texts] * len(looks.texts)
        columns += [inputs.setdefault(each.kind, []) for each in looks.inputs]
        for column, buffers in zip(columns, zip(*those, strict=True), strict=True):
            column.extend(buffers)
    return texts, inputs


def _named(texts: int, *rest: Any) -> Looks:
    """What one datum looks like, from the flat form in which looks are told apart."""
    inputs = rest[texts:]
    kinds = map(Kind, inputs[0::5], inputs[1::5], inputs[2::5])
    return Looks(rest[:texts], tuple(map(Input, kinds, inputs[3::5], inputs[4::5])))
