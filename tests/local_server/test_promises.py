"""Promises that are kept, and those that were forgotten."""

from __future__ import annotations

import pytest

from tinkex_py.local.promises import KEPT, KEPT_BYTES, Promises, Result

ONE = Result(b"1")


def test_a_promise_is_pending_then_settled() -> None:
    promises = Promises("p")
    request_id = promises.make()
    assert promises.standing(request_id) == "pending"
    promises.settle(request_id, ONE)
    assert promises.standing(request_id) == ONE


@pytest.mark.parametrize("request_id", ["", "p-0", "p-", "p-x", "q-0", "p-9999999999999999999999"])
def test_a_promise_never_made_is_unknown(request_id: str) -> None:
    assert Promises("p").standing(request_id) == "unknown"


def test_the_oldest_of_too_many_is_forgotten() -> None:
    promises = Promises("p")
    for _ in range(KEPT + 1):
        promises.settle(promises.make(), ONE)
    assert [promises.standing(f"p-{number}") for number in (0, 1, KEPT)] == ["forgotten", ONE, ONE]


@pytest.mark.parametrize(
    "large", [Result(bytes(KEPT_BYTES)), Result(b"1", protobuf=bytes(KEPT_BYTES))], ids=["JSON", "protobuf"]
)
def test_large_results_push_older_ones_out(large: Result) -> None:
    promises = Promises("p")
    first, second = promises.make(), promises.make()
    promises.settle(first, ONE)
    promises.settle(second, large)
    assert promises.standing(first) == "forgotten"
    assert promises.standing(second) == large
