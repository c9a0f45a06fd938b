"""Every way an operation can fail: one frozen struct per cause, closed under `TinkerError`. Pure.

Each struct's docstring begins with its HTTP status or the condition it stands for. `message` says what happened
and what to do next; the other fields are facts. Causes that concern a request carry `request_id` (the server's),
`endpoint` (`"POST /api/v1/optim_step"`), `attempts` (requests sent) and `elapsed` (seconds).
"""

from __future__ import annotations

from typing import Literal, TypeAlias

from msgspec import Struct

Category: TypeAlias = Literal["user", "server", "unknown"]
"""Who a failed promise blames: the request, the service, or nobody in particular."""


class Cause(Struct, frozen=True, kw_only=True):
    """What every error has: a sentence for a person."""

    message: str


class RequestCause(Cause, frozen=True, kw_only=True):
    """What errors of a request have besides."""

    request_id: str | None = None
    endpoint: str | None = None
    attempts: int = 0
    elapsed: float = 0.0


class StatusCause(RequestCause, frozen=True, kw_only=True):
    """What errors read from a status line have besides; `detail` is the server's own text."""

    status: int
    detail: str = ""
    retry_after: float | None = None


class BadRequest(StatusCause, frozen=True, kw_only=True, tag=True):
    """400: the server could not make sense of the request."""


class Unauthorized(StatusCause, frozen=True, kw_only=True, tag=True):
    """401: the credential is missing, malformed, expired or revoked."""


class PaymentRequired(StatusCause, frozen=True, kw_only=True, tag=True):
    """402: billing is paused; nothing runs until the account is settled."""


class Forbidden(StatusCause, frozen=True, kw_only=True, tag=True):
    """403: the credential is valid, but may not do this."""


class NotFound(StatusCause, frozen=True, kw_only=True, tag=True):
    """404: no such resource, or it belongs to somebody else."""


class RequestTimedOut(StatusCause, frozen=True, kw_only=True, tag=True):
    """408: the server gave up waiting."""


class Conflict(StatusCause, frozen=True, kw_only=True, tag=True):
    """409: the resource is already in that state, or the name or number is taken."""


class PromiseExpired(StatusCause, frozen=True, kw_only=True, tag=True):
    """410: the server no longer has this promise or session."""


class PayloadTooLarge(StatusCause, frozen=True, kw_only=True, tag=True):
    """413: the body is larger than the server takes."""


class UnsupportedEncoding(StatusCause, frozen=True, kw_only=True, tag=True):
    """415: the server does not read this content type or content encoding."""


class Unprocessable(StatusCause, frozen=True, kw_only=True, tag=True):
    """422: a field of the request is wrong; `fields` names those the server named."""

    fields: tuple[str, ...] = ()


class RateLimited(StatusCause, frozen=True, kw_only=True, tag=True):
    """429: too many requests; `retry_after` is the server's wish in seconds."""


class ServerFault(StatusCause, frozen=True, kw_only=True, tag=True):
    """5xx: the server failed."""


class UnexpectedStatus(StatusCause, frozen=True, kw_only=True, tag=True):
    """Any other status: nothing in the protocol gives it a meaning."""


class ConnectionFailed(RequestCause, frozen=True, kw_only=True, tag=True):
    """No answer: name resolution, TLS, connection, or the connection ended; `sent` is False when nothing left."""

    sent: bool = True


class RedirectRefused(RequestCause, frozen=True, kw_only=True, tag=True):
    """3xx: the redirect leaves the configured origin, or they form a circle; or the server gave no address of the web.

    The credential stays here.
    """

    location: str


class ResponseTooLarge(RequestCause, frozen=True, kw_only=True, tag=True):
    """The answer exceeds `limit` bytes; reading stopped there."""

    limit: int


class Undecodable(RequestCause, frozen=True, kw_only=True, tag=True):
    """2xx, but the body is not what the endpoint promises; `excerpt` shows its beginning."""

    excerpt: str = ""


