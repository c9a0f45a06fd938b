"""Observers see events in order; slow and failing ones harm nothing."""

from __future__ import annotations

import asyncio
import logging
import threading

import pytest

from tinkex_py.events import AnyEvent, EventsDropped, SessionOver
from tinkex_py.runtime.observing import Observatory


def event(number: int) -> AnyEvent:
    return SessionOver(session_id=str(number))


EVENTS = [event(number) for number in range(100)]


def test_every_observer_sees_every_event_in_order() -> None:
    first: list[AnyEvent] = []
    second: list[AnyEvent] = []

    async def awaited(seen: AnyEvent) -> None:
        await asyncio.sleep(0)
        second.append(seen)

    observatory = Observatory([first.append, awaited])
    for each in EVENTS:
        observatory.observe(each)
    observatory.close()
    assert (first, second, observatory.dropped) == (EVENTS, EVENTS, 0)


def test_a_failing_observer_harms_nothing_and_is_named_once(caplog: pytest.LogCaptureFixture) -> None:
    seen: list[AnyEvent] = []

    def failing(_: AnyEvent) -> None:
        raise ZeroDivisionError

    async def failing_later(_: AnyEvent) -> None:
        raise ZeroDivisionError

    observatory = Observatory([failing, failing_later, seen.append])
    with caplog.at_level(logging.ERROR, "tinkex_py"):
        for each in EVENTS:
            observatory.observe(each)
        observatory.close()
    assert (seen, observatory.failures, len(caplog.records)) == (EVENTS, 200, 1)
    assert "failing" in caplog.text


ENDINGS = (SystemExit, KeyboardInterrupt, GeneratorExit, asyncio.CancelledError)


@pytest.mark.parametrize("ending", ENDINGS)
def test_what_ends_a_program_elsewhere_does_not_end_the_watching(ending: type[BaseException]) -> None:
    seen: list[AnyEvent] = []

    def ending_now(_: AnyEvent) -> None:
        raise ending

    async def ending_later(_: AnyEvent) -> None:
        raise ending

    observatory = Observatory([ending_now, ending_later, seen.append])
    for each in EVENTS:
        observatory.observe(each)
    observatory.close()
    assert (seen, observatory.failures) == (EVENTS, 200)


@pytest.mark.parametrize("failure", [ZeroDivisionError, *ENDINGS])
def test_an_observer_that_fails_to_say_what_it_cares_for_harms_nothing(
    failure: type[BaseException], caplog: pytest.LogCaptureFixture
) -> None:
    seen: list[AnyEvent] = []

    class Unsure:
        def cares(self, _: AnyEvent) -> bool:
            raise failure

        def __call__(self, _: AnyEvent) -> None:
            pass

    observatory = Observatory([Unsure(), seen.append])
    with caplog.at_level(logging.ERROR, "tinkex_py"):
        for each in EVENTS:
            observatory.observe(each)
        observatory.close()
    assert (seen, observatory.failures, len(caplog.records)) == (EVENTS, 100, 1)
    assert "Unsure" in caplog.text


def test_what_a_slow_observer_cannot_take_is_dropped_counted_and_told() -> None:
    looking, go_on = threading.Event(), threading.Event()
    seen: list[AnyEvent] = []

    def slow(each: AnyEvent) -> None:
        seen.append(each)
        looking.set()
        go_on.wait(10)

    observatory = Observatory([slow], capacity=2)
    observatory.observe(event(0))
    looking.wait(10)
    for number in range(1, 6):
        observatory.observe(event(number))
    go_on.set()
    observatory.close()
    assert seen == [event(0), EventsDropped(count=3), event(1), event(2)]
    assert observatory.dropped == 3


def test_an_observer_that_hangs_does_not_hold_up_closing() -> None:
    looking, go_on = threading.Event(), threading.Event()

    def hanging(_: AnyEvent) -> None:
        looking.set()
        go_on.wait(30)

    before = set(threading.enumerate())
    observatory = Observatory([hanging], capacity=1, ending=0.05)
    observatory.observe(event(0))
    looking.wait(10)
    observatory.observe(event(1))
    observatory.close()
    assert not go_on.is_set()
    assert observatory.dropped == 1
    go_on.set()
    for thread in set(threading.enumerate()) - before:
        thread.join()


def test_the_thread_ends_with_the_event_that_held_up_closing() -> None:
    looking, go_on = threading.Event(), threading.Event()
    seen: list[AnyEvent] = []

    def hanging(each: AnyEvent) -> None:
        seen.append(each)
        looking.set()
        go_on.wait(30)

    before = set(threading.enumerate())
    observatory = Observatory([hanging], ending=0.05)
    observatory.observe(event(0))
    looking.wait(10)
    for each in EVENTS[1:]:
        observatory.observe(each)
    observatory.close()
    go_on.set()
    for thread in set(threading.enumerate()) - before:
        assert thread.daemon
        thread.join()
    assert (seen, observatory.dropped) == ([event(0)], 99)


class Picky(list[AnyEvent]):
    def cares(self, each: AnyEvent) -> bool:
        return each == event(3)

    def __call__(self, each: AnyEvent) -> None:
        self.append(each)


def test_what_nobody_cares_for_goes_no_further() -> None:
    picky = Picky()
    observatory = Observatory([picky])
    for each in EVENTS:
        observatory.observe(each)
    observatory.close()
    assert picky == [event(3)]


def test_nobody_gets_what_only_others_care_for() -> None:
    picky, seen = Picky(), list[AnyEvent]()
    observatory = Observatory([picky, seen.append])
    for each in EVENTS:
        observatory.observe(each)
    observatory.close()
    assert (picky, seen) == ([event(3)], EVENTS)


def test_without_observers_there_is_no_thread() -> None:
    before = threading.active_count()
    observatory = Observatory([])
    observatory.observe(event(0))
    observatory.close()
    assert threading.active_count() == before
