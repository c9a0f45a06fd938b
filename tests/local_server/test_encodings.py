"""The embedded server reads batches in either dialect, compressed or not, and answers as it is asked to."""

from __future__ import annotations

import gzip
from typing import Any

import numpy as np
import pytest
from returns.result import Success

from tests.local_server.driving import Driven, answered
from tinkex_py import Datum, ModelInput, TensorData
from tinkex_py.local.incoming import Held
from tinkex_py.outcome import or_raise
from tinkex_py.request import Pairs, Reply
from tinkex_py.types import ForwardBackwardOutput, SampleResponse
from tinkex_py.types.batch import Batch
from tinkex_py.types.inputs import DmelChunk
from tinkex_py.wire import json
from tinkex_py.wire.compression import compressed
from tinkex_py.wire.dialects import lower, numbered
from tinkex_py.wire.protobuf import results, schema

DATUM = Datum(ModelInput.from_ints([72, 101, 108]), {"target_tokens": [101, 108, 108], "weights": [1.0, 0.5, 0.0]})
ONE_HOT = TensorData([101, 108], "int64", (3, 1), (0, 1, 2, 2), (0, 0))
PROTOBUF = ("content-type", "application/x-protobuf")
ASKING: Pairs = (("accept", "application/x-protobuf, application/json"),)


def sent(driven: Driven, model: str, number: int, dialect: Any, datum: Datum = DATUM, **options: Any) -> Reply | Held:
    batch = Batch(data=(datum,), loss_fn="cross_entropy", **options)
    lowered = or_raise(lower("forward_backward", batch, dialect))
    encoded = numbered(lowered.unnumbered, model, number)
    return driven.call("POST", lowered.operation, encoded.content, (("content-type", encoded.content_type),))


def result(driven: Driven, reply: Reply | Held, headers: Pairs) -> Reply:
    driven.work()
    found = driven.call("POST", "retrieve_future", {"request_id": answered(reply)["request_id"]}, headers)
    assert isinstance(found, Reply)
    return found


@pytest.mark.parametrize("only", [False, True])
def test_both_dialects_and_both_answers_say_the_same(driven: Driven, *, only: bool) -> None:
    model = driven.model()
    outputs: list[ForwardBackwardOutput] = []
    for number, dialect in enumerate(("json", "protobuf"), 1):
        reply = result(driven, sent(driven, model, number, dialect, forward_only=only), ASKING)
        assert reply.header("content-type") == "application/x-protobuf"
        outputs.append(or_raise(results.decode(ForwardBackwardOutput, reply.body)))
    plain = result(driven, sent(driven, model, 3, "protobuf", forward_only=only), ())
    assert plain.header("content-type") == "application/json"
    outputs.append(or_raise(json.decode(ForwardBackwardOutput, plain.body)))
    assert outputs[0].loss_fn_outputs == outputs[1].loss_fn_outputs == outputs[2].loss_fn_outputs
    assert len(outputs[0].loss_fn_outputs[0]["logprobs"].data) == 3


@pytest.mark.parametrize("dialect", ["json", "protobuf"])
def test_a_single_token_needs_no_shape_either(driven: Driven, dialect: str) -> None:
    inputs = {"target_tokens": TensorData([101]), "weights": TensorData([0.5])}
    reply = sent(driven, driven.model(), 1, dialect, Datum(ModelInput.from_ints([72]), inputs))
    outputs = or_raise(results.decode(ForwardBackwardOutput, result(driven, reply, ASKING).body)).loss_fn_outputs
    assert outputs[0]["logprobs"].shape == (1,)


def test_samples_come_in_protobuf_when_asked_for(driven: Driven) -> None:
    body = {"base_model": "tinkex/tiny-random", "prompt": {"chunks": [{"tokens": [72, 105]}]}, "num_samples": 2}
    body |= {"sampling_params": {"max_tokens": 3}, "prompt_logprobs": True, "topk_prompt_logprobs": 2}
    promise = driven.call("POST", "asample", body)
    found = or_raise(results.decode(SampleResponse, result(driven, promise, ASKING).body))
    plain = or_raise(json.decode(SampleResponse, result(driven, promise, ()).body))
    assert [each.tokens for each in found.sequences] == [each.tokens for each in plain.sequences]
    assert found.prompt_logprobs is not None
    assert (found.prompt_logprobs[0], len(found.prompt_logprobs)) == (None, 2)


