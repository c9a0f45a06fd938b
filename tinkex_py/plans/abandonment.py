"""Samples that nobody wants any more: the server is told, where it asks to be. Pure."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable
from functools import partial
from typing import TypeVar

from msgspec import Struct, field
from returns.result import Success

from tinkex_py.endpoints.promises import cancel_future
from tinkex_py.interpret import interpret
from tinkex_py.plans.cells import Cell
from tinkex_py.plans.effects import Answer, Effect, Plan, Send, Shield, attempt, spawn, together, wait_for
from tinkex_py.plans.handling import handled
from tinkex_py.plans.retry import Policy, call
from tinkex_py.request import AnyRequest, Reply
from tinkex_py.types.promises import Promised
from tinkex_py.types.service import DynamicConfigResponse

T = TypeVar("T")


class Abandonment(Struct, kw_only=True):
    """Promises that were given up. `wishes` asks the server for its wishes now, None when it has none; `known` are
    those it had when last asked, None until then.
    """

    wishes: Callable[[], Plan[DynamicConfigResponse]] | None = None
    known: Callable[[], DynamicConfigResponse | None] = DynamicConfigResponse
    given_up: deque[str] = field(default_factory=deque[str])
    noted: Cell[None] = field(default_factory=Cell[None])
    running: bool = False

    def give_up(self, request_id: str) -> None:
        """Nobody wants this any more; the server is told in the background."""
        if self.running:
            self.given_up.append(request_id)
            self.noted.fill(None)


def attend(abandonment: Abandonment) -> Plan[None]:
    """From now on tell the server what is given up, if it wants to know."""
    if abandonment.wishes is not None and not abandonment.running:
        abandonment.running = True
        yield from spawn(_tell(abandonment, abandonment.wishes))


def heard_out(abandonment: Abandonment, submission: Plan[T]) -> Plan[T]:
    """The submission's value. If it is stopped in the middle of an exchange, the answer is heard all the same, so that
    what the server promises in it can be given up.

    That takes a task for each exchange, so it is done for servers only that want to know, or may turn out to.
    """
    known = abandonment.known()
    if not abandonment.running or (known is not None and not known.sample_cancel_enabled):
        return submission
    return handled(submission, partial(_heard_out, abandonment))


class _Hearing(Struct):
    """An exchange, its answer, and whether anybody still waits for that."""

    request: AnyRequest
    answer: Answer = None
    wanted: bool = True


def _heard_out(abandonment: Abandonment, effect: Effect) -> Plan[Answer]:
    if not isinstance(effect, Send):
        return (yield effect)
    hearing = _Hearing(effect.request)
    try:
        yield Shield(_hear(abandonment, effect, hearing))
    except GeneratorExit:
        hearing.wanted = False
        _let_go(abandonment, hearing)
        raise
    return hearing.answer


def _hear(abandonment: Abandonment, effect: Send, hearing: _Hearing) -> Plan[None]:
    hearing.answer = yield effect
    _let_go(abandonment, hearing)


def _let_go(abandonment: Abandonment, hearing: _Hearing) -> None:
    """Give up what the server promised, once it is known that it did and that nobody waits for it."""
    if not hearing.wanted and isinstance(hearing.answer, Reply):
        match interpret(hearing.request, hearing.answer):
            case Success(Promised(request_id=request_id)):
                abandonment.give_up(request_id)
            case _:
                pass


def _tell(abandonment: Abandonment, wishes: Callable[[], Plan[DynamicConfigResponse]]) -> Plan[None]:
    """Tell the server, as much at once as it takes; what it doesn't want to know or doesn't understand is forgotten."""
    while True:
        yield from wait_for(abandonment.noted)
        abandonment.noted = Cell()
        while abandonment.given_up:
            wish = (yield from attempt(wishes())).value_or(_NO_WISHES)
            batch = [abandonment.given_up.popleft() for _ in range(min(_size(wish), len(abandonment.given_up)))]
            if wish.sample_cancel_enabled:
                _ = yield from together([call(cancel_future(request_id), _POLICY) for request_id in batch])


def _size(wish: DynamicConfigResponse) -> int:
    return max(1, wish.sample_cancel_max_batch_size)


_NO_WISHES = DynamicConfigResponse()
_POLICY = Policy(seconds=60)
