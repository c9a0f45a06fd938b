"""Token ids, packed once when given or as they came, and equal to any list of the same ids. Pure."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TypeAlias, final

from typing_extensions import override

from tinkex_py.types.arrays import ArrayLike, TensorLike
from tinkex_py.types.packing import Packed, Unpackable, pack
from tinkex_py.types.scanning import first_beyond_int31
from tinkex_py.types.views import SHOWN, View

TokensLike: TypeAlias = Sequence[int] | ArrayLike | TensorLike
"""What token ids may be given as: a list, a tuple, `array.array`, a numpy array or a torch tensor, one-dimensional."""


@final
class Tokens(View[int]):
    """Token ids `[T]`, held as 4 bytes each.

    Ids that can't be packed leave it empty, with the reason in `problem`; using it then ends in InvalidInput.

    >>> Tokens([72, 105])[0]
    72
    """

    __slots__ = ("buffer", "problem")

    def __init__(self, ids: TokensLike = ()) -> None:
        self.buffer: memoryview
        self.problem: Unpackable | None
        match _packed(ids):
            case Packed(buffer=buffer):
                self.buffer, self.problem = buffer, None
            case problem:
                self.buffer, self.problem = memoryview(b""), problem

    @classmethod
    def of_buffer(cls, buffer: bytes | memoryview) -> Tokens:
        """A view of little-endian int32 bytes, taken as they are."""
        return _rebuild(buffer, None)

    @override
    def __len__(self) -> int:
        return len(self.buffer) // 4

    @override
    def tolist(self) -> list[int]:
        """The ids as a list."""
        return self.buffer.cast("i").tolist()

    @override
    def _at(self, place: int) -> int:
        return self.buffer.cast("i")[place]

    @override
    def _cut(self, places: slice) -> list[int]:
        return self.buffer.cast("i")[places].tolist()

    @override
    def __eq__(self, other: object) -> bool:
        if isinstance(other, Tokens):
            return (self.buffer, self.problem) == (other.buffer, other.problem)
        return self.problem is None and super().__eq__(other)

    @override
    def __hash__(self) -> int:
        return hash(tuple(self.tolist()))

    @override
    def __repr__(self) -> str:
        shown = ", ".join(map(str, self[:SHOWN]))
        wrong = "" if self.problem is None else f", problem={self.problem.told!r}"
        return f"Tokens([{shown}{', ...' if len(self) > SHOWN else ''}]{wrong})"

    @override
    def __reduce__(self) -> tuple[object, ...]:
        return (_rebuild, (bytes(self.buffer), self.problem))


def _rebuild(buffer: bytes | memoryview, problem: Unpackable | None) -> Tokens:
    tokens = Tokens.__new__(Tokens)
    tokens.buffer, tokens.problem = memoryview(buffer).toreadonly(), problem
    return tokens


def _packed(ids: TokensLike) -> Packed | Unpackable:
    if type(ids) is Tokens:
        return ids.problem or Packed(ids.buffer, "int32", (len(ids),))
    packed = pack(ids, "int32")
    return _refused(packed) or packed if isinstance(packed, Packed) else packed


def _refused(packed: Packed) -> Unpackable | None:
    """What is wrong with integers that are to be token ids."""
    if len(packed.shape) != 1:
        return Unpackable("", f"token ids are one-dimensional, these have shape {packed.shape}")
    place = None if packed.sound else first_beyond_int31(packed)
    if place is None:
        return None
    negative = packed.buffer.cast("i")[place]
    return Unpackable(f"[{place}]", f"{negative} is not a token id", str(negative))
