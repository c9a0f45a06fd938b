"""Token ids, chunks and model inputs are values."""

from __future__ import annotations

import pickle
from typing import Any

import numpy as np
import pytest
from returns.result import Failure, Success

from tinkex_py.types import (
    Datum,
    DmelChunk,
    EncodedTextChunk,
    FrozenMapping,
    ImageAssetPointerChunk,
    ImageChunk,
    ModelInput,
    TensorData,
    Tokens,
)


def test_tokens_are_a_sequence_of_integers() -> None:
    tokens = Tokens(np.array([5, 6, 7]))
    assert (len(tokens), tokens[0], tokens[1:], list(tokens), 6 in tokens) == (3, 5, [6, 7], [5, 6, 7], True)


def test_tokens_are_values() -> None:
    assert (Tokens([1]), hash(Tokens([1]))) == (Tokens((1,)), hash(Tokens([1])))
    assert (Tokens([1]) == [1], Tokens([1]) == (2,), Tokens([1]) == 1) == (True, False, False)
    assert pickle.loads(pickle.dumps(Tokens([1, 2]))) == Tokens(Tokens([1, 2]))
    assert (repr(Tokens([1, 2])), repr(Tokens(range(9)))[-6:]) == ("Tokens([1, 2])", " ...])")


@pytest.mark.parametrize(
    ("ids", "place"), [([1, -2], "[1]"), ([2**31], "[0]"), ([[1, 2]], ""), ([1.5], "[0]")], ids=str
)
def test_ids_that_are_no_tokens_leave_nothing_but_the_reason(ids: list[int], place: str) -> None:
    tokens = Tokens(ids)
    assert tokens.problem is not None
    assert (tokens.problem.place, len(tokens)) == (place, 0)


IMAGE = ImageChunk(b"png", "png", 3)
POINTER = ImageAssetPointerChunk("jpeg", "https://images.test/a", 2)


def test_inputs_grow_by_chunks_and_by_tokens() -> None:
    grown = ModelInput.empty().append_int(1).append_int(2).append(IMAGE).append_int(3)
    assert grown == ModelInput([EncodedTextChunk([1, 2]), IMAGE, EncodedTextChunk([3])])
    assert hash(grown) == hash(ModelInput(grown.chunks))


NO_CHUNK: Any = "a"
LENGTHS = {
    "text": (ModelInput.from_ints([1, 2]), 2),
    "images": (ModelInput((IMAGE, POINTER)), 5),
    "unsaid": (ModelInput((ImageChunk(b"png", "png"),)), None),
    "audio": (ModelInput((DmelChunk(bytes([3, 2, 0x85, 1, 7])),)), 133),
    "marked audio": (ModelInput((DmelChunk(bytes([254, 3, 1, 9])),)), 9),
    "audio of rank 0": (ModelInput((DmelChunk(bytes([3, 0])),)), None),
    "no header": (ModelInput((DmelChunk(b""),)), None),
    "odd header": (ModelInput((DmelChunk(bytes([9, 1])),)), None),
    "cut header": (ModelInput((DmelChunk(bytes([3, 1, 0x80])),)), None),
    "no bytes": (ModelInput((DmelChunk(NO_CHUNK),)), None),
    "no number": (ModelInput((ImageChunk(b"png", "png", NO_CHUNK),)), None),
    "token ids that are in no chunk": (ModelInput([NO_CHUNK]), None),
}


@pytest.mark.parametrize(("model_input", "length"), LENGTHS.values(), ids=LENGTHS)
def test_the_length_counts_positions(model_input: ModelInput, length: int | None) -> None:
    assert model_input.length == length


def test_only_text_has_token_ids() -> None:
    assert ModelInput.from_ints([1]).append(EncodedTextChunk([2])).to_ints() == Success([1, 2])
    for mixed, path in ((ModelInput((IMAGE,)), "chunks[0]"), (ModelInput.from_ints([-1]), "chunks[0].tokens[0]")):
        refused = mixed.to_ints()
        assert isinstance(refused, Failure)
        assert refused.failure().path == path


def test_a_datum_packs_its_loss_inputs_by_their_names() -> None:
    datum = Datum(ModelInput.from_ints([1]), {"target_tokens": [2], "weights": [1], "mask": np.array([True])})
    assert [tensor.dtype for tensor in datum.loss_fn_inputs.values()] == ["int64", "float32", "int64"]
    same = Datum(ModelInput.from_ints([1]), datum.loss_fn_inputs)
    assert (datum == same, hash(datum) == hash(same), datum == 1, "weights" in repr(datum)) == (True, True, False, True)


def test_a_frozen_mapping_is_a_value() -> None:
    one = FrozenMapping({"a": 1})
    assert (one == {"a": 1}, hash(one) == hash(FrozenMapping({"a": 1})), repr(one)) == (True, True, "{'a': 1}")
    assert (len(one), sorted(one)) == (1, ["a"])
    assert pickle.loads(pickle.dumps(one)) == one


def test_what_could_not_be_packed_shows_the_reason() -> None:
    reason = "str is not a number, a list of numbers, an array or a tensor"
    assert repr(Tokens(NO_CHUNK)) == f"Tokens([], problem={reason!r})"
    assert repr(TensorData(NO_CHUNK)) == f"TensorData([], dtype='float32', shape=None, problem={reason!r})"
    assert repr(Tokens([3, -1])) == "Tokens([], problem='[1]: -1 is not a token id')"
    unnamed = ".loss_fn_inputs: 'a' has no names; give loss inputs under their names"
    empty = ModelInput.empty()
    assert repr(Datum(empty, NO_CHUNK)) == f"Datum(model_input={empty!r}, loss_fn_inputs={{}}, problem={unnamed!r})"
