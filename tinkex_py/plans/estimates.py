"""About how many bytes values take on the wire, told without encoding them. Pure."""

from __future__ import annotations

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


def estimated_batch(rows: Rows) -> int:
    """The bytes of a batch: those of its inputs, and 10 a number of its tensors; what is no datum takes none."""
    sizes = list(map(_alike, rows.looks))
    return sum(map(sizes.__getitem__, rows.places)) + sum(map(_other, rows.others.values()))


def _alike(looks: Looks) -> int:
    """The bytes of a datum that looks like that."""
    ids = sum(looks.texts) // 4
    return _BYTES_PER_NUMBER * (ids + sum(each.size // WIDTHS[each.dtype] for each in looks.inputs))


def _other(datum: object) -> int:
    if not isinstance(datum, Datum):
        return 0
    numbers = sum(tensor.size for tensor in datum.loss_fn_inputs.values())
    return estimated(datum.model_input) + _BYTES_PER_NUMBER * numbers


def _bytes(chunk: ModelInputChunk) -> int:
    match chunk:
        case EncodedTextChunk():
            return _BYTES_PER_NUMBER * len(chunk.tokens)
        case ImageChunk(data=content) | ImageAssetPointerChunk(location=content) | DmelChunk(dmel=content):
            return len(content)
        case _:
            assert_never(chunk)
