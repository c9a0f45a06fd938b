"""Tokenizers as values, and which one a model has. Pure: loading one is `runtime.tokenizers`."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence

from msgspec import Struct


class Tokenizer(Struct, frozen=True):
    """Text to token ids `[T]` and back; no special tokens are added.

    Any two functions make one, such as those of a tokenizer that needs code of its own:

    >>> Tokenizer("bytes", lambda text: tuple(text.encode()), lambda ids: bytes(ids).decode()).encode("Hi")
    (72, 105)
    """

    name: str
    encode: Callable[[str], Sequence[int]]
    decode: Callable[[Sequence[int]], str]


class TokenizerSource(Struct, frozen=True):
    """Where a tokenizer is: its id on the hub, and the revision that is meant where it matters."""

    name: str
    revision: str | None = None


LLAMA_3 = "thinkingmachineslabinc/meta-llama-3-instruct-tokenizer"
"""The tokenizer of all Llama 3 models, in a repository that asks for no licence to be accepted."""

_LLAMA_3 = "meta-llama/Llama-3"
_REVISIONS: Mapping[str, str] = {
    "moonshotai/Kimi-K2-Thinking": "612681931a8c906ddb349f8ad0f582cb552189cd",
    "moonshotai/Kimi-K2.5": "4d01dfe0332d63057c186e0b262165819efb6611",
    "moonshotai/Kimi-K2.5-Text-Only": "4d01dfe0332d63057c186e0b262165819efb6611",
    "moonshotai/Kimi-K2.6": "b5aabbfb20227ed42becbf5541dbffd213942c58",
    "moonshotai/Kimi-K3": "f831ab66814297da540d832a5235f8e904f29d06",
}
"""Models whose tokenizer runs code of its own: the revision that was looked at."""


def tokenizer_source(model: str, tokenizer_id: str | None = None) -> TokenizerSource:
    """The tokenizer of a model: the one that the server names, else the one that goes by the model's name.

    What follows a colon is a revision of the server's, and the third part of a name a variant: neither counts.

    >>> tokenizer_source("Qwen/Qwen3-8B/variant:0123abcd").name
    'Qwen/Qwen3-8B'
    """
    name = _bare(tokenizer_id) if tokenizer_id else _named_after(_bare(model))
    return TokenizerSource(name, _REVISIONS.get(name))


def _bare(name: str) -> str:
    return name.partition(":")[0]


def _named_after(model: str) -> str:
    return LLAMA_3 if model.startswith(_LLAMA_3) else "/".join(model.split("/")[:2])
