"""Effects go through a handler, wherever in a plan they are."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from returns.result import Failure, Success

from tests.plans.scripted import Script, reply
from tinkex_py.endpoints.service import get_server_capabilities
from tinkex_py.errors import Cancelled
from tinkex_py.plans.cells import Gate, Queue
from tinkex_py.plans.effects import (
    Answer,
    Effect,
    Plan,
    Send,
    attempt,
    deadline,
    halt,
    in_turn,
    send,
    shield,
    sleep,
    spawn,
    together,
    within,
)
from tinkex_py.plans.handling import handled
from tinkex_py.request import Reply

ERROR = Cancelled(message="c")


def asked() -> Plan[object]:
    return (yield from send(get_server_capabilities()))


def spawned() -> Plan[object]:
    yield from spawn(ignored())
    yield from sleep(1)
    return None


def ignored() -> Plan[None]:
    _ = yield from asked()


PLACES: dict[str, Callable[[], Plan[object]]] = {
    "itself": asked,
    "in an attempt": lambda: attempt(asked()),
    "within a deadline": lambda: deadline(5, asked(), lambda _: ERROR),
    "within a gate": lambda: within(Gate(1), 1, asked()),
    "in its turn": lambda: in_turn(Queue(), lambda _: asked()),
    "behind a shield": lambda: shield(asked()),
    "among others": lambda: together([asked()]),
    "in the background": spawned,
}


@pytest.mark.parametrize("place", PLACES.values(), ids=PLACES)
def test_an_effect_is_handled_that_is(place: Callable[[], Plan[object]]) -> None:
    seen: list[Effect] = []

    def handler(effect: Effect) -> Plan[Answer]:
        if not isinstance(effect, Send):
            return (yield effect)
        seen.append(effect)
        return reply(503)

    script = Script(reply(200))
    assert isinstance(script.run(handled(place(), handler)), Success)
    assert ([type(effect) for effect in seen], script.sent) == ([Send], [])


def test_the_handlers_answer_is_the_answer() -> None:
    def handler(effect: Effect) -> Plan[Answer]:
        yield from ()
        return reply(503) if isinstance(effect, Send) else None

    answer = Script(reply(200)).run(handled(asked(), handler)).unwrap()
    assert isinstance(answer, Reply)
    assert answer.status == 503


def test_a_handled_plan_ends_as_it_would() -> None:
    def handler(effect: Effect) -> Plan[Answer]:
        return (yield effect)

    assert Script(reply(200)).run(handled(halt(ERROR), handler)) == Failure(ERROR)
