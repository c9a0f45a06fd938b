"""Laws of the dialects: each reads back what it wrote, both carry the same, and no bytes are too strange to read."""

from __future__ import annotations

from array import array
from typing import Any

from hypothesis import given
from hypothesis import strategies as st
from returns.result import Failure, Success

from tinkex_py import Datum, ModelInput, TensorData
from tinkex_py.local import bodies
from tinkex_py.outcome import or_raise
from tinkex_py.request import Reply
from tinkex_py.testing import strategies
from tinkex_py.types import (
    DmelChunk,
    EncodedTextChunk,
    ForwardBackwardOutput,
    ImageAssetPointerChunk,
    ImageChunk,
    ModelInputChunk,
    PromptAltTokens,
    SampledSequence,
    SampleResponse,
)
from tinkex_py.types.batch import Batch
from tinkex_py.types.datum import PromptProvenanceSpan, ProvenanceSpan, SampledProvenanceSpan
from tinkex_py.types.promises import Ready
from tinkex_py.wire import json
from tinkex_py.wire.compression import unpacked
from tinkex_py.wire.dialects import lower, numbered
from tinkex_py.wire.protobuf import messages, outputs, results, schema
from tinkex_py.wire.protobuf.hollowing import hollowed
from tinkex_py.wire.protobuf.packing import varint
from tinkex_py.wire.replies import PromiseOf

TENSORS = strategies.tensors()
NAMES = st.text(st.characters(codec="utf-8"), max_size=5)
INT64 = st.integers(-(2**63), 2**63 - 1)
FLOATS = st.floats(width=32, allow_nan=False, allow_infinity=False)
SETTINGS = st.dictionaries(NAMES, st.floats(allow_nan=False, allow_infinity=False) | NAMES, min_size=1, max_size=3)
SPARSE = st.just(TensorData([5, 7], None, (2, 3), [0, 1, 2], [2, 0]))
CHUNKS = strategies.chunks().filter(lambda chunk: not isinstance(chunk, ImageAssetPointerChunk))
INPUTS = st.builds(ModelInput, st.lists(CHUNKS, max_size=3))
DATA = st.builds(Datum, INPUTS, st.dictionaries(NAMES, TENSORS | SPARSE, max_size=3))
SPANS = st.lists(
    st.builds(PromptProvenanceSpan, sequence_id=NAMES, length=INT64, offset=INT64)
    | st.builds(SampledProvenanceSpan, sequence_id=NAMES, length=INT64, offset=INT64),
    min_size=1,
    max_size=3,
)
BATCHES = st.builds(
    Batch,
    data=st.lists(DATA | st.builds(Datum.with_provenance, DATA, SPANS, SPANS), max_size=3).map(tuple),
    loss_fn=NAMES,
    loss_fn_config=st.none() | SETTINGS,
    forward_only=st.booleans(),
)
NUMBERS = st.integers(0, 2**31 - 1)


def sent(batch: Batch, dialect: Any) -> bytes:
    return numbered(or_raise(lower("forward_backward", batch, dialect)).unnumbered, "m", 1).content


@given(BATCHES, NAMES, NUMBERS)
def test_a_batch_is_read_back_from_protobuf(batch: Batch, model_id: str, number: int) -> None:
    encoded = or_raise(lower("forward", batch, "protobuf"))
    assert encoded.operation == "forward_backward"
    content = numbered(encoded.unnumbered, model_id, number).content
    expected = messages.NumberedBatch(model_id=model_id, seq_id=number, batch=batch)
    assert messages.decode(content) == Success(expected)


def by_the_library(batch: Batch) -> schema.ForwardBackwardRequest:
    """The message as the protobuf library makes it."""
    config = batch.loss_fn_config or {}
    return schema.ForwardBackwardRequest(
        model_id="m",
        seq_id=1,
        data=map(datum_by_the_library, batch.data),
        loss_fn=batch.loss_fn,
        loss_fn_config={name: value for name, value in config.items() if not isinstance(value, str)},
        forward_only=batch.forward_only,
        loss_fn_config_v2={
            name: schema.LossConfigValue(text=value) if isinstance(value, str) else schema.LossConfigValue(number=value)
            for name, value in config.items()
        },
    )


