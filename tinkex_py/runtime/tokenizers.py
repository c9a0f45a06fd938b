"""Tokenizers loaded: the embedded engine's own, those of a folder, and those of the hub, with the extra for them."""

from __future__ import annotations

from collections.abc import Sequence
from functools import lru_cache
from importlib import import_module
from pathlib import Path
from typing import Protocol

from returns.result import Failure, Success

from tinkex_py.errors import CapabilityMissing, ExtraMissing, FileFailed, TinkerError
from tinkex_py.outcome import Outcome
from tinkex_py.types.kinds import any_of, optional
from tinkex_py.types.limits import Rule, broken
from tinkex_py.types.tokenizing import Tokenizer, TokenizerSource, tokenizer_source

EMBEDDED = "tinkex/"
FILE = "tokenizer.json"
KEPT = 32
"""Tokenizers that stay loaded."""

_OWN_PACKAGE = ("TML/", "thinkingmachines/")
_RULES = (
    Rule("model", any_of(str), "give a model's name, or the path of a folder as a text"),
    Rule("tokenizer_id", optional(any_of(str)), "give a tokenizer's name, or None for the model's own"),
)
_BY_HAND = "load it by its own means, and make Tokenizer(name, encode, decode) of it"


def load_tokenizer(model: str, tokenizer_id: str | None = None) -> Outcome[Tokenizer]:
    """The tokenizer of a model, by the rules of `tokenizer_source`, or of a folder with a `tokenizer.json`.

    ExtraMissing without the extra `tokenizers`; FileFailed when it can't be had; CapabilityMissing for one that only
    its own package reads; InvalidInput for a name that is no text. From the hub it is fetched once, to where HF_HOME
    says, with HF_TOKEN if that is set. It can be pickled: in another process it is loaded again.
    """
    found = broken(_RULES, {"model": model, "tokenizer_id": tokenizer_id})
    if found is not None:
        return Failure(found)
    if tokenizer_id is None and _has_file(model):
        return _loaded(TokenizerSource(model))
    source = tokenizer_source(model, tokenizer_id)
    if source.name.startswith(EMBEDDED):
        bytewise = import_module("tinkex_py.local.tokenizer")
        return Success(Tokenizer(source.name, bytewise.encode, bytewise.decode))
    if source.name.startswith(_OWN_PACKAGE):
        message = f"the tokenizer of {source.name} is in a package of its own, tml_tokenizers: {_BY_HAND}"
        return Failure(CapabilityMissing(message=message, capability="tokenizer"))
    return _loaded(source)


class _Encoding(Protocol):
    ids: Sequence[int]


class _Read(Protocol):
    def encode(self, text: str, *, add_special_tokens: bool) -> _Encoding: ...
    def decode(self, ids: Sequence[int], *, skip_special_tokens: bool) -> str: ...


class _Reader(Protocol):
    def from_file(self, path: str) -> _Read: ...
    def from_pretrained(self, name: str, *, revision: str) -> _Read: ...


def _has_file(folder: str) -> bool:
    """Whether there is such a folder with a tokenizer in it; some models have names that no folder can have."""
    try:
        return Path(folder).joinpath(FILE).is_file()
    except OSError:
        return False


class _Loaded:
    """The two functions of a tokenizer. Pickled, they say where it is from."""

    __slots__ = ("_read", "_source")

    def __init__(self, source: TokenizerSource) -> None:
        self._source = source
        self._read = _read(source)

    def encode(self, text: str) -> Sequence[int]:
        return self._read.encode(text, add_special_tokens=False).ids

    def decode(self, tokens: Sequence[int]) -> str:
        return self._read.decode(list(tokens), skip_special_tokens=False)

    def __reduce__(self) -> tuple[object, ...]:
        return (_kept, (self._source,))


@lru_cache(KEPT)
def _kept(source: TokenizerSource) -> _Loaded:
    """What can't be read raises, and is tried again the next time."""
    return _Loaded(source)


def _loaded(source: TokenizerSource) -> Outcome[Tokenizer]:
    try:
        loaded = _kept(source)
    except ImportError:
        message = f"the tokenizer of {source.name} needs a package: pip install 'tinkex-py[tokenizers]'"
        return Failure(ExtraMissing(message=message, extra="tokenizers"))
    except Exception as error:  # noqa: BLE001 - the package raises bare exceptions
        return Failure(_failed(source, error))
    return Success(Tokenizer(source.name, loaded.encode, loaded.decode))


def _read(source: TokenizerSource) -> _Read:
    reader: _Reader = import_module("tokenizers").Tokenizer
    file = Path(source.name) / FILE
    if file.is_file():
        return reader.from_file(str(file))
    return reader.from_pretrained(source.name, revision=source.revision or "main")


def _failed(source: TokenizerSource, error: Exception) -> TinkerError:
    """The package's words, in one line."""
    why = " ".join(str(error).split())[:200]
    message = (
        f"the tokenizer of {source.name} can't be loaded: {why}; check the name and the network (HF_TOKEN, HF_HOME)"
    )
    if source.revision is not None:
        message = f"{message}. It has no {FILE} but code of its own, revision {source.revision}: {_BY_HAND}"
    return FileFailed(message=message, path=source.name)
