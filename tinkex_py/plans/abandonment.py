"""Samples that nobody wants any more: the server is told, where it asks to be. Pure."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable

from msgspec import Struct, field

from tinkex_py.endpoints.promises import cancel_future
from tinkex_py.plans.cells import Cell
from tinkex_py.plans.effects import Plan, attempt, spawn, together, wait_for
from tinkex_py.plans.retry import Policy, call
from tinkex_py.types.service import DynamicConfigResponse


class Abandonment(Struct, kw_only=True):
    """Promises that were given up. `wishes` asks the server for its wishes now; None when it has none."""

    wishes: Callable[[], Plan[DynamicConfigResponse]] | None = None
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


def _tell(abandonment: Abandonment, wishes: Callable[[], Plan[DynamicConfigResponse]]) -> Plan[None]:
    """As many at once as the server takes; what it doesn't want to know, or doesn't understand, is forgotten."""
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