def datum_by_the_library(datum: Datum) -> schema.Datum:
    return schema.Datum(
        model_input=map(chunk_by_the_library, datum.model_input.chunks),
        loss_fn_inputs={name: tensor_by_the_library(value) for name, value in datum.loss_fn_inputs.items()},
        model_input_spans=map(span_by_the_library, datum.model_input_spans or ()),
        loss_fn_input_spans=map(span_by_the_library, datum.loss_fn_input_spans or ()),
    )


def chunk_by_the_library(chunk: ModelInputChunk) -> schema.Chunk:
    match chunk:
        case EncodedTextChunk(packed=tokens):
            return schema.Chunk(encoded_text=schema.EncodedTextChunk(tokens=bytes(tokens.buffer)))
        case ImageChunk(data, kind, expected):
            return schema.Chunk(image=schema.ImageChunk(data=data, format=kind, expected_tokens=expected))
        case DmelChunk(dmel):
            return schema.Chunk(dmel=schema.DmelChunk(dmel=dmel))
        case ImageAssetPointerChunk():
            raise AssertionError


def tensor_by_the_library(value: TensorData) -> schema.Tensor:
    dtype = schema.DTYPE_INT64 if value.dtype == "int64" else schema.DTYPE_FLOAT32
    if value.sparse_crow_indices is None:
        return schema.Tensor(dense=bytes(value.buffer), dtype=dtype, shape=value.shape)
    crow, col = (
        array("q", indices or ()).tobytes() for indices in (value.sparse_crow_indices, value.sparse_col_indices)
    )
    sparse = schema.SparseCsr(values=bytes(value.buffer), crow_indices=crow, col_indices=col)
    return schema.Tensor(sparse_csr=sparse, dtype=dtype, shape=value.shape)


def span_by_the_library(span: ProvenanceSpan) -> schema.ProvenanceSpan:
    run = schema.Span(sequence_id=span.sequence_id, offset=span.offset, length=span.length)
    if isinstance(span, PromptProvenanceSpan):
        return schema.ProvenanceSpan(prompt_tokens=run)
    return schema.ProvenanceSpan(sampled_tokens=run)


@given(BATCHES)
def test_packing_by_hand_says_what_the_library_says(batch: Batch) -> None:
    content, made = sent(batch, "protobuf"), by_the_library(batch)
    assert schema.ForwardBackwardRequest.FromString(content) == made
    assert len(content) == made.ByteSize()


class JsonBatch(bodies.Numbered, frozen=True, kw_only=True):
    """The body of either endpoint, with values as this client has them."""

    forward_input: dict[str, Any] | None = None
    forward_backward_input: dict[str, Any] | None = None


@given(BATCHES)
def test_both_dialects_carry_the_same_examples(batch: Batch) -> None:
    body = or_raise(json.decode(JsonBatch, sent(batch, "json")))
    given_ = body.forward_input if batch.forward_only else body.forward_backward_input
    assert given_ is not None
    read = or_raise(messages.decode(sent(batch, "protobuf"))).batch
    assert or_raise(json.convert(list[Datum], given_["data"])) == [
        Datum(datum.model_input, datum.loss_fn_inputs) for datum in read.data
    ]
    assert (given_["loss_fn"], given_.get("loss_fn_config")) == (read.loss_fn, read.loss_fn_config)


ROWED = TENSORS.filter(lambda tensor: bool(tensor.shape))
OUTPUTS = st.builds(
    ForwardBackwardOutput,
    loss_fn_output_type=st.just("cross_entropy"),
    loss_fn_outputs=st.lists(
        st.dictionaries(st.sampled_from("abc"), TENSORS.filter(lambda tensor: bool(tensor.shape)), max_size=2),
        max_size=4,
    ),
    metrics=st.dictionaries(NAMES, st.floats(allow_nan=False, allow_infinity=False), max_size=3),
)
TOKENS = st.integers(0, 2**31 - 1)
ROW = st.lists(st.tuples(TOKENS, st.floats(-1024, 0, width=32)), min_size=1, max_size=3)
ROWS = st.lists(st.none() | ROW, min_size=1, max_size=3).filter(any)
SEQUENCES = st.builds(
    SampledSequence,
    stop_reason=st.sampled_from(["stop", "length"]),
    tokens=st.lists(TOKENS),
    logprobs=st.none() | st.lists(FLOATS, min_size=1),
    topk_logprobs=st.none() | ROWS,
)
SAMPLES = st.builds(
    SampleResponse,
    sequences=st.lists(SEQUENCES, max_size=3),
    prompt_logprobs=st.none() | st.lists(st.none() | FLOATS, min_size=1),
    topk_prompt_logprobs=st.none() | ROWS,
    target_prompt_logprobs=st.none() | TENSORS | SPARSE,
    prompt_alt_tokens=st.none() | st.builds(PromptAltTokens, tokens=TENSORS, logprobs=TENSORS),
    prompt_cache_hit_tokens=NUMBERS,
)


