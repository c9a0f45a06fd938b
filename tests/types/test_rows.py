"""Data taken apart: what they look like, and their bytes."""

from __future__ import annotations

from typing import cast

import pytest

from tinkex_py import Datum, ModelInput
from tinkex_py.types import EncodedTextChunk, ImageChunk, SampledProvenanceSpan, TensorData
from tinkex_py.types.rows import Input, Kind, Looks, Rows, rows_of

TEXT = ModelInput.from_ints([1, 2])
TARGETS, WEIGHTS = Kind("target_tokens", "int64"), Kind("weights", "float32")
SPAN = SampledProvenanceSpan(sequence_id="a", length=2)
PICTURE = ImageChunk(b"png", "png")


def test_each_look_is_there_once_and_buffers_stay_with_their_datum() -> None:
    data = [Datum(TEXT, {"target_tokens": [each, 3], "weights": [1.0, each]}) for each in (5, 6)]
    longer = Datum(ModelInput.from_ints([1, 2, 3]), {"target_tokens": [4]})
    looks = Looks((8,), (Input(TARGETS, (2,), 16), Input(WEIGHTS, (2,), 8)))
    tokens = [datum.model_input.chunks[0] for datum in (*data, longer)]
    targets = [datum.loss_fn_inputs["target_tokens"].buffer for datum in (*data, longer)]
    weights = [datum.loss_fn_inputs["weights"].buffer for datum in data]
    ids = [each.packed.buffer for each in tokens if isinstance(each, EncodedTextChunk)]
    assert rows_of([*data, longer]) == Rows(
        [looks, Looks((12,), (Input(TARGETS, (1,), 8),))],
        [0, 0, 1],
        [[ids[0], targets[0], weights[0]], [ids[1], targets[1], weights[1]], [ids[2], targets[2]]],
        ids,
        {TARGETS: targets, WEIGHTS: weights},
        {},
    )


def test_inputs_of_one_name_and_two_dtypes_are_two() -> None:
    inputs = rows_of([Datum(TEXT, {"a": [2]}), Datum(TEXT, {"a": [0.5]}), Datum(TEXT, {"b": [1], "a": [3]})]).inputs
    assert {kind: [each.tobytes() for each in column] for kind, column in inputs.items()} == {
        Kind("a", "int64"): [TensorData([2]).buffer, TensorData([3]).buffer],
        Kind("a", "float32"): [TensorData([0.5]).buffer],
        Kind("b", "int64"): [TensorData([1]).buffer],
    }


OTHERS: dict[str, object] = {
    "no datum": "datum",
    "no input": Datum(cast("ModelInput", [1, 2]), {}),
    "a picture": Datum(ModelInput([PICTURE]), {}),
    "no tokens": Datum(ModelInput.from_ints([-1]), {}),
    "no numbers": Datum(TEXT, {"weights": ["a"]}),
    "a sparse tensor": Datum(TEXT, {"weights": TensorData([5.0], None, (2, 3), [0, 1, 1], [2])}),
    "origins": Datum(TEXT, {"target_tokens": [1, 2]}).with_provenance([SPAN], [SPAN]),
}


@pytest.mark.parametrize("other", OTHERS.values(), ids=OTHERS)
def test_data_of_other_kinds_stand_beside_the_rows(other: object) -> None:
    rows = rows_of([Datum(TEXT, {}), other, Datum(TEXT, {})])
    assert (rows.looks, rows.places, rows.others) == ([Looks((8,), ())], [0, 0], {1: other})


@pytest.mark.parametrize("texts", [[], [[1], [2, 3]]], ids=["none", "two"])
def test_a_prompt_may_be_of_any_number_of_texts(texts: list[list[int]]) -> None:
    chunks = [EncodedTextChunk(ids) for ids in texts]
    datum = Datum(ModelInput(chunks), {"weights": [0.5]})
    looks = Looks(tuple(4 * len(ids) for ids in texts), (Input(WEIGHTS, (1,), 4),))
    weights = datum.loss_fn_inputs["weights"].buffer
    ids = [chunk.packed.buffer for chunk in chunks]
    assert rows_of([datum]) == Rows([looks], [0], [[*ids, weights]], ids, {WEIGHTS: [weights]}, {})


def test_nothing_has_no_rows() -> None:
    assert rows_of([]) == Rows([], [], [], [], {}, {})
