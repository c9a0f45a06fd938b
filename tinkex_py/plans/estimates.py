"""About how many bytes values take on the wire, told without encoding them. Pure."""

from __future__ import annotations

from tinkex_py.types.datum import Datum
from tinkex_py.types.inputs import (
    DmelChunk,
    EncodedTextChunk,
    ImageAssetPointerChunk,
    ImageChunk,
    ModelInput,
)
from tinkex_py.types.rows import Rows
from tinkex_py.types.tensor import WIDTHS

_BYTES_PER_NUMBER = 10


def estimated(prompt: object) -> int:
    """The bytes of a prompt: 10 a token, and what other chunks hold; what is no prompt takes none, as it isn't sent."""
    return sum(map(_bytes, prompt.chunks)) if isinstance(prompt, ModelInput) else 0


def estimated_batch(rows: Rows) -> int:
    """The bytes of a batch: those of its inputs, and 10 a number of its tensors; what is no datum takes none."""
    ids = sum(map(len, rows.texts)) // 4
    numbers = sum(sum(map(len, column)) // WIDTHS[kind.dtype] for kind, column in rows.inputs.items())
    return _BYTES_PER_NUMBER * (ids + numbers) + sum(map(_other, rows.others.values()))


def _other(datum: object) -> int:
    if not isinstance(datum, Datum):
        return 0
    numbers = sum(tensor.size for tensor in datum.loss_fn_inputs.values())
    return estimated(datum.model_input) + _BYTES_PER_NUMBER * numbers


def _bytes(chunk: object) -> int:
    match chunk:
        case EncodedTextChunk():
            return _BYTES_PER_NUMBER * len(chunk.tokens)
        case ImageChunk(data=bytes(content)) | DmelChunk(dmel=bytes(content)):
            return len(content)
        case ImageAssetPointerChunk(location=str(content)):
            return len(content)
        case _:
            return 0
