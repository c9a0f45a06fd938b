"""Signals that ask a program to end."""

from __future__ import annotations

import signal
from collections.abc import Callable, Generator
from contextlib import contextmanager
from types import FrameType

_HANGUP: signal.Signals | None = getattr(signal, "SIGHUP", None)
"""What comes of a closed terminal, where the platform has it."""


@contextmanager
def heard(handler: Callable[[int, FrameType | None], None]) -> Generator[None]:
    """Meanwhile the handler hears them, in the place of those that did; one from outside of Python can't come back."""
    before = {number: signal.signal(number, handler) for number in ending()}
    try:
        yield
    finally:
        for number, earlier in before.items():
            _ = signal.signal(number, signal.SIG_DFL if earlier is None else earlier)


def ending() -> tuple[signal.Signals, ...]:
    """Those that are to be heard: a hangup that is ignored stays so, as `nohup` wants it."""
    if _HANGUP is None or signal.getsignal(_HANGUP) is signal.SIG_IGN:
        return signal.SIGINT, signal.SIGTERM
    return signal.SIGINT, signal.SIGTERM, _HANGUP
