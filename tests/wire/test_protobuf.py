"""Protobuf in and out: as recorded, however tensors are encoded, and nothing that lies is believed."""

from __future__ import annotations

import struct
from array import array
from typing import Any

import pytest
from returns.result import Failure, Success

from tinkex_py import Datum, ModelInput, TensorData
from tinkex_py.outcome import or_raise
from tinkex_py.request import Reply
from tinkex_py.types import ForwardBackwardOutput, FrozenMapping, SampleResponse
from tinkex_py.types.batch import Batch
from tinkex_py.types.datum import PromptProvenanceSpan, SampledProvenanceSpan
from tinkex_py.types.inputs import DmelChunk, EncodedTextChunk, ImageChunk
from tinkex_py.types.promises import Ready
from tinkex_py.wire.protobuf import messages, requests, results, schema
from tinkex_py.wire.protobuf.hollowing import Hollow
from tinkex_py.wire.protobuf.packing import varint
from tinkex_py.wire.replies import PromiseOf


def i64(*values: int) -> bytes:
    return array("q", values).tobytes()


def f32(*values: float) -> bytes:
    return array("f", values).tobytes()


def i32(*values: int) -> bytes:
    return array("i", values).tobytes()


def bf16(*values: float) -> bytes:
    return b"".join(struct.pack("<f", value)[2:] for value in values)


def batched(data: bytes, offsets: bytes, dtype: Any = 1, trailing: tuple[int, ...] = ()) -> schema.BatchedTensor:
    return schema.BatchedTensor(data=data, offsets=offsets, dtype=dtype, trailing_shape=trailing)


def output(*records: schema.ArrayRecord, name: str = "") -> bytes:
    return schema.ForwardBackwardOutput(loss_fn_output_type=name, loss_fn_outputs=records).SerializeToString()


def record(num_datums: int = 0, **fields: schema.BatchedTensor) -> schema.ArrayRecord:
    return schema.ArrayRecord(num_datums=num_datums, fields=fields)


def outputs_of(body: bytes) -> list[dict[str, TensorData]]:
    return [dict(each) for each in or_raise(results.decode(ForwardBackwardOutput, body)).loss_fn_outputs]


DTYPES: dict[str, tuple[schema.BatchedTensor, TensorData]] = {
    "float32": (batched(f32(1.5, -2), i64(0, 8)), TensorData([1.5, -2.0], "float32", (2,))),
    "int64": (batched(i64(3), i64(0, 8), 2), TensorData([3], "int64", (1,))),
    "int32": (batched(i32(-7, 2**31 - 1), i64(0, 8), 3), TensorData([-7, 2**31 - 1], "int64", (2,))),
    "bfloat16": (batched(bf16(1.5, -0.25), i64(0, 4), 4), TensorData([1.5, -0.25], "float32", (2,))),
    "matrix": (batched(f32(1, 2, 3, 4), i64(0, 16), 1, (2,)), TensorData([[1.0, 2.0], [3.0, 4.0]])),
    "no rows": (batched(b"", i64(0, 0), 1, (0,)), TensorData([], "float32", (0, 0))),
}


@pytest.mark.parametrize(("field", "expected"), DTYPES.values(), ids=DTYPES)
def test_an_output_is_read_in_its_dtype_and_shape(field: schema.BatchedTensor, expected: TensorData) -> None:
    assert outputs_of(output(record(1, logprobs=field))) == [{"logprobs": expected}]


def test_datums_follow_each_other_over_records_and_offsets_are_bytes() -> None:
    first = record(2, a=batched(bf16(1, 2, 3), i64(0, 2, 6), 4))
    second = record(0, a=batched(f32(4), i64(0, 4)))
    found = outputs_of(output(first, record(2), second))
    assert [{name: value.data for name, value in datum.items()} for datum in found] == [
        {"a": [1.0]},
        {"a": [2.0, 3.0]},
        {},
        {},
        {"a": [4.0]},
    ]


NAMES = {"": "ArrayRecord", "m:C": "m:C"}


