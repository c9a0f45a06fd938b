"""Which samples of a session are done, asked for all of them at once. Pure.

One question is under way for all who wait; it lists what was settled since the last one. When nobody waits any more, a
last question only tells the server what has arrived, so that it may forget that.
"""

from __future__ import annotations

from collections import OrderedDict

from msgspec import Struct, field
from returns.result import Failure, Success

from tinkex_py.endpoints.promises import retrieve_futures
from tinkex_py.errors import (
    BadRequest,
    Conflict,
    ConnectionFailed,
    PaymentRequired,
    RateLimited,
    RequestTimedOut,
    ServerFault,
    TinkerError,
)
from tinkex_py.plans.cells import Cell
from tinkex_py.plans.effects import Plan, attempt, now, sleep, spawn, wait_for
from tinkex_py.plans.retry import HELD, IMPATIENCE, Billing, Policy, backoff, call, paused
from tinkex_py.types.promises import Completion, Completions


class Watch(Struct, kw_only=True):
    """What is known of the promises of one sampling session, or of one block of its numbers."""

    sampling_session_id: str
    clone: int = 0
    cursor: int = 0
    waiting: dict[str, Cell[Completion | None]] = field(default_factory=dict[str, Cell[Completion | None]])
    early: OrderedDict[str, Completion] = field(default_factory=OrderedDict[str, Completion])
    """Promises that were settled before anybody waited for them."""
    fetched: set[str] = field(default_factory=set[str])
    running: bool = False
    bad_requests: int = 0
    empty: int = 0
    lost: bool = False
    """Whether the server can't be asked this way; everybody then asks for their own."""


def settled(watch: Watch, request_id: str, billing: Billing) -> Plan[Completion | None]:
    """What the server lists about a promise once it is settled; None when it has to be asked for it by itself."""
    if watch.lost or request_id in watch.early:
        return watch.early.pop(request_id, None)
    cell: Cell[Completion | None] = Cell()
    watch.waiting[request_id] = cell
    try:
        yield from _begin(watch, billing)
        return (yield from wait_for(cell))
    finally:
        _ = watch.waiting.pop(request_id, None)


def fetched(watch: Watch, request_id: str, billing: Billing) -> Plan[None]:
    """The result has arrived: the server is told with the next question, or with one of its own."""
    if not watch.lost:
        watch.fetched.add(request_id)
        yield from _begin(watch, billing)


def _begin(watch: Watch, billing: Billing) -> Plan[None]:
    if not watch.running:
        watch.running = True
        yield from spawn(_watch(watch, billing))


def _watch(watch: Watch, billing: Billing) -> Plan[None]:
    """Ask while anybody waits, then acknowledge what there is to acknowledge."""
    while not watch.lost and (watch.waiting or watch.fetched):
        asked = yield from now()
        told = tuple(watch.fetched)
        request = retrieve_futures(
            watch.sampling_session_id,
            cloned_sampler_id=watch.clone,
            prev_cursor=watch.cursor,
            retrieved_request_ids=told,
            acknowledge=not watch.waiting,
        )
        match (yield from attempt(call(request, Policy(seconds=_LONGEST, attempts=1)))):
            case Success(completions):
                watch.fetched.difference_update(told)
                _note(watch, completions)
                yield from _pace(watch, completions, (yield from now()) - asked)
            case Failure(error):
                yield from _recover(watch, error, billing)
    watch.running = False


def _pace(watch: Watch, completions: Completions, elapsed: float) -> Plan[None]:
    """The server holds a question until there is something to tell; one that doesn't is asked at growing intervals."""
    watch.bad_requests = 0
    watch.empty = 0 if completions.completions or elapsed >= HELD else watch.empty + 1
    if watch.empty and watch.waiting:
        yield from sleep(backoff(IMPATIENCE, watch.empty))


def _note(watch: Watch, completions: Completions) -> None:
    watch.cursor = completions.cursor
    for completion in completions.completions:
        cell = watch.waiting.pop(completion.request_id, None)
        if cell is None:
            watch.early[completion.request_id] = completion
        else:
            cell.fill(completion)
    while len(watch.early) > _REMEMBERED:
        _ = watch.early.popitem(last=False)


def _recover(watch: Watch, error: TinkerError, billing: Billing) -> Plan[None]:
    """Wait before asking again; where that can't help, let everybody ask for their own results."""
    delay = yield from _delay(watch, error, billing)
    if delay is None:
        _give_up(watch)
    elif watch.waiting:
        yield from sleep(delay)
    else:
        watch.fetched.clear()


def _give_up(watch: Watch) -> None:
    watch.lost = True
    for cell in tuple(watch.waiting.values()):
        cell.fill(None)


def _delay(watch: Watch, error: TinkerError, billing: Billing) -> Plan[float | None]:
    match error:
        case PaymentRequired():
            return (yield from paused("retrieve_futures", error, billing))
        case BadRequest():
            watch.bad_requests += 1
            return _PAUSE if watch.bad_requests <= _BAD_REQUESTS else None
        case ConnectionFailed():
            return _PAUSE
        case ServerFault(retry_after=wish) | RateLimited(retry_after=wish) | RequestTimedOut(retry_after=wish):
            return wish or _PAUSE
        case Conflict(retry_after=wish):
            return wish or _PAUSE
        case _:
            return None


_PAUSE = 1.0
_BAD_REQUESTS = 3
_LONGEST = 60.0
"""Seconds that one question may take in all."""
_REMEMBERED = 10_000
"""Settled promises that nobody waits for yet, or any more, that are remembered."""
