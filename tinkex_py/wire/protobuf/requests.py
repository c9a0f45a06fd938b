"""Batches as protobuf: buffers go in as they are, nothing is done per element. Pure."""

from __future__ import annotations

import struct
from collections.abc import Sequence
from functools import lru_cache

from returns.result import Failure, Success
from typing_extensions import TypeIs

from tinkex_py.errors import InvalidInput
from tinkex_py.outcome import Outcome
from tinkex_py.request import Encoded
from tinkex_py.types.batch import Batch
from tinkex_py.types.datum import Datum, PromptProvenanceSpan, ProvenanceSpan
from tinkex_py.types.inputs import DmelChunk, EncodedTextChunk, ImageAssetPointerChunk, ImageChunk, ModelInputChunk
from tinkex_py.types.packing import Shape
from tinkex_py.types.tensor import DType, TensorData
from tinkex_py.wire.protobuf.packing import Parts, buffer, double, integer, integers, joined, message, text

CONTENT_TYPE = "application/x-protobuf"
_DTYPES = {"float32": 1, "int64": 2}


def encode(batch: Batch) -> Outcome[Encoded, InvalidInput]:
    """The batch as an unnumbered `ForwardBackwardRequest`; InvalidInput names a chunk that has no form in protobuf."""
    refused = _refused(batch.data)
    if refused is not None:
        return Failure(refused)
    config = batch.loss_fn_config or {}
    parts = joined(
        (
            *(message(3, _datum(datum)) for datum in batch.data),
            text(4, batch.loss_fn),
            *(_entry(5, name, double(2, value)) for name, value in config.items() if not isinstance(value, str)),
            integer(6, int(batch.forward_only)),
            *(_entry(7, name, message(2, _setting(value))) for name, value in config.items()),
        )
    )
    return Success(Encoded(CONTENT_TYPE, b"".join(parts)))


def size_of(datum: Datum) -> int:
    """How many bytes a datum takes in a batch, without making them; 0 when it has no form in protobuf."""
    return 0 if _refused((datum,)) else sum(map(len, message(3, _datum(datum))))


def numbered(step: Encoded, model_id: str, seq_id: int) -> Encoded:
    """An encoded batch of `model_id` under its number: fields 1 and 2 in front of the bytes there are."""
    front = (*text(1, model_id), *integer(2, seq_id))
    return Encoded(CONTENT_TYPE, b"".join((*front, step.content)))


def tensor(value: TensorData) -> Parts:
    """The fields of a `Tensor`."""
    return [*_elements(value), *integer(3, _DTYPES[value.dtype]), *integers(4, value.shape)]


def _refused(data: Sequence[Datum]) -> InvalidInput | None:
    for place, datum in enumerate(data):
        for index, chunk in enumerate(datum.model_input.chunks):
            if _is_elsewhere(chunk):
                path = f"data[{place}].model_input.chunks[{index}]"
                remedy = "this server trains on images given as bytes; fetch it and give an ImageChunk"
                return InvalidInput(message=f"{path} is {chunk!r}: {remedy}", path=path, value=repr(chunk))
    return None


def _datum(datum: Datum) -> Parts:
    parts = joined(_chunk(chunk) for chunk in datum.model_input.chunks if not _is_elsewhere(chunk))
    for name, value in datum.loss_fn_inputs.items():
        parts += _loss_input(name, value)
    for field, spans in ((3, datum.model_input_spans), (4, datum.loss_fn_input_spans)):
        parts += joined(message(field, _span(span)) for span in spans or ())
    return parts


def _loss_input(name: str, value: TensorData) -> Parts:
    if value.sparse_crow_indices is not None:
        return _entry(2, name, message(2, tensor(value)))
    before, after = _around(name, value.dtype, value.shape, len(value.buffer))
    return [before, value.buffer, after]


@lru_cache(maxsize=1024)
def _around(name: str, dtype: DType, shape: Shape | None, length: int) -> tuple[bytes, bytes]:
    """What stands before and behind a dense tensor's bytes; the tensors of a batch are often of few shapes."""
    placeholder = memoryview(bytes(length))
    parts = _entry(2, name, message(2, tensor(TensorData.of_buffer(placeholder, dtype, shape))))
    place = next(index for index, part in enumerate(parts) if isinstance(part, memoryview))
    return b"".join(parts[:place]), b"".join(parts[place + 1 :])


def _span(span: ProvenanceSpan) -> Parts:
    field = 1 if isinstance(span, PromptProvenanceSpan) else 2
    return message(field, [*text(1, span.sequence_id), *integer(2, span.offset), *integer(3, span.length)])


def _is_elsewhere(chunk: ModelInputChunk) -> TypeIs[ImageAssetPointerChunk]:
    return isinstance(chunk, ImageAssetPointerChunk)


def _chunk(chunk: EncodedTextChunk | ImageChunk | DmelChunk) -> Parts:
    if isinstance(chunk, EncodedTextChunk):
        ids = chunk.packed.buffer
        return [_before_ids(len(ids)), ids]
    if isinstance(chunk, ImageChunk):
        parts = [*buffer(1, chunk.data), *text(2, chunk.format), *_present(3, chunk.expected_tokens)]
        return message(1, message(2, parts))
    return message(1, message(3, buffer(1, chunk.dmel)))


@lru_cache(maxsize=1024)
def _before_ids(length: int) -> bytes:
    """What stands before so many bytes of token ids."""
    parts = message(1, message(1, buffer(1, memoryview(bytes(length)))))
    return b"".join(part for part in parts if isinstance(part, bytes))


def _present(field: int, value: int | None) -> Parts:
    """An optional integer: 0 is written too."""
    return [] if value is None else integer(field, value) or [bytes((field << 3, 0))]


def _elements(value: TensorData) -> Parts:
    if value.sparse_crow_indices is None:
        return message(1, [value.buffer])
    crow, col = value.sparse_crow_indices, value.sparse_col_indices or ()
    return message(2, [*buffer(1, value.buffer), *buffer(2, _int64(crow)), *buffer(3, _int64(col))])


def _int64(values: Sequence[int]) -> bytes:
    return struct.pack(f"<{len(values)}q", *values)


def _setting(value: float | str) -> Parts:
    return message(2, [value.encode()]) if isinstance(value, str) else double(1, value)


def _entry(field: int, name: str, value: Parts) -> Parts:
    """One entry of a map."""
    return message(field, [*message(1, [name.encode()]), *value])
