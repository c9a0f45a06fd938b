"""Results are packed, and behave like the lists that they stand for."""

from __future__ import annotations

import pickle
import struct
import tracemalloc
from typing import Any

import numpy as np
import pytest

from tinkex_py.types.tokens import Tokens
from tinkex_py.types.views import Alternatives, Floats, OptionalFloats, View

NAN = float("nan")
IDS = struct.pack("<4i", 5, 0, 0, 0)
TABLE = Alternatives(IDS, struct.pack("<4f", -1, -99999.0, -99999.0, -99999.0), 2)
VIEWS: dict[str, tuple[View[Any], Any]] = {
    "floats": (Floats(struct.pack("<2f", 1.5, -2)), [1.5, -2.0]),
    "optional floats": (OptionalFloats(struct.pack("<2f", NAN, -2)), [None, -2.0]),
    "alternatives": (TABLE, [[(5, -1.0)], None]),
    "tokens": (Tokens([5, 7]), [5, 7]),
}


@pytest.mark.parametrize(("view", "elements"), VIEWS.values(), ids=VIEWS)
def test_a_view_behaves_like_its_list(view: View[Any], elements: Any) -> None:
    assert view == elements
    assert tuple(elements) == view
    assert (len(view), view[0], view[1:]) == (2, elements[0], elements[1:])
    assert (list(view), view != 1, view != elements[1:]) == (elements, True, True)
    assert repr(elements) in repr(view)
    assert (pickle.loads(pickle.dumps(view)), hash(view)) == (view, hash(pickle.loads(pickle.dumps(view))))


@pytest.mark.parametrize(("view", "elements"), VIEWS.values(), ids=VIEWS)
def test_a_list_is_extended_in_its_place(view: View[Any], elements: Any) -> None:
    extended: list[Any] = []
    same = extended
    extended += view
    assert same == elements


@pytest.mark.parametrize(("view", "elements"), VIEWS.values(), ids=VIEWS)
def test_elements_are_read_from_either_end(view: View[Any], elements: Any) -> None:
    assert (view[-1], view[np.int64(1)], [*reversed(view)]) == (elements[-1], elements[1], elements[::-1])
    for beyond in (2, -3):
        with pytest.raises(IndexError):
            _ = view[beyond]


LONG = bytes(4 << 20)


@pytest.mark.parametrize(
    "view", [Floats(LONG), OptionalFloats(LONG), Alternatives(LONG, LONG, 4), Tokens.of_buffer(LONG)], ids=VIEWS
)
def test_reading_an_element_makes_no_list_of_all(view: View[Any]) -> None:
    tracemalloc.start()
    try:
        _ = view[len(view) // 2]
        assert tracemalloc.get_traced_memory()[1] < 1 << 14
    finally:
        tracemalloc.stop()


def test_a_long_view_shows_its_beginning() -> None:
    assert repr(Floats(bytes(40))) == f"[{'0.0, ' * 8}...]"


def test_tokens_may_be_a_view_of_what_came() -> None:
    assert Tokens.of_buffer(IDS) == [5, 0, 0, 0]
