"""Outcomes chain, collect and convert."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from returns.result import Failure, Success

from tinkex_py.errors import ClientClosed
from tinkex_py.outcome import Outcome, OutcomeError, as_outcome, as_tuple, change, collect, or_raise, then


def half(number: int) -> Outcome[int, str]:
    return Failure(f"{number} is odd") if number % 2 else Success(number // 2)


def test_then_goes_on_with_a_value_and_stops_at_a_failure() -> None:
    assert (then(half(4), half), then(half(6), half), then(half(3), half)) == (
        Success(1),
        Failure("3 is odd"),
        Failure("3 is odd"),
    )


def test_change_maps_a_value_and_stops_at_a_failure() -> None:
    assert (change(half(4), str), change(half(3), str)) == (Success("2"), Failure("3 is odd"))


def test_what_a_map_gives_is_an_outcome() -> None:
    assert (as_outcome(half(4).map(str)), collect([half(4).map(str)])) == (Success("2"), Success(("2",)))


def test_collect_gives_all_values_or_the_first_failure() -> None:
    assert (collect(map(half, (2, 4))), collect(map(half, (2, 3, 5)))) == (Success((1, 2)), Failure("3 is odd"))


def test_an_outcome_becomes_a_tuple() -> None:
    assert (as_tuple(half(2)), as_tuple(half(1))) == (("ok", 1), ("error", "1 is odd"))


def test_or_raise_gives_the_value_or_raises_the_error() -> None:
    assert or_raise(half(2)) == 1
    error = ClientClosed(message="closed")
    with pytest.raises(OutcomeError, match="closed") as raised:
        or_raise(Failure(error))
    assert raised.value.error is error


WITHOUT_RESULT: dict[str, Callable[[Any], object]] = {
    "then": lambda given: then(given, half),
    "change": lambda given: change(given, str),
    "collect": lambda given: collect([given]),
    "as_tuple": as_tuple,
    "or_raise": or_raise,
    "as_outcome": as_outcome,
}


@pytest.mark.parametrize("asked", WITHOUT_RESULT.values(), ids=WITHOUT_RESULT)
def test_what_is_no_outcome_is_no_success_and_no_failure(asked: Callable[[Any], object]) -> None:
    with pytest.raises(TypeError, match="an outcome is wanted, not object: ask a promise for its `result"):
        _ = asked(object())
