"""What is made once is there for whoever asks, whatever others are in the middle of."""

from __future__ import annotations

import threading

from tinkex_py.types.once import made_once


class Slow:
    def __init__(self) -> None:
        self.begun, self.ended = threading.Event(), threading.Event()
        self.ended_in_time: list[bool] = []

    @made_once
    def value(self) -> object:
        """An object of its own."""
        self.begun.set()
        self.ended_in_time.append(self.ended.wait(10))
        return object()


def test_it_is_made_when_it_is_first_read_and_kept() -> None:
    slow = Slow()
    slow.ended.set()
    assert slow.ended_in_time == []
    assert slow.value is slow.value
    assert slow.ended_in_time == [True]
    assert Slow.value.__doc__ == "An object of its own."


def test_one_is_made_while_another_thread_makes_one_of_another_instance() -> None:
    """As it has to be in a process that was forked off meanwhile, where that thread never ends."""
    first, second = Slow(), Slow()
    second.ended.set()
    making = threading.Thread(target=lambda: first.value)
    making.start()
    assert first.begun.wait(10)
    assert second.value is second.value
    first.ended.set()
    making.join()
    assert first.ended_in_time == [True]


def test_two_threads_that_make_it_at_once_get_the_same() -> None:
    slow = Slow()
    got: list[object] = []
    making = threading.Thread(target=lambda: got.append(slow.value))
    making.start()
    assert slow.begun.wait(10)
    slow.ended.set()
    got.append(slow.value)
    making.join()
    assert got[0] is got[1]
