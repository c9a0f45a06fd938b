"""Signals that ask a training to end: noted, so that what it has learned can be saved first."""

from __future__ import annotations

import signal
from collections.abc import Generator
from contextlib import contextmanager
from types import FrameType

from tinkex_py.local.signals import heard


class Interrupts:
    """Ctrl-C, SIGTERM and SIGHUP are only noted at first; a Ctrl-C after that is a KeyboardInterrupt.

    A second SIGTERM or SIGHUP changes nothing: `timeout` sends two at once, and a terminal that is closed may too.
    """

    def __init__(self) -> None:
        self.status = 0
        """What the command ends with, as shells have it: 128 and the first signal's number; 0 while there was none."""

    def note(self, number: int, _frame: FrameType | None) -> None:
        """One of these signals came."""
        again, self.status = self.status, self.status or 128 + number
        if again and number == signal.SIGINT:
            raise KeyboardInterrupt


@contextmanager
def interrupts_noted() -> Generator[Interrupts]:
    """What came meanwhile."""
    interrupts = Interrupts()
    with heard(interrupts.note):
        yield interrupts
