"""About how many bytes values take on the wire, told without encoding them. Pure."""

from __future__ import annotations

from collections.abc import Iterable
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

_BYTES_PER_NUMBER = 10


def estimated(prompt: ModelInput) -> int:
    """The bytes of a prompt: 10 a token, and what other chunks hold."""
    return sum(map(_bytes, prompt.chunks))


def estimated_batch(data: Iterable[object]) -> int:
    """The bytes of a batch: those of its inputs, and 10 a number of its tensors; what is no datum takes none."""
    size = 0
    for datum in data:
        if isinstance(datum, Datum):
            size += estimated(datum.model_input)
            for tensor in datum.loss_fn_inputs.values():
                size += _BYTES_PER_NUMBER * tensor.size
    return size


def _bytes(chunk: ModelInputChunk) -> int:
    match chunk:
        case EncodedTextChunk():
            return _BYTES_PER_NUMBER * len(chunk.tokens)
        case ImageChunk(data=content) | ImageAssetPointerChunk(location=content) | DmelChunk(dmel=content):
            return len(content)
        case _:
            assert_never(chunk)
