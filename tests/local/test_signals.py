"""Signals that ask a program to end are heard for a while, and then as before."""

from __future__ import annotations

import signal

from tinkex_py.local.signals import ending, heard


def test_a_handler_hears_for_a_while_what_asks_a_program_to_end() -> None:
    before = [signal.getsignal(number) for number in ending()]
    noted: list[int] = []
    with heard(lambda number, _frame: noted.append(number)):
        for number in ending():
            signal.raise_signal(number)
    assert noted == list(ending())
    assert [signal.getsignal(number) for number in ending()] == before
