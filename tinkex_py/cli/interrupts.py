"""Signals that ask a training to end: noted, so that what it has learned can be saved first."""

from __future__ import annotations

import signal
from types import FrameType, TracebackType
from typing import Self

from tinkex_py.local.signals import ending


class Interrupts:
    """Ctrl-C, SIGTERM and SIGHUP are only noted at first; a Ctrl-C after that is a KeyboardInterrupt.

    Another of the others changes nothing: `timeout` sends two at once, a terminal that is closed may too.
    """

    def __init__(self) -> None:
        self.status = 0
        """What the command ends with, as shells have it: 128 and the first signal's number; 0 while there was none."""
        self._before = {number: signal.getsignal(number) for number in ending()}

    def __enter__(self) -> Self:
        for number in self._before:
            _ = signal.signal(number, self._note)
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        for number, handler in self._before.items():
            _ = signal.signal(number, handler)

    def _note(self, number: int, _frame: FrameType | None) -> None:
        again, self.status = self.status, self.status or 128 + number
        if again and number == signal.SIGINT:
            raise KeyboardInterrupt
