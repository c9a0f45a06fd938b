"""Model inputs: token ids, images and audio in the order the model reads them. Pure."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Literal, Protocol, TypeAlias

from msgspec import Struct, structs
from returns.result import Failure, Success

from tinkex_py.errors import InvalidInput
from tinkex_py.outcome import Outcome
from tinkex_py.types.mapping import row
from tinkex_py.types.numbers import PlainNumbers
from tinkex_py.types.tokens import Tokens, TokensLike


class EncodedTextChunk(Struct, frozen=True, gc=False, tag="encoded_text"):
    """Token ids `[T]` of a tokenizer, packed when the chunk is made."""

    tokens: Sequence[int]

    def __post_init__(self) -> None:
        if not isinstance(self.tokens, Tokens):
            structs.force_setattr(self, "tokens", Tokens(self.tokens))

    @property
    def packed(self) -> Tokens:
        """The token ids in their packed form."""
        tokens = self.tokens
        return tokens if type(tokens) is Tokens else Tokens(tokens)

    @property
    def length(self) -> int:
        """The number of tokens."""
        return len(self.tokens)


class ImageChunk(PlainNumbers, frozen=True, tag="image"):
    """An image's file bytes; `expected_tokens` is how many positions it takes, when known."""

    data: bytes
    format: Literal["png", "jpeg"]
    expected_tokens: int | None = None

    @property
    def length(self) -> int | None:
        """The number of positions the image takes, None when it isn't known on this side."""
        return self.expected_tokens


class ImageAssetPointerChunk(PlainNumbers, frozen=True, tag="image_asset_pointer"):
    """An image that the server fetches from `location`."""

    format: Literal["png", "jpeg"]
    location: str
    expected_tokens: int | None = None

    @property
    def length(self) -> int | None:
        """The number of positions the image takes, None when it isn't known on this side."""
        return self.expected_tokens


class DmelChunk(Struct, frozen=True, tag="dmel"):
    """Audio as an opaque serialized tensor; only its header is read here, for the length."""

    dmel: bytes

    @property
    def length(self) -> int | None:
        """The first dimension of the tensor, None when the header can't be read."""
        return _first_dimension(self.dmel)


ModelInputChunk: TypeAlias = EncodedTextChunk | ImageChunk | ImageAssetPointerChunk | DmelChunk


_CHUNKS = (EncodedTextChunk, ImageChunk, ImageAssetPointerChunk, DmelChunk)


class Encoder(Protocol):
    """What makes token ids of a text."""

    @property
    def encode(self) -> Callable[[str], TokensLike]:
        """The token ids `[T]` of a text."""
        ...


class ModelInput(Struct, frozen=True, gc=False):
    """What a model reads: chunks of text, images and audio.

    >>> ModelInput.from_ints([72, 105]).length
    2
    """

    chunks: Sequence[ModelInputChunk] = ()

    def __post_init__(self) -> None:
        if not isinstance(self.chunks, tuple):
            structs.force_setattr(self, "chunks", row(self.chunks))

    @classmethod
    def from_ints(cls, tokens: TokensLike) -> ModelInput:
        """An input of token ids `[T]`, from a list, an array or a tensor."""
        return cls((EncodedTextChunk(Tokens(tokens)),))

    @classmethod
    def from_text(cls, text: str, tokenizer: Encoder) -> ModelInput:
        """An input of a text's tokens, of the tokenizer that a client's `get_tokenizer` gives, or any like it."""
        return cls.from_ints(tokenizer.encode(text))

    @classmethod
    def empty(cls) -> ModelInput:
        """An input of nothing yet."""
        return cls()

    @property
    def length(self) -> int | None:
        """The number of positions; None when a chunk doesn't say how many it takes, as images needn't."""
        known = [length for length in map(_length, self.chunks) if isinstance(length, int)]
        return sum(known) if len(known) == len(self.chunks) else None

    def append(self, chunk: ModelInputChunk) -> ModelInput:
        """This input with one more chunk."""
        return ModelInput((*self.chunks, chunk))

    def append_int(self, token: int) -> ModelInput:
        """This input with one more token id, in the last chunk if that is text."""
        match self.chunks:
            case (*before, EncodedTextChunk(packed=Tokens(problem=None) as tokens)):
                return ModelInput((*before, EncodedTextChunk([*tokens, token])))
            case _:
                return self.append(EncodedTextChunk([token]))

    def to_ints(self) -> Outcome[list[int], InvalidInput]:
        """The token ids `[T]`; InvalidInput names the first chunk that isn't text."""
        tokens: list[int] = []
        for index, chunk in enumerate(self.chunks):
            if not isinstance(chunk, EncodedTextChunk):
                return Failure(_not_text(index, chunk))
            if (problem := chunk.packed.problem) is not None:
                path = f"chunks[{index}].tokens{problem.place}"
                return Failure(InvalidInput(message=f"{path}: {problem.reason}", path=path, value=problem.value))
            tokens.extend(chunk.tokens)
        return Success(tokens)


def _length(chunk: object) -> object:
    """How many positions a chunk says it takes; None for what is no chunk, which a check refuses."""
    return chunk.length if isinstance(chunk, _CHUNKS) else None


def _not_text(index: int, chunk: ModelInputChunk) -> InvalidInput:
    kind = type(chunk).__name__
    return InvalidInput(
        message=f"chunks[{index}] is {kind}, which has no token ids", path=f"chunks[{index}]", value=kind
    )


_MARKER = 254


def _first_dimension(dmel: object) -> int | None:
    """The header is an optional marker byte, a dtype byte (0-7), then rank and dimensions as LEB128."""
    if not isinstance(dmel, bytes):
        return None
    start = 1 if dmel[:1] == bytes([_MARKER]) else 0
    if len(dmel) <= start or dmel[start] > 7:
        return None
    rank, position = _leb128(dmel, start + 1)
    return _leb128(dmel, position)[0] if rank else None


def _leb128(data: bytes, position: int) -> tuple[int | None, int]:
    value = 0
    for shift, byte in enumerate(data[position : position + 10]):
        value |= (byte & 0x7F) << (7 * shift)
        if byte < 0x80:
            return value, position + shift + 1
    return None, position
