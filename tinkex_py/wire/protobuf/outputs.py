"""Results as protobuf, as a server answers them. Pure; the protobuf library loads when first used."""

from __future__ import annotations

import struct
from collections.abc import Mapping, Sequence
from itertools import accumulate, chain, groupby
from math import nan
from typing import TYPE_CHECKING, TypeAlias

from tinkex_py.types.packing import TYPE_CODES, Format
from tinkex_py.types.sampling import SampledSequence, SampleResponse, TopkLogprobs
from tinkex_py.types.tensor import TensorData
from tinkex_py.types.training import ForwardBackwardOutput
from tinkex_py.types.views import NO_TOKEN
from tinkex_py.wire.protobuf.requests import tensor

if TYPE_CHECKING:
    from tinkex_py.wire.protobuf import schema

Outputs: TypeAlias = Mapping[str, TensorData]
Result: TypeAlias = ForwardBackwardOutput | SampleResponse


def encode(result: Result) -> bytes:
    """The result as its message."""
    if isinstance(result, SampleResponse):
        return _sample_response(result).SerializeToString()
    return _forward_backward_output(result).SerializeToString()


def _forward_backward_output(result: ForwardBackwardOutput) -> schema.ForwardBackwardOutput:
    from tinkex_py.wire.protobuf import schema

    records = [_record(list(datums)) for _, datums in groupby(result.loss_fn_outputs, _layout)]
    return schema.ForwardBackwardOutput(
        loss_fn_output_type=result.loss_fn_output_type, loss_fn_outputs=records, metrics=dict(result.metrics)
    )


def _layout(outputs: Outputs) -> dict[str, tuple[str, tuple[int, ...]]]:
    """What datums of one record have in common."""
    return {name: (value.dtype, value.packed.shape[1:]) for name, value in outputs.items()}


def _record(datums: Sequence[Outputs]) -> schema.ArrayRecord:
    from tinkex_py.wire.protobuf import schema

    fields = {name: _batched([datum[name] for datum in datums]) for name in datums[0]}
    return schema.ArrayRecord(num_datums=len(datums), fields=fields)


def _batched(values: Sequence[TensorData]) -> schema.BatchedTensor:
    from tinkex_py.wire.protobuf import schema

    offsets = list(accumulate((value.buffer.nbytes for value in values), initial=0))
    return schema.BatchedTensor(
        data=b"".join(value.buffer for value in values),
        offsets=_packed(offsets, "int64"),
        dtype=_dtype(values[0]),
        trailing_shape=values[0].packed.shape[1:],
    )


def _dtype(value: TensorData) -> schema.DType:
    from tinkex_py.wire.protobuf import schema

    return schema.DTYPE_INT64 if value.dtype == "int64" else schema.DTYPE_FLOAT32


def _sample_response(result: SampleResponse) -> schema.SampleResponse:
    from tinkex_py.wire.protobuf import schema

    alternatives = result.prompt_alt_tokens
    return schema.SampleResponse(
        sequences=[_sequence(sequence) for sequence in result.sequences],
        prompt_logprobs=_logprobs(result.prompt_logprobs),
        topk_prompt_logprobs=_table(result.topk_prompt_logprobs),
        prompt_cache_hit_tokens=result.prompt_cache_hit_tokens,
        target_prompt_logprobs=_tensor(result.target_prompt_logprobs),
        prompt_alt_tokens=None
        if alternatives is None
        else schema.PromptAltTokens(tokens=_tensor(alternatives.tokens), logprobs=_tensor(alternatives.logprobs)),
    )


def _sequence(sequence: SampledSequence) -> schema.SampledSequence:
    from tinkex_py.wire.protobuf import schema

    return schema.SampledSequence(
        stop_reason=schema.STOP_REASON_LENGTH if sequence.stop_reason == "length" else schema.STOP_REASON_STOP,
        tokens=_packed(sequence.tokens, "int32"),
        logprobs=_logprobs(sequence.logprobs),
        topk_sampled_logprobs=_table(sequence.topk_logprobs),
    )


def _logprobs(values: Sequence[float | None] | None) -> bytes | None:
    return None if values is None else _packed([nan if value is None else value for value in values], "float32")


def _table(rows: TopkLogprobs | None) -> schema.TopkLogprobs | None:
    """Rows of unequal length end in cells without a token."""
    from tinkex_py.wire.protobuf import schema

    if rows is None:
        return None
    k = max((len(row or ()) for row in rows), default=0)
    cells = list(chain.from_iterable([*(row or ()), *[NO_TOKEN] * (k - len(row or ()))] for row in rows))
    return schema.TopkLogprobs(
        token_ids=_packed([token for token, _ in cells], "int32"),
        logprobs=_packed([logprob for _, logprob in cells], "float32"),
        k=k,
        length=len(rows),
    )


def _tensor(value: TensorData | None) -> schema.Tensor | None:
    from tinkex_py.wire.protobuf import schema

    return None if value is None else schema.Tensor.FromString(b"".join(tensor(value)))


def _packed(values: Sequence[float], wanted: Format) -> bytes:
    return struct.pack(f"<{len(values)}{TYPE_CODES[wanted]}", *values)
