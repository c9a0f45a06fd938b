"""Asking for the result of a promise. Pure."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TypeVar

from msgspec import Struct
from typing_extensions import TypeForm

from tinkex_py.endpoints.verbs import PREFIX
from tinkex_py.request import NEVER, TRANSIENT, Request
from tinkex_py.types.promises import Completions, PromiseState
from tinkex_py.wire.replies import Nothing, PromiseOf, Value

T = TypeVar("T")


IN_PROTOBUF = frozenset({"Sample", "Forward", "ForwardBackward"})
"""The kinds of results that come in protobuf from servers that know it."""


class RetrieveFuture(Struct, frozen=True, gc=False, kw_only=True):
    """Body of `retrieve_future`."""

    request_id: str
    allow_metadata_only: bool


class SamplingSessionTarget(Struct, frozen=True, kw_only=True, tag="sampling_session"):
    """Whose promises are meant: a sampling session, and a block of numbers in it (0 is who opened it)."""

    sampling_session_id: str
    cloned_sampler_id: int


class RetrieveFutures(Struct, frozen=True, kw_only=True):
    """Body of `retrieve_futures`."""

    target: SamplingSessionTarget
    prev_cursor: int
    retrieved_request_ids: Sequence[str]
    timeout: float | None = None


class CancelFuture(Struct, frozen=True, kw_only=True):
    """Body of `cancel_future`."""

    request_id: str


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
    accept = (("accept", "application/x-protobuf, application/json"),) if kind in IN_PROTOBUF else ()
    first = () if iteration or roundtrip is None else (("x-tinker-create-promise-roundtrip-time", f"{roundtrip:.6f}"),)
    return Request(
        operation="retrieve_future",
        method="POST",
        path=(*PREFIX, "retrieve_future"),
        returns=PromiseOf(returns, kind),
        body=RetrieveFuture(request_id=request_id, allow_metadata_only=allow_metadata_only),
        headers=(*accept, *headers, *first),
        repeat=NEVER,
        timeout=timeout,
    )


def retrieve_futures(
    sampling_session_id: str,
    *,
    cloned_sampler_id: int = 0,
    prev_cursor: int = 0,
    retrieved_request_ids: Sequence[str] = (),
    acknowledge: bool = False,
    timeout: float = 45.0,
) -> Request[Completions]:
    """POST /api/v1/retrieve_futures: which promises of a sampling session are settled since `prev_cursor`

    The server holds the question for a while, unless it only acknowledges what has been received.
    """
    return Request(
        operation="retrieve_futures",
        method="POST",
        path=(*PREFIX, "retrieve_futures"),
        returns=Value(Completions),
        body=RetrieveFutures(
            target=SamplingSessionTarget(sampling_session_id=sampling_session_id, cloned_sampler_id=cloned_sampler_id),
            prev_cursor=prev_cursor,
            retrieved_request_ids=tuple(sorted(retrieved_request_ids)),
            timeout=0.0 if acknowledge else None,
        ),
        repeat=NEVER,
        timeout=_ACKNOWLEDGING if acknowledge else timeout,
    )


def cancel_future(request_id: str) -> Request[None]:
    """POST /api/v1/cancel_future: nobody wants the result any more"""
    return Request(
        operation="cancel_future",
        method="POST",
        path=(*PREFIX, "cancel_future"),
        returns=Nothing(),
        body=CancelFuture(request_id=request_id),
        repeat=TRANSIENT,
        timeout=_CANCELLING,
    )


_ACKNOWLEDGING = 5.0
_CANCELLING = 30.0
"""Seconds that the server may take for its answer."""