def test_the_name_of_an_output_is_what_follows_its_last_colon() -> None:
    for name, expected in NAMES.items():
        assert or_raise(results.decode(ForwardBackwardOutput, output(name=name))).loss_fn_output_type == expected
    assert or_raise(results.decode(ForwardBackwardOutput, output(record(1), name="m:C"))).loss_fn_output_type == "C"


def sample(**fields: Any) -> SampleResponse:
    return or_raise(results.decode(SampleResponse, schema.SampleResponse(**fields).SerializeToString()))


def table(ids: tuple[int, ...], logprobs: tuple[float, ...], k: int) -> schema.TopkLogprobs:
    return schema.TopkLogprobs(token_ids=i32(*ids), logprobs=f32(*logprobs), k=k, length=len(ids) // k if k else 0)


def test_a_sample_is_read_as_views_that_equal_lists() -> None:
    sequence = schema.SampledSequence(
        tokens=i32(5, 6),
        logprobs=f32(-0.5, -1),
        stop_reason=schema.STOP_REASON_LENGTH,
        topk_sampled_logprobs=table((5, 1), (-0.5, -2), 1),
    )
    (read,) = sample(sequences=[sequence]).sequences
    assert (read.stop_reason, read.tokens, read.logprobs) == ("length", [5, 6], [-0.5, -1.0])
    assert read.topk_logprobs == [[(5, -0.5)], [(1, -2.0)]]


def test_what_is_not_there_is_none() -> None:
    response = sample(
        sequences=[
            schema.SampledSequence(tokens=i32(5), logprobs=b"", topk_sampled_logprobs=table((), (), 0)),
            schema.SampledSequence(),
        ],
        prompt_logprobs=b"",
        topk_prompt_logprobs=table((), (), 0),
    )
    told = [(one.stop_reason, one.tokens, one.logprobs, one.topk_logprobs) for one in response.sequences]
    assert told == [("stop", [5], None, None), ("stop", [], None, None)]
    assert (response.prompt_logprobs, response.topk_prompt_logprobs, response.prompt_alt_tokens) == (None, None, None)


def test_of_no_tokens_nothing_is_told() -> None:
    empty = schema.SampledSequence(tokens=b"", logprobs=b"", topk_sampled_logprobs=table((), (), 0))
    response = sample(sequences=[empty], topk_prompt_logprobs=schema.TopkLogprobs(length=1))
    (sequence,) = response.sequences
    assert (sequence.logprobs, sequence.topk_logprobs, response.topk_prompt_logprobs) == ([], [], [None])


def test_a_prompt_has_none_where_there_is_no_number_and_rows_end_before_padding() -> None:
    response = sample(
        prompt_logprobs=f32(float("nan"), -1),
        prompt_cache_hit_tokens=3,
        topk_prompt_logprobs=table((0, 0, 7, 0), (-99999.0, -99999.0, -1, -99999.0), 2),
    )
    assert response.prompt_logprobs == [None, -1.0]
    assert (response.topk_prompt_logprobs, response.prompt_cache_hit_tokens) == ([None, [(7, -1.0)]], 3)


def test_an_unknown_stop_reason_keeps_its_number() -> None:
    raw = schema.SampledSequence.FromString(b"\x08\x07")
    assert sample(sequences=[raw]).sequences[0].stop_reason == "stop_reason_7"


def test_tensors_of_a_sample_are_widened_and_may_be_sparse() -> None:
    sparse = schema.SparseCsr(values=bf16(-2), crow_indices=i64(0, 0, 1), col_indices=i64(1))
    response = sample(
        target_prompt_logprobs=schema.Tensor(sparse_csr=sparse, dtype=schema.DTYPE_BFLOAT16, shape=(2, 2)),
        prompt_alt_tokens=schema.PromptAltTokens(
            tokens=schema.Tensor(dense=i32(4, 5), dtype=schema.DTYPE_INT32, shape=(1, 2)),
            logprobs=schema.Tensor(dense=bf16(-1, -2), dtype=schema.DTYPE_BFLOAT16),
        ),
    )
    assert response.target_prompt_logprobs == TensorData([-2.0], "float32", (2, 2), (0, 0, 1), (1,))
    alternatives = response.prompt_alt_tokens
    assert alternatives is not None
    assert (alternatives.tokens, alternatives.logprobs.data) == (TensorData([[4, 5]]), [-1.0, -2.0])


def test_fields_of_every_kind_that_are_not_known_are_passed_over() -> None:
    known = output(record(1, a=batched(f32(4), i64(0, 4))))
    strange = b"\x78\x01" + b"\x79" + bytes(8) + b"\x7d" + bytes(4) + b"\x7a\x01x" + b"\x10\x01"
    assert outputs_of(known + strange) == outputs_of(known)


def test_no_bytes_but_those_taken_out_can_be_meant() -> None:
    with pytest.raises(ValueError, match="where they can't"):
        _ = Hollow(b"", []).at(b"\0\0\0\0")


LIES: dict[str, bytes] = {
    "an integer without end": b"\x12" + b"\xff" * 20,
    "not a message": b"\xff\xff\xff",
    "length beyond the end": b"\x12\xff\xff\xff\xff\x0f",
    "not a text": b"\x0a\x01\xff",
    "offsets beyond the data": output(record(1, a=batched(f32(1), i64(0, 2**62)))),
    "offsets before the data": output(record(1, a=batched(f32(1), i64(-4, 4)))),
    "falling offsets": output(record(2, a=batched(f32(1), i64(0, 4, 0)))),
    "offsets within an element": output(record(1, a=batched(f32(1), i64(0, 2)))),
    "half an offset": output(record(1, a=batched(f32(1), b"1234567"))),
    "half an element": output(record(1, a=batched(b"123", i64(0)))),
    "dtype 0": output(record(1, a=batched(f32(1), i64(0, 4), 0))),
    "dtype 9": output(record(1, a=batched(f32(1), i64(0, 4), 9))),
    "huge trailing shape": output(record(1, a=batched(f32(1), i64(0, 4), 1, (2**62, 2**62)))),
    "high rank": output(record(1, a=batched(f32(1), i64(0, 4), 1, (1,) * 40))),
    "negative trailing shape": output(record(1, a=batched(f32(1), i64(0, 4), 1, (-1,)))),
    "more datums than outputs": output(record(2**60, a=batched(f32(1), i64(0, 4)))),
    "very many datums without outputs": output(record(2**60)),
    "many records without outputs": output(*[record(2**15)] * 3),
    "fewer than no datums": output(record(-1)),
    "many beside fewer than none": output(record(2**40), record(-(2**40))),
}
SAMPLE_LIES: dict[str, bytes] = {
    "half a token": schema.SampleResponse(sequences=[schema.SampledSequence(tokens=b"123")]).SerializeToString(),
    "half a number": schema.SampleResponse(prompt_logprobs=b"123").SerializeToString(),
    "a table of another size": schema.SampleResponse(
        topk_prompt_logprobs=schema.TopkLogprobs(token_ids=i32(1), logprobs=f32(1), k=2**31, length=2**31)
    ).SerializeToString(),
    "misshapen": schema.SampleResponse(
        target_prompt_logprobs=schema.Tensor(dense=f32(1), dtype=schema.DTYPE_FLOAT32, shape=(2**62,))
    ).SerializeToString(),
    "sparse without a shape": schema.SampleResponse(
        target_prompt_logprobs=schema.Tensor(sparse_csr=schema.SparseCsr(), dtype=schema.DTYPE_FLOAT32)
    ).SerializeToString(),
}


def test_groups_which_protobuf_gave_up_are_not_gone_through() -> None:
    assert isinstance(results.decode(ForwardBackwardOutput, UNKNOWN + b"\x13\x14"), Failure)


UNKNOWN = b"\x7a" + varint(200_000) + bytes(200_000)
"""A field that nobody knows, with which a result is a large one: such are read in another way."""


@pytest.mark.parametrize("before", [b"", UNKNOWN], ids=["small", "large"])
@pytest.mark.parametrize("body", LIES.values(), ids=LIES)
def test_an_output_that_lies_is_a_failure(body: bytes, before: bytes) -> None:
    assert isinstance(results.decode(ForwardBackwardOutput, before + body), Failure)


@pytest.mark.parametrize("body", SAMPLE_LIES.values(), ids=SAMPLE_LIES)
def test_a_sample_that_lies_is_a_failure(body: bytes) -> None:
    assert isinstance(results.decode(SampleResponse, body), Failure)


def test_only_two_results_have_a_form_in_protobuf() -> None:
    assert isinstance(results.decode(dict[str, int], b""), Failure)


@pytest.mark.parametrize("kind", ["application/x-protobuf", "Application/Protobuf; charset=binary"])
def test_a_promise_is_read_by_its_content_type(kind: str) -> None:
    reply = Reply(status=200, headers=(("content-type", kind),), body=output(record(1)))
    read = PromiseOf(ForwardBackwardOutput, "ForwardBackward").read(reply)
    assert read == Success(Ready(or_raise(results.decode(ForwardBackwardOutput, reply.body))))
    as_json = Reply(status=200, body=reply.body)
    assert isinstance(PromiseOf(ForwardBackwardOutput, "ForwardBackward").read(as_json), Failure)


PICTURE = ModelInput((EncodedTextChunk([]), ImageChunk(b"png", "png", 0), ImageChunk(b"jpg", "jpeg"), DmelChunk(b"d")))
SPARSE = TensorData([5.0], None, (2, 3), [0, 1, 1], [2])
SPANS = (PromptProvenanceSpan(sequence_id="a", length=1), SampledProvenanceSpan(sequence_id="b", offset=2, length=1))
BATCHES: dict[str, Batch] = {
    "text": Batch(data=(Datum(ModelInput.from_ints([1, 2]), {"target_tokens": [2, 3]}),), loss_fn="cross_entropy"),
    "forward only": Batch(data=(), loss_fn="ppo", forward_only=True),
    "settings": Batch(data=(), loss_fn="x", loss_fn_config=FrozenMapping({"a": 0.0, "b": "", "c": "t"})),
    "chunks": Batch(data=(Datum(PICTURE, {}),), loss_fn="x"),
    "sparse and 0-d": Batch(
        data=(Datum(ModelInput(), {"a": SPARSE, "b": TensorData.of(1.5), "": [[1.0]]}),), loss_fn=""
    ),
    "spans": Batch(data=(Datum(ModelInput.from_ints([1, 2]), {}).with_provenance(SPANS, SPANS[:1]),), loss_fn="x"),
}


@pytest.mark.parametrize("batch", BATCHES.values(), ids=BATCHES)
def test_a_server_reads_the_batch_that_was_sent(batch: Batch) -> None:
    encoded = requests.numbered(requests.enclosed(batch, or_raise(requests.forms(batch))), "m", 3)
    assert messages.decode(encoded.content) == Success(messages.NumberedBatch(model_id="m", seq_id=3, batch=batch))


def test_settings_of_older_clients_are_read_too() -> None:
    message = schema.ForwardBackwardRequest(loss_fn_config={"a": 1.0}).SerializeToString()
    assert or_raise(messages.decode(message)).batch.loss_fn_config == {"a": 1.0}


WRONG: dict[str, schema.Chunk] = {
    "half a token": schema.Chunk(encoded_text=schema.EncodedTextChunk(tokens=b"123")),
    "an unknown picture": schema.Chunk(image=schema.ImageChunk(data=b"x", format="gif")),
}


@pytest.mark.parametrize("chunk", WRONG.values(), ids=WRONG)
def test_what_a_server_cannot_read_is_a_failure(chunk: schema.Chunk) -> None:
    message = schema.ForwardBackwardRequest(data=[schema.Datum(model_input=[chunk])])
    assert isinstance(messages.decode(message.SerializeToString()), Failure)


@pytest.mark.parametrize(
    ("value", "expected"), [(0, b"\0"), (127, b"\x7f"), (300, b"\xac\x02"), (-1, b"\xff" * 9 + b"\1")]
)
def test_an_integer_has_seven_bits_a_byte(value: int, expected: bytes) -> None:
    assert varint(value) == expected
