"""About how large a batch is, told without encoding it."""

from __future__ import annotations

from tinkex_py import Datum, ModelInput
from tinkex_py.plans.estimates import estimated_batch
from tinkex_py.types import ImageChunk
from tinkex_py.types.rows import rows_of

TEXT = Datum(ModelInput.from_ints([1, 2, 3]), {"target_tokens": [2, 3, 4], "weights": [1.0, 1.0, 1.0]})
PICTURE = Datum(ModelInput([ImageChunk(b"12345", "png")]), {"weights": [1.0]})


def test_a_number_counts_ten_bytes_and_a_picture_its_own() -> None:
    assert (estimated_batch([TEXT]), estimated_batch([PICTURE])) == (90, 15)
    assert estimated_batch([TEXT, PICTURE]) == 105


def test_a_batch_that_was_taken_apart_is_as_large() -> None:
    data = [TEXT, TEXT, Datum(ModelInput.from_ints([1]), {"a": [2, 3]})]
    assert estimated_batch(data, rows_of(data)) == estimated_batch(data) == 210


def test_what_is_no_datum_takes_nothing() -> None:
    assert estimated_batch([TEXT, "not a datum"]) == 90
