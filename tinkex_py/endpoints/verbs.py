"""What every builder starts from: a method, a path below `/api/v1`, and what the answer is read as. Pure."""

from __future__ import annotations

from typing import TypeVar

from msgspec import Struct
from typing_extensions import TypeForm

from tinkex_py.request import TRANSIENT, Encoded, Pairs, Repeat, Request
from tinkex_py.types.promises import Promised
from tinkex_py.wire.replies import Value

T = TypeVar("T")

PREFIX = ("api", "v1")


def get(operation: str, *path: str, returns: TypeForm[T], query: Pairs = ()) -> Request[T]:
    """A question: may be asked again whatever happens."""
    return Request(operation=operation, method="GET", path=(*PREFIX, *path), returns=Value(returns), query=query)


def post(
    operation: str, *path: str, body: Struct | Encoded, returns: TypeForm[T], repeat: Repeat = TRANSIENT
) -> Request[T]:
    """A command: repeated under the same idempotency key."""
    return Request(
        operation=operation, method="POST", path=(*PREFIX, *path), returns=Value(returns), body=body, repeat=repeat
    )


def submit(operation: str, body: Struct | Encoded, repeat: Repeat = TRANSIENT) -> Request[Promised]:
    """A command whose answer promises a result."""
    return post(operation, operation, body=body, returns=Promised, repeat=repeat)
