"""Results are packed, and behave like the lists that they stand for."""

from __future__ import annotations

import pickle
import struct
from typing import Any

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
}


@pytest.mark.parametrize(("view", "elements"), VIEWS.values(), ids=VIEWS)
def test_a_view_behaves_like_its_list(view: View[Any], elements: Any) -> None:
    assert view == elements
    assert tuple(elements) == view
    assert (len(view), view[0], view[1:]) == (2, elements[0], elements[1:])
    assert (list(view), repr(view), view != 1, view != elements[1:]) == (elements, repr(elements), True, True)
    assert (pickle.loads(pickle.dumps(view)), hash(view)) == (view, hash(pickle.loads(pickle.dumps(view))))


def test_a_long_view_shows_its_beginning() -> None:
    assert repr(Floats(bytes(40))) == f"[{'0.0, ' * 8}...]"


def test_tokens_may_be_a_view_of_what_came() -> None:
    assert Tokens.of_buffer(IDS) == [5, 0, 0, 0]
