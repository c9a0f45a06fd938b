"""Results in protobuf, read as views of the bytes that came. Pure; the protobuf library loads when first used.

Whatever the bytes say of lengths, offsets and shapes is compared with the bytes there are, so that no lie makes a
result larger than the answer was.
"""

from __future__ import annotations

from array import array
from collections.abc import Callable, Iterator, Mapping, Sequence
from itertools import chain, pairwise
from math import prod
from typing import TYPE_CHECKING, Any, NamedTuple, TypeVar

from returns.result import Failure, Success
from typing_extensions import TypeForm

from tinkex_py.outcome import Outcome
from tinkex_py.types.sampling import PromptAltTokens, SampledSequence, SampleResponse, TopkLogprobs
from tinkex_py.types.tensor import WIDTHS, DType, TensorData
from tinkex_py.types.tokens import Tokens
from tinkex_py.types.training import ForwardBackwardOutput
from tinkex_py.types.views import Alternatives, Floats, OptionalFloats
from tinkex_py.wire.protobuf.hollowing import Hollow, hollowed

if TYPE_CHECKING:
    from tinkex_py.wire.protobuf import schema

T = TypeVar("T")

MOST_EMPTY = 1 << 16
"""Datums without any output that one result may have."""
HIGHEST_RANK = 32
"""Dimensions that a tensor may have."""
_DATA = (2, 2, 2, 1)
"""Where an output's data are: `loss_fn_outputs`, an entry of `fields`, its value, `data`."""
_LARGE = 128 << 10
"""Bytes of a result from which on the library's copies of its data cost more than to find where they are."""
_STOP_REASONS = {0: "stop", 1: "length"}


class _Kind(NamedTuple):
    """How the elements of a tensor come: bytes of each, and the dtype that they are widened to."""

    size: int
    dtype: DType
    widened: Callable[[memoryview], memoryview]


def decode(form: TypeForm[T], body: bytes) -> Outcome[T, str]:
    """The result that an operation of that type promises; Failure says what is wrong with the bytes."""
    read = _READERS.get(form)
    if read is None:
        return Failure("nothing of that kind has a form in protobuf")
    from google.protobuf.message import DecodeError

    try:
        return Success(read(body))
    except (DecodeError, ValueError) as error:
        return Failure(f"the protobuf message can't be read: {error}")


def tensor_of(message: schema.Tensor) -> TensorData:
    """A dense or sparse tensor; a ValueError says why it is none. Without a shape it is flat, or a single number."""
    kind = _kind_of(message.dtype)
    shape = _shape(message.shape)
    if not message.HasField("sparse_csr"):
        buffer = kind.widened(_whole(message.dense, kind.size))
        size = len(buffer) // WIDTHS[kind.dtype]
        return _checked(TensorData.of_buffer(buffer, kind.dtype, shape if shape or size == 1 else (size,)))
    sparse = message.sparse_csr
    values = TensorData.of_buffer(kind.widened(_whole(sparse.values, kind.size)), kind.dtype, None)
    crow, col = (_whole(indices, 8).cast("q").tolist() for indices in (sparse.crow_indices, sparse.col_indices))
    return _checked(TensorData(values, kind.dtype, shape, crow, col))


def _forward_backward_output(body: bytes) -> ForwardBackwardOutput:
    from tinkex_py.wire.protobuf.schema import ForwardBackwardOutput as Message

    hollow = hollowed(body, _DATA) if len(body) >= _LARGE else Hollow(body, None)
    message = Message.FromString(hollow.message)
    records = message.loss_fn_outputs
    if sum(max(0, record.num_datums) for record in records if not record.fields) > MOST_EMPTY:
        raise ValueError(f"more than {MOST_EMPTY} datums are said to have no output")
    name = message.loss_fn_output_type
    return ForwardBackwardOutput(
        loss_fn_output_type=name.rpartition(":")[2] if records else name or "ArrayRecord",
        loss_fn_outputs=list(chain.from_iterable(_datums(record, hollow) for record in records)),
        metrics=dict(message.metrics),
    )


def _datums(record: schema.ArrayRecord, hollow: Hollow) -> Iterator[Mapping[str, TensorData]]:
    """The outputs of each datum of a record."""
    if record.num_datums < 0:
        raise ValueError(f"there are {record.num_datums} datums in a record")
    columns = {name: list(_tensors(field, hollow.at(field.data))) for name, field in record.fields.items()}
    count = record.num_datums or len(next(iter(columns.values()), ()))
    for name, column in columns.items():
        if len(column) != count:
            raise ValueError(f"{name!r} has outputs of {len(column)} datums, the record has {count}")
    if not columns:
        return ({} for _ in range(count))
    return (dict(zip(columns, row, strict=True)) for row in zip(*columns.values(), strict=True))


