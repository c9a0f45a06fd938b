"""Metrics are folded by the word behind the colon; what has no such word is kept."""

from __future__ import annotations

from collections.abc import Mapping

import pytest

from tinkex_py.plans.chunks import combined
from tinkex_py.types import ForwardBackwardOutput, TensorData


def part(count: int, metrics: dict[str, float]) -> ForwardBackwardOutput:
    outputs: tuple[Mapping[str, TensorData], ...] = (dict[str, TensorData](),) * count
    return ForwardBackwardOutput(loss_fn_output_type="A", loss_fn_outputs=outputs, metrics=metrics)


def folded(name: str, *values: float, counts: tuple[int, ...] = (2, 2, 1)) -> dict[str, float]:
    parts = [part(count, {name: value}) for count, value in zip(counts, values, strict=False)]
    return dict(combined(parts).metrics)


FOLDS = {
    "sum": ("loss:sum", 6.0),
    "min": ("a:min", 1.0),
    "max": ("a:max", 3.0),
    "mean": ("a:mean", 1.8),
    "slack": ("a:slack", 1.2),
    "hash2": ("a:hash2", 6.0),
    "hash_unordered": ("a:hash_unordered", float(hash((1, 2, 3)))),
    "unknown": ("a:median", 1.8),
    "none": ("tokens", 1.8),
    "two colons": ("a:b:sum", 6.0),
}


@pytest.mark.parametrize(("name", "value"), FOLDS.values(), ids=FOLDS)
def test_a_metric_is_folded_by_its_suffix(name: str, value: float) -> None:
    assert folded(name, 1.0, 2.0, 3.0) == pytest.approx({name: value})


def test_unique_metrics_keep_all_values() -> None:
    assert folded("id:unique", 7, 8, 9) == {"id:unique": 7, "id:unique_1": 8, "id:unique_2": 9}


def test_sums_of_hashes_stay_within_64_bits() -> None:
    assert folded("a:hash2", 2.0**63, 2.0**63, float("nan")) == {"a:hash2": 0.0}


def test_a_mean_over_no_data_is_the_plain_mean() -> None:
    assert folded("a:mean", 1.0, 3.0, counts=(0, 0)) == {"a:mean": 2.0}


def test_a_metric_that_a_chunk_lacks_is_folded_over_the_others() -> None:
    parts = [part(1, {"a:sum": 1.0}), part(1, {"a:sum": 2.0, "b:max": 5.0}), part(1, {})]
    assert combined(parts).metrics == {"a:sum": 3.0, "b:max": 5.0}


def test_one_chunk_is_left_as_it_is() -> None:
    only = part(1, {"odd": 1.0, "id:unique": 2.0})
    assert combined([only]) is only
