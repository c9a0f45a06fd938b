"""Which tokenizer a model has."""

from __future__ import annotations

import pytest

from tinkex_py import ModelInput, Tokenizer
from tinkex_py.types.tokenizing import LLAMA_3, TokenizerSource, tokenizer_source

KIMI = TokenizerSource("moonshotai/Kimi-K2-Thinking", "612681931a8c906ddb349f8ad0f582cb552189cd")
SOURCES = {
    "by name": (("Qwen/Qwen3-8B", None), TokenizerSource("Qwen/Qwen3-8B")),
    "named by the server": (("Qwen/Qwen3-8B", "other/one"), TokenizerSource("other/one")),
    "named with a revision": (("Qwen/Qwen3-8B", "other/one:0123"), TokenizerSource("other/one")),
    "model with a revision": (("Qwen/Qwen3-8B:0123", None), TokenizerSource("Qwen/Qwen3-8B")),
    "variant": (("org/model/variant", None), TokenizerSource("org/model")),
    "llama 3": (("meta-llama/Llama-3.1-8B", None), TokenizerSource(LLAMA_3)),
    "llama 3, named by the server": (("meta-llama/Llama-3.1-8B", "own/one"), TokenizerSource("own/one")),
    "older llama": (("meta-llama/Llama-2-7b", None), TokenizerSource("meta-llama/Llama-2-7b")),
    "code of its own": (("moonshotai/Kimi-K2-Thinking", None), KIMI),
}


@pytest.mark.parametrize(("given", "source"), SOURCES.values(), ids=SOURCES)
def test_a_model_has_the_tokenizer_of_its_name_unless_the_server_names_one(
    given: tuple[str, str | None], source: TokenizerSource
) -> None:
    assert tokenizer_source(*given) == source


def test_an_input_is_made_of_a_text() -> None:
    bytewise = Tokenizer("bytes", lambda text: tuple(text.encode()), lambda ids: bytes(ids).decode())
    assert ModelInput.from_text("Hi", bytewise) == ModelInput.from_ints([72, 105])
