"""The byte tokenizer and the file it writes are the same tokenizer."""

from __future__ import annotations

import json

from hypothesis import given
from hypothesis import strategies as st
from tokenizers import Tokenizer

from tinkex_py.local.tokenizer import SPECIALS, VOCABULARY, decode, encode, tokenizer_json

THEIRS = Tokenizer.from_str(json.dumps(tokenizer_json()))
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
