"""What a server says of itself is read whatever it calls things."""

from __future__ import annotations

import pytest
from returns.result import Success

from tinkex_py.types.service import SupportedModel
from tinkex_py.wire import json


@pytest.mark.parametrize(
    ("body", "name"),
    [(b'{"model_name": "a"}', "a"), (b'{"model_id": "b"}', "b"), (b'{"model_name": "a", "model_id": "b"}', "a")],
)
def test_a_model_has_a_name_under_either_word(body: bytes, name: str) -> None:
    assert json.decode(SupportedModel, body).map(lambda model: model.model_name) == Success(name)
