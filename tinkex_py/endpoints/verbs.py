"""What every builder starts from: a method, a path below `/api/v1`, and what the answer is read as. Pure."""

from __future__ import annotations

from typing import TypeVar

from msgspec import Struct
from typing_extensions import TypeForm

from tinkex_py.request import TRANSIENT, Encoded, Method, Pairs, Repeat, Request, own_text
from tinkex_py.types.promises import Promised
from tinkex_py.wire.json import CONTENT_TYPE
from tinkex_py.wire.replies import Nothing, OrPromised, Value

T = TypeVar("T")
StructT = TypeVar("StructT", bound=Struct)

PREFIX = ("api", "v1")


def get(operation: str, *path: str, returns: TypeForm[T], query: Pairs = ()) -> Request[T]:
    """A question: may be asked again whatever happens."""
    return Request(operation=operation, method="GET", path=(*PREFIX, *path), returns=Value(returns), query=query)


def post(
    operation: str,
    *path: str,
    body: Struct | Encoded,
    returns: TypeForm[T],
    repeat: Repeat = TRANSIENT,
    headers: Pairs = (),
) -> Request[T]:
    """A command: repeated under the same idempotency key."""
    return Request(
        operation=operation,
        method="POST",
        path=(*PREFIX, *path),
        returns=Value(returns),
        body=body,
        repeat=repeat,
        headers=headers,
    )


def submit(
    operation: str, body: Struct | Encoded, repeat: Repeat = TRANSIENT, headers: Pairs = ()
) -> Request[Promised]:
    """A command whose answer promises a result."""
    return post(operation, operation, body=body, returns=Promised, repeat=repeat, headers=headers)


def soon(operation: str, body: Struct, returns: type[StructT]) -> Request[StructT | Promised]:
    """A command that servers answer at once, or with a promise."""
    return Request(
        operation=operation, method="POST", path=(*PREFIX, operation), returns=OrPromised(returns), body=body
    )


def command(
    method: Method, operation: str, *path: str, body: Struct | None = None, repeat: Repeat = TRANSIENT
) -> Request[None]:
    """A command whose answer says no more than that it was carried out."""
    return Request(
        operation=operation,
        method=method,
        path=(*PREFIX, *path),
        returns=Nothing(),
        body=body,
        headers=() if body is not None else (("content-type", CONTENT_TYPE),),
        repeat=repeat,
    )


def given(**query: object) -> Pairs:
    """A query of what was given: None and empty texts are left out."""
    return tuple((name, _text(value)) for name, value in query.items() if value is not None and value != "")


def _text(value: object) -> str:
    return own_text(value) if isinstance(value, str) else str(value)
