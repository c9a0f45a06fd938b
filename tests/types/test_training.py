"""What the server says of a model is read as what a program can use."""

from __future__ import annotations

import pytest

from tinkex_py.types.training import ModelData


@pytest.mark.parametrize(
    ("said", "read"), [("Qwen/Qwen3-8B:0123abcd", "Qwen/Qwen3-8B"), ("Qwen/Qwen3-8B", "Qwen/Qwen3-8B"), (None, None)]
)
def test_a_tokenizer_is_named_without_its_revision(said: str | None, read: str | None) -> None:
    assert ModelData(tokenizer_id=said).tokenizer_id == read
