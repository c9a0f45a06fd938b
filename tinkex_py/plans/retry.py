"""One request, repeated while that may help: the only retry layer there is. Pure.

Delays double from `first` to `longest` seconds, times 0.75-1.0. A server's Retry-After wins, unjittered, and ends the
operation at once when it exceeds the time that is left. `x-should-retry` wins over the status. Work that may wait for
an unpaid bill pauses on a 402 instead of failing.
"""

from __future__ import annotations

from math import inf
from typing import TypeVar

from msgspec import Struct, structs
from returns.result import Failure, Success

from tinkex_py.errors import (
    ConnectionFailed,
    DeadlineExceeded,
    PaymentRequired,
    RequestCause,
    RequestTimedOut,
    ResponseTooLarge,
    ServerFault,
    StatusCause,
    TinkerError,
    TransportError,
    Undecodable,
)
from tinkex_py.events import Paused, ReplyReceived, RequestBroken, RequestSent, RetryScheduled
from tinkex_py.interpret import interpret
from tinkex_py.outcome import Outcome
from tinkex_py.plans.effects import (
    Deadline,
    Expired,
    Observe,
    Plan,
    Send,
    Unready,
    arrived,
    halt,
    now,
    observe,
    random_bits,
    require,
    scoped,
    sleep,
)
from tinkex_py.request import AnyRequest, Pairs, Repeat, Reply, Request

T = TypeVar("T")

_NOT_IMPLEMENTED = 501
"""No accident: what the server doesn't offer it doesn't offer a second later either."""
_FAULTS = range(500, 600)
_PROXIES = 16
"""How often an empty 400 is taken for a proxy's."""


class Policy(Struct, frozen=True, gc=False, kw_only=True):
    """How often a request is sent at most (None: as often as time allows), and how many seconds it may take in all."""

    seconds: float
    attempts: int | None = 11
    first: float = 0.5
    longest: float = 10.0
    jitter: float = 0.25
    repeat: Repeat | None = None
    """What may be repeated, in the place of what the request itself says."""
    connecting: float = 0.0
    """Seconds to keep for a connection: where nothing was sent yet, no attempt is begun that time may cut before it."""


IMPATIENCE = Policy(seconds=inf, first=0.02, longest=1.0)
"""How soon to ask again a server that doesn't hold questions until there is something to tell."""
STANDSTILL = 1.0
"""A deadline that is noticed this many seconds late: the process was stopped, as by Ctrl-Z, and saw no answers."""
HELD = 0.5
"""A question that was open for this many seconds was held by the server."""


class Billing(Struct):
    """A pause because of an unpaid bill: 402s from `first` to `last` on the plans' clock, for `longest` s at most."""

    longest: float = 3600.0
    first: float = -inf
    last: float = -inf

    def pause(self, at: float) -> float | None:
        """Seconds to wait after a 402; None when that has been too long. The pause begins anew after 5 min without."""
        self.first = at if at - self.last > _SETTLED else self.first
        self.last = at
        return _PAUSE if at - self.first < self.longest else None


class Tally(Struct):
    """What happened since `begun`, on the plans' clock, for the error that may come.

    `doubtful` says that the server may have carried out an attempt although its answer doesn't say so. `asking` is
    whether an attempt is under way.
    """

    begun: float = 0.0
    attempts: int = 0
    pauses: int = 0
    last: TinkerError | None = None
    doubtful: bool = False
    asking: bool = False

    def note(self, error: TinkerError) -> None:
        """An attempt ended with this."""
        self.last = error
        self.doubtful = self.doubtful or _is_doubtful(error)

    @property
    def unsent(self) -> bool:
        """Whether there was no connection, and nothing before it that the server may have carried out."""
        return not self.doubtful and isinstance(self.last, ConnectionFailed)


def call(
    request: Request[T],
    policy: Policy,
    *,
    billing: Billing | None = None,
    headers: Pairs | None = None,
    tally: Tally | None = None,
) -> Plan[T]:
    """The value of the request's answer; it is sent again, under one idempotency key, while the policy allows.

    With `billing` a 402 is a pause. `headers` are those of an earlier call that this one goes on with. `tally` is
    kept by who wants to know how it went.
    """
    tally = tally or Tally()
    tally.begun = yield from now()
    named = (yield from identity(request)) if headers is None else headers
    allowed = _allowed(request, policy)
    while True:
        answer = yield Deadline(policy.seconds, _repeat(allowed, named, policy, billing, tally))
        if not isinstance(answer, Expired):
            outcome: Outcome[T] = scoped(answer)
            return (yield from require(outcome))
        tally.doubtful = tally.doubtful or tally.asking
        ended = yield from now()
        late = ended - tally.begun - max(answer.seconds, 0.0)
        if not (late >= STANDSTILL and allowed.repeat.connection):
            return (yield from halt(_overdue(request, answer.seconds, tally)))
        tally.begun = ended


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
        return interpret(request, answer), may_repeat(request, answer) or _from_a_proxy(request, answer, attempt)
    return Failure(answer), isinstance(answer, ConnectionFailed) and request.repeat.connection


def answered(request: AnyRequest, headers: Pairs, attempt: int = 1) -> Plan[Reply | TransportError]:
    """One attempt that observers see: its answer, not yet interpreted."""
    begun = yield from now()
    operation, endpoint = request.operation, request.endpoint
    yield Observe(RequestSent(operation=operation, endpoint=endpoint, attempt=attempt))
    found = yield Send(request, (*headers, ("x-stainless-retry-count", str(attempt - 1))))
    elapsed = (yield from now()) - begun
    if isinstance(found, Unready):
        yield Observe(RequestBroken(operation=operation, endpoint=endpoint, error=found.error, elapsed=elapsed))
    answer = yield from arrived(found)
    if isinstance(answer, Reply):
        yield Observe(ReplyReceived(operation=operation, endpoint=endpoint, status=answer.status, elapsed=elapsed))
    else:
        yield Observe(RequestBroken(operation=operation, endpoint=endpoint, error=answer, elapsed=elapsed))
    return answer