def _tensors(field: schema.BatchedTensor, view: memoryview) -> Iterator[TensorData]:
    """One output of each datum: a view of its part of the field's data."""
    kind = _kind_of(field.dtype)
    data = _whole(view, kind.size)
    offsets = _whole(field.offsets, 8).cast("q").tolist()
    if offsets != sorted(offsets) or (offsets and not 0 <= offsets[0] <= offsets[-1] <= len(data)):
        raise ValueError("the offsets of a batch do not rise, or point outside of its data")
    size, dtype, trailing = kind.size, kind.dtype, _shape(field.trailing_shape)
    wide, factor = kind.widened(data).toreadonly(), WIDTHS[dtype] // size
    row = prod(trailing) * size
    for start, end in pairwise(offsets):
        rows, rest = divmod(end - start, row) if row else (0, end - start)
        if rest or start % size:
            raise ValueError(f"{end - start} bytes from {start} on make no rows of shape {trailing}")
        yield TensorData.of_view(wide[start * factor : end * factor], dtype, (rows, *trailing))


def _sample_response(body: bytes) -> SampleResponse:
    from tinkex_py.wire.protobuf.schema import SampleResponse as Message

    message = Message.FromString(body)
    has = message.HasField
    return SampleResponse(
        sequences=[_sequence(sequence) for sequence in message.sequences],
        prompt_logprobs=OptionalFloats(_whole(message.prompt_logprobs, 4)) if message.prompt_logprobs else None,
        topk_prompt_logprobs=_prompt_alternatives(message.topk_prompt_logprobs),
        target_prompt_logprobs=tensor_of(message.target_prompt_logprobs) if has("target_prompt_logprobs") else None,
        prompt_alt_tokens=_alt_tokens(message.prompt_alt_tokens) if has("prompt_alt_tokens") else None,
        prompt_cache_hit_tokens=message.prompt_cache_hit_tokens,
    )


def _sequence(message: schema.SampledSequence) -> SampledSequence:
    nothing, has = not message.tokens, message.HasField
    table = _alternatives(message.topk_sampled_logprobs)
    return SampledSequence(
        stop_reason=_STOP_REASONS.get(message.stop_reason, f"stop_reason_{message.stop_reason}"),
        tokens=Tokens.of_buffer(_whole(message.tokens, 4)),
        logprobs=Floats(_whole(message.logprobs, 4)) or ([] if nothing and has("logprobs") else None),
        topk_logprobs=table or ([] if nothing and has("topk_sampled_logprobs") else None),
    )


def _prompt_alternatives(message: schema.TopkLogprobs) -> TopkLogprobs | None:
    """The table of a prompt; that of one token has a row, and no cell."""
    return _alternatives(message) or ([None] if message.length == 1 else None)


def _alternatives(message: schema.TopkLogprobs) -> Alternatives | None:
    """A table, None when it has no cell."""
    size = 4 * message.k * message.length
    if len(message.token_ids) != size or len(message.logprobs) != size:
        raise ValueError(f"a table of {message.length} times {message.k} tokens has another size")
    return Alternatives(message.token_ids, message.logprobs, message.k) if size else None


def _alt_tokens(message: schema.PromptAltTokens) -> PromptAltTokens:
    return PromptAltTokens(tokens=tensor_of(message.tokens), logprobs=tensor_of(message.logprobs))


def _kind_of(dtype: int) -> _Kind:
    kind = _KINDS.get(dtype)
    if kind is None:
        raise ValueError(f"there is no dtype {dtype}")
    return kind


def _shape(dimensions: Sequence[int]) -> tuple[int, ...]:
    if len(dimensions) > HIGHEST_RANK or min(dimensions, default=0) < 0:
        raise ValueError("a shape has too many dimensions, or a negative one")
    return tuple(dimensions)


def _checked(tensor: TensorData) -> TensorData:
    problem = tensor.misshapen()
    if problem is not None:
        raise ValueError(problem.reason)
    return tensor


def _whole(data: bytes | memoryview, size: int) -> memoryview:
    if len(data) % size:
        raise ValueError(f"{len(data)} bytes are no elements of {size} bytes")
    return memoryview(data)


def _as_they_are(data: memoryview) -> memoryview:
    return data


def _from_int32(data: memoryview) -> memoryview:
    return memoryview(array("q", data.cast("i"))).cast("B")


def _from_bfloat16(data: memoryview) -> memoryview:
    """A bfloat16 is the upper half of a float32."""
    wide = bytearray(2 * len(data))
    wide[2::4], wide[3::4] = data[0::2], data[1::2]
    return memoryview(wide)


_KINDS: Mapping[int, _Kind] = {
    1: _Kind(4, "float32", _as_they_are),
    2: _Kind(8, "int64", _as_they_are),
    3: _Kind(4, "int64", _from_int32),
    4: _Kind(2, "float32", _from_bfloat16),
}
_READERS: Mapping[object, Callable[[bytes], Any]] = {
    ForwardBackwardOutput: _forward_backward_output,
    SampleResponse: _sample_response,
}
