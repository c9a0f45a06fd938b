"""Tokenizers by the id that a server gives: the embedded engine's own, or one that the `tokenizers` package loads."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from importlib import import_module
from pathlib import Path
from typing import Protocol

from msgspec import Struct
from returns.result import Failure, Success

from tinkex_py.errors import ExtraMissing, FileFailed
from tinkex_py.outcome import Outcome

EMBEDDED = "tinkex/"


class Tokenizer(Struct, frozen=True):
    """Text to token ids `[T]` and back; no special tokens are added."""

    name: str
    encode: Callable[[str], Sequence[int]]
    decode: Callable[[Sequence[int]], str]


def load_tokenizer(name: str) -> Outcome[Tokenizer]:
    """The tokenizer of that id: a model of the embedded engine, a folder with a `tokenizer.json`, or a hub id."""
    if name.startswith(EMBEDDED):
        bytewise = import_module("tinkex_py.local.tokenizer")
        return Success(Tokenizer(name, bytewise.encode, bytewise.decode))
    try:
        loader: _Loader = import_module("tokenizers").Tokenizer
    except ImportError:
        return Failure(
            ExtraMissing(
                message=f"the tokenizer of {name} needs a package: pip install 'tinkex-py[tokenizers]'",
                extra="tokenizers",
            )
        )
    return _load(name, loader)


class _Encoding(Protocol):
    ids: Sequence[int]


class _Loaded(Protocol):
    def encode(self, text: str, *, add_special_tokens: bool) -> _Encoding: ...
    def decode(self, ids: Sequence[int]) -> str: ...


class _Loader(Protocol):
    def from_file(self, path: str) -> _Loaded: ...
    def from_pretrained(self, name: str) -> _Loaded: ...


def _load(name: str, loader: _Loader) -> Outcome[Tokenizer]:
    file = Path(name) / "tokenizer.json"
    try:
        loaded = loader.from_file(str(file)) if file.is_file() else loader.from_pretrained(name)
    except Exception as error:  # noqa: BLE001 - the package raises bare exceptions
        return Failure(FileFailed(message=f"the tokenizer of {name} can't be loaded: {error}", path=str(file)))

    def encode(text: str) -> Sequence[int]:
        return loaded.encode(text, add_special_tokens=False).ids

    return Success(Tokenizer(name, encode, loaded.decode))
