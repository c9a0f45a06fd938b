"""A batch on its way to a loss, and the encodings that it may travel in. Pure."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Literal, NamedTuple, TypeAlias

from msgspec import Struct

from tinkex_py.types.datum import Datum
from tinkex_py.types.once import made_once
from tinkex_py.types.rows import Rows, rows_of
from tinkex_py.types.training import LossConfig

Dialect: TypeAlias = Literal["json", "protobuf"]
"""What a server reads batches in: JSON up to release 0.24 of the protocol, protobuf from 0.25 on."""


class Form(NamedTuple):
    """A datum in a dialect, as an element of a batch: parts that follow each other, of `size` bytes in all."""

    parts: Sequence[bytes | memoryview]
    size: int


class Batch(Struct, frozen=True, kw_only=True, dict=True):
    """What `forward` and `forward_backward` say: examples, and the loss that is taken of them."""

    data: Sequence[Datum]
    loss_fn: str
    loss_fn_config: LossConfig | None = None
    forward_only: bool = False

    @made_once
    def rows(self) -> Rows:
        """The data taken apart, once for all who look at them."""
        return rows_of(self.data)
