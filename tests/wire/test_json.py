"""JSON out and in: None is left out, what comes is read leniently, and nothing raises."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from math import isnan, nan
from typing import Any

import numpy as np
import pytest
from msgspec import Struct
from returns.result import Failure, Success
from typing_extensions import override

from tinkex_py import Datum, ImageChunk, ModelInput, TensorData
from tinkex_py.outcome import or_raise
from tinkex_py.types import (
    Checkpoint,
    CheckpointsListResponse,
    Cursor,
    ForwardBackwardOutput,
    FrozenMapping,
    OptimStepResponse,
    SampleResponse,
)
from tinkex_py.types.tokens import Tokens
from tinkex_py.wire.json import convert, decode, decode_answer, encode, encoded, lower, numbered

SPARSE = TensorData([5.0], None, (2, 3), [0, 1, 1], [2])
VALUES: dict[str, tuple[type, object]] = {
    "dense": (TensorData, TensorData([[1, 2]])),
    "flat": (TensorData, TensorData([1.5])),
    "sparse": (TensorData, SPARSE),
    "image": (ModelInput, ModelInput((ImageChunk(b"png", "png", 3),))),
    "datum": (Datum, Datum(ModelInput.from_ints([1]), {"target_tokens": [2], "weights": [0.5]})),
}

NOON = datetime(2026, 7, 13, 12, tzinfo=UTC)


class Happened(Struct):
    at: datetime


class Body(Struct, frozen=True, tag="body"):
    """A body with what bodies hold."""

    value: object


@pytest.mark.parametrize(("form", "value"), VALUES.values(), ids=VALUES)
def test_decoding_what_was_encoded_is_the_value(form: type, value: object) -> None:
    read = json.loads(encode(Body(value)).content)
    assert read["type"] == "body"
    assert decode(form, json.dumps(read["value"]).encode()) == Success(value)


def test_what_is_none_is_left_out_and_containers_are_lowered() -> None:
    assert lower(Body(None)) == {"type": "body"}
    assert lower(FrozenMapping({"a": (1, None), "b": [SPARSE]})) == {"a": (1, None), "b": [lower(SPARSE)]}


def test_a_number_is_put_in_front() -> None:
    step = encode(Body(1))
    assert json.loads(numbered(step, "m", 3).content) == {"model_id": "m", "seq_id": 3, "value": 1, "type": "body"}

    class Empty(Struct, frozen=True):
        """No fields."""

    assert numbered(encode(Empty()), "m", 3).content == b'{"model_id":"m","seq_id":3}'


def test_not_a_number_is_read_however_it_is_spelled() -> None:
    for spelled in (b'{"data": [1.5, null]}', b'{"data": [1.5, NaN], "dtype": "float32"}'):
        data = or_raise(decode(TensorData, spelled)).data
        assert (data[0], isnan(data[1])) == (1.5, True)
    assert or_raise(decode(dict[str, float], b'{"loss": Infinity}')) == {"loss": float("inf")}


@pytest.mark.parametrize("form", [ForwardBackwardOutput, OptimStepResponse])
@pytest.mark.parametrize("other", ["2.5", "Infinity"])
def test_a_metric_that_is_null_is_no_number(form: type[ForwardBackwardOutput | OptimStepResponse], other: str) -> None:
    body = f'{{"loss_fn_outputs": [], "metrics": {{"ratio:max": null, "grad_norm": null, "loss:sum": {other}}}}}'
    metrics = or_raise(decode_answer(form, body.encode())).metrics or {}
    assert [name for name, value in metrics.items() if isnan(value)] == ["ratio:max", "grad_norm"]
    assert metrics["loss:sum"] == float(other)


TIMES = {
    "soon": None,
    "": None,
    "2026-13-01T00:00:00Z": None,
    "2026-07-13T12:00:00Z": NOON,
    "2026-07-13T12:00:00": NOON,
}


def test_a_time_that_nobody_can_read_spoils_no_list() -> None:
    listed = [{"checkpoint_id": "a", "time": text, "expires_at": text, "size_bytes": 1} for text in (*TIMES, None)]
    body = json.dumps({"checkpoints": [*listed, {"checkpoint_id": "a"}]}).encode()
    found = or_raise(decode_answer(CheckpointsListResponse, body)).checkpoints
    assert [each.time for each in found] == [each.expires_at for each in found] == [*TIMES.values(), None, None]
    assert [each.size_bytes for each in found] == [1] * (len(TIMES) + 1) + [None]


def test_half_a_character_in_the_place_of_a_time_spoils_no_list_either() -> None:
    listed = b'{"checkpoint_id": "a", "time": "2026-07-13T12:00:00"}, {"checkpoint_id": "b", "time": "\\ud800"}'
    body = b'{"checkpoints": [' + listed + b'], "other": NaN}'
    assert [each.time for each in or_raise(decode_answer(CheckpointsListResponse, body)).checkpoints] == [NOON, None]


def test_a_time_that_has_to_be_there_has_to_be_readable() -> None:
    assert isinstance(decode_answer(Happened, b'{"at": "soon"}'), Failure)
    assert isinstance(decode_answer(dict[str, datetime], b'{"at": "soon"}'), Failure)
    assert isinstance(decode_answer(list[datetime], b'["soon"]'), Failure)


def test_a_null_in_the_place_of_what_may_be_left_out_spoils_no_list() -> None:
    lacking = {"checkpoint_id": "a", "checkpoint_type": None, "public": None, "time": "2026-07-13T12:00:00"}
    listed = [lacking, {"checkpoint_id": "b"}, {"checkpoint_id": "c", "public": True}, lacking]
    found = or_raise(decode_answer(CheckpointsListResponse, json.dumps({"checkpoints": listed}).encode())).checkpoints
    assert found[0] == found[3] == Checkpoint(checkpoint_id="a", time=NOON)
    assert list(found[1:3]) == [Checkpoint(checkpoint_id="b"), Checkpoint(checkpoint_id="c", public=True)]
    empty = json.dumps({"checkpoints": None, "cursor": {"limit": None, "total_count": None}}).encode()
    assert decode_answer(CheckpointsListResponse, empty) == Success(CheckpointsListResponse(cursor=Cursor()))


def test_a_null_in_the_place_of_what_has_to_be_there_is_a_failure() -> None:
    failed = decode_answer(CheckpointsListResponse, b'{"checkpoints": [{"checkpoint_id": null}]}')
    assert failed == Failure("Object missing required field `checkpoint_id` - at `$.checkpoints[0]`")
    assert isinstance(decode_answer(CheckpointsListResponse, b'{"checkpoints": [null]}'), Failure)


def test_integers_are_read_from_whole_numbers() -> None:
    tensor = or_raise(decode(TensorData, b'{"data": [1, 2.0, 1], "dtype": "int64"}'))
    assert (tensor.dtype, tensor.data) == ("int64", [1, 2, 1])


BROKEN: dict[str, tuple[Any, bytes]] = {
    "not JSON": (Any, b"<html>"),
    "NaN and not JSON": (Any, b"{NaN"),
    "deep": (Any, b"[" * 100_000),
    "deep with NaN": (Any, b"[" * 100_000 + b"NaN"),
    "invalid text": (Any, b'"\xff"'),
    "wrong shape": (SampleResponse, b'{"sequences": 5}'),
    "wrong shape with NaN": (SampleResponse, b'{"sequences": NaN}'),
    "half integers": (TensorData, b'{"data": [1.5], "dtype": "int64"}'),
    "null integers": (TensorData, b'{"data": [null], "dtype": "int64"}'),
    "infinite integers": (TensorData, b'{"data": [Infinity], "dtype": "int64"}'),
    "misshapen": (TensorData, b'{"data": [1], "shape": [2]}'),
    "half a character in the place of metrics, with NaN": (OptimStepResponse, b'{"metrics": "\\ud800", "other": NaN}'),
}


@pytest.mark.parametrize(("form", "body"), BROKEN.values(), ids=BROKEN)
def test_what_cannot_be_read_is_a_failure(form: Any, body: bytes) -> None:
    assert isinstance(decode(form, body), Failure)


def test_values_of_jsons_own_kinds_convert() -> None:
    assert convert(dict[str, int], {"a": "1"}) == Success({"a": 1})
    assert isinstance(convert(dict[str, int], {"a": nan}), Failure)


class Named(Struct):
    """What has a text."""

    name: str


class Shouted(str):
    """A text that `str` makes another of."""

    __slots__ = ()

    @override
    def __str__(self) -> str:
        return self.upper()


def test_texts_are_written_as_they_are() -> None:
    assert encode(Named(Shouted("b"))).content == b'{"name":"b"}'


def test_numbers_of_numpy_are_numbers() -> None:
    assert encode(Body((np.float32(1.5), np.int64(2)))).content == b'{"value":[1.5,2],"type":"body"}'


UNWRITABLE: dict[str, tuple[object, str]] = {
    "text": ("\ud800", "value"),
    "in a list": (["a", ("b", "\udfff")], "value[1][1]"),
    "under a name": ({"a": [1], "b": {"c": "x\ud800"}}, "value.b.c"),
    "as a name": ({"\ud800": 1}, "value"),
}


@pytest.mark.parametrize(("value", "path"), UNWRITABLE.values(), ids=UNWRITABLE)
def test_a_text_without_bytes_is_named(value: object, path: str) -> None:
    error = encoded(Body(value)).failure()
    assert (error.path, error.message.isascii()) == (path, True)


@pytest.mark.parametrize("count", [0, 1, 1024, 1025, 2048, 2049, 5000])
def test_many_numbers_are_written_as_few_are(count: int) -> None:
    ids = list(range(count))
    halves = [each / 2 for each in ids]
    assert json.loads(encode(Body(Tokens(ids))).content)["value"] == ids
    tensors = {"a": TensorData(ids, "int64", (count,)), "b": TensorData(halves, "float32", (count,))}
    read = json.loads(encode(Body(tensors)).content)["value"]
    assert (read["a"]["data"], read["b"]["data"]) == (ids, halves)


def test_what_json_has_no_form_for_is_a_bug() -> None:
    with pytest.raises(NotImplementedError):
        encode(Body(object()))
    with pytest.raises(NotImplementedError):
        decode(Unknown, b"1")


class Unknown:
    """Nothing that is read."""
