"""The byte tokenizer."""

from __future__ import annotations

import pytest
from tokenizers import Tokenizer

from tests.local.bytewise import description
from tinkex_py.local.tokenizer import BOS, EOS, PAD, SPECIALS, VOCABULARY, decode, encode


def test_text_is_its_bytes() -> None:
    assert encode("Aé\n") == (65, 195, 169, 10)


def test_a_special_token_in_the_text_is_one_token() -> None:
    assert encode("a<|eos|>b<|bos|>") == (97, EOS, 98, BOS)


@pytest.mark.parametrize(
    ("tokens", "text"),
    [
        pytest.param((104, 105), "hi", id="ascii"),
        pytest.param((195, 169), "é", id="two bytes"),
        pytest.param((195, 65), "\ufffdA", id="a broken character"),
        pytest.param((BOS, 65, PAD), "<|bos|>A<|pad|>", id="specials"),
        pytest.param((65, VOCABULARY, -1), "A", id="outside the vocabulary"),
    ],
)
def test_tokens_decode_to_their_text(tokens: tuple[int, ...], text: str) -> None:
    assert decode(tokens) == text


def test_special_tokens_can_be_left_out() -> None:
    assert decode((BOS, 65, EOS), skip_special_tokens=True) == "A"


def test_a_lone_surrogate_becomes_a_question_mark() -> None:
    assert encode("a\ud800") == (97, 63)


def test_what_is_described_to_another_package_is_the_same_vocabulary() -> None:
    loaded = Tokenizer.from_str(description())
    assert loaded.get_vocab_size() == VOCABULARY
    assert tuple(loaded.token_to_id(name) for name in SPECIALS) == (BOS, EOS, PAD)