UNKNOWN = b"\x7a" + varint(200_000) + bytes(200_000)
"""A field that nobody knows, with which a result is a large one: such are read in another way."""


@given(OUTPUTS)
def test_an_output_is_read_back_from_either_dialect(output: ForwardBackwardOutput) -> None:
    assert results.decode(ForwardBackwardOutput, outputs.encode(output)) == Success(output)
    assert results.decode(ForwardBackwardOutput, UNKNOWN + outputs.encode(output)) == Success(output)
    assert json.decode(ForwardBackwardOutput, json.encode(output).content) == Success(output)


@given(OUTPUTS, st.lists(st.sampled_from([1, 2, 3, 4, 15]), max_size=4))
def test_a_message_with_its_bytes_taken_out_is_the_message(output: ForwardBackwardOutput, path: list[int]) -> None:
    whole = outputs.encode(output)
    hollow = hollowed(whole, (2, 2, 2, 1))
    read, filled = (schema.ForwardBackwardOutput.FromString(each) for each in (whole, hollow.message))
    for record in filled.loss_fn_outputs:
        for field in record.fields.values():
            field.data = bytes(hollow.at(field.data))
    assert read == filled
    assert hollowed(whole, (15, *path)).message == whole


@given(SAMPLES)
def test_a_sample_is_read_back_from_either_dialect(sample: SampleResponse) -> None:
    assert results.decode(SampleResponse, outputs.encode(sample)) == Success(sample)
    assert json.decode(SampleResponse, json.encode(sample).content) == Success(sample)


def mutated(parts: tuple[bytes, int, bytes]) -> bytes:
    """A message with some bytes replaced."""
    whole, place, wrong = parts
    at = place % (len(whole) + 1)
    return whole[:at] + wrong + whole[at + len(wrong) :]


WHOLE = OUTPUTS.map(outputs.encode) | SAMPLES.map(outputs.encode) | BATCHES.map(lambda batch: sent(batch, "protobuf"))
BYTES = st.binary() | st.tuples(WHOLE, st.integers(0, 10**4), st.binary(max_size=9)).map(mutated)


@given(BYTES, st.sampled_from([ForwardBackwardOutput, SampleResponse]))
def test_any_bytes_are_a_result_or_a_reason_and_never_larger_than_they_came(body: bytes, form: Any) -> None:
    headers = (("content-type", "application/x-protobuf"),)
    match PromiseOf(form, "Sample").read(Reply(status=200, headers=headers, body=body)):
        case Success(Ready(ForwardBackwardOutput(loss_fn_outputs=datums))):
            assert sum(tensor.buffer.nbytes for datum in datums for tensor in datum.values()) <= 2 * len(body)
            assert len(datums) <= results.MOST_EMPTY + len(body)
        case Success(Ready(SampleResponse() as sample)):
            assert sum(len(sequence.tokens) for sequence in sample.sequences) <= len(body)
        case read:
            assert isinstance(read, Failure)


@given(BYTES)
def test_any_bytes_are_a_batch_or_a_reason(body: bytes) -> None:
    assert isinstance(messages.decode(body), (Success, Failure))


@given(st.sampled_from(["gzip", "deflate", "zstd", "br", "gzip, deflate"]), st.binary())
def test_any_bytes_are_unpacked_or_a_reason(encoding: str, body: bytes) -> None:
    match unpacked(encoding, body, 100):
        case Success(whole):
            assert len(whole) <= 100
        case Failure(problem):
            assert problem.reason.encode()
