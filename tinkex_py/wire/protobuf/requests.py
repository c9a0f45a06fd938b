"""Batches as protobuf: buffers go in as they are, nothing is done per element. Pure."""

from __future__ import annotations

import struct
from collections.abc import Sequence
from functools import lru_cache
from itertools import chain

from msgspec import structs
from returns.result import Failure, Success
from typing_extensions import TypeIs

from tinkex_py.errors import InvalidInput
from tinkex_py.outcome import Outcome
from tinkex_py.request import Encoded
from tinkex_py.types.batch import Batch, Form
from tinkex_py.types.datum import Datum, PromptProvenanceSpan, ProvenanceSpan
from tinkex_py.types.inputs import DmelChunk, EncodedTextChunk, ImageAssetPointerChunk, ImageChunk, ModelInputChunk
from tinkex_py.types.packing import Shape
from tinkex_py.types.rows import Looks, Rows
from tinkex_py.types.tensor import DType, TensorData
from tinkex_py.wire.protobuf.packing import Parts, buffer, double, element, integer, integers, joined, message, text

CONTENT_TYPE = "application/x-protobuf"
_DTYPES = {"float32": 1, "int64": 2}


def forms(batch: Batch) -> Outcome[Sequence[Form], InvalidInput]:
    """The data as elements of a `ForwardBackwardRequest`; InvalidInput names a chunk that has no form in protobuf."""
    rows = batch.rows
    common = _between(rows)
    if not rows.others:
        return Success(common)
    rest = iter(common)
    made = [_form(datum) if place in rows.others else next(rest) for place, datum in enumerate(batch.data)]
    formed = [form for form in made if form is not None]
    return Success(formed) if len(formed) == len(made) else Failure(_refused(batch.data))


def _between(rows: Rows) -> Sequence[Form]:
    """Each datum's buffers between what stands around them, which is made once for all that look alike."""
    frames = [_frame(looks) for looks in rows.looks]
    return [_filled(frames[place], row) for place, row in zip(rows.places, rows.buffers, strict=True)]


def _filled(frame: Form, buffers: Sequence[memoryview]) -> Form:
    parts: Parts = [b""] * (len(frame.parts) + len(buffers))
    parts[0::2], parts[1::2] = frame.parts, buffers
    return Form(parts, frame.size)


def _frame(looks: Looks) -> Form:
    """What stands before, between and behind the buffers of a datum, and the size of it all."""
    parts, behind = list(map(_before_ids, looks.texts)), b""
    for given in looks.inputs:
        before, after = _around(given.kind.name, given.kind.dtype, given.shape, given.size)
        parts.append(behind + before)
        behind = after
    parts.append(behind)
    size = sum(map(len, parts)) + sum(looks.texts) + sum(each.size for each in looks.inputs)
    front = element(3, size)
    parts[0] = front + parts[0]
    return Form(parts, len(front) + size)


def enclosed(batch: Batch, data: Sequence[Form]) -> Encoded:
    """An unnumbered `ForwardBackwardRequest` of a batch, of which these are the data."""
    config = batch.loss_fn_config or {}
    settings = joined(
        (
            text(4, batch.loss_fn),
            *(_entry(5, name, double(2, value)) for name, value in config.items() if not isinstance(value, str)),
            integer(6, int(batch.forward_only)),
            *(_entry(7, name, message(2, _setting(value))) for name, value in config.items()),
        )
    )
    behind = b"".join(settings)
    parts = tuple(chain.from_iterable(form.parts for form in data))
    return Encoded(CONTENT_TYPE, (*parts, behind), sum(form.size for form in data) + len(behind))


def numbered(step: Encoded, model_id: str, seq_id: int) -> Encoded:
    """An encoded batch of `model_id` under its number: fields 1 and 2 in front of the bytes there are."""
    front = b"".join((*text(1, model_id), *integer(2, seq_id)))
    return structs.replace(step, parts=(front, *step.parts), size=step.size + len(front))


def tensor(value: TensorData) -> Parts:
    """The fields of a `Tensor`."""
    return [*_elements(value), *integer(3, _DTYPES[value.dtype]), *integers(4, value.shape)]


def _refused(data: Sequence[Datum]) -> InvalidInput:
    """What to say of the first chunk that has no form; there is one."""
    chunks = (
        (f"data[{place}].model_input.chunks[{index}]", chunk)
        for place, datum in enumerate(data)
        for index, chunk in enumerate(datum.model_input.chunks)
    )
    path, chunk = next((path, chunk) for path, chunk in chunks if _is_elsewhere(chunk))
    remedy = "this server trains on images given as bytes; fetch it and give an ImageChunk"
    return InvalidInput(message=f"{path} is {chunk!r}: {remedy}", path=path, value=repr(chunk))


def _form(datum: Datum) -> Form | None:
    """A datum with what stands before it; None when it has a chunk that has no form."""
    parts: Parts = [b""]
    for chunk in datum.model_input.chunks:
        if isinstance(chunk, EncodedTextChunk):
            ids = chunk.packed.buffer
            parts += (_before_ids(len(ids)), ids)
        elif _is_elsewhere(chunk):
            return None
        else:
            parts += _chunk(chunk)
    for name, value in datum.loss_fn_inputs.items():
        if value.sparse_crow_indices is None:
            before, after = _around(name, value.dtype, value.shape, len(value.buffer))
            parts += (before, value.buffer, after)
        else:
            parts += _entry(2, name, message(2, tensor(value)))
    if datum.model_input_spans or datum.loss_fn_input_spans:
        parts += _spans(datum)
    size = sum(map(len, parts))
    parts[0] = element(3, size)
    return Form(parts, size + len(parts[0]))


@lru_cache(maxsize=4096)
def _around(name: str, dtype: DType, shape: Shape | None, length: int) -> tuple[bytes, bytes]:
    """What stands before and behind a dense tensor's bytes; the tensors of a batch are often of few shapes."""
    after = b"".join((*integer(3, _DTYPES[dtype]), *integers(4, shape)))
    before = element(1, length)
    before = element(2, len(before) + length + len(after)) + before
    before = b"".join(message(1, [name.encode()])) + before
    return element(2, len(before) + length + len(after)) + before, after


def _spans(datum: Datum) -> Parts:
    spans = ((3, datum.model_input_spans), (4, datum.loss_fn_input_spans))
    return [part for field, given in spans for span in given or () for part in message(field, _span(span))]


def _span(span: ProvenanceSpan) -> Parts:
    field = 1 if isinstance(span, PromptProvenanceSpan) else 2
    return message(field, [*text(1, span.sequence_id), *integer(2, span.offset), *integer(3, span.length)])


def _is_elsewhere(chunk: ModelInputChunk) -> TypeIs[ImageAssetPointerChunk]:
    return isinstance(chunk, ImageAssetPointerChunk)


def _chunk(chunk: ImageChunk | DmelChunk) -> Parts:
    if isinstance(chunk, ImageChunk):
        parts = [*buffer(1, chunk.data), *text(2, chunk.format), *_present(3, chunk.expected_tokens)]
        return message(1, message(2, parts))
    return message(1, message(3, buffer(1, chunk.dmel)))


@lru_cache(maxsize=4096)
def _before_ids(length: int) -> bytes:
    """What stands before so many bytes of token ids."""
    before = element(1, length) if length else b""
    before = element(1, len(before) + length) + before
    return element(1, len(before) + length) + before


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