def may_repeat(request: AnyRequest, reply: Reply) -> bool:
    """Whether that answer may be another one next time: the server's own word, or its status."""
    wish = reply.header("x-should-retry")
    fault = reply.status in _FAULTS and reply.status != _NOT_IMPLEMENTED
    if wish == "true" or (wish == "false" and not (request.repeat.insisting and fault)):
        return wish == "true"
    return reply.status in request.repeat.statuses or (request.repeat.faults and fault)


def _from_a_proxy(request: AnyRequest, reply: Reply, attempt: int) -> bool:
    """Whether a proxy answered, whose connection to the server broke: a server says what is bad about a request."""
    return reply.status == 400 and not reply.body and request.repeat.connection and attempt <= _PROXIES


def delay_before(policy: Policy, attempt: int, error: TinkerError) -> Plan[float]:
    """Seconds to wait after that attempt: the server's wish, unless that is "at once", or the policy's own."""
    if isinstance(error, StatusCause) and error.retry_after:
        return heeded(error.retry_after)
    share = (yield from random_bits()) / 2**64
    return backoff(policy, attempt) * (1 - policy.jitter * share)


def heeded(wish: float) -> float:
    """A server's wish in seconds, or a moment if it wishes for less: it would be asked thousands of times."""
    return max(wish, IMPATIENCE.first)


def backoff(policy: Policy, attempt: int) -> float:
    """The policy's delay after that attempt, before jitter."""
    return min(policy.first * 2.0 ** min(attempt - 1, 60), policy.longest)


def after(error: TinkerError, attempts: int, elapsed: float) -> TinkerError:
    """The error with what it took to find out."""
    if isinstance(error, RequestCause):
        return structs.replace(error, attempts=attempts, elapsed=elapsed)
    return error


def paused(operation: str, error: PaymentRequired, billing: Billing) -> Plan[float | None]:
    """Seconds to wait until the bill may be paid, which observers are told; None when that has been too long."""
    seconds = billing.pause((yield from now()))
    if seconds is None:
        return None
    delay = max(seconds, error.retry_after or 0.0)
    yield from observe(Paused(operation=operation, reason="billing", seconds=delay, error=error))
    return delay


def _allowed(request: Request[T], policy: Policy) -> Request[T]:
    return request if policy.repeat is None else structs.replace(request, repeat=policy.repeat)


def _repeat(request: Request[T], headers: Pairs, policy: Policy, billing: Billing | None, tally: Tally) -> Plan[T]:
    while True:
        tally.attempts += 1
        tally.asking = True
        outcome, repeatable = yield from exchange(request, headers, tally.attempts)
        tally.asking = False
        if isinstance(outcome, Success):
            return outcome.unwrap()
        error = outcome.failure()
        if billing is not None and isinstance(error, PaymentRequired):
            tally.pauses += 1
            delay = yield from paused(request.operation, error, billing)
        else:
            delay = yield from _delay(policy, tally, error, repeatable=repeatable)
        elapsed = (yield from now()) - tally.begun
        error = after(error, tally.attempts, elapsed)
        tally.note(error)
        kept = policy.connecting if tally.unsent else 0.0
        if delay is None or elapsed + delay + kept >= policy.seconds:
            return (yield from halt(error))
        yield from _pause(request, tally.attempts, delay, error)


def _delay(policy: Policy, tally: Tally, error: TinkerError, *, repeatable: bool) -> Plan[float | None]:
    """Seconds to wait before another attempt; None when there is to be none."""
    tried = tally.attempts - tally.pauses
    if not repeatable or (policy.attempts is not None and tried >= policy.attempts):
        return None
    return (yield from delay_before(policy, tried, error))


def _pause(request: AnyRequest, attempt: int, delay: float, error: TinkerError) -> Plan[None]:
    yield from observe(
        RetryScheduled(
            operation=request.operation, endpoint=request.endpoint, attempt=attempt, delay=delay, error=error
        )
    )
    yield from sleep(delay)


def _is_doubtful(error: TinkerError) -> bool:
    """Whether the server may have carried out what it did not answer, or answered with a fault."""
    match error:
        case ConnectionFailed(sent=sent):
            return sent
        case ServerFault(status=status):
            return status != _NOT_IMPLEMENTED
        case RequestTimedOut() | ResponseTooLarge() | Undecodable():
            return True
        case _:
            return False


def _overdue(request: AnyRequest, seconds: float, tally: Tally) -> TinkerError:
    """What ended the time: the connection if that failed last, else that it is over."""
    if isinstance(tally.last, ConnectionFailed):
        return after(tally.last, tally.attempts, seconds)
    said = "" if tally.last is None else f"; the last said: {tally.last.message}"
    tried = f"{tally.attempts} attempt{'' if tally.attempts == 1 else 's'}"
    return DeadlineExceeded(
        message=f"{request.operation}: no answer within {seconds:g} s ({tried}{said}); "
        "allow more time with timeout=, or look whether the server is well",
        endpoint=request.endpoint,
        attempts=tally.attempts,
        elapsed=seconds,
        seconds=seconds,
    )


_PAUSE = 5.0
"""Seconds between two questions whether a bill is paid."""
_SETTLED = 300.0
"""Seconds without a 402 after which the next one begins a new pause."""