class DeadlineExceeded(RequestCause, frozen=True, kw_only=True, tag=True):
    """The time allowed, `seconds`, was over before the operation was."""

    seconds: float


class Cancelled(RequestCause, frozen=True, kw_only=True, tag=True):
    """The promise was cancelled."""


class RequestFailed(RequestCause, frozen=True, kw_only=True, tag=True):
    """The server accepted the request and failed to carry it out; `category` says whose mistake it was."""

    category: Category = "unknown"


class OutOfSequence(RequestCause, frozen=True, kw_only=True, tag=True):
    """It can't be known whether `step` of the run was carried out, or only `taken`, a part of a batch, was.

    Go on from `checkpoint` if there is one.
    """

    step: int | None = None
    taken: tuple[int, ...] = ()
    checkpoint: str | None = None


class SessionEnded(RequestCause, frozen=True, kw_only=True, tag=True):
    """The server ended the session; make a new client."""


class ClientClosed(Cause, frozen=True, kw_only=True, tag=True):
    """The client was closed before this operation, or while it ran."""


class CapabilityMissing(Cause, frozen=True, kw_only=True, tag=True):
    """The server says that it can't do this: `capability` is what is missing, `available` what there is."""

    capability: str
    available: tuple[str, ...] = ()


class CircuitOpen(Cause, frozen=True, kw_only=True, tag=True):
    """The circuit breaker is open after repeated failures; one operation is let through in `retry_after` seconds."""

    retry_after: float


class InvalidInput(Cause, frozen=True, kw_only=True, tag=True):
    """An argument is unusable: `path` says where, `value` shows it; nothing was sent."""

    path: str
    value: str = ""


class CallbackFailed(Cause, frozen=True, kw_only=True, tag=True):
    """A function given by the caller raised; `callback` names it, `reason` is its exception's text."""

    callback: str
    reason: str


class MissingCredentials(Cause, frozen=True, kw_only=True, tag=True):
    """No API key: set TINKER_API_KEY, pass api_key=..., or use ServiceClient.local()."""


class InvalidConfig(Cause, frozen=True, kw_only=True, tag=True):
    """A setting is unusable: `setting` names the argument or environment variable."""

    setting: str
    value: str = ""


class ExtraMissing(Cause, frozen=True, kw_only=True, tag=True):
    """An optional package is not installed: `extra` is what to install (`pip install 'tinkex-py[local]'`)."""

    extra: str


class FileFailed(Cause, frozen=True, kw_only=True, tag=True):
    """A file can't be read or written; `path` names it, `line` the place when there is one."""

    path: str
    line: int | None = None


StatusError: TypeAlias = (
    BadRequest
    | Unauthorized
    | PaymentRequired
    | Forbidden
    | NotFound
    | RequestTimedOut
    | Conflict
    | PromiseExpired
    | PayloadTooLarge
    | UnsupportedEncoding
    | Unprocessable
    | RateLimited
    | ServerFault
    | UnexpectedStatus
)
"""Errors read from a status line."""

TransportError: TypeAlias = ConnectionFailed | RedirectRefused | ResponseTooLarge
"""Why a request got no usable reply."""

RequestError: TypeAlias = (
    StatusError
    | TransportError
    | Undecodable
    | DeadlineExceeded
    | Cancelled
    | RequestFailed
    | OutOfSequence
    | SessionEnded
)
"""Errors that carry `request_id`, `endpoint`, `attempts` and `elapsed`."""

LocalError: TypeAlias = (
    ClientClosed
    | CapabilityMissing
    | CircuitOpen
    | InvalidInput
    | CallbackFailed
    | MissingCredentials
    | InvalidConfig
    | ExtraMissing
    | FileFailed
)
"""Errors found on this side, with no request behind them."""

TinkerError: TypeAlias = RequestError | LocalError
"""Every error there is."""
