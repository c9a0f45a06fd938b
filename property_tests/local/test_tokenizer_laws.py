"""The byte tokenizer and its description for another package are the same tokenizer."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st
from tokenizers import Tokenizer

from tests.local.bytewise import description
from tinkex_py.local.tokenizer import SPECIALS, VOCABULARY, decode, encode

THEIRS = Tokenizer.from_str(description())
TEXTS = st.lists(st.one_of(st.text(), st.sampled_from(SPECIALS), st.sampled_from(("<|eos", "|>", "<|", " ")))).map(
    "".join
)
TOKENS = st.lists(st.integers(0, VOCABULARY - 1))


@given(TEXTS)
def test_decoding_undoes_encoding(text: str) -> None:
    assert decode(encode(text)) == text


@given(TEXTS)
def test_the_tokenizers_package_encodes_alike(text: str) -> None:
    assert encode(text) == tuple(THEIRS.encode(text).ids)


@given(TOKENS)
def test_the_tokenizers_package_decodes_alike(tokens: list[int]) -> None:
    assert decode(tokens) == THEIRS.decode(tokens, skip_special_tokens=False)
    assert decode(tokens, skip_special_tokens=True) == THEIRS.decode(tokens)