def told(response: SampleResponse) -> tuple[Any, ...]:
    """What a sample and its prompt are told, of tables only how long their rows are."""
    sample = response.sequences[0]
    tables = (sample.topk_logprobs, response.topk_prompt_logprobs)
    counts = [None if rows is None else [None if row is None else len(row) for row in rows] for rows in tables]
    logprobs = None if sample.logprobs is None else [np.float32(each) for each in sample.logprobs]
    return list(sample.tokens), logprobs, *counts


EMPTY: dict[str, tuple[list[int], int, tuple[Any, Any]]] = {
    "no tokens": ([72, 105], 0, ([], [None, 2])),
    "a prompt of one token": ([72], 1, ([2], [None])),
    "both": ([72], 0, ([], [None])),
}


@pytest.mark.parametrize(("prompt", "max_tokens", "tables"), EMPTY.values(), ids=EMPTY)
def test_both_answers_say_the_same_of_what_is_empty(
    driven: Driven, prompt: list[int], max_tokens: int, tables: tuple[Any, Any]
) -> None:
    body = {"base_model": "tinkex/tiny-random", "prompt": {"chunks": [{"tokens": prompt}]}, "prompt_logprobs": True}
    body |= {"sampling_params": {"max_tokens": max_tokens}, "topk_prompt_logprobs": 2, "topk_sample_logprobs": 2}
    promise = driven.call("POST", "asample", body)
    packed = told(or_raise(results.decode(SampleResponse, result(driven, promise, ASKING).body)))
    plain = told(or_raise(json.decode(SampleResponse, result(driven, promise, ()).body)))
    assert packed == plain
    assert (len(packed[0]), len(packed[1]), packed[2:]) == (max_tokens, max_tokens, tables)


def test_sparse_tensors_are_read(driven: Driven) -> None:
    model = driven.model()
    reply = sent(driven, model, 1, "protobuf", Datum(DATUM.model_input, {"target_tokens": ONE_HOT}))
    assert or_raise(results.decode(ForwardBackwardOutput, result(driven, reply, ASKING).body)).loss_fn_outputs


def test_other_chunks_than_text_fail_with_their_place(driven: Driven) -> None:
    model = driven.model()
    reply = sent(driven, model, 1, "protobuf", Datum(ModelInput((DmelChunk(b"d"),)), {}))
    assert b"chunks[0] is 'dmel'" in result(driven, reply, ASKING).body


def test_a_compressed_batch_is_read(driven: Driven) -> None:
    _ = pytest.importorskip("zstandard")
    model = driven.model()
    lowered = or_raise(lower("forward_backward", Batch(data=(DATUM,), loss_fn="cross_entropy"), "protobuf"))
    body = compressed(numbered(lowered.unnumbered, model, 1))
    headers = (PROTOBUF, ("content-encoding", "zstd"))
    assert answered(driven.call("POST", "forward_backward", body.content, headers))["request_id"]


TOO_LARGE = gzip.compress(bytes((64 << 20) + 1), 1)
UNREADABLE: dict[str, tuple[str, bytes, int]] = {
    "unknown": ("br", b"", 415),
    "broken": ("gzip", b"?", 400),
    "large": ("gzip", TOO_LARGE, 413),
}


@pytest.mark.parametrize(("encoding", "body", "status"), UNREADABLE.values(), ids=UNREADABLE)
def test_what_cannot_be_unpacked_is_refused(driven: Driven, encoding: str, body: bytes, status: int) -> None:
    reply = driven.call("POST", "create_session", body, (("content-encoding", encoding),))
    assert isinstance(reply, Reply)
    assert reply.status == status


def test_a_message_that_cannot_be_read_is_422_and_frees_its_number(driven: Driven) -> None:
    model = driven.model()
    wrong = schema.Datum(model_input=[schema.Chunk(encoded_text=schema.EncodedTextChunk(tokens=b"123"))])
    message = schema.ForwardBackwardRequest(model_id=model, seq_id=1, data=[wrong])
    for body in (message.SerializeToString(), b"\xff\xff", b"\x10\xff\xff\xff\xff\xff\xff\xff\xff\xff\x01"):
        reply = driven.call("POST", "forward_backward", body, (PROTOBUF,))
        assert isinstance(reply, Reply)
        assert reply.status == 422
    assert isinstance(results.decode(ForwardBackwardOutput, _outputs(driven, model)), Success)


def _outputs(driven: Driven, model: str) -> bytes:
    return result(driven, sent(driven, model, 1, "protobuf"), ASKING).body


def test_a_message_without_a_number_takes_the_next(driven: Driven) -> None:
    model = driven.model()
    assert result(driven, sent(driven, model, 0, "protobuf"), ASKING).status == 200
