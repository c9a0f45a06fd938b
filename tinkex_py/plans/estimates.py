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
from tinkex_py.types.rows import Rows
from tinkex_py.types.tensor import WIDTHS

_BYTES_PER_NUMBER = 10


def estimated(prompt: ModelInput) -> int:
    """The bytes of a prompt: 10 a token, and what other chunks hold."""
    return sum(map(_bytes, prompt.chunks))


def estimated_batch(rows: Rows) -> int:
    """The bytes of a batch: those of its inputs, and 10 a number of its tensors; what is no datum takes none."""
    ids = sum(map(len, rows.texts)) // 4
    numbers = sum(sum(map(len, column)) // WIDTHS[dtype] for (_, dtype), column in rows.inputs.items())
    return _BYTES_PER_NUMBER * (ids + numbers) + sum(map(_other, rows.others.values()))


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
