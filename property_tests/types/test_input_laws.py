"""Laws of inputs: token ids come out as they went in, and checks find what is wrong without raising."""

from __future__ import annotations

import pickle
from array import array
from functools import reduce
from typing import Any

import numpy as np
from hypothesis import given
from hypothesis import strategies as st
from returns.result import Success

from tinkex_py import ModelInput, check
from tinkex_py.testing import strategies
from tinkex_py.types import DmelChunk, FrozenMapping, Tokens
from tinkex_py.types.limits import LARGEST_TOKEN

TOKENS = strategies.token_ids()


@given(TOKENS)
def test_every_carrier_of_token_ids_gives_the_same_input(tokens: list[int]) -> None:
    carriers: list[Any] = [tokens, tuple(tokens), array("l", tokens), np.array(tokens, np.int64), Tokens(tokens)]
    inputs = {ModelInput.from_ints(each) for each in carriers}
    assert inputs == {ModelInput.from_ints(np.array(tokens, np.uint32))}
    assert all(each.to_ints() == Success(tokens) and each.length == len(tokens) for each in inputs)


@given(TOKENS)
def test_appending_one_by_one_is_giving_all_at_once(tokens: list[int]) -> None:
    grown = reduce(ModelInput.append_int, tokens, ModelInput.from_ints([]))
    assert grown == ModelInput.from_ints(tokens)


@given(st.lists(st.integers()))
def test_token_ids_are_all_there_or_none_is(ids: list[int]) -> None:
    tokens = Tokens(ids)
    good = all(0 <= each <= LARGEST_TOKEN for each in ids)
    assert (tokens.problem is None, list(tokens)) == (good, ids if good else [])
    assert pickle.loads(pickle.dumps(tokens)) == tokens


@given(st.binary())
def test_any_bytes_may_claim_to_be_audio(dmel: bytes) -> None:
    length = DmelChunk(dmel).length
    assert length is None or length >= 0


@given(st.dictionaries(st.text(), st.integers()))
def test_a_frozen_mapping_is_the_mapping_it_was_made_of(items: dict[str, int]) -> None:
    frozen = FrozenMapping(items)
    assert dict(frozen) == items
    assert hash(frozen) == hash(FrozenMapping(dict(reversed(items.items()))))


@given(strategies.arguments() | st.lists(strategies.arguments()))
def test_a_check_never_raises_and_says_where(value: object) -> None:
    outcome = check(value)
    if outcome != Success(value):
        error = outcome.failure()
        assert error.message.startswith(error.path)
