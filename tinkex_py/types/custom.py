"""Losses of a caller's own that a server may run: traced functions as values, and handles to them. Pure."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from hashlib import sha256
from typing import Any, Literal, TypeAlias

from msgspec import Struct, json

from tinkex_py.types.mapping import FrozenMapping
from tinkex_py.types.numbers import PlainNumbers

InputRank: TypeAlias = Literal[0, 1, 2]
"""The rank of an input: 0 is a scalar, 1 is `[T]`, 2 is `[T, K]`."""

PerDatumLoss: TypeAlias = Callable[..., "tuple[Any, Mapping[str, Any]]"]
"""A loss of one datum: `loss(logprobs, ...)` gets torch tensors, and returns a scalar and metrics by name."""


class CustomLossInput(PlainNumbers, frozen=True, kw_only=True):
    """An input of a custom loss: `logprobs`, or the loss input of each datum that it reads."""

    name: str
    rank: InputRank


class CustomLossNode(Struct, frozen=True, kw_only=True):
    """One step of a traced loss, in the form that the server reads."""

    op: str
    name: str
    target: str
    args: Sequence[object] = ()
    kwargs: Mapping[str, object] = FrozenMapping()


class CustomLossGraph(Struct, frozen=True, kw_only=True):
    """A traced loss: its steps in the order of their execution."""

    format: int = 1
    nodes: Sequence[CustomLossNode] = ()


class CustomLossCreated(Struct, frozen=True, kw_only=True):
    """Result of a `create_custom_loss` promise: what the server calls the loss."""

    loss_id: str


class LossHandle(Struct, frozen=True, kw_only=True):
    """A loss made by `create_custom_loss`, to be given in the place of a function; only its session can use it.

    `inputs` are `logprobs` and what the loss reads of each datum. `graph` is the trace as the server reads it, and
    `traced` what runs in this process where the server doesn't run it itself: `loss_id` is None then.
    """

    name: str
    inputs: tuple[CustomLossInput, ...]
    session_id: str
    graph: CustomLossGraph
    traced: PerDatumLoss
    loss_id: str | None = None

    @property
    def key(self) -> str:
        """The same for the same trace."""
        return sha256(json.encode((self.graph, self.inputs), enc_hook=dict)).hexdigest()

    @property
    def input_names(self) -> tuple[str, ...]:
        """The loss inputs that it reads, in order."""
        return tuple(each.name for each in self.inputs[1:])

    def __repr__(self) -> str:
        return f"LossHandle({self.name!r}, inputs={self.inputs!r}, loss_id={self.loss_id!r})"
