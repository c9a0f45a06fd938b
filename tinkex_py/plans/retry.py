"""One request, repeated while that may help: the only retry layer there is. Pure.

Delays double from `first` to `longest` seconds, times 0.75-1.0. A server's Retry-After wins, unjittered, and ends the
operation at once when it exceeds the time that is left. `x-should-retry` wins over the status.
"""

from __future__ import annotations

from typing import TypeVar

from msgspec import Struct, structs
from returns.result import Failure, Success

from tinkex_py.errors import (
    ConnectionFailed,
    DeadlineExceeded,
    RequestCause,
    StatusCause,
    TinkerError,
    TransportError,
)
from tinkex_py.events import ReplyReceived, RequestBroken, RequestSent, RetryScheduled
from tinkex_py.interpret import interpret
from tinkex_py.outcome import Outcome
from tinkex_py.plans.effects import Plan, deadline, halt, now, observe, random_bits, send, sleep
from tinkex_py.request import AnyRequest, Pairs, Reply, Request

T = TypeVar("T")


class Policy(Struct, frozen=True, kw_only=True):
    """How often a request is sent at most (None: as often as time allows), and how many seconds it may take in all."""

    seconds: float
    attempts: int | None = 11
    first: float = 0.5
    longest: float = 10.0
    jitter: float = 0.25


class Tally(Struct):
    """What happened so far, for the error that may come."""

    attempts: int = 0
    last: TinkerError | None = None


def call(request: Request[T], policy: Policy) -> Plan[T]:
    """The value of the request's answer; it is sent again, under one idempotency key, while the policy allows."""
    begun = yield from now()
    headers = yield from identity(request)
    tally = Tally()

    def expired(seconds: float) -> TinkerError:
        return _overdue(request, seconds, tally)

    return (yield from deadline(policy.seconds, _repeat(request, headers, policy, begun, tally), expired))


def identity(request: AnyRequest) -> Plan[Pairs]:
    """The header by which a server recognizes the repetition of a command."""
    if request.method == "GET":
        return ()
    first = yield from random_bits()
    second = yield from random_bits()
    return (("x-idempotency-key", f"tinkex-py-{first:016x}{second:016x}"),)


def exchange(request: Request[T], headers: Pairs, attempt: int) -> Plan[tuple[Outcome[T], bool]]:
    """One attempt: its outcome, and whether another may help."""
    answer = yield from answered(request, headers, attempt)
    if isinstance(answer, Reply):
        return interpret(request, answer), may_repeat(request, answer)
    return Failure(answer), isinstance(answer, ConnectionFailed) and request.repeat.connection


def answered(request: AnyRequest, headers: Pairs, attempt: int = 1) -> Plan[Reply | TransportError]:
    """One attempt that observers see: its answer, not yet interpreted."""
    begun = yield from now()
    yield from observe(RequestSent(operation=request.operation, endpoint=request.endpoint, attempt=attempt))
    answer = yield from send(request, (*headers, ("x-stainless-retry-count", str(attempt - 1))))
    elapsed = (yield from now()) - begun
    if isinstance(answer, Reply):
        yield from observe(
            ReplyReceived(operation=request.operation, endpoint=request.endpoint, status=answer.status, elapsed=elapsed)
        )
    else:
        yield from observe(
            RequestBroken(operation=request.operation, endpoint=request.endpoint, error=answer, elapsed=elapsed)
        )
    return answer


def may_repeat(request: AnyRequest, reply: Reply) -> bool:
    """Whether that answer may be another one next time: the server's own word, or its status."""
    wish = reply.header("x-should-retry")
    if wish in {"true", "false"}:
        return wish == "true"
    return reply.status in request.repeat.statuses or (request.repeat.faults and reply.status >= 500)


def delay_before(policy: Policy, attempt: int, error: TinkerError) -> Plan[float]:
    """Seconds to wait after that attempt: the server's wish, or the policy's own."""
    if isinstance(error, StatusCause) and error.retry_after is not None:
        return error.retry_after
    share = (yield from random_bits()) / 2**64
    return backoff(policy, attempt) * (1 - policy.jitter * share)


def backoff(policy: Policy, attempt: int) -> float:
    """The policy's delay after that attempt, before jitter."""
    return min(policy.first * 2.0 ** min(attempt - 1, 60), policy.longest)


def after(error: TinkerError, attempts: int, elapsed: float) -> TinkerError:
    """The error with what it took to find out."""
    if isinstance(error, RequestCause):
        return structs.replace(error, attempts=attempts, elapsed=elapsed)
    return error


def _repeat(request: Request[T], headers: Pairs, policy: Policy, begun: float, tally: Tally) -> Plan[T]:
    while True:
        tally.attempts += 1
        outcome, repeatable = yield from exchange(request, headers, tally.attempts)
        match outcome:
            case Success(value):
                return value
            case Failure(error):
                elapsed = (yield from now()) - begun
                tally.last = after(error, tally.attempts, elapsed)
                delay = yield from delay_before(policy, tally.attempts, error)
                exhausted = policy.attempts is not None and tally.attempts >= policy.attempts
                if not repeatable or exhausted or elapsed + delay >= policy.seconds:
                    return (yield from halt(tally.last))
                yield from _pause(request, tally.attempts, delay, tally.last)


def _pause(request: AnyRequest, attempt: int, delay: float, error: TinkerError) -> Plan[None]:
    yield from observe(
        RetryScheduled(
            operation=request.operation, endpoint=request.endpoint, attempt=attempt, delay=delay, error=error
        )
    )
    yield from sleep(delay)


def _overdue(request: AnyRequest, seconds: float, tally: Tally) -> DeadlineExceeded:
    last = "" if tally.last is None else f"; the last said: {tally.last.message}"
    return DeadlineExceeded(
        message=f"{request.operation}: no answer within {seconds:g} s ({tally.attempts} attempts{last}); "
        "allow more time with timeout=, or look whether the server is well",
        endpoint=request.endpoint,
        attempts=tally.attempts,
        elapsed=seconds,
        seconds=seconds,
    )
