"""Asking for the result of a promise. Pure."""

from __future__ import annotations

from typing import TypeVar

from msgspec import Struct
from typing_extensions import TypeForm

from tinkex_py.endpoints.verbs import PREFIX
from tinkex_py.request import NEVER, Request
from tinkex_py.types.promises import PromiseState
from tinkex_py.wire.replies import PromiseOf

T = TypeVar("T")


class RetrieveFuture(Struct, frozen=True, kw_only=True):
    """Body of `retrieve_future`."""

    request_id: str
    allow_metadata_only: bool


def retrieve_future(
    request_id: str,
    kind: str,
    returns: TypeForm[T],
    *,
    iteration: int = 0,
    roundtrip: float | None = None,
    allow_metadata_only: bool = True,
    timeout: float = 45.0,
) -> Request[PromiseState[T]]:
    """POST /api/v1/retrieve_future"""
    headers = (("x-tinker-request-iteration", str(iteration)), ("x-tinker-request-type", kind))
    first = () if iteration or roundtrip is None else (("x-tinker-create-promise-roundtrip-time", f"{roundtrip:.6f}"),)
    return Request(
        operation="retrieve_future",
        method="POST",
        path=(*PREFIX, "retrieve_future"),
        returns=PromiseOf(returns),
        body=RetrieveFuture(request_id=request_id, allow_metadata_only=allow_metadata_only),
        headers=(*headers, *first),
        repeat=NEVER,
        timeout=timeout,
    )
