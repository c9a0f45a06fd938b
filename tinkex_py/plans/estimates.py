"""About how many bytes values take on the wire, told without encoding them. Pure."""

from __future__ import annotations

from collections.abc import Sequence
from typing import assert_never

from tinkex_py.types.datum import Datum
from tinkex_py.types.inputs import (
    DmelChunk,
    EncodedTextChunk,
    ImageAssetPointerChunk,
    ImageChunk,
    ModelInput,
    ModelInputChunk,
)
from tinkex_py.types.rows import Looks, Rows
from tinkex_py.types.tensor import WIDTHS

_BYTES_PER_NUMBER = 10


def estimated(prompt: ModelInput) -> int:
    """The bytes of a prompt: 10 a token, and what other chunks hold."""
    return sum(map(_bytes, prompt.chunks))


def estimated_batch(data: Sequence[object], rows: Rows | None = None) -> int:
    """The bytes of a batch: those of its inputs, and 10 a number of its tensors; what is no datum takes none.

    `rows` are the same data taken apart, if somebody did so.
    """
    if rows is not None:
        sizes = list(map(_alike, rows.looks))
        return sum(map(sizes.__getitem__, rows.places))
    size = 0
    for datum in data:
        if isinstance(datum, Datum):
            size += estimated(datum.model_input)
            for tensor in datum.loss_fn_inputs.values():
                size += _BYTES_PER_NUMBER * tensor.size
    return size


def _alike(looks: Looks) -> int:
    """The bytes of a datum that looks like that."""
    return _BYTES_PER_NUMBER * (looks.ids // 4 + sum(each.size // WIDTHS[each.dtype] for each in looks.inputs))


def _bytes(chunk: ModelInputChunk) -> int:
    match chunk:
        case EncodedTextChunk():
            return _BYTES_PER_NUMBER * len(chunk.tokens)
        case ImageChunk(data=content) | ImageAssetPointerChunk(location=content) | DmelChunk(dmel=content):
            return len(content)
        case _:
            assert_never(chunk)
