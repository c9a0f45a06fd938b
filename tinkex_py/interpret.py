"""Answers to outcomes: the one place that gives statuses their meaning. Pure and total."""

from __future__ import annotations

import re
from math import inf
from typing import TypeVar

from msgspec import structs
from returns.result import Failure

from tinkex_py.errors import (
    BadRequest,
    Conflict,
    Forbidden,
    NotFound,
    PayloadTooLarge,
    PaymentRequired,
    PromiseExpired,
    RateLimited,
    RequestTimedOut,
    ServerFault,
    StatusError,
    TinkerError,
    Unauthorized,
    Undecodable,
    UnexpectedStatus,
    Unprocessable,
    UnsupportedEncoding,
)
from tinkex_py.outcome import Outcome
from tinkex_py.request import Address, AnyRequest, Reply, Request
from tinkex_py.types.causes import instead
from tinkex_py.types.causes import remedy as documented
from tinkex_py.wire import replies
from tinkex_py.wire.dates import http_date

T = TypeVar("T")

_ANSWERED = range(200, 300)
_FAULTS = range(500, 600)
_NOT_FOUND = 404
_CAUSES: dict[int, tuple[type[StatusError], str]] = {
    400: (BadRequest, "the server could not make sense of the request; check the arguments"),
    401: (Unauthorized, "the server does not accept the credential; tinkex doctor says where it is from"),
    402: (PaymentRequired, "billing is paused; settle the account, then go on"),
    403: (Forbidden, "this credential may not do that; ask the owner, or use another key"),
    404: (NotFound, "there is no such thing on this server, or it is somebody else's"),
    408: (RequestTimedOut, "the server gave up waiting; try again"),
    409: (Conflict, "it is so already, or the name is taken"),
    410: (PromiseExpired, "the server no longer has it; submit the work again"),
    413: (PayloadTooLarge, "the body is larger than the server takes; send less at once"),
    415: (UnsupportedEncoding, "the server does not read this encoding"),
    422: (Unprocessable, "a field of the request is wrong"),
    429: (RateLimited, "too many requests; slow down"),
    501: (ServerFault, "the server can't do this yet; ask for something else"),
}
_FAULT = (ServerFault, "the server failed; try again later, and tell its operators if it goes on")
_UNEXPECTED = (UnexpectedStatus, "nothing in the protocol gives this status a meaning; is the address right?")
_ENDED = "a signed address serves for a while, and gets no credential; ask for a new one"
_EXCERPT = 200
_ADDRESS = re.compile(r"https?:\\?/[^\s\"'<>]*")
_OF_ADDRESSES: dict[int, str] = dict.fromkeys((400, 401, 403, 404, 410), _ENDED)
"""What to do where an address outside the service is refused: the credential has nothing to do with it."""


def interpret(request: Request[T], reply: Reply) -> Outcome[T]:
    """The value that a reply holds, or the error that it is."""
    if reply.status not in _ANSWERED and reply.status not in request.returns.statuses:
        return Failure(status_error(request, reply))
    read = request.returns.read(reply)
    return Failure(_undecodable(request, reply, read.failure())) if isinstance(read, Failure) else read


def status_error(request: AnyRequest, reply: Reply) -> TinkerError:
    """The error that a status stands for, in the server's words and with the remedy."""
    cause, usual = _CAUSES.get(reply.status, _FAULT if reply.status in _FAULTS else _UNEXPECTED)
    elsewhere = request.address is not None
    known = _OF_ADDRESSES.get(reply.status) if elsewhere else documented(request.operation, reply.status)
    missing = not elsewhere and replies.lacks_route(reply)
    remedy = _without(request, known, reply) if missing else known or usual
    place = f" [{request.endpoint}]" if cause is ServerFault and not missing else ""
    said = replies.explanation(reply.body)
    error = cause(
        message=f"{request.operation}: {said.detail or f'status {reply.status}'} ({remedy}){place}",
        endpoint=request.endpoint,
        request_id=reply.header("x-request-id"),
        status=reply.status,
        detail=said.detail,
        retry_after=retry_after(reply),
    )
    return structs.replace(error, fields=said.fields) if isinstance(error, Unprocessable) else error


def _without(request: AnyRequest, known: str | None, reply: Reply) -> str:
    """What to do where the server may not have the endpoint; a 404 may also have the meaning that is documented."""
    way_on = instead(request.operation)
    if reply.status != _NOT_FOUND or known is None:
        return f"this server doesn't offer {request.endpoint}; {way_on}"
    return f"{known}; or this server doesn't offer {request.endpoint}: {way_on}"


def retry_after(reply: Reply) -> float | None:
    """The seconds that the server asks to wait: `Retry-After-Ms`, or `Retry-After` as seconds or as a date."""
    milliseconds = _number(reply.header("retry-after-ms"))
    if milliseconds is not None:
        return milliseconds / 1000
    wish = reply.header("retry-after")
    seconds = _number(wish)
    return seconds if seconds is not None else _until(wish, reply)


def _number(text: str | None) -> float | None:
    try:
        number = float(text or "")
    except ValueError:
        return None
    return number if 0 <= number < inf else None


def _until(date: str | None, reply: Reply) -> float | None:
    """Seconds until that date; a past date is now."""
    due = http_date(date)
    return None if due is None else max(0.0, due.timestamp() - unix_time(reply))


def unix_time(reply: Reply) -> float:
    """When it was written by the server's own clock, whatever the one here shows; when it arrived if it doesn't say."""
    date = http_date(reply.header("date"))
    return reply.at if date is None else date.timestamp()


def _shown(address: re.Match[str]) -> str:
    """An address in an answer may be a signed one."""
    return Address(address[0]).shown


def _undecodable(request: AnyRequest, reply: Reply, reason: str) -> Undecodable:
    return Undecodable(
        message=f"{request.operation}: the answer can't be read ({reason}); is this address a Tinker server?",
        endpoint=request.endpoint,
        request_id=reply.header("x-request-id"),
        excerpt=_ADDRESS.sub(_shown, reply.body[:_EXCERPT].decode("utf-8", "replace")),
    )
