"""About how large a batch is, told without encoding it."""

from __future__ import annotations

from typing import Any, cast

import pytest

from tinkex_py import Datum, ModelInput
from tinkex_py.plans.estimates import estimated_batch
from tinkex_py.types import EncodedTextChunk, ImageChunk
from tinkex_py.types.rows import rows_of

TEXT = Datum(ModelInput.from_ints([1, 2, 3]), {"target_tokens": [2, 3, 4], "weights": [1.0, 1.0, 1.0]})
PICTURE = Datum(ModelInput([ImageChunk(b"12345", "png")]), {"weights": [1.0]})


def test_a_number_counts_ten_bytes_and_a_picture_its_own() -> None:
    assert (estimated_batch(rows_of([TEXT])), estimated_batch(rows_of([PICTURE]))) == (90, 15)
    assert estimated_batch(rows_of([TEXT, PICTURE])) == 105


def test_data_that_look_alike_count_each() -> None:
    assert estimated_batch(rows_of([TEXT, TEXT, Datum(ModelInput.from_ints([1]), {"a": [2, 3]})])) == 210


def test_the_texts_of_a_prompt_count_together() -> None:
    assert estimated_batch(rows_of([Datum(ModelInput([EncodedTextChunk([1]), EncodedTextChunk([2, 3])]), {})])) == 30


def test_what_is_no_datum_takes_nothing() -> None:
    assert estimated_batch(rows_of([TEXT, "not a datum"])) == 90


@pytest.mark.parametrize(
    "prompt",
    [5, "text", ModelInput(cast("Any", (5,))), ModelInput([ImageChunk(cast("Any", 5), "png")])],
    ids=["number", "text", "chunk", "image"],
)
def test_what_can_not_be_sent_takes_nothing(prompt: Any) -> None:
    assert estimated_batch(rows_of([TEXT, Datum(prompt, {})])) == 90
